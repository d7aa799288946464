"""What stands between an edited file and its commit: nothing is lost, and the hints work."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.registries.lab import Lab, Result
from tests.support.repositories.promote_lab import lab_fixture, promote, text  # noqa: F401  a fixture

_FILE = "registry-state/fraud.yaml"
_SERVING_5 = "versions: {5: {stage: Production}, 4: {}, 3: {stage: Archived}}\n"


def hook(lab: Lab, name: str, script: str) -> None:
    """Install a hook in the lab's repository."""
    path = lab.git.root / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def stops(lab: Lab, *arguments: str) -> None:
    """Run a git command that ends in a conflict."""
    with pytest.raises(AssertionError):
        lab.git.git(*arguments)


def commands(said: str) -> list[str]:
    """Return the git commands that a message names."""
    return re.findall(r"`(git [^`]*)`", said)


def typed(lab: Lab, command: str) -> None:
    """Run a command as somebody copies it from a message."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=lab.git.root,
        env={**lab.git.env, "GIT_EDITOR": "echo by hand >"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def collide(lab: Lab, file: str, theirs: str, ours: str) -> None:
    """Have a branch `side` and `main` change a file in two ways."""
    lab.git.branch("side")
    lab.git.commit({file: theirs}, "theirs")
    lab.git.checkout("main")
    lab.git.commit({file: ours}, "ours")


# --- something else is under way


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("merge", ("side",)),
        ("rebase", ("side",)),
        ("rebase", ("--apply", "side")),
        ("cherry-pick", ("side",)),
        ("revert", ("--no-edit", "HEAD~1")),
        ("am", ("theirs.patch",)),
    ],
)
def test_a_commit_does_not_get_into_what_is_in_progress(
    lab: Lab, command: str, arguments: tuple[str, ...]
) -> None:
    lab.git.commit({"notes.txt": "1"})
    collide(lab, "notes.txt", "2", "3")
    lab.git.commit({"notes.txt": "4"})
    patch = lab.git.git("format-patch", "-1", "side", "--stdout")
    (lab.git.root / "theirs.patch").write_text(f"{patch}\n")
    stops(lab, command, *arguments)
    before = text(lab)
    for options in (["--commit"], ["--branch"], ["--push"]):
        said = promote(lab, "fraud", "4", *options, code=5).stderr
        assert f"a {command} is in progress" in said
        assert f"git {command} --continue" in said
        assert text(lab) == before
    typed(lab, f"git {command} --abort")
    promote(lab, "fraud", "4", "--commit")


def test_without_a_commit_a_file_is_edited_in_the_middle_of_a_merge(lab: Lab) -> None:
    collide(lab, "notes.txt", "1", "2")
    stops(lab, "merge", "side")
    promote(lab, "fraud", "4")
    assert "stage: 'Production'" in text(lab)


@pytest.mark.parametrize("chosen", [None, "--ours"])
def test_a_file_with_a_conflict_is_not_edited_until_it_is_resolved(
    lab: Lab, chosen: str | None
) -> None:
    collide(lab, _FILE, _SERVING_5, f"description: new\n{text(lab)}")
    stops(lab, "merge", "side")
    if chosen:
        lab.git.git("checkout", "--quiet", chosen, _FILE)
    before = text(lab)
    for options in ([], ["--commit"]):
        said = promote(lab, "fraud", "4", *options, code=5).stderr
        assert f"{_FILE} has a conflict that is not resolved" in said
        assert text(lab) == before
    add, go_on, _ = commands(said)
    lab.git.write({_FILE: _SERVING_5})
    typed(lab, add)
    promote(lab, "fraud", "4")
    typed(lab, add)
    typed(lab, go_on)
    assert "4: {stage: Production}" in lab.git.git("show", f"HEAD:{_FILE}")


# --- what is not committed yet


@pytest.mark.parametrize("staged", [True, False])
def test_a_file_that_was_never_committed_is_committed_first(lab: Lab, *, staged: bool) -> None:
    lab.git.write({"registry-state/new model.yaml": "versions: {4: {}}\n"})
    if staged:
        lab.git.git("add", "registry-state")
    said = promote(lab, "new model", "4", "--commit", code=4).stderr
    assert "was never committed" in said
    for command in commands(said):
        typed(lab, command)
    promote(lab, "new model", "4", "--commit")


def test_the_undoing_that_is_named_undoes_what_is_staged_too(lab: Lab) -> None:
    before = text(lab)
    lab.git.write({_FILE: _SERVING_5})
    lab.git.git("add", _FILE)
    said = promote(lab, "fraud", "4", "--commit", code=4).stderr
    typed(lab, commands(said)[0])
    assert text(lab) == before
    assert lab.git.git("status", "--short") == ""


def test_a_file_that_git_ignores_is_not_committed(lab: Lab) -> None:
    lab.git.write({"registry-state/.gitignore": "x.yaml", "registry-state/x.yaml": _SERVING_5})
    assert "git ignores it" in promote(lab, "x", "4", "--commit", code=4).stderr


def test_the_command_that_comes_next_commits_a_file_that_is_new_to_git(lab: Lab) -> None:
    lab.git.write({"registry-state/x.yaml": _SERVING_5})
    done = promote(lab, "x", "4")
    typed(lab, commands(done.stdout)[0])
    assert lab.git.git("show", "--format=%s", "--name-only", "HEAD").splitlines() == [
        *("Promote x v4 to Production", "", "registry-state/x.yaml"),
    ]


# --- git does not take it


def refused_by_a_hook(lab: Lab, *options: str) -> Result:
    hook(lab, "pre-commit", "echo not on a Friday >&2; exit 1")
    done = promote(lab, "fraud", "4", *options, "--format", "json", code=5)
    assert "not on a Friday" in done.stderr
    assert (done.document["commit"], done.document["branch"]) == (None, None)
    assert "stage: 'Production'" in text(lab), "the edit is kept"
    return done


def test_a_hook_that_refuses_the_commit_is_said(lab: Lab) -> None:
    before = text(lab)
    by_hand, undo = commands(refused_by_a_hook(lab, "--commit").stderr)
    (lab.git.root / ".git" / "hooks" / "pre-commit").unlink()
    typed(lab, undo)
    assert text(lab) == before
    promote(lab, "fraud", "4")
    typed(lab, by_hand)
    assert lab.git.git("show", "--format=", "--name-only", "HEAD") == _FILE


def test_a_refused_commit_leaves_no_branch_behind(lab: Lab) -> None:
    done = refused_by_a_hook(lab, "--branch", "--push")
    assert "`main` is checked out as before" in done.stderr
    assert lab.git.git("branch", "--format=%(refname:short)") == "main"
    assert lab.git.git("branch", "--show-current") == "main"
    assert lab.git.git("ls-remote", "origin").count("refs/heads/") == 1


def test_a_refused_commit_goes_back_to_a_detached_head(lab: Lab) -> None:
    lab.git.git("checkout", "--quiet", "--detach")
    head = lab.git.git("rev-parse", "HEAD")
    done = refused_by_a_hook(lab, "--branch")
    assert f"`{head[:12]}` is checked out as before" in done.stderr
    assert lab.git.git("rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert "promote/" not in lab.git.git("branch")


def test_a_hook_that_fails_after_a_checkout_does_not_matter(lab: Lab) -> None:
    before = text(lab)
    hook(lab, "post-checkout", "exit 1")
    assert "`main` is checked out as before" in refused_by_a_hook(lab, "--branch").stderr
    assert lab.git.git("branch", "--format=%(refname:short)") == "main"
    (lab.git.root / ".git" / "hooks" / "pre-commit").unlink()
    lab.git.write({_FILE: before})
    promote(lab, "fraud", "4", "--branch")
    assert lab.git.git("log", "-1", "--format=%s") == "Promote fraud v4 to Production"


def test_a_branch_that_cannot_be_left_again_is_said(lab: Lab) -> None:
    hook(lab, "pre-commit", "echo not on a Friday >&2; touch .git/HEAD.lock; exit 1")
    said = promote(lab, "fraud", "4", "--branch", code=5).stderr
    back = commands(said)[0]
    assert "the branch `promote/fraud-v4` is checked out; `git checkout main` goes back" in said
    assert lab.git.git("branch", "--show-current") == "promote/fraud-v4"
    (lab.git.root / ".git" / "HEAD.lock").unlink()
    typed(lab, back)
    assert lab.git.git("branch", "--show-current") == "main"
    assert "stage: 'Production'" in text(lab)


def test_a_branch_that_git_has_no_room_for_is_refused_before_the_file_is_edited(lab: Lab) -> None:
    before = text(lab)
    lab.git.git("branch", "promote")
    said = promote(lab, "fraud", "4", "--branch", code=4).stderr
    assert "there is a branch `promote`" in said
    promote(lab, "fraud", "4", "--branch", "promote/a/b", code=4)
    lab.git.git("branch", "mine/too")
    promote(lab, "fraud", "4", "--branch", "mine", code=4)
    assert text(lab) == before
    promote(lab, "fraud", "4", "--branch", "mine/other")


@pytest.mark.parametrize("name", ["@", "HEAD", "@{-1}", "a..b", "x.lock", "a b", "/x"])
def test_what_git_takes_for_something_else_is_no_name_of_a_branch(lab: Lab, name: str) -> None:
    before, branches = text(lab), lab.git.git("branch")
    lab.git.git("checkout", "--quiet", "-b", "work")
    lab.git.git("checkout", "--quiet", "main")
    done = promote(lab, "fraud", "4", f"--branch={name}", code=1)
    assert "is not a branch name" in done.stderr
    assert text(lab) == before
    assert lab.git.git("branch").split() == [*branches.split(), "work"]


# --- signatures


@pytest.fixture(name="key")
def key_fixture(lab: Lab, tmp_path: Path) -> Path:
    """Have git sign every commit with an SSH key of the test's own."""
    key = tmp_path / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(make, check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "commit.gpgSign": "true",
        "gpg.format": "ssh",
        "gpg.ssh.allowedSignersFile": str(signers),
        "user.signingKey": str(key.with_suffix(".pub")),
    }.items():
        lab.git.git("config", name, value)
    return key


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("option", ["--commit", "--branch"])
def test_a_commit_is_signed_where_the_users_git_signs(lab: Lab, option: str) -> None:
    promote(lab, "fraud", "4", option)
    lab.git.git("verify-commit", "HEAD")
    assert lab.git.git("log", "-1", "--format=%G? %GS") == "G ada@example.com"


