"""What a CI job does when something is away, refused, half done, hostile, or not its business."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.ci_lab import V1, V2, CiLab, ci_lab
from tests.support.forges.forge_server import TOKEN, Fault, answer
from tests.support.registries.lab import Lab, Result

AWAY = answer({"message": "no such luck"}, 400)  # final: a job need not be patient with it


@pytest.fixture
def ci(lab: Lab, tmp_path: Path) -> Iterator[CiLab]:
    with ci_lab(lab, tmp_path) as found:
        yield found


@pytest.fixture
def model(ci: CiLab) -> str:
    """Return a model that serves v1, applied from the main line."""
    return ci.serving()


def shown_and_merged(ci: CiLab, model: str) -> None:
    pull = ci.promote(model)
    assert ci.plan(pull).code == 0
    ci.merge(pull)


def ended(ci: CiLab, result: Result, code: int) -> None:
    """Assert that a job ended with a code and said the same to the steps after it."""
    assert result.code == code, result.text
    assert ci.outputs["exitcode"] == str(code)
    assert TOKEN not in result.text + ci.summary


# --- a forge that is away or says no


def test_a_forge_that_says_nothing_of_the_merge_keeps_it_from_being_written(
    ci: CiLab, model: str
) -> None:
    shown_and_merged(ci, model)
    ci.state.refused.add("GET check-runs")
    result = ci.apply()
    ended(ci, result, 6)
    assert "the job needs `checks: read`" in result.text
    assert "::error" in result.stderr
    assert "checks" in ci.summary
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"
    ci.state.refused.clear()
    assert ci.apply().code == 0


def test_who_approved_is_asked_before_the_first_write(ci: CiLab, model: str) -> None:
    ci.settle("apply: fresh\n")
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "fresh")
    ci.push()
    shown_and_merged(ci, model)
    ci.state.refused.add("GET reviews")
    ended(ci, ci.apply(), 6)
    assert ci.lab.hand.values(model)["v1 stage"] == "Production"


def test_a_comment_that_cannot_be_written_hides_nothing_that_was(ci: CiLab, model: str) -> None:
    shown_and_merged(ci, model)
    ci.state.refused.add("POST comments")
    result = ci.apply()
    ended(ci, result, 0)
    assert "3 of 3 changes applied" in result.stdout
    assert "the job needs `pull-requests: write`" in result.stderr
    assert "3 applied" in ci.summary
    assert ci.remote.git("for-each-ref", "refs/notes/reconciler")


def test_files_of_the_job_that_cannot_be_written_hide_nothing_either(ci: CiLab, model: str) -> None:
    shown_and_merged(ci, model)
    result = ci.apply(env={"GITHUB_OUTPUT": "/dev/full", "GITHUB_STEP_SUMMARY": "/nowhere/at-all"})
    assert result.code == 0
    assert "3 of 3 changes applied" in result.stdout
    assert "/dev/full" in result.stderr


def test_a_check_that_cannot_be_kept_fails_the_plan_and_the_comment_is_there(
    ci: CiLab, model: str
) -> None:
    pull = ci.promote(model)
    ci.state.refused.add("POST check-runs")
    result = ci.plan(pull)
    ended(ci, result, 6)
    assert "the job needs `checks: write`" in result.stderr
    assert "plan: 3 changes" in result.stdout
    assert len(ci.comments(pull, "plan")) == 1


def test_a_forge_that_is_away_does_not_hide_what_is_wrong_with_the_files(
    ci: CiLab, model: str
) -> None:
    pull = ci.promote(model, "versions: {2: {stage: production}}")
    ci.state.faults.append(Fault("POST", "/", AWAY, times=9))
    result = ci.plan(pull)
    ended(ci, result, 3)
    assert "did you mean `Production`?" in result.text
    assert "did you mean" in ci.summary


def test_a_pull_request_that_cannot_be_read_is_said_to_the_next_steps(
    ci: CiLab, model: str
) -> None:
    pull = ci.promote(model)
    ci.state.faults.append(Fault("GET", "/pulls/", AWAY))
    ended(ci, ci.plan(pull), 6)


def test_drift_without_its_issue_is_still_printed(ci: CiLab, model: str) -> None:
    ci.lab.hand.alias(model, "champion", 3)
    ci.state.refused.add("POST issues")
    result = ci.drift()
    ended(ci, result, 6)
    assert "the job needs `issues: write`" in result.stderr
    assert "@champion" in result.stdout
    assert "champion" in ci.summary


# --- what is half done, late, or was done before


def test_an_apply_that_was_cut_off_is_finished_by_the_next_job(ci: CiLab, model: str) -> None:
    before = ci.lab.hand.recorded(model)
    shown_and_merged(ci, model)
    ci.lab.hand.tag(model, None, "reconciler.commit", f"{before} {ci.head}")
    ci.lab.hand.stage(model, 2, "Production")
    result = ci.apply()
    ended(ci, result, 0)
    assert ci.outputs["changes"] == "2"
    assert ci.lab.hand.recorded(model) == ci.head
    assert ci.lab.hand.values(model)["v1 stage"] == "Archived"


def test_a_job_that_is_run_again_writes_nothing_and_keeps_what_was_told(
    ci: CiLab, model: str
) -> None:
    shown_and_merged(ci, model)
    assert ci.apply().code == 0
    told = [remark.body for pull in ci.state.pulls.values() for remark in pull.remarks]
    again = ci.apply(env={"GITHUB_RUN_ATTEMPT": "2"})
    ended(ci, again, 0)
    assert ci.outputs["changes"] == "0"
    assert told == [remark.body for pull in ci.state.pulls.values() for remark in pull.remarks]


def test_a_superseded_job_that_somebody_runs_again_is_told_so(ci: CiLab, model: str) -> None:
    shown_and_merged(ci, model)
    assert ci.apply().code == 0
    ci.stand("HEAD~1")
    assert ci.apply().code == 0
    again = ci.apply(env={"GITHUB_RUN_ATTEMPT": "2"})
    ended(ci, again, 5)
    assert "git revert" in again.text


def test_heal_puts_back_what_drifted_one_merge_later(ci: CiLab, model: str) -> None:
    ci.settle("heal: true\n")
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "heal")
    ci.push()
    ci.lab.hand.alias(model, "champion", 3)
    result = ci.apply()
    ended(ci, result, 0)
    assert "@champion, v3 → v1" in result.text
    assert ci.lab.hand.values(model)["@champion"] == 3
    ci.lab.git.commit({"README.md": "hello"}, "docs")
    ci.push()
    ended(ci, ci.apply(), 0)
    assert ci.lab.hand.values(model)["@champion"] == 1


def test_a_rule_about_what_is_left_alone_stops_nobody(ci: CiLab, model: str) -> None:
    other = ci.lab.model(2)
    ci.declare(other, "versions: {1: {stage: Staging}}")
    ci.push()
    ci.apply("--model", other, "--digest", the_digest(ci, other), event="workflow_dispatch")
    ci.lab.hand.stage(other, 1, "Production")
    assert "empty-serving" in ci.lab.run("plan").text
    shown_and_merged(ci, model)
    ended(ci, ci.apply(), 0)
    assert ci.lab.hand.values(model)["v2 stage"] == "Production"
    assert ci.lab.hand.values(other)["v1 stage"] == "Production"


def the_digest(ci: CiLab, model: str) -> str:
    document = ci.lab.run("plan", "--model", model, "--format", "json").document
    (digest,) = [one["digest"] for one in document["models"] if one["model"] == model]
    return str(digest)


def test_by_hand_one_model_is_written_whatever_else_its_name_matches(ci: CiLab, model: str) -> None:
    names = [f"{model}-?", f"{model}-b"]
    for name in names:
        ci.lab.hand.register(name, 1)
    files = {
        f"registry-state/{at}.yaml": f"model: '{name}'\nversions: {{1: {{stage: Production}}}}\n"
        for at, name in enumerate(names)
    }
    ci.lab.git.commit(files, "two")
    ci.push()
    arguments = ("--model", names[0], "--digest", the_digest(ci, names[0]))
    ended(ci, ci.apply(*arguments, event="workflow_dispatch"), 0)
    assert ci.lab.hand.values(names[0]) == {"v1 stage": "Production"}
    assert ci.lab.hand.values(names[1]) == {}


# --- what a job costs, keeps and points at


def test_a_pull_request_that_declares_nothing_asks_the_registry_nothing(
    ci: CiLab, model: str
) -> None:
    assert model
    ci.branch()
    ci.lab.git.commit({"README.md": "hello"}, "docs")
    pull = ci.open()
    ci.lab.environ["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"
    ended(ci, ci.plan(pull), 0)
    assert ci.check().conclusion == "success"


def test_the_artifact_has_what_a_comment_has_no_room_for(ci: CiLab, model: str) -> None:
    ci.plan(ci.promote(model))
    kept = {path.name: path.read_text() for path in (ci.folder / "artifacts").iterdir()}
    assert sorted(kept) == ["plan.json", "plan.md", "plan.txt"]
    assert all(model in content for content in kept.values())


@pytest.mark.needs_cel
def test_a_broken_policy_is_shown_on_the_line_of_the_version_that_breaks_it(
    ci: CiLab, model: str
) -> None:
    ci.settle("policies: [{name: checked, require: 'version.tags.checked == \"yes\"'}]\n")
    ci.lab.git.git("commit", "--quiet", "--all", "-m", "rule")
    ci.push()
    content = "versions:\n  1: {stage: Archived}\n  2: {stage: Production, aliases: [champion]}\n"
    result = ci.plan(ci.promote(model, content))
    ended(ci, result, 4)
    place = f"file=registry-state/{model}.yaml,line=3,title=checked {model}"
    assert f"::error {place}::" in result.stderr


def test_broken_files_are_shown_on_their_lines_by_validate_as_well(ci: CiLab, model: str) -> None:
    ci.declare(model, "versions: {2: {stage: production}}")
    assert "::error" not in ci.lab.run("validate").text
    result = ci.lab.run("validate", env={"GITHUB_ACTIONS": "true"})
    assert result.code == 3
    assert f"::error file=registry-state/{model}.yaml,line=1,col=" in result.stderr


# --- text that means harm


HOSTILE = (
    "--> <img src=x onerror=alert(1)> @octocat #12 **b** [x](javascript:1) ::error::gotcha "
    "$(touch hacked) `id` ${{ secrets.X }} | </details> \n::set-output name=x::y\n</details>\n"
    " ##[error]no"
)


def test_hostile_text_stays_text_wherever_it_is_shown(ci: CiLab) -> None:
    model = ci.lab.model(2)
    quoted = json.dumps(HOSTILE)
    # A comment of ours begins with a marker that has the registry's name in it.
    ci.settle(f"registry: {{uri: '{ci.lab.uri}', name: 'prod ---> <b>@octocat</b>'}}\n")
    ci.declare(model, V1)
    ci.push()
    assert ci.apply().code == 0
    content = f"description: {quoted}\n{V2[:-2]}, tags: {{why: {quoted}}}}}}}"
    pull = ci.promote(model, content)
    plan = ci.plan(pull)
    ci.lab.hand.tag(model, 2, "why", HOSTILE + " by hand")
    ci.merge(pull)
    apply = ci.apply()
    assert apply.code == 5, apply.text
    logs = "\n".join(part for one in (plan, apply) for part in (one.stdout, one.stderr))
    obeyed = re.findall(r"(?m)^::(\w+)", logs) + re.findall(r"##\[", logs)
    assert set(obeyed) <= {"error"}
    assert "\n::set-output" not in logs
    (check,) = [one for one in ci.state.checks if one.commit == pull.head]
    shown = [remark.body for remark in pull.remarks] + [check.summary, ci.summary]
    for text in shown:
        marker, _, rest = text.partition("\n") if text.startswith("<!--") else ("", "", text)
        assert marker.count("-->") == (1 if marker else 0)
        assert marker.endswith("-->") or not marker
        for harm in ("<img", "@octocat", " #12", "**b**", "](javascript", "-->", "`id`"):
            assert harm not in rest
        assert rest.count("<details>") == rest.count("</details>")
