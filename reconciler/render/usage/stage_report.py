"""Renders the report of `migrate stages` as text, Markdown and JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from reconciler.audit.migration.dependencies import StageDependency
from reconciler.audit.migration.model_migration import (
    MigrationConflict,
    ModelMigration,
    Placement,
    ProposedAlias,
)
from reconciler.audit.migration.next_steps import load_sentence
from reconciler.audit.migration.stage_loads import StageLoad
from reconciler.audit.migration.stage_report import StageReport
from reconciler.audit.usage.loads import Load
from reconciler.errors import Problem
from reconciler.render import json_documents, phrases
from reconciler.render.escape import code, prose, visible
from reconciler.render.json_documents import Document
from reconciler.render.table import TableColumn, fitted, markdown_row, table
from reconciler.render.text import Effort

_HEADER = (
    TableColumn("MODEL", least=12, whole_ends=True),
    TableColumn("STAGES", least=12, main=True),
    TableColumn("ALIAS", least=15),
    TableColumn("LOADS", leaves=1),
    TableColumn("NEXT"),
)


def report_text(report: StageReport, effort: Effort, columns: int | None = None) -> str:
    """Return the report for a terminal: the counts, every model, then what to do."""
    models = report.unfinished
    lines = [*_head(report), ""]
    lines += [*table(_HEADER, map(_row, models), columns), ""] if models else []
    lines += [line for model in models for line in _details(model)]
    lines += [*_elsewhere(report), *_unknown(report)]
    lines += ["next:", *(f"  {sentence}" for sentence in report.next), ""] if report.next else []
    lines += [_last_line(report, effort)]
    return _shown(lines, columns)


def check_text(report: StageReport, effort: Effort, columns: int | None = None) -> str:
    """Return what depends on stages, a line each."""
    lines = [_dependent(report), ""]
    lines += [f"  {_place(one)}: {one.message}" for one in report.depends]
    lines += [""] if report.depends else []
    lines += _unknown(report)
    lines += [_last_line(report, effort)]
    return _shown(lines, columns)


def report_markdown(report: StageReport) -> str:
    """Return the report as GitHub-flavoured Markdown, for an issue."""
    lines = ["### From stages to aliases", "", *(f"* {prose(line)}" for line in _head(report)), ""]
    if report.unfinished:
        names = [column.name.capitalize() for column in _HEADER]
        lines += markdown_row(names), markdown_row(["---"] * len(names))
        lines += [
            markdown_row(code(cell) if cell else "" for cell in _row(model))
            for model in report.unfinished
        ]
        lines += [""]
    for model in report.unfinished:
        todo = _todo(model)
        lines += [f"#### {code(model.model)}", "", *todo, ""] if todo else []
    lines += ["#### Next", "", *(f"* {prose(sentence)}" for sentence in report.next)]
    return "\n".join(lines).rstrip() + "\n"


def check_markdown(report: StageReport) -> str:
    """Return what depends on stages as GitHub-flavoured Markdown, a task each."""
    title = _dependent(report)
    lines = [f"### {title[0].upper()}{title[1:]}", ""]
    lines += [f"* [ ] {code(_place(one))}: {prose(one.message)}" for one in report.depends]
    return "\n".join(lines).rstrip() + "\n"


def _head(report: StageReport) -> list[str]:
    counts = report.summary
    using = f"{counts['by_stage']} of {phrases.models(counts['models'])} use stages"
    steps = [f"{counts[model]} {word}" for model, word in _COUNTED if counts[model]]
    lines = [", ".join([using, *steps]), f"bridge: {_bridge(report)}"]
    if report.live is not None:
        lines.append(f"registry: {_registry(report)}")
    return lines


_COUNTED = (
    ("conflict", "in conflict"),
    ("import", "not declared"),
    ("loads", "loads by stage"),
)


def _bridge(report: StageReport) -> str:
    pairs = ", ".join(f"{stage} becomes @{alias}" for stage, alias in report.bridge.pairs)
    if not pairs:
        return (
            "none, because no stage is exclusive: `--bridge STAGE=ALIAS` and `exclusive` name one"
        )
    if report.bridge == report.declared_bridge:
        return f"{pairs}, as reconciler.yaml says"
    if not report.declared_bridge and {one.step for one in report.models} <= {"clear", None}:
        return "none in reconciler.yaml, and none is needed"
    return f"{pairs}; reconciler.yaml does not say so yet"


def _registry(report: StageReport) -> str:
    live = report.live
    if live is None:
        return "not read"
    features = live.capabilities
    if features.stages and features.aliases:
        return f"{live.registry.address} supports stages and aliases"
    missing = " and ".join(
        word
        for word, has in (("stages", features.stages), ("aliases", features.aliases))
        if not has
    )
    return f"{features.why} has no {missing}"


def _row(model: ModelMigration) -> tuple[str, ...]:
    placement = model.live or model.declared
    active = placement.active.items() if placement else ()
    stages = [f"{stage} {', '.join(f'v{version}' for version in held)}" for stage, held in active]
    aliases = [f"@{one.alias} → {_target(one)}" for one in model.proposed]
    loads = str(len(model.loads) or "")
    return (model.model, ", ".join(stages), ", ".join(aliases), loads, str(model.step))


def _target(proposed: ProposedAlias) -> str:
    return "?" if proposed.version is None else f"v{proposed.version}"


def _details(model: ModelMigration) -> list[str]:
    """Return what has to be decided about a model, and who loads it by stage."""
    told = _told(model)
    if not (told or model.loads):
        return []
    lines = [model.model]
    for conflict in told:
        lines += [f"  ! {conflict.message}", f"    {conflict.remedy}"]
    lines += [f"  {load_sentence(load, model.proposed)}" for load in model.loads]
    return [*lines, ""]


def _told(model: ModelMigration) -> list[MigrationConflict]:
    """Return the conflicts of one model; what most have alike is said once, for all of them."""
    return [conflict for conflict in model.conflicts if conflict.kind != "no-alias"]


def _elsewhere(report: StageReport) -> list[str]:
    if not report.elsewhere:
        return []
    lines = ["loads by stage of models that are neither declared nor live, or not named:"]
    return [*lines, *(f"  {_at(load)}: {load.text}" for load in report.elsewhere), ""]


def _unknown(report: StageReport) -> list[str]:
    if not report.unknown:
        return []
    lines = ["loads that only the running program knows:"]
    return [*lines, *(f"  {_at(load)}: {load.text}: {load.why}" for load in report.unknown), ""]


def _at(load: StageLoad | Load) -> str:
    return ":".join(str(part) for part in (load.file, load.line, load.column) if part)


def _place(one: StageDependency) -> str:
    return f"{one.file}:{one.line}" if one.line else one.file


def _dependent(report: StageReport) -> str:
    """Return how many things depend on a stage, in words."""
    if not report.depends:
        return "nothing depends on a stage"
    verb = "depends" if len(report.depends) == 1 else "depend"
    return f"{phrases.count(len(report.depends), 'thing')} {verb} on a stage"


def _last_line(report: StageReport, effort: Effort) -> str:
    counts = report.summary
    return (
        f"{_dependent(report)}, {phrases.models(counts['models'])}, "
        f"{phrases.count(effort.requests, 'request')}, {effort.seconds:.2f} s"
    )


def _shown(lines: Iterable[str], columns: int | None) -> str:
    return "\n".join(fitted(map(visible, lines), columns)) + "\n"


def _todo(model: ModelMigration) -> list[str]:
    """Return the tasks of a model for Markdown: what to decide, and who loads it by stage."""
    decide = [f"{conflict.message}: {conflict.remedy}" for conflict in _told(model)]
    loads = [load_sentence(load, model.proposed) for load in model.loads]
    return [f"* [ ] {prose(sentence)}" for sentence in (*decide, *loads)]


def document(report: StageReport, problems: Sequence[Problem], ending: int) -> Document:
    """Return the document of `migrate stages --format json`."""
    live = report.live
    features = live.capabilities if live else None
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "registry": json_documents.registry(live.registry) if live else None,
        "supports": {"stages": features.stages, "aliases": features.aliases} if features else None,
        "bridge": dict(report.bridge.pairs),
        "bridge_is_declared": bool(report.bridge) and report.bridge == report.declared_bridge,
        "models": [_model(model) for model in report.models],
        "elsewhere": [_load(load) for load in report.elsewhere],
        "unknown": [_unknown_place(load) for load in report.unknown],
        "depends": [asdict(one) for one in report.depends],
        "next": list(report.next),
        "summary": report.summary,
        "errors": [json_documents.error(problem) for problem in problems],
        "exit": json_documents.ending(ending),
    }


def _model(model: ModelMigration) -> Document:
    return {
        "model": model.model,
        "file": model.file,
        "declared": model.declared is not None,
        "stages": _stages(model.live),
        "aliases": _aliases(model.live),
        "declared_stages": _stages(model.declared),
        "declared_aliases": _aliases(model.declared),
        "proposed": [asdict(one) for one in model.proposed],
        "conflicts": [asdict(conflict) for conflict in model.conflicts],
        "consumers": [_load(load) for load in model.loads],
        "step": model.step,
        "todo": list(model.todo),
    }


def _stages(placement: Placement | None) -> Document | None:
    return None if placement is None else {s: list(held) for s, held in placement.stages.items()}


def _aliases(placement: Placement | None) -> Document | None:
    return None if placement is None else dict(placement.aliases)


def _load(load: StageLoad) -> Document:
    keys = ("model", "name", "owner", "loads", "file", "line", "column", "text")
    return {key: getattr(load, key) for key in keys}


def _unknown_place(load: Load) -> Document:
    return {key: getattr(load, key) for key in ("file", "line", "column", "form", "text", "why")}
