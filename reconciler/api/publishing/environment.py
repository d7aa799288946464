"""Reads one environment: a state folder, its merged history and records, and its registry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Final

from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.planning.judging import judging
from reconciler.api.planning.plan_requests import judged, plan_request
from reconciler.api.publishing.version_facts import VersionFacts, read_versions
from reconciler.api.workspace import Workspace
from reconciler.audit.evidence import Entry, Records, entries
from reconciler.audit.overview.forge_links import forge_links
from reconciler.audit.overview.holders import ModelNames, holders
from reconciler.audit.overview.lane_history import lanes
from reconciler.audit.overview.lanes import Lane
from reconciler.audit.overview.model_overview import ForgeLinks, ModelOverview, Overview
from reconciler.audit.overview.model_states import ModelVerdict, state_of
from reconciler.audit.overview.recorded_applies import RecordedApplies
from reconciler.audit.overview.shown_versions import (
    ShownVersions,
    comparison,
    shown_versions,
    sides,
    without_secrets,
)
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef
from reconciler.core.state import Live
from reconciler.core.violations import Violation
from reconciler.errors import ExitCode, Problem, RegistryError
from reconciler.render.phrases import count, some
from reconciler.repository.notes.apply_records import notes_commit

_MOST_FILES: Final = 5
_RUNS_UNREAD: Final = "no run of it was read: git does not declare it"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How an environment is read: at which moment, with the registry or without."""

    now: datetime
    is_offline: bool = False
    fetch_notes: str | None = None


@dataclass(frozen=True, slots=True)
class ReadEnvironment:
    """One environment, and the problems of single models that could not be read."""

    overview: Overview
    problems: tuple[Problem, ...] = ()


def read_environment(workspace: Workspace, request: PageRequest) -> ReadEnvironment:
    """Return an environment as it is now.

    Raises `DeclarationError` for wrong files, `OutOfStep` for a history that is cut off,
    `RegistryError` where the registry cannot be read.
    """
    if not request.is_offline:
        workspace.read_ahead()
    workspace.warn_of(workspace.desired.warnings)
    past = _past(workspace, request)
    reading = _RegistryReading() if request.is_offline else _read_registry(workspace, request.now)
    return _Reader(workspace, request, past, reading).environment()


@dataclass(frozen=True)
class _RegistryReading:
    """What the registry holds, and the plan; nothing where it is not read."""

    plan: JudgedPlan | None = None
    live: Mapping[str, Live] = field(default_factory=dict)
    ref: RegistryRef | None = None

    @cached_property
    def plans(self) -> Mapping[str, ModelPlan]:
        """The plan of each model."""
        return {model.model: model for model in self.plan.models} if self.plan else {}


def _past(workspace: Workspace, request: PageRequest) -> MergedHistory | None:
    """Return the merged history; None outside of a repository, where only the registry is read."""
    if workspace.missing_history is not None and not request.is_offline:
        return None
    return open_merged(workspace, request.fetch_notes)


def _read_registry(workspace: Workspace, now: datetime) -> _RegistryReading:
    try:
        by = judging(workspace, planning=True)
        by = replace(by, context=replace(by.context, now=now))
        found = judged(workspace, plan_request(workspace), by)
    except RegistryError as error:
        instead = "`--offline` makes the page from git alone"
        error.hint = f"{error.hint}; {instead}" if error.hint else instead
        raise
    return _RegistryReading(found.plan, found.live, workspace.ref)


