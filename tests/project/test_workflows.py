"""What must hold of the workflows, the action and their examples."""

import re
from pathlib import Path

import pytest
import yaml

from reconciler.scaffold.package_data import this_release
from tests import ROOT
from tests.support.workflows.workflow_files import (
    ACTION,
    EXAMPLES,
    GITLAB,
    GITLAB_WITH_PAGE,
    WORKFLOWS,
    jobs,
    load,
    mentions,
    name_of,
    steps,
)

_WATCH = ROOT / "examples/serving/watch.yml"
_EVERY_FILE = (*WORKFLOWS, _WATCH, ACTION)
_PUSHING = {
    (".github/workflows/apply.yml", "apply"),
    (".github/workflows/promote.yml", "promote"),
    (".github/workflows/rollback.yml", "rollback"),
    ("examples/github/apply.yml", "apply"),
    ("examples/github/promote.yml", "promote"),
    ("examples/github/rollback.yml", "rollback"),
}
_FETCHING = {
    (".github/workflows/drift.yml", "drift"),
    ("examples/github/drift.yml", "drift"),
    ("examples/github/page.yml", "page"),
}
_PINNED = re.compile(
    r"(?P<action>[\w.-]+/[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<tag>v\d+\.\d+\.\d+)"
)
_OURS_IN_EXAMPLES = this_release().action
_PLANS = (ROOT / ".github/workflows/plan.yml", ROOT / "examples/github/plan.yml")
_APPLIES = (ROOT / ".github/workflows/apply.yml", ROOT / "examples/github/apply.yml")
_PAGE = ROOT / "examples/github/page.yml"
_CI = ROOT / ".github/workflows/ci.yml"
_each = pytest.mark.parametrize("path", [*WORKFLOWS, _WATCH], ids=name_of)

# --- what a job may


@_each
def test_a_workflow_grants_nothing_and_each_of_its_jobs_says_why_it_needs_what(path: Path) -> None:
    assert load(path)["permissions"] == {}
    text = path.read_text()
    for job in jobs(path).values():
        assert job["permissions"], "a job without permissions has those of the workflow: none"
        for scope, access in job["permissions"].items():
            lines = re.findall(rf"^ +{scope}: {access}(.*)$", text, re.MULTILINE)
            assert lines, scope
            assert all(re.fullmatch(r" # \w.{9,}", reason) for reason in lines), lines


@_each
def test_every_job_ends_by_itself(path: Path) -> None:
    assert all(job["timeout-minutes"] <= 60 for job in jobs(path).values())


@_each
def test_no_workflow_runs_the_code_of_a_pull_request_with_the_rights_of_the_main_line(
    path: Path,
) -> None:
    started = {"pull_request_target", "workflow_run", "issue_comment"} & set(load(path)["on"])
    assert started == ({"workflow_run"} if path == _PAGE else set())


def test_the_page_follows_an_apply_of_what_was_merged_and_takes_nothing_of_it() -> None:
    assert load(_PAGE)["on"]["workflow_run"] == {
        "workflows": [load(_APPLIES[1])["name"]],
        "types": ["completed"],
        "branches": ["main"],
    }
    text = _PAGE.read_text()
    guard = " ".join(jobs(_PAGE)["page"]["if"].split())
    for condition in (
        "github.event.workflow_run.conclusion == 'success'",
        "github.event.workflow_run.event != 'pull_request'",
        "github.event.workflow_run.path == '.github/workflows/apply.yml'",
        "github.event.workflow_run.head_repository.full_name == github.repository",
    ):
        assert condition in guard
    assert text.count("github.event.workflow_run.") == 4
    assert "run-id" not in text, "what another run uploaded"
    assert jobs(_PAGE)["publish"]["needs"] == "page"


