"""What a bridged stage and its alias name, in a model's file and in the registry.

Where the two name one version, and the file writes neither, the file gets the stage, and the bridge
adds the alias. Where they name several, a person decides which one stays.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from reconciler.authoring.promotion import NO_PINS
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.settings import Ignore
from reconciler.core.state import Declaration, DeclaredVersion, Field, Live, Value, aliases, stages
from reconciler.errors import ExitCode, Problem


@dataclass(frozen=True, slots=True)
class WordConflict:
    """Versions of which one is to have a stage and its alias; `why` says how that came about.

    `versions` may stay, one of them by decision; where it is empty no decision helps, and `remedy`
    says what does.
    """

    declaration: Declaration
    stage: str
    alias: str
    why: str
    versions: tuple[int, ...]
    remedy: str = ""

    def problem(self) -> Problem:
        """Return the refusal, with what to do."""
        name = self.declaration.model
        which = " or ".join(str(version) for version in self.versions)
        decide = (
            f"decide which version has both: `--keep {name}=VERSION`, with {which}"
            if self.versions
            else self.remedy
        )
        return Problem(
            f"`{name}`: {self.why}",
            ExitCode.REFUSED,
            file=self.declaration.file,
            line=self.declaration.line,
            model=name,
            hint=decide,
        )


@dataclass(slots=True)
class _Words:
    """A model's file under way: what it writes so far, and the decisions that are not used yet."""

    declaration: Declaration
    live: Live
    ignore: Ignore
    keep: list[int]

    def name(self, stage: str, alias: str) -> "_Named":
        written, live = self.declaration.fields, self.ignore.without(self.live.fields)
        known = self.live.versions
        held, live_held = stages(written), stages(live)
        return _Named(
            stage,
            alias,
            holder=next((v for v, where in held.items() if where == stage), None),
            named=aliases(written).get(alias),
            # A version that the file puts elsewhere leaves the stage.
            live_holders=tuple(
                sorted(
                    v
                    for v, where in live_held.items()
                    if where == stage and v in known and held.get(v, stage) == stage
                )
            ),
            live_named=next((v for v in [aliases(live).get(alias)] if v in known), None),
            together={v for v, where in live_held.items() if where == stage},
        )


@dataclass(frozen=True, slots=True)
class _Named:
    stage: str
    alias: str
    holder: int | None
    named: int | None
    live_holders: tuple[int, ...]
    live_named: int | None
    together: set[int]

    @property
    def is_written(self) -> bool:
        return (self.holder, self.named) != (None, None)

    @property
    def candidates(self) -> tuple[int, ...]:
        """The versions that the stage or the alias names; one that moves with the other is not."""
        holders = self.live_holders if self.holder is None else (self.holder,)
        name = self.live_named if self.named is None else self.named
        if self.live_named in self.together and self.is_written:
            # They are one now, and what the file does not write goes along with what it writes.
            if self.named is None:
                name = None
            elif self.holder is None and holders == (self.live_named,):
                holders = ()
        return tuple(sorted({*holders, *((name,) if name is not None else ())}))

    @property
    def sentence(self) -> str:
        """Where the stage and the alias are."""
        parts = [f"v{version} is {where} {self.stage}" for version, where in self._places()]
        alias = self.live_named if self.named is None else self.named
        if alias is not None:
            how = "names" if self.named is None else "is declared on"
            parts.append(f"@{self.alias} {how} v{alias}")
        return ", ".join(parts)

    def _places(self) -> Iterator[tuple[int, str]]:
        if self.holder is not None:
            yield self.holder, "declared in"
        else:
            yield from ((version, "in") for version in self.live_holders)


def with_live_words(
    declaration: Declaration, live: Live, bridge: Bridge, keep: Collection[int], ignore: Ignore
) -> tuple[Declaration, tuple[WordConflict, ...], tuple[int, ...]]:
    """Return what a model's file declares once a stage and its alias are one, and the conflicts.

    `declaration` is as its file writes it. `keep` are versions that a person decided for; those
    that decide nothing are returned, too.
    """
    words = _Words(declaration, live, ignore, sorted(keep))
    conflicts = tuple(
        conflict
        for stage, alias in bridge.pairs
        if (conflict := _settle(words, stage, alias)) is not None
    )
    return words.declaration, conflicts, tuple(words.keep)


