"""The public API: one method for every command, with the same checks and the same JSON."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import partial
from inspect import currentframe
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.answers import (
    ApplyInterrupted,
    Drift,
    Plan,
    PlanRefused,
    Report,
    Status,
    timed,
)
from reconciler.api.applying.apply_records import fetch
from reconciler.api.applying.apply_run import ApplyRequest, Callbacks, apply_plan
from reconciler.api.arguments import checked, checked_methods
from reconciler.api.artifacts.bytes_drift import ReadingDepth, as_depth, drifted_bytes
from reconciler.api.caller import Caller, Needs
from reconciler.api.editing.methods import EditingMethods
from reconciler.api.inspection.methods import InspectionMethods
from reconciler.api.planning.judging import judging
from reconciler.api.planning.plan_requests import compared, judged, plan_request
from reconciler.api.publishing.methods import PublishingMethods
from reconciler.api.watching.methods import WatchingMethods
from reconciler.api.workspace import Workspace
from reconciler.apply.executor import Stop
from reconciler.core.matching import as_names
from reconciler.core.plan import JudgedPlan, RegistryRef
from reconciler.core.report import Result
from reconciler.errors import UsageError
from reconciler.planning.permissions import check
from reconciler.planning.status import unmanaged_values
from reconciler.ports.artifacts import BytesProgress
from reconciler.repository.locate import working_directory

if TYPE_CHECKING:
    from reconciler.api.ci.jobs import CiJobs


class ReconcilerWarning(UserWarning):
    """A sentence that the command line would print to stderr.

    >>> issubclass(reconciler.ReconcilerWarning, UserWarning)
    True
    """


@checked
def open_reconciler(
    state: str | Path = "registry-state",
    *,
    registry_uri: str | None = None,
    root: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    warn: Callable[[str], None] | None = None,
    on_reading: Callable[[BytesProgress], None] | None = None,
) -> Reconciler:
    """Return a `Reconciler` of a state folder; reads nothing yet.

    `root` is the folder that `state` is looked up from, then from its repository's root; the
    default is the working directory. `environ` has the variables that name the registry and its
    credentials; the default is `os.environ`. `warn` gets each sentence that the command line would
    print to stderr; the default is the `warnings` module, with `ReconcilerWarning`. `on_reading` is
    told how far the reading of a version's files is, in the threads that read them.

    >>> reconciler.open("registry-state", registry_uri="http://127.0.0.1:5000")
    <reconciler.Reconciler of registry-state>
    """
    caller = Caller(
        root=working_directory(root),
        environ=os.environ if environ is None else environ,
        warn=_warn if warn is None else warn,
        # Outside of a CI job somebody waits for the answer: what is superseded is an error.
        is_interactive=not (os.environ if environ is None else environ).get("CI"),
        on_reading=on_reading or _ignore,
    )
    return Reconciler(caller, str(state), registry_uri)


@checked_methods
class Reconciler(InspectionMethods, EditingMethods, PublishingMethods, WatchingMethods):
    """A state folder and the registry that it declares; `reconciler.open` makes one.

    Every method reads the files, git and the registry anew. Each returns an answer with
    `to_dict()`, the document of the command's `--format json` without its `exit`, and raises
    `ReconcilerError` where the command would end without one.

    >>> r.plan().summary["changes"]
    1
    """

    def __init__(self, caller: Caller, state: str, registry_uri: str | None = None) -> None:
        self._caller = caller
        self._state = state
        self._registry_uri = registry_uri

    def __repr__(self) -> str:
        """Return the name of the state folder."""
        return f"<reconciler.Reconciler of {self._state}>"

    @property
    def ci(self) -> CiJobs:
        """What CI jobs do: plan a pull request, apply what was merged, watch for drift."""
        from reconciler.api.ci.jobs import CiJobs  # noqa: PLC0415  outside of a job there is no forge

        return CiJobs(lambda stop: self._workspace(stop=stop))

    def plan(
        self,
        *,
        models: Collection[str] | None = None,
        since: str | None = None,
        rules_from: str | None = None,
        adopt: Collection[str] = (),
        evidence: bool = True,
        all_policies: bool = False,
        check_permissions: bool = False,
    ) -> Plan:
        """Return what would change, judged by every guard and policy; writes nothing.

        `models` are globs; without them it is every model. `since` names a commit: only models
        that are declared otherwise than where this checkout forked from it. `rules_from` names a
        commit whose policies also judge. `adopt` are globs for models to take over from another
        state folder. `evidence` reads the runs of the versions that change hands. `all_policies`
        also judges what is live already. `check_permissions` asks the registry whether its user may
        write all of it.

        Raises `UsageError` for a glob that names no model, `DeclarationError` for wrong files,
        `RegistryError` where the registry cannot be read.

        >>> r.plan(models=["fraud"]).changes[0].after
        'yes'
        """
        with self._workspace(base_ref=rules_from) as workspace:
            if models is None and since is None:
                workspace.read_ahead()
            judge_by = judging(
                workspace, planning=True, show_evidence=evidence, everything=all_policies
            )
            asked = plan_request(
                workspace, models=_all_or(models), since=since, adopt=as_names(adopt)
            )
            plan = judged(workspace, asked, judge_by).plan
            permissions = check(plan, workspace.registry) if check_permissions else None
        return timed(Plan(plan, workspace.requests, permissions=permissions), workspace.started)

    def load_plan(self, path: str | Path) -> Plan:
        """Return a plan that `Plan.save` or `plan --out` wrote.

        Raises `UsageError` for a file that cannot be read, `OutOfStep` for one that was edited.

        >>> r.plan().save("plan.json")
        >>> r.load_plan("plan.json").digest == r.plan().digest
        True
        """
        return Plan(_load(Path(path)))

    def apply(
        self,
        plan: Plan | None = None,
        *,
        models: Collection[str] | None = None,
        adopt: Collection[str] = (),
        accept: Collection[str] = (),
        expect: str | None = None,
        all_or_nothing: bool = False,
        evidence: bool = False,
        parallelism: int = 8,
        timeout: float = 60.0,
        record: bool | None = None,
        record_push: str | None = None,
        dry_run: bool = False,
        before_writing: Callable[[Plan], None] | None = None,
        on_result: Callable[[Result], None] | None = None,
        on_model: Callable[[str], None] | None = None,
        after_writing: Callable[[], None] | None = None,
        on_report: Callable[[Report], None] | None = None,
        stop: Stop | None = None,
    ) -> Report:
        """Carry out a plan, or without one plan and carry that out; return what became of it.

        `models` and `adopt` are those of `plan`, for a plan that is made here. `accept` names rules
        whose violation is consented to: `RULE`, or `RULE=MODEL`. `expect` is the digest that was
        approved. `all_or_nothing` writes nothing where a model is excluded. `evidence` reads the
        runs of the versions that change hands, for `before_writing` to show. `parallelism` models
        are written at a time; `timeout` is in seconds for each. `record` keeps a record of the
        apply in the clone's git notes, as is done without asking where there are some;
        `record_push` also pushes it to that remote. `dry_run` ends before the first write, with the
        report that says what forbids it, or what would be written. `before_writing` gets the plan
        before the first write: what it raises ends the run. `on_result` gets each result as it
        happens, `on_model` the name of each model that is done, `after_writing` is called before
        the record is kept, `on_report` gets the report before webhooks are told. `stop` ends the
        run between two requests.

        Raises `PlanRefused` when a violation denies the plan, with `report`; `OutOfStep` for a
        plan of another registry or digest; `ApplyInterrupted` after Ctrl-C.

        >>> r.apply(r.plan()).summary["applied"]
        1
        """
        planned_for = plan.judged.registry if isinstance(plan, Plan) else None
        request = ApplyRequest(
            models=_all_or(models),
            adopt=as_names(adopt),
            accept=as_names(accept),
            expect=expect,
            all_or_nothing=all_or_nothing,
            evidence=evidence,
            parallelism=parallelism,
            record=bool(record),
            record_push=record_push,
            dry_run=dry_run,
        )
        callbacks = Callbacks(
            before_writing=before_writing or _ignore,
            on_result=on_result or _ignore,
            on_model=on_model or _ignore,
            after_writing=after_writing or _ignore,
            on_report=on_report or _ignore,
        )
        with self._workspace(timeout=timeout, stop=stop, planned_for=planned_for) as workspace:
            report = timed(apply_plan(workspace, plan, request, callbacks), workspace.started)
        if report.applied.plan.denied:
            raise PlanRefused(report)
        if report.signal is not None and stop is None:
            raise ApplyInterrupted(report)
        return report

    def drift(
        self,
        *,
        models: Collection[str] | None = None,
        unmanaged: bool = False,
        bytes: ReadingDepth | None = None,  # noqa: A002  the option's name
        fetch_notes: str | None = None,
    ) -> Drift:
        """Return what was changed by hand, and what is declared but not live; writes nothing.

        `models` are globs; `unmanaged` also lists what git does not own. Of versions that serve and
        have a digest the names and sizes of their files are compared with those that an apply
        record has; `fetch_notes` names a remote whose records are fetched first. With `bytes` every
        file is read: "serving" of what serves, "all" of all that is declared.

        >>> [change.after for change in r.drift().pending]
        ['yes']
        """
        depth = as_depth(bytes)
        with self._workspace() as workspace:
            if models is None:
                workspace.read_ahead()
            found = compared(workspace, plan_request(workspace, models=_all_or(models)))
            values = (
                unmanaged_values(found.plan, found.live, workspace.desired) if unmanaged else None
            )
            files = drifted_bytes(workspace, found, depth, partial(fetch, remote=fetch_notes))
            answer = Drift(found.plan, values, workspace.requests, files)
            return timed(answer, workspace.started)

    def status(
        self, model: str | Collection[str] | None = None, *, only: Collection[str] = ()
    ) -> Status:
        """Return where every version of a model, of several, or of all, stands; writes nothing.

        `model` is a name or a glob, or several. `only` reduces the rows to versions that are
        `in-sync`, `out-of-sync`, `unmanaged`, `deleted`, `superseded`, `behind`, `diverged`,
        `released`, `held` or `error`.

        Raises `UsageError` for a model that is neither declared nor in the registry, and for a
        glob that matches none.

        >>> [(row.version, row.stage) for row in r.status("fraud").rows[1:]]
        [(3, 'Production'), (2, 'Archived')]
        """
        from reconciler.api.inspection.version_status import version_status  # noqa: PLC0415  a plan does without

        with self._workspace() as workspace:
            found = version_status(workspace, _all_or(model), as_names(only))
            return timed(found, workspace.started)

    def _workspace_of(self, state: str, registry_uri: str | None) -> Workspace:
        return Workspace(self._caller, state, registry_uri)

    def _workspace(
        self,
        *,
        needs: Needs = "all",
        timeout: float = 60.0,
        base_ref: str | None = None,
        planned_for: RegistryRef | None = None,
        stop: Stop | None = None,
    ) -> Workspace:
        return Workspace(
            self._caller,
            self._state,
            self._registry_uri,
            needs=needs,
            timeout=timeout,
            base_ref=base_ref,
            planned_for=planned_for,
            stop=stop,
        )


def _load(path: Path) -> JudgedPlan:
    from reconciler.files import plan_file  # noqa: PLC0415  few plans are loaded

    try:
        return plan_file.loads(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        hint = "`plan --out FILE` writes one, and `--model GLOB` names models"
        raise UsageError(f"plan file {path}: {reason}", hint=hint) from error


def _all_or(models: Collection[str] | None) -> tuple[str, ...] | None:
    """Return the globs as they are meant: None is every model, and nothing is none."""
    return None if models is None else as_names(models)


def _ignore(*_: object) -> None:
    """Do nothing with what a caller did not ask for."""


def _warn(sentence: str) -> None:
    """Warn of the line that called this package, whichever method is at work."""
    frame, level = currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("reconciler."):
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, ReconcilerWarning, stacklevel=level)
