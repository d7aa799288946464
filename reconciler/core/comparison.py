"""Compares two versions by metrics, params, tags and signature; finds versions by name."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from reconciler.core.artifacts import signatures
from reconciler.core.declaring.semantic_versions import live_semver
from reconciler.core.facts import NO_FACTS, Facts
from reconciler.core.matching import nearest
from reconciler.core.state import STAGES, Field, Identity, Live, aliases, stages
from reconciler.core.transitions import Transition
from reconciler.errors import UsageError

_NOT_DECLARED: Final[Mapping[int, str]] = {}
_NUMBER = re.compile(r"v?([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Side:
    """One live version, before any write, with the facts from its run.

    `digest` is that of its bytes as far as git knows it: the declared one, else what an apply read.
    `semver` is its semantic version: the declared one, else that of its live tag.
    """

    version: int
    stage: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    description: str
    identity: Identity
    facts: Facts
    digest: str | None = None
    semver: str | None = None

    @property
    def source_commit(self) -> str | None:
        """The commit it was trained from: MLflow's own tag, else a `git_commit` tag or param."""
        from_mlflow = self._run_tags.get("mlflow.source.git.commit")
        return from_mlflow or self._tag_or_param("git_commit")

    @property
    def data_version(self) -> str | None:
        """The version of its training data: a `data_version` tag or param."""
        return self._tag_or_param("data_version")

    @property
    def registered_by(self) -> str | None:
        """The user who started its run, else the one in its `mlflow.user` tag."""
        user = self.facts.run.user if self.facts.run else None
        return user or self.tags.get("mlflow.user") or None

    @property
    def _run_tags(self) -> Mapping[str, str]:
        return self.facts.run.tags if self.facts.run else {}

    def _tag_or_param(self, key: str) -> str | None:
        """Return the first non-empty text for a key: version tag, run tag, then param."""
        places = (self.tags, self._run_tags, self.facts.params)
        return next((place[key] for place in places if place.get(key)), None)


class MetricRow(NamedTuple):
    """One metric of both versions; None where it was not logged."""

    key: str
    candidate: float | None
    incumbent: float | None

    @property
    def difference(self) -> float | None:
        """Candidate minus incumbent; None where that is not a number."""
        candidate, incumbent = self.candidate, self.incumbent
        if candidate is None or incumbent is None:
            return None
        if candidate == incumbent:
            return 0.0
        if not (math.isfinite(candidate) and math.isfinite(incumbent)):
            return None
        # In decimals, because readers expect 0.93 - 0.91 to be 0.02.
        return float(Decimal(repr(candidate)) - Decimal(repr(incumbent)))

    @property
    def differs(self) -> bool:
        """Return whether both logged it with different values; NaN differs from everything."""
        return None not in (self.candidate, self.incumbent) and self.difference != 0


class TextRow(NamedTuple):
    """One param or tag that differs; None where it is not set."""

    key: str
    candidate: str | None
    incumbent: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate beside its incumbent; `incumbent` is None where there is none.

    `places` are the stage and the aliases (`@name`) that the candidate takes; empty when no plan
    moves it.
    """

    model: str
    places: tuple[str, ...]
    candidate: Side
    incumbent: Side | None

    @property
    def metrics(self) -> tuple[MetricRow, ...]:
        """Every metric that either version logged, by name."""
        candidate = self.candidate.facts.metrics
        incumbent = self.incumbent.facts.metrics if self.incumbent else {}
        return tuple(
            MetricRow(key, candidate.get(key), incumbent.get(key))
            for key in sorted({*candidate, *incumbent})
        )

    @property
    def params(self) -> tuple[TextRow, ...]:
        """The params that differ, by name; empty without an incumbent."""
        if self.incumbent is None:
            return ()
        return _texts(self.candidate.facts.params, self.incumbent.facts.params)

    @property
    def tags(self) -> tuple[TextRow, ...]:
        """The version tags that differ, except MLflow's own; empty without an incumbent."""
        if self.incumbent is None:
            return ()
        rows = _texts(self.candidate.tags, self.incumbent.tags)
        return tuple(row for row in rows if not row.key.startswith("mlflow."))

    @property
    def signature(self) -> tuple[str, ...] | None:
        """The differences of the signatures as sentences; None where one is not known."""
        candidate = self.candidate.facts.signature
        incumbent = self.incumbent.facts.signature if self.incumbent else None
        if candidate is None or incumbent is None:
            return None
        return signatures.differences(candidate, incumbent)

    @property
    def bytes(self) -> Literal["same", "other"] | None:
        """Whether both have the same bytes by their digests; None where one is not known."""
        incumbent = self.incumbent.digest if self.incumbent else None
        if incumbent is None or self.candidate.digest is None:
            return None
        return "same" if incumbent == self.candidate.digest else "other"


