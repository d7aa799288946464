"""Which models an apply after a merge may write: the pure decision, on a registry in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import JudgedPlan, ModelPlan, StateRef
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Live, Value
from reconciler.errors import ExitCode, OutOfStep, UsageError
from reconciler.planning.approved_plan import Approved, shown_plan
from reconciler.planning.checks import Compared, judge
from reconciler.planning.merge_authorisation import (
    MergeEvidence,
    is_first_apply,
    judged_as_shown,
    with_digest,
)
from reconciler.planning.planner import Checkout, compare
from tests.support.plans.bytes_lab import PinnedLab, digest_of, files_of, pinned, pinned_as
from tests.support.plans.gate_lab import GATE
from tests.support.plans.planner_lab import ASK, OWNER, REF, Lab, serving
from tests.support.repositories.fake_history import FakeHistory

Shown = Callable[[Live], Sequence[Approved]]


class Merged(Lab):
    """A registry and the line of merges that declares it."""

    @property
    def checkout(self) -> Checkout:
        commit = self.heads[-1]
        desired = DeclaredState(OWNER, self.settings, self.commits.trees[commit])
        history = FakeHistory(self.commits, commit, commit)
        return Checkout(desired, StateRef(OWNER, commit), self.owner, history)

    def compared(self) -> Compared:
        return compare(self.checkout, self.registry, REF, replace(ASK, planning=False))

    def judged(self, shown: Shown) -> JudgedPlan:
        """Judge what was merged as an apply after the merge does."""
        found = self.compared()
        first = is_first_apply(found, self.checkout)
        evidence = MergeEvidence(self.settings, first, shown, lambda change: str(change.field))
        return judged_as_shown(found, evidence, lambda part: judge(part, self.registry, GATE))

    def showing(self, *models: str) -> Shown:
        """Return what a pull request #7 showed that planned these models as they are now."""
        plan = judge(self.compared(), self.registry, GATE)
        kept = shown_plan(plan, OWNER, "c" * 40)
        by_model = {name: kept.of(name) for name in models}

        def shown(live: Live) -> Sequence[Approved]:
            model = by_model.get(live.model)
            return () if model is None else (Approved(7, model),)

        return shown


def nothing(_: Live) -> Sequence[Approved]:
    return ()


def never(live: Live) -> Sequence[Approved]:
    pytest.fail(f"{live.model} needs no pull request")


def by_name(plan: JudgedPlan) -> dict[str, ModelPlan]:
    return {model.model: model for model in plan.models}


@pytest.fixture
def merged() -> Merged:
    """Return a registry on which a commit was applied: both models serve their first version."""
    lab = Merged(m=3, n=3)
    lab.apply(serving(1), serving(1, model="n"))
    return lab


def test_the_first_apply_of_a_registry_asks_for_no_pull_request() -> None:
    lab = Merged()
    lab.commit(serving(1))
    assert by_name(lab.judged(never))["m"].writes


def test_what_was_shown_is_written_and_what_was_not_is_refused_alone(merged: Merged) -> None:
    merged.commit(serving(2), serving(2, model="n"))
    plan = by_name(merged.judged(merged.showing("n")))
    assert len(plan["n"].changes) == 3
    assert plan["n"].record is not None
    assert not plan["m"].writes
    (problem,) = plan["m"].problems
    assert problem.code is ExitCode.OUT_OF_STEP
    assert problem.message == "unapproved: no pull request showed this"
    assert (problem.file, problem.model) == ("m.yaml", "m")
    digest = by_name(judge(merged.compared(), merged.registry, GATE))["m"].digest(REF)
    assert f"`--model m --digest {digest}`" in (problem.hint or "")


def test_what_moved_since_it_was_shown_is_told_with_both_values(merged: Merged) -> None:
    merged.commit(serving(2), serving(1, model="n"))
    shown = merged.showing("m")
    merged.registry.set_stage("m", 2, "Staging")
    (problem,) = by_name(merged.judged(shown))["m"].problems
    assert problem.message == "unapproved: this is not what #7 showed"
    assert problem.contrasts == (
        ("v2 stage", "'None' → 'Production' (#7)", "'Staging' → 'Production'"),
    )


def test_fresh_asks_for_no_pull_request(merged: Merged) -> None:
    merged.settings = Settings(fresh=True)
    merged.commit(serving(2), serving(2, model="n"))
    assert all(model.writes for model in merged.judged(never).models)


def test_a_record_alone_shows_nothing_that_could_be_approved(merged: Merged) -> None:
    merged.registry.set_stage("m", 1, "Archived")
    merged.registry.set_stage("m", 2, "Production")
    merged.registry.set_alias("m", "champion", 2)
    merged.commit(serving(2), serving(1, model="n"))
    model = by_name(merged.judged(never))["m"]
    assert model.writes
    assert model.changes == ()


