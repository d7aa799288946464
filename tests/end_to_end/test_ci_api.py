"""`reconciler.open(…).ci`: a CI job as a program runs it, with the answers of the command."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler
from tests.support.forges.ci_lab import V1, V2, CiLab, ci_lab
from tests.support.registries.lab import Lab


@pytest.fixture
def ci(lab: Lab, tmp_path: Path) -> Iterator[CiLab]:
    with ci_lab(lab, tmp_path) as found:
        yield found


@pytest.fixture
def model(ci: CiLab) -> str:
    return ci.serving()


def opened(ci: CiLab, event: str, told: list[str], **environ: str | None) -> reconciler.Reconciler:
    """Open the API in a job; nothing but the arguments says where it is."""
    job = {**os.environ, **ci.lab.git.env, **ci.around(event), **environ}
    return reconciler.open(
        registry_uri=ci.lab.uri,
        root=ci.lab.git.root,
        environ={name: value for name, value in job.items() if value is not None},
        warn=told.append,
    )


def test_a_plan_is_the_commands_document_and_is_shown_on_the_forge(
    ci: CiLab, model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pull = ci.promote(model)
    told: list[str] = []
    plan = opened(ci, "workflow_dispatch", told).ci.plan(pull.number)
    assert capfd.readouterr() == ("", "")
    assert (plan.code, plan.summary["changes"]) == (0, 3)
    assert len(ci.comments(pull, "plan")) == 1
    assert ci.check().conclusion == "success"
    document = ci.lab.run("ci", "plan", "--format", "json", "--pr", str(pull.number),
                          env=ci.around("workflow_dispatch")).document  # fmt: skip
    del document["exit"]
    assert plan.to_dict() == document


def test_what_a_forge_refuses_is_a_problem_of_the_answer(ci: CiLab, model: str) -> None:
    pull = ci.promote(model)
    ci.state.refused.add("POST check-runs")
    plan = opened(ci, "workflow_dispatch", []).ci.plan(pull.number)
    assert plan.code == 6
    (problem,) = plan.problems
    assert "checks: write" in (problem.hint or problem.message)
    assert [error["message"] for error in plan.to_dict()["errors"]] == [problem.message]


def test_what_was_approved_is_applied_and_told(ci: CiLab, model: str) -> None:
    pull = ci.promote(model)
    r = opened(ci, "push", [])
    r.ci.plan(pull.number)
    ci.merge(pull)
    report = r.ci.apply()
    assert (report.code, report.summary["applied"]) == (0, 3)
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"
    assert len(ci.comments(pull, "apply")) == 1
    assert r.ci.drift().code == 0


def test_one_model_is_applied_by_hand_with_the_digest_of_its_plan(ci: CiLab, model: str) -> None:
    ci.declare(model, V2)
    ci.push()
    r = opened(ci, "workflow_dispatch", [])
    unapproved = r.ci.apply()
    assert unapproved.code == 5
    (problem,) = unapproved.problems
    digest = re.search(r"--digest (sha256:\w+)", problem.hint or "")
    assert digest is not None
    with pytest.raises(reconciler.UsageError, match="go together"):
        r.ci.apply(model)
    assert r.ci.apply(model, digest[1]).summary["applied"] == 3


def test_a_plan_that_a_rule_denies_is_refused_and_a_dry_run_shows_it(ci: CiLab, model: str) -> None:
    ci.settle("policies: [{name: reviewed, approvals: 1}]\n")
    ci.declare(model, f"{V1}\n")
    ci.push()
    pull = ci.promote(model)
    r = opened(ci, "push", [])
    r.ci.plan(pull.number)
    ci.merge(pull)
    with pytest.raises(reconciler.PlanRefused) as refused:
        r.ci.apply()
    assert [rule.name for rule in refused.value.report.plan.violations] == ["reviewed"]
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"
    shown = r.ci.apply(dry_run=True)
    assert (shown.code, shown.is_carried_out) == (4, False)


def test_the_jobs_files_are_found_from_the_root_that_is_handed_in(ci: CiLab, model: str) -> None:
    ci.lab.hand.alias(model, "champion", 3)
    told: list[str] = []
    r = opened(ci, "schedule", told, GITHUB_OUTPUT="outputs.txt", GITHUB_TOKEN=None)
    assert r.ci.drift().changes
    assert "changes=1" in (ci.lab.git.root / "outputs.txt").read_text(encoding="utf-8")
    assert told[0] == "no token for the forge: nothing is read from it, and nothing said there"
