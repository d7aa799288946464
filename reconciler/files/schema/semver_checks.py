"""Checks the semantic versions in a model's file, and the aliases that follow them."""

from collections.abc import Iterator

from reconciler.core.declaring.semantic_versions import (
    SEMVER_TAG,
    is_major_alias,
    names_major,
    parse_semver,
)
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field, aliases
from reconciler.files.messages import Complaint
from reconciler.files.schema.model_schema import ModelFile
from reconciler.files.schema.name_rules import quoted

_ANY_MAJOR = Field("alias", None, "major-1")


def semvers_hold(file: ModelFile, settings: Settings | None) -> Iterator[Complaint]:
    """Report a number that two versions have, and the tag `semver` beside the key, or ignored."""
    first: dict[str, str] = {}
    for version, entry in file.get("versions", {}).items():
        if "semver" not in entry:
            continue
        path = ("versions", version, "semver")
        holder = first.setdefault(entry["semver"], version)
        if holder != version:
            yield Complaint(
                path,
                f"version {holder} has the semantic version {entry['semver']} already",
                "a number stands for one version: give this one another number",
            )
        if SEMVER_TAG in entry.get("tags", {}):
            yield Complaint(
                ("versions", version, "tags", SEMVER_TAG),
                f"tag `{SEMVER_TAG}` is written by `semver`",
                "remove the tag: `semver` sets it for this version",
                at_key=True,
            )
        if settings is not None and settings.ignore.field(Field("tag", int(version), SEMVER_TAG)):
            yield Complaint(
                path,
                f"tag `{SEMVER_TAG}`, which `semver` writes, is ignored by `ignore.tags`",
                "remove `semver`, or do not ignore the tag",
                at_key=True,
            )


def major_aliases_can_be(settings: Settings) -> Iterator[Complaint]:
    """Report `aliases_from_semver` where the aliases are ignored."""
    if settings.aliases_from_semver and settings.ignore.field(_ANY_MAJOR):
        yield Complaint(
            ("aliases_from_semver",),
            "aliases like `major-1` are ignored by `ignore.aliases`",
            "do not ignore them, or remove `aliases_from_semver`",
        )


def major_aliases_hold(
    file: ModelFile, declaration: Declaration, settings: Settings | None
) -> Iterator[Complaint]:
    """Report an alias like `major-2` that is not where `aliases_from_semver` keeps it."""
    if settings is None or not settings.aliases_from_semver:
        return
    for version, entry in file.get("versions", {}).items():
        number = entry.get("semver")
        for index, alias in enumerate(entry.get("aliases", ())):
            if is_major_alias(alias) and not names_major(alias, number):
                has = f"has the semantic version {number}" if number else "has no `semver`"
                yield Complaint(
                    ("versions", version, "aliases", index),
                    f"alias {quoted(alias)} is on version {version}, which {has}",
                    "`aliases_from_semver` keeps it on the newest version of its number: "
                    "move it there",
                )
    yield from _serving_is_named(file, declaration, settings)


def _serving_is_named(
    file: ModelFile, declaration: Declaration, settings: Settings
) -> Iterator[Complaint]:
    serving = settings.serving.of(declaration.model, declaration)
    named = aliases(declaration.fields)
    serves = serving.versions(declaration.fields)
    for version, entry in file.get("versions", {}).items():
        if int(version) not in serves or "semver" not in entry:
            continue
        alias = parse_semver(entry["semver"]).alias
        if named.get(alias) == int(version):
            continue
        where = f"is on version {named[alias]}" if alias in named else "is on no version"
        held = ", ".join((*entry.get("aliases", ()), alias))
        yield Complaint(
            ("versions", version, "semver"),
            f"version {version} serves ({serving}) with the semantic version {entry['semver']}, "
            f"and alias {quoted(alias)} {where}",
            f"write `aliases: [{held}]` for version {version}"
            + (f" and take it from version {named[alias]}" if alias in named else "")
            + ", as `reconciler promote` does",
            at_key=True,
        )
