"""Whether a plan is still what its pull requests showed, row by row."""

import base64
import random
import string
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.artifacts.bytes_check import BytesCheck
from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef, Snapshot, StateRef
from reconciler.core.state import Field, Identity, Value
from reconciler.errors import Contrast, Refused
from reconciler.forges import plan_in_check
from reconciler.planning.approved_plan import (
    Approved,
    ShownModel,
    ShownPlan,
    ShownRow,
    not_shown,
    shown_plan,
)

REF = RegistryRef("http://fake")
V4 = Identity("run-4", "s3://b/4", 1)
STAGE = Field("stage", 4)
ALIAS = Field("alias", None, "champion")
PROMOTED = (STAGE, "Staging", "Production")
MOVED = (ALIAS, 3, 4)

Row = tuple[Field, Value | None, Value | None]


def planned(*rows: Row, identity: Identity | None = V4) -> ModelPlan:
    changes = tuple(Change("m", *row, "declared") for row in rows)
    return ModelPlan("m", "changes", changes=changes, seen=Snapshot("c", None, {4: identity}))


def shown(number: int, *rows: Row, identity: Identity | None = V4) -> Approved:
    model = ShownModel(
        "m", f"sha256:{number}", tuple(ShownRow(*row) for row in rows), {4: identity}
    )
    return Approved(number, model)


def found(model: ModelPlan, *by: Approved) -> tuple[Contrast, ...]:
    return not_shown(model, model.digest(REF), by)


def test_the_same_rows_are_approved() -> None:
    assert found(planned(PROMOTED, MOVED), shown(12, PROMOTED, MOVED)) == ()


def test_fewer_rows_than_were_shown_are_fine() -> None:
    assert found(planned(MOVED), shown(12, PROMOTED, MOVED)) == ()
    assert found(planned(), shown(12, PROMOTED)) == ()


def test_a_row_that_nobody_showed_is_not() -> None:
    assert found(planned(PROMOTED, MOVED), shown(12, PROMOTED)) == (
        ("@champion", "not shown", "v3 → v4"),
    )
    assert found(planned(MOVED)) == (("@champion", "not shown", "v3 → v4"),)


def test_another_value_before_is_shown_beside_the_approved_one() -> None:
    (contrast,) = found(planned((STAGE, "None", "Production")), shown(12, PROMOTED))
    assert contrast == ("v4 stage", "'Staging' → 'Production' (#12)", "'None' → 'Production'")


def test_the_latest_pull_request_decides_the_value_and_any_where_it_comes_from() -> None:
    first, second = shown(12, (ALIAS, 2, 3)), shown(13, (ALIAS, 3, 4))
    assert found(planned((ALIAS, 2, 4)), first, second) == ()
    assert found(planned((ALIAS, 3, 4)), first, second) == ()
    assert found(planned((ALIAS, 2, 3)), first, second) != ()
    assert found(planned((ALIAS, 1, 4)), first, second) != ()


def test_a_version_that_was_registered_again_under_its_number_is_another() -> None:
    again = Identity("run-5", "s3://b/5", 2000)
    (contrast,) = found(planned(PROMOTED, identity=again), shown(12, PROMOTED))
    told = "run run-4, created 1970-01-01T00:00:00Z (#12)"
    assert contrast == ("v4 itself", told, "run run-5, created 1970-01-01T00:00:02Z")


@pytest.mark.parametrize("created", [-1, 10**30])
def test_what_a_version_is_is_said_without_the_password_in_its_source(created: int) -> None:
    again = Identity(None, "https://ann:secret@host/4", created)
    (contrast,) = found(planned(PROMOTED, identity=again), shown(12, PROMOTED))
    assert contrast.now.startswith("created ")
    assert "secret" not in str(contrast)


def test_the_same_digest_needs_no_rows() -> None:
    model = planned(PROMOTED)
    same = Approved(12, ShownModel("m", model.digest(REF)))
    assert found(model, same) == ()
    assert found(model, same, shown(13, MOVED)) != ()


def test_a_shown_plan_has_the_models_that_change_with_the_identities_they_name() -> None:
    plan = JudgedPlan(
        REF,
        StateRef("registry-state"),
        (planned(PROMOTED), ModelPlan("n", "in-sync")),
        violations=(),
    )
    kept = shown_plan(plan, "registry-state", "c" * 40)
    assert [model.model for model in kept.models] == ["m"]
    assert kept.models[0].identities == {4: V4}
    model = kept.of("m")
    assert model is not None
    assert found(plan.models[0], Approved(1, replace(model, digest="other"))) == ()
    assert kept.of("n") is None