class _Reader:
    """Puts together what git, the records and the registry tell of each model."""

    def __init__(
        self,
        workspace: Workspace,
        request: PageRequest,
        past: MergedHistory | None,
        reading: _RegistryReading,
    ) -> None:
        self._workspace = workspace
        self._request = request
        self._past = past
        self._reading = reading
        self._desired = workspace.desired

    def environment(self) -> ReadEnvironment:
        """Return the environment with every model, sorted by name."""
        named = [self._named(name) for name in self._names()]
        plans = self._reading.plans
        shown = {of.model: shown_versions(of, plans.get(of.model)) for of in named}
        facts = self._facts(named, shown)
        models = tuple(self._model(of, shown[of.model], facts) for of in named)
        past, workspace = self._past, self._workspace
        overview = Overview(
            state=workspace.shown,
            now=self._request.now,
            models=models,
            commit=workspace.repo.head if workspace.repo else None,
            line=past.line if past else None,
            registry=self._reading.ref,
            is_offline=self._request.is_offline,
            has_records=past is not None and past.notes is not None,
            notes=notes_commit(past.repo) if past else None,
            unread=(*self._unread(), *facts.unread),
            links=_links(workspace),
        )
        plan = self._reading.plan
        problems = tuple(p for p in plan.problems if p.code is ExitCode.REGISTRY) if plan else ()
        return ReadEnvironment(overview, problems)

    def _names(self) -> Iterable[str]:
        ignored = self._desired.settings.ignore.model
        live = (name for name, model in self._reading.live.items() if not model.is_prompt)
        known = {*self._desired.declarations, *self._reading.plans, *live}
        return sorted(name for name in known if not ignored(name))

    def _named(self, name: str) -> ModelNames:
        is_read = not self._request.is_offline and not self._is_hidden(name)
        return ModelNames(
            name,
            self._desired.settings,
            self._desired.declarations.get(name),
            live=self._known(name) if is_read else None,
            is_read=is_read,
            history=self._history(name),
            place=self._place,
        )

    def _is_hidden(self, name: str) -> bool:
        """Return whether the registry did not show a model, or not the versions of it."""
        live, plan = self._reading.live.get(name), self._reading.plans.get(name)
        if live is not None:
            return live.unreadable is not None
        return plan is not None and any(p.code is ExitCode.REGISTRY for p in plan.problems)

    def _known(self, name: str) -> Live | None:
        """Return a live model without what the settings ignore."""
        live = self._reading.live.get(name)
        ignore = self._desired.settings.ignore
        return replace(live, fields=ignore.without(live.fields)) if live else None

    @cached_property
    def _line(self) -> Mapping[str, int]:
        """The place of each commit on the main line."""
        return {commit: at for at, commit in enumerate(self._past.log.line)} if self._past else {}

    @cached_property
    def _place(self) -> Mapping[str, int]:
        """The places on the main line, a commit of a branch at that of its merge."""
        line, landed = self._line, self._past.log.landed.items() if self._past else ()
        return {**{commit: line[merge] for commit, merge in landed if merge in line}, **line}

    @cached_property
    def _records(self) -> Records | None:
        ref = self._reading.ref
        return self._past.records(ref.key if ref else None) if self._past else None

    @cached_property
    def _applies(self) -> RecordedApplies:
        made = self._records.by_commit.values() if self._records is not None else ()
        ref = self._reading.ref
        return RecordedApplies(chain.from_iterable(made), ref.key if ref else None)

    def _history(self, name: str) -> Sequence[Entry]:
        if self._past is None:
            return ()
        return entries(self._past.steps.get(name, ()), self._past.settings, self._records)

    def _facts(
        self, named: Sequence[ModelNames], shown: Mapping[str, ShownVersions]
    ) -> VersionFacts:
        declared = [of for of in named if of.declaration is not None and of.live is not None]
        if not declared:
            return VersionFacts()
        return read_versions(self._workspace.registry, declared, shown, self._reading.plans)

    def _model(self, of: ModelNames, shown: ShownVersions, facts: VersionFacts) -> ModelOverview:
        plan, read = self._reading.plans.get(of.model), facts.of(of.model)
        state, why = state_of(of, self._verdict(of, plan))
        declaration, known = of.declaration, sides(of, read)
        unread = (_RUNS_UNREAD,) if declaration is None else shown.unread
        relative = self._relative(declaration.file) if declaration else None
        return ModelOverview(
            model=of.model,
            state=state,
            group=relative.rpartition("/")[0] if relative else "",
            file=declaration.file if declaration else None,
            text=self._text(relative) if relative else None,
            declaration=declaration,
            live=without_secrets(of.live) if of.live else None,
            why=why,
            holders=holders(of),
            lanes=self._lanes(of),
            history=tuple(of.history),
            sides=known,
            comparison=comparison(of, shown, known, plan),
            unread=unread if of.is_read else (),
            violations=self._violations(of.model),
        )

    def _lanes(self, of: ModelNames) -> tuple[Lane, ...]:
        """Return the lanes; none without a history, where everything would be by hand."""
        if self._past is None:
            return ()
        return lanes(
            of.history,
            settings=of.settings,
            applies=self._applies,
            live=of.live,
            now=self._request.now,
            place=self._line,
        )

    def _verdict(self, of: ModelNames, plan: ModelPlan | None) -> ModelVerdict:
        whole, live = self._reading.plan, self._reading.live.get(of.model)
        if whole is None or plan is None:
            owner = live.owner if live else None
            is_another = owner not in (None, self._workspace.owner)
            unread = f"its versions cannot be listed: {live.unreadable}" if live else None
            return ModelVerdict(managed_by=owner if is_another else None, unread=unread)
        concerned = {of.model, None} if plan.changes else {of.model}
        return ModelVerdict(
            plan,
            refusals=tuple(v for v in whole.denied if v.model in concerned),
            waiting=tuple(v for v in whole.pending if v.model == of.model),
        )

    def _violations(self, model: str) -> tuple[Violation, ...]:
        plan = self._reading.plan
        found = (*plan.violations, *plan.pending) if plan else ()
        own = self._reading.plans.get(model)
        concerned = {model, None} if own is not None and own.changes else {model}
        return tuple(violation for violation in found if violation.model in concerned)

    def _relative(self, file: str) -> str:
        return file.removeprefix(f"{self._workspace.shown}/")

    def _text(self, relative: str) -> str | None:
        try:
            return (self._workspace.folder / relative).read_text("utf-8-sig", "replace")
        except OSError:  # it was there when the files were read
            return None

    def _unread(self) -> Iterable[str]:
        dirty = self._workspace.dirty
        if self._past is None:
            yield f"no history was read: {self._workspace.missing_history}"
        else:
            yield from _unread_past(self._past)
        if dirty:
            yield f"not all of it is committed: {some(dirty, _MOST_FILES)}"


def _unread_past(past: MergedHistory) -> Iterable[str]:
    head = str(past.repo.head)
    if past.is_main and past.tip != head:
        line = f"`{past.line}` is at {past.tip[:12]}"
        yield f"{head[:12]} is checked out, and {line}: each state is by what is checked out"
    if past.log.problems:
        files = count(len({problem.file for problem in past.log.problems}), "file")
        yield f"{files} of old commits cannot be read, and count as unchanged there"
    if past.notes is not None and past.notes.unreadable:
        commits = count(len(past.notes.unreadable), "commit")
        yield f"the apply records of {commits} cannot be read"


def _links(workspace: Workspace) -> ForgeLinks:
    if workspace.repo is None:
        return forge_links(None, workspace.environ)
    status, out, _ = workspace.repo.run("remote", "get-url", "origin")
    return forge_links(out.strip() if status == 0 else None, workspace.environ)
