"""Versions beside each other: who enters a place, and who held it; by metrics, params, signature.

And which version somebody means by a number, a stage or an alias.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from reconciler.core import signatures
from reconciler.core.facts import NO_FACTS, Facts
from reconciler.core.matching import nearest
from reconciler.core.state import STAGES, Field, Identity, Live, aliases, stages
from reconciler.core.transitions import Transition
from reconciler.errors import UsageError

_NUMBER = re.compile(r"v?([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Side:
    """One version as it is live, before anything is written, and what its run tells."""

    version: int
    stage: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    description: str
    identity: Identity
    facts: Facts

    @property
    def source_commit(self) -> str | None:
        """The commit that it was trained from: as MLflow saw it, else as somebody noted it."""
        seen = self._run_tags.get("mlflow.source.git.commit")
        return seen or self._noted("git_commit")

    @property
    def data_version(self) -> str | None:
        """The version of its training data, as somebody noted it."""
        return self._noted("data_version")

    @property
    def registered_by(self) -> str | None:
        """Who started its run, else whom its own tag names."""
        user = self.facts.run.user if self.facts.run else None
        return user or self.tags.get("mlflow.user") or None

    @property
    def _run_tags(self) -> Mapping[str, str]:
        return self.facts.run.tags if self.facts.run else {}

    def _noted(self, key: str) -> str | None:
        """Return the first text under that key: a tag of the version or its run, or a param."""
        places = (self.tags, self._run_tags, self.facts.params)
        return next((place[key] for place in places if place.get(key)), None)


class MetricRow(NamedTuple):
    """One metric of both; None where it was not logged."""

    key: str
    candidate: float | None
    incumbent: float | None

    @property
    def difference(self) -> float | None:
        """Candidate less incumbent, as decimals; None where that is no number."""
        one, other = self.candidate, self.incumbent
        if one is None or other is None:
            return None
        if one == other:
            return 0.0
        if not (math.isfinite(one) and math.isfinite(other)):
            return None
        # 0.93 - 0.91 is 0.02 for who reads it.
        return float(Decimal(repr(one)) - Decimal(repr(other)))

    @property
    def differs(self) -> bool:
        """Return whether both logged it, and not the same; NaN is never the same."""
        return None not in (self.candidate, self.incumbent) and self.difference != 0


class TextRow(NamedTuple):
    """One param or tag that differs; None where there is none."""

    key: str
    candidate: str | None
    incumbent: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate beside its incumbent, None where there is none.

    `places` are the stage and the aliases (`@name`) that the candidate enters; none where two
    versions are merely looked at.
    """

    model: str
    places: tuple[str, ...]
    candidate: Side
    incumbent: Side | None

    @property
    def metrics(self) -> tuple[MetricRow, ...]:
        """Every metric that either logged, by name."""
        one = self.candidate.facts.metrics
        other = self.incumbent.facts.metrics if self.incumbent else {}
        return tuple(MetricRow(key, one.get(key), other.get(key)) for key in sorted({*one, *other}))

    @property
    def params(self) -> tuple[TextRow, ...]:
        """The params that differ, by name; none without an incumbent."""
        if self.incumbent is None:
            return ()
        return _texts(self.candidate.facts.params, self.incumbent.facts.params)

    @property
    def tags(self) -> tuple[TextRow, ...]:
        """The versions' tags that differ, less MLflow's own; none without an incumbent."""
        if self.incumbent is None:
            return ()
        rows = _texts(self.candidate.tags, self.incumbent.tags)
        return tuple(row for row in rows if not row.key.startswith("mlflow."))

    @property
    def signature(self) -> tuple[str, ...] | None:
        """What differs between the signatures in sentences, None where one is not known."""
        one = self.candidate.facts.signature
        other = self.incumbent.facts.signature if self.incumbent else None
        return None if one is None or other is None else signatures.differences(one, other)


def comparisons(
    transitions: Sequence[Transition], live: Live, facts: Mapping[int, Facts]
) -> tuple[Comparison, ...]:
    """Return who of a model enters an active stage or takes an alias, beside whom it displaces.

    One for every version and incumbent: a place without an incumbent goes with the first.
    """
    entering: dict[int, list[Transition]] = {}
    for transition in transitions:
        if transition.matters and transition.version in live.versions:
            entering.setdefault(transition.version, []).append(transition)
    return tuple(
        Comparison(
            live.model,
            tuple(places),
            side(live, version, facts),
            None if incumbent is None else side(live, incumbent, facts),
        )
        for version, made in sorted(entering.items())
        for incumbent, places in _by_incumbent(made, live).items()
    )


