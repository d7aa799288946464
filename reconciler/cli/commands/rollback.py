"""`reconciler rollback`: edits a model's file so that a version from before serves again."""

import shlex
from dataclasses import dataclass, replace
from datetime import timezone

import click

from reconciler.api.apply_records import fetch_option
from reconciler.api.edits import (
    PATIENCE,
    RegistryProbe,
    conclude,
    declared,
    propose,
    slug,
    title_of,
)
from reconciler.api.git_delivery import Delivery, Outcome, Proposal, delivery_options
from reconciler.api.merged_history import open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence
from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import serving
from reconciler.authoring.promotion import refuse_blocked, without_broken_test
from reconciler.authoring.rollback import TRAILER, Candidate, candidates, chosen, rolled_back
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, OutOfStep, Problem, UsageError
from reconciler.render.json_documents import Document
from reconciler.render.table import table


@dataclass(frozen=True)
class _Asked:
    """What the command line says."""

    model: str
    version: int | None
    block: bool
    reason: str | None
    fetch_notes: str | None


@click.command("rollback", short_help="edit the file so that the version before serves again")
@click.argument("model")
@click.option("--to", "version", type=click.IntRange(1), help="Go back to this version.")
@click.option("--block", is_flag=True, help="Keep the version of now from coming back.")
@delivery_options
@fetch_option
@common()
def command(
    *,
    options: Options,
    model: str,
    version: int | None,
    block: bool,
    commit: bool,
    branch: str | None,
    push: bool,
    pull_request: bool,
    reason: str | None,
    fetch_notes: str | None,
) -> int:
    """Declare that the version which served before serves MODEL again, with its aliases of then.

    The merged history says which: the one before the present version took its place, less those
    that are blocked, gone, never applied, or that a rollback displaced.
    """
    if block and not reason:
        raise UsageError("`--block` writes down why", hint="add `--reason TEXT`")
    workspace = Workspace(options, timeout=PATIENCE)
    before, settings = declared(workspace, model), workspace.desired.settings
    if version is not None:
        refuse_blocked(before, version)
    asked = _Asked(model, version, block, reason, fetch_notes)
    bad = serving(before, settings)
    outcome = Outcome(model, before.file)
    if version is not None and version == bad:
        return _refused(workspace, outcome, f"`{model}` v{version} is the version that serves")
    if block and bad is None:
        return _refused(workspace, outcome, f"no version of `{model}` serves: nothing to block")
    found, target = _target(workspace, before, asked, outcome)
    _list(outcome, found, target)
    if target is None:
        return _nothing(workspace, outcome, asked)
    _say_passed_over(target)
    change = _proposal(before, target, settings, asked)
    return propose(workspace, change, Delivery(commit, branch, push, pull_request), outcome)


def _target(
    workspace: Workspace, before: Declaration, asked: _Asked, outcome: Outcome
) -> tuple[tuple[Candidate, ...], Candidate | None]:
    """Return the candidates and the one to go back to; one that is gone is passed over.

    Raises `DeclarationError` when the one that is asked for is gone or another one.
    """
    settings = workspace.desired.settings
    found = candidates(_history(workspace, asked), before, settings)
    look = (
        RegistryProbe(workspace, asked.model, tuple(one.version for one in found))
        if found
        else None
    )
    outcome.requests = look.requests if look else 0
    checked = []
    for one in found:
        problems: tuple[Problem, ...] = ()
        if look is not None and (one.against is None or one.version == asked.version):
            problems = look.problems(rolled_back(before, one, settings), one.version)
        if problems and one.version == asked.version:
            raise DeclarationError(problems)
        checked.append(replace(one, against=problems[0].message) if problems else one)
    return tuple(checked), chosen(checked, asked.version)


def _history(workspace: Workspace, asked: _Asked) -> tuple[Entry, ...]:
    """Return the model's merged history; raises `OutOfStep` where this checkout lags behind it."""
    merged, model = open_merged(workspace, asked.fetch_notes), asked.model
    found = merged.steps.get(model, ())
    if found and not merged.repo.is_ancestor(found[-1].commit.id, str(merged.repo.head)):
        raise OutOfStep(
            f"`{merged.line}` has changed `{model}` since this checkout, "
            f"in {found[-1].commit.id[:12]}",
            hint=f"git merge {merged.line}",
        )
    return evidence.entries(found, merged.settings, merged.records())


def _proposal(
    before: Declaration, target: Candidate, settings: Settings, asked: _Asked
) -> Proposal:
    model, bad = asked.model, serving(before, settings)
    blocked = asked.reason if asked.block else None
    move = f"{model} {'nothing' if bad is None else f'v{bad}'} → v{target.version}"
    after = rolled_back(before, target, settings, blocked=blocked)
    return Proposal(
        ((before, without_broken_test(after, settings)),),
        title=title_of(f"Roll back {move}"),
        branch=f"rollback/{slug(model)}-v{target.version}",
        reason=asked.reason,
        trailer=f"{TRAILER}: {title_of(move)}",
    )


def _refused(workspace: Workspace, outcome: Outcome, message: str, hint: str | None = None) -> int:
    outcome.errors += (Problem(message, ExitCode.REFUSED, file=outcome.file, hint=hint),)
    return conclude(workspace, outcome)


def _nothing(workspace: Workspace, outcome: Outcome, asked: _Asked) -> int:
    if asked.version is not None:
        message = f"`{asked.model}` v{asked.version} never served in the merged history"
        promote = shlex.join(("reconciler", "promote", asked.model, str(asked.version)))
        hint = f"what is to serve for the first time is promoted: `{promote}`"
        return _refused(workspace, outcome, message, hint)
    message = f"there is nothing to roll `{asked.model}` back to"
    passed = "`--to VERSION` goes back to one that was passed over"
    return _refused(workspace, outcome, message, passed if outcome.candidates else None)


def _say_passed_over(target: Candidate) -> None:
    if target.against is not None:
        output.say(f"note: v{target.version} would be passed over: {target.against}")


def _list(outcome: Outcome, found: tuple[Candidate, ...], target: Candidate | None) -> None:
    if not found:
        return
    rows = []
    for one in found:
        commit = one.since.step.commit
        time = commit.time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        is_chosen = target is not None and one.version == target.version
        remark = one.proof if one.against is None else f"{one.proof}; {one.against}"
        rows.append(("→" if is_chosen else "", f"v{one.version}", time, commit.id[:12], remark))
        outcome.candidates.append(_row(one, time, is_chosen=is_chosen))
    outcome.listing = table(("", "VERSION", "SERVED FROM", "COMMIT", ""), rows)


def _row(one: Candidate, time: str, *, is_chosen: bool) -> Document:
    return {
        "version": one.version,
        "since": time,
        "commit": one.since.step.commit.id,
        "proof": one.proof,
        "against": one.against,
        "chosen": is_chosen,
    }
