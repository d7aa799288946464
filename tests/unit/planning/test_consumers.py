"""What a plan says of the programs that load a model, and what it refuses to take from them."""

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from reconciler.apply.executor import apply
from reconciler.core.plan import AdmittedPlan, JudgedPlan
from reconciler.core.state import Consumer, Declaration, DeclaredVersion, Field, Value
from reconciler.core.violations import Consent
from reconciler.errors import ExitCode
from reconciler.files import plan_file
from reconciler.render import forge_comment, html, json_documents, markdown, text
from reconciler.render.escape import prose
from reconciler.render.usage import blast_radius
from tests.support.plans.gate_lab import GATE
from tests.support.plans.planner_lab import ASK, Lab

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
API = Consumer("checkout-api", "@champion", "payments")
LEDGER = Consumer("ledger", "1", line=9, column=4)
ACCEPTED = replace(GATE, accept=frozenset({Consent("pinned-consumer", "m")}))


def declared(
    stages: dict[int, str], *consumers: Consumer, champion: int | None = None
) -> Declaration:
    fields: dict[Field, Value] = {Field("stage", v): stage for v, stage in stages.items()}
    if champion is not None:
        fields[Field("alias", None, "champion")] = champion
    versions = {v: DeclaredVersion() for v in stages}
    return Declaration("m", fields, versions, consumers=consumers, file="m.yaml", line=1)


FIRST = declared({1: "Production"}, champion=1)
SECOND = declared({2: "Production", 1: "Archived"}, champion=2)


def loaded_by(declaration: Declaration, *consumers: Consumer) -> Declaration:
    return replace(declaration, consumers=consumers)


def planned(before: Declaration, after: Declaration) -> JudgedPlan:
    lab = Lab(m=2)
    lab.apply(before)
    lab.commit(after)
    return lab.plan()


def effects(plan: JudgedPlan) -> dict[str, tuple[int | None, int | None, str]]:
    return {
        row.consumer.name: (row.before, row.after, row.effect) for row in plan.models[0].consumers
    }


def refused(plan: JudgedPlan) -> list[str]:
    assert {violation.name for violation in plan.denied} <= {"pinned-consumer"}
    return [violation.message for violation in plan.denied]


def test_a_plan_says_what_each_consumer_of_a_changed_model_loads_before_and_after() -> None:
    by_stage = Consumer("batch", "Production")
    canary = Consumer("canary", "2")
    plan = planned(FIRST, loaded_by(SECOND, API, by_stage, canary, LEDGER))
    assert effects(plan) == {
        "checkout-api": (1, 2, "moves"),
        "batch": (1, 2, "moves"),
        "canary": (2, 2, "stays"),
        "ledger": (1, 1, "archives"),
    }
    said = blast_radius.sentence(plan.models[0])
    for shown in (html.plan(plan), text.plan(plan, text.Effort(0, 0.0), NOW)):
        assert said in shown
    quiet = prose(said)
    assert quiet in markdown.plan(plan, NOW)
    assert quiet in forge_comment.plan(plan, NOW, room=60_000, more="")
    assert said == (
        "1 consumer loads @champion (v1 → v2): checkout-api; 1 loads Production (v1 → v2): batch; "
        "1 pins v1, which this archives: ledger"
    )


def test_consumers_that_keep_what_they_load_are_counted() -> None:
    pair = (Consumer("a", "2"), Consumer("b", "2"))
    for loads, said in ((pair[:1], "1 consumer loads"), (pair, "2 consumers load")):
        plan = planned(FIRST, loaded_by(SECOND, *loads))
        assert blast_radius.sentence(plan.models[0]) == f"{said} what stays"


def test_consumers_do_not_change_the_digest_of_a_plan_nor_make_one() -> None:
    plan = planned(FIRST, SECOND)
    loaded = planned(FIRST, loaded_by(SECOND, API))
    assert (loaded.digest, loaded.models[0].digest(loaded.registry)) == (
        plan.digest,
        plan.models[0].digest(plan.registry),
    )
    only_consumers = planned(FIRST, loaded_by(FIRST, API))
    assert only_consumers.changes == ()
    assert only_consumers.summary["records"] == 0
    assert json_documents.plan(only_consumers, ExitCode.OK)["models"][0]["consumers"] == []


