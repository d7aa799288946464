"""What keeps a model's stages from becoming aliases. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from shlex import quote

from reconciler.audit.migration.model_migration import (
    ConflictKind,
    MigrationConflict,
    Placement,
    ProposedAlias,
    listed,
    placement_of,
)
from reconciler.core.declaring.bridge import Bridge, Contradiction, contradictions
from reconciler.core.declaring.implied import as_written
from reconciler.core.state import ACTIVE_STAGES, Declaration, Field, Live, Value, aliases

_MIGRATE = "reconciler migrate stages --step bridge"


@dataclass(frozen=True, slots=True)
class ConflictInput:
    """All that a model's conflicts follow from.

    `refused` has the reason for each alias of the bridge that no server takes, `live` is None where
    the registry was not read or does not have the model.
    """

    model: str
    bridge: Bridge
    declaration: Declaration | None
    live: Live | None
    live_placement: Placement | None
    proposed: tuple[ProposedAlias, ...]
    refused: Mapping[str, str]


def conflicts(inputs: ConflictInput) -> Iterator[MigrationConflict]:
    """Yield the conflicts of a model, in the bridge's order."""
    yield from _contradictions(inputs)
    for proposed in inputs.proposed:
        yield from _of_holders(inputs, proposed)
        yield from _of_alias(inputs, proposed)
        yield from _of_version(inputs, proposed)
    yield from _without_alias(inputs)


def _contradictions(inputs: ConflictInput) -> Iterator[MigrationConflict]:
    if inputs.declaration is None:
        return
    file = inputs.declaration.file
    for found in contradictions(as_written(inputs.declaration).fields, inputs.bridge):
        if found.holder is None and found.elsewhere == "None":
            continue  # as an import writes it, and `--clear`
        line = _line_of(inputs.declaration, found.named)
        message = f"{file}{f':{line}' if line else ''} contradicts the bridge: {_words(found)}"
        kept = found.holder or found.named
        yield MigrationConflict(
            "contradiction",
            found.stage,
            message,
            f"give both to one version, or `{_MIGRATE} --keep {_named(inputs.model, kept)}`",
        )


def _words(found: Contradiction) -> str:
    named = f"v{found.named} has @{found.alias}"
    if found.rival is not None:
        return f"{named} and @{found.rival}, which are of two stages"
    if found.holder is None:
        return f"{named} and is in `{found.elsewhere}`, not in `{found.stage}`"
    return f"v{found.holder} is in `{found.stage}`, and {named}"


def _of_holders(inputs: ConflictInput, proposed: ProposedAlias) -> Iterator[MigrationConflict]:
    holders = inputs.live_placement.stages.get(proposed.stage, ()) if inputs.live_placement else ()
    if len(holders) < 2:  # noqa: PLR2004  two are several
        return
    uri = f"models:/{inputs.model}/{proposed.stage}"
    message = (
        f"{listed(holders)} are in `{proposed.stage}`, and an alias names one: "
        f"`{uri}` loads v{max(holders)}"
    )
    yield MigrationConflict(
        "several-holders", proposed.stage, message, _choice(inputs, proposed, holders)
    )


def _choice(inputs: ConflictInput, proposed: ProposedAlias, holders: tuple[int, ...]) -> str:
    if proposed.version in holders:
        others = [version for version in holders if version != proposed.version]
        return f"v{proposed.version} is declared: `reconciler apply` archives {listed(others)}"
    if inputs.declaration is None:
        kept = f"reconciler import {quote(inputs.model)} --keep {max(holders)}"
        return f"`{kept}` declares v{max(holders)} there, and the others Archived"
    return f"`{_MIGRATE} --keep {_named(inputs.model, max(holders))}` keeps v{max(holders)} there"


