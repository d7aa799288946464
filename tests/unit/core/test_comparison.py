"""A candidate beside its incumbent: who is compared with whom, and what; names of versions."""

import math
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.comparison import (
    MetricRow,
    Side,
    comparisons,
    named_versions,
    side,
)
from reconciler.core.facts import Column, Facts, Run, Signature
from reconciler.core.state import Field, Identity, Live
from reconciler.core.transitions import Transition
from reconciler.errors import UsageError
from tests.support.plans.comparisons import LIVE, beside

_NOW = datetime(1970, 2, 11, tzinfo=timezone.utc)
_HOSTILE = "a|b\n`c` <img src=x> @team \x1b[31m ::error:: \u202e end"


def _transition(version: int, place: str, incumbent: int | None = None) -> Transition:
    if place.startswith("@"):
        return Transition("fraud", version, alias=place[1:], incumbent=incumbent)
    return Transition("fraud", version, stage=place, incumbent=incumbent)


def _compared(*transitions: Transition) -> list[tuple[int, int | None, tuple[str, ...]]]:
    return [
        (one.candidate.version, one.incumbent.version if one.incumbent else None, one.places)
        for one in comparisons(transitions, LIVE, {}, {})
    ]


def test_a_version_is_compared_once_with_whom_it_displaces_everywhere() -> None:
    transitions = [
        _transition(4, "@champion", 3),
        _transition(4, "@a", 3),
        _transition(4, "Production", 3),
    ]
    assert _compared(*transitions) == [(4, 3, ("Production", "@a", "@champion"))]


def test_who_leaves_for_the_archive_is_not_compared() -> None:
    assert _compared(_transition(3, "Archived"), _transition(2, "None")) == []


def test_a_version_is_compared_with_each_incumbent_that_of_its_stage_first() -> None:
    transitions = [_transition(4, "@a", 2), _transition(4, "@new"), _transition(4, "Production", 3)]
    assert _compared(*transitions) == [(4, 3, ("Production", "@new")), (4, 2, ("@a",))]


def test_every_version_that_enters_is_compared_lowest_first() -> None:
    transitions = [_transition(4, "Production"), _transition(1, "Staging", 4)]
    assert _compared(*transitions) == [(1, 4, ("Staging",)), (4, None, ("Production",))]


def test_what_is_not_in_the_registry_is_neither_candidate_nor_incumbent() -> None:
    assert _compared(_transition(4, "@lost", 9), _transition(8, "Production", 3)) == [
        (4, None, ("@lost",))
    ]


def test_every_metric_of_either_is_compared_and_only_params_and_tags_that_differ() -> None:
    one = Facts({"n": 2, "auc": 0.93}, {"depth": "7", "seed": "1"})
    other = Facts({"auc": 0.91, "old": 1.0}, {"depth": "6", "seed": "1", "lr": "0.1"})

    compared = beside(one, other)

    assert compared.metrics == (("auc", 0.93, 0.91), ("n", 2, None), ("old", None, 1.0))
    assert [row.difference for row in compared.metrics] == [0.02, None, None]
    assert compared.params == (("depth", "7", "6"), ("lr", None, "0.1"))
    assert compared.tags == (("validated", "true", ""),)


def test_without_an_incumbent_nothing_differs() -> None:
    alone = beside(Facts({"auc": 0.93}, {"depth": "7"}, signature=Signature()), None)
    assert alone.metrics == (("auc", 0.93, None),)
    assert (alone.params, alone.tags, alone.signature) == ((), (), None)


def test_signatures_are_compared_where_both_are_known() -> None:
    one = Signature((Column("amount", "float"),))
    other = Signature((Column("amount", "double"),))
    assert beside(Facts(signature=one), Facts()).signature is None
    assert beside(Facts(signature=one), Facts(signature=one)).signature == ()
    changed = beside(Facts(signature=one), Facts(signature=other)).signature
    assert changed == ("input `amount`: double → float",)


_finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(_finite, _finite)
def test_a_difference_is_what_the_written_numbers_say(one: float, other: float) -> None:
    found = MetricRow("m", one, other).difference
    back = MetricRow("m", other, one).difference
    assert found is not None
    assert back is not None
    assert found == -back
    assert (found > 0, found < 0) == (one > other, one < other)
    assert math.isclose(found, one - other, rel_tol=1e-9, abs_tol=1e-30)


