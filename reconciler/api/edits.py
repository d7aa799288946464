"""A change to model files: checked, shown and written, and what became of it."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from reconciler.api.git_delivery import Delivery, GitDelivery, Outcome, Proposal
from reconciler.api.workspace import Workspace
from reconciler.audit.merged_changes import MergedCommit, Step, meaning
from reconciler.authoring.promotion import alone, remarks
from reconciler.cli import output
from reconciler.core.matching import nearest
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Live
from reconciler.errors import (
    DeclarationError,
    ExitCode,
    OutOfStep,
    Problem,
    ReconcilerError,
    RegistryError,
    UsageError,
    first_code,
)
from reconciler.files import loader
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.files.editing.edits import edits_between
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.state_folder import SETTINGS_FILE, Contents, FoundFile
from reconciler.planning import preconditions
from reconciler.planning.live_state import read_live
from reconciler.ports.registry import Registry
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.repository import commits
from reconciler.repository.repository import GitRepo

PATIENCE = 10.0  # seconds for a registry that is asked by the way

# What a change means is told of a commit; this one is still to be made.
_TO_COME = MergedCommit("", (), datetime.fromtimestamp(0, timezone.utc), "", "", "", "", "")


def declared(workspace: Workspace, model: str) -> Declaration:
    """Return what the checkout declares for a model; raises `UsageError` when it does not.

    Raises `OutOfStep` for a file with a conflict that is not resolved.
    """
    conflicts = commits.unmerged(workspace.repo, workspace.shown) if workspace.repo else ()
    try:
        found = workspace.desired.declarations.get(model)
    except DeclarationError as error:
        if workspace.repo is None or not conflicts:
            raise
        raise _conflict(workspace.repo, conflicts[0]) from error
    if workspace.repo is not None and found is not None and found.file in conflicts:
        raise _conflict(workspace.repo, found.file)
    if found is None:
        near = nearest(model, workspace.desired.declarations)
        write = f"`reconciler import {shlex.quote(model)}` writes its file from the registry"
        hint = f"{near} {write}" if near else write
        raise UsageError(f"model `{model}` is not declared", hint=hint)
    return found


def _conflict(repo: GitRepo, file: str) -> OutOfStep:
    command = commits.under_way(repo)
    end = f", then {commits.ways_out(command)}" if command else ""
    return OutOfStep(
        f"{file} has a conflict that is not resolved",
        hint=f"resolve it, `git add {shlex.quote(file)}`{end}",
    )


class RegistryProbe:
    """The live registry, asked by the way: where it cannot be, that is said once and goes on.

    `live` is the model, None where that was not found out.
    """

    def __init__(self, workspace: Workspace, model: str, versions: tuple[int, ...]) -> None:
        self._registry: Registry | None = None
        self.live: Live | None = None
        self.is_missing = False
        try:
            _ = workspace.ref  # raises `Refused` for another registry than the pinned one
            self._registry = workspace.registry
            self._read(self._registry, model, versions)
        except (UsageError, RegistryError) as error:
            output.say(f"not checked against a registry: {visible(error.message)}")

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._registry.requests if self._registry else 0

    def problems(self, after: Declaration, version: int) -> tuple[Problem, ...]:
        """Return what keeps a version from being what a declaration says of it."""
        if self.live is None and not self.is_missing:
            return ()
        return preconditions.problems(alone(after, version), self.live, names=())

    def _read(self, registry: Registry, model: str, versions: tuple[int, ...]) -> None:
        needed = {model: versions}
        found, problems = read_live(registry, needed, everything=False, parallelism=1)
        live = found.get(model)
        if model in problems:
            raise RegistryError(problems[model].message)
        if live is not None and live.unreadable is not None:
            raise RegistryError(f"the versions cannot be listed: {live.unreadable}")
        self.live, self.is_missing = live, live is None


def propose(workspace: Workspace, change: Proposal, delivery: Delivery, outcome: Outcome) -> int:
    """Check a change, write it, deliver it, and print what became of it; return the exit code.

    Raises `ReconcilerError` where nothing is written.
    """
    carry_out(workspace, change, delivery, outcome)
    return conclude(workspace, outcome)


def carry_out(workspace: Workspace, change: Proposal, delivery: Delivery, outcome: Outcome) -> None:
    """Check a change, write it and deliver it; what became of it is in `outcome`.

    Raises `ReconcilerError` where nothing is written.
    """
    written = tuple(_rewritten(workspace, *pair) for pair in change.changes)
    if all(one.new == one.old for one in written):
        outcome.next = "it is declared so already: nothing is written"
        return
    _validate(workspace, written)
    outcome.diff = "\n".join(
        phrases.difference(one.old, one.new, (f"a/{one.file}", f"b/{one.file}")) for one in written
    )
    outcome.meaning = tuple(_meanings(change, workspace.desired.settings))
    way = GitDelivery(workspace, change, delivery, outcome)
    if change.reason is not None and not (way.commits or _keeps(change, change.reason)):
        output.say(
            "warning: --reason goes into the commit's message, and none is made: add --commit, "
            "--branch or --pr"
        )
    write_files([FileToWrite(one.path, one.file, one.new) for one in written])
    try:
        way.go()
    except ReconcilerError as error:
        outcome.errors += error.problems
    for before, after in change.changes:
        for remark in remarks(before, after):
            output.say(f"note: {visible(remark)}")


class _Rewritten(NamedTuple):
    """A model's file, the name that it has in messages, and its content before and after."""

    path: Path
    file: str
    old: bytes
    new: bytes