def _of_alias(inputs: ConflictInput, proposed: ProposedAlias) -> Iterator[MigrationConflict]:
    alias, version = proposed.alias, proposed.version
    if alias in inputs.refused:
        yield MigrationConflict(
            "alias-refused",
            proposed.stage,
            f"@{alias} cannot stand for `{proposed.stage}`: {inputs.refused[alias]}",
            f"take another one: `--bridge {proposed.stage}=ALIAS`",
        )
    named = _names(inputs)
    live = inputs.live_placement.aliases.get(alias) if inputs.live_placement else None
    if (
        version is not None
        and live is not None
        and live != version
        and not _declares(inputs, alias)
    ):
        yield MigrationConflict(
            "alias-elsewhere",
            proposed.stage,
            f"@{alias} is on v{live}, and v{version} is in `{proposed.stage}`: the bridge moves it",
            f"`{_MIGRATE} --keep {_named(inputs.model, version)}` moves it to v{version}, "
            f"`--bridge {proposed.stage}=ALIAS` takes another one",
        )
    for other in sorted(named):
        if other != alias and other.casefold() == alias.casefold():
            yield MigrationConflict(
                "alias-case",
                proposed.stage,
                f"@{other} and @{alias} differ only in case: on MySQL they are one",
                f"take @{other}: `--bridge {proposed.stage}={other}`, or rename it",
            )


def _of_version(inputs: ConflictInput, proposed: ProposedAlias) -> Iterator[MigrationConflict]:
    """Yield why the version that is to have an alias cannot be declared with it."""
    version, model = proposed.version, quote(inputs.model)
    if version is None or (found := _unfit(inputs, version)) is None:
        return
    kind, message = found
    another = f"`reconciler promote {model} VERSION` declares another one"
    remedies: Mapping[ConflictKind, str] = {
        "missing-model": f"register it, or `reconciler tidy {model}` removes its file",
        "missing-version": f"`reconciler tidy {model}` takes it out, {another}",
        "not-ready": "wait until it is registered, or declare another version",
        "retired": "declare `stage: Archived` for it, or remove `retired`",
    }
    message = f"v{version}, which gets @{proposed.alias}, {message}"
    yield MigrationConflict(kind, proposed.stage, message, remedies.get(kind, another))


def _unfit(inputs: ConflictInput, version: int) -> tuple[ConflictKind, str] | None:
    declaration, live = inputs.declaration, inputs.live
    entry = declaration.versions.get(version) if declaration else None
    if declaration is not None and declaration.retired:
        return "retired", "is of a model that is retired"
    if entry is not None and entry.blocked is not None:
        return "blocked", "is blocked"
    if inputs.live_placement is None or (live is not None and live.unreadable is not None):
        return None
    if live is None:
        return "missing-model", "is of a model that is not in the registry"
    known = live.versions.get(version)
    if known is None:
        return "missing-version", "is not in the registry"
    return None if known.status == "READY" else ("not-ready", f"is {known.status}, not READY")


def _without_alias(inputs: ConflictInput) -> Iterator[MigrationConflict]:
    """Yield the active stages that hold versions and have no alias."""
    declared = inputs.declaration.fields if inputs.declaration else {}
    bridged = {stage for stage, _ in inputs.bridge.pairs}
    live = inputs.live_placement.active if inputs.live_placement else {}
    for stage, held in _active(declared, live).items():
        if stage not in bridged:
            yield MigrationConflict(
                "no-alias",
                stage,
                f"{listed(held)} {'is' if len(held) == 1 else 'are'} in `{stage}`, which no alias "
                "stands for",
                f"add `{stage}` to `exclusive` and to `bridge`, or declare them `Archived`",
            )


def _active(
    declared: Mapping[Field, Value], live: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    placed = placement_of(declared).active
    stages = [stage for stage in reversed(ACTIVE_STAGES) if stage in placed or stage in live]
    return {
        stage: tuple(sorted({*placed.get(stage, ()), *live.get(stage, ())})) for stage in stages
    }


def _names(inputs: ConflictInput) -> set[str]:
    declared = aliases(as_written(inputs.declaration).fields) if inputs.declaration else {}
    live = inputs.live_placement.aliases if inputs.live_placement else {}
    return {*declared, *live}


def _declares(inputs: ConflictInput, alias: str) -> bool:
    """Return whether the file writes an alias: then an apply moves it, and nobody is surprised."""
    return inputs.declaration is not None and alias in aliases(
        as_written(inputs.declaration).fields
    )


def _line_of(declaration: Declaration, version: int) -> int | None:
    entry = declaration.versions.get(version)
    return entry.line if entry else declaration.line


def _named(model: str, version: int) -> str:
    return quote(f"{model}={version}")