def _settle(words: _Words, stage: str, alias: str) -> WordConflict | None:
    """Let one pair name one version; return the conflict that is left."""
    pair = words.name(stage, alias)
    candidates = pair.candidates
    if not candidates:
        return None
    elsewhere = _elsewhere(words.declaration, candidates, stage)
    if len(candidates) == 1 and not elsewhere:
        return _declare(words, pair, candidates[0])
    kept = next((version for version in words.keep if version in candidates), None)
    if kept is None:
        return _conflict(words, pair, candidates, elsewhere)
    words.keep.remove(kept)
    return _decide(words, pair, candidates, kept)


def _conflict(
    words: _Words, pair: _Named, candidates: tuple[int, ...], elsewhere: dict[int, str]
) -> WordConflict:
    declared = [f"v{version} is declared in {where}" for version, where in elsewhere.items()]
    why = ", ".join(filter(None, (pair.sentence, *declared)))
    rival = next((v for v, where in elsewhere.items() if where in ("Production", "Staging")), None)
    if rival is not None and len(candidates) == 1:
        remedy = f"take @{pair.alias} off v{rival}, or bridge {pair.stage} to another alias"
        return WordConflict(words.declaration, pair.stage, pair.alias, why, (), remedy)
    return WordConflict(words.declaration, pair.stage, pair.alias, why, candidates)


def _declare(words: _Words, pair: _Named, version: int) -> WordConflict | None:
    """Write the stage into a file that writes neither word, or `None` as an import does.

    The alias follows from the bridge: where the file wrote it, a revert would take it away.
    """
    address = Field("stage", version)
    if not pair.is_written and (refusal := _unfit(words, pair, version)) is not None:
        return refusal
    if not pair.is_written or words.declaration.fields.get(address) == "None":
        _write(words, version, {address: pair.stage})
    return None


def _decide(
    words: _Words, pair: _Named, candidates: tuple[int, ...], kept: int
) -> WordConflict | None:
    """Write a decision into the file: one version has both words, who had the stage is Archived.

    An alias that the file does not write follows from the bridge.
    """
    if (refusal := _unfit(words, pair, kept)) is not None:
        return refusal
    held = stages(words.declaration.fields)
    fields: dict[Field, Value] = {
        Field("stage", version): "Archived"
        for version in (*candidates, *pair.live_holders)
        if version != kept and (version in pair.together or held.get(version) == pair.stage)
    }
    for version in candidates:
        if Field("stage", version) in fields:
            _write(words, version, {})
    fields[Field("stage", kept)] = pair.stage
    if pair.named is not None:
        fields[Field("alias", None, pair.alias)] = kept
    _write(words, kept, fields)
    return None


def _write(words: _Words, version: int, fields: dict[Field, Value]) -> None:
    """Add fields to the file; a version without an entry gets one, with its pins."""
    declaration, found = words.declaration, words.live.versions.get(version)
    pins = DeclaredVersion(found.identity.run_id, found.identity.source) if found else NO_PINS
    words.declaration = replace(
        declaration,
        fields={**declaration.fields, **fields},
        versions={version: pins, **declaration.versions},
    )


def _elsewhere(declaration: Declaration, candidates: Collection[int], stage: str) -> dict[int, str]:
    """Return the stages other than `stage` that the file declares for these versions."""
    held = stages(declaration.fields)
    return {v: held[v] for v in candidates if held.get(v, "None") not in ("None", stage)}


def _unfit(words: _Words, pair: _Named, version: int) -> WordConflict | None:
    """Return why no file may declare that a version has a stage and its alias."""
    declaration = words.declaration
    entry, found = declaration.versions.get(version), words.live.versions.get(version)
    place = f"{pair.stage} or @{pair.alias}"
    if entry is not None and entry.blocked is not None:
        why, remedy = f"v{version} has {place} and is blocked", "declare another version there"
    elif declaration.retired:
        why = f"v{version} has {place} and the model is retired"
        remedy = f"declare `stage: Archived` for version {version}, or remove `retired`"
    elif found is not None and found.status != "READY":
        why = f"v{version} has {place} and is {found.status}, not READY"
        remedy = "declare another version there"
    else:
        return None
    return WordConflict(declaration, pair.stage, pair.alias, why, (), remedy)
