"""A commit beside the checkout: nothing that is checked out changes, and its branch is new."""

from pathlib import Path

import pytest

from reconciler.errors import OutOfStep
from reconciler.repository.delivery.branch_commit import (
    RemoteBranch,
    RemoteBranches,
    blob_of,
    commit_beside,
    push_new_branch,
)
from reconciler.repository.repository import GitRepo
from tests.support.repositories.git_lab import GitLab, opened

_FILE = "state/team/fraud.yaml"


def bare(lab: GitLab, folder: Path) -> GitLab:
    """Make the repository that is pushed to, and name it `origin` in the lab."""
    far = GitLab.new(folder / "far", "--bare")
    lab.git("remote", "add", "origin", str(far.root))
    lab.git("push", "--quiet", "origin", "HEAD")
    return far


def proposed(repo: GitRepo, name: str, content: bytes = b"v: 1\n") -> str:
    """Propose a content on the branch of that name, or on the one that is free."""
    commit = commit_beside(repo, str(repo.head), {_FILE: content}, "Roll back\n")
    branch = RemoteBranches(repo, "origin").free_name(name)
    push_new_branch(repo, "origin", RemoteBranch(branch, commit))
    return branch


def test_the_commit_has_the_files_and_everything_else_of_its_parent(lab: GitLab) -> None:
    lab.commit({_FILE: "v: 2\n", "state/team/churn.yaml": "a", "README.md": "b", "z/y": ""})
    (lab.root / _FILE).chmod(0o755)
    parent = lab.commit(message="mode")
    with opened(lab) as repo:
        commit = commit_beside(repo, parent, {_FILE: b"v: 1\n"}, "Roll back fraud\n\nwhy: é\n")
    assert lab.git("diff", "--name-status", parent, commit) == f"M\t{_FILE}"
    assert lab.git("show", f"{commit}:{_FILE}") == "v: 1"
    assert lab.git("ls-tree", commit, _FILE).startswith("100755 blob")
    assert lab.git("rev-parse", f"{commit}^@") == parent
    assert lab.git("log", "-1", "--format=%B", commit) == "Roll back fraud\n\nwhy: é"
    assert lab.git("fsck", "--strict", commit) == ""


def test_files_are_added_and_removed_with_the_folders_that_are_empty_then(lab: GitLab) -> None:
    parent = lab.commit({_FILE: "v: 2\n", "top.yaml": "x"})
    files = {_FILE: None, "a/b/ümlaut file.yaml": b"new", "top.yaml": b""}
    with opened(lab) as repo:
        commit = commit_beside(repo, parent, files, "m")
        nothing = commit_beside(repo, parent, {_FILE: None, "top.yaml": None}, "m")
    names = lab.git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    assert names == ["a/b/ümlaut file.yaml", "top.yaml", ""]
    assert lab.git("ls-tree", "-r", nothing) == ""


def test_nothing_that_is_checked_out_changes(lab: GitLab, tmp_path: Path) -> None:
    lab.commit({_FILE: "v: 2\n", "other": "1"})
    bare(lab, tmp_path)
    lab.write({_FILE: "half an edit", "other": "2", "new": "3"})
    lab.git("add", "other")
    before = _checked_out(lab)
    with opened(lab) as repo:
        branch = proposed(repo, "rollback/fraud-v2-to-v1")
    assert branch == "rollback/fraud-v2-to-v1"
    assert _checked_out(lab) == before


def _checked_out(lab: GitLab) -> tuple[object, ...]:
    refs = lab.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/notes")
    head = (lab.root / ".git" / "HEAD").read_text()
    index = (lab.root / ".git" / "index").read_bytes()
    files = (lab.root / _FILE).read_text()
    return refs, head, index, files, lab.git("status", "--porcelain")


