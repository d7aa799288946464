"""Fixtures of the tests of git."""

from pathlib import Path

import pytest

from tests.support.repositories.git_lab import GitLab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitLab:
    """Start an empty repository, with git isolated from this machine's configuration."""
    return GitLab.isolated(tmp_path, monkeypatch)
