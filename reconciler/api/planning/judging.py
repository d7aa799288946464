"""How a plan is judged: the consents, the policies' context, and the history that they read."""

from collections.abc import Callable, Collection
from datetime import datetime, timezone
from functools import cached_property

from reconciler.api.artifacts.bytes_reading import bytes_reading
from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.planning.consents import parse_consents
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence, stage_history
from reconciler.audit.evidence import Entry
from reconciler.core.settings import Settings
from reconciler.core.state import Live
from reconciler.planning.artifacts.approved_bytes import BytesReading
from reconciler.planning.checks import Judging
from reconciler.policy.builtin_rules import StageEntry
from reconciler.policy.cel.adapter import CelConditions
from reconciler.policy.evaluation import PolicyContext
from reconciler.policy.variables import Commit


def judging(
    workspace: Workspace,
    accept: Collection[str] = (),
    *,
    planning: bool,
    show_evidence: bool = False,
    everything: bool = False,
    commit_of: Callable[[Live], Commit] | None = None,
    reading: BytesReading | None = None,
) -> Judging:
    """Return how this run's plan is judged; raises `UsageError` for consent to nothing known.

    `reading` is how bytes are read; None compares them with the records that the clone has.
    """
    known = (workspace.desired.settings, workspace.base_settings, workspace.settings_one_commit_ago)
    settings = [version for version in known if version is not None]
    return Judging(
        policy_context(workspace, planning=planning, commit_of=commit_of),
        accept=parse_consents(accept, names_of(settings)),
        evidence=show_evidence,
        everything=everything,
        reading=reading or bytes_reading(workspace),
    )


def names_of(settings: Collection[Settings]) -> tuple[str, ...]:
    """Return the names of all policies."""
    return tuple(dict.fromkeys(policy.name for version in settings for policy in version.policies))


def policy_context(
    workspace: Workspace, *, planning: bool, commit_of: Callable[[Live], Commit] | None = None
) -> PolicyContext:
    """Return what policies judge with, now; without `commit_of` no forge is asked."""
    here = head_commit(workspace)
    return PolicyContext(
        CelConditions(),
        datetime.now(timezone.utc),
        stage_history=MergedStageHistory(workspace) if workspace.history is not None else None,
        commit_of=commit_of or (lambda _: here),
        planning=planning,
    )


def head_commit(workspace: Workspace) -> Commit:
    """Return the commit that is checked out, without approvals: no forge confirms any."""
    repo = workspace.repo
    if repo is None or repo.head is None:
        return Commit()
    return Commit(id=repo.head, author=repo.author(repo.head))


class MergedStageHistory:
    """What the merged history says of a version; read when the first policy asks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._entries: dict[str, tuple[Entry, ...]] = {}

    def served_before(self, model: str, version: int) -> bool:
        """Return whether a version served, and then another one did."""
        return stage_history.served_before(self._history(model), version)

    def entered(self, model: str, version: int, stage: str) -> StageEntry | None:
        """Return since when a version is in a stage, None where nobody knows."""
        registry = self._workspace.ref.key
        return stage_history.entered(self._history(model), version, stage, registry)

    @cached_property
    def _merged(self) -> MergedHistory:
        return open_merged(self._workspace, quiet=True, tip=self._workspace.base_ref)

    def _history(self, model: str) -> tuple[Entry, ...]:
        if model not in self._entries:
            merged = self._merged
            steps = merged.steps.get(model, ())
            self._entries[model] = evidence.entries(
                steps, merged.settings, merged.records(self._workspace.ref.key)
            )
        return self._entries[model]