def test_a_job_without_a_name_signs_as_the_reconciler(
    lab: GitLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = lab.commit({_FILE: "v: 2\n"})
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    with opened(lab) as repo:
        one = commit_beside(repo, parent, {_FILE: b""}, "m")
        lab.git("config", "user.name", "Grace")
        lab.git("config", "user.email", "grace@example.com")
        other = commit_beside(repo, parent, {_FILE: b""}, "m")
    told = [lab.git("log", "-1", "--format=%an <%ae>, %cn", commit) for commit in (one, other)]
    assert told == [
        "mlflow-reconciler <mlflow-reconciler@localhost>, mlflow-reconciler",
        "Grace <grace@example.com>, Grace",
    ]


def test_line_ends_are_kept_as_the_repository_keeps_them(lab: GitLab) -> None:
    parent = lab.commit({".gitattributes": "*.yaml text eol=crlf\n", _FILE: "v: 2\r\n"})
    with opened(lab) as repo:
        assert blob_of(repo, _FILE, b"v: 2\r\n") == repo.blob_id(parent, _FILE)
        commit = commit_beside(repo, parent, {_FILE: b"v: 1\r\n"}, "m")
    assert lab.git("cat-file", "-s", f"{commit}:{_FILE}") == "5"


def test_a_branch_that_is_left_of_an_earlier_proposal_gets_a_neighbour(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit({_FILE: "v: 2\n"})
    far = bare(lab, tmp_path)
    with opened(lab) as repo:
        names = [proposed(repo, "rollback/x", content) for content in (b"1", b"2", b"3")]
        found = RemoteBranches(repo, "origin")
        again = commit_beside(repo, str(repo.head), {_FILE: b"2"}, "said in other words")
        left = found.with_content_of(again, "rollback/x")
        other = commit_beside(repo, str(repo.head), {_FILE: b"4"}, "m")
        assert found.with_content_of(other, "rollback/x") is None
    assert names == ["rollback/x", "rollback/x-2", "rollback/x-3"]
    assert left == ("rollback/x-2", far.git("rev-parse", "rollback/x-2"))


def test_a_branch_that_came_meanwhile_is_not_moved_though_git_could(
    lab: GitLab, tmp_path: Path
) -> None:
    parent = lab.commit({_FILE: "v: 2\n"})
    far = bare(lab, tmp_path)
    with opened(lab) as repo:
        commit = commit_beside(repo, parent, {_FILE: b"1"}, "m")
        far.git("branch", "rollback/x", parent)
        with pytest.raises(OutOfStep, match="has had a branch `rollback/x`") as refusal:
            push_new_branch(repo, "origin", RemoteBranch("rollback/x", commit))
    assert "another job" in str(refusal.value.hint)
    assert far.git("rev-parse", "rollback/x") == parent


def test_a_branch_in_place_of_the_folder_is_told_before_anything_is_pushed(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit({_FILE: "v: 2\n"})
    far = bare(lab, tmp_path)
    far.git("branch", "rollback", "main")
    with opened(lab) as repo, pytest.raises(OutOfStep, match="has a branch `rollback`") as refusal:
        RemoteBranches(repo, "origin").free_name("rollback/x")
    assert "rename it" in str(refusal.value.hint)


def test_a_remote_that_refuses_the_branch_is_told_with_its_reason(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit({_FILE: "v: 2\n"})
    far = bare(lab, tmp_path)
    hook = far.root / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with opened(lab) as repo:
        with pytest.raises(OutOfStep, match="pre-receive hook declined") as refusal:
            proposed(repo, "rollback/x")
        assert "contents: write" in str(refusal.value.hint)
        lab.git("remote", "set-url", "origin", "http://ada:secret@127.0.0.1:9/x.git")
        with pytest.raises(OutOfStep, match="cannot be asked for its branches") as gone:
            proposed(repo, "rollback/x")
    assert "secret" not in gone.value.message


@pytest.mark.parametrize("options", [("--depth=1",), ("--filter=blob:none",), ("--filter=tree:0",)])
def test_it_is_made_in_a_clone_that_lacks_what_it_does_not_need(
    lab: GitLab, tmp_path: Path, options: tuple[str, ...]
) -> None:
    lab.commit({_FILE: "v: 2\n", "large/model.bin": "x" * 999})
    lab.commit({_FILE: "v: 3\n"})
    far = bare(lab, tmp_path)
    far.git("config", "uploadpack.allowFilter", "true")
    far.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = far.clone(tmp_path / "clone", options=(*options, "--no-checkout"))
    with opened(clone) as repo:
        branch = proposed(repo, "rollback/x")
    assert far.git("show", f"{branch}:{_FILE}") == "v: 1"
    assert far.git("show", f"{branch}:large/model.bin") == "x" * 999
