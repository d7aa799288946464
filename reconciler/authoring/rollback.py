"""Which version to go back to, as the merged history tells it, and what that means for the file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import serving
from reconciler.authoring.promotion import refuse_blocked, with_entry
from reconciler.core.declaring.forms import in_form
from reconciler.core.declaring.implied import complete
from reconciler.core.declaring.moves import drop_alias, take_alias, take_stage
from reconciler.core.settings import Settings
from reconciler.core.state import (
    ACTIVE_STAGES,
    Declaration,
    DeclaredVersion,
    Field,
    Fields,
    Value,
    aliases,
    stages,
)
from reconciler.render.escape import visible

TRAILER: Final = "Reconciler-Rollback"
_SAID: Final = re.compile(rf"^{TRAILER}:(.*)$", re.MULTILINE | re.IGNORECASE)
_MOVE: Final = re.compile(r"(.*) v([0-9]+) → v([0-9]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that served before, from the change `since` on; `then` was declared at its end.

    `proof` says whether it was ever applied; `against` says why it is passed over, None when it
    can be gone back to.
    """

    version: int
    since: Entry
    then: Declaration
    proof: str
    against: str | None = None


@dataclass(frozen=True, slots=True)
class _Spell:
    """A version's time of serving; no entries where that is not merged yet."""

    version: int | None
    since: Entry | None
    entries: tuple[Entry, ...]


class _Walk:
    """Follows what served: a promotion goes on top, going back takes away what came since."""

    def __init__(self) -> None:
        self.stack: list[_Spell] = []
        self.displaced: dict[int, _Spell] = {}

    def serve(self, version: int | None, entry: Entry | None, *, back: bool) -> None:
        entries = () if entry is None else (entry,)
        top = self.stack[-1] if self.stack else None
        if top is not None and top.version == version:
            self.stack[-1] = replace(top, entries=(*top.entries, *entries))
            return
        if top is None and version is None:
            return
        depth = self._depth(version)
        if depth is not None:
            entries = (*self.stack[depth].entries, *entries)
        elif back and self.stack:
            depth = len(self.stack) - 1
        if depth is not None:
            self._displace(self.stack[depth:])
            del self.stack[depth:]
        self.stack.append(_Spell(version, entry, entries))
        self.displaced.pop(version or 0, None)

    def _depth(self, version: int | None) -> int | None:
        places = (place for place, spell in enumerate(self.stack) if spell.version == version)
        return None if version is None else next(places, None)

    def _displace(self, spells: Sequence[_Spell]) -> None:
        self.displaced.update({s.version: s for s in spells if s.version is not None})


def candidates(
    history: Sequence[Entry], declared: Declaration, settings: Settings
) -> tuple[Candidate, ...]:
    """Return the versions that served before the one that is declared to, the latest first.

    `history` is the model's merged history, oldest first. A version that was displaced by going
    back to an older one is passed over until it is promoted again, so that going back twice goes
    further back.
    """
    walk = _Walk()
    for entry in history:
        walk.serve(entry.serving, entry, back=says_back(entry))
    walk.serve(serving(declared, settings), None, back=False)
    places = {entry.step.commit.id: place for place, entry in enumerate(history)}
    spells: list[tuple[_Spell, str | None]] = [(spell, None) for spell in walk.stack[:-1]]
    spells += [(spell, "a rollback displaced it") for spell in walk.displaced.values()]
    candidates = [
        _candidate(spell.version, spell.since, then, (_proof(spell.entries), why), declared)
        for spell, why in spells
        if spell.version is not None and spell.since is not None
        if (then := spell.entries[-1].step.after) is not None
    ]
    candidates.sort(key=lambda candidate: places[candidate.since.step.commit.id], reverse=True)
    return tuple(candidates)


def says_back(entry: Entry) -> bool:
    """Return whether a commit calls itself a rollback of this model.

    Or whether one that it brought does. Anywhere in the message: forges put other lines behind our
    trailer when they squash.
    """
    commits = (entry.step.commit, *entry.step.commit.brought)
    sentences = [line for commit in commits for line in _SAID.findall(commit.body)]
    moves = (_MOVE.fullmatch(line.strip()) for line in sentences)
    return any(move and move[1] == visible(entry.step.model) for move in moves)


