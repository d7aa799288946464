"""Who may read a repository: asked of its own forge, with the token that is for that one alone."""

from collections.abc import Iterator

import pytest

from reconciler.forges.ci_environment import System
from reconciler.forges.visibility import Visibility, visibility
from tests.support.forges.forge_lab import ForgeLab, github_lab, gitlab_lab
from tests.support.forges.forge_server import REPOSITORY, TOKEN
from tests.support.registries.servers import Answer


@pytest.fixture(name="system", params=["github", "gitlab"])
def _system(request: pytest.FixtureRequest) -> System:
    found: System = request.param
    return found


@pytest.fixture(name="lab")
def _lab(system: System) -> Iterator[ForgeLab]:
    with github_lab() if system == "github" else gitlab_lab() as made:
        yield made


def _environ(lab: ForgeLab, system: System) -> dict[str, str]:
    uri = lab.server.uri
    if system == "github":
        return {
            "GITHUB_SERVER_URL": uri,
            "GITHUB_API_URL": f"{uri}/api/v3",
            "GITHUB_TOKEN": TOKEN,
        }
    return {"CI_SERVER_URL": uri, "GITLAB_TOKEN": TOKEN}


@pytest.mark.parametrize("word", ["public", "internal", "private"])
def test_the_forge_says_who_reads_it(lab: ForgeLab, system: System, word: str) -> None:
    lab.state.visibility = word
    remote = f"{lab.server.uri}/{REPOSITORY}.git"
    found = visibility(remote, system, _environ(lab, system))
    assert found == Visibility(word)
    assert found.is_open == (word != "private")


def test_a_token_is_sent_to_no_other_server(lab: ForgeLab, system: System) -> None:
    environ = _environ(lab, system)
    for remote in ("https://elsewhere.example/acme/registry.git", "git@elsewhere.example:a/b.git"):
        found = visibility(remote, system, environ)
        assert (found.word, found.is_open) == (None, False)
        assert "its remote is at elsewhere.example, not at 127.0.0.1" in found.why
    assert lab.asked == []


def test_a_server_of_ones_own_is_asked_where_no_variable_names_its_api(
    lab: ForgeLab, system: System
) -> None:
    lab.state.visibility = "internal"
    environ = _environ(lab, system)
    environ.pop("GITHUB_API_URL", None)
    assert visibility(f"{lab.server.uri}/{REPOSITORY}", system, environ) == Visibility("internal")


def test_without_a_token_or_a_remote_it_is_not_known(lab: ForgeLab, system: System) -> None:
    environ = {k: v for k, v in _environ(lab, system).items() if not k.endswith("TOKEN")}
    remote = f"{lab.server.uri}/{REPOSITORY}"
    assert "its forge cannot be asked" in visibility(remote, system, environ).why
    for none in (None, "/srv/git/registry.git"):
        assert "no remote at a forge" in visibility(none, system, environ).why
    assert lab.asked == []


def test_a_forge_that_refuses_leaves_it_unknown(lab: ForgeLab, system: System) -> None:
    lab.server.before = lambda _: Answer(404, b'{"message": "Not Found"}')
    found = visibility(f"{lab.server.uri}/{REPOSITORY}", system, _environ(lab, system))
    assert found.word is None
    assert found.why.startswith("its forge did not say it: ")
