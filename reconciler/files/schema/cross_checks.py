"""Checks that concern several keys of a file, or several files."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES, Declaration, Field, Serving, stages
from reconciler.files.messages import Complaint, Within
from reconciler.files.schema.model_schema import ModelFile, VersionEntry
from reconciler.files.schema.name_rules import quoted


def aliases_once(file: ModelFile) -> Iterator[Complaint]:
    """Report an alias on two versions, which no registry can hold."""
    holders: dict[str, str] = {}
    for version, entry in file.get("versions", {}).items():
        for index, alias in enumerate(entry.get("aliases", ())):
            holder = holders.setdefault(alias, version)
            if holder != version:
                yield Complaint(
                    ("versions", version, "aliases", index),
                    f"alias {quoted(alias)} is on version {holder} already",
                    "an alias names one version: remove it from one of them",
                )


def consumers_once(file: ModelFile) -> Iterator[Complaint]:
    """Report a consumer that is declared twice with what it loads."""
    first: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(file.get("consumers", ())):
        key = entry["name"], entry["loads"]
        if first.setdefault(key, index) != index:
            yield Complaint(
                ("consumers", index, "name"),
                f"consumer {quoted(entry['name'])} loads {quoted(entry['loads'])} already, "
                f"by item {first[key] + 1} of the list",
                "remove one of them: a consumer has an entry for each thing that it loads",
            )


def blocked_at_rest(file: ModelFile) -> Iterator[Complaint]:
    """Report a blocked version that is declared in an active stage or with an alias."""
    for version, entry in file.get("versions", {}).items():
        if "blocked" not in entry:
            continue
        if entry.get("stage") in ACTIVE_STAGES:
            yield Complaint(
                ("versions", version, "stage"),
                f"version {version} is blocked and may not be in {quoted(entry['stage'])}",
                "declare `stage: Archived`, or remove `blocked` when the reason is gone",
            )
        if entry.get("aliases"):
            yield Complaint(
                ("versions", version, "aliases"),
                f"version {version} is blocked and may not hold an alias",
                "move its aliases, or remove `blocked` when the reason is gone",
            )


def one_per_stage(file: ModelFile, settings: Settings) -> Iterator[Complaint]:
    """Report a second version in an exclusive stage."""
    holders: dict[str, str] = {}
    for version, entry in file.get("versions", {}).items():
        stage = entry.get("stage")
        if stage is None or stage not in settings.exclusive:
            continue
        holder = holders.setdefault(stage, version)
        if holder != version:
            yield Complaint(
                ("versions", version, "stage"),
                f"version {holder} is in `{stage}` already, which holds one version",
                "declare one of them `Archived`, or change `exclusive` in reconciler.yaml",
            )


def retired_at_rest(declaration: Declaration, settings: Settings) -> Iterator[Complaint]:
    """Report a version that serves, or is in Production, in a model that is retired."""
    if not declaration.retired:
        return
    serving = settings.serving.of(declaration.model, declaration)
    held = stages(declaration.fields)
    in_use = {v for v, stage in held.items() if stage == "Production"}
    for version in sorted(in_use | set(serving.versions(declaration.fields))):
        how = f"in `{held[version]}`" if version in in_use else f"serving ({serving})"
        yield Complaint(
            ("retired",),
            f"the model is retired, but version {version} is declared {how}",
            "archive that version and take its alias away, or remove `retired`",
        )


def pinned(file: ModelFile, settings: Settings, others: Sequence[str]) -> Iterator[Complaint]:
    """Report a serving version without a pin, where other states lie beside this one.

    A version number can mean another version there: a copied file would put whatever version has
    that number into Production.
    """
    for version, entry in file.get("versions", {}).items() if others else ():
        if "run_id" in entry or "source" in entry:
            continue
        if entry.get("stage") in settings.exclusive or entry.get("aliases"):
            yield Complaint(
                ("versions", version),
                f"version {version} has {_what_serves(entry)} and no {_lacking(entry)}, and the "
                f"folder {quoted(others[0])} beside this one is a state of its own",
                "the same number can be another version there: add `run_id` or `source`; "
                "`reconciler import --update` does",
                at_key=True,
            )


def _lacking(entry: VersionEntry) -> str:
    # The digest is compared only where a version moves, and a tag would be written without.
    return "pin besides its `digest`" if "digest" in entry else "pin"


def renamed_from_another(file: ModelFile) -> Iterator[Complaint]:
    """Report a model whose former name is its own name."""
    name = file.get("model", "")
    if file.get("renamed_from") == name:
        message = f"{quoted(name)} is the name of this model, not a former one"
        yield Complaint(("renamed_from",), message, "remove the key")


def _what_serves(entry: VersionEntry) -> str:
    aliases = entry.get("aliases")
    return f"the alias {quoted(aliases[0])}" if aliases else f"the stage `{entry.get('stage')}`"


def none_ignored(file: ModelFile, settings: Settings) -> Iterator[Complaint]:
    """Report a model, tag or alias that the settings ignore."""
    hint = "remove it here, or from `ignore` in reconciler.yaml"
    name = file.get("model", "")
    if settings.ignore.model(name):
        yield Complaint(("model",), f"model {quoted(name)} is ignored by `ignore.models`", hint)
    for key, paths in _tags(file).items():
        if settings.ignore.field(Field("tag", None, key)):
            why = "`mlflow.*` and `reconciler.*` always are, others by `ignore.tags`"
            message = f"tag {quoted(key)} is ignored: {why}"
            for path in paths:
                yield Complaint(path, message, "remove it here", at_key=True)
    for alias, path in _aliases(file).items():
        if settings.ignore.field(Field("alias", None, alias)):
            yield Complaint(path, f"alias {quoted(alias)} is ignored by `ignore.aliases`", hint)


def settings_agree(settings: Settings) -> Iterator[Complaint]:
    """Report settings that contradict each other."""
    rules = settings.serving
    yield from _can_serve(rules.default, settings, ("serving",))
    for glob, serving in rules.globs:
        yield from _can_serve(serving, settings, ("serving", "models", glob))


def own_serving_agrees(declaration: Declaration, settings: Settings) -> Iterator[Complaint]:
    """Report a model's own `serving` that contradicts the settings."""
    if declaration.serving is not None:
        yield from _can_serve(declaration.serving, settings, ("serving",))