def test_only_the_job_that_publishes_may_publish_and_it_has_no_credential() -> None:
    made, published = jobs(_PAGE)["page"], jobs(_PAGE)["publish"]
    assert made["permissions"] == {"contents": "read"}
    assert published["permissions"] == {"pages": "write", "id-token": "write"}
    assert published["environment"]["name"] == "github-pages"
    assert "secrets." not in yaml.safe_dump(published)
    (include,) = made["strategy"]["matrix"]["include"]
    assert include["environment"] == "production-read"


@_each
def test_a_secret_is_only_where_an_environment_guards_it(path: Path) -> None:
    for name, job in jobs(path).items():
        if "secrets." in yaml.safe_dump(job):
            assert job.get("environment"), name


def test_validating_a_pull_request_has_no_secret() -> None:
    for path in _PLANS:
        assert "secrets." not in yaml.safe_dump(jobs(path)["validate"])
        assert jobs(path)["validate"]["permissions"] == {"contents": "read"}


def test_the_credential_that_writes_is_in_one_workflow() -> None:
    writers = {
        path.name
        for path in WORKFLOWS
        for line in path.read_text().splitlines()
        if re.search(r"environment: production\b(?!-)", line)
    }
    assert writers == {"apply.yml"}


def test_a_watch_may_push_and_propose_and_its_proposal_is_planned_as_a_rollback_is() -> None:
    looking, planning = jobs(_WATCH)["watch"], jobs(_WATCH)["plan"]
    assert looking["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert looking["environment"]["name"] == planning["environment"]["name"] == "production-read"
    assert load(_WATCH)["concurrency"] == {"group": "watch", "cancel-in-progress": False}
    rollback = jobs(ROOT / "examples/github/rollback.yml")["plan"]
    assert planning["permissions"] == rollback["permissions"]
    (opened,) = looking["outputs"].values()
    assert opened == "${{ steps.look.outputs.pull-requests }}"
    outputs = load(ACTION)["outputs"]
    assert outputs["pull-requests"]["value"] == "${{ steps.run.outputs.pull-requests }}"


# --- what runs


def test_every_action_is_pinned_by_its_commit_and_the_same_one_everywhere() -> None:
    commits: dict[str, set[tuple[str, str]]] = {}
    for path in _EVERY_FILE:
        for line in re.findall(r"^ +(?:- )?uses: (.*)$", path.read_text(), re.MULTILINE):
            if line.startswith(("./", _OURS_IN_EXAMPLES)):
                continue
            found = _PINNED.fullmatch(line)
            assert found, f"{path.name}: {line}"
            commits.setdefault(found["action"], set()).add((found["commit"], found["tag"]))
    assert set(commits) >= {"actions/checkout", "actions/setup-python"}
    assert all(len(one) == 1 for one in commits.values()), commits


def test_no_expression_is_pasted_into_a_shell() -> None:
    shells = [step.run for step in steps(*_EVERY_FILE) if step.run]
    assert len(shells) > 5
    assert not [shell for shell in shells if "${{" in shell]


def test_every_checkout_has_the_whole_history_and_keeps_a_token_for_the_records_alone() -> None:
    keeping = set()
    for step in steps(*WORKFLOWS):
        if not step.uses.startswith("actions/checkout@"):
            continue
        assert step.file.name == "ci.yml" or step.options["fetch-depth"] == 0, step
        if step.options["persist-credentials"] is not False:
            keeping.add((name_of(step.file), step.job))
    assert keeping == _PUSHING | _FETCHING


def test_a_pull_request_is_planned_by_the_code_of_its_base_branch() -> None:
    for name in ("plan.yml", "promote.yml", "rollback.yml"):
        path = ROOT / ".github" / "workflows" / name
        for job in ("plan", *(["validate"] if name == "plan.yml" else [])):
            tool, data, last = [step for step in steps(path) if step.job == job and step.uses][:3]
            assert (tool.options["path"], data.options["path"]) == ("tool", "repo")
            assert "head" not in tool.options["ref"]
            assert "head" in data.options["ref"]
            assert (last.uses, last.options["working-directory"]) == ("./tool", "repo")


@pytest.mark.parametrize("path", _PLANS, ids=name_of)
def test_every_pull_request_review_and_merge_group_is_planned_and_older_plans_end(
    path: Path,
) -> None:
    events = load(path)["on"]
    assert set(events) == {
        "pull_request",
        "pull_request_review",
        "merge_group",
        "workflow_dispatch",
    }
    assert not re.search(r"^ +(paths|branches)", path.read_text(), re.MULTILINE)
    assert load(path)["concurrency"]["cancel-in-progress"] is True
    assert "head.repo.full_name == github.repository" in jobs(path)["plan"]["if"]


@pytest.mark.parametrize("path", _APPLIES, ids=name_of)
def test_every_merge_is_applied_in_its_turn_and_none_is_cancelled(path: Path) -> None:
    job = jobs(path)["apply"]
    concurrency = {**load(path).get("concurrency", {}), **job.get("concurrency", {})}
    assert concurrency["queue"] == "max"
    assert concurrency["cancel-in-progress"] is False
    assert job["environment"]
    assert load(path)["on"]["push"] == {"branches": ["main"]}


# Whether this project publishes a page of its own is not for an example to decide.
@pytest.mark.parametrize("path", [path for path in EXAMPLES if path != _PAGE], ids=name_of)
def test_an_example_may_and_does_what_our_own_workflow_may_and_does(path: Path) -> None:
    ours = ROOT / ".github" / "workflows" / path.name
    assert set(load(path)["on"]) == set(load(ours)["on"])
    for name, job in jobs(path).items():
        own = jobs(ours)[name]
        assert job["permissions"] == own["permissions"]
        assert job["timeout-minutes"] == own["timeout-minutes"]
        assert job.get("if") == own.get("if")
        called = [
            [s.options.get("command") for s in steps(f) if s.job == name] for f in (path, ours)
        ]
        assert set(called[0]) == set(called[1])


def test_this_projects_tests_run_on_every_python_that_it_promises() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    promised = re.findall(r"Python :: (3\.\d+)", project)
    assert jobs(_CI)["test"]["strategy"]["matrix"]["python"] == promised
    assert [step.run for step in steps(_CI) if step.job == "test" and step.run] == [
        "exec make browser",
        "exec make prometheus",
        "exec make manifests",
        "exec make check",
        "exec make test",
    ]


def test_gitlab_clones_the_whole_history_and_has_one_writer() -> None:
    found = load(GITLAB)
    assert found["variables"]["GIT_DEPTH"] == "0"
    assert found["apply"]["resource_group"]
    assert found["apply"]["interruptible"] is False
    assert [
        name for name in ("validate", "plan", "apply", "drift") if not found[name]["rules"]
    ] == []


def test_gitlab_publishes_what_a_job_with_the_reading_credential_made() -> None:
    found, without = load(GITLAB_WITH_PAGE), load(GITLAB)
    assert {name: job for name, job in found.items() if name in without} == without
    assert set(found) - set(without) == {"page", "pages"}
    assert found["page"]["environment"] == without["drift"]["environment"]
    assert found["page"]["needs"] == [{"job": "apply", "optional": True}]
    assert "environment" not in found["pages"]
    assert found["pages"]["needs"] == ["page"]
    assert found["pages"]["artifacts"]["paths"] == ["public"]


# --- the documentation


def test_every_secret_variable_and_environment_is_documented() -> None:
    text = (ROOT / "docs" / "ci.md").read_text()
    names = mentions(WORKFLOWS, "secrets") | mentions(WORKFLOWS, "vars")
    assert len(names) > 4
    names |= {"production", "production-read", "propose", "GITLAB_TOKEN", "fetch-depth: 0"}
    assert sorted(name for name in names if f"`{name}`" not in text) == []
    inputs = load(ACTION)["inputs"]
    assert sorted(name for name in inputs if f"`{name}`" not in text) == []
