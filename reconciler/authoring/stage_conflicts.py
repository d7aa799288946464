"""Live models with several versions in a stage that holds one: which of them stays is a decision.

A file that declared one of them would have a plan archive the others, unasked.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from shlex import quote

from reconciler.authoring.questions import AskAbout, OpenQuestion
from reconciler.core.settings import Settings
from reconciler.core.state import Field, Live, aliases, occupants
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.render import phrases
from reconciler.render.comparison import moment


@dataclass(frozen=True, slots=True)
class StageConflict:
    """The versions of a model in a stage that holds one, each with what tells it from the others.

    The highest comes first: it is what MLflow serves.
    """

    model: str
    stage: str
    versions: Mapping[int, str]

    @property
    def sentence(self) -> str:
        """What there is, in one line."""
        which = "; ".join(f"v{number} ({about})" for number, about in self.versions.items())
        several = f"{phrases.count(len(self.versions), 'version')} in {self.stage}"
        return f"`{self.model}` has {several}, which holds one: {which}"

    def to_dict(self) -> dict[str, object]:
        """Return it for a JSON document."""
        return {"model": self.model, "stage": self.stage, "versions": list(self.versions)}

    @property
    def command(self) -> str:
        """The command that declares the model once it is decided."""
        return f"reconciler import {quote(self.model)} --keep VERSION"

    def problem(self, code: ExitCode) -> Problem:
        """Return why the model is not declared, and what to do."""
        hint = f"decide which one stays: `{self.command}` declares the others Archived"
        message = f"{self.sentence}; it is not declared"
        return Problem(message, code, model=self.model, hint=hint)

    def question(self) -> OpenQuestion:
        """Return the question which version stays; unasked it stays undecided."""
        text = f"`{self.model}` has several versions in {self.stage}. Which one stays?"
        return OpenQuestion(text, {str(number): about for number, about in self.versions.items()})


def settled(
    live: Live, settings: Settings, keep: Collection[int], ask: AskAbout
) -> tuple[Live, tuple[StageConflict, ...]]:
    """Return a model with one version in each exclusive stage, and the conflicts that are left.

    `keep` are the versions that stay; where it names none, `ask` does. One that is not READY cannot
    be declared there, and leaves the conflict. Raises `UsageError` for a
    version to keep that has no other one beside it.
    """
    fields, left = dict(live.fields), []
    conflicts = tuple(_conflicts(live, settings))
    for number in keep:
        if not any(number in conflict.versions for conflict in conflicts):
            message = f"`--keep {number}`: no stage of `{live.model}` has v{number} and another one"
            raise UsageError(message, hint=next((each.sentence for each in conflicts), None))
    for conflict in conflicts:
        named = [number for number in conflict.versions if number in keep]
        if len(named) > 1:
            raise UsageError(f"{conflict.stage} holds one version: `--keep` one of them")
        answer = str(named[0]) if named else ask(conflict.question())
        if answer is None or live.versions[int(answer)].status != "READY":
            left.append(conflict)
            continue
        for number in conflict.versions:
            if str(number) != answer:
                fields[Field("stage", number)] = "Archived"
    return replace(live, fields=fields), tuple(left)


def _conflicts(live: Live, settings: Settings) -> Iterator[StageConflict]:
    """Yield the exclusive stages of a live model that hold several versions."""
    fields = settings.ignore.without(live.fields)
    for stage, holders in occupants(fields, settings.exclusive).items():
        if len(holders) > 1:
            about = {number: _about(live, number) for number in reversed(holders)}
            yield StageConflict(live.model, stage, about)


def _about(live: Live, version: int) -> str:
    """Return the aliases of a version, when it was made, and that it is not READY."""
    status = live.versions[version].status
    named = [f"@{alias}" for alias, v in sorted(aliases(live.fields).items()) if v == version]
    made = moment(live.versions[version].identity.created)
    told = (*named, f"created {made}" if made else "", "" if status == "READY" else status)
    return ", ".join(filter(None, told)) or "no alias"
