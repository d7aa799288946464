"""`reconciler audit`: every change of what serves with its evidence, and what does not add up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial

import click

from reconciler.api.apply_records import fetch_option
from reconciler.api.merged_history import MergedHistory, check_limits, open_merged
from reconciler.api.workspace import Workspace
from reconciler.audit.evidence import entries
from reconciler.audit.findings import (
    Audit,
    Finding,
    Span,
    Trail,
    findings_of_git,
    findings_of_live,
    rows,
)
from reconciler.cli import output
from reconciler.cli.dates import SINCE, UNTIL
from reconciler.cli.options import FORMATS, Options, common
from reconciler.core.plan import RegistryRef
from reconciler.core.state import Live
from reconciler.core.uris import safe_uri
from reconciler.errors import (
    DeclarationError,
    ExitCode,
    Problem,
    ReconcilerError,
    UsageError,
    first_code,
)
from reconciler.render import audit as render

_UNREGISTERED = "no registry is named: git alone is audited; `--registry-uri URI` compares one"
_GONE = "the state folder is not in this checkout any more: no model is declared"
_PAST = "`--until` is in the past: the registry is not compared, it only knows what is so now"


@click.command("audit", short_help="every change, its evidence, and what does not add up")
@click.option("--since", type=SINCE, help="Only what was merged from then on.")
@click.option("--until", type=UNTIL, help="Only what was merged up to then.")
@fetch_option
@common((*FORMATS, "csv", "markdown"))
def command(
    *, options: Options, since: datetime | None, until: datetime | None, fetch_notes: str | None
) -> int:
    """Show every change of what serves and of aliases; exit 2 when something does not add up."""
    check_limits(since, until)
    workspace = Workspace(options)
    merged = open_merged(workspace, fetch_notes)
    ref, missing = _asked(workspace, until)
    trail = _trail(merged, Span(since, until), ref)
    found = rows(trail, merged.settings)
    findings = findings_of_git(trail, found)
    live = _of_live(workspace, trail) if ref is not None else _Comparison(missing=missing)
    line = merged.line if merged.is_main else "HEAD (no main line is known)"
    answer = Audit(
        found,
        findings + live.findings,
        line,
        records=trail.records is not None,
        compared=None if ref is None or live.missing else ref.key,
        missing=live.missing,
    )
    code = _code(answer, live.problems)
    _show(answer, live, options, code)
    return int(code)


@dataclass(frozen=True)
class _Comparison:
    """What came of comparing the registry: `missing` says why it could not be done.

    `problems` are about single models, which could not be compared.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    missing: tuple[Problem, ...] = ()
    requests: int = 0


def _asked(
    workspace: Workspace, until: datetime | None
) -> tuple[RegistryRef | None, tuple[Problem, ...]]:
    """Return the registry to compare with, None when none is named or asked about.

    Where the checkout declares nothing that could be compared, say why.
    """
    if until is not None and until < datetime.now(timezone.utc):
        output.say(_PAST)
        return None, ()
    try:
        return _registry(workspace), ()
    except UsageError:
        output.say(_UNREGISTERED)
        return None, ()
    except ReconcilerError as error:
        return None, error.problems


def _registry(workspace: Workspace) -> RegistryRef:
    output.complain(workspace.desired.warnings)
    if not workspace.desired.declarations:
        raise DeclarationError([Problem(_GONE, ExitCode.DECLARATION, workspace.shown)])
    return workspace.ref


def _trail(merged: MergedHistory, span: Span, ref: RegistryRef | None) -> Trail:
    output.complain(merged.log.problems)
    records = merged.records(ref.key if ref else None)
    return Trail(
        histories={
            model: entries(taken, merged.settings, records) for model, taken in merged.steps.items()
        },
        records=records,
        unreadable=merged.notes.unreadable if merged.notes else (),
        on_main=partial(_contains, merged) if merged.is_main else None,
        span=span,
    )


def _contains(merged: MergedHistory, commit: str) -> bool:
    return merged.repo.is_ancestor(commit, merged.tip)


def _of_live(workspace: Workspace, trail: Trail) -> _Comparison:
    try:
        registry = workspace.registry
    except ReconcilerError as error:
        return _Comparison(missing=error.problems)
    try:
        compared = workspace.compare(workspace.question())
    except ReconcilerError as error:
        return _Comparison(missing=error.problems, requests=registry.requests)
    desired = workspace.desired
    live = {name: _without_secrets(model) for name, model in compared.live.items()}
    found = findings_of_live(compared.plan, live, desired.declarations, desired.settings, trail)
    return _Comparison(found, compared.plan.problems, requests=registry.requests)


def _code(answer: Audit, problems: Sequence[Problem]) -> ExitCode:
    """Return the code of what the answer lacks; findings do not hide that."""
    lacks = [problem.code for problem in answer.missing]
    lacks += [problem.code for problem in problems if problem.code is ExitCode.REGISTRY]
    if lacks:
        return first_code(lacks) or lacks[0]
    return ExitCode.CHANGES if answer.findings else ExitCode.OK


def _without_secrets(live: Live) -> Live:
    """Return the model with sources as records keep them."""
    versions = {}
    for number, version in live.versions.items():
        source = version.identity.source
        identity = replace(version.identity, source=safe_uri(source) if source else source)
        versions[number] = replace(version, identity=identity)
    return replace(live, versions=versions)


def _show(answer: Audit, live: _Comparison, options: Options, code: ExitCode) -> None:
    problems = (*answer.missing, *live.problems)
    match options.format:
        case "json":
            output.document(render.document(answer, problems, int(code)))
        case "csv":
            output.product(render.as_csv(answer), options)
        case "markdown":
            output.product(render.markdown(answer), options)
        case _:
            output.product(render.text(answer, options.effort(live.requests)), options)
    output.complain(problems)
