"""The models that are watched, each with the version that serves and what git knows of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.planning.plan_requests import compared, plan_request
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence
from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import serving
from reconciler.authoring.rollback import says_back
from reconciler.core.declaring.watch import WatchRule, covers, rules_of
from reconciler.core.matching import is_glob, select
from reconciler.core.plan import DraftPlan, ModelPlan
from reconciler.core.state import Declaration, Live
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.render import phrases


@dataclass(frozen=True, slots=True)
class WatchSubject:
    """A model with rules, and the version that serves.

    `run_id` is the run that it came from. `since` is when an apply first had it serve, None where
    no record tells. `incumbent` is what served before, and `put_there` the merged change that ended
    that; with `is_rollback` it was one. `obstacle` says why the model is not looked at, None where
    it is. `settings_file` has the rules that are not the model's own.
    """

    declaration: Declaration
    rules: tuple[WatchRule, ...]
    version: int | None
    settings_file: str
    run_id: str | None = None
    since: datetime | None = None
    incumbent: int | None = None
    put_there: Entry | None = None
    is_rollback: bool = False
    obstacle: str | None = None

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.declaration.model

    def file_of(self, rule: WatchRule) -> str:
        """Return the file that has a rule."""
        own = any(other is rule for other in self.declaration.watch)
        return self.declaration.file if own else self.settings_file


@dataclass(frozen=True, slots=True)
class _LiveModel:
    name: str
    plan: ModelPlan | None
    live: Live | None


@dataclass(frozen=True, slots=True)
class WatchSubjects:
    """What is watched, sorted by model, with the plan that says which models are as git says."""

    subjects: tuple[WatchSubject, ...]
    plan: DraftPlan


def watch_subjects(
    workspace: Workspace, globs: Collection[str] | None, now: datetime
) -> WatchSubjects:
    """Return the models that have rules, and are not retired, as they are live.

    An apply that is recorded for later than `now` counts as none: it would stay within `grace`.

    Raises `UsageError` for a glob without a match, `DeclarationError` where no model has a rule:
    a job that watches nothing must not look healthy.
    """
    rules = _rules(workspace, globs)
    asked = plan_request(workspace, models=[*rules])
    found = compared(workspace, asked)
    plans = {model.model: model for model in found.plan.models}
    merged = open_merged(workspace, quiet=True)
    subjects = [
        _subject(
            workspace,
            merged,
            rules[name],
            _LiveModel(name, plans.get(name), found.live.get(name)),
            now,
        )
        for name in sorted(rules)
    ]
    return WatchSubjects(tuple(subjects), found.plan)


def _rules(
    workspace: Workspace, globs: Collection[str] | None
) -> Mapping[str, tuple[WatchRule, ...]]:
    desired = workspace.desired
    declared = desired.declarations
    chosen = sorted(declared if globs is None else select(tuple(globs), declared))
    found = {}
    for name in chosen:
        rules = rules_of(name, desired.settings.watch, declared[name].watch)
        if rules and not declared[name].retired:
            found[name] = rules
    for rule in desired.settings.watch:
        if not any(covers(rule, name) for name in declared):
            globs_of = ", ".join(f"`{glob}`" for glob in rule.models)
            where = f"the rule `{rule.name}` of {_settings_file(workspace)}"
            workspace.warn(f"{where} watches no model: none is called {globs_of}")
    for name in (name for name in globs or () if name in declared and name not in found):
        why = "is retired" if declared[name].retired else "has no rule in `watch:`"
        workspace.warn(f"`{name}` {why}: it is not watched")
    if not found:
        whole = globs is None or any(map(is_glob, globs))
        message = f"{'no model' if whole else 'none of these models'} has a rule in `watch:`"
        hint = f"add one to a model's file, or for all models to {_settings_file(workspace)}"
        raise DeclarationError([Problem(message, ExitCode.DECLARATION, hint=hint)])
    return found


def _settings_file(workspace: Workspace) -> str:
    return SETTINGS_FILE if workspace.shown == "." else f"{workspace.shown}/{SETTINGS_FILE}"


def _subject(
    workspace: Workspace,
    merged: MergedHistory,
    rules: tuple[WatchRule, ...],
    model: _LiveModel,
    now: datetime,
) -> WatchSubject:
    declaration = workspace.desired.declarations[model.name]
    version = serving(declaration, workspace.settings)
    subject = WatchSubject(declaration, rules, version, _settings_file(workspace))
    obstacle = _obstacle(version, model.plan)
    if obstacle is not None:
        return replace(subject, obstacle=obstacle)
    live = model.live.versions.get(version or 0) if model.live is not None else None
    subject = replace(subject, run_id=live.identity.run_id if live is not None else None)
    records = merged.records(workspace.ref.key)
    past = evidence.entries(merged.steps_of(model.name), merged.settings, records)
    spell = tuple(_spell(past, version))
    if not spell:  # a dry run on what is not merged yet
        return subject
    applied = [made.time for entry in spell for made in entry.applied if made.time <= now]
    return replace(
        subject,
        since=min(applied, default=None),
        incumbent=past[-len(spell) - 1].serving if past[len(spell) :] else None,
        put_there=spell[-1],
        is_rollback=says_back(spell[-1]),
    )


def _spell(past: Sequence[Entry], version: int | None) -> Iterator[Entry]:
    """Yield the merged changes since the one that had a version serve, the latest first."""
    for entry in reversed(past):
        if entry.serving != version:
            return
        yield entry


def _obstacle(version: int | None, plan: ModelPlan | None) -> str | None:
    """Return why a model is not looked at: what is measured would be of another version."""
    outcome = plan.outcome if plan is not None else "error"
    if plan is not None and outcome == "held":
        return next(iter(plan.messages), "held")
    if plan is not None and plan.changes:
        values = phrases.count(len(plan.changes), "value")
        return f"{values} in the registry not as git says: `reconciler drift` lists them"
    if outcome == "error":
        return "it cannot be compared with the registry"
    if outcome != "in-sync":
        return f"the registry is not as this commit says: {outcome}"
    return None if version is not None else "no version is declared to serve"
