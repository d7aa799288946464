"""What was made of a page, as text and as a JSON document: its files, and what they say."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.audit.dates import iso_moment
from reconciler.audit.overview.model_overview import Holder, ModelOverview, Overview
from reconciler.errors import Problem
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document
from reconciler.render.page.paths import INDEX, environment_path, model_path
from reconciler.render.page.site import names
from reconciler.render.text import Effort


def document(
    overviews: Sequence[Overview],
    files: Collection[str],
    out: str | None,
    problems: Sequence[Problem],
    code: int,
) -> Document:
    """Return the document of `page --format json`."""
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "out": out,
        "offline": any(overview.is_offline for overview in overviews),
        "environments": [
            _environment(overview, folder)
            for overview, folder in zip(overviews, _folders(overviews), strict=True)
        ],
        "files": sorted(files),
        "errors": [json_documents.error(problem) for problem in problems],
        "exit": json_documents.ending(code),
    }


def text(
    overviews: Sequence[Overview], files: Mapping[str, bytes], out: str | None, effort: Effort
) -> str:
    """Return what `page` prints: what each environment is like, and the file to open."""
    lines = [line for overview in overviews for line in _about(overview)]
    size = sum(map(len, files.values()))
    lines += ["", f"open {visible(out)}/{INDEX}"] if out is not None else []
    requests = phrases.count(effort.requests, "request")
    extent = phrases.extent(len(files), size)
    return "\n".join([*lines, "", f"page: {extent}, {requests}, {effort.seconds:.2f} s"]) + "\n"


def _about(overview: Overview) -> Iterator[str]:
    states = ", ".join(f"{number} {state}" for state, number in overview.counts.items())
    found = f"{phrases.models(len(overview.models))}{': ' if states else ''}{states}"
    yield f"{visible(overview.state)}: {found}"
    if overview.is_offline:
        yield "  · the registry was not read: git and the apply records alone"
    for sentence in overview.unread:
        yield f"  · {visible(sentence)}"


def _folders(overviews: Sequence[Overview]) -> Sequence[str]:
    if len(overviews) == 1:
        return [""]
    return [environment_path(name) for name in names(overviews)]


def _environment(overview: Overview, folder: str) -> Document:
    registry = overview.registry
    return {
        "state": overview.state,
        "registry": json_documents.registry(registry) if registry is not None else None,
        "commit": overview.commit,
        "read": iso_moment(overview.now),
        "counts": dict(overview.counts),
        "unread": list(overview.unread),
        "models": [_model(model, folder) for model in overview.models],
    }


def _model(model: ModelOverview, folder: str) -> Document:
    return {
        "model": model.model,
        "group": model.group,
        "state": model.state,
        "why": list(model.why),
        "serving": _serving(model.serving) if model.serving is not None else None,
        "page": f"{folder}{model_path(model.model)}",
    }


def _serving(holder: Holder) -> Document | None:
    """Return what serves; `version` is null where the registry was not read, or nothing does."""
    entry = holder.entry
    if holder.version is None and holder.declared is None:
        return None
    approvals = entry.approvals if entry is not None else ()
    return {
        "name": holder.name,
        "version": holder.version,
        "declared": holder.declared,
        "since": iso_moment(holder.since) if holder.since is not None else None,
        "applied": holder.is_applied,
        "commit": entry.step.commit.id if entry is not None else None,
        "pull_request": entry.pull_request if entry is not None else None,
        "approved_by": [{"name": approval.name, "kind": approval.kind} for approval in approvals],
    }
