"""Chooses the semantic version of a version that is promoted, and says why."""

from dataclasses import dataclass, replace
from shlex import quote

from reconciler.core.declaring.implied import complete
from reconciler.core.declaring.semantic_versions import (
    FIRST_SEMVER,
    DeclaredSemvers,
    SemanticVersion,
    parse_semver,
    semvers,
)
from reconciler.core.declaring.semver_level import NeededLevel
from reconciler.core.parse_error import ParseError
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, stages
from reconciler.errors import Refused, UsageError

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class SemverChoice:
    """The number of a version, and why it is that one."""

    number: SemanticVersion
    why: str


@dataclass(frozen=True, slots=True)
class Displaced:
    """The version that a promotion displaces, with its number."""

    version: int
    number: SemanticVersion


def displaced(
    before: Declaration, version: int, stage: str | None, settings: Settings
) -> Displaced | int | None:
    """Return what a promotion displaces: what serves, else who is in its stage.

    Without a semantic version it is only the version; None where it displaces nothing.
    """
    serves = settings.serving.of(before.model, before).versions(before.fields) - {version}
    held = {v for v, where in stages(before.fields).items() if where == stage} - {version}
    found = max(serves or held, default=None)
    text = semvers(before).get(found or 0)
    return found if found is None or text is None else Displaced(found, parse_semver(text))


def check_semver(before: Declaration, version: int, wanted: str) -> None:
    """Raise `UsageError` for a text that is no number, or that of another version.

    Raise `Refused` where the version has another number.
    """
    if wanted == AUTO:
        return
    try:
        parse_semver(wanted)
    except ParseError as error:
        hint = f"write `--semver auto`, or {error.hint.removeprefix('write ')}"
        raise UsageError(f"`--semver {wanted}`: {error.rule}", hint=hint) from error
    numbers = semvers(before)
    own = numbers.get(version, wanted)
    if own != wanted:
        raise Refused(
            f"`{before.model}` v{version} has the semantic version {own}",
            hint="a semantic version is never edited: another number needs another version",
        )
    other = next((v for v, text in numbers.items() if text == wanted and v != version), None)
    if other is not None:
        raise UsageError(
            f"{wanted} is the semantic version of `{before.model}` v{other}",
            hint=f"a number stands for one version; `reconciler promote {quote(before.model)} "
            f"{version} --semver auto` proposes another one",
        )


def check_higher(before: Declaration, version: int, wanted: str, over: Displaced) -> None:
    """Raise `UsageError` for a number of a newer version that is not above what it displaces."""
    number = parse_semver(wanted)
    if version > over.version and number <= over.number:
        least = DeclaredSemvers(semvers(before)).free(over.number, "PATCH", version)
        raise UsageError(
            f"{number} is not higher than {over.number} of v{over.version}, which v{version} "
            "displaces",
            hint=f"write {least}, or more where its signature differs; `--semver auto` proposes it",
        )


def first_number(before: Declaration, version: int, over: int | None) -> SemverChoice:
    """Return the number of a version that displaces none with a number."""
    others = [parse_semver(text) for v, text in semvers(before).items() if v != version]
    number = parse_semver(FIRST_SEMVER)
    if others and max(others) >= number:
        number = max(others).following("MAJOR")
    why = "it displaces no version" if over is None else f"v{over} has no semantic version"
    return SemverChoice(number, f"{why}: {number}")


def next_number(
    before: Declaration, version: int, over: Displaced, needed: NeededLevel
) -> SemverChoice:
    """Return the least number that is enough over the one of what a version displaces."""
    number = DeclaredSemvers(semvers(before)).free(over.number, needed.level, version)
    why = f"{needed.why}: {needed.level}, {number}"
    return SemverChoice(number, f"{why} (v{over.version} has {over.number})")


def numbered(
    declaration: Declaration, version: int, number: str, settings: Settings
) -> Declaration:
    """Return a declaration in which a version has a semantic version."""
    entry = replace(declaration.versions[version], semver=number)
    versions = {**declaration.versions, version: entry}
    return complete(replace(declaration, versions=versions), settings)
