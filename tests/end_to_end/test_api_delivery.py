"""How the Python API's edits get into git: what forbids it is found out before the first byte."""

from collections.abc import Callable
from typing import Any

import pytest

import reconciler
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab
from tests.support.repositories.edit_lab import (  # noqa: F401  fixtures
    NEW,
    file_of,
    lab_fixture,
    model_fixture,
    tree,
)


def message(lab: Lab) -> str:
    """Return the message of the commit that is checked out."""
    return lab.git.git("log", "-1", "--format=%B")


def test_a_commit_on_a_branch_is_the_commands(lab: Lab, model: str) -> None:
    options = ("--branch", "--push", "--reason", "It is better.")
    assert lab.run("promote", model, "3", *options).code == 0
    theirs, name = message(lab), lab.git.git("branch", "--show-current")
    lab.git.checkout("main")
    lab.git.git("branch", "--delete", "--force", name)
    lab.git.git("push", "--quiet", "origin", "--delete", name)

    edit = opened(lab).promote(model, 3, reason="It is better.").commit(branch="", push=True)
    assert message(lab) == theirs
    assert edit.branch == name == lab.git.git("branch", "--show-current")
    assert edit.commit_id == lab.git.git("rev-parse", "HEAD")
    assert edit.commit_id == lab.git.git("rev-parse", f"origin/{name}")
    assert edit.to_dict()["commit"] == edit.commit_id
    assert edit.next == "open a pull request: its review is the approval"
    assert lab.git.git("status", "--porcelain") == ""


def test_a_commit_has_the_message_that_is_given_and_only_the_edit(lab: Lab, model: str) -> None:
    lab.git.write({"other.txt": "staged"})
    lab.git.git("add", "other.txt")
    edit = opened(lab).promote(model, 3).write()
    edit.commit("Serve the third\n\nIt is better.")
    assert message(lab) == "Serve the third\n\nIt is better."
    assert lab.git.git("show", "--format=", "--name-only") == f"registry-state/{model}.yaml"
    assert lab.git.git("status", "--porcelain") == "A  other.txt"
    with pytest.raises(reconciler.UsageError, match="committed already"):
        edit.commit()


def _dirty(lab: Lab, model: str) -> None:
    lab.git.write({f"registry-state/{model}.yaml": f"{NEW}# by hand\n"})


def _taken(lab: Lab, _: str) -> None:
    lab.git.git("branch", "taken")


def _merging(lab: Lab, _: str) -> None:
    lab.git.branch("side")
    lab.git.commit({"notes.txt": "theirs"})
    lab.git.checkout("main")
    lab.git.commit({"notes.txt": "ours"})
    with pytest.raises(AssertionError):
        lab.git.git("merge", "side")


def _without_remote(lab: Lab, _: str) -> None:
    lab.git.git("remote", "remove", "origin")


@pytest.mark.parametrize(
    ("prepare", "options", "refusal"),
    [
        (_dirty, {}, (reconciler.Refused, "has changes that are not committed")),
        (_taken, {"branch": "taken"}, (reconciler.Refused, "there is a branch `taken` already")),
        (_merging, {"branch": "x"}, (reconciler.OutOfStep, "a merge is in progress")),
        (_without_remote, {"push": True}, (reconciler.UsageError, "which remote to push to")),
    ],
)
def test_what_forbids_a_commit_is_found_out_before_anything_is_written(
    lab: Lab,
    model: str,
    prepare: Callable[[Lab, str], None],
    options: dict[str, Any],
    refusal: tuple[type[reconciler.ReconcilerError], str],
) -> None:
    prepare(lab, model)
    edit = opened(lab).promote(model, 3)
    before = tree(lab.git.root / "registry-state")
    error, said = refusal
    with pytest.raises(error, match=said):
        edit.commit(**options)
    assert tree(lab.git.root / "registry-state") == before
    assert not edit.written


def test_an_edit_that_took_other_changes_along_is_not_committed(lab: Lab, model: str) -> None:
    _dirty(lab, model)
    edit = opened(lab).promote(model, 3).write()
    with pytest.raises(reconciler.Refused, match="changes that are not committed"):
        edit.commit()
    lab.git.git("checkout", "HEAD", "--", ".")
    edit = opened(lab).promote(model, 3).write()
    with file_of(lab, model).open("a") as file:
        file.write("# by hand\n")
    with pytest.raises(reconciler.OutOfStep, match="changed since the edit was written"):
        edit.commit()
    assert lab.git.git("rev-parse", "HEAD") == lab.git.git("rev-parse", "origin/main")


def test_a_file_that_changed_meanwhile_is_not_written_over(lab: Lab, model: str) -> None:
    edit = opened(lab).promote(model, 3)
    update = opened(lab).import_models([model], update=True)
    assert list(update.contents) == [f"registry-state/{model}.yaml"]
    lab.git.commit({f"registry-state/{model}.yaml": f"{NEW}# by somebody else\n"})
    before = tree(lab.git.root)
    for write in (edit.write, edit.commit, update.write):
        with pytest.raises(reconciler.OutOfStep, match="changed since the edit was made"):
            write()
    assert tree(lab.git.root) == before


def test_a_hook_that_refuses_is_raised_and_told_by_the_edit(lab: Lab, model: str) -> None:
    hook = lab.git.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    edit = opened(lab).promote(model, 3)
    with pytest.raises(reconciler.OutOfStep, match="git did not commit it") as failed:
        edit.commit()
    assert (edit.written, edit.commit_id, edit.code) == (True, None, 5)
    assert edit.problems == failed.value.problems
    hook.unlink()
    edit.commit()
    assert edit.commit_id == lab.git.git("rev-parse", "HEAD")
    assert (edit.problems, edit.code) == ((), 0)


def test_what_another_run_has_proposed_is_not_proposed_again(lab: Lab, model: str) -> None:
    first = opened(lab).discover([model]).commit(branch="", push=True)
    lab.git.checkout("main")
    lab.git.git("branch", "--delete", "--force", str(first.branch))
    again = opened(lab).discover([model])
    assert again.diff
    again.commit(branch="", push=True)
    assert (again.diff, again.commit_id, again.branch) == ("", None, first.branch)
    assert lab.git.git("status", "--porcelain", "--branch") == "## main...origin/main"
