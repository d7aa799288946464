"""Lets a model go: removes our two tags from it, and nothing else."""

from reconciler.api.answers import Answer
from reconciler.api.workspace import Workspace
from reconciler.apply.writer import Moved, Writer
from reconciler.core.changes import Change
from reconciler.core.matching import nearest
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field, Live
from reconciler.errors import ExitCode, OutOfStep, Refused, RegistryError, UsageError
from reconciler.planning.live_state import read_live
from reconciler.render import json_documents
from reconciler.render.json_documents import Document


class ForgottenModel(Answer):
    """A model that git does not own any more; `removed` are the tags that it had.

    >>> r.forget("fraud").removed
    ('reconciler.commit', 'reconciler.owner')
    """

    def __init__(self, model: str, removed: tuple[str, ...], requests: int = 0) -> None:
        self.model = model
        self.removed = removed
        self.requests = requests
        self.code = int(ExitCode.OK)

    def document(self) -> Document:
        """Return the document of `forget --format json`, its `exit` included."""
        document = json_documents.failure((), ExitCode.OK)
        return document | {"model": self.model, "removed": list(self.removed)}

    def to_text(self, seconds: float | None = None) -> str:  # noqa: ARG002  it tells no time
        """Return what `forget` prints."""
        if not self.removed:
            return f"{self.model}: nothing to remove\n"
        return f"{self.model}: removed {' and '.join(self.removed)}\n"


def forget_model(workspace: Workspace, model: str) -> ForgottenModel:
    """Remove our two tags from a model.

    Raises `UsageError` for a model that does not exist, `Refused` for one that another state folder
    manages, `OutOfStep` while an apply writes it.
    """
    found, problems = read_live(workspace.registry, {model: ()}, everything=False, parallelism=1)
    if model in problems:
        raise RegistryError(problems[model].message, hint=problems[model].hint)
    if model not in found:
        hint = nearest(model, workspace.registry.read())
        raise UsageError(f"model `{model}` is not in the registry", hint=hint)
    owner = found[model].owner
    if owner not in (None, workspace.owner):
        raise Refused(
            f"`{model}` is managed by state folder `{owner}`, not `{workspace.owner}`",
            hint=f"say `--state {owner}`, where that folder is",
        )
    return ForgottenModel(model, tuple(_remove(workspace, found[model])), workspace.requests)


def _remove(workspace: Workspace, live: Live) -> list[str]:
    writer = Writer(workspace.registry, workspace.stop.event, workspace.timeout)
    removed = []
    for tag, value in ((COMMIT_TAG, live.commit), (OWNER_TAG, live.owner)):
        if value is not None:
            field = Field("tag", None, tag)
            try:
                writer.write(Change(live.model, field, value, None, "removed"))
            except Moved as moved:
                raise OutOfStep(f"{moved}: an apply is under way", hint="try again") from moved
            removed.append(tag)
    return removed
