"""The answer of `consumers`: who loads which model, by the files, source code and access logs."""

import os
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from reconciler.api.answers import Answer
from reconciler.api.editing.edit import Edit
from reconciler.api.editing.lookups import draft
from reconciler.api.workspace import Workspace
from reconciler.audit.usage import declared_loads
from reconciler.audit.usage.declared_loads import ModelUsage
from reconciler.authoring.consumers import proposed
from reconciler.core.declaring.consumers import complaint, unresolved
from reconciler.core.matching import select
from reconciler.core.state import Consumer
from reconciler.errors import ExitCode, Problem, first_code
from reconciler.render.json_documents import Document
from reconciler.render.usage import consumers as render


class Consumers(Answer):
    """Who loads which model; nothing is written before the `write` of its `edit`.

    `edit` declares what was found or seen and is not declared, as far as it may be; None where
    there is nothing to declare. `problems` are declared consumers that load nothing which is
    declared, and once `edit` was asked for, as warnings, what cannot be declared.

    >>> r.consumers(["fraud"]).usage.consumers
    ()
    """

    def __init__(
        self, workspace: Workspace, usage: ModelUsage, problems: Collection[Problem]
    ) -> None:
        self._workspace = workspace
        self.usage = usage
        self.problems = tuple(problems)
        self.code = int(first_code([problem.code for problem in self.problems]))

    @cached_property
    def edit(self) -> Edit | None:
        """The edit that declares what is not declared; of a long log it can be a long one."""
        new, left = _resolved(self._workspace, self.usage)
        self.problems = (*self.problems, *left)
        proposal = proposed(self._workspace.desired.declarations, new)
        edited = draft(self._workspace, proposal) if proposal else None
        return Edit(self._workspace, edited) if edited is not None else None

    def document(self) -> Document:
        """Return the document of `consumers --format json`, its `exit` included."""
        return render.document(self.usage, self.problems, self.code, self._additions)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `consumers` prints; `seconds` replaces the time in its last line."""
        effort = self._effort(seconds)
        return render.text(self.usage, effort, self.columns, self._additions)

    def to_markdown(self) -> str:
        """Return what `consumers --format markdown` prints."""
        return render.markdown(self.usage)

    @property
    def _additions(self) -> render.AddedConsumers | None:
        edit = vars(self).get("edit")  # nobody else waits for it
        return render.AddedConsumers(edit.diff, edit.written, edit.next) if edit else None


def model_consumers(
    workspace: Workspace,
    models: Collection[str] | None,
    *,
    scan: Collection[str],
    access_log: Collection[str],
    stdin: BinaryIO | None,
) -> Consumers:
    """Return the answer; the arguments are those of `Reconciler.consumers`."""
    declarations = workspace.desired.declarations
    chosen = frozenset(declarations) if models is None else select(tuple(models), declarations)
    listed = [declarations[name] for name in sorted(chosen)]
    usage = ModelUsage(declared_loads.declared_consumers(listed), frozenset(declarations))
    only = None if models is None else chosen
    if scan:
        usage = _scanned(workspace, usage, scan, only)
    if access_log:
        usage = _logged(workspace, usage, access_log, only, stdin)
    problems = [complaint(one, owner) for owner in listed for one in unresolved(owner)]
    return Consumers(workspace, usage, problems)


def _scanned(
    workspace: Workspace, usage: ModelUsage, paths: Collection[str], only: Collection[str] | None
) -> ModelUsage:
    from reconciler.api.usage.code_loads import code_loads  # noqa: PLC0415  few lists are of it

    loads = code_loads(workspace, paths)
    folders = _named(paths, workspace.caller.root)
    chosen = [load for load in loads if only is None or load.model is None or load.model in only]
    found = [declared_loads.found_load(load, folders) for load in chosen if load.is_known]
    return replace(
        usage,
        found=declared_loads.with_declared(found, usage.consumers),
        unknown=tuple(load for load in chosen if not load.is_known),
    )


def _named(paths: Collection[str], root: Path) -> list[str]:
    """Return scanned paths as the files below them are named: from `root` where they are there."""
    whole = [Path(os.path.abspath(root / path)) for path in paths]  # noqa: PTH100  follows no links
    return [
        (path.relative_to(root) if path.is_relative_to(root) else path).as_posix() for path in whole
    ]


def _logged(
    workspace: Workspace,
    usage: ModelUsage,
    paths: Collection[str],
    only: Collection[str] | None,
    stdin: BinaryIO | None,
) -> ModelUsage:
    from reconciler.api.usage.access_logs import read  # noqa: PLC0415  as above

    logs = read(paths, root=workspace.caller.root, stdin=stdin)
    for warning in logs.warnings:
        workspace.warn(warning)
    seen = [one for one in logs.seen if only is None or one.model is None or one.model in only]
    return replace(
        usage,
        seen=declared_loads.with_clients(seen, usage.consumers),
        not_seen=declared_loads.not_seen(seen, usage.consumers),
    )


def _resolved(
    workspace: Workspace, usage: ModelUsage
) -> tuple[dict[str, tuple[Consumer, ...]], list[Problem]]:
    """Return the new consumers that load something declared, and a warning for each other one."""
    new: dict[str, tuple[Consumer, ...]] = {}
    problems: list[Problem] = []
    for model, consumers in declared_loads.to_declare(usage).items():
        declaration = workspace.desired.declarations[model]
        lost = unresolved(replace(declaration, consumers=consumers))
        for one in lost:
            found = complaint(one, declaration)
            message = f"`{model}`: {found.message}"  # its file is not the place of what was found
            problems.append(
                Problem(message, ExitCode.OK, file=one.code, model=model, hint=found.hint)
            )
        new[model] = tuple(one for one in consumers if one not in lost)
    return new, problems
