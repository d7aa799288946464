"""`reconciler forget`: removes our two tags from a model."""

import threading

import click

from reconciler.api.workspace import Workspace
from reconciler.apply.writer import Moved, Writer
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.core.changes import Change
from reconciler.core.matching import nearest
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field, Live
from reconciler.errors import ExitCode, OutOfStep, Refused, RegistryError, UsageError
from reconciler.planning.live_state import read_live
from reconciler.render import json_documents


@click.command("forget", short_help="remove our two tags from a model")
@click.argument("model")
@common()
def command(*, options: Options, model: str) -> int:
    """Remove the tags reconciler.commit and reconciler.owner from MODEL; nothing else."""
    workspace = Workspace(options)
    workspace.may_be_empty = True
    workspace.needs_models = False  # a file with a mistake keeps nobody from leaving
    found, problems = read_live(workspace.registry, {model: ()}, everything=False, parallelism=1)
    if model in problems:
        raise RegistryError(problems[model].message, hint=problems[model].hint)
    if model not in found:
        hint = nearest(model, workspace.registry.read())
        raise UsageError(f"model `{model}` is not in the registry", hint=hint)
    if found[model].owner not in (None, workspace.owner):
        raise Refused(
            f"`{found[model].owner}` speaks for `{model}`, not `{workspace.owner}`",
            hint=f"say `--state {found[model].owner}`, where that folder is",
        )
    removed = _remove(workspace, found[model])
    if options.json:
        document = json_documents.failure((), ExitCode.OK)
        output.document(document | {"model": model, "removed": removed})
    elif removed:
        output.product(f"{model}: removed {' and '.join(removed)}\n", options)
    else:
        output.product(f"{model}: nothing to remove\n", options)
    return 0


def _remove(workspace: Workspace, live: Live) -> list[str]:
    writer = Writer(workspace.registry, threading.Event(), workspace.timeout)
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
