"""The runner of workflow files does what GitHub documents, and refuses what it does not know."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.forges.forge_server import Grant
from tests.support.forges.github_dialect import may
from tests.support.registries.servers import Request
from tests.support.repositories.git_lab import GitLab
from tests.support.workflows.workflow_events import Environment, Event, Forge
from tests.support.workflows.workflow_expressions import (
    Strict,
    UnknownError,
    evaluate,
    fill,
    holds,
)
from tests.support.workflows.workflow_runner import Run, Runner

_CONTEXTS = {
    "inputs": {"state": "prod", "block": False, "pr": ""},
    "github": Strict(sha="abc", event={"number": 7}),
    "vars": {},
}
_STATUS = {"success": lambda: True, "cancelled": lambda: False, "always": lambda: True}

# --- expressions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.state == 'PROD'", True),
        ("inputs.pr && format('refs/pull/{0}/head', inputs.pr) || github.sha", "abc"),
        ("inputs.block && 'yes' || ''", ""),
        ("vars.MISSING != ''", False),
        ("github.event.pull_request == null", True),
        ("github.event.number.nothing.of.that", None),
        ("!cancelled() && github.event.number == 7", True),
        ("false || inputs.state == 'prod' && 'it''s'", "it's"),
        ("(true || false) && !true", False),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(text: str, value: object) -> None:
    assert evaluate(text, _CONTEXTS, _STATUS) == value


@pytest.mark.parametrize(
    "text",
    ["github.shaa", "secrets.KEY", "hashFiles('x')", "inputs.a[0]", "1 <", "'open", "(true", ""],
)
def test_an_expression_that_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises(UnknownError):
        evaluate(text, _CONTEXTS, _STATUS)


def test_a_condition_means_that_all_went_well_unless_it_asks_itself() -> None:
    failed = {**_STATUS, "success": lambda: False}
    assert not holds("inputs.state == 'prod'", _CONTEXTS, failed)
    assert holds("${{ !cancelled() && inputs.state == 'prod' }}", _CONTEXTS, failed)


def test_a_value_is_inserted_as_its_text() -> None:
    text = "pr-${{ github.event.number }}-${{ inputs.block }}-${{ vars.MISSING }}"
    assert fill(text, _CONTEXTS, {}) == "pr-7-false-"


# --- runs


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    remote = GitLab.new(tmp_path)
    remote.commit({"README.md": "one"})
    remote.commit({"README.md": "two"})
    remote.git("checkout", "--quiet", "--detach")  # so that `main` can be pushed
    forge = Forge(
        remote=remote.root,
        api="http://127.0.0.1:9",
        server="https://forge.example",
        repository="acme/registry",
        environ=remote.env,
        environments={
            "": Environment({"WHERE": "here"}),
            "prod": Environment(secrets={"KEY": "k"}, refs=("refs/heads/main",)),
        },
        token=lambda permissions: permissions.get("contents", ""),
        app_token=lambda: "write",
        may_push=lambda token: token == "write",  # noqa: S105  stands for a token
        actions={},
        installed=tmp_path,
    )
    return Runner(forge, tmp_path / "jobs")


def ran(runner: Runner, jobs: dict[str, Any], *, ref: str = "refs/heads/main") -> Run:
    """Run jobs on a push of `main`'s first commit, which is not its tip any more."""
    remote = GitLab(runner.forge.remote, runner.folder)
    first = remote.git("rev-parse", "main~1")
    frame = {"runs-on": "ubuntu-24.04", "permissions": {"contents": "write"}}
    file = runner.folder.parent / "test.yml"
    content: dict[str, Any] = {"on": {"push": None}, "permissions": {}}
    content["jobs"] = {name: {**frame, **job} for name, job in jobs.items()}
    file.write_text(yaml.safe_dump(content))
    return runner.run(file, Event("push", {"after": first}, ref, first))


def checkout(**options: object) -> dict[str, object]:
    given = {"fetch-depth": 0, "persist-credentials": True, **options}
    return {"uses": "actions/checkout@v7", "with": given}


def test_a_failure_skips_the_steps_and_jobs_that_do_not_ask_for_it(runner: Runner) -> None:
    steps = [
        {"run": "echo one; exit 3"},
        {"run": "echo two"},
        {"run": "echo three", "if": "always()"},
    ]
    later = {"steps": [{"run": "echo four"}]}
    jobs = {"later": {**later, "needs": "first"}, "first": {"steps": steps}}
    run = ran(runner, {**jobs, "free": {**later, "needs": "first", "if": "!cancelled()"}})
    assert run.jobs == {"first": "failure", "later": "skipped", "free": "success"}
    assert run.log == "one\nthree\nfour\n"
    assert run.code == 3


