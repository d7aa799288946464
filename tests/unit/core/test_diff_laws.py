"""The laws of the difference, for every base, desired and live that can be generated."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.changes import in_order
from reconciler.core.diff import applied, diff
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef, Snapshot, StateRef
from reconciler.core.state import Base, Field, Fields, stages
from reconciler.render import json_documents
from tests.support.plans.strategies import (
    EXCLUSIVE,
    Case,
    base_from,
    cases,
    declaration,
    declared_fields,
    live_model,
    named,
)


def changes_of(case: Case) -> list[Field]:
    return [c.field for c in diff(case.base, case.desired, case.live, exclusive=EXCLUSIVE).changes]


def after(case: Case) -> Fields:
    found = diff(case.base, case.desired, case.live, exclusive=EXCLUSIVE)
    return applied(case.live.fields, found.changes)


@given(cases())
def test_applying_the_difference_leaves_nothing_to_do(case: Case) -> None:
    healed = replace(case.live, fields=after(case))
    assert changes_of(replace(case, live=healed)) == []
    in_step = replace(case, live=healed, base=base_from(case.desired.fields))
    assert changes_of(in_step) == []


@given(cases())
def test_nothing_is_done_when_live_is_what_git_declares(case: Case) -> None:
    live = replace(case.live, fields={**case.desired.fields})
    assert changes_of(Case(base_from(case.desired.fields), case.desired, live)) == []


@given(cases())
def test_every_declared_value_is_live_afterwards(case: Case) -> None:
    live = after(case)
    for address, value in case.desired.fields.items():
        assert (live.get(address) or "") == value


@given(cases())
def test_what_git_never_declared_is_never_touched_but_for_a_displaced_version(case: Case) -> None:
    holders = set(stages(case.desired.fields).values()) & set(EXCLUSIVE)
    for address in changes_of(case):
        if address in case.desired.fields or address in case.base.ever:
            continue
        assert address.name == "stage"
        assert case.live.fields[address] in holders


@given(cases())
def test_a_held_exclusive_stage_has_one_version_afterwards(case: Case) -> None:
    live = stages(after(case))
    for version, stage in stages(case.desired.fields).items():
        if stage in EXCLUSIVE:
            assert [v for v, at in live.items() if at == stage] == [version]


@given(cases())
def test_every_change_is_drift_when_base_is_desired(case: Case) -> None:
    case = replace(case, base=base_from(case.desired.fields))
    found = diff(case.base, case.desired, case.live, exclusive=EXCLUSIVE)
    assert {change.cause for change in found.changes} <= {"drift"}


@given(cases())
def test_nothing_is_removed_on_a_first_run(case: Case) -> None:
    found = diff(Base(), case.desired, case.live, exclusive=EXCLUSIVE)
    assert all(change.action == "set" for change in found.changes)
    assert {change.cause for change in found.changes} <= {"declared", "replaced"}


@given(cases(), st.randoms(use_true_random=False))
def test_shuffled_input_gives_the_same_bytes(case: Case, chance: random.Random) -> None:
    def shuffled(fields: Fields) -> Fields:
        items = list(fields.items())
        chance.shuffle(items)
        return dict(items)

    mixed = Case(
        Base(
            shuffled(case.base.first),
            dict(reversed(list(case.base.ever.items()))),
            entries=dict(reversed(list(case.base.entries.items()))),
        ),
        replace(case.desired, fields=shuffled(case.desired.fields)),
        replace(
            case.live,
            fields=shuffled(case.live.fields),
            versions=dict(reversed(list(case.live.versions.items()))),
        ),
    )
    assert rendered(case) == rendered(mixed)


def rendered(case: Case) -> str:
    found = diff(case.base, case.desired, case.live, exclusive=EXCLUSIVE)
    identities = {v: version.identity for v, version in sorted(case.live.versions.items())}
    model = ModelPlan(
        "m",
        "changes",
        changes=found.changes,
        seen=Snapshot(None, None, identities),
        messages=found.left,
        unmanaged=found.unmanaged,
    )
    plan = JudgedPlan(
        RegistryRef("http://mlflow:5000"), StateRef("registry-state"), (model,), violations=()
    )
    return json_documents.dumps(json_documents.plan(plan, plan.exit_code()))


@given(cases())
def test_who_enters_an_exclusive_stage_goes_before_who_leaves_it(case: Case) -> None:
    """Watched one write at a time: the serving stage never is empty once it is filled."""
    found = diff(case.base, case.desired, case.live, exclusive=EXCLUSIVE)
    live = dict(case.live.fields)
    holders = {v for v, stage in stages(case.desired.fields).items() if stage == "Production"}
    filled = "Production" in stages(live).values()
    for change in in_order(found.changes, EXCLUSIVE):
        live = applied(live, [change])
        if filled and holders:
            assert "Production" in stages(live).values()


@given(declared_fields(), declared_fields(), declared_fields())
def test_a_value_that_any_unfinished_commit_declared_is_removed(
    first: Fields, second: Fields, desired: Fields
) -> None:
    case = Case(
        base_from(first, second),
        declaration(desired, named(first, second, desired)),
        replace(live_model(first), fields={**live_model(first).fields, **second}),
    )
    left = after(case)
    for address in {**first, **second}:
        if address.name in ("alias", "tag") and address not in desired:
            assert address not in left
