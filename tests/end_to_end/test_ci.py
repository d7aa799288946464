"""From a pull request to the registry: what CI jobs plan, show, keep, compare and write."""

import json
import random
import re
import shlex
import string
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.forges import plan_in_check
from tests.support.forges.ci_lab import MAIN, V1, V2, CiLab, ci_lab
from tests.support.registries.lab import Lab
from tests.support.registries.servers import Answer, Request, proxy


@pytest.fixture
def ci(lab: Lab, tmp_path: Path) -> Iterator[CiLab]:
    with ci_lab(lab, tmp_path) as found:
        yield found


@pytest.fixture
def model(ci: CiLab) -> str:
    return ci.serving()


def promoted(ci: CiLab, model: str, content: str = V2) -> CiLab:
    ci.branch()
    ci.declare(model, content, "promote")
    return ci


def test_the_first_apply_of_a_registry_needs_no_pull_request(ci: CiLab, model: str) -> None:
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"
    assert ci.outputs["changes"] == "3"
    assert ci.outputs["exitcode"] == "0"


def test_a_first_apply_that_was_cut_off_is_finished_by_running_its_job_again(ci: CiLab) -> None:
    first, second = ci.lab.model(3), ci.lab.model(3)
    ci.settle()
    ci.lab.git.commit({f"registry-state/{name}.yaml": V1 for name in (first, second)}, "begin")
    ci.push()
    denied = Answer(403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}')

    def refuse(request: Request) -> Answer | None:
        return denied if request.method != "GET" and second.encode() in request.body else None

    with proxy(ci.lab.uri, before=refuse) as server:
        cut = ci.apply(env={"MLFLOW_TRACKING_URI": server.uri})
    assert cut.code == 7, cut.text
    assert ci.lab.hand.recorded(first) == ci.head
    ci.lab.hand.stage(first, 3, "Staging")
    again = ci.apply()
    assert again.code == 0, again.text
    assert ci.lab.hand.values(second)["v1 stage"] == "Production"
    ci.declare(second, V2)
    ci.push()
    assert ci.apply().code == 5, "from then on every change needs a pull request"


def test_a_job_that_runs_again_is_no_first_apply_where_the_commit_changed_all_that_is_live(
    ci: CiLab, model: str
) -> None:
    other = ci.lab.model(3)
    files = {f"registry-state/{name}.yaml": V2 for name in (model, other)}
    ci.lab.git.commit(files, "pushed, and shown by no pull request")
    ci.push()
    told = re.search(rf"--model {model} --digest ([\w:]+)", ci.apply().text)
    assert told is not None
    by_hand = ci.apply("--model", model, "--digest", told[1], event="workflow_dispatch")
    assert by_hand.code == 0, by_hand.text
    assert ci.lab.hand.recorded(model) == ci.head
    again = ci.apply()
    assert again.code == 5, again.text
    assert "no pull request showed this" in again.text
    assert "v2 stage" not in ci.lab.hand.values(other)


def test_a_job_that_runs_again_is_no_first_apply_where_the_commit_took_the_last_model_out(
    ci: CiLab, model: str
) -> None:
    other = ci.lab.model(3)
    files = {f"registry-state/{model}.yaml": None, f"registry-state/{other}.yaml": V1}
    ci.lab.git.commit(files, "pushed, and shown by no pull request")
    ci.push()
    assert ci.apply().code == 5
    assert ci.lab.hand.recorded(model) == ci.head
    assert ci.apply().code == 5
    assert "v1 stage" not in ci.lab.hand.values(other)