@pytest.mark.parametrize(
    ("one", "other", "difference", "differs"),
    [
        (0.3, 0.1, 0.2, True),
        (math.inf, math.inf, 0.0, False),
        (math.inf, -math.inf, None, True),
        (math.inf, 1.0, None, True),
        (math.nan, math.nan, None, True),
        (math.nan, 1.0, None, True),
        (1.0, None, None, False),
        (-0.0, 0.0, 0.0, False),
        (1.7e308, -1.7e308, math.inf, True),
    ],
)
def test_what_is_no_number_has_no_difference(
    one: float,
    other: float | None,
    difference: float | None,
    differs: bool,  # noqa: FBT001  a column of the table
) -> None:
    row = MetricRow("m", one, other)
    assert (row.difference, row.differs) == (difference, differs)


def _noted(facts: Facts, tags: dict[str, str]) -> tuple[str | None, str | None, str | None]:
    noted = Side(4, "None", (), tags, "", Identity(None, None, None), facts)
    return noted.source_commit, noted.data_version, noted.registered_by


def test_lineage_is_what_mlflow_saw_else_what_somebody_noted() -> None:
    seen = Run("r", user="ann", tags={"mlflow.source.git.commit": "seen", "git_commit": "run"})
    tags = {"git_commit": "tag", "data_version": "", "mlflow.user": "eve"}
    noted = Facts(params={"git_commit": "param", "data_version": "2026-10"}, run=seen)

    assert _noted(noted, tags) == ("seen", "2026-10", "ann")
    assert _noted(replace(noted, run=Run("r", tags={"git_commit": "run"})), {})[0] == "run"
    assert _noted(replace(noted, run=None), tags) == ("tag", "2026-10", "eve")
    assert _noted(replace(noted, run=None), {}) == ("param", "2026-10", None)
    assert _noted(Facts(), {"git_commit": ""}) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "versions"),
    [
        ("4", (4,)),
        ("v1", (1,)),
        ("Production", (3, 2)),
        ("Archived", (1,)),
        ("@champion", (3,)),
    ],
)
def test_a_version_goes_by_its_number_its_stage_or_an_alias(
    name: str, versions: tuple[int, ...]
) -> None:
    assert named_versions(LIVE, name) == versions


@pytest.mark.parametrize(
    ("name", "complaint", "hint"),
    [
        ("9", "`fraud` has no version 9", "Archived v1; Production v3, v2; Staging v4"),
        ("v0", "`v0` is not a version", "write `4`"),
        ("٤", "`٤` is not a version", "write `4`"),
        ("9" * 5000, "is not a version", "write `4`"),
        ("production", "`production` is not a version", "did you mean `Production`?"),
        ("champion", "`champion` is not a version", "did you mean `@champion`?"),
        ("None", "no version of `fraud` is in None", "Staging v4"),
        ("@champoin", "has no alias `@champoin`", "did you mean `@champion`?"),
        ("@", "has no alias `@`", "its aliases: @champion, @lost"),
        ("@lost", "@lost of `fraud` names v9, which was deleted", None),
        ("", "is not a version", "write `4`"),
    ],
)
def test_a_name_that_means_no_version_is_refused_with_what_there_is(
    name: str, complaint: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as refused:
        named_versions(LIVE, name)
    assert complaint in refused.value.message
    assert (refused.value.hint or "") == "" if hint is None else hint in str(refused.value.hint)


def test_a_model_without_versions_says_so() -> None:
    with pytest.raises(UsageError) as refused:
        named_versions(Live("empty", {}, {}), "1")
    assert refused.value.hint == "it has no version"


def test_bytes_are_the_same_or_others_only_where_both_digests_are_known() -> None:
    promoted = [_transition(4, "Production", 3)]
    for digests, expected in (
        ({3: "sha256:a", 4: "sha256:a"}, "same"),
        ({3: "sha256:a", 4: "sha256:b"}, "other"),
        ({3: "sha256:a"}, None),
        ({4: "sha256:a"}, None),
        ({}, None),
    ):
        [compared] = comparisons(promoted, LIVE, {}, digests)
        assert compared.bytes == expected
    [alone] = comparisons([_transition(4, "Staging")], LIVE, {}, {4: "sha256:a"})
    assert alone.bytes is None


def test_a_semantic_version_is_the_declared_one_else_that_of_the_live_tag() -> None:
    fields = {**LIVE.fields, Field("tag", 3, "semver"): "2.0.0", Field("tag", 4, "semver"): "new"}
    live = replace(LIVE, fields=fields)
    assert [side(live, version, {}).semver for version in (3, 4)] == ["2.0.0", None]
    assert side(live, 3, {}, {}, {3: "2.0.1"}).semver == "2.0.1"
    promoted = [_transition(4, "Production", 3)]
    [compared] = comparisons(promoted, live, {}, {}, {4: "2.1.0"})
    assert compared.incumbent is not None
    assert (compared.candidate.semver, compared.incumbent.semver) == ("2.1.0", "2.0.0")
