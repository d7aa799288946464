"""Reads the runs of the versions that a page tells of: each by itself while they are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from reconciler.audit.overview.holders import ModelNames
from reconciler.audit.overview.shown_versions import ShownVersions
from reconciler.core.facts import Facts, Part, Unread
from reconciler.core.plan import ModelPlan
from reconciler.core.state import Live
from reconciler.planning.live_state import read_facts
from reconciler.ports.registry import Registry
from reconciler.render.phrases import count

# A version is read by itself with some three requests, and by a search with 200 others.
MOST_BY_THEMSELVES: Final = 120
_ONE_BY_ONE: Final = "`reconciler show` reads it"

_Version: TypeAlias = tuple[Live, int]


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """The facts that were read, by model and version, and sentences on what was not."""

    facts: Mapping[str, Mapping[int, Facts]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    def of(self, model: str) -> Mapping[int, Facts]:
        """Return the facts of a model's versions."""
        return self.facts.get(model, {})


def read_versions(
    registry: Registry,
    models: Sequence[ModelNames],
    shown: Mapping[str, ShownVersions],
    plans: Mapping[str, ModelPlan],
) -> VersionFacts:
    """Return the facts of the versions to show.

    The first `MOST_BY_THEMSELVES` are read completely: those that are compared, of models with
    pending changes first. Of all others the runs are searched for. Runs that the search does not
    find are not read.
    """
    in_full, rest = _in_two(models, shown, plans)
    facts: dict[str, dict[int, Facts]] = {of.model: {} for of in models}
    for model, of_versions in read_facts(registry, in_full).items():
        facts[model] |= of_versions
    ids = {live.versions[version].identity.run_id for live, version in rest}
    runs = registry.runs([run_id for run_id in ids if run_id]) if rest else {}
    missed = 0
    for live, version in rest:
        run_id = live.versions[version].identity.run_id
        known = runs.get(run_id) if run_id else Facts(missing=(f"v{version} names no run",))
        missed += known is None
        facts[live.model][version] = _without_files(version, known)
    return VersionFacts(facts, tuple(_sentences(len(rest), missed)))


def _in_two(
    models: Sequence[ModelNames],
    shown: Mapping[str, ShownVersions],
    plans: Mapping[str, ModelPlan],
) -> tuple[Sequence[_Version], Sequence[_Version]]:
    """Return the versions to read completely, and the others."""
    ranked: list[tuple[int, Live, int]] = []
    for of in models:
        if of.live is None:
            continue
        versions, plan = shown[of.model], plans.get(of.model)
        first = 0 if plan is not None and plan.changes else 1
        for version in versions.versions:
            rank = first if version in versions.compared else 2
            ranked.append((rank, of.live, version))
    ranked.sort(key=lambda row: row[0])  # stable: by name within a rank
    rows = [(live, version) for _, live, version in ranked]
    return rows[:MOST_BY_THEMSELVES], rows[MOST_BY_THEMSELVES:]


def _without_files(version: int, known: Facts | None) -> Facts:
    """Return the facts of a run; the version's own files and its logged model were not read."""
    if known is None:
        sentence = f"the run of v{version} was not read"
        return Facts(missing=(sentence,), unread={"run": Unread(sentence, _ONE_BY_ONE)})
    sentence = f"the MLmodel file of v{version} was not read"
    unread: dict[Part, Unread] = {"signature": Unread(sentence, _ONE_BY_ONE)}
    return replace(known, missing=(*known.missing, sentence), unread=unread)


def _sentences(searched: int, missed: int) -> Sequence[str]:
    found = searched - missed
    signatures = f"the signatures of {count(found, 'version')} were not read"
    runs = f"the runs of {count(missed, 'version')} were not read: no search finds them"
    return [*([signatures] if found else []), *([runs] if missed else [])]
