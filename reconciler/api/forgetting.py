"""Lets models go: removes our two tags from them, and nothing else."""

from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from reconciler.api.answers import Answer
from reconciler.api.workspace import Workspace
from reconciler.apply.writer import Moved, Writer
from reconciler.core.changes import Change
from reconciler.core.matching import as_names, is_glob, nearest
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field, Live
from reconciler.errors import (
    DeclarationError,
    ExitCode,
    OutOfStep,
    Problem,
    ReconcilerError,
    Refused,
    RegistryError,
    UsageError,
)
from reconciler.files import loader
from reconciler.planning.live_state import read_live
from reconciler.ports.parallel import each
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document

_AT_ONCE = 8
_SHOWN = 5  # models that a sentence names


class ForgottenModel(Answer):
    """Models that git does not own any more.

    `models` has the tags that each of them had. `model` is the only one, None where there are
    several, and `removed` are all the tags.

    >>> r.forget("fraud").removed
    ('reconciler.commit', 'reconciler.owner')
    """

    def __init__(
        self,
        models: Mapping[str, tuple[str, ...]],
        problems: Sequence[Problem] = (),
        requests: int = 0,
    ) -> None:
        self.models = dict(models)
        self.model = next(iter(models)) if len(models) == 1 else None
        self.removed = tuple(sorted({tag for tags in models.values() for tag in tags}))
        self.requests = requests
        self.problems = tuple(problems)
        self.code = int(ExitCode.PARTIAL if problems else ExitCode.OK)

    def document(self) -> Document:
        """Return the document of `forget --format json`, its `exit` included."""
        document = json_documents.failure(self.problems, ExitCode(self.code))
        models = [{"model": name, "removed": list(tags)} for name, tags in self.models.items()]
        return document | {"model": self.model, "removed": list(self.removed), "models": models}

    def to_text(self, seconds: float | None = None) -> str:  # noqa: ARG002  it tells no time
        """Return what `forget` prints."""
        return "".join(
            f"{visible(name)}: removed {' and '.join(tags)}\n"
            if tags
            else f"{visible(name)}: nothing to remove\n"
            for name, tags in self.models.items()
        )


def forget_models(
    workspace: Workspace,
    globs: str | Collection[str],
    before_writing: Callable[[tuple[str, ...]], None],
) -> ForgottenModel:
    """Remove our two tags from the models that names or globs mean.

    `before_writing` gets their names; what it raises ends the run. Raises `UsageError` for what
    means no model, `Refused` for a named model that another state folder manages, `OutOfStep`
    while an apply writes the only one.
    """
    chosen = _chosen(workspace, as_names(globs))
    _tell_what_comes_back(workspace, chosen)
    before_writing(tuple(chosen))
    removed: dict[str, tuple[str, ...]] = {}
    failures: list[ReconcilerError] = []

    def remove(live: Live) -> None:
        try:
            removed[live.model] = tuple(_remove(workspace, live))
        except ReconcilerError as error:
            failures.append(error)

    each(remove, tuple(chosen.values()), threads=_AT_ONCE)
    if failures and not removed:
        raise failures[0]
    problems = [problem for failure in failures for problem in failure.problems]
    return ForgottenModel(dict(sorted(removed.items())), problems, workspace.requests)


def _chosen(workspace: Workspace, globs: Sequence[str]) -> dict[str, Live]:
    """Return the models that are meant, in order."""
    if not globs:
        raise UsageError("no model is named", hint="name a model, or a glob like `fraud-*`")
    needed: dict[str, tuple[int, ...]] = dict.fromkeys(globs, ())
    found, problems = read_live(workspace.registry, needed, everything=False)
    chosen: dict[str, Live] = {}
    for glob in globs:
        if glob in problems:
            raise RegistryError(problems[glob].message, hint=problems[glob].hint)
        if glob in found:
            _refuse_foreign(workspace, found[glob])
            chosen[glob] = found[glob]
        elif not is_glob(glob):
            hint = nearest(glob, workspace.registry.read())
            raise UsageError(f"model `{glob}` is not in the registry", hint=hint)
        else:
            chosen |= _matching(workspace, glob)
    return dict(sorted(chosen.items()))


def _matching(workspace: Workspace, glob: str) -> dict[str, Live]:
    """Return the models of this state folder that a glob matches, and no others'."""
    own = {
        name: live
        for name, live in workspace.registry.read().items()
        if fnmatchcase(name, glob) and live.owner == workspace.owner
    }
    if not own:
        raise UsageError(
            f"`{glob}` matches no model that state folder `{workspace.owner}` manages",
            hint="`reconciler status` lists the models",
        )
    return own


def _refuse_foreign(workspace: Workspace, live: Live) -> None:
    if live.owner not in (None, workspace.owner):
        raise Refused(
            f"`{live.model}` is managed by state folder `{live.owner}`, not `{workspace.owner}`",
            hint=f"say `--state {live.owner}`, where that folder is",
        )


def _tell_what_comes_back(workspace: Workspace, chosen: Collection[str]) -> None:
    """Warn that the next apply takes a model back while its file is there."""
    try:
        if not workspace.folder.exists():
            return
        declared = loader.load(workspace.folder, workspace.shown).declarations
    except DeclarationError:  # a mistake in a file keeps nobody from leaving
        workspace.warn("the next `apply` takes back each model that a file still declares")
        return
    files = [declared[name].file for name in chosen if name in declared]
    if files:
        workspace.warn(
            f"the next `apply` takes back what a file still declares: remove "
            f"{phrases.some(files, _SHOWN)} and merge that first"
        )


def _remove(workspace: Workspace, live: Live) -> list[str]:
    writer = Writer(workspace.registry, workspace.stop.event, workspace.timeout)
    removed = []
    for tag, value in ((COMMIT_TAG, live.commit), (OWNER_TAG, live.owner)):
        if value is not None:
            field = Field("tag", None, tag)
            try:
                writer.write(Change(live.model, field, value, None, "removed"))
            except Moved as moved:
                raise OutOfStep(
                    f"`{live.model}`: {moved}: an apply is under way", hint="try again"
                ) from moved
            removed.append(tag)
    return removed
