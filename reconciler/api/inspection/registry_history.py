"""Who changed which of several models, when, approved by whom: read from git alone."""

from collections.abc import Collection
from itertools import islice

from reconciler.api.answers import Answer
from reconciler.api.inspection.model_history import question, story, warn_unreadable
from reconciler.api.merged.merged_history import open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit.dates import DateLike
from reconciler.audit.evidence import Entry
from reconciler.core.matching import select
from reconciler.errors import ExitCode
from reconciler.render.inspection import histories as render
from reconciler.render.inspection.histories import Stories
from reconciler.render.json_documents import Document
from reconciler.repository.log import with_signatures


class RegistryHistory(Answer):
    """The merged changes of several models in order, or what was declared at a moment.

    `stories` is what is shown, with one story for each model.

    >>> r.history(models=["fraud"]).to_dict()["models"]
    ['fraud']
    """

    def __init__(self, stories: Stories) -> None:
        self.stories = stories
        self.code = int(ExitCode.OK)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The merged changes that were asked for, oldest first; `step.model` is the name then."""
        return tuple(story.entries[0] for story in self.stories.single_entries)

    def document(self) -> Document:
        """Return the document of `history --format json`, its `exit` included."""
        return render.document(self.stories)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `history` prints; `seconds` replaces the time in its last line."""
        return render.text(self.stories, self._effort(seconds), self.columns)

    def to_csv(self) -> str:
        """Return what `history --format csv` prints."""
        return render.as_csv(self.stories)

    def to_markdown(self) -> str:
        """Return what `history --format markdown` prints."""
        return render.markdown(self.stories)

    def _repr_html_(self) -> str:
        return render.as_html(self.stories)


def registry_history(
    workspace: Workspace,
    models: Collection[str] | None,
    *,
    at: DateLike | None = None,
    since: DateLike | None = None,
    until: DateLike | None = None,
    fetch_notes: str | None = None,
) -> RegistryHistory:
    """Return the history of the models that globs choose; raises `UsageError` without a match."""
    asked = question(at, since, until)
    merged = open_merged(workspace, fetch_notes)
    chosen = frozenset(merged.steps)
    if models is not None:
        named = {name: merged.new_names.get(name, name) for name in models}
        for former, name in named.items():
            if name != former:
                workspace.warn(f"`{former}` is `{name}` by now")
        chosen = select(tuple(named.values()), merged.steps)
    steps = {model: merged.steps[model] for model in sorted(chosen)}
    signed = iter(with_signatures(merged.repo, [step for own in steps.values() for step in own]))
    records, problems = merged.records(), merged.log.problems
    stories = tuple(
        story(model, tuple(islice(signed, len(own))), merged, records, asked)
        for model, own in steps.items()
    )
    warn_unreadable(workspace, problems)
    return RegistryHistory(Stories(merged.line, stories, merged.log.line, problems))
