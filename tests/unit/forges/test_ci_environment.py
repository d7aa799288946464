"""What a job's environment says, on GitHub Actions, on GitLab CI and elsewhere."""

import json
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.forges.ci_environment import Pipeline, forge_of, pipeline
from reconciler.forges.ci_run import run_of

_HEAD, _BASE, _TRIAL = "a" * 40, "b" * 40, "c" * 40

_GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REPOSITORY": "acme/registry",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_RUN_ID": "77",
    "GITHUB_SHA": _TRIAL,
    "GITHUB_REF_NAME": "main",
    "GITHUB_ACTOR": "ann",
    "GITHUB_OUTPUT": "/run/output",
    "GITHUB_STEP_SUMMARY": "/run/summary",
    "GITHUB_TOKEN": "t0ken",
}
_GITLAB = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_SOURCE": "push",
    "CI_PROJECT_PATH": "acme/ml/registry",
    "CI_SERVER_URL": "https://git.acme.example",
    "CI_API_V4_URL": "https://git.acme.example/api/v4",
    "CI_COMMIT_SHA": _HEAD,
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_BEFORE_SHA": _BASE,
    "CI_JOB_URL": "https://git.acme.example/acme/ml/registry/-/jobs/9",
    "GITLAB_USER_LOGIN": "ann",
    "CI_JOB_TOKEN": "job-token",
    "GITLAB_TOKEN": "t0ken",
}
_MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_COMMIT_BRANCH": "",
    "CI_COMMIT_BEFORE_SHA": "0" * 40,
    "CI_MERGE_REQUEST_IID": "12",
    "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
    "CI_MERGE_REQUEST_PROJECT_ID": "5",
    "CI_MERGE_REQUEST_PROJECT_PATH": "acme/ml/registry",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA": _BASE,
}


def _without(environ: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key != name}


def _side(sha: str, ref: str, name: str | None) -> dict[str, Any]:
    return {"sha": sha, "ref": ref, "repo": {"full_name": name, "id": 1} if name else None}


def _pull_request(head_repository: str | None = "acme/registry") -> str:
    pull = {
        "number": 12,
        "title": "Promote",
        "head": _side(_HEAD, "topic", head_repository),
        "base": _side(_BASE, "main", "acme/registry"),
    }
    return json.dumps({"action": "synchronize", "number": 12, "pull_request": pull})


def test_a_push_on_github() -> None:
    job = pipeline(
        _GITHUB, json.dumps({"before": _BASE, "after": _TRIAL, "ref": "refs/heads/main"})
    )

    assert job == Pipeline(
        system="github",
        event="push",
        repository="acme/registry",
        api="https://api.github.com",
        server="https://github.com",
        commit=_TRIAL,
        base="main",
        base_commit=_BASE,
        outputs="/run/output",
        summary="/run/summary",
        token="t0ken",  # noqa: S106  no token of anybody
    )


@pytest.mark.parametrize("event", ["pull_request", "pull_request_review"])
def test_a_pull_requests_commit_is_its_head_and_not_the_trial_merge(event: str) -> None:
    job = pipeline({**_GITHUB, "GITHUB_EVENT_NAME": event}, _pull_request())

    assert (job.event, job.commit, job.pull_request) == (event, _HEAD, 12)
    assert (job.base, job.base_commit) == ("main", _BASE)


@pytest.mark.parametrize("repository", ["mallory/registry", None])
def test_a_pull_request_of_a_fork_is_read_like_any_other(repository: str | None) -> None:
    environ = {**_GITHUB, "GITHUB_EVENT_NAME": "pull_request"}

    job = pipeline(environ, _pull_request(repository))
    assert (job.commit, job.repository) == (_HEAD, "acme/registry")


@pytest.mark.parametrize("text", [None, "{}", '{"action": "opened"}'])
def test_a_pull_request_whose_head_is_not_known_is_refused(text: str | None) -> None:
    with pytest.raises(UsageError, match="head of the pull request is not known"):
        pipeline({**_GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, text)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"pull_request": 1}', "[" * 100_000])
def test_an_event_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_EVENT_PATH"):
        pipeline(_GITHUB, text)


def test_a_merge_group_on_github() -> None:
    group = {
        "head_sha": _HEAD,
        "head_ref": f"refs/heads/gh-readonly-queue/release/v1/pr-12-{_BASE}",
        "base_sha": _BASE,
        "base_ref": "refs/heads/release/v1",
    }
    environ = {**_GITHUB, "GITHUB_EVENT_NAME": "merge_group"}

    job = pipeline(environ, json.dumps({"action": "checks_requested", "merge_group": group}))

    assert (job.commit, job.base, job.base_commit) == (_HEAD, "release/v1", _BASE)
    assert job.pull_request == 12


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_a_job_without_a_pull_request_runs_for_its_branch(event: str) -> None:
    job = pipeline({**_GITHUB, "GITHUB_EVENT_NAME": event}, json.dumps({"inputs": None}))

    assert (job.event, job.commit, job.base, job.base_commit) == (event, _TRIAL, "main", None)
    assert job.pull_request is None


