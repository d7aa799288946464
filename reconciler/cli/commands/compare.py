"""`reconciler compare`: two versions of a model beside each other."""

from collections.abc import Iterable
from datetime import datetime, timezone

import click

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.options import FORMATS, Options, common
from reconciler.core.comparison import Comparison, named_number, named_versions, side
from reconciler.core.matching import nearest
from reconciler.core.state import Live
from reconciler.errors import ExitCode, RegistryError, UsageError
from reconciler.planning.live_state import read_facts, read_live
from reconciler.render import comparison as render
from reconciler.render import json_documents
from reconciler.render.escape import code, visible
from reconciler.render.json_documents import Document


@click.command("compare", short_help="show two versions beside each other")
@click.argument("model")
@click.argument("candidate", metavar="A")
@click.argument("incumbent", metavar="B")
@common((*FORMATS, "markdown"))
def command(*, options: Options, model: str, candidate: str, incumbent: str) -> int:
    """Show version A of MODEL beside version B: metrics, params, signature, tags, run.

    A and B are each a version, a stage or an alias: `4`, `Production`, `@champion`.
    """
    workspace = Workspace(options)
    workspace.may_be_empty = True
    live = find(workspace, [(model, (candidate, incumbent))])
    one, other = chosen(live, candidate), chosen(live, incumbent)
    if one == other:
        output.say(f"`{candidate}` and `{incumbent}` are both v{one}")
    asked = [(live, version) for version in dict.fromkeys((one, other))]
    facts = read_facts(workspace.registry, asked, parallelism=len(asked))[model]
    _show(Comparison(model, (), side(live, one, facts), side(live, other, facts)), workspace)
    return 0


def find(workspace: Workspace, readings: Iterable[tuple[str, Iterable[str]]]) -> Live:
    """Return the first of the models that exists; each with the names of versions to be there.

    Raises `UsageError` when none does, `RegistryError` for one whose versions cannot be listed.
    """
    registry = workspace.registry
    tried: list[str] = []
    for model, names in readings:
        numbers = [number for name in names if (number := named_number(name)) is not None]
        found, problems = read_live(registry, {model: numbers}, everything=False, parallelism=1)
        if model in found:
            return _readable(found[model], numbers)
        # A name that no model can have is refused by the server, but simply names nothing.
        may_exist = model and not set("/:") & set(model)
        if model in problems and may_exist and not tried:
            raise RegistryError(problems[model].message, hint=problems[model].hint)
        tried.append(model)
    known = registry.read()
    hint = next((near for name in tried if (near := nearest(name, known))), None)
    raise UsageError(f"there is no model `{'` or `'.join(tried)}` in the registry", hint=hint)


def chosen(live: Live, name: str) -> int:
    """Return the version that a name means; of several in a stage the highest, and says so."""
    version, *rest = named_versions(live, name)
    if rest:
        others = ", ".join(f"v{one}" for one in rest)
        output.say(f"{name} holds more than one version: v{version} is shown, not {others}")
    return version


def _readable(live: Live, numbers: list[int]) -> Live:
    if live.is_prompt:
        raise UsageError(f"`{live.model}` is a prompt, and no model")
    listed = numbers and all(number in live.versions for number in numbers)
    if live.unreadable is not None and not listed:
        raise RegistryError(f"the versions of `{live.model}` are not known: {live.unreadable}")
    return live


def _show(comparison: Comparison, workspace: Workspace) -> None:
    options, now = workspace.options, datetime.now(timezone.utc)
    match options.format:
        case "json":
            output.document(_document(comparison, workspace))
        case "markdown":
            lines = [f"### {code(comparison.model)}", "", *render.markdown_lines(comparison, now)]
            output.product("\n".join(lines) + "\n", options)
        case _:
            effort = options.effort(workspace.registry.requests)
            cost = f"compare: 2 versions, {effort.requests} requests, {effort.seconds:.2f} s"
            lines = [visible(comparison.model), *render.text_lines(comparison, now), "", cost]
            output.product("\n".join(lines) + "\n", options)


def _document(comparison: Comparison, workspace: Workspace) -> Document:
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "registry": {"uri": workspace.ref.uri, "name": workspace.ref.name},
        "comparison": render.document(comparison),
        "errors": [],
        "exit": json_documents.ending(ExitCode.OK),
    }
