"""The inventory: each model, who answers for it, what serves, and the evidence for that."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Final

from reconciler.audit import evidence
from reconciler.audit.dates import iso_moment
from reconciler.audit.evidence import DeclaredAt
from reconciler.audit.findings import Finding
from reconciler.audit.review.review_evidence import (
    EVIDENCE_COLUMNS,
    ReviewSources,
    ReviewTable,
    applied_gap,
    approvers,
    evidence_of,
)
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.state import Declaration, aliases, stages

# Kinds of findings by which the registry does not hold what the row says.
_DIFFERENT: Final = ("drift", "unmanaged", "pending", "recreated", "other-bytes")
_MOST: Final = 3


def inventory(sources: ReviewSources) -> ReviewTable:
    """Return a row for each model that was declared then, or serves without being declared."""
    rows = [_model(declaration, sources) for declaration in sources.declared.values()]
    rows += [_undeclared(model) for model in _live_alone(sources)]
    if sources.registry is None:
        why = sources.not_compared or "the registry was not compared"
        rows.append(_gap(f"models that are live and not declared are not listed: {why}"))
    return ReviewTable(
        "inventory",
        f"Each model as git declared it at {iso_moment(sources.as_of)}: who answers for it, what "
        "serves by that, since which change, and where the registry differs.",
        (
            *("model", "declared", "owner", "purpose", "tier", "review_by", "review", "contacts"),
            *("serving", "aliases", "stages", "digest", "semver", "consumers", "file"),
            *("since", "approved_verified", "approved_claimed", *EVIDENCE_COLUMNS, "gap"),
        ),
        tuple(sorted(rows)),
    )


def reviews_due(declared: Mapping[str, Declaration], now: datetime) -> Iterator[Finding]:
    """Yield a finding for each declared model whose day of review has passed, in UTC."""
    today = now.astimezone(timezone.utc).date()
    for model, declaration in sorted(declared.items()):
        entry = declaration.inventory
        if entry is not None and entry.is_due(today):
            owner = f"; owner: {entry.owner}" if entry.owner else ""
            message = f"the review was due on {entry.review_by} ({declaration.file}){owner}"
            yield Finding("review-due", message, model)


def _model(declaration: Declaration, sources: ReviewSources) -> tuple[str, ...]:
    model, entry = declaration.model, declaration.inventory or Inventory()
    then = _declared_at(model, sources)
    held = then.held[0] if then and then.held else None
    version = held.version if held else None
    since = held.since if held and version is not None else None
    missing = [f"no `{key}`" for key in entry.missing]
    if since is None and version is not None:
        missing.append("no merged change is known that put it there")
    if since is not None and (gap := applied_gap(since)):
        missing.append(gap)
    missing += _differences(model, sources)
    return (
        *(model, "yes", entry.owner or "", entry.purpose or "", entry.tier or ""),
        *(str(entry.review_by or ""), _review(entry, sources.as_of), "; ".join(entry.contacts)),
        *(f"v{version}" if version is not None else "nothing", _aliases(declaration)),
        *(_stages(declaration), *_version(declaration, version)),
        "; ".join(f"{one.name} ({one.loads})" for one in declaration.consumers),
        declaration.file,
        iso_moment(since.time if since else None),
        *((approvers(since, "verified"), approvers(since, "claimed")) if since else ("", "")),
        *(evidence_of(since) if since else sources.evidence(None, None)),
        "; ".join(missing),
    )


def _differences(model: str, sources: ReviewSources) -> list[str]:
    """Return where the registry is not as git declares the model, the first few in words."""
    found = [f.message for f in sources.findings if f.model == model and f.kind in _DIFFERENT]
    rest = len(found) - _MOST
    return [f"live: {message}" for message in found[:_MOST]] + (
        [f"live: {rest} more, in exceptions.csv"] if rest > 0 else []
    )


def _declared_at(model: str, sources: ReviewSources) -> DeclaredAt | None:
    history = sources.trail.histories.get(model)
    return evidence.answer(history, sources.as_of, sources.settings) if history else None


def _review(entry: Inventory, as_of: datetime) -> str:
    if entry.review_by is None:
        return "not declared"
    return "due" if entry.is_due(as_of.astimezone(timezone.utc).date()) else "holds"


def _aliases(declaration: Declaration) -> str:
    return "; ".join(f"@{name} v{v}" for name, v in sorted(aliases(declaration.fields).items()))


def _stages(declaration: Declaration) -> str:
    return "; ".join(f"v{v} {stage}" for v, stage in sorted(stages(declaration.fields).items()))


def _version(declaration: Declaration, version: int | None) -> tuple[str, str]:
    """Return the digest and the semantic version of the serving version."""
    entry = declaration.versions.get(version) if version is not None else None
    return (entry.digest or "", entry.semver or "") if entry else ("", "")


def _live_alone(sources: ReviewSources) -> list[str]:
    """Return the models that a finding names and nothing declares."""
    found = {finding.model for finding in sources.findings if finding.kind == "unmanaged"}
    return sorted(model for model in found if model and model not in sources.declared)


def _undeclared(model: str) -> tuple[str, ...]:
    row = [model, "no", *("",) * 20]
    return (*row, "it serves in the registry, and git does not declare it")


def _gap(what: str) -> tuple[str, ...]:
    return ("", "not known", *("",) * 20, what)
