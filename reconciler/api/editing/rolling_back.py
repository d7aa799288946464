"""Makes the edit of `rollback`: the version that served before is to serve again."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.api.editing.digests import draft_with_digests
from reconciler.api.editing.edit import Edit
from reconciler.api.editing.lookups import declared, probe
from reconciler.api.merged.merged_history import MergedHistory, open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence
from reconciler.audit.evidence import Entry, Records
from reconciler.audit.merged_changes import serving
from reconciler.authoring.digests import entering
from reconciler.authoring.promotion import refuse_blocked, without_broken_test
from reconciler.authoring.proposal import Proposal, check_text, slug, title_of
from reconciler.authoring.rollback import TRAILER, Candidate, candidates, chosen, rolled_back
from reconciler.core.declaring.major_aliases import with_major_alias
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Live
from reconciler.errors import (
    DeclarationError,
    ExitCode,
    OutOfStep,
    Problem,
    ReconcilerError,
    UsageError,
)


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """What is asked for; the fields are the arguments of `Reconciler.rollback`."""

    model: str
    to: int | None = None
    block: bool = False
    reason: str | None = None
    fetch_notes: str | None = None
    digest: bool | None = None


def roll_back(workspace: Workspace, asked: RollbackRequest) -> Edit:
    """Return the edit; one that is refused has the candidates to choose from."""
    check_text("--reason", asked.reason)
    if asked.block and not asked.reason:
        raise UsageError("`--block` writes down why", hint="add `--reason TEXT`")
    model, before = asked.model, declared(workspace, asked.model)
    if asked.to is not None:
        refuse_blocked(before, asked.to)
    bad = serving(before, workspace.desired.settings)
    if asked.to is not None and asked.to == bad:
        return _refused(workspace, before, f"`{model}` v{bad} is the version that serves")
    if asked.block and bad is None:
        message = f"no version of `{model}` serves: nothing to block"
        return _refused(workspace, before, message)
    found, live = _checked(workspace, before, asked)
    target = chosen(found, asked.to)
    if target is None:
        return _without_target(workspace, before, asked, found)
    if target.against is not None:
        workspace.warn(f"note: v{target.version} would be passed over: {target.against}")
    proposal = _proposal(before, target, workspace.desired.settings, asked)
    versions = {target.version, *entering(*proposal.changes[0])}
    return Edit(
        workspace,
        draft_with_digests(
            workspace,
            proposal,
            {} if live is None else {model: live},
            [(model, version) for version in sorted(versions)],
            wanted=asked.digest,
        ),
        model=model,
        file=before.file,
        candidates=found,
        target=target,
    )


def _checked(
    workspace: Workspace, before: Declaration, asked: RollbackRequest
) -> tuple[tuple[Candidate, ...], Live | None]:
    """Return the candidates, and the live model where it could be read.

    A candidate that is gone from the registry is to be passed over.

    Raises `DeclarationError` when the one that is asked for is gone or another one.
    """
    settings = workspace.desired.settings
    found = candidates(_history(workspace, asked), before, settings)
    if not found:
        return (), None
    numbers = tuple(one.version for one in found)
    live = probe(workspace, asked.model, numbers, required=bool(asked.digest))
    checked = []
    for one in found:
        problems: tuple[Problem, ...] = ()
        if one.against is None or one.version == asked.to:
            problems = live.problems(rolled_back(before, one, settings), one.version)
        if problems and one.version == asked.to:
            raise DeclarationError(problems)
        checked.append(replace(one, against=problems[0].message) if problems else one)
    return tuple(_of_one_model(workspace, asked.model, checked)), live.live


def _of_one_model(
    workspace: Workspace, model: str, found: Sequence[Candidate]
) -> Iterable[Candidate]:
    """Let candidates be passed over that served under another name, which is in use still.

    MLflow renames a model as a whole: what git took for its former name is another model's.
    """
    former = {one.then.model for one in found} - {model}
    in_use = {name for name in former if probe(workspace, name, ()).live is not None}
    for one in found:
        why = f"`{one.then.model}` is still in the registry: it is another model"
        yield replace(one, against=why) if one.then.model in in_use else one


def _history(workspace: Workspace, asked: RollbackRequest) -> tuple[Entry, ...]:
    """Return the model's merged history; raises `OutOfStep` where this checkout lags behind it."""
    merged, model = open_merged(workspace, asked.fetch_notes), asked.model
    found = merged.steps_of(model)
    if found and not merged.repo.is_ancestor(found[-1].commit.id, str(merged.repo.head)):
        raise OutOfStep(
            f"`{merged.line}` has changed `{model}` since this checkout, "
            f"in {found[-1].commit.id[:12]}",
            hint=f"git merge {merged.line}",
        )
    return evidence.entries(found, merged.settings, _records(workspace, merged))


def _records(workspace: Workspace, merged: MergedHistory) -> Records | None:
    """Return the records of the registry that is named; all, where it has none: it may be new."""
    try:
        here = merged.records(workspace.ref.key)
    except ReconcilerError:  # none is named, or another one than is pinned: told when it is asked
        here = None
    return here if here is not None and here.by_commit else merged.records()


def _proposal(
    before: Declaration, target: Candidate, settings: Settings, asked: RollbackRequest
) -> Proposal:
    model, bad = asked.model, serving(before, settings)
    blocked = asked.reason if asked.block else None
    move = f"{model} {'nothing' if bad is None else f'v{bad}'} → v{target.version}"
    after = rolled_back(before, target, settings, blocked=blocked)
    after = with_major_alias(before, without_broken_test(after, settings), target.version, settings)
    return Proposal(
        ((before, after),),
        title=title_of(f"Roll back {move}"),
        branch=f"rollback/{slug(model)}-v{target.version}",
        reason=asked.reason,
        trailer=f"{TRAILER}: {title_of(move)}",
    )


def _without_target(
    workspace: Workspace,
    before: Declaration,
    asked: RollbackRequest,
    found: tuple[Candidate, ...],
) -> Edit:
    if asked.to is not None:
        message = f"`{asked.model}` v{asked.to} never served in the merged history"
        promote = shlex.join(("reconciler", "promote", asked.model, str(asked.to)))
        hint = f"what is to serve for the first time is promoted: `{promote}`"
        return _refused(workspace, before, message, found, hint)
    message = f"there is nothing to roll `{asked.model}` back to"
    passed = "`--to VERSION` goes back to one that was passed over"
    return _refused(workspace, before, message, found, passed if found else None)


def _refused(
    workspace: Workspace,
    before: Declaration,
    message: str,
    found: tuple[Candidate, ...] = (),
    hint: str | None = None,
) -> Edit:
    problem = Problem(message, ExitCode.REFUSED, file=before.file, hint=hint)
    return Edit(
        workspace,
        None,
        model=before.model,
        file=before.file,
        candidates=found,
        problems=(problem,),
        refused=True,
    )
