"""A clone that was made with `--filter` fetches what it lacks at once, or says that it cannot."""

from pathlib import Path

import pytest

from reconciler.errors import OutOfStep
from reconciler.repository.partial_clone import Fetched
from tests.support.repositories.git_lab import GitLab, opened

STATE = "registry-state"
FILE = f"{STATE}/fraud.yaml"
_COMMITS = 12


def declared(lab: GitLab) -> list[str]:
    """Commit a model again and again, and large files beside it."""
    lab.git("config", "uploadpack.allowFilter", "true")
    lab.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return [
        lab.commit({FILE: f"{number}", f"{STATE}/a/b.yaml": f"b{number}", "other": f"o{number}"})
        for number in range(_COMMITS)
    ]


def fetches(trace: Path) -> int:
    return trace.read_text().count("built-in: git fetch")


@pytest.mark.parametrize(("kept", "rounds"), [("blob:none", 1), ("tree:0", 2)])
def test_what_a_partial_clone_lacks_is_fetched_at_once(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, rounds: int
) -> None:
    commits = declared(lab)
    copy = lab.clone(tmp_path / "copy", options=[f"--filter={kept}"])
    monkeypatch.setenv("GIT_TRACE", str(trace := tmp_path / "trace"))
    with opened(copy) as repo:
        told = repo.complete(STATE, commits[-1])
        assert told is not None
        assert "made with `--filter`" in told
        assert "`git fetch --refetch --no-filter`" in told
        assert fetches(trace) == rounds
        contents = [repo.find(commit, FILE) for commit in commits]
        assert [found and found.data for found in contents] == [b"%d" % n for n in range(_COMMITS)]
        assert len(repo.touched(commits[-1], STATE)) == _COMMITS
        assert repo.complete(STATE, commits[-1]) is None
    assert fetches(trace) == rounds
    assert not (copy.root / ".git" / "FETCH_HEAD").exists()


@pytest.mark.parametrize("kept", ["blob:none", "tree:0"])
def test_without_its_remote_a_partial_clone_says_what_to_do(
    lab: GitLab, tmp_path: Path, kept: str
) -> None:
    commits = declared(lab)
    copy = lab.clone(tmp_path / "copy", options=[f"--filter={kept}"])
    copy.git("remote", "set-url", "origin", (tmp_path / "gone").as_uri())
    with opened(copy) as repo:
        told = repo.complete(STATE, commits[-1])
        assert told is not None
        assert "cannot be fetched" in told
        found = repo.find(commits[-1], FILE)
        assert found is not None, "what was checked out is there"
        with pytest.raises(OutOfStep) as failure:
            repo.find(commits[0], FILE)
        assert "--no-filter" in str(failure.value.hint)
        assert failure.value.message.startswith("this partial clone lacks the object `")
        if kept == "tree:0":
            with pytest.raises(OutOfStep, match="`git log` failed: ") as failure:
                repo.touched(commits[-1], STATE)
            assert "--no-filter" in str(failure.value.hint)


def test_one_object_is_told_as_one() -> None:
    told = Fetched(missing=1, reason="gone").sentence(STATE)
    assert told is not None
    assert "lacks 1 object of the history" in told


def test_a_clone_that_has_everything_is_told_nothing(lab: GitLab, tmp_path: Path) -> None:
    commits = declared(lab)
    with opened(lab.clone(tmp_path / "copy")) as repo:
        assert repo.complete(STATE, commits[-1]) is None
    with opened(lab) as repo:
        assert repo.complete(STATE, commits[-1]) is None