def side(live: Live, version: int, facts: Mapping[int, Facts]) -> Side:
    """Return one version of a model as it is live, with what is known of it."""
    named = aliases(live.fields)
    return Side(
        version=version,
        stage=stages(live.fields).get(version, "None"),
        aliases=tuple(sorted(alias for alias, at in named.items() if at == version)),
        tags={
            address.key or "": str(value)
            for address, value in live.fields.items()
            if address.name == "tag" and address.version == version
        },
        description=str(live.fields.get(Field("description", version), "")),
        identity=live.versions[version].identity,
        facts=facts.get(version, NO_FACTS),
    )


def named_versions(live: Live, name: str) -> tuple[int, ...]:
    """Return the versions that a number, `vN`, a stage or `@alias` means, the highest first.

    Raises `UsageError` when there is none.
    """
    if name.startswith("@"):
        return (_named_by(live, name[1:]),)
    if (number := named_number(name)) is not None:
        return (_numbered(live, number),)
    if name in STAGES:
        return _staged(live, name)
    known = (*STAGES, *(f"@{alias}" for alias in aliases(live.fields)))
    hint = nearest(name, known) or "write `4`, `Production` or `@champion`"
    raise UsageError(f"`{name}` is no version, stage or @alias", hint=hint)


def named_number(name: str) -> int | None:
    """Return the version that `4` or `v4` means, None for any other name."""
    found = _NUMBER.fullmatch(name)
    return int(found[1]) if found else None


def _named_by(live: Live, alias: str) -> int:
    known = aliases(live.fields)
    # An old server keeps an alias whose version was deleted.
    if alias in known and known[alias] in live.versions:
        return known[alias]
    if alias in known:
        raise UsageError(f"@{alias} of `{live.model}` names v{known[alias]}, which is gone")
    shown = ", ".join(f"@{name}" for name in sorted(known)) or "none"
    hint = nearest(f"@{alias}", [f"@{name}" for name in known]) or f"its aliases: {shown}"
    raise UsageError(f"`{live.model}` has no alias `@{alias}`", hint=hint)


def _numbered(live: Live, version: int) -> int:
    if version in live.versions:
        return version
    near = nearest(str(version), [str(number) for number in live.versions])
    raise UsageError(f"`{live.model}` has no version {version}", hint=near or _spread(live))


def _staged(live: Live, stage: str) -> tuple[int, ...]:
    where = stages(live.fields)
    found = tuple(sorted((v for v in live.versions if where.get(v) == stage), reverse=True))
    if not found:
        raise UsageError(f"no version of `{live.model}` is in {stage}", hint=_spread(live))
    return found


def _spread(live: Live) -> str:
    """Return which versions there are, by stage, the newest five of each."""
    held: dict[str, list[int]] = {}
    where = stages(live.fields)
    for version in sorted(live.versions, reverse=True):
        held.setdefault(where.get(version, "None"), []).append(version)
    said = [
        f"{stage} {', '.join(f'v{version}' for version in held[stage][:5])}"
        + (f" and {len(held[stage]) - 5} more" if held[stage][5:] else "")
        for stage in reversed(STAGES)
        if stage in held
    ]
    return f"it has {'; '.join(said)}" if said else "it has no version"


def _by_incumbent(made: Iterable[Transition], live: Live) -> Mapping[int | None, list[str]]:
    """Return the places of one version by whom it takes them from, the stage's first."""
    groups: dict[int | None, list[str]] = {}
    for transition in sorted(
        made, key=lambda transition: (transition.alias is not None, transition.place)
    ):
        held = transition.incumbent if transition.incumbent in live.versions else None
        places = groups.setdefault(held, [])
        if transition.place not in places:
            places.append(transition.place)
    free = groups.pop(None, [])
    if not groups:
        return {None: free}
    next(iter(groups.values())).extend(free)
    return groups


def _texts(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[TextRow, ...]:
    return tuple(
        TextRow(key, one.get(key), other.get(key))
        for key in sorted({*one, *other})
        if one.get(key) != other.get(key)
    )