def comparisons(
    transitions: Sequence[Transition],
    live: Live,
    facts: Mapping[int, Facts],
    digests: Mapping[int, str],
    semvers: Mapping[int, str] = _NOT_DECLARED,
) -> tuple[Comparison, ...]:
    """Compare each version that enters an active stage or takes an alias with its incumbents.

    Return one comparison per version and incumbent; a place without an incumbent is listed in the
    version's first comparison.
    """
    entering: dict[int, list[Transition]] = {}
    for transition in transitions:
        if transition.matters and transition.version in live.versions:
            entering.setdefault(transition.version, []).append(transition)
    return tuple(
        Comparison(
            live.model,
            tuple(places),
            side(live, version, facts, digests, semvers),
            None if incumbent is None else side(live, incumbent, facts, digests, semvers),
        )
        for version, made in sorted(entering.items())
        for incumbent, places in _by_incumbent(made, live).items()
    )


def side(
    live: Live,
    version: int,
    facts: Mapping[int, Facts],
    digests: Mapping[int, str] = _NOT_DECLARED,
    semvers: Mapping[int, str] = _NOT_DECLARED,
) -> Side:
    """Return one live version of a model with its facts.

    `digests` and `semvers` are what is declared, by version.
    """
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
        digest=digests.get(version),
        semver=semvers.get(version) or live_semver(live.fields, version),
    )


def named_versions(live: Live, name: str) -> tuple[int, ...]:
    """Return the versions for a number, `vN`, a stage or `@alias`, the highest first.

    Raises `UsageError` when no version matches.
    """
    if name.startswith("@"):
        return (_named_by(live, name[1:]),)
    if (number := named_number(name)) is not None:
        return (_numbered(live, number),)
    if name in STAGES:
        return _staged(live, name)
    known = (*STAGES, *(f"@{alias}" for alias in aliases(live.fields)))
    hint = nearest(name, known) or "write `4`, `Production` or `@champion`"
    raise UsageError(f"`{name}` is not a version, stage or @alias", hint=hint)


def named_number(name: str) -> int | None:
    """Return the version number in `4` or `v4`; None for any other name."""
    match = _NUMBER.fullmatch(name)
    return int(match[1]) if match else None


def _named_by(live: Live, alias: str) -> int:
    known = aliases(live.fields)
    # An old server keeps an alias whose version was deleted.
    if alias in known and known[alias] in live.versions:
        return known[alias]
    if alias in known:
        raise UsageError(f"@{alias} of `{live.model}` names v{known[alias]}, which was deleted")
    shown = ", ".join(f"@{name}" for name in sorted(known)) or "none"
    hint = nearest(f"@{alias}", [f"@{name}" for name in known]) or f"its aliases: {shown}"
    raise UsageError(f"`{live.model}` has no alias `@{alias}`", hint=hint)


def _numbered(live: Live, version: int) -> int:
    if version in live.versions:
        return version
    near = nearest(str(version), [str(number) for number in live.versions])
    raise UsageError(
        f"`{live.model}` has no version {version}", hint=near or versions_by_stage(live)
    )


def _staged(live: Live, stage: str) -> tuple[int, ...]:
    where = stages(live.fields)
    versions = tuple(sorted((v for v in live.versions if where.get(v) == stage), reverse=True))
    if not versions:
        raise UsageError(
            f"no version of `{live.model}` is in {stage}", hint=versions_by_stage(live)
        )
    return versions


def versions_by_stage(live: Live) -> str:
    """Return the existing versions as a sentence: by stage, the newest five of each."""
    by_stage: dict[str, list[int]] = {}
    where = stages(live.fields)
    for version in sorted(live.versions, reverse=True):
        by_stage.setdefault(where.get(version, "None"), []).append(version)
    listed = [
        f"{stage} {', '.join(f'v{version}' for version in by_stage[stage][:5])}"
        + (f" and {len(by_stage[stage]) - 5} more" if by_stage[stage][5:] else "")
        for stage in reversed(STAGES)
        if stage in by_stage
    ]
    return f"it has {'; '.join(listed)}" if listed else "it has no version"


def _by_incumbent(made: Iterable[Transition], live: Live) -> Mapping[int | None, list[str]]:
    """Return the places of one version by incumbent, the stage's incumbent first."""
    groups: dict[int | None, list[str]] = {}
    for transition in sorted(
        made, key=lambda transition: (transition.alias is not None, transition.place)
    ):
        incumbent = transition.incumbent if transition.incumbent in live.versions else None
        places = groups.setdefault(incumbent, [])
        if transition.place not in places:
            places.append(transition.place)
    free = groups.pop(None, [])
    if not groups:
        return {None: free}
    next(iter(groups.values())).extend(free)
    return groups


def _texts(candidate: Mapping[str, str], incumbent: Mapping[str, str]) -> tuple[TextRow, ...]:
    return tuple(
        TextRow(key, candidate.get(key), incumbent.get(key))
        for key in sorted({*candidate, *incumbent})
        if candidate.get(key) != incumbent.get(key)
    )
