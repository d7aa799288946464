"""Who started a run of a CI system, and where it can be looked at; imports nothing of a forge."""

from collections.abc import Mapping
from typing import Final

GITHUB: Final = "https://github.com"


def run_of(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return who started this run and its URL; None where the environment does not say it."""
    actor = environ.get("GITHUB_ACTOR") or environ.get("GITLAB_USER_LOGIN") or None
    repository, run = environ.get("GITHUB_REPOSITORY"), environ.get("GITHUB_RUN_ID")
    if repository and run:
        server = environ.get("GITHUB_SERVER_URL") or GITHUB
        return actor, f"{server}/{repository}/actions/runs/{run}"
    return actor, environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL") or None
