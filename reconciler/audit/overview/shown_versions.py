"""Picks the versions that a model's page describes, and the two of them that it compares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.audit.overview.holders import ModelNames
from reconciler.core.changes import entering_by
from reconciler.core.comparison import Comparison, Side, side
from reconciler.core.declaring.semantic_versions import semvers
from reconciler.core.facts import Facts
from reconciler.core.plan import ModelPlan
from reconciler.core.state import Fields, Identity, Live, aliases, in_use, stages
from reconciler.core.uris import safe_uri

MOST_VERSIONS: Final = 12  # of one model, of which the facts are read
_CHALLENGER: Final = "challenger"
_URI: Final = re.compile(r"[^:/\s]+://\S+")


@dataclass(frozen=True, slots=True)
class ShownVersions:
    """The described versions of a model, the most important first, and how many are left out.

    `candidate` is the version that comes next or is tried out, and `incumbent` the one that serves.
    """

    versions: tuple[int, ...] = ()
    left_out: int = 0
    candidate: int | None = None
    incumbent: int | None = None

    @property
    def unread(self) -> tuple[str, ...]:
        """What is left out, as sentences."""
        if self.left_out == 1:
            return ("1 more version: its run was not read",)
        more = f"{self.left_out} more versions: their runs were not read"
        return (more,) if self.left_out else ()

    @property
    def compared(self) -> tuple[int, ...]:
        """The two versions that are compared; none where there is no candidate."""
        if self.candidate is None:
            return ()
        return tuple(v for v in (self.candidate, self.incumbent) if v is not None)


def shown_versions(of: ModelNames, plan: ModelPlan | None) -> ShownVersions:
    """Return the versions in use, the candidate, and those that served, the last first."""
    if of.live is None:
        return ShownVersions()
    known = of.live.versions
    incumbent = max(of.serving.versions(of.live_fields) & known.keys(), default=None)
    candidate = _candidate(of, plan, incumbent)
    served = (entry.serving for entry in reversed(of.history))
    used = sorted(in_use(of.live_fields), reverse=True)
    wanted = [v for v in dict.fromkeys((incumbent, candidate, *used, *served)) if v in known]
    kept = tuple(v for v in wanted[:MOST_VERSIONS] if v is not None)
    return ShownVersions(kept, len(wanted) - len(kept), candidate, incumbent)


def _candidate(of: ModelNames, plan: ModelPlan | None, incumbent: int | None) -> int | None:
    """Return the version that the plan has serve, else the one in Staging or under @challenger."""
    if of.live is None:
        return None
    fields = of.live_fields
    entering = {v for c in plan.changes if (v := entering_by(c.field, c.after))} if plan else set()
    declared = of.serving.versions(of.declaration.fields) if of.declaration else frozenset()
    staged = {version for version, stage in stages(fields).items() if stage == "Staging"}
    groups = (declared & entering, entering, staged)
    tried = (*(v for group in groups for v in sorted(group, reverse=True)), _challenger(fields))
    return next((v for v in tried if v in of.live.versions and v != incumbent), None)


def _challenger(fields: Fields) -> int | None:
    return aliases(fields).get(_CHALLENGER)


def sides(of: ModelNames, facts: Mapping[int, Facts]) -> tuple[Side, ...]:
    """Return the versions of which facts were read, the highest first, without any secret."""
    if of.live is None:
        return ()
    digests = of.declaration.digests if of.declaration else {}
    numbers = semvers(of.declaration)
    return tuple(
        _without_secrets(side(of.live, version, facts, digests, numbers))
        for version in sorted(facts, reverse=True)
    )


def comparison(
    of: ModelNames, shown: ShownVersions, known: Sequence[Side], plan: ModelPlan | None
) -> Comparison | None:
    """Return the candidate beside the incumbent; None without a candidate, or facts about it."""
    by_number = {side.version: side for side in known}
    candidate = by_number.get(shown.candidate or 0)
    if candidate is None:
        return None
    changes = plan.changes if plan else ()
    taken = (c for c in changes if entering_by(c.field, c.after) == candidate.version)
    places = (str(c.after) if c.field.name == "stage" else f"@{c.field.key}" for c in taken)
    return Comparison(of.model, tuple(places), candidate, by_number.get(shown.incumbent or 0))


def without_secrets(live: Live) -> Live:
    """Return a live model with its sources as records keep them, without credentials."""
    versions = {
        number: replace(version, identity=_safe_identity(version.identity))
        for number, version in live.versions.items()
    }
    return replace(live, versions=versions)


def _without_secrets(known: Side) -> Side:
    """Return a version without the credentials in its source, and in the addresses of its run."""
    facts = known.facts
    run = facts.run and replace(facts.run, tags=_safe(facts.run.tags))
    facts = replace(facts, run=run, params=_safe(facts.params))
    identity = _safe_identity(known.identity)
    return replace(known, identity=identity, facts=facts, tags=_safe(known.tags))


def _safe_identity(identity: Identity) -> Identity:
    return replace(identity, source=safe_uri(identity.source)) if identity.source else identity


def _safe(texts: Mapping[str, str]) -> Mapping[str, str]:
    return {key: safe_uri(text) if _URI.fullmatch(text) else text for key, text in texts.items()}