def test_the_first_push_of_a_branch_has_nothing_before_it() -> None:
    assert pipeline(_GITHUB, json.dumps({"before": "0" * 40})).base_commit is None


@pytest.mark.parametrize(
    ("more", "token"),
    [
        ({"RECONCILER_FORGE_TOKEN": "ours", "GH_TOKEN": "gh"}, "ours"),
        ({"RECONCILER_FORGE_TOKEN": " ", "GH_TOKEN": "gh"}, "t0ken"),
        ({"GITHUB_TOKEN": "", "GH_TOKEN": "gh"}, "gh"),
        ({"GITHUB_TOKEN": ""}, ""),
    ],
)
def test_our_own_token_wins_over_the_jobs(more: dict[str, str], token: str) -> None:
    assert pipeline({**_GITHUB, **more}).token == token


def test_a_push_on_gitlab() -> None:
    assert pipeline(_GITLAB) == Pipeline(
        system="gitlab",
        event="push",
        repository="acme/ml/registry",
        api="https://git.acme.example/api/v4",
        server="https://git.acme.example",
        commit=_HEAD,
        base="main",
        base_commit=_BASE,
        token="t0ken",  # noqa: S106  no token of anybody
    )


def test_a_merge_request_on_gitlab() -> None:
    job = pipeline({**_GITLAB, **_MERGE_REQUEST})

    assert (job.event, job.commit, job.pull_request) == ("pull_request", _HEAD, 12)
    assert (job.base, job.base_commit) == ("main", _BASE)


def test_a_merged_results_pipeline_on_gitlab_is_about_the_head() -> None:
    trial = {
        "CI_COMMIT_SHA": _TRIAL,
        "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": _HEAD,
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": _BASE,
    }

    job = pipeline({**_GITLAB, **_MERGE_REQUEST, **trial})
    assert (job.event, job.commit, job.base_commit) == ("pull_request", _HEAD, _BASE)

    train = pipeline(
        {**_GITLAB, **_MERGE_REQUEST, **trial, "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"}
    )
    assert (train.event, train.commit) == ("merge_group", _TRIAL)


def test_a_merge_request_of_a_fork_on_gitlab_is_about_the_target() -> None:
    fork = {
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "6",
        "CI_PROJECT_PATH": "mallory/registry",
    }
    job = pipeline({**_GITLAB, **_MERGE_REQUEST, **fork})

    assert job.repository == "acme/ml/registry"


@pytest.mark.parametrize("source", ["web", "api", "trigger"])
def test_a_pipeline_that_somebody_started_on_gitlab(source: str) -> None:
    assert pipeline({**_GITLAB, "CI_PIPELINE_SOURCE": source}).event == "workflow_dispatch"


def test_the_jobs_own_token_of_gitlab_is_not_taken() -> None:
    assert pipeline({**_GITLAB, "GITLAB_TOKEN": ""}).token == ""


def test_outside_of_a_job_there_is_nothing() -> None:
    environ = {"GITHUB_TOKEN": "t0ken", "GITHUB_REPOSITORY": "acme/registry", "CI": "true"}

    assert pipeline(environ) == Pipeline()
    assert forge_of(pipeline(environ), environ) is None


@pytest.mark.parametrize(
    ("environ", "name", "url"),
    [
        (_GITHUB, "GitHub", "https://github.com/acme/registry"),
        (_GITLAB, "GitLab", "https://git.acme.example/acme/ml/registry"),
    ],
)
def test_a_job_has_its_forge_when_there_is_a_token(
    environ: dict[str, str], name: str, url: str
) -> None:
    forge = forge_of(pipeline(environ), environ)
    assert forge is not None
    assert (forge.name, forge.url) == (name, url)

    without = {key: value for key, value in environ.items() if not key.endswith("_TOKEN")}
    assert forge_of(pipeline(without), without) is None


def test_a_job_never_shows_its_token() -> None:
    assert "t0ken" not in repr(pipeline(_GITHUB))


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        (_GITHUB, "https://github.com/acme/registry/actions/runs/77"),
        (
            {**_GITHUB, "GITHUB_SERVER_URL": "https://ghe.acme.example"},
            "https://ghe.acme.example/acme/registry/actions/runs/77",
        ),
        (
            _without(_GITHUB, "GITHUB_SERVER_URL"),
            "https://github.com/acme/registry/actions/runs/77",
        ),
        (_without(_GITHUB, "GITHUB_REPOSITORY"), None),
        (_without(_GITHUB, "GITHUB_RUN_ID"), None),
        (_GITLAB, "https://git.acme.example/acme/ml/registry/-/jobs/9"),
        (
            {**_GITLAB, "CI_JOB_URL": "", "CI_PIPELINE_URL": "https://g/-/pipelines/3"},
            "https://g/-/pipelines/3",
        ),
    ],
)
def test_a_run_says_who_started_it_and_where_it_is(
    environ: dict[str, str], url: str | None
) -> None:
    assert run_of(environ) == ("ann", url)


def test_what_nobody_runs_in_a_ci_system_has_neither() -> None:
    assert run_of({}) == (None, None)