def _candidate(
    version: int,
    since: Entry,
    then: Declaration,
    known: tuple[str, str | None],
    declared: Declaration,
) -> Candidate:
    proof, why = known
    entry = declared.versions.get(version)
    if entry is not None and entry.blocked is not None:
        why = f"blocked: {entry.blocked}"
    elif why is None and proof == "never applied":
        why = "it was merged, and never applied"
    return Candidate(version, since, then, proof, why)


def _proof(entries: Sequence[Entry]) -> str:
    states = {entry.apply_state for entry in entries}
    if "applied" in states:
        return "applied"
    if "partly" in states:
        return "partly applied"
    return "merged, not proven applied" if "unknown" in states else "never applied"


def chosen(candidates: Sequence[Candidate], version: int | None) -> Candidate | None:
    """Return the candidate of that version, or without one the first that nothing speaks against.

    None: there is none.
    """
    fitting = (
        candidate
        for candidate in candidates
        if (candidate.version == version if version else candidate.against is None)
    )
    return next(fitting, None)


def rolled_back(
    declaration: Declaration, target: Candidate, settings: Settings, *, blocked: str | None = None
) -> Declaration:
    """Return what is declared once a version serves again, with its aliases of then.

    It serves by the settings of now, whatever they were then.
    The aliases of the version that serves now go back to who held them then; one that nobody held
    goes along where it is guarded, and goes away otherwise. A bridged stage and its alias move as
    one, in the words that the file has of them. `blocked` says why that version is not to come
    back. Raises `Refused` for a blocked target.
    """
    version, then = target.version, target.then
    refuse_blocked(declaration, version)
    before = complete(declaration, settings)
    bad = serving(before, settings)
    fields = dict(before.fields)
    stage = _stage_of(before, target, bad, settings)
    if stage is not None:
        take_stage(fields, version, stage, settings)
    _restore_aliases(fields, before, then, (bad, version), settings, is_blocked=bool(blocked))
    serving_alias = settings.serving.of(before.model, before).alias
    if serving_alias is not None:
        take_alias(fields, version, serving_alias, settings)
    pins = then.versions.get(version, DeclaredVersion())
    versions = dict(with_entry(declaration, version, pins))
    if blocked is not None and bad is not None:
        if stages(fields).get(bad) in ACTIVE_STAGES:
            take_stage(fields, bad, "Archived", settings)
        versions[bad] = replace(versions[bad], blocked=blocked)
    return in_form(before, replace(before, fields=fields, versions=versions), settings)


def _stage_of(
    before: Declaration, target: Candidate, bad: int | None, settings: Settings
) -> str | None:
    """Return the stage that comes back: the one that serves, or that is one with what serves.

    Where only an alias serves, a stage comes back while what serves now has one, too.
    """
    serves_by = settings.serving.of(before.model, before)
    stage = serves_by.stage or settings.bridge.stage_of(serves_by.alias)
    if stage is None and (bad is None or bad in stages(before.fields)):
        stage = stages(target.then.fields).get(target.version)
    return stage


def _restore_aliases(
    fields: dict[Field, Value],
    declaration: Declaration,
    then: Declaration,
    versions: tuple[int | None, int],
    settings: Settings,
    *,
    is_blocked: bool,
) -> None:
    bad, good = versions
    before = aliases(then.fields)
    serving_alias = settings.serving.of(declaration.model, declaration).alias
    for alias in aliases(declaration.fields):
        if bad is None or aliases(fields).get(alias) != bad:  # it went along with a stage
            continue
        back = before.get(alias)
        entry = declaration.versions.get(back) if back is not None else None
        if back is not None and entry and not entry.blocked and not (is_blocked and back == bad):
            take_alias(fields, back, alias, settings)
        elif alias in (*settings.guarded_aliases, serving_alias):
            take_alias(fields, good, alias, settings)
        else:
            drop_alias(fields, alias, settings)
    for alias, holder in before.items():
        if holder == good and not _is_elsewhere(alias, good, fields, settings):
            take_alias(fields, good, alias, settings)


def _is_elsewhere(alias: str, version: int, fields: Fields, settings: Settings) -> bool:
    """Return whether a bridged alias would take a version out of another bridged stage."""
    stage, held = settings.bridge.stage_of(alias), stages(fields).get(version)
    return stage not in (None, held) and settings.bridge.alias_of(held) is not None
