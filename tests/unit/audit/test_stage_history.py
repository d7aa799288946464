"""Whether a version served before, and since when it is in a stage: by merges and apply records."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from reconciler.audit.evidence import Applied, ApplyState, Entry
from reconciler.audit.merged_changes import MergedCommit, Step
from reconciler.audit.stage_history import entered, served_before
from reconciler.core.state import Declaration, DeclaredVersion, Field

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=timezone.utc)


def entry(hour: int, serving: int | None, apply_state: ApplyState = "applied") -> Entry:
    """Return a change that leaves a version in Production and another in Staging."""
    stages = {} if serving is None else {serving: "Production", serving + 1: "Staging"}
    fields = {Field("stage", version): stage for version, stage in stages.items()}
    versions = {version: DeclaredVersion() for version in stages}
    commit = MergedCommit(f"c{hour}", (), NOON + timedelta(hours=hour), "a", "a@x", "a", "a@x", "s")
    step = Step(commit, "m", None, Declaration("m", fields, versions))
    return Entry(step, (), serving, {}, None, (), apply_state)


def test_who_served_and_was_displaced_served_before() -> None:
    history = [entry(0, 1), entry(1, 3)]
    assert served_before(history, 1)
    assert not served_before(history, 3)  # it serves now, or is what is judged
    assert not served_before(history, 9)
    assert served_before([*history, entry(2, 1)], 1)
    assert not served_before([], 1)


@pytest.mark.parametrize("apply_state", ["applied", "partly", "unknown"])
def test_a_promotion_that_may_have_been_applied_is_a_past(apply_state: ApplyState) -> None:
    assert served_before([entry(0, 1), entry(1, 3, apply_state), entry(2, 1)], 3)


@pytest.mark.parametrize("apply_state", ["never", "not yet"])
def test_a_promotion_that_was_never_applied_is_none(apply_state: ApplyState) -> None:
    assert not served_before([entry(0, 1), entry(1, 3, apply_state), entry(2, 1)], 3)


def test_a_stage_is_entered_when_it_was_applied_else_when_it_was_merged() -> None:
    history = [entry(0, 1), entry(1, 3), entry(2, 3)]
    merged = entered(history, 4, "Staging", "prod")
    assert merged is not None
    assert (merged.when, merged.source) == (NOON + timedelta(hours=1), "main line")
    late = Applied(NOON + timedelta(hours=5), "prod", "c1", None, None)
    history[1] = replace(history[1], applied=(late,))
    applied = entered(history, 4, "Staging", "prod")
    assert applied is not None
    assert (applied.when, applied.source) == (late.time, "apply record")
    elsewhere = entered(history, 4, "Staging", "test")
    assert elsewhere is not None
    assert elsewhere.source == "main line"


def test_a_stage_that_was_left_and_entered_again_counts_from_the_last_time() -> None:
    history = [entry(0, 3), entry(1, 1), entry(2, 3)]
    found = entered(history, 4, "Staging", "prod")
    assert found is not None
    assert found.when == NOON + timedelta(hours=2)
    assert entered(history, 9, "Staging", "prod") is None
