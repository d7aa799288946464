"""Who changed a model, when, approved by whom: read from git alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from reconciler.api.answers import Answer
from reconciler.api.inspection.time_limits import time_limits
from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence
from reconciler.audit.dates import DateLike, as_moment
from reconciler.audit.evidence import Entry, Records
from reconciler.audit.findings import Span
from reconciler.audit.merged_changes import Step
from reconciler.audit.step_words import concerns
from reconciler.core.matching import nearest
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.render import phrases
from reconciler.render.inspection import history as render
from reconciler.render.inspection.history import Story
from reconciler.render.json_documents import Document
from reconciler.repository.log import with_signatures


class ModelHistory(Answer):
    """The merged changes of a model with their evidence, or what was declared at a moment.

    `story` is what is shown.

    >>> r.history("fraud", at="2100-01-01").to_dict()["serving"]["version"]
    3
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self.code = int(ExitCode.OK)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The merged changes that were asked for, oldest first."""
        return self.story.entries

    @property
    def declared_at(self) -> evidence.DeclaredAt | None:
        """What was declared at the moment that was asked about, None where none was."""
        return self.story.answer

    @property
    def unreadable(self) -> tuple[Problem, ...]:
        """What is wrong with files of old commits, which count as unchanged there."""
        return self.story.unreadable

    def document(self) -> Document:
        """Return the document of `history --format json`, its `exit` included."""
        return render.document(self.story)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `history` prints; `seconds` replaces the time in its last line."""
        return render.text(self.story, self._effort(seconds), self.columns)

    def to_csv(self) -> str:
        """Return what `history --format csv` prints."""
        return render.as_csv(self.story)

    def to_markdown(self) -> str:
        """Return what `history --format markdown` prints."""
        return render.markdown(self.story)

    def _repr_html_(self) -> str:
        return render.as_html(self.story)


def model_history(
    workspace: Workspace,
    model: str,
    *,
    at: DateLike | None = None,
    version: int | None = None,
    since: DateLike | None = None,
    until: DateLike | None = None,
    fetch_notes: str | None = None,
) -> ModelHistory:
    """Return a model's history; raises `UsageError` for a model that was never declared."""
    asked = question(at, since, until, version)
    merged = open_merged(workspace, fetch_notes)
    if model in merged.new_names:
        workspace.warn(f"`{model}` is `{merged.new_names[model]}` by now")
        model = merged.new_names[model]
    steps = with_signatures(merged.repo, _steps(merged, model))
    told = story(model, steps, merged, merged.records(), asked)
    warn_unreadable(workspace, merged.log.problems)
    return ModelHistory(told)


@dataclass(frozen=True, slots=True)
class HistoryQuestion:
    """What is asked about a history: `moment` for what was declared then, else within `limits`."""

    moment: datetime | None
    limits: Span
    version: int | None = None

    def concerns(self, entry: Entry) -> bool:
        """Return whether a merged change is asked about."""
        is_of_version = self.version is None or concerns(entry.step, self.version)
        return entry.time in self.limits and is_of_version


def question(
    at: DateLike | None, since: DateLike | None, until: DateLike | None, version: int | None = None
) -> HistoryQuestion:
    """Return the question; raises `UsageError` for one that contradicts itself."""
    if at is not None and (version, since, until) != (None, None, None):
        raise UsageError("`--at` asks about one moment", hint="leave out the other limits")
    moment = as_moment(at, is_end=True, now=datetime.now(timezone.utc))
    return HistoryQuestion(
        moment, Span(None, moment) if moment else time_limits(since, until), version
    )


def story(
    model: str,
    steps: Sequence[Step],
    merged: MergedHistory,
    records: Records | None,
    asked: HistoryQuestion,
) -> Story:
    """Return what is asked of the history of one model, which has these steps by all its names."""
    entries = evidence.entries(steps, merged.settings, records)
    moment = asked.moment
    return Story(
        model,
        merged.line,
        tuple(entry for entry in entries if asked.concerns(entry)),
        records is not None,
        merged.log.problems,
        None if moment is None else evidence.answer(entries, moment, merged.settings),
    )


def _steps(merged: MergedHistory, model: str) -> tuple[Step, ...]:
    if model not in merged.steps:
        message = f"`{model}` was never declared in the merged history of `{merged.line}`"
        raise UsageError(message, hint=nearest(model, merged.steps))
    return merged.steps[model]


def warn_unreadable(workspace: Workspace, problems: tuple[Problem, ...]) -> None:
    """Tell the caller of old files that cannot be read, with `-v` of each."""
    if workspace.caller.is_verbose:
        workspace.warn_of(problems)
    elif problems:
        files = phrases.count(len({problem.file for problem in problems}), "file")
        what = f"{files} of old commits cannot be read"
        workspace.warn(f"{what}, and count as unchanged there: `-v` lists them")
