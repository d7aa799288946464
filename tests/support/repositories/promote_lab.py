"""A checkout in which models are promoted, without a registry."""

from pathlib import Path

import pytest

from tests.support.registries.lab import Hand, Lab, Result
from tests.support.repositories.git_lab import GitLab

_NOWHERE = "http://127.0.0.1:9"
FILE = "registry-state/fraud.yaml"
FRAUD = """\
# asked by: payments
versions:
    4:
        stage: 'Staging'   # since May
    3:
        stage: Production
        aliases: [champion, "stable"]   # serves
"""


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    """Set up a checkout of its own remote, without any registry named."""
    (tmp_path / "hub").mkdir()
    hub = GitLab.new(tmp_path / "hub")
    hub.commit({FILE: FRAUD}, "declare")
    git = hub.clone(tmp_path / "clone")
    git.git("config", "user.name", "Ada")
    git.git("config", "user.email", "ada@example.com")
    return Lab(git, "", Hand(_NOWHERE))


def text(lab: Lab, file: str = FILE) -> str:
    return (lab.git.root / file).read_text()


def promote(lab: Lab, *arguments: str, code: int = 0, path: str | None = None) -> Result:
    env = {} if path is None else {"PATH": path}
    done = lab.run("promote", *arguments, env=env)
    assert done.code == code, done.text
    return done
