"""Links to a forge: certain ones, without credentials, and nothing but http and https."""

import pytest

from reconciler.audit.overview.forge_links import forge_links
from reconciler.audit.overview.model_overview import ForgeLinks

_GITHUB = ForgeLinks(
    "https://github.com/acme/models/commit/{}", "https://github.com/acme/models/pull/{}"
)
_GITLAB = ForgeLinks(
    "https://gitlab.acme.io/ml/risk/models/-/commit/{}",
    "https://gitlab.acme.io/ml/risk/models/-/merge_requests/{}",
)


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/acme/models.git",
        "https://ada:s3cret@GitHub.com/acme/models",
        "git@github.com:acme/models.git",
        "ssh://git@github.com:22/acme/models.git/",
    ],
)
def test_a_remote_at_github_has_links_without_credentials(remote: str) -> None:
    assert forge_links(remote, {}) == _GITHUB


@pytest.mark.parametrize(
    "remote",
    ["git@gitlab.acme.io:ml/risk/models.git", "https://oauth2:t@gitlab.acme.io/ml/risk/models.git"],
)
def test_a_server_of_ones_own_is_known_by_its_name(remote: str) -> None:
    assert forge_links(remote, {}) == _GITLAB


@pytest.mark.parametrize(
    "remote",
    [
        None,
        "/srv/git/models.git",
        "file:///srv/git/models.git",
        "javascript:alert(1)//github.com/a/b",
        "javascript://github.com/acme/models",
        "https://git.acme.io/acme/models.git",  # which forge it is, nobody knows
        "https://notgithub.com/acme/models",
        "https://github.com.evil.example:port/acme/models",
        "https://github.com/",
        "https://github.com/acme/..",
        'https://github.com"onmouseover=/acme/models',
    ],
)
def test_what_is_not_certain_has_no_link(remote: str | None) -> None:
    assert forge_links(remote, {}) == ForgeLinks()


def test_a_path_is_quoted() -> None:
    links = forge_links('https://github.com/acme/"{x}<b>', {})
    assert links.commit == "https://github.com/acme/%22%7Bx%7D%3Cb%3E/commit/{}"


def test_a_job_says_which_forge_its_server_is_and_where_there_is_no_remote_its_own() -> None:
    job = {"GITHUB_SERVER_URL": "https://git.acme.io", "GITHUB_REPOSITORY": "acme/models"}
    here = "https://git.acme.io/acme/models/commit/{}"
    assert forge_links("git@git.acme.io:acme/models.git", job).commit == here
    assert forge_links(None, job).commit == here
    assert forge_links("https://other.acme.io/acme/models", job) == ForgeLinks()
    project = {"CI_PROJECT_URL": "https://job:t@gitlab.acme.io/ml/risk/models"}
    assert forge_links(None, project) == _GITLAB