texts = st.text(max_size=30)
values = st.one_of(st.none(), texts, st.integers(1, 9))
rows = st.builds(
    ShownRow, st.builds(Field, st.just("tag"), st.integers(1, 9), texts), values, values
)
identities = st.dictionaries(
    st.integers(1, 9), st.one_of(st.none(), st.builds(Identity, texts, texts, st.integers(0)))
)
models = st.builds(ShownModel, texts, texts, st.lists(rows, max_size=3).map(tuple), identities)
plans = st.builds(ShownPlan, texts, texts, texts, st.lists(models, max_size=4).map(tuple))


@given(plans, st.integers(200, 900))
def test_what_is_kept_is_read_again_as_it_was(plan: ShownPlan, longest: int) -> None:
    kept = plan_in_check.dumps(plan, longest=longest)
    assert all(len(text) <= longest for text in kept)
    assert plan_in_check.loads(kept) == plan


def test_a_plan_that_could_not_be_read_again_is_refused_when_it_is_written() -> None:
    def plan(value: str) -> ShownPlan:
        row = ShownRow(Field("description"), None, value)
        return ShownPlan("r", "s", "c", (ShownModel("m", "d", (row,)),))

    chance = random.Random(1)  # noqa: S311  so that it cannot be compressed
    noise = plan("".join(chance.choices(string.ascii_letters, k=9_000)))
    needed = len("".join(plan_in_check.dumps(noise, longest=10_000)))
    assert len(plan_in_check.dumps(noise, longest=needed // 40)) <= plan_in_check.MOST_PARTS
    for value, longest in ((noise, needed // 60), (plan("a" * 68_000_000), 65_535)):
        with pytest.raises(Refused, match="too large to be kept") as refused:
            plan_in_check.dumps(value, longest=longest)
        assert "a pull request for fewer models" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ("",),
        ("hello",),
        ("reconciler-plan-1 !!!",),
        ("reconciler-plan-1 " + base64.b64encode(zlib.compress(b"[]")).decode(),),
        ("reconciler-plan-1 " + base64.b64encode(zlib.compress(b" " * 70_000_000)).decode(),),
    ],
)
def test_what_is_no_kept_plan_is_none(texts: tuple[str, ...]) -> None:
    assert plan_in_check.loads(texts) is None


def _with_digest(model: ModelPlan, digest: str | None) -> ModelPlan:
    rows = () if digest is None else (BytesCheck(4, digest, "unchecked"),)
    return replace(model, bytes=rows)


def _shown_with(number: int, row: Row, digest: str | None) -> Approved:
    approved = {} if digest is None else {4: digest}
    return replace(shown(number, row), shown=replace(shown(number, row).shown, approved=approved))


_X, _Y = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def test_another_digest_than_the_approved_one_was_not_shown() -> None:
    by = _shown_with(12, PROMOTED, _X)
    assert found(_with_digest(planned(PROMOTED), _X), by) == ()
    assert found(_with_digest(planned(PROMOTED), _Y), by) == (("v4 digest", f"{_X} (#12)", _Y),)
    assert found(planned(PROMOTED), by) == (("v4 digest", f"{_X} (#12)", "none is declared"),)


def test_a_digest_that_came_after_the_approval_is_only_stricter() -> None:
    assert found(_with_digest(planned(PROMOTED), _X), _shown_with(12, PROMOTED, None)) == ()


def test_the_latest_pull_request_that_puts_a_version_into_use_decides_its_digest() -> None:
    first = _shown_with(12, PROMOTED, _X)
    second, leaving = _shown_with(13, PROMOTED, None), shown(14, (STAGE, "Production", "Archived"))
    assert found(planned(PROMOTED), first, second) == ()
    assert found(planned(MOVED), _shown_with(12, MOVED, _X), shown(13, (ALIAS, 4, 3))) != ()
    assert any(row.value == "v4 digest" for row in found(planned(PROMOTED), first, leaving))


def test_the_approved_digest_of_a_version_that_comes_into_use_as_another_one_leaves_counts() -> (
    None
):
    leaves: Row = (Field("stage", 5), "Production", "Archived")
    seen = Snapshot("c", None, {4: V4, 5: V4}, {"Production": (4, 5)})
    model = replace(planned(leaves), seen=seen)
    by = _shown_with(12, leaves, _X)
    assert found(_with_digest(model, _X), by) == ()
    assert found(model, by) == (("v4 digest", f"{_X} (#12)", "none is declared"),)


def test_a_digest_is_kept_with_what_was_shown() -> None:
    plan = JudgedPlan(REF, StateRef("s"), (_with_digest(planned(PROMOTED), _X),), violations=())
    kept = plan_in_check.loads(plan_in_check.dumps(shown_plan(plan, "s", "c"), longest=60_000))
    assert kept == shown_plan(plan, "s", "c")
    assert kept.models[0].approved == {4: _X}
    older = ShownPlan("r", "s", "c", (ShownModel("m", "sha256:1"),))
    text = plan_in_check.dumps(older, longest=60_000)
    assert plan_in_check.loads(text) == older
