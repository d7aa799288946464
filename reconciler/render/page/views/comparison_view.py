"""The candidate beside the incumbent: metrics with differences, the signature, the policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.core.artifacts.model_files import short
from reconciler.core.comparison import Comparison, MetricRow, Side, TextRow
from reconciler.core.violations import Violation
from reconciler.render import phrases
from reconciler.render.inspection import comparison as beside
from reconciler.render.page.excerpts import LINE, NAME, REASON, excerpt, optional
from reconciler.render.page.limits import Limits
from reconciler.render.page.views.states import Tone

Direction: TypeAlias = Literal["up", "down", "same", "none"]

_JUDGED: Final[dict[str, Tone]] = {"refused": "bad", "warning": "warn", "accepted": "off"}


@dataclass(frozen=True, slots=True)
class SideView:
    """One version: its number, its names and where it comes from."""

    version: int
    semver: str | None
    stage: str
    names: tuple[str, ...]
    registered: str | None
    registered_by: str | None
    run: str | None
    digest: str | None
    full_digest: str | None
    source_commit: str | None
    data_version: str | None
    description: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of both, formatted; `direction` is that of the number, not of its worth."""

    key: str
    incumbent: str
    candidate: str
    difference: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class TextView:
    """One param or tag that differs."""

    kind: str
    key: str
    incumbent: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement in words with its tone, and the sentences that explain it."""

    word: str
    tone: Tone
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ViolationView:
    """A rule that the change breaks: what it says, and the way out."""

    word: str
    tone: Tone
    rule: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Two versions side by side; `incumbent` is None where the place is free."""

    candidate: SideView
    incumbent: SideView | None
    places: tuple[str, ...]
    metrics: tuple[MetricView, ...]
    metrics_left_out: int
    texts: tuple[TextView, ...]
    texts_left_out: int
    signature: Verdict
    bytes: Verdict | None


def comparison_view(comparison: Comparison, limits: Limits) -> ComparisonView:
    """Return a comparison, formatted."""
    ranked = sorted(comparison.metrics, key=beside.rank)
    texts = [
        *(_text("param", row) for row in comparison.params),
        *(_text("tag", row) for row in comparison.tags),
    ]
    incumbent = comparison.incumbent
    return ComparisonView(
        candidate=side_view(comparison.candidate),
        incumbent=side_view(incumbent) if incumbent else None,
        places=tuple(excerpt(place, NAME) for place in comparison.places[: limits.rows]),
        metrics=tuple(map(_metric, ranked[: limits.metrics])),
        metrics_left_out=max(0, len(ranked) - limits.metrics),
        texts=tuple(texts[: limits.metrics]),
        texts_left_out=max(0, len(texts) - limits.metrics),
        signature=_signature(comparison, limits),
        bytes=_bytes(comparison),
    )


def side_view(side: Side) -> SideView:
    """Return one version, formatted."""
    run = beside.run_name(side.facts.run) if side.facts.run else side.identity.run_id
    return SideView(
        version=side.version,
        semver=side.semver,
        stage=side.stage,
        names=tuple(f"@{excerpt(alias, NAME)}" for alias in side.aliases[:10]),
        registered=beside.moment(side.identity.created),
        registered_by=optional(side.registered_by, NAME),
        run=optional(run, NAME),
        digest=short(side.digest) if side.digest else None,
        full_digest=side.digest,
        source_commit=optional(beside.trained_from(side), NAME),
        data_version=optional(side.data_version, NAME),
        description=excerpt(side.description, REASON),
        missing=tuple(excerpt(sentence, LINE) for sentence in side.facts.missing[:5]),
    )


def violation_views(violations: Sequence[Violation], limits: Limits) -> tuple[ViolationView, ...]:
    """Return what guards and policies say, the worst first."""
    order = list(_JUDGED)
    ranked = sorted(violations, key=lambda one: (order.index(phrases.judged(one)), one.sort_key))
    return tuple(
        ViolationView(
            word := phrases.judged(violation),
            _JUDGED[word],
            excerpt(violation.name, NAME),
            excerpt(violation.message, REASON),
            excerpt(violation.hint, REASON),
        )
        for violation in ranked[: limits.rows]
    )


def _metric(row: MetricRow) -> MetricView:
    difference = beside.difference(row)
    direction: Direction = "none"
    if difference:
        direction = "same" if difference == "=" else "down" if difference[0] == "-" else "up"
    return MetricView(
        excerpt(row.key, NAME),
        beside.number(row.incumbent),
        beside.number(row.candidate),
        difference,
        direction,
    )


def _text(kind: str, row: TextRow) -> TextView:
    incumbent, candidate = (
        "not set" if cell is None else excerpt(cell, NAME) or '""'
        for cell in (row.incumbent, row.candidate)
    )
    return TextView(kind, excerpt(row.key, NAME), incumbent, candidate)


def _signature(comparison: Comparison, limits: Limits) -> Verdict:
    if comparison.incumbent is None:
        return Verdict("nothing to compare with", "off")
    differences = comparison.signature
    if differences is None:
        return Verdict("not known of both", "off")
    if not differences:
        return Verdict("the same", "ok")
    sentences = tuple(excerpt(sentence, LINE) for sentence in differences[: limits.rows])
    return Verdict(phrases.count(len(differences), "difference"), "warn", sentences)


def _bytes(comparison: Comparison) -> Verdict | None:
    if comparison.bytes is None:
        return None
    return Verdict("the same bytes" if comparison.bytes == "same" else "other bytes", "off")
