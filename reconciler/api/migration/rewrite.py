"""Makes the answer of `migrate rewrite`: a patch for source code that loads by stage."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reconciler.api.answers import Answer
from reconciler.api.usage.code_loads import code_loads
from reconciler.api.workspace import Workspace
from reconciler.audit.usage.rewriting import (
    AliasesKnown,
    RewrittenLoad,
    UndecidedLoad,
    decide,
    file_patch,
    rewritten,
)
from reconciler.authoring.migration.bridging import bridge_of
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import complete
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, aliases
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.render import phrases
from reconciler.render.json_documents import Document
from reconciler.render.usage import rewrite as rendered
from reconciler.repository.locate import repository_root


class Rewrite(Answer):
    """What lets source code load by alias; nothing is written.

    `patch` is a unified patch that `git apply` takes in `root`, empty where nothing is to be
    changed. `rewritten` are the places that it changes, `undecided` those that a person has to look
    at, each with what to write instead.

    >>> r.rewrite("registry-state").undecided
    ()
    """

    def __init__(
        self,
        root: Path,
        patch: str,
        rewritten: Sequence[RewrittenLoad],
        undecided: Sequence[UndecidedLoad],
    ) -> None:
        self.root = root
        self.patch = patch
        self.rewritten = tuple(rewritten)
        self.undecided = tuple(undecided)
        self.code = int(ExitCode.OK)
        self.problems = tuple(map(_as_problem, undecided))

    def document(self) -> Document:
        """Return the document of `migrate rewrite --format json`, its `exit` included."""
        return rendered.document(self.patch, self.rewritten, self.undecided)

    def to_text(self, seconds: float | None = None) -> str:
        """Return the patch."""
        del seconds
        return self.patch

    @property
    def headline(self) -> str:
        """The numbers of places that the patch changes, and of those that are undecided."""
        files = len({place.load.file for place in self.rewritten})
        changed = phrases.count(len(self.rewritten), "place")
        where = f" in {phrases.count(files, 'file')}" if files else ""
        left = len(self.undecided)
        return f"the patch changes {changed}{where}; {left or 'none'} to be decided by hand"


def rewrite(
    workspace: Workspace, paths: Collection[str], *, bridge: Mapping[str, str] | None
) -> Rewrite:
    """Return the patch; the arguments are those of `Reconciler.rewrite`."""
    if not paths:
        raise UsageError("no code is named", hint="`reconciler migrate rewrite PATH`")
    settings, declared = workspace.desired.settings, workspace.desired.declarations
    proposed = bridge_of(settings, bridge or {})
    known = AliasesKnown(proposed, _aliases(declared, settings, proposed))
    here = workspace.caller.root
    root = (repository_root(here / next(iter(paths))) or here).resolve()
    undecided: list[UndecidedLoad] = []
    places: dict[Path, dict[tuple[int, int], RewrittenLoad]] = {}
    for load in code_loads(workspace, paths):
        match decide(load, known):
            case RewrittenLoad() as place:
                # A file that is reached in two ways is one file.
                of_file = places.setdefault((here / load.file).resolve(), {})
                of_file.setdefault((load.line, load.column), place)
            case UndecidedLoad() as place:
                undecided.append(place)
            case None:
                pass
    changes = [_change(root, path, [*of_file.values()]) for path, of_file in sorted(places.items())]
    undecided += [place for change in changes for place in change.undecided]
    undecided.sort(key=lambda place: (place.load.file, place.load.line, place.load.column))
    done = [place for change in changes for place in change.rewritten]
    return Rewrite(root, "".join(change.patch for change in changes), done, undecided)


class _Change(NamedTuple):
    """What becomes of one file."""

    patch: str = ""
    rewritten: tuple[RewrittenLoad, ...] = ()
    undecided: tuple[UndecidedLoad, ...] = ()


def _change(root: Path, path: Path, places: Sequence[RewrittenLoad]) -> _Change:
    name, why = _name_in(root, path)
    try:
        before = path.read_bytes() if why is None else b""
    except OSError as error:
        why = f"the file cannot be read: {error.strerror}"
    if why is not None:
        return _Change(undecided=tuple(place.left(why) for place in places))
    after, done, undecided = rewritten(before, places)
    return _Change(file_patch(name, before, after) if done else "", done, undecided)


def _name_in(root: Path, path: Path) -> tuple[str, str | None]:
    """Return the name of a file for a patch of a repository, and why there can be none."""
    if root not in path.parents:
        return "", f"the file is not below {root}, which the patch is for"
    if (repository_root(path.parent) or root).resolve() != root:
        return "", "the file is in another repository: a patch is for one"
    name = path.relative_to(root).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        return "", "the name of the file is not UTF-8"
    return name, None


def _as_problem(undecided: UndecidedLoad) -> Problem:
    load = undecided.load
    message = f"`{load.text}`: {undecided.why}"
    place = (load.file, load.line, load.column)
    return Problem(message, ExitCode.OK, *place, model=load.model, hint=undecided.instead)


def _aliases(
    declared: Mapping[str, Declaration], settings: Settings, bridge: Bridge
) -> dict[str, frozenset[str]]:
    """Return the aliases that each model has once the bridge is declared."""
    return {
        name: frozenset(aliases(complete(one, replace(settings, bridge=bridge)).fields))
        for name, one in declared.items()
    }
