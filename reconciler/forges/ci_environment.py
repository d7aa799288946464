"""Reads a CI job's environment: the event, the commit, and how to reach the forge."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from reconciler.errors import UsageError
from reconciler.forges.ci_run import GITHUB
from reconciler.forges.github_event import Event, MergeGroup, PullRequestEvent
from reconciler.ports.forge import Forge

System: TypeAlias = Literal["github", "gitlab"]

_NO_COMMIT: Final = re.compile("0*")  # git's null id: the branch did not exist before
_QUEUED: Final = re.compile(r"gh-readonly-queue/.+/pr-(\d+)-")
_GITLAB_EVENTS: Final = {
    "merge_request_event": "pull_request",
    "web": "workflow_dispatch",
    "api": "workflow_dispatch",
    "trigger": "workflow_dispatch",
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A CI job; events have GitHub's names on every system.

    `commit` is the head of the pull request where there is one, else the commit of the job; `base`
    is the target branch, or the branch of the job, and `base_commit` is its commit before that.
    """

    system: System | None = None
    event: str = ""
    repository: str = ""
    api: str = ""
    server: str = ""
    commit: str | None = None
    base: str | None = None
    base_commit: str | None = None
    pull_request: int | None = None
    outputs: str | None = None
    summary: str | None = None
    authorities: str | None = None
    token: str = field(default="", repr=False)


def pipeline(environ: Mapping[str, str], event: str | None = None) -> Pipeline:
    """Return the job in `environ`; `event` is the content of the file at GITHUB_EVENT_PATH.

    Outside of GitHub Actions and GitLab CI everything is empty. Raises `UsageError` for a job whose
    commit cannot be determined.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ, event)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    return Pipeline()


def forge_of(job: Pipeline, environ: Mapping[str, str]) -> Forge | None:
    """Return the forge of a job; None outside of a job or without a token.

    `environ` names proxies and certificate authorities.
    """
    if job.system is None or not job.token:
        return None
    if job.system == "github":
        from reconciler.forges.github import GitHub  # noqa: PLC0415  imports requests, only where needed

        return GitHub(
            api=job.api,
            server=job.server,
            repository=job.repository,
            token=job.token,
            environ=environ,
        )
    from reconciler.forges.gitlab import GitLab  # noqa: PLC0415  as above

    return GitLab(
        api=job.api,
        server=job.server,
        repository=job.repository,
        token=job.token,
        environ=environ,
        authorities=job.authorities,
    )


def _github(environ: Mapping[str, str], text: str | None) -> Pipeline:
    event = _event(text)
    where = _github_place(environ, event)
    return Pipeline(
        system="github",
        event=environ.get("GITHUB_EVENT_NAME", ""),
        repository=environ.get("GITHUB_REPOSITORY", ""),
        api=environ.get("GITHUB_API_URL", "https://api.github.com"),
        server=environ.get("GITHUB_SERVER_URL", GITHUB),
        commit=where.commit,
        base=where.base,
        base_commit=where.base_commit,
        pull_request=where.pull_request,
        outputs=environ.get("GITHUB_OUTPUT") or None,
        summary=environ.get("GITHUB_STEP_SUMMARY") or None,
        token=_token(environ, "RECONCILER_FORGE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    commit: str | None
    base: str | None
    base_commit: str | None
    pull_request: int | None = None


def _github_place(environ: Mapping[str, str], event: Event) -> _Place:
    if event.pull_request is not None:
        return _pull_request_place(event.pull_request)
    if event.merge_group is not None:
        return _merge_group_place(event.merge_group)
    name = environ.get("GITHUB_EVENT_NAME", "")
    if name.startswith("pull_request"):
        # There GITHUB_SHA is a trial merge, which nobody committed.
        raise UsageError(
            "the head of the pull request is not known",
            hint="let the job see the file that `GITHUB_EVENT_PATH` names",
        )
    return _Place(
        commit=_commit(environ.get("GITHUB_SHA")),
        base=environ.get("GITHUB_REF_NAME") or None,
        base_commit=_commit(event.before),
    )


def _pull_request_place(pull: PullRequestEvent) -> _Place:
    return _Place(pull.head.sha, pull.base.ref, pull.base.sha, pull.number)


def _merge_group_place(group: MergeGroup) -> _Place:
    last = _QUEUED.search(group.head_ref)  # of a group with several, the last one
    return _Place(
        group.head_sha,
        group.base_ref.removeprefix("refs/heads/"),
        group.base_sha,
        int(last[1]) if last else None,
    )


def _gitlab(environ: Mapping[str, str]) -> Pipeline:
    source = environ.get("CI_PIPELINE_SOURCE", "")
    event = _GITLAB_EVENTS.get(source, source)
    if environ.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train":
        event = "merge_group"
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    return Pipeline(
        system="gitlab",
        event=event,
        repository=environ.get("CI_MERGE_REQUEST_PROJECT_PATH")
        or environ.get("CI_PROJECT_PATH", ""),
        api=environ.get("CI_API_V4_URL", "https://gitlab.com/api/v4"),
        server=environ.get("CI_SERVER_URL", "https://gitlab.com"),
        commit=_gitlab_commit(environ, event),
        base=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
        or environ.get("CI_COMMIT_BRANCH")
        or None,
        base_commit=_gitlab_base(environ),
        pull_request=int(number) if number.isdecimal() else None,
        authorities=environ.get("CI_SERVER_TLS_CA_FILE") or None,
        token=_token(environ, "RECONCILER_FORGE_TOKEN", "GITLAB_TOKEN"),
    )


def _gitlab_commit(environ: Mapping[str, str], event: str) -> str | None:
    head = None
    if event == "pull_request":
        # Only a pipeline for a trial merge names the head; otherwise it runs for the head.
        head = _commit(environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"))
    return head or _commit(environ.get("CI_COMMIT_SHA"))


def _gitlab_base(environ: Mapping[str, str]) -> str | None:
    names = (
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        "CI_COMMIT_BEFORE_SHA",
    )
    return next((commit for name in names if (commit := _commit(environ.get(name)))), None)


def _event(text: str | None) -> Event:
    if text is None:
        return Event()
    try:
        return Event.model_validate(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UsageError("the file that `GITHUB_EVENT_PATH` names is not a GitHub event") from error


def _commit(text: str | None) -> str | None:
    return None if text is None or _NO_COMMIT.fullmatch(text) else text


def _token(environ: Mapping[str, str], *names: str) -> str:
    return next((token for name in names if (token := environ.get(name, "").strip())), "")