def drifted(merged: Merged) -> None:
    merged.registry.set_stage("m", 1, "Staging")
    merged.registry.set_alias("m", "champion", 3)
    merged.commit(serving(1), serving(2, model="n"))


def test_what_drifted_in_a_model_that_nobody_changed_is_named_and_left(merged: Merged) -> None:
    drifted(merged)
    model = by_name(merged.judged(merged.showing("n")))["m"]
    assert (model.changes, model.outcome, model.problems) == ((), "in-sync", ())
    (message,) = model.messages
    assert message.startswith("2 values drifted and are left: no declaration changed (v1 stage; ")


def test_heal_puts_back_what_drifted_without_a_pull_request(merged: Merged) -> None:
    merged.settings = Settings(heal=True)
    drifted(merged)
    model = by_name(merged.judged(merged.showing("n")))["m"]
    assert {change.cause for change in model.changes} == {"drift"}


def test_of_many_values_that_drifted_five_are_named() -> None:
    lab = Merged()
    tags = {f"t{number}": "declared" for number in range(7)}
    lab.apply(serving(1, **tags))
    for key in tags:
        lab.registry.set_tag("m", None, key, "by hand")
    lab.commit(serving(1, **tags))
    (message,) = by_name(lab.judged(never))["m"].messages
    assert "7 values drifted" in message
    assert message.count("tag t") == 5
    assert "; 2 more)" in message


def archived(model: str) -> Declaration:
    fields: dict[Field, Value] = {
        Field("stage", 1): "Archived",
        Field("alias", None, "champion"): 1,
    }
    return Declaration(model, fields, {1: DeclaredVersion(line=7)}, file=f"{model}.yaml")


def test_a_rule_that_an_unapproved_model_breaks_is_told_with_it_and_stops_nobody_else(
    merged: Merged,
) -> None:
    merged.commit(archived("m"), serving(2, model="n"))
    plan = merged.judged(merged.showing("n"))
    assert plan.denied == ()
    assert by_name(plan)["n"].writes
    unapproved, rule = by_name(plan)["m"].problems
    assert unapproved.message == "unapproved: no pull request showed this"
    assert "empty-serving" in rule.message
    assert rule.file == "m.yaml"


def test_of_two_unapproved_models_each_is_told_its_own_rules(merged: Merged) -> None:
    merged.commit(archived("m"), serving(2, model="n"))
    plan = by_name(merged.judged(nothing))
    assert [len(plan[name].problems) for name in ("m", "n")] == [2, 1]


def test_a_rule_that_an_approved_model_breaks_denies_the_whole_plan(merged: Merged) -> None:
    merged.commit(archived("m"), serving(2, model="n"))
    plan = merged.judged(merged.showing("m", "n"))
    assert [rule.name for rule in plan.denied] == ["empty-serving"]


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_no_row_is_written_that_was_not_shown(chosen: list[bool]) -> None:
    lab = Merged()
    lab.apply(serving(1))
    lab.commit(serving(2))
    plan = judge(lab.compared(), lab.registry, GATE)
    (model,) = shown_plan(plan, OWNER, "c" * 40).models
    rows = tuple(row for row, is_shown in zip(model.rows, chosen, strict=True) if is_shown)
    shown = Approved(7, replace(model, digest="another", rows=rows))
    written = by_name(lab.judged(lambda _: (shown,)))["m"].changes
    assert len(written) == (3 if all(chosen) else 0)


def test_this_is_no_first_apply_once_an_earlier_commit_was_applied(merged: Merged) -> None:
    merged.commit(serving(2), serving(1, model="n"))
    assert not is_first_apply(merged.compared(), merged.checkout)


def test_another_repository_that_uses_our_name_applied_nothing_of_ours(merged: Merged) -> None:
    for model in ("m", "n"):
        merged.registry.set_tag(model, None, "reconciler.commit", "f" * 40)
    merged.commit(serving(2))
    assert is_first_apply(merged.compared(), merged.checkout)


def test_a_model_of_another_owner_was_not_applied_by_this_one(merged: Merged) -> None:
    merged.owner = "other-state"
    merged.commit(serving(2))
    assert is_first_apply(merged.compared(), merged.checkout)


def test_a_first_apply_that_was_cut_off_is_still_the_first() -> None:
    lab = Merged(m=3, n=3)
    commit = lab.commit(serving(1), serving(1, model="n"))
    lab.registry.set_tag("m", None, "reconciler.commit", f"- {commit}")
    lab.registry.set_tag("m", None, "reconciler.owner", OWNER)
    assert is_first_apply(lab.compared(), lab.checkout)
    lab.registry.set_tag("m", None, "reconciler.commit", commit)
    assert is_first_apply(lab.compared(), lab.checkout)


