"""A plan in the room that a forge has: summary first, moves before tags, cut between models."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.report import ApplyReport, ModelReport, Result
from reconciler.core.state import Field
from reconciler.core.violations import Violation
from reconciler.errors import Contrast, ExitCode, Problem
from reconciler.render import forge_comment, github_workflow, phrases

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
ROOM = 65_536
MORE = "see https://forge.example/run/7"


def tagged(number: int, tags: int = 3) -> ModelPlan:
    name = f"m-{number:03}"
    changes = tuple(
        Change(name, Field("tag", 1, f"key-{key}"), None, f"value {number}", "declared")
        for key in range(tags)
    )
    return ModelPlan(name, "changes", file=f"registry-state/{name}.yaml", changes=changes)


def promoted(number: int) -> ModelPlan:
    name = f"p-{number:03}"
    row = Change(name, Field("stage", 2), "Staging", "Production", "declared")
    return ModelPlan(name, "changes", changes=(row,))


def plan(*models: ModelPlan, violations: tuple[Violation, ...] = ()) -> JudgedPlan:
    state = StateRef("registry-state", "c" * 40)
    return JudgedPlan(RegistryRef("http://mlflow:5000"), state, models, violations=violations)


def test_a_small_plan_is_whole_with_a_section_for_each_model() -> None:
    text = forge_comment.plan(plan(tagged(1), promoted(2)), NOW, room=ROOM, more=MORE)
    assert text.startswith("### Plan: 4 changes on 2 of 2 models\n")
    assert text.count("<details>") == text.count("</details>") == 2
    assert MORE not in text
    assert "digest" in text


def test_what_is_wrong_and_what_moves_comes_before_tags() -> None:
    problem = Problem("no such version", ExitCode.DECLARATION, model="z")
    wrong = replace(tagged(3), model="z", problems=(problem,))
    text = forge_comment.plan(plan(tagged(1), promoted(2), wrong), NOW, room=ROOM, more=MORE)
    sections = [line for line in text.splitlines() if line.startswith("<details>")]
    assert ["z<" in sections[0], "p-002" in sections[1], "m-001" in sections[2]] == [True] * 3
    assert "Staging → Production" in sections[1]


def test_each_model_is_shown_with_the_digest_that_an_apply_by_hand_asks_for() -> None:
    model = tagged(1)
    shown = forge_comment.plan(plan(model), NOW, room=ROOM, more=MORE).replace("&#58;", ":")
    assert model.digest(plan(model).registry) in shown


def test_a_model_that_is_only_wrong_is_told_of_once() -> None:
    problem = Problem("no such version", ExitCode.DECLARATION, model="z")
    wrong = ModelPlan("z", "error", problems=(problem,))
    text = forge_comment.plan(plan(wrong, tagged(1)), NOW, room=ROOM, more=MORE)
    assert text.count("no such version") == text.count("<details>") == 1


@pytest.mark.parametrize("room", [1_500, 20_000, ROOM])
def test_what_has_no_room_is_counted_and_pointed_to(room: int) -> None:
    models = tuple(tagged(number) for number in range(600))
    text = forge_comment.plan(plan(*models), NOW, room=room, more=MORE)
    assert len(text) <= room
    shown = text.count("<details>")
    assert text.count("</details>") == shown
    assert f"… and {600 - shown} models more" in text
    assert "digest" in text
    assert len(text) > room * 0.6


def test_hundreds_of_promotions_fit_into_one_comment() -> None:
    text = forge_comment.plan(plan(*(promoted(n) for n in range(250))), NOW, room=ROOM, more=MORE)
    assert text.count("<details>") == 250


def test_hundreds_of_violations_leave_room_for_the_rest() -> None:
    broken = tuple(Violation(f"rule-{n}", "m", "x" * 300, "y" * 300) for n in range(500))
    text = forge_comment.plan(plan(promoted(1), violations=broken), NOW, room=ROOM, more=MORE)
    assert len(text) <= ROOM
    assert "460 rules more" in text
    assert "p-001" in text


def test_one_violation_that_is_too_long_is_cut() -> None:
    broken = (Violation("rule", "m", "x" * 200_000, "y"),)
    text = forge_comment.plan(plan(promoted(1), violations=broken), NOW, room=ROOM, more=MORE)
    assert len(text) <= ROOM


def test_an_outcome_says_what_became_of_every_change() -> None:
    models = tuple(promoted(number) for number in range(3))
    results = [
        Result(models[0].changes[0], "applied"),
        Result(models[1].changes[0], "failed", "the | server said no", ExitCode.REGISTRY),
    ]
    reports = tuple(
        ModelReport(result.change.model, (result,), wrote=result.outcome == "applied")
        for result in results
    )
    text = forge_comment.outcome(ApplyReport(plan(*models), reports), room=ROOM, more=MORE)
    assert "✅ 1 applied" in text
    assert "❌ 1 failed" in text
    assert "&#124; server said no" in text


def test_a_failure_names_the_places() -> None:
    problem = Problem("no such stage", ExitCode.DECLARATION, "registry-state/m.yaml", 3, 7)
    text = forge_comment.failure((problem,), room=ROOM, more=MORE)
    assert "registry-state/m.yaml:3:7" in text.replace("&#58;", ":")
    many = tuple(problem for _ in range(100))
    assert "60 errors more" in forge_comment.failure(many, room=ROOM, more=MORE)


@pytest.mark.parametrize("room", [100, 1_000])
def test_a_text_is_cut_at_a_line(room: int) -> None:
    text = "\n".join(f"line {number}" for number in range(1_000))
    found = forge_comment.cut(text, room, MORE)
    assert len(found) <= room
    assert found.splitlines()[0] == "line 0"
    assert forge_comment.cut("short", room, MORE) == "short"


def test_what_was_approved_stays_readable_beside_what_is_now_however_long_both_are() -> None:
    row = Contrast("v4 description", f"'{'a' * 5000}' (#3)", f"'{'b' * 5000}'")
    short = Contrast("v4 stage", "'Staging' (#3)", "'None'")
    problem = Problem("unapproved", ExitCode.OUT_OF_STEP, model="m", contrasts=(row, short))
    model = ModelPlan("m", "error", problems=(problem,))
    shown = (
        phrases.problem(problem),
        github_workflow.of_problem(problem).message,
        forge_comment.outcome(ApplyReport(plan(model), ()), room=ROOM, more=MORE),
    )
    for text in shown:
        assert len(text) < 2_000
        assert "(5,002 characters)" in text
        assert "Staging" in text
