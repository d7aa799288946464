"""Makes the edit of `tidy`: takes out of the files what is no longer in the registry."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from reconciler.api.editing.edit import Edit
from reconciler.api.editing.lookups import draft
from reconciler.api.workspace import Workspace
from reconciler.authoring.draft import Draft
from reconciler.authoring.proposal import check_text
from reconciler.authoring.tidying import Leftover, leftovers, proposed
from reconciler.core.matching import nearest, select
from reconciler.core.state import Declaration, Live
from reconciler.errors import DeclarationError, ExitCode, Problem, Refused
from reconciler.planning import preconditions
from reconciler.planning.live_state import read_live
from reconciler.planning.renames import Names
from reconciler.render.json_documents import Document


class Tidying(Edit):
    """What the files declare and the registry no longer has, as an edit that takes it out.

    `taken_out` has the versions of each model, `removed` the files of models that are gone
    altogether. `problems` say what is left as it is: another version under a pinned number, a file
    that is not committed.

    >>> r.tidy().taken_out
    {}
    """

    def __init__(
        self,
        workspace: Workspace,
        draft: Draft | None,
        *,
        chosen: Sequence[Leftover],
        looked_at: int,
        remarks: Sequence[str],
        problems: Sequence[Problem],
    ) -> None:
        super().__init__(workspace, draft, problems=problems)
        self._chosen = tuple(chosen)
        self._looked_at = looked_at
        self._remarks = tuple(remarks)
        self.taken_out = {one.declaration.model: one.versions for one in chosen if not one.is_gone}
        self.removed = tuple(one.declaration.file for one in chosen if one.is_gone)
        if draft is None:
            self.next = "nothing to take out"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the change leaves as it is, and somebody may not expect."""
        return (*super().notes, *self._remarks)

    def document(self) -> Document:
        """Return the document of `tidy --format json`, its `exit` included."""
        versions = [
            {"model": one.declaration.model, "version": version, "file": one.declaration.file}
            for one in self._chosen
            for version in one.versions
        ]
        return self._document({"versions": versions, "removed": list(self.removed)})

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `tidy` prints; `seconds` replaces the time in its last line."""
        return self._text((), self._looked_at, seconds)


def tidy(workspace: Workspace, globs: Collection[str], reason: str | None) -> Tidying:
    """Return the edit; the arguments are those of `Reconciler.tidy`."""
    check_text("--reason", reason)
    declared = workspace.desired.declarations
    names = select(tuple(globs), declared) if globs else frozenset(declared)
    asked = {name: declared[name] for name in sorted(names)}
    needed = {name: tuple(one.versions) for name, one in asked.items()}
    live, unreadable = read_live(workspace.registry, needed, everything=False)
    readable = [one for name, one in asked.items() if name not in unreadable]
    found = list(leftovers(readable, live))
    _refuse_another_registry(workspace, found)
    problems = [*_as_they_are(asked, live), *_unread(unreadable, asked)]
    names_live = workspace.registry.read() if any(one.is_gone for one in found) else {}
    found, renamed = _without_renamed(workspace, found, names_live)
    chosen, wrong = _editable(workspace, found)
    proposal = proposed(chosen, reason)
    return Tidying(
        workspace,
        draft(workspace, proposal) if proposal else None,
        chosen=chosen,
        looked_at=len(asked),
        remarks=_remarks(chosen, names_live),
        problems=[*problems, *renamed, *wrong],
    )


def _refuse_another_registry(workspace: Workspace, found: Sequence[Leftover]) -> None:
    """Raise `Refused` where every declared model is gone: that is another registry, or no right."""
    count = len(workspace.desired.declarations)
    if count and sum(one.is_gone for one in found) == count:
        raise Refused(
            f"none of the {count} declared models is in {workspace.ref.uri}: nothing is taken out"
            if count > 1
            else f"the only declared model is not in {workspace.ref.uri}: nothing is taken out",
            hint="check that this is the right registry, and that these credentials may read it",
        )


def _as_they_are(asked: Mapping[str, Declaration], live: Mapping[str, Live]) -> list[Problem]:
    """Return the pins that do not match as warnings: another version has the number now."""
    return [
        replace(problem, code=ExitCode.OK)
        for name, declaration in asked.items()
        if name in live
        for problem in preconditions.pin_problems(declaration, live[name])
    ]


def _unread(unreadable: Mapping[str, Problem], asked: Mapping[str, Declaration]) -> list[Problem]:
    return [
        replace(problem, file=asked[name].file, line=asked[name].line)
        for name, problem in unreadable.items()
    ]


def _editable(
    workspace: Workspace, found: Sequence[Leftover]
) -> tuple[list[Leftover], list[Problem]]:
    """Return what can be taken out, and why the rest cannot: one file keeps no other from it."""
    chosen: list[Leftover] = []
    problems: list[Problem] = []
    for one in found:
        try:
            kept = _why_kept(workspace, one)
            if kept is None:
                draft_of_one = proposed([one], None)
                _ = draft(workspace, draft_of_one) if draft_of_one else None
        except DeclarationError as error:
            problems += [replace(p, model=one.declaration.model) for p in error.problems]
            continue
        problems += [kept] if kept else []
        chosen += [] if kept else [one]
    return chosen, problems


def _why_kept(workspace: Workspace, one: Leftover) -> Problem | None:
    """Return why a file is not removed: nobody else has what is in it."""
    file = one.declaration.file
    if not one.is_gone:
        return None
    if workspace.repo is None or workspace.repo.head is None:
        reason, hint = "git does not have it", f"remove it by hand: `rm {quote(file)}`"
    elif file in workspace.dirty:
        reason, hint = "it has changes that are not committed", "commit or undo them first"
    else:
        return None
    model = one.declaration.model
    message = f"model `{model}` is not in the registry, but its file is not removed: {reason}"
    return Problem(message, ExitCode.REFUSED, file=file, model=model, hint=hint)


def _without_renamed(
    workspace: Workspace, found: Sequence[Leftover], live: Mapping[str, Live]
) -> tuple[list[Leftover], list[Problem]]:
    """Return what is gone for good, and a problem for each model that has another name there."""
    declared = workspace.desired.declarations
    gone = [one.declaration.model for one in found if one.is_gone]
    names = Names(declared, live, workspace.owner, workspace.history)
    renamed = {
        name: other
        for name, other in names.of_missing(gone).items()
        if other.waiting is not None or other.elsewhere is not None
    }
    kept = [one for one in found if not (one.is_gone and one.declaration.model in renamed)]
    return kept, [
        problem
        for name, other in sorted(renamed.items())
        for problem in preconditions.problems(declared[name], None, names=live, other_name=other)
    ]


def _remarks(chosen: Sequence[Leftover], names: Collection[str]) -> list[str]:
    gone = [one.declaration for one in chosen if one.is_gone]
    return [
        f"{one.file} is removed: `{one.model}` is not in the registry; if it was renamed, keep the "
        f"file and write the new name into `model:`{f' ({near})' if near else ''}"
        for one in gone
        for near in [nearest(one.model, names)]
    ]