def _can_serve(serving: Serving, settings: Settings, path: Within) -> Iterator[Complaint]:
    stage, alias = serving.stage, serving.alias
    if stage is not None and stage not in settings.exclusive:
        # A missing key has the default, so only the other key can be in the file.
        is_default = path == ("serving",) and serving == Serving()
        yield Complaint(
            ("exclusive",) if is_default else (*path, "stage"),
            f"serving is the stage `{stage}`, which is not exclusive",
            f"add `{stage}` to `exclusive`, or change what serves: `serving: {{alias: champion}}`",
        )
    if alias is not None and settings.ignore.field(Field("alias", None, alias)):
        yield Complaint(
            (*path, "alias"),
            f"serving is the alias {quoted(alias)}, which is ignored by `ignore.aliases`",
            "serve by another alias, or do not ignore it",
        )


def alias_twins(file: ModelFile) -> Iterator[Complaint]:
    """Warn about aliases of one model that differ only in case."""
    places = _aliases(file)
    for first, *others in twins(places):
        for other in others:
            yield Complaint(
                places[other],
                f"aliases {quoted(first)} and {quoted(other)} differ only in case",
                "a registry on MySQL treats them as one alias: rename one",
            )


def _aliases(file: ModelFile) -> dict[str, Within]:
    """Return the path of each alias of a file."""
    return {
        alias: ("versions", version, "aliases", index)
        for version, entry in file.get("versions", {}).items()
        for index, alias in enumerate(entry.get("aliases", ()))
    }


def _tags(file: ModelFile) -> dict[str, list[Within]]:
    """Return the paths of each tag key."""
    places: dict[str, list[Within]] = defaultdict(list)
    for key in file.get("tags", {}):
        places[key].append(("tags", key))
    for version, entry in file.get("versions", {}).items():
        for key in entry.get("tags", {}):
            places[key].append(("versions", version, "tags", key))
    return places


def twins(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Return groups of names that differ only in case, sorted."""
    by_fold = sorted(names, key=lambda name: (name.casefold(), name))
    for _, group in groupby(by_fold, key=str.casefold):
        found = tuple(group)
        if len(found) > 1:
            yield found
