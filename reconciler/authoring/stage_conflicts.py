"""Live models of which a person has to say which version stays in a stage, or has a pair.

Several versions are in a stage that holds one, or a bridged stage and its alias are on different
versions. A file that declared one of them would have a plan move the others, unasked.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from shlex import quote

from reconciler.authoring.questions import AskAbout, OpenQuestion
from reconciler.core.declaring.live_pairs import LivePair, live_pairs
from reconciler.core.declaring.moves import take_stage
from reconciler.core.settings import Settings
from reconciler.core.state import Field, Live, Value, aliases, occupants, stages
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.render import phrases
from reconciler.render.inspection.comparison import moment


@dataclass(frozen=True, slots=True)
class StageConflict:
    """The versions of a model in a stage that holds one, each with what tells it from the others.

    The highest comes first: it is what MLflow serves. With `alias` the stage is bridged, and its
    alias is on another version: `apart` says in words where the two are. Then `versions` are those
    that may get both, none where each of them has another pair.
    """

    model: str
    stage: str
    versions: Mapping[int, str]
    alias: str | None = None
    apart: str = ""

    @property
    def sentence(self) -> str:
        """What there is, in one line."""
        which = "; ".join(f"v{number} ({about})" for number, about in self.versions.items())
        if self.alias is not None:
            pair = f"`bridge` makes {self.stage} and @{self.alias} one"
            return f"`{self.model}`: {self.apart}, but {pair}{f': {which}' if which else ''}"
        several = f"{phrases.count(len(self.versions), 'version')} in {self.stage}"
        return f"`{self.model}` has {several}, which holds one: {which}"

    def to_dict(self) -> dict[str, object]:
        """Return it for a JSON document."""
        return {
            "model": self.model,
            "stage": self.stage,
            "alias": self.alias,
            "versions": list(self.versions),
        }

    @property
    def command(self) -> str:
        """The command that declares the model once it is decided."""
        keep = " --keep VERSION" if self.versions else ""
        return f"reconciler import {quote(self.model)}{keep}"

    def problem(self, code: ExitCode) -> Problem:
        """Return why the model is not declared, and what to do."""
        hint = f"decide which one stays: `{self.command}` declares the others Archived"
        if self.alias is not None:
            hint = f"decide which one gets both: `{self.command}`"
        if not self.versions:
            hint = f"move @{self.alias} in the registry, then `{self.command}`"
        message = f"{self.sentence}; it is not declared"
        return Problem(message, code, model=self.model, hint=hint)

    def question(self) -> OpenQuestion:
        """Return the question which version stays; unasked it stays undecided."""
        text = f"`{self.model}` has several versions in {self.stage}. Which one stays?"
        if self.alias is not None:
            pair = f"{self.stage} and @{self.alias}, which `bridge` makes one"
            text = f"`{self.model}`: {self.apart}. Which version gets {pair}?"
        return OpenQuestion(text, {str(number): about for number, about in self.versions.items()})


def settled(
    live: Live, settings: Settings, keep: Collection[int], ask: AskAbout
) -> tuple[Live, tuple[StageConflict, ...]]:
    """Return a model with one version in each exclusive stage, and the conflicts that are left.

    `keep` are the versions that stay, or get both words of a pair; where it names none, `ask` does.
    One that is not READY cannot be declared there, and leaves the conflict. Raises `UsageError`
    for a version to keep of which nothing is to be decided.
    """
    found = tuple(_conflicts(live, settings))
    for number in keep:
        if not any(number in conflict.versions for conflict in found):
            message = f"`--keep {number}`: no stage of `{live.model}` has v{number} and another one"
            raise UsageError(message, hint=next((each.sentence for each in found), None))
    left, used = list[StageConflict](), set[int]()
    for stage in settings.exclusive:
        # A decision can settle another stage: the version that makes room had its alias.
        conflict = next((c for c in _conflicts(live, settings) if c.stage == stage), None)
        if conflict is None:
            continue
        named = [number for number in conflict.versions if number in {*keep} - used]
        if len(named) > 1:
            raise UsageError(f"{conflict.stage} holds one version: `--keep` one of them")
        answer = str(named[0]) if named else _asked(conflict, ask)
        if answer is None or live.versions[int(answer)].status != "READY":
            left.append(conflict)
            continue
        used.add(int(answer))
        live = replace(live, fields=_decided(live, conflict, int(answer), settings))
    return live, tuple(left)


def declarable_pairs(live: Live, settings: Settings) -> tuple[LivePair, ...]:
    """Return the bridged pairs of a live model, without what is ignored."""
    return live_pairs(settings.ignore.without(live.fields), settings.bridge)


def _asked(conflict: StageConflict, ask: AskAbout) -> str | None:
    return ask(conflict.question()) if conflict.versions else None


def _decided(
    live: Live, conflict: StageConflict, version: int, settings: Settings
) -> Mapping[Field, Value]:
    """Return the fields of a model in which one version stays; others make room for it."""
    fields = dict(live.fields)
    displaced = [
        number
        for number in conflict.versions
        if number != version and fields[Field("stage", number)] == conflict.stage
    ]
    fields.update({Field("stage", number): "Archived" for number in displaced})
    if settings.bridge.alias_of(conflict.stage) is None:
        return fields
    take_stage(fields, version, conflict.stage, settings)
    for stage, alias in settings.bridge.pairs:
        named = aliases(fields).get(alias)
        if named in displaced and stage not in stages(fields).values():
            fields[Field("stage", named)] = stage
    return fields


def _conflicts(live: Live, settings: Settings) -> Iterator[StageConflict]:
    """Yield the exclusive stages of a live model that hold several versions, or are apart."""
    fields = settings.ignore.without(live.fields)
    pairs = {pair.stage: pair for pair in live_pairs(fields, settings.bridge)}
    for stage, holders in occupants(fields, settings.exclusive).items():
        pair = pairs.get(stage)
        if pair is not None and pair.is_apart and pair.named not in (None, *holders):
            about = {number: _about(live, number, stage) for number in pair.candidates}
            yield StageConflict(live.model, stage, about, pair.alias, pair.words)
        elif len(holders) > 1:
            about = {number: _about(live, number) for number in reversed(holders)}
            yield StageConflict(live.model, stage, about)


def _about(live: Live, version: int, stage: str | None = None) -> str:
    """Return the aliases of a version, when it was made, and that it is not READY.

    With `stage`, also the stage of a version that is in another one.
    """
    status, held = live.versions[version].status, stages(live.fields).get(version, "None")
    named = [f"@{alias}" for alias, v in sorted(aliases(live.fields).items()) if v == version]
    made = moment(live.versions[version].identity.created)
    place = "" if stage is None or held == "None" else held
    told = (place, *named, f"created {made}" if made else "", "" if status == "READY" else status)
    return ", ".join(filter(None, told)) or "no alias"