def test_a_pull_request_is_planned_shown_and_kept(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    result = ci.plan(pull)
    assert result.code == 0, result.text
    assert ci.outputs["changes"] == "3"
    assert ci.outputs["digest"].startswith("sha256:")
    (body,) = ci.comments(pull)
    assert body.startswith("<!-- reconciler:plan registry-state -->")
    assert "v2" in body
    assert "<details>" in body
    check = ci.check()
    assert (check.commit, check.conclusion) == (pull.head, "success")
    assert model in ci.summary
    assert (ci.folder / "artifacts" / "plan.json").exists()


def test_a_trial_merge_is_not_planned_and_what_to_check_out_is_told(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    ci.stand(MAIN)
    ci.lab.git.git("merge", "--quiet", "--no-ff", "-m", "trial", "change")
    result = ci.plan(pull)
    assert result.code == 5
    assert "a trial merge of #" in result.text
    assert "ref: ${{ github.event.pull_request.head.sha }}" in result.text


def test_the_comment_is_updated_and_never_repeated(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    assert ci.plan(pull).code == 0
    ci.state.push(pull, ci.declare(model, V2.replace("Archived", "Staging"), "another"))
    assert ci.plan(pull).code == 0
    (body,) = ci.comments(pull)
    assert "Staging" in body


def test_what_was_approved_is_applied_recorded_and_told(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    ci.plan(pull)
    ci.state.review(pull, "bob")
    merged = ci.merge(pull)
    result = ci.apply()
    assert result.code == 0, result.text
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"
    assert any("reconciler:apply" in body and "✅" in body for body in ci.comments(pull))
    history = ci.lab.run("history", model, "--format", "json").document
    (row,) = [one for one in history["changes"] if one["commit"] == merged]
    assert row["approvals"]["verified"] == ["bob"]
    assert ci.remote.git("for-each-ref", "refs/notes/reconciler")


def test_what_the_registry_became_meanwhile_was_not_approved(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    ci.plan(pull)
    ci.lab.hand.stage(model, 2, "None")
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 5
    assert "unapproved" in result.text
    assert "'Staging' → 'Production'" in result.text
    assert "'None' → 'Production'" in result.text
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"
    digest = re.search(r"--digest (sha256:\w+)", result.text)
    assert digest is not None
    by_hand = ci.apply("--model", model, "--digest", digest[1], event="workflow_dispatch")
    assert by_hand.code == 0, by_hand.text
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"


def test_another_digest_than_the_one_that_was_looked_at_is_refused(ci: CiLab, model: str) -> None:
    promoted(ci, model)
    ci.merge(ci.open())
    result = ci.apply("--model", model, "--digest", "sha256:0", event="workflow_dispatch")
    assert result.code == 5
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_what_to_type_for_an_apply_by_hand_fits_a_name_with_a_space(ci: CiLab, model: str) -> None:
    name = f"{model} eu"
    ci.lab.hand.register(name, 2)
    ci.declare(name, V1)
    ci.push()
    result = ci.apply()
    assert result.code == 5
    typed = re.search(r"run the apply by hand with `(.+?)`", result.text)
    assert typed is not None
    by_hand = ci.apply(*shlex.split(typed[1]), event="workflow_dispatch")
    assert by_hand.code == 0, by_hand.text
    assert ci.lab.hand.values(name)["v1 stage"] == "Production"


def test_a_push_without_a_pull_request_is_not_approved(ci: CiLab, model: str) -> None:
    ci.declare(model, V2)
    ci.push()
    result = ci.apply()
    assert result.code == 5
    assert "no pull request showed this" in result.text
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_one_model_that_is_not_approved_does_not_stop_the_others(ci: CiLab, model: str) -> None:
    other = ci.lab.model(3)
    ci.branch()
    ci.lab.git.commit({f"registry-state/{name}.yaml": V2 for name in (model, other)}, "both")
    pull = ci.open()
    ci.plan(pull)
    ci.lab.hand.stage(model, 2, "None")
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 7
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"
    assert ci.lab.hand.values(other)["v2 stage"] == "Production"


@pytest.mark.parametrize("rule", ["{name: closed, freeze: 2001-01-01 - 2999-12-30 UTC}", ""])
def test_a_rule_that_an_unapproved_model_breaks_stops_that_model_alone(
    ci: CiLab, model: str, rule: str
) -> None:
    other = ci.lab.model(3)
    ci.settle(f"policies: [{rule}]\n" if rule else "")
    ci.branch()
    ci.declare(other, "versions: {2: {tags: {risk: low}}}")
    pull = ci.open()
    assert ci.plan(pull).code == 0
    ci.stand(MAIN)
    ci.declare(model, V2 if rule else V1.replace("Production", "Archived"), "shown by nobody")
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 7, result.text
    assert "no pull request showed this" in result.text
    assert ("closed" if rule else "empty-serving") in result.text
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"
    assert ci.lab.hand.values(other)["v2 tag risk"] == "low"


def test_a_rule_that_an_approved_model_breaks_stops_the_whole_apply(ci: CiLab, model: str) -> None:
    other = ci.lab.model(3)
    ci.branch()
    ci.declare(other, "versions: {2: {tags: {risk: low}}}")
    ci.settle("policies: [{name: reviewed, approvals: 1}]\n")
    ci.declare(model, V2)
    pull = ci.open()
    assert ci.plan(pull).code == 0
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 4, result.text
    assert "reviewed" in result.text
    assert "v2 tag risk" not in ci.lab.hand.values(other)


def test_as_many_parts_of_a_kept_plan_are_read_as_may_be_written(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    assert ci.plan(pull).code == 0
    written = ci.state.checks.pop()
    plan = plan_in_check.loads([written.text])
    assert plan is not None
    # A plan that is large enough to fill them all would take minutes.
    (whole,) = plan_in_check.dumps(plan, longest=10_000)
    mark, _, packed = whole.rpartition(" ")
    most = plan_in_check.MOST_PARTS
    cuts = [len(packed) * part // most for part in range(most + 1)]
    parts = [f"{mark} {packed[start:end]}" for start, end in pairwise(cuts)]
    for number, text in enumerate(parts, start=1):
        name = written.name if number == 1 else f"{written.name} part {number}"
        ci.state.checks.append(replace(written, id=written.id + number, name=name, text=text))
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 0, result.text
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"


def test_a_plan_that_is_too_large_to_be_kept_fails_its_check_and_says_what_to_do(
    ci: CiLab, model: str
) -> None:
    chance = random.Random(1)  # noqa: S311  so that it cannot be compressed
    letters = string.ascii_letters + string.digits
    ci.branch()
    for name in (model, *(ci.lab.model(2) for _ in range(3))):
        tags = {f"t{number}": "".join(chance.choices(letters, k=5_000)) for number in range(190)}
        ci.declare(name, f"{V1}\ntags: {json.dumps(tags)}\n")
    pull = ci.open()
    result = ci.plan(pull)
    assert result.code == 4, result.stderr[-2_000:]
    assert "is too large to be kept" in result.stderr
    assert "a pull request for fewer models" in result.stderr
    (check,) = [one for one in ci.state.checks if one.commit == pull.head]
    assert check.conclusion == "failure"
    assert "is too large to be kept" in check.summary


def test_fresh_applies_whatever_is_declared_one_merge_later(ci: CiLab, model: str) -> None:
    settings = {"registry-state/reconciler.yaml": f"branch: {MAIN}\napply: fresh\n"}
    ci.lab.git.write(settings)
    ci.declare(model, V2)
    ci.push()
    assert ci.apply().code == 5
    ci.declare(model, f"{V2}\n# again\n")
    ci.push()
    assert ci.apply().code == 0
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"


def test_an_emergency_is_not_undone_by_the_next_unrelated_merge(ci: CiLab, model: str) -> None:
    ci.lab.hand.stage(model, 3, "Production")
    ci.lab.hand.stage(model, 1, "Archived")
    other = ci.lab.model(3)
    ci.branch()
    ci.declare(other, V1)
    pull = ci.open()
    ci.plan(pull)
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 0, result.text
    assert "drifted and are left" in result.text
    assert ci.lab.hand.values(model)["v3 stage"] == "Production"
    assert ci.lab.hand.values(other)["v1 stage"] == "Production"


def test_an_approval_of_an_older_commit_does_not_count(ci: CiLab, model: str) -> None:
    rule = "policies: [{name: reviewed, approvals: 1}]\n"
    ci.lab.git.write({"registry-state/reconciler.yaml": f"branch: {MAIN}\n{rule}"})
    ci.declare(model, V1 + "\n")
    ci.push()
    pull = promoted(ci, model).open()
    assert "waits" in ci.plan(pull).text
    assert ci.check().conclusion == "action_required"
    ci.state.review(pull, "bob")
    assert ci.plan(pull, event="pull_request_review").code == 0
    assert ci.check().conclusion == "success"
    ci.state.push(pull, ci.declare(model, V2 + "\n", "one more"))
    assert ci.plan(pull).code == 0
    assert ci.check().conclusion == "action_required"
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 4
    assert "reviewed" in result.text
    ci.state.review(pull, "bob")
    assert ci.apply().code == 0


@pytest.mark.needs_cel
def test_a_pull_request_cannot_loosen_the_rules_that_judge_it(ci: CiLab, model: str) -> None:
    rule = "policies: [{name: never, require: 'false'}]\n"
    ci.lab.git.write({"registry-state/reconciler.yaml": f"branch: {MAIN}\n{rule}"})
    ci.declare(model, V1 + "\n")
    ci.push()
    promoted(ci, model)
    ci.lab.git.commit({"registry-state/reconciler.yaml": f"branch: {MAIN}\n"}, "loosen")
    pull = ci.open()
    assert ci.plan(pull).code == 4
    assert ci.check().conclusion == "failure"
    ci.merge(pull)
    assert ci.apply().code == 4
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_broken_files_are_told_on_their_lines_and_in_the_comment(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model, "versions: {2: {stage: production}}").open()
    result = ci.plan(pull)
    assert result.code == 3
    assert f"::error file=registry-state/{model}.yaml,line=1," in result.stderr
    (body,) = ci.comments(pull)
    assert "No plan" in body
    assert ci.outputs["exitcode"] == "3"


def test_a_change_that_declares_nothing_costs_no_request(ci: CiLab, model: str) -> None:
    assert model
    ci.branch()
    ci.lab.git.commit({"README.md": "hello"}, "docs")
    result = ci.plan(ci.open())
    assert result.code == 0
    assert ci.outputs["changes"] == "0"


def test_one_issue_is_opened_updated_and_closed(ci: CiLab, model: str) -> None:
    assert ci.drift().code == 0
    assert ci.state.issues == {}
    ci.lab.hand.alias(model, "champion", 3)
    assert ci.drift().code == 2
    ci.lab.hand.stage(model, 2, "None")
    assert ci.drift().code == 2
    (issue,) = ci.state.issues.values()
    assert issue.is_open
    assert "2 values" in issue.title
    ci.lab.hand.alias(model, "champion", 1)
    ci.lab.hand.stage(model, 2, "Staging")
    assert ci.drift().code == 0
    assert not issue.is_open


def test_a_dry_run_tells_nobody(ci: CiLab, model: str) -> None:
    pull = promoted(ci, model).open()
    checks = len(ci.state.checks)
    assert "would say on" in ci.plan(pull, "--dry-run").stderr
    assert ci.comments(pull) == []
    assert len(ci.state.checks) == checks
    ci.merge(pull)
    before = ci.lab.hand.holds(model)
    ci.apply("--dry-run")
    ci.drift("--dry-run")
    assert ci.lab.hand.holds(model) == before
    assert ci.state.issues == {}


def test_outside_of_a_job_a_plan_is_just_printed(lab: Lab) -> None:
    name = lab.model(2)
    lab.declare(name, V1)
    result = lab.run("ci", "plan")
    assert result.code == 0, result.text
    assert name in result.stdout


def test_a_pull_request_that_adds_only_a_bridge_authorises_what_the_bridge_writes(
    ci: CiLab, model: str
) -> None:
    def bridge(alias: str) -> dict[str, str]:
        settings = f"branch: {MAIN}\nbridge: {{Production: {alias}}}\n"
        return {"registry-state/reconciler.yaml": settings}

    ci.branch()
    ci.lab.git.commit(bridge("live"), "add the bridge")
    pull = ci.open()
    planned = ci.plan(pull)
    assert (planned.code, ci.outputs["changes"]) == (0, "1"), planned.text
    (body,) = ci.comments(pull)
    (row,) = [line for line in body.splitlines() if line.startswith("| ") and "live" in line]
    assert row.endswith("| bridge |")
    ci.state.review(pull, "bob")
    merged = ci.merge(pull)
    applied = ci.apply()
    assert applied.code == 0, applied.text
    assert ci.lab.hand.values(model)["@live"] == 1
    history = ci.lab.run("history", model, "--format", "json").document
    (row,) = [one for one in history["changes"] if one["commit"] == merged]
    assert (row["meaning"], row["approvals"]["verified"]) == (["@live → 1 (bridge)"], ["bob"])

    ci.lab.git.commit(bridge("other"), "pushed, and shown by no pull request")
    ci.push()
    refused = ci.apply()
    assert refused.code == 5
    assert "no pull request showed this" in refused.text
    assert "@other" not in ci.lab.hand.values(model)