def test_a_commit_that_cannot_be_signed_is_not_made(lab: Lab, key: Path) -> None:
    head = lab.git.git("rev-parse", "HEAD")
    key.unlink()
    done = promote(lab, "fraud", "4", "--branch", code=5)
    assert "git did not commit it" in done.stderr
    assert "`main` is checked out as before" in done.stderr
    assert lab.git.git("rev-parse", "HEAD") == head


# --- `gh`, by a stand-in that writes down what it is told


def stand_in(folder: Path, script: str) -> str:
    """Return a PATH whose first `gh` is a script."""
    path = folder / "bin" / "gh"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"{path.parent}:{os.environ['PATH']}"


def test_gh_is_never_asked_for_input(lab: Lab, tmp_path: Path) -> None:
    script = 'read line && exit 1; echo "$GH_PROMPT_DISABLED $GH_TOKEN"; echo https://x.example/1'
    path = stand_in(tmp_path, script)
    done = lab.run("promote", "fraud", "4", "--pr", env={"PATH": path, "GH_TOKEN": "t"})
    assert done.code == 0, done.text
    assert "opened https://x.example/1" in done.stdout


def test_with_a_second_remote_gh_finds_out_where_the_branch_is(lab: Lab, tmp_path: Path) -> None:
    path = stand_in(tmp_path, 'echo "$*" > "$(dirname "$0")/said"; echo https://x.example/1')
    lab.git.git("remote", "add", "upstream", lab.git.git("remote", "get-url", "origin"))
    promote(lab, "fraud", "4", "--pr", path=path)
    said = (tmp_path / "bin" / "said").read_text()
    assert "--head" not in said, "there it would mean a branch of the other repository"
    assert lab.git.git("config", "branch.promote/fraud-v4.remote") == "origin"


def test_what_gh_complains_about_is_said_without_its_warnings(lab: Lab, tmp_path: Path) -> None:
    script = """{
        echo 'Warning: 1 uncommitted change'
        echo; echo 'a pull request for branch "x" already exists:'; echo https://x.example/1
        echo; echo 'Usage:  gh pr create [flags]'
    } >&2; exit 1"""
    done = promote(lab, "fraud", "4", "--pr", code=1, path=stand_in(tmp_path, script))
    assert (
        'opened no pull request: a pull request for branch "x" already exists: https://x.example/1'
        in done.stderr.splitlines()[-2]
    )
