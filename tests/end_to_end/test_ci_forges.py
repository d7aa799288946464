"""The way of a pull request, the same on GitHub and on GitLab."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.ci_lab import V1, V2, CiLab, How, System, ci_lab
from tests.support.forges.forge_server import Commit
from tests.support.registries.lab import Lab

REVIEWED = "policies: [{name: reviewed, approvals: 1}]\n"


@pytest.fixture(params=["github", "gitlab"])
def ci(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CiLab]:
    system: System = request.param
    with ci_lab(lab, tmp_path, system) as found:
        yield found


def test_what_was_shown_and_approved_is_applied_recorded_and_told(ci: CiLab) -> None:
    model = ci.serving()
    pull = ci.promote(model)
    assert ci.plan(pull).code == 0
    (shown,) = ci.comments(pull, "plan")
    assert model in shown
    ci.state.push(pull, ci.declare(model, f"{V2}\n# why\n", "say why"))
    assert ci.plan(pull).code == 0
    (again,) = ci.comments(pull, "plan")
    assert pull.head[:12] in again
    assert pull.head[:12] not in shown
    ci.state.review(pull, "bob")
    merged = ci.merge(pull)
    result = ci.apply()
    assert result.code == 0, result.text
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"
    assert ci.lab.hand.recorded(model) == merged
    (told,) = ci.comments(pull, "apply")
    assert "3 applied" in told
    history = ci.lab.run("history", model, "--format", "json").document
    (row,) = [one for one in history["changes"] if one["commit"] == merged]
    assert row["approvals"]["verified"] == ["bob"]
    assert ci.remote.git("for-each-ref", "refs/notes/reconciler")


@pytest.mark.parametrize("how", ["squash", "rebase"])
def test_a_branch_that_was_squashed_or_rebased_is_known_again(ci: CiLab, how: How) -> None:
    model = ci.serving()
    other = ci.promote(ci.lab.model(2), V1, "other")
    ci.plan(other)
    pull = ci.promote(model, V1.replace("Staging", "Archived"))
    ci.state.push(pull, ci.declare(model, V2, "and promote"))
    ci.plan(pull)
    ci.state.review(pull, "bob")
    ci.merge(other, "other")
    merged = ci.merge(pull, how=how)
    assert merged != pull.head
    result = ci.apply()
    assert result.code == 0, result.text
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"
    assert len(ci.comments(pull, "apply")) == 1
    history = ci.lab.run("history", model, "--format", "json").document
    verified = [one["approvals"]["verified"] for one in history["changes"] if one["applied"]]
    assert ["bob"] in verified


def test_two_merges_are_applied_by_one_job_and_the_late_one_does_nothing(ci: CiLab) -> None:
    model = ci.serving()
    tagged = V1.replace("stage: Staging", "stage: Staging, tags: {checked: yes}")
    both = V2.replace("aliases: [champion]", "aliases: [champion], tags: {checked: yes}")
    first = ci.promote(model, tagged, "first")
    ci.plan(first)
    ci.merge(first, "first")
    second = ci.promote(model, both, "second")
    ci.plan(second)
    ci.merge(second, "second")
    result = ci.apply()
    assert result.code == 0, result.text
    held = ci.lab.hand.values(model)
    assert (held["v2 stage"], held["v2 tag checked"]) == ("Production", "yes")
    assert len(ci.comments(first, "apply")) == len(ci.comments(second, "apply")) == 1
    before = ci.lab.hand.holds(model)
    ci.lab.git.git("checkout", "--quiet", "HEAD~1")
    late = ci.apply()
    assert late.code == 0
    assert "superseded" in late.text
    assert ci.lab.hand.holds(model) == before


def test_what_was_not_shown_is_refused_with_both_values_and_a_way_on(ci: CiLab) -> None:
    model = ci.serving()
    pull = ci.promote(model)
    ci.plan(pull)
    ci.lab.hand.stage(model, 2, "None")
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 5
    (told,) = ci.comments(pull, "apply")
    for said in ("unapproved", "Staging", "None", "--digest"):
        assert said in result.text
        assert said in told
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_an_approval_counts_for_the_head_that_was_planned_alone(ci: CiLab) -> None:
    model = ci.serving()
    ci.settle(REVIEWED)
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "review")
    ci.push()
    pull = ci.promote(model)
    assert "waits" in ci.plan(pull).text
    ci.state.review(pull, "bob")
    assert "waits" not in ci.plan(pull, event="pull_request_review").text
    ci.state.push(pull, ci.declare(model, f"{V2}\n# more\n", "one more"))
    assert "waits" in ci.plan(pull).text
    ci.merge(pull)
    assert ci.apply().code == 4
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_a_push_after_an_approved_merge_does_not_borrow_its_approval(ci: CiLab) -> None:
    model = ci.serving()
    ci.settle(f"{REVIEWED}apply: fresh\n")
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "review")
    ci.push()
    pull = ci.promote(model)
    ci.plan(pull)
    ci.state.review(pull, "bob")
    ci.merge(pull)
    ci.declare(model, V2.replace("2:", "3:"), "and another one, unseen")
    ci.push()
    result = ci.apply()
    assert result.code == 4
    assert "0 of 1 approvals" in result.text
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_approvals_by_its_own_authors_make_no_merge_the_better_approved_one(ci: CiLab) -> None:
    model = ci.serving()
    ci.settle(REVIEWED)
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "review")
    ci.push()
    first = ci.promote(model, V1.replace("Staging", "Archived"), "first")
    ci.plan(first)
    ci.state.review(first, "bob")
    ci.merge(first, "first")
    second = ci.promote(model, V2, "second")
    second.commits.append(Commit(ci.head, "bob", "bob", "bob@acme.example"))
    ci.plan(second)
    for author in ("ann", "bob"):
        ci.state.review(second, author)
    ci.merge(second, "second")
    result = ci.apply()
    assert result.code == 4
    assert "they wrote the change" in result.text


def test_a_merge_into_another_branch_is_no_merge_into_the_main_line(ci: CiLab) -> None:
    model = ci.serving()
    pull = ci.promote(model)
    ci.plan(pull)
    pull.base = "playground"
    ci.merge(pull)
    result = ci.apply()
    assert result.code == 5
    assert "no pull request showed this" in result.text


def test_drift_is_one_issue_from_its_beginning_to_its_end(ci: CiLab) -> None:
    model = ci.serving()
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


def test_a_queued_merge_is_planned_and_gets_its_check_but_no_comment(ci: CiLab) -> None:
    model = ci.serving()
    pull = ci.promote(model)
    result = ci.plan_queued(pull)
    assert result.code == 0, result.text
    assert (ci.check().commit, ci.check().conclusion) == (ci.head, "success")
    assert ci.check().commit != pull.head
    assert ci.comments(pull, "plan") == []


def test_a_pull_request_can_be_planned_by_hand_from_the_main_line(ci: CiLab) -> None:
    model = ci.serving()
    pull = ci.promote(model)
    ci.stand("main")
    result = ci.plan_by_hand(pull)
    assert result.code == 0, result.text
    assert len(ci.comments(pull, "plan")) == 1
    assert ci.check().commit == pull.head
    ci.merge(pull)
    assert ci.apply().code == 0


def test_a_plan_of_broken_files_is_a_failed_check(ci: CiLab) -> None:
    model = ci.serving()
    pull = ci.promote(model, "versions: {2: {stage: production}}")
    assert ci.plan(pull).code == 3
    assert (ci.check().commit, ci.check().conclusion) == (pull.head, "failure")
    (told,) = ci.comments(pull, "plan")
    assert "No plan" in told