def _rewritten(workspace: Workspace, before: Declaration, after: Declaration) -> _Rewritten:
    path = workspace.path_of(before)
    old = path.read_bytes()
    new = apply_edits(old, edits_between(before, after), before.file)
    return _Rewritten(path, before.file, old, new)


def _meanings(change: Proposal, settings: Settings) -> Iterator[str]:
    """Yield what each change means, with its model's name where there are several."""
    for before, after in change.changes:
        name = f"{before.model} " if change.changes[1:] else ""
        for said in meaning(Step(_TO_COME, before.model, before, after), settings):
            yield f"{name}{said}"


def conclude(workspace: Workspace, outcome: Outcome) -> int:
    """Print what became of a proposal and return the exit code."""
    code = ending_of(outcome)
    if workspace.options.json:
        output.document(_document(outcome, code))
    else:
        output.product(_text(outcome, workspace), workspace.options)
    output.complain(outcome.errors)
    return int(code)


def ending_of(outcome: Outcome) -> ExitCode:
    """Return the exit code that the errors of an outcome mean."""
    codes = [problem.code for problem in outcome.errors]
    return first_code(codes) or (codes[0] if codes else ExitCode.OK)


def slug(text: str) -> str:
    """Return a text as a part of a branch's name."""
    return re.sub(r"[^\w-]+", "-", text).strip("-") or "model"


def title_of(text: str) -> str:
    """Return a text as the subject of a commit: one line."""
    return visible(text)


def _validate(workspace: Workspace, written: Sequence[_Rewritten]) -> None:
    """Raise `DeclarationError` when the state folder would be wrong with those files.

    No other file can become wrong by them: the models' names stay.
    """
    settings = workspace.folder / SETTINGS_FILE
    found = Contents(
        FoundFile(str(settings), f"{workspace.shown}/{SETTINGS_FILE}")
        if settings.exists()
        else None,
        [FoundFile(str(one.path), one.file, one.new) for one in written],
    )
    try:
        loader.load_contents(found, workspace.shown, others=workspace.others)
    except DeclarationError as error:  # its places are in a text that nobody has
        nowhere = [replace(problem, line=None, column=None) for problem in error.problems]
        raise DeclarationError(nowhere) from error


def _keeps(change: Proposal, reason: str) -> bool:
    """Return whether a file itself has the reason, as that of a block."""
    return any(
        entry.blocked == reason for _, after in change.changes for entry in after.versions.values()
    )


def lines_of(outcome: Outcome) -> list[str]:
    """Return what became of a proposal as lines for people."""
    lines = [*outcome.listing, *([""] if outcome.listing else [])]
    lines += [visible(line) for line in outcome.diff.splitlines()]
    lines += ["", *(visible(line) for line in outcome.meaning), ""] if outcome.meaning else []
    if outcome.commit:
        on = f" on `{visible(outcome.branch)}`" if outcome.branch else ""
        lines.append(f"committed {outcome.commit[:12]}{on}")
    if outcome.pull_request:
        lines.append(f"opened {visible(outcome.pull_request)}")
    if outcome.next:
        lines.append(f"next: {visible(outcome.next)}" if outcome.meaning else outcome.next)
    return lines


def _text(outcome: Outcome, workspace: Workspace) -> str:
    effort = workspace.options.effort(outcome.requests)
    count = phrases.count(len(outcome.meaning), "change")
    requests = phrases.count(effort.requests, "request")
    last = f"{count}, 1 model, {requests}, {effort.seconds:.2f} s"
    return "\n".join((*lines_of(outcome), last)) + "\n"


def _document(outcome: Outcome, code: ExitCode) -> json_documents.Document:
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "model": outcome.model,
        "file": outcome.file,
        "diff": outcome.diff,
        "meaning": list(outcome.meaning),
        "commit": outcome.commit,
        "branch": outcome.branch,
        "pull_request": outcome.pull_request,
        "candidates": outcome.candidates,
        "errors": [json_documents.error(replace(p, model=outcome.model)) for p in outcome.errors],
        "exit": json_documents.ending(code),
    }
