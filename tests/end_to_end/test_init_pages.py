"""`reconciler init --pages`: what publishes a page, once somebody agreed that it is public."""

import os
from pathlib import Path

import pytest
import yaml

import reconciler
from reconciler.authoring.questions import OpenQuestion
from reconciler.scaffold.template_set import PAGE_WORKFLOW
from tests.support.files.init_lab import NOBODY, add, empty_fixture, init, tree  # noqa: F401  a fixture
from tests.support.forges.forge_lab import github_lab
from tests.support.forges.forge_server import REPOSITORY, TOKEN
from tests.support.registries.lab import Lab
from tests.support.workflows.workflow_files import GITLAB_WITH_PAGE


def test_a_page_is_not_published_before_somebody_agreed_to_what_becomes_public(
    lab: Lab, empty: Path
) -> None:
    refused = init(lab, "--pages", cwd=empty)
    assert refused.code == 1
    for part in ("everybody may read", "authors and approvers", "params", "--public-page"):
        assert part in refused.stderr
    assert list(empty.iterdir()) == []
    lonely = init(lab, "--public-page", cwd=empty)
    assert (lonely.code, list(empty.iterdir())) == (1, [])

    agreed = init(lab, "--pages", "--public-page", cwd=empty)
    assert agreed.code == 0
    assert "everybody may read the page" in agreed.stderr, "it is said, also where it is agreed to"
    assert PAGE_WORKFLOW in tree(empty)
    assert "Source: GitHub Actions" in agreed.stdout


@pytest.mark.parametrize("word", ["public", "private"])
def test_an_answer_is_enough_unless_the_repository_is_public(lab: Lab, word: str) -> None:
    asked: list[OpenQuestion] = []

    def answer(question: OpenQuestion) -> str:
        asked.append(question)
        return "publish"

    with github_lab() as forge:
        forge.state.visibility = word
        lab.git.git("remote", "add", "origin", f"{forge.server.uri}/{REPOSITORY}.git")
        environ = {
            **os.environ,
            **lab.git.env,
            **NOBODY,
            "GITHUB_SERVER_URL": forge.server.uri,
            "GITHUB_API_URL": f"{forge.server.uri}/api/v3",
            "GH_TOKEN": TOKEN,
        }
        told: list[str] = []
        r = reconciler.open(root=lab.git.root, environ=environ, warn=told.append)
        if word == "public":
            with pytest.raises(reconciler.UsageError, match="this repository is public"):
                r.init(pages=True, ask=answer)
            assert asked == []
        files = r.init(pages=True, public_page=word == "public", ask=answer)
    assert PAGE_WORKFLOW in files.contents
    [warning] = [one for one in files.problems if "everybody may read" in one.message]
    assert warning.hint == f"this repository is {word}"
    assert len(asked) == (word == "private")


def test_a_pipeline_that_is_there_is_told_the_jobs_of_the_page(lab: Lab, empty: Path) -> None:
    init(lab, "--gitlab", cwd=empty)
    before = (empty / ".gitlab-ci.yml").read_text()
    again = init(lab, "--gitlab", "--pages", "--public-page", "--format", "json", cwd=empty)
    assert (empty / ".gitlab-ci.yml").read_text() == before
    for step in again.document["next"]:
        if step.startswith("Add these lines"):
            add(empty, step)
    added = (empty / ".gitlab-ci.yml").read_text()
    assert yaml.safe_load(added) == yaml.safe_load(GITLAB_WITH_PAGE.read_text())
    last = init(lab, "--gitlab", "--pages", "--public-page", "--format", "json", cwd=empty)
    assert not any(step.startswith("Add these lines") for step in last.document["next"])
