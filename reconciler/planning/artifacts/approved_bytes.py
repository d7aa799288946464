"""Reads the bytes of the versions that a plan puts into use, and compares them with their digest.

What was not read to its end never counts as approved: a plan's checks begin as `unchecked`, and
only files that were read in full make one `same`.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Final, TypeAlias

from reconciler.core.artifacts.bytes_check import (
    ApprovedFiles,
    BytesCheck,
    checked,
    contrasts,
    refusal,
    unreadable,
)
from reconciler.core.plan import DraftPlan, ModelPlan
from reconciler.core.state import Declaration
from reconciler.errors import ExitCode, Problem, ReconcilerError, RegistryError
from reconciler.ports.artifacts import ReadBytes
from reconciler.ports.parallel import each
from reconciler.ports.registry import Registry

READERS: Final = 2  # versions at a time; each is read in threads of its own
_NOT_READ: Final = "only `plan` and `apply` read it"
_LEFT_TO_APPLY: Final = "`digests: verify` in the settings does not name `plan`"
_SETTING: Final = (
    "give this machine access to the store; where a plan cannot have it, `digests: {verify: "
    "[apply]}` in reconciler.yaml has `apply` alone read it"
)

Checks: TypeAlias = Mapping[tuple[str, int], BytesCheck]


@dataclass(frozen=True, slots=True)
class BytesReading:
    """How bytes are read, and the files that are known to be approved.

    `approved` is asked when something is to be compared. `stop` ends the reading.
    """

    read: ReadBytes
    approved: Callable[[], ApprovedFiles] = ApprovedFiles
    stop: threading.Event | None = None


def through(registry: Registry) -> BytesReading:
    """Return how bytes are read where nobody is told how far that is."""
    return BytesReading(lambda model, version: registry.artifacts(model, version).read())


def declared_bytes(declaration: Declaration, entering: frozenset[int]) -> tuple[BytesCheck, ...]:
    """Return an open check for each of these versions with a digest, which are put into use."""
    digests = declaration.digests
    return tuple(
        BytesCheck(version, digests[version], "unchecked", why=_NOT_READ)
        for version in sorted(entering & digests.keys())
    )


def read_and_checked(
    model: str, version: int, digest: str, read: ReadBytes, approved: ApprovedFiles
) -> BytesCheck:
    """Return the check of a version whose files are read now."""
    try:
        files = read(model, version)
    except (ReconcilerError, OSError) as error:
        return unreadable(version, digest, error)
    return checked(model, version, digest, files, approved)


def check_bytes(
    plans: Sequence[ModelPlan], reading: BytesReading, *, threads: int = READERS
) -> Checks:
    """Read the versions that these plans put into use; return a check of each, by model.

    A version that was not reached, because the run was stopped, counts as unreadable.
    """
    wanted = [(plan, row) for plan in plans for row in _entering(plan)]
    if not wanted:
        return {}
    approved = reading.approved()
    checks: dict[tuple[str, int], BytesCheck] = {
        (plan.model, row.version): unreadable(row.version, row.digest, _interrupted())
        for plan, row in wanted
    }

    def check(item: tuple[ModelPlan, BytesCheck]) -> None:
        plan, row = item
        checks[plan.model, row.version] = read_and_checked(
            plan.model, row.version, row.digest, reading.read, approved
        )

    each(check, wanted, threads=threads, stop=reading.stop)
    return dict(checks)  # a reader that was stopped may still come to its end


def settled(plan: ModelPlan, declaration: Declaration | None, checks: Checks) -> ModelPlan:
    """Return a model's plan with its checks; one that may not be put into use excludes the model.

    A check that was not made stays open, and the plan says so.
    """
    rows = tuple(
        checks.get((plan.model, row.version), replace(row, why=_LEFT_TO_APPLY))
        for row in _entering(plan)
    )
    problems = tuple(
        _problem(plan, declaration, check, message)
        for check in rows
        if (message := refusal(plan.model, check)) is not None
    )
    if not problems:
        return replace(plan, bytes=rows)
    return replace(plan.excluded(problems), bytes=rows)


def checked_otherwise(
    plan: DraftPlan, declarations: Mapping[str, Declaration]
) -> tuple[Problem, ...]:
    """Return a problem for each version that a plan does not check for its declared digest.

    A plan was saved earlier: its file may have got the digest since, or had another one.
    """
    return tuple(
        Problem(
            f"the plan does not check `{model.model}` v{version} for {entry.digest}",
            ExitCode.OUT_OF_STEP,
            file=declaration.file or None,
            line=entry.line,
            model=model.model,
            hint="the file declares this digest by now: plan again",
        )
        for model in plan.models
        if (declaration := declarations.get(model.model)) is not None
        for version in sorted(model.entering)
        if (entry := declaration.versions.get(version)) is not None
        and entry.digest not in (None, _checked_for(model).get(version))
    )


def _checked_for(plan: ModelPlan) -> Mapping[int, str]:
    return {row.version: row.digest for row in plan.bytes}


def _entering(plan: ModelPlan) -> tuple[BytesCheck, ...]:
    """Return the checks that the plan's changes need: those of a part of a plan may be fewer."""
    entering = plan.entering
    return tuple(row for row in plan.bytes if row.version in entering)


def _interrupted() -> RegistryError:
    return RegistryError("interrupted before it was read")


def _problem(
    plan: ModelPlan, declaration: Declaration | None, check: BytesCheck, message: str
) -> Problem:
    entry = declaration.versions.get(check.version) if declaration is not None else None
    return Problem(
        message,
        check.code,
        file=plan.file,
        line=entry.line if entry is not None else None,
        model=plan.model,
        hint=_way_out(plan.model, check) if check.outcome == "different" else _SETTING,
        contrasts=contrasts(check.differences),
    )


def _way_out(model: str, check: BytesCheck) -> str:
    untouched = f"declare a version that nobody changed (`reconciler rollback {quote(model)}`), or "
    if check.read is None or check.read.digest == check.digest:
        return f"{untouched}give the files back the names that they had"
    return (
        f"{untouched}register these files as a new version; `digest: {check.read.digest}` would "
        "approve what is there now"
    )
