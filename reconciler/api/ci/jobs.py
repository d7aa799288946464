"""`Reconciler.ci`: the three jobs as methods, with what they are told about the forge."""

from collections.abc import Callable

from reconciler.api.answers import ApplyInterrupted, Plan, PlanRefused, Report
from reconciler.api.applying.apply_run import Callbacks
from reconciler.api.artifacts.bytes_drift import ReadingDepth, as_depth
from reconciler.api.ci.answers import JobDrift, JobPlan
from reconciler.api.ci.apply import ByHand, ci_apply
from reconciler.api.ci.drift import ci_drift
from reconciler.api.ci.job import Job
from reconciler.api.ci.plan import ci_plan
from reconciler.api.workspace import Workspace
from reconciler.apply.executor import Stop
from reconciler.errors import UsageError


class CiJobs:
    """Plan a pull request, apply what was merged, watch for drift: for GitHub and GitLab jobs.

    The job's environment names its forge, its token, and the files for its outputs and summary;
    outside of a job nobody is told but the caller. With `dry_run` nothing is written anywhere, and
    what would be said on the forge goes to `warn`. Each method calls back with its answer before
    annotations, outputs and summary are written.
    """

    def __init__(self, workspace: Callable[[Stop | None], Workspace]) -> None:
        self._workspace = workspace

    def plan(
        self,
        pr: int | None = None,
        *,
        digests: bool = False,
        dry_run: bool = False,
        on_plan: Callable[[JobPlan], object] | None = None,
    ) -> JobPlan:
        """Plan what is checked out against its base; comment, and keep the plan in a check.

        `pr` is the number of the pull request, where the job's event does not name it. With
        `digests` the versions that enter without a digest are read where that can be done from here
        and they have 2 GB at most, and the comment has the lines to add.

        Raises `UsageError` for a number without a forge, `OutOfStep` where another commit than
        the head is checked out, `ForgeError` where the forge cannot be read.
        """
        with self._workspace(None) as workspace:
            return ci_plan(Job(workspace, dry_run), pr, on_plan or _ignore, digests=digests)

    def apply(
        self,
        model: str | None = None,
        digest: str | None = None,
        *,
        dry_run: bool = False,
        stop: Stop | None = None,
        before_writing: Callable[[Plan], None] | None = None,
        on_report: Callable[[Report], None] | None = None,
    ) -> Report:
        """Write the models whose declaration changed, where a pull request showed what is written.

        `model` is applied by hand, alone, where its plan has the `digest` that was looked at.
        `before_writing` gets the plan before the first write: what it raises ends the run. `stop`
        ends the run between two requests.

        Raises `PlanRefused` when a violation denies the plan, with `report`; `OutOfStep` for
        another digest; `ForgeError` where the forge does not say what was shown;
        `ApplyInterrupted` after Ctrl-C.
        """
        if (model is None) != (digest is None):
            raise UsageError("--model and --digest go together", hint="say both, or neither")
        by_hand = ByHand(model, digest) if model is not None and digest is not None else None
        callbacks = Callbacks(
            before_writing=before_writing or _ignore, on_report=on_report or _ignore
        )
        with self._workspace(stop) as workspace:
            report = ci_apply(Job(workspace, dry_run), by_hand, callbacks)
        if report.plan.denied and not dry_run:
            raise PlanRefused(report)
        if report.signal is not None and stop is None:
            raise ApplyInterrupted(report)
        return report

    def drift(
        self,
        *,
        bytes: ReadingDepth | None = None,  # noqa: A002  the option's name
        dry_run: bool = False,
        on_drift: Callable[[JobDrift], object] | None = None,
    ) -> JobDrift:
        """Compare the registry with git; open, update or close one issue.

        `bytes` is that of `Reconciler.drift`. Files that differ have an issue of their own, and
        what a reading found only a reading closes.

        Raises `RegistryError` where the registry cannot be read; a forge that refuses is among
        the answer's `problems`.
        """
        depth = as_depth(bytes)
        with self._workspace(None) as workspace:
            return ci_drift(Job(workspace, dry_run), depth, on_drift or _ignore)


def _ignore(_: object) -> None:
    """Do nothing with what a caller did not ask for."""
