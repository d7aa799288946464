"""Which repository a path is in, and why one is refused."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import OutOfStep, UsageError
from reconciler.repository.repository import open_checkout
from tests.support.repositories.git_lab import GitLab, opened

STATE = "registry-state"
FILE = f"{STATE}/fraud.yaml"


def test_outside_a_repository_there_is_none(tmp_path: Path) -> None:
    assert open_checkout(tmp_path) is None


def test_a_checkout_is_found_from_a_folder_below_it(lab: GitLab) -> None:
    commit = lab.commit({"a/b/c.yaml": "x"})
    with opened(lab, lab.root / "a" / "b") as repo:
        assert (repo.root, repo.head) == (lab.root, commit)


def test_a_checkout_is_found_from_a_relative_path(
    lab: GitLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit({"a/b.yaml": "x"})
    monkeypatch.chdir(lab.root)
    with opened(lab, Path("a")) as repo:
        assert repo.root == lab.root


def test_a_checkout_is_found_from_a_folder_that_is_not_there_any_more(lab: GitLab) -> None:
    lab.commit()
    with opened(lab, lab.root / STATE / "teams") as repo:
        assert repo.root == lab.root


def test_before_the_first_commit_there_is_no_head(lab: GitLab) -> None:
    lab.write({FILE: "x"})
    with opened(lab) as repo:
        assert repo.head is None
        assert repo.dirty(lab.root / STATE) == (FILE,)


def test_a_detached_head_is_the_commit_that_is_checked_out(lab: GitLab) -> None:
    first = lab.commit()
    lab.commit()
    lab.checkout(first)
    with opened(lab) as repo:
        assert repo.head == first


def test_a_worktree_is_a_checkout_of_its_own(lab: GitLab, tmp_path: Path) -> None:
    first = lab.commit({FILE: "x"})
    lab.commit({FILE: "y"})
    lab.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"), first)
    with opened(lab, tmp_path / "other" / STATE) as repo:
        assert (repo.root, repo.head) == (tmp_path / "other", first)
        assert repo.dirty(tmp_path / "other" / STATE) == ()


def test_a_state_folder_in_a_submodule_has_the_submodule_as_its_repository(
    lab: GitLab, tmp_path: Path
) -> None:
    inner = GitLab.new(tmp_path / "inner")
    commit = inner.commit({FILE: "x"})
    lab.git("-c", "protocol.file.allow=always", "submodule", "add", str(inner.root), "models")
    lab.commit()
    with opened(lab, lab.root / "models" / STATE) as repo:
        assert (repo.root, repo.head) == (lab.root / "models", commit)


def test_the_variables_of_a_hook_do_not_name_the_repository(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = lab.commit({FILE: "x"})
    other = GitLab.new(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    with opened(lab) as repo:
        assert (repo.root, repo.head) == (lab.root, commit)
        assert repo.tree(commit, STATE).keys() == {"fraud.yaml"}
        assert repo.dirty(lab.root / STATE) == ()
    assert os.environ["GIT_DIR"] == str(other.root / ".git")


def test_inside_a_real_hook_a_commit_that_is_being_made_counts_as_dirty(lab: GitLab) -> None:
    lab.commit({FILE: "x"})
    hook = lab.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    program = (
        "from pathlib import Path; from reconciler.repository.repository import open_checkout; "
        f"print(open_checkout(Path('.')).dirty(Path('{STATE}')), file=open('said', 'w'))"
    )
    hook.write_text(f'#!/bin/sh\nPYTHONPATH={Path.cwd()} {sys.executable} -c "{program}"\n')
    hook.chmod(0o755)
    lab.write({FILE: "y"})
    lab.git("commit", "--quiet", "--all", "--message", "y")
    assert (lab.root / "said").read_text() == f"('{FILE}',)\n"


def test_a_repository_of_another_user_is_refused_with_the_command_that_helps(
    lab: GitLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(OutOfStep, match="belongs to another user") as refusal:
        open_checkout(lab.root)
    assert refusal.value.hint is not None
    assert refusal.value.hint == f"git config --global --add safe.directory {lab.root}"
    subprocess.run(refusal.value.hint, shell=True, check=True)  # noqa: S602  as a user types it
    with opened(lab) as repo:
        assert repo.root == lab.root


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    lab = GitLab.new(tmp_path, "--bare")
    with pytest.raises(OutOfStep, match="without a work tree"):
        open_checkout(lab.root)


def test_a_broken_repository_is_refused_in_the_words_of_git(lab: GitLab) -> None:
    lab.commit()
    (lab.root / ".git" / "config").write_text("[core\n")
    with pytest.raises(OutOfStep, match="bad config line 1"):
        open_checkout(lab.root)


def test_a_worktree_whose_repository_is_gone_is_not_taken_for_no_repository(
    tmp_path: Path,
) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    with pytest.raises(OutOfStep, match="not a git repository: /nowhere"):
        open_checkout(tmp_path)


def without_git(path: Path) -> str:
    """Return what opening says in an environment without git."""
    program = (
        "import sys; from pathlib import Path; from reconciler.errors import OutOfStep\n"
        "from reconciler.repository.repository import open_checkout\n"
        "try: print(open_checkout(Path(sys.argv[1])))\n"
        "except OutOfStep as error: print(error.message, error.hint, sep='|')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={"PATH": "/nonexistent", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_without_git_a_repository_is_refused_with_what_to_install(lab: GitLab) -> None:
    said = without_git(lab.root)
    assert said == (
        f"`{lab.root}` is in a git repository, and git is not installed or not on the PATH"
        "|apt-get install git"
    )


def test_without_git_a_folder_outside_any_repository_is_fine(tmp_path: Path) -> None:
    assert without_git(tmp_path) == "None"


def test_a_path_outside_the_repository_has_no_path_in_it(lab: GitLab, tmp_path: Path) -> None:
    with opened(lab) as repo:
        assert repo.path_of(lab.root) == "."
        assert repo.path_of(lab.root / "a" / ".." / STATE) == STATE
        with pytest.raises(UsageError, match="is not in the repository"):
            repo.path_of(tmp_path)


def test_a_repository_that_is_read_leaves_no_process_behind(lab: GitLab) -> None:
    lab.commit({FILE: "x"})
    program = (
        "from pathlib import Path; from reconciler.repository.repository import open_checkout; "
        f"repo = open_checkout(Path({str(lab.root)!r})); repo.knows(repo.head)"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_a_repository_that_nobody_holds_ends_its_process(lab: GitLab) -> None:
    head = lab.commit({FILE: "x"})
    repo = open_checkout(lab.root)
    assert repo is not None
    assert repo.knows(head)
    del repo
    gc.collect()  # a process that is still running is a ResourceWarning, an error here
    with opened(lab) as other:
        assert other.knows(head)
        other.close()
        assert other.find(head, FILE) is not None


def test_git_runs_in_the_environment_that_is_given(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit({FILE: "x"})
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Nobody")
    monkeypatch.setenv("LANGUAGE", "de")
    given = {name: value for name, value in lab.env.items() if name != "GIT_AUTHOR_NAME"}
    (tmp_path / "config").write_text("[user]\nname = Grace\n")
    repo = open_checkout(lab.root, {**given, "GIT_CONFIG_GLOBAL": str(tmp_path / "config")})
    assert repo is not None
    assert repo.run("var", "GIT_AUTHOR_IDENT")[1].startswith("Grace <ada@example.com>")
    assert "not a valid object name" in repo.run("cat-file", "-t", "nothing")[2].lower()
    repo.close()


def test_an_environment_without_git_is_one_where_it_is_not_installed(lab: GitLab) -> None:
    with pytest.raises(OutOfStep, match="not installed"):
        open_checkout(lab.root, {**lab.env, "PATH": "/nonexistent"})


def test_a_commit_that_is_fetched_later_is_known_from_then_on(lab: GitLab, tmp_path: Path) -> None:
    first = lab.commit({FILE: "x"})
    copy = lab.clone(tmp_path / "copy")
    later = lab.commit({FILE: "y"})
    with opened(copy) as repo:
        assert not repo.knows(later)
        assert repo.merge_base(first, later) is None
        copy.git("fetch", "--quiet")
        assert repo.knows(later)
        assert repo.merge_base(first, later) == first


def test_the_ancestries_of_many_commits_are_not_all_kept(lab: GitLab) -> None:
    first = lab.commit()
    commits = [lab.commit() for _ in range(40)]
    with opened(lab) as repo:
        assert all(repo.is_ancestor(first, commit) for commit in commits)
        assert not any(repo.is_ancestor(commit, first) for commit in commits)
        ancestries = [it for it in gc.get_objects() if isinstance(it, frozenset) and first in it]
        assert 0 < len(ancestries) < 10
