"""Everything that is known of a model or a version, and who put it where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import chain

from reconciler.api.answers import Answer
from reconciler.api.artifacts.known_digests import declared_digests
from reconciler.api.inspection.version_names import (
    chosen_version,
    find_named,
    serving_of,
    serving_version,
)
from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.planning.plan_requests import compared, plan_request
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence, stage_history
from reconciler.audit.evidence import Entry
from reconciler.audit.known_bytes import BytesRead, bytes_read, declared_or_read
from reconciler.core.comparison import Side, side
from reconciler.core.settings import Settings
from reconciler.core.state import Field, Live
from reconciler.core.uris import safe_uri
from reconciler.errors import OutOfStep, UsageError
from reconciler.planning import status
from reconciler.planning.live_state import read_facts
from reconciler.render.inspection import version_details as render
from reconciler.render.inspection.version_details import Git, VersionDetails
from reconciler.render.json_documents import Document
from reconciler.repository.log import Log


class ModelDetails(Answer):
    """Everything that is known of a model and of one of its versions.

    >>> r.show("fraud").to_dict()["version"]["version"]
    3
    """

    def __init__(self, details: VersionDetails, requests: int = 0) -> None:
        self.details = details
        self.problems = details.git.problems
        self.requests = requests
        self.code = int(details.git.code)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.details.live.model

    @property
    def version(self) -> int | None:
        """The version that is shown, None where nothing serves."""
        return self.details.side.version if self.details.side else None

    def document(self) -> Document:
        """Return the document of `show --format json`, its `exit` included."""
        return render.document(self.details)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `show` prints; `seconds` replaces the time in its last line."""
        return render.text(self.details, self._effort(seconds), self.columns)


def model_details(workspace: Workspace, name: str) -> ModelDetails:
    """Return what is known of a model and a version: of a model alone, the one that serves.

    Raises `UsageError` for a name that means nothing.
    """
    return ModelDetails(version_details(workspace, name), workspace.requests)


def version_details(workspace: Workspace, name: str) -> VersionDetails:
    """Gather what is known of a model and a version; raises as `model_details`."""
    live, selector = find_named(workspace, name)
    settings = workspace.desired.settings
    if selector is None:
        version = serving_version(live, workspace.desired)
    else:
        version = chosen_version(workspace, live, selector)
    git = _git(workspace, live)
    shown = _side(workspace, live, version, git)
    source = shown.identity.source if shown else None
    declaration = workspace.desired.declarations.get(live.model)
    return VersionDetails(
        live=live,
        serving=serving_of(live, workspace.desired),
        git=git,
        side=shown,
        places=_places(git.history, shown, settings, workspace.ref.key) if shown else {},
        file=declaration.file if declaration else None,
        source=safe_uri(source) if source else None,
        registry=workspace.ref,
        alone=selector is not None,
        now=datetime.now(timezone.utc),
        consumers=declaration.consumers if declaration else (),
    )


def _side(workspace: Workspace, live: Live, version: int | None, git: Git) -> Side | None:
    if version is None:
        return None
    facts = read_facts(workspace.registry, [(live, version)], parallelism=1)[live.model]
    return side(live, version, facts, declared_or_read(git.digests, git.read))


def _git(workspace: Workspace, live: Live) -> Git:
    """Compare with what is declared, and read who merged it; outside of git neither."""
    git = Git({}, digests=declared_digests(workspace, live.model))
    if live.model in workspace.desired.declarations or live.owner == workspace.owner:
        request = replace(plan_request(workspace), models=frozenset({live.model}))
        comparison = compared(workspace, request)
        plan = comparison.plan
        rows = status.rows(plan, comparison.live, workspace.desired)
        sync = {row.version: row.sync for row in rows if row.version is not None}
        git = replace(
            git, sync=sync, changes=plan.changes, problems=plan.problems, code=plan.exit_code()
        )
    try:
        merged = open_merged(workspace, quiet=True)
    except (OutOfStep, UsageError) as error:
        return replace(git, silent=error.message)
    git = replace(git, read=_bytes_read(merged, live, workspace.ref.key))
    steps = merged.steps_of(live.model)
    entries = evidence.entries(steps, merged.settings, merged.records())
    if not entries:
        return replace(git, silent=f"the merged history of `{merged.line}` never declared it")
    history = _live_part(entries, live, merged.log)
    if history is None:
        recorded = f"the commit that is live, {live.recorded[-1][:12]}"
        return replace(git, silent=f"{recorded}, is not on `{merged.line}`")
    return replace(git, history=history)


def _bytes_read(merged: MergedHistory, live: Live, registry: str) -> Mapping[int, BytesRead]:
    records = merged.records(registry)
    former = (old for old, name in merged.new_names.items() if name == live.model)
    made = records.by_commit.values() if records else ()
    return bytes_read(chain.from_iterable(made), {live.model, *former}, live)


def _live_part(entries: tuple[Entry, ...], live: Live, log: Log) -> tuple[Entry, ...] | None:
    """Return the entries up to the commit that is recorded as live, and all where none is.

    None where the line does not have that commit: what is live did not come from the entries.
    """
    if not live.recorded:
        return entries
    recorded = live.recorded[-1]
    place = {commit: at for at, commit in enumerate(log.line)}
    end = place.get(log.landed.get(recorded, recorded))
    if end is None:
        return None
    return tuple(entry for entry in entries if place[entry.step.commit.id] <= end)


def _places(
    history: Sequence[Entry], shown: Side, settings: Settings, registry: str
) -> Mapping[str, Entry]:
    """Return the merged change that brought the stage and each alias, where git put it there."""
    declaration = history[-1].step.after if history else None
    if declaration is None:
        return {}
    places: dict[str, Entry] = {}
    if declaration.fields.get(Field("stage", shown.version)) == shown.stage:
        since = stage_history.entered(history, shown.version, shown.stage, registry)
        by_commit = {entry.step.commit.id: entry for entry in history}
        if since is not None and since.commit is not None:
            places[shown.stage] = by_commit[since.commit]
    forever = datetime.max.replace(tzinfo=timezone.utc)
    held = {holder.name: holder for holder in evidence.answer(history, forever, settings).held}
    for alias in (f"@{alias}" for alias in shown.aliases):
        if alias in held and held[alias].version == shown.version:
            places[alias] = held[alias].since
    return places