def test_outputs_go_from_step_to_step_and_from_job_to_job(runner: Runner) -> None:
    told = [
        {"id": "say", "run": 'echo "word=$WORD" >> "$GITHUB_OUTPUT"', "env": {"WORD": "a b"}},
        {"run": 'echo "$HEARD $KEY"', "env": {"HEARD": "${{ steps.say.outputs.word }}"}},
    ]
    env = {"KEY": "${{ secrets.KEY }}", "HEARD": "${{ needs.one.outputs.said }}"}
    heard = {"run": 'echo "$KEY$HEARD"', "env": env}
    jobs = {
        "one": {"steps": told, "outputs": {"said": "${{ steps.say.outputs.word }}"}},
        "two": {"needs": "one", "environment": "prod", "steps": [heard]},
    }
    assert ran(runner, jobs).log == "a b \nka b\n"


def test_each_entry_of_a_matrix_is_a_job(runner: Runner) -> None:
    step = {"run": 'echo "$STATE"', "env": {"STATE": "${{ matrix.state }}"}}
    matrix = {"matrix": {"state": ["eu", "us"]}}
    assert ran(runner, {"one": {"strategy": matrix, "steps": [step]}}).log == "eu\nus\n"


def test_a_checkout_by_the_branchs_name_hides_what_came_after_its_commit(runner: Runner) -> None:
    look = {"run": "git log -1 --format=%H; git rev-list --count origin/main"}
    remote = GitLab(runner.forge.remote, runner.folder)
    first = remote.git("rev-parse", "main~1")
    by_name = ran(runner, {"one": {"steps": [checkout(), look]}})
    by_id = ran(runner, {"one": {"steps": [checkout(ref="${{ github.sha }}"), look]}})
    assert (by_name.log, by_id.log) == (f"{first}\n1\n", f"{first}\n2\n")


@pytest.mark.parametrize(
    ("options", "access", "code"),
    [
        ({}, "write", 0),
        ({}, "read", 128),
        ({"persist-credentials": False}, "write", 128),
        ({"token": "write"}, "read", 0),
    ],
)
def test_a_push_needs_a_kept_token_that_may(
    options: dict[str, object], access: str, code: int, runner: Runner
) -> None:
    push = {"run": "git push --quiet origin HEAD:refs/heads/new"}
    job = {"permissions": {"contents": access}, "steps": [checkout(**options), push]}
    assert ran(runner, {"one": job}).code == code


@pytest.mark.parametrize(
    "job",
    [
        {"steps": [{"uses": "actions/cache@v5"}]},
        {"steps": [{"run": "true", "continue-on-error": True}]},
        {"steps": [{"run": "echo ${{ github.sha }}"}]},
        {"steps": [checkout(ref="${{ github.run_number }}")]},
        {"steps": [{"uses": "actions/checkout@v7"}]},
        {"steps": [], "services": {}},
        {"steps": [{"run": "printf 'a<<E\\nb\\nE\\n' >> \"$GITHUB_OUTPUT\""}]},
    ],
    ids=["action", "step", "pasted", "expression", "shallow", "job", "output"],
)
def test_what_is_not_known_ends_the_run(job: dict[str, Any], runner: Runner) -> None:
    with pytest.raises(UnknownError):
        ran(runner, {"one": job})


def test_an_environment_is_for_its_branches_alone(runner: Runner) -> None:
    job = {"one": {"environment": "prod", "steps": []}}
    with pytest.raises(AssertionError, match="is not for refs/heads/other"):
        ran(runner, job, ref="refs/heads/other")


# --- what a job's token may


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ("POST /issues", "issues"),
        ("PATCH /issues/comments/4", "pull-requests"),
        ("POST /pulls", "pull-requests"),
        ("POST /check-runs", "checks"),
    ],
)
def test_a_token_may_what_its_job_was_granted(asked: str, scope: str) -> None:
    method, path = asked.split()
    request = Request(method, f"/api/v3/repos/acme/registry{path}", {}, b"")
    assert may(Grant("bot", {scope: "write"}), request)
    assert not may(Grant("bot", {scope: "read", "contents": "write"}), request)