def test_a_saved_plan_keeps_its_consumers_and_one_from_before_them_still_loads() -> None:
    plan = planned(FIRST, loaded_by(SECOND, API))
    saved = plan_file.dumps(plan, ExitCode.OK)
    assert plan_file.loads(saved, "p").models[0].consumers == plan.models[0].consumers
    assert json.loads(saved)["models"][0]["consumers"] == [
        {
            "name": "checkout-api",
            "owner": "payments",
            "loads": "@champion",
            "code": None,
            "before": 1,
            "after": 2,
            "effect": "moves",
        }
    ]
    edited = saved.replace('"after": 2,\n     "effect"', '"after": 1,\n     "effect"')
    assert edited != saved
    with pytest.raises(Exception, match="was edited"):
        plan_file.loads(edited, "p")
    document = json.loads(plan_file.dumps(planned(FIRST, SECOND), ExitCode.OK))
    del document["models"][0]["consumers"]
    del document["saved"]["models"][0]["consumers"]
    checksum = document.pop("checksum")
    document["checksum"] = plan_file._checksum(document)  # noqa: SLF001  as an older release wrote it
    assert checksum != document["checksum"]
    assert plan_file.loads(json.dumps(document), "p").models[0].consumers == ()


def test_a_consumer_of_what_nobody_ever_declared_is_an_error_at_its_place() -> None:
    odd = Consumer("ledger", "@champoin", line=9, column=4)
    (problem,) = planned(FIRST, loaded_by(SECOND, odd)).problems
    assert (problem.code, problem.where) == (ExitCode.DECLARATION, "m.yaml:9:4")
    assert problem.message == "`ledger` loads @champoin, which is not declared"
    assert problem.hint == "did you mean `@champion`?"


def test_what_a_version_is_pinned_to_may_not_be_archived_also_where_another_displaces_it() -> None:
    message = "`ledger` loads v1, which would be archived"
    assert refused(planned(FIRST, loaded_by(SECOND, LEDGER))) == [
        f"{message}, because v2 takes Production"
    ]
    displaced = declared({2: "Production"}, LEDGER, champion=2)
    displaced = replace(displaced, versions={**displaced.versions, 1: DeclaredVersion()})
    plan = planned(FIRST, displaced)
    assert refused(plan) == [f"{message}, because v2 takes Production"]
    assert "write `stage: None` under version 1" in plan.denied[0].hint
    resting = declared({2: "Production", 1: "None"}, LEDGER, champion=2)
    assert refused(planned(FIRST, resting)) == []


def test_an_alias_or_a_stage_that_is_loaded_may_move_but_not_end_on_nothing() -> None:
    assert refused(planned(FIRST, loaded_by(SECOND, API))) == []
    gone = declared({1: "Production"}, API)
    plan = planned(FIRST, gone)
    (message,) = [m for m in _messages(plan) if "checkout-api" in m]
    assert plan.models[0].messages == ()
    assert message == "`checkout-api` loads @champion, which would name no version; now it is v1"
    tests = Consumer("smoke", "Staging"), Consumer("nightly", "Staging")
    staged = declared({1: "Production", 2: "Staging"}, *tests)
    promoted = declared({2: "Production", 1: "Archived"}, *tests)
    assert refused(planned(staged, promoted)) == [
        "`smoke` and `nightly` load Staging, which would hold no version; now it is v2"
    ]


def test_an_alias_that_stays_on_what_is_archived_leaves_its_consumer_with_something() -> None:
    archived = declared({2: "Production", 1: "Archived"}, API, champion=1)
    plan = planned(loaded_by(FIRST, API), archived)
    assert effects(plan) == {"checkout-api": (1, 1, "archives")}
    assert refused(plan) == []


