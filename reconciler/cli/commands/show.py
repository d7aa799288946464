"""`reconciler show`: everything that is known of a version, and who put it where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

import click

from reconciler.api.merged_history import open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit import evidence, stage_history
from reconciler.audit.evidence import Entry
from reconciler.cli import output
from reconciler.cli.commands.compare import chosen, find
from reconciler.cli.options import Options, common
from reconciler.core.comparison import Side, side
from reconciler.core.settings import Settings
from reconciler.core.state import Field, Live
from reconciler.core.uris import safe_uri
from reconciler.errors import OutOfStep, UsageError
from reconciler.planning import status
from reconciler.planning.live_state import read_facts
from reconciler.render import version_details as render
from reconciler.render.version_details import Git, VersionDetails
from reconciler.repository.log import Log


@click.command("show", short_help="show everything known of a version")
@click.argument("name", metavar="MODEL[/VERSION|/STAGE|@ALIAS]")
@common()
def command(*, options: Options, name: str) -> int:
    """Show a version of MODEL: its values, run, metrics, signature, and which commit put it there.

    With MODEL alone it is the version that serves, and the others follow with a line each.
    """
    workspace = Workspace(options)
    workspace.may_be_empty = True
    readings = _readings(name)
    live = find(workspace, [(model, () if one is None else (one,)) for model, one in readings])
    selector = dict(readings)[live.model]
    settings = workspace.desired.settings
    version = _serving(live, settings) if selector is None else chosen(live, selector)
    git = _git(workspace, live)
    shown = _known(workspace, live, version)
    details = VersionDetails(
        live=live,
        settings=settings,
        git=git,
        side=shown,
        places=_brought(git.history, shown, settings, workspace.ref.key) if shown else {},
        file=_file(workspace, live.model),
        source=safe_uri(shown.identity.source) if shown and shown.identity.source else None,
        registry=workspace.ref,
        alone=selector is not None,
        now=datetime.now(timezone.utc),
    )
    if options.json:
        output.document(render.document(details))
    else:
        output.product(render.text(details, options.effort(workspace.registry.requests)), options)
    output.complain(git.problems)
    return int(git.code)


def _readings(name: str) -> list[tuple[str, str | None]]:
    """Return the ways to read a name: a model's may have an `@` in it, and on old servers a `/`."""
    model, slash, rest = name.rpartition("/")
    if slash and model:
        return [(model, rest), (name, None)]
    model, at, alias = name.rpartition("@")
    return [(name, None), *([(model, f"@{alias}")] if at and model else [])]


def _serving(live: Live, settings: Settings) -> int | None:
    found = settings.serving.versions(live.fields) & set(live.versions)
    return max(found, default=None)


def _known(workspace: Workspace, live: Live, version: int | None) -> Side | None:
    if version is None:
        return None
    facts = read_facts(workspace.registry, [(live, version)], parallelism=1)[live.model]
    return side(live, version, facts)


def _file(workspace: Workspace, model: str) -> str | None:
    declaration = workspace.desired.declarations.get(model)
    return declaration.file if declaration else None


def _git(workspace: Workspace, live: Live) -> Git:
    """Compare with what is declared, and read who merged it; outside of git neither."""
    found = Git({})
    if live.model in workspace.desired.declarations or live.owner == workspace.owner:
        compared = workspace.compare(replace(workspace.question(), models=frozenset({live.model})))
        plan = compared.plan
        rows = status.rows(plan, compared.live, workspace.desired)
        sync = {row.version: row.sync for row in rows if row.version is not None}
        found = Git(sync, plan.changes, problems=plan.problems, code=plan.exit_code())
    try:
        merged = open_merged(workspace, quiet=True)
    except (OutOfStep, UsageError) as error:
        return replace(found, silent=error.message)
    steps = merged.steps.get(live.model, ())
    entries = evidence.entries(steps, merged.settings, merged.records())
    if not entries:
        return replace(found, silent=f"the merged history of `{merged.line}` never declared it")
    return replace(found, history=_live_part(entries, live, merged.log))


def _live_part(entries: tuple[Entry, ...], live: Live, log: Log) -> tuple[Entry, ...]:
    """Return the entries up to the commit that is recorded as live; all where none is known."""
    recorded = live.recorded[-1] if live.recorded else ""
    place = {commit: at for at, commit in enumerate(log.line)}
    end = place.get(log.landed.get(recorded, recorded))
    if end is None:
        return entries
    return tuple(entry for entry in entries if place[entry.step.commit.id] <= end)


def _brought(
    history: Sequence[Entry], shown: Side, settings: Settings, registry: str
) -> Mapping[str, Entry]:
    """Return the merged change that brought the stage and each alias, where git put it there."""
    declaration = history[-1].step.after if history else None
    if declaration is None:
        return {}
    found: dict[str, Entry] = {}
    if declaration.fields.get(Field("stage", shown.version)) == shown.stage:
        since = stage_history.entered(history, shown.version, shown.stage, registry)
        by_id = {one.step.commit.id: one for one in history}
        if since is not None and since.commit is not None:
            found[shown.stage] = by_id[since.commit]
    forever = datetime.max.replace(tzinfo=timezone.utc)
    held = {one.name: one for one in evidence.answer(history, forever, settings).held}
    for alias in (f"@{alias}" for alias in shown.aliases):
        if alias in held and held[alias].version == shown.version:
            found[alias] = held[alias].since
    return found
