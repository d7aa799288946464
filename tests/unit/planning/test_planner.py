"""What a plan says of each model: owners, holds, releases, missing versions, guards, digests."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.core.settings import Ignore, ServingRules, Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Serving, Value
from reconciler.core.violations import Consent
from reconciler.errors import DeclarationError, ExitCode, Forbidden, OutOfStep
from reconciler.files.plan_file import dumps, loads
from reconciler.planning.planner import reconcile
from reconciler.ports.registry import Capabilities
from tests.support.plans.gate_lab import GATE
from tests.support.plans.planner_lab import ASK, OWNER, REF, Lab, serving
from tests.support.registries.fake_registry import FakeRegistry


def test_another_owners_model_is_refused_and_can_be_adopted() -> None:
    lab = Lab()
    lab.apply(serving(1))
    lab.owner = "other-state"
    lab.commit(serving(2))
    (problem,) = lab.only().problems
    assert problem.code is ExitCode.REFUSED
    assert "`m` is managed by state folder `registry-state`" in problem.message
    adopted = lab.only(replace(ASK, adopt=frozenset({"m"})))
    assert [change.after for change in adopted.changes] == ["Production", "Archived", 2]
    assert adopted.record is not None
    assert adopted.record.owner == "other-state"
    assert adopted.taken_from == "registry-state"
    assert adopted.messages[0] == "taken over from registry-state"
    assert adopted.record.start == " ".join(lab.heads)


def test_adopting_from_an_unknown_history_has_no_base() -> None:
    lab = Lab()
    lab.apply(serving(1, team="x"))
    lab.registry.set_tag("m", None, "reconciler.commit", "f" * 40)
    lab.commit(serving(1))
    (problem,) = lab.only().problems
    assert problem.code is ExitCode.OUT_OF_STEP
    assert "--adopt m" in str(problem.hint)
    adopted = lab.only(replace(ASK, adopt=frozenset({"m"})))
    assert adopted.changes == ()
    assert adopted.record is not None
    assert adopted.record.start == f"- {lab.heads[-1]}"


def test_adopting_a_model_that_may_be_written_anyway_takes_nothing_over() -> None:
    lab = Lab()
    lab.apply(serving(1))
    adopted = lab.only(replace(ASK, adopt=frozenset({"m"})))
    assert (adopted.record, adopted.taken_from, adopted.messages) == (None, None, ())


def test_a_held_model_is_not_written_and_says_what_waits() -> None:
    lab = Lab()
    lab.commit(replace(serving(1), hold="incident 12"))
    model = lab.only()
    assert model.outcome == "held"
    assert model.messages == ("held: incident 12; 2 changes pending",)
    assert not model.writes


def test_a_model_whose_file_is_gone_is_released_once_and_has_no_base_when_it_is_back() -> None:
    lab = Lab()
    lab.apply(serving(1, team="x"))
    lab.commit()
    released = lab.only()
    assert released.outcome == "released"
    assert "v1 Production, @champion → v1" in released.messages[0]
    lab.apply()
    assert lab.plan().models == ()
    lab.commit(serving(1))
    assert lab.only().changes == (), "the tag `team` was left, and git no longer knows it"


def test_another_repositorys_models_under_the_same_owner_are_none_of_our_business() -> None:
    lab = Lab(m=1, theirs=1)
    lab.registry.set_tag("theirs", None, "reconciler.commit", "f" * 40)
    lab.registry.set_tag("theirs", None, "reconciler.owner", OWNER)
    lab.commit(serving(1))
    assert [model.model for model in lab.plan().models] == ["m"]


def test_a_missing_model_and_a_missing_version_say_what_there_is() -> None:
    lab = Lab(fraud=2)
    lab.commit(serving(9, model="fraud"), serving(1, model="fruad"))
    missing, misspelt = lab.plan().problems
    assert (missing.file, missing.line, missing.hint) == (
        "fraud.yaml",
        7,
        "the registry has v1, v2",
    )
    assert misspelt.hint == (
        "did you mean `fraud`? where it was deleted in the registry, `reconciler tidy fruad` "
        "removes the file"
    )
    assert lab.plan().exit_code() is ExitCode.DECLARATION


def test_a_name_in_another_unicode_form_is_told_as_one() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    lab = Lab(**{composed: 1})
    lab.commit(serving(1, model=decomposed))
    hint = str(lab.plan().problems[0].hint)
    assert "in another Unicode form" in hint
    assert hint.endswith('write `model: "caf\\u00e9"`')
    assert hint.isascii()


def test_a_missing_version_that_is_at_rest_is_only_gone() -> None:
    lab = Lab()
    fields: dict[Field, Value] = {Field("stage", 9): "Archived", Field("tag", 9, "a"): "b"}
    lab.commit(Declaration("m", fields, {9: DeclaredVersion()}))
    model = lab.only()
    assert model.changes == ()
    assert "v9 is declared Archived but not in the registry" in model.messages[0]
    assert model.deleted == (), "nothing says that it ever was"


def test_a_version_that_was_deleted_by_hand_is_told_as_drift() -> None:
    lab = Lab()
    fields: dict[Field, Value] = {Field("stage", 2): "Archived", Field("tag", 2, "a"): "b"}
    at_rest = Declaration("m", fields, {2: DeclaredVersion()}, file="m.yaml")
    lab.apply(at_rest)
    lab.registry.delete_version("m", 2)
    model = lab.only()
    assert (model.outcome, model.changes, model.deleted) == ("in-sync", (), (2,))
    (message,) = model.messages
    assert message == (
        "v2 was deleted in the registry; git declares it Archived: `reconciler tidy m` takes the "
        "entry out"
    )
    assert lab.plan().exit_code(detailed=True) is ExitCode.OK


def test_a_version_that_serves_and_was_deleted_by_hand_excludes_its_model() -> None:
    lab = Lab()
    lab.apply(serving(2))
    lab.registry.delete_version("m", 2)
    model = lab.only()
    assert (model.outcome, model.deleted) == ("error", (2,))
    (problem,) = model.problems
    assert problem.code is ExitCode.DECLARATION
    assert problem.message == (
        "`m` v2 was deleted in the registry; git declares it Production @champion"
    )
    assert "`reconciler tidy m` takes the entry out" in str(problem.hint)
    assert "the registry has v1, v3" in str(problem.hint)
    lab.commit(Declaration("m", {}, {}, file="m.yaml"))
    tidied = lab.only()
    assert (tidied.problems, tidied.changes, tidied.deleted) == ((), (), ())


def test_a_number_at_rest_that_was_never_there_is_not_called_deleted() -> None:
    lab = Lab()
    fields: dict[Field, Value] = {Field("stage", 9): "Archived"}
    lab.apply(Declaration("m", fields, {9: DeclaredVersion()}, file="m.yaml"))
    assert lab.only().deleted == ()


def test_a_number_at_rest_whose_bytes_were_approved_was_there() -> None:
    lab = Lab()
    fields: dict[Field, Value] = {Field("stage", 9): "Archived"}
    approved = DeclaredVersion(digest=f"sha256:{'0' * 64}")
    lab.apply(Declaration("m", fields, {9: approved}, file="m.yaml"))
    assert lab.only().deleted == (9,)


@pytest.mark.parametrize("pin", ["run_id", "source"])
def test_a_pin_that_means_another_version_is_refused(pin: str) -> None:
    lab = Lab()
    pinned = DeclaredVersion(**{pin: "something else"})  # type: ignore[arg-type]
    lab.commit(replace(serving(1), versions={1: pinned}))
    (problem,) = lab.only().problems
    assert problem.code is ExitCode.DECLARATION
    assert pin in problem.message


def test_a_version_that_is_not_ready_may_not_serve() -> None:
    lab = Lab()
    number = lab.registry.create_version("m", status="FAILED_REGISTRATION")
    lab.commit(serving(number))
    assert "FAILED_REGISTRATION, not READY" in lab.only().problems[0].message


def test_prompts_are_never_models() -> None:
    lab = Lab()
    lab.registry.create_model("p", tags={"mlflow.prompt.is_prompt": "true"})
    lab.commit(serving(1, model="p"))
    assert "is a prompt" in lab.plan().problems[0].message


def test_what_searches_hide_is_asked_for_before_it_is_called_missing() -> None:
    lab = Lab()
    lab.registry.hidden.add("m")
    lab.commit(serving(1))
    assert lab.only().outcome == "changes"
    lab.registry.forbidden.add("m")
    (problem,) = lab.only().problems
    assert problem.code is ExitCode.REGISTRY
    assert "permission denied" in problem.message


def test_a_model_that_could_not_be_confirmed_is_not_half_known() -> None:
    lab = Lab()
    lab.commit(serving(9))

    def refuse(read: str) -> None:
        if read == "confirm":
            raise Forbidden("no")

    lab.registry.before_read = refuse
    read = reconcile(lab.checked_out(), lab.registry, REF, ASK, GATE)
    assert [problem.code for problem in read.plan.problems] == [ExitCode.REGISTRY]
    assert "m" not in read.live


@pytest.mark.parametrize(
    ("lacks", "what"),
    [(Capabilities(stages=False, why="X"), "stages"), (Capabilities(aliases=False, why="X"), "al")],
)
def test_what_the_backend_cannot_hold_is_an_error_before_anything(
    lacks: Capabilities, what: str
) -> None:
    lab = Lab()
    lab.commit(serving(1))
    lab.registry.capabilities = lambda **_: lacks  # type: ignore[method-assign]
    with pytest.raises(DeclarationError) as caught:
        lab.plan()
    assert f"X has no {what}" in caught.value.problems[0].message


def test_a_guard_refuses_to_leave_a_model_without_a_serving_version() -> None:
    lab = Lab()
    lab.apply(serving(1))
    fields: dict[Field, Value] = {Field("stage", 1): "Archived"}
    lab.commit(Declaration("m", fields, {1: DeclaredVersion()}))
    plan = lab.plan()
    assert plan.exit_code() is ExitCode.REFUSED
    assert [violation.name for violation in plan.violations] == ["empty-serving", "empty-serving"]
    assert {violation.model for violation in plan.violations} == {"m"}
    accepted = lab.plan(gate=replace(GATE, accept=frozenset({Consent("empty-serving", "m")})))
    assert accepted.denied == ()
    lab.commit(Declaration("m", fields, {1: DeclaredVersion()}, retired=True))
    assert lab.plan().violations == ()


def test_serving_by_alias_is_guarded_by_the_same_definition() -> None:
    lab = Lab()
    lab.settings = Settings(
        serving=ServingRules(Serving(stage=None, alias="live")), guarded_aliases=()
    )
    fields: dict[Field, Value] = {Field("alias", None, "live"): 1}
    lab.apply(Declaration("m", fields, {1: DeclaredVersion()}))
    lab.commit(Declaration("m", {}, {1: DeclaredVersion()}))
    assert [violation.name for violation in lab.plan().violations] == ["empty-serving"]


def tagged(count: int) -> Declaration:
    fields: dict[Field, Value] = {Field("tag", None, f"t{n:02}"): "x" for n in range(count)}
    return Declaration("m", fields, {})


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(40, 30, False), (40, 29, False), (36, 25, True), (11, 0, True), (10, 0, False)],
)
def test_many_removals_at_once_need_consent(before: int, after: int, *, refused: bool) -> None:
    lab = Lab()
    lab.apply(tagged(before))
    lab.commit(tagged(after))
    assert bool(lab.plan().denied) is refused
    assert lab.plan(gate=replace(GATE, accept=frozenset({Consent("removals")}))).denied == ()


def test_what_is_ignored_is_never_read_removed_or_counted() -> None:
    lab = Lab()
    lab.registry.set_tag("m", None, "ci.job", "1")
    lab.registry.set_tag("m", None, "mlflow.source", "1")
    lab.commit(Declaration("m", {}, {}))
    assert [str(address) for address in lab.only().unmanaged] == ["tag ci.job"]
    lab.settings = Settings(ignore=Ignore(tags=("mlflow.*", "reconciler.*", "ci.*")))
    assert lab.only().unmanaged == ()


def test_outside_a_repository_a_plan_is_two_way() -> None:
    lab = Lab()
    lab.apply(serving(1, team="x"))
    lab.commit(serving(2))
    plan = lab.plan(two_way=True)
    assert "removed" not in {change.cause for change in plan.changes}
    assert "removed" in {change.cause for change in lab.plan().changes}
    assert not any(model.record for model in plan.models)


def test_a_late_job_is_a_warning_and_a_person_gets_an_error() -> None:
    lab = Lab()
    lab.apply(serving(1))
    lab.apply(serving(2))
    late = lab.only(replace(ASK, allow_superseded=True), at=lab.heads[0])
    assert (late.outcome, late.problems) == ("superseded", ())
    again = lab.only(at=lab.heads[0])
    assert again.outcome == "superseded"
    assert again.problems[0].code is ExitCode.OUT_OF_STEP
    assert "rollback m" in str(again.problems[0].hint)
    assert "git revert" in str(again.problems[0].hint)


def test_the_digest_is_of_the_change_and_not_of_the_commit() -> None:
    lab = Lab()
    lab.commit(serving(1))
    one = lab.plan()
    lab.commit(serving(1))
    assert lab.plan().digest == one.digest
    lab.registry.delete_version("m", 1)
    lab.registry = Lab().registry
    lab.registry.create_version("m")
    assert lab.plan().digest == one.digest
    lab.registry.set_tag("m", None, "x", "y")
    assert lab.plan().digest == one.digest, "what nobody declares is not part of it"
    lab.registry.set_stage("m", 1, "Staging")
    assert lab.plan().digest != one.digest


def test_the_digest_covers_who_the_versions_are() -> None:
    lab = Lab()
    lab.commit(serving(1))
    one = lab.plan().digest
    lab.registry = FakeRegistry()
    lab.registry.create_model("m")
    lab.registry.create_version("m", run_id="somebody else")
    assert lab.plan().digest != one


def test_a_saved_plan_is_the_same_plan() -> None:
    lab = Lab()
    lab.commit(serving(1, team="x"))
    plan = lab.plan()
    again = loads(dumps(plan, ExitCode.OK), "plan.json")
    assert again == plan
    assert again.digest == plan.digest


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ('"after": 1', '"after": 2', "`changes`"),
        ('"value": "x"', '"value": "y"', ""),
        ('"digest": "sha256:', '"digest": "sha256:0', "`digest`"),
        ('"uri": "http://fake"', '"uri": "http://other"', "`registry`"),
        ('"saved": {', '"saved": {"x": 1, ', "edited"),
        ('"format_version": "1"', '"format_version": "9"', "format_version"),
        ('"checksum": "sha256:', '"checksum": "sha256:0', "checksum"),
        ("{", "", "not a saved plan"),
    ],
)
def test_a_saved_plan_that_was_edited_is_refused(old: str, new: str, differs: str) -> None:
    lab = Lab()
    lab.commit(serving(1, team="x"))
    text = dumps(lab.plan(), ExitCode.OK)
    edited = text.replace(old, new, 1)
    if edited == text:
        edited = text.replace('"x"', '"y"')
    with pytest.raises(OutOfStep, match=differs or "edited"):
        loads(edited, "plan.json")


def test_models_are_planned_in_the_order_of_their_names() -> None:
    lab = Lab(b=1, a=1, c=1)
    lab.commit(*(serving(1, model=model) for model in "cab"))
    plan = lab.plan()
    assert [model.model for model in plan.models] == ["a", "b", "c"]
    names: Mapping[str, int] = {change.model: 0 for change in plan.changes}
    assert list(names) == ["a", "b", "c"]