def test_what_is_no_longer_declared_and_stays_live_is_said_and_not_refused() -> None:
    by_stage = Consumer("batch", "Production")
    without_stage = declared({}, by_stage, champion=1)
    without_stage = replace(without_stage, versions=FIRST.versions)
    plan = planned(loaded_by(FIRST, by_stage), without_stage)
    assert plan.denied == ()
    assert plan.problems == ()
    assert (
        "`batch` loads Production, which is no longer declared; it stays on v1"
        in plan.models[0].messages
    )


def _messages(plan: JudgedPlan) -> list[str]:
    return [violation.message for violation in plan.denied]


def test_a_retired_model_that_is_loaded_is_not_taken_away_unseen() -> None:
    retired = replace(declared({1: "Archived"}, LEDGER), retired=True)
    assert refused(planned(FIRST, retired)) == ["`ledger` loads v1, which would be archived"]


def test_a_change_cannot_rid_itself_of_the_consumers_that_judge_it() -> None:
    plan = planned(loaded_by(FIRST, LEDGER), SECOND)
    assert refused(plan) == [
        "`ledger` loads v1, which would be archived, because v2 takes Production"
    ]
    first = "merge what takes it out of `consumers` first"
    assert first in plan.denied[0].hint
    kept = planned(loaded_by(FIRST, LEDGER), loaded_by(SECOND, LEDGER))
    assert refused(kept) == refused(plan)
    assert first not in kept.denied[0].hint
    stays = Consumer("batch", "1")
    plan = planned(loaded_by(FIRST, LEDGER, stays), loaded_by(SECOND, stays))
    assert refused(plan) == [
        "`batch` and `ledger` load v1, which would be archived, because v2 takes Production"
    ]
    assert first not in plan.denied[0].hint


def test_consumers_that_were_taken_out_before_do_not_judge_any_more() -> None:
    lab = Lab(m=2)
    lab.apply(loaded_by(FIRST, LEDGER))
    lab.commit(FIRST)  # consumers are not recorded: the last record is that of the commit before
    lab.commit(SECOND)
    assert refused(lab.plan()) == []
    lab = Lab(m=2)
    lab.apply(FIRST)
    lab.commit(loaded_by(FIRST, LEDGER))
    lab.commit(SECOND)
    assert len(refused(lab.plan())) == 1


def test_a_broken_file_in_between_hides_no_consumer() -> None:
    lab = Lab(m=2)
    lab.apply(loaded_by(FIRST, LEDGER))
    lab.commits.broken.add(lab.commit(FIRST))
    lab.commit(SECOND)
    assert len(refused(lab.plan())) == 1


def test_what_was_accepted_is_said_and_refused_no_more() -> None:
    lab = Lab(m=2)
    lab.apply(loaded_by(FIRST, Consumer("ledger", "Production")))
    archived = replace(declared({1: "Archived"}, Consumer("ledger", "Production")), retired=True)
    lab.commit(archived)
    assert refused(lab.plan(gate=ACCEPTED)) == []
    assert len(refused(lab.plan())) == 1
    admitted = AdmittedPlan(lab.plan(replace(ASK, planning=False), gate=ACCEPTED))
    assert apply(admitted, lab.registry).exit_code() == ExitCode.OK
    model = lab.only()
    assert (model.problems, model.changes) == ((), ())
    assert model.messages == ("`ledger` loads Production, which is no longer declared",)


def test_what_puts_back_drift_takes_nothing_that_git_declared() -> None:
    lab = Lab(m=2)
    lab.apply(SECOND)
    lab.registry.set_stage("m", 1, "None")
    lab.commit(loaded_by(SECOND, LEDGER))
    plan = lab.plan()
    assert [(change.cause, change.after) for change in plan.changes] == [("drift", "Archived")]
    assert refused(plan) == []


def test_a_checkout_without_history_has_no_consumers_of_before() -> None:
    lab = Lab(m=2)
    lab.commit(loaded_by(FIRST, LEDGER))
    assert lab.plan(two_way=True).denied == ()
    assert lab.plan(two_way=True).models[0].messages == ()