def test_a_record_of_this_commit_is_a_later_apply_where_an_earlier_one_declared_the_model() -> None:
    lab = Merged()
    lab.commit(serving(2))
    commit = lab.commit(serving(1))
    lab.registry.set_tag("m", None, "reconciler.commit", commit)
    lab.registry.set_tag("m", None, "reconciler.owner", OWNER)
    assert not is_first_apply(lab.compared(), lab.checkout)


def test_a_model_that_this_commit_took_out_was_applied_before() -> None:
    lab = Merged()
    commit = lab.commit()  # no commit of this line is known to have declared it
    lab.registry.set_tag("m", None, "reconciler.commit", commit)
    lab.registry.set_tag("m", None, "reconciler.owner", OWNER)
    assert not is_first_apply(lab.compared(), lab.checkout)


def test_an_apply_by_hand_needs_the_digest_that_was_looked_at(merged: Merged) -> None:
    merged.commit(serving(2), serving(1, model="n"))
    plan = merged.compared().plan
    (digest,) = (model.digest(REF) for model in plan.models if model.model == "m")
    assert with_digest(plan, "m", digest).model == "m"
    with pytest.raises(OutOfStep, match=f"the plan of `m` is {digest}, not sha256:0"):
        with_digest(plan, "m", "sha256:0")
    with pytest.raises(UsageError, match="no file declares that model"):
        with_digest(plan, "absent", digest)


class Pinned(PinnedLab, Merged):
    """The same, with versions that have files; each is declared with its digest."""


@pytest.fixture
def pinned_merge() -> Pinned:
    """Return a registry where both models serve v1, and a commit by which both are to serve v2."""
    lab = Pinned(m=3, n=3)
    lab.apply(_pinned(1), _pinned(1, model="n"))
    lab.commit(_pinned(2), _pinned(2, model="n"))
    lab.read.clear()
    return lab


def _pinned(version: int, model: str = "m") -> Declaration:
    return pinned({version: "Production"}, {"champion": version}, model=model)


def test_bytes_are_read_of_what_is_written_alone(pinned_merge: Pinned) -> None:
    shown = pinned_merge.showing("n")
    pinned_merge.read.clear()
    plan = by_name(pinned_merge.judged(shown))
    assert pinned_merge.read == [("n", 2)]
    assert [check.outcome for check in plan["n"].bytes] == ["same"]
    assert (plan["m"].outcome, plan["m"].bytes) == ("error", ())


def test_a_merge_writes_no_model_whose_bytes_are_not_the_approved_ones(
    pinned_merge: Pinned,
) -> None:
    shown = pinned_merge.showing("m", "n")
    pinned_merge.swap(2)
    plan = pinned_merge.judged(shown)
    models = by_name(plan)
    assert (models["m"].writes, models["n"].writes) == (False, True)
    assert plan.exit_code() is ExitCode.DECLARATION


def test_a_digest_that_changed_after_its_approval_was_not_shown(pinned_merge: Pinned) -> None:
    shown = pinned_merge.showing("m", "n")
    pinned_merge.registry.set_files("m", 2, files_of(3))
    pinned_merge.commit(pinned_as(_pinned(2), 2, digest_of(3)), _pinned(2, model="n"))
    models = by_name(pinned_merge.judged(shown))
    assert (models["m"].writes, models["n"].writes) == (False, True)
    (problem,) = models["m"].problems
    assert [row.value for row in problem.contrasts] == ["v2 digest"]


def test_drift_that_is_left_is_not_read() -> None:
    lab = Pinned(m=3)
    lab.apply(_pinned(1))
    lab.read.clear()
    lab.registry.set_alias("m", "champion", 2)
    model = by_name(lab.judged(never))["m"]
    assert (model.changes, model.bytes, lab.read) == ((), (), [])


def test_a_merge_that_adds_only_a_bridge_is_authorised_as_it_was_shown() -> None:
    lab = Merged()
    alone = replace(serving(1), fields={Field("stage", 1): "Production"})
    lab.apply(alone)
    lab.settings = Settings(bridge=Bridge((("Production", "champion"),)))
    lab.commit(alone)
    shown = lab.showing("m")
    assert [str(change.field) for change in by_name(lab.judged(shown))["m"].changes] == [
        "@champion"
    ]
    (problem,) = by_name(lab.judged(nothing))["m"].problems
    assert problem.message == "unapproved: no pull request showed this"
