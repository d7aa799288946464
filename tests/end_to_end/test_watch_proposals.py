"""`watch` in a CI job proposes a rollback beside the checkout, once, and says what it cannot."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.forges.ci_lab import MAIN, System
from tests.support.registries.lab import Lab
from tests.support.registries.servers import HANG_UP
from tests.support.watching.watch_lab import MINUTE, SERVED_TWO, WatchLab, watch_lab

pytestmark = pytest.mark.needs_cel

_HOUR = timedelta(hours=1)
_AT_ONCE = "for: 1 of 1"


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Iterator[WatchLab]:
    with watch_lab(lab, tmp_path) as found:
        yield found
        assert found.only_read(), "the registry is never written to"


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_the_rollback_is_proposed_once_and_looked_at_again(
    lab: Lab, tmp_path: Path, system: System
) -> None:
    with watch_lab(lab, tmp_path, system) as desk:
        model = desk.promoted(desk.rule())
        before = desk.untouched()
        opened = desk.failing(model)
        (row,) = opened.models
        assert (opened.code, row.proposal.action, row.proposal.target) == (2, "opened", 1)
        (pull,) = desk.ci.state.pulls.values()
        assert (row.proposal.number, pull.title) == (
            pull.number,
            f"Roll back {model} v2 → v1: errors fails",
        )
        (branch,) = desk.branches()
        assert branch == row.proposal.branch
        assert f"proposed a rollback to v1: {row.proposal.url}" in opened.to_text()
        declared = desk.ci.remote.git("show", f"{branch}:registry-state/{model}.yaml")
        assert "1: {stage: Production, aliases: [champion]" in declared
        assert "watch: errors: 3 of the last 3 looks failed: value 0.5" in declared
        message = desk.ci.remote.git("log", "-1", "--format=%B", branch)
        assert f"Reconciler-Rollback: {model} v2 → v1" in message
        again = desk.look()
        (row,) = again.models
        assert (again.code, row.proposal.action, row.proposal.url) == (
            2,
            "commented",
            opened.models[0].proposal.url,
        )
        assert desk.look().models[0].proposal.action == "commented"
        assert len(desk.ci.state.pulls) == len(desk.branches()) == 1
        assert len(desk.ci.comments(pull, "watch-look")) == 1, "one comment, kept up to date"
        assert desk.untouched() == before
        desk.lab.git.git("update-ref", "-d", "refs/notes/reconciler-watch")
        assert desk.look(job=False, fetch_notes="origin").verdict == "failed", "as it was pushed"
        assert "refs/notes/reconciler-watch" in desk.ci.remote.git("for-each-ref", "refs/notes")
        assert desk.only_read()


def test_two_models_that_fail_get_a_branch_each_and_a_broken_source_costs_them_nothing(
    desk: WatchLab,
) -> None:
    *models, broken = desk.all_promoted(3, desk.rule(_AT_ONCE))
    before = desk.untouched()
    for model in models:
        desk.tell(model, 0.5)
    desk.told[broken] = HANG_UP
    answer = desk.look()
    assert (answer.code, [problem.model for problem in answer.problems]) == (3, [broken])
    opened = {row.model: row.proposal for row in answer.models if row.model != broken}
    assert [proposal.action for proposal in opened.values()] == ["opened", "opened"]
    assert sorted(desk.branches()) == sorted(str(each.branch) for each in opened.values())
    for model, proposal in opened.items():
        changed = desk.ci.remote.git("diff", "--name-only", MAIN, str(proposal.branch))
        assert changed == f"registry-state/{model}.yaml"
    assert desk.untouched() == before


def test_what_was_closed_is_not_opened_again_before_the_cooldown_is_over(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule(f"{_AT_ONCE}, cooldown: 6h"))
    desk.tell(model, 0.5)
    assert desk.look().models[0].proposal.action == "opened"
    (pull,) = desk.ci.state.pulls.values()
    desk.ci.state.now = desk.now + 2 * _HOUR
    desk.ci.state.close(pull)
    for hours in (1, 4, 2):  # 7 h after it was opened, and 5 h after it was closed
        (row,) = desk.look(hours * _HOUR).models
        assert (row.verdict, row.proposal.action) == ("failed", "held-back")
        assert "cooldown" in str(row.proposal.why)
    assert desk.look(2 * _HOUR).models[0].proposal.action == "opened"
    assert len(desk.ci.state.pulls) == 2
    assert len(desk.branches()) == 1, "the branch is there still, with the same content"


def test_where_the_forge_refuses_nothing_is_left_and_the_next_look_opens_it(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule(_AT_ONCE))
    desk.tell(model, 0.5)
    desk.ci.state.refused.add("POST /pulls")
    refused = desk.look()
    assert refused.code == 6
    (problem,) = refused.problems
    assert (problem.model, problem.code) == (model, 6)
    assert refused.models[0].verdict == "failed"
    assert desk.ci.state.pulls == {}
    assert desk.branches() == [], "every look would leave another one"
    desk.ci.state.refused.clear()
    desk.tell(model, 0.7)
    opened = desk.look()
    assert opened.code == 2
    assert desk.branches() == [opened.models[0].proposal.branch]


def test_a_memory_that_is_not_taken_is_told_and_costs_no_proposal(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule(_AT_ONCE))
    desk.tell(model, 0.5)
    hook = desk.ci.remote.root / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/notes/*) echo no notes >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    answer = desk.look()
    assert (answer.code, answer.models[0].proposal.action) == (5, "opened")
    assert "memory of `watch`" in answer.problems[0].message
    desk.lab.git.git("update-ref", "-d", "refs/notes/reconciler-watch")
    forgotten = desk.look()
    assert forgotten.models[0].proposal.action == "commented"
    assert len(desk.ci.state.pulls) == 1


def test_a_job_without_a_token_says_so_and_tells_the_command(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule(f"{_AT_ONCE}, grace: 1m"))
    desk.tell(model, 0.5)
    around = {**desk.ci.around("schedule"), "GITHUB_TOKEN": ""}
    answer = desk.api(environ=around).watch(now=desk.now + 5 * MINUTE)
    assert answer.models[0].proposal.action == "would-open"
    assert answer.models[0].proposal.command is not None
    assert any("no token for the forge" in sentence for sentence in desk.said)
    assert desk.branches() == []


def test_a_proposal_about_a_version_that_serves_no_longer_is_told_to_be_closed(
    desk: WatchLab,
) -> None:
    model = desk.promoted(desk.rule(_AT_ONCE))
    desk.tell(model, 0.5)
    assert desk.look().models[0].proposal.action == "opened"
    (pull,) = desk.ci.state.pulls.values()
    desk.lab.hand.call("POST", "model-versions/create", name=model, source="s3://models/3")
    three = "versions:\n  2: {stage: Archived}\n  3: {stage: Production, aliases: [champion]}\n"
    desk.lab.declare(model, f"{three}watch: [{desk.rule(_AT_ONCE)}]\n")
    desk.apply()
    answer = desk.look()
    (row,) = answer.models
    assert (row.version, row.proposal.action) == (3, "commented")
    assert f"#{pull.number} is open, which is about v2: close it" in answer.to_text()
    (comment,) = desk.ci.comments(pull, "watch-look")
    assert "**This is about v2, which serves no longer.** Close it" in comment
    assert "still fails" not in comment


def test_a_proposal_that_the_forge_does_not_know_holds_nothing_back(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule(f"{_AT_ONCE}, cooldown: 1h"))
    desk.tell(model, 0.5)
    desk.look()
    desk.ci.state.pulls.clear()  # the repository moved
    answer = desk.look(2 * _HOUR)
    assert (answer.code, answer.models[0].proposal.action) == (2, "opened")


def test_where_nothing_is_left_to_go_back_to_each_version_is_told(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule(_AT_ONCE))
    blocked = SERVED_TWO.replace("1: {stage: Archived", "1: {stage: Archived, blocked: it leaks")
    desk.lab.declare(model, f"{blocked}watch: [{desk.rule(_AT_ONCE)}]\n")
    desk.apply()
    desk.tell(model, 0.5)
    (row,) = desk.look().models
    assert row.proposal.action == "held-back"
    assert row.proposal.why == (
        f"there is nothing to roll `{model}` back to; v1: blocked: it leaks"
    )
