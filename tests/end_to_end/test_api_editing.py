"""The Python API's edits on a real server and in real git: shown first, written on request."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reconciler
from tests.support.registries.api_lab import cli, opened
from tests.support.registries.lab import Lab
from tests.support.repositories.edit_lab import (  # noqa: F401  fixtures
    NEW,
    file_of,
    lab_fixture,
    model_fixture,
    tree,
)
from tests.support.repositories.git_lab import GitLab


def undone(lab: Lab, *arguments: str) -> dict[str, Any]:
    """Return the document of a command, without its `exit`, and undo what it wrote."""
    document = cli(lab, *arguments)
    lab.git.git("checkout", "--quiet", "HEAD", "--", ".")
    lab.git.git("clean", "--quiet", "-d", "--force")
    return document


# --- nothing is written before it is asked for


@pytest.mark.parametrize(
    ("command", "make"),
    [
        (["promote", "M", "3", "--alias", "new"], lambda r, m: r.promote(m, 3, aliases=["new"])),
        (["rollback", "M"], lambda r, m: r.rollback(m)),
        (["discover", "M"], lambda r, m: r.discover([m])),
        (["discover", "--model", "M*"], lambda r, m: r.discover(globs=[f"{m}*"])),
    ],
)
def test_an_edit_is_the_commands_document_and_writes_when_it_is_told_to(
    lab: Lab,
    model: str,
    command: list[str],
    make: Callable[[reconciler.Reconciler, str], reconciler.Edit],
) -> None:
    expected = undone(lab, *(part.replace("M", model) for part in command))
    before = tree(lab.git.root)
    edit = make(opened(lab), model)
    assert tree(lab.git.root) == before
    assert edit.diff
    assert (edit.diff, list(edit.meaning)) == (expected["diff"], expected["meaning"])
    assert edit.to_dict() == expected
    assert (edit.written, edit.refused, edit.code) == (False, False, 0)

    assert edit.write() is edit
    assert edit.written
    assert edit.to_dict() == expected
    after = tree(lab.git.root)
    changed = f"registry-state/{model}.yaml"
    assert {name for name in after if after[name] != before.get(name)} == {changed}
    assert "next: review and commit it: `git commit -m " in edit.to_text()
    edit.write()
    assert tree(lab.git.root) == after


def test_an_import_and_the_files_of_init_write_when_they_are_told_to(
    lab: Lab, model: str, tmp_path: Path
) -> None:
    other = lab.model(1)
    lab.hand.alias(other, "champion", 1)
    lab.hand.stage(model, 3, "Staging")
    expected = undone(lab, "import", other, model)
    assert expected["written"]
    assert expected["differences"]
    before = tree(lab.git.root)
    r = opened(lab)
    found = r.import_models([other, model])
    assert tree(lab.git.root) == before
    assert list(found.contents) == expected["written"]
    assert [*found.differences] == [one["file"] for one in expected["differences"]]
    assert found.written == ()
    assert found.write().to_dict() == expected
    assert file_of(lab, other).read_text() == found.contents[f"registry-state/{other}.yaml"]
    updated = r.import_models([model], update=True).write()
    assert updated.updated == (f"registry-state/{model}.yaml",)
    assert "Staging" in file_of(lab, model).read_text()

    folder = tmp_path / "empty"
    folder.mkdir()
    files = reconciler.open(root=folder, environ={"PATH": os.environ["PATH"]}).init()
    assert list(folder.iterdir()) == []
    assert files.new_repository
    assert files.created == ()
    written = files.write().to_dict()["created"]
    assert written == list(files.contents)
    assert (folder / ".git").is_dir()
    assert all((folder / path).read_text() == text for path, text in files.contents.items())


def test_what_is_in_the_way_of_init_is_in_its_answer_and_nothing_is_written(tmp_path: Path) -> None:
    git = GitLab.new(tmp_path)
    git.write({".github": "a file", ".pre-commit-config.yaml/x": ""})
    before = tree(git.root)
    files = reconciler.open(root=git.root, environ=git.env).init()
    assert files.code == 1
    assert [problem.message for problem in files.obstacles] == [
        "`.pre-commit-config.yaml` is not a file",
        "`.github` is not a folder",
    ]
    with pytest.raises(reconciler.UsageError) as refused:
        files.write()
    assert refused.value.problems == files.obstacles == files.problems
    assert tree(git.root) == before
    assert repr(files).startswith("<reconciler.StarterFiles: ")


# --- refused, and nothing to do


def test_a_rollback_without_a_target_is_refused_and_has_the_candidates(
    lab: Lab, model: str
) -> None:
    lab.declare(model, f"{NEW[:-1]}\n".replace("{stage: Archived}", "{blocked: it leaks}"))
    lab.git.push()
    expected = undone(lab, "rollback", model)
    edit = opened(lab).rollback(model)
    assert edit.to_dict() == expected
    assert (edit.refused, edit.code, edit.diff) == (True, 4, "")
    assert [(c.version, c.against) for c in edit.candidates] == [(1, "blocked: it leaks")]
    assert "v1" in edit.to_text()
    before = tree(lab.git.root)
    for write in (edit.write, edit.commit):
        with pytest.raises(reconciler.Refused, match="nothing to roll") as refused:
            write()
        assert refused.value.problems == edit.problems
    assert tree(lab.git.root) == before


def test_an_edit_that_changes_nothing_says_so(lab: Lab, model: str) -> None:
    opened(lab).promote(model, 2).commit()  # it pins the version
    before = tree(lab.git.root)
    edit = opened(lab).promote(model, 2).commit(branch="x")
    assert (edit.diff, edit.meaning, edit.commit_id, edit.written) == ("", (), None, False)
    assert edit.next == "it is declared so already: nothing is written"
    assert tree(lab.git.root) == before


def test_an_edit_that_is_made_again_says_that_it_is_not_committed(lab: Lab, model: str) -> None:
    opened(lab).promote(model, 2).write()
    again = opened(lab).promote(model, 2).commit()
    assert (again.commit_id, again.code) == (None, 0)
    assert again.next is not None
    assert again.next.endswith(f"nothing is written; registry-state/{model}.yaml is not committed")


def test_a_registry_that_does_not_answer_is_told_once(lab: Lab, model: str) -> None:
    said: list[str] = []
    r = reconciler.open(
        root=lab.git.root, registry_uri="http://127.0.0.1:9", environ={}, warn=said.append
    )
    assert r.promote(model, 3).diff
    (sentence,) = said
    assert sentence.startswith("not checked against a registry: ")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda r, m: r.promote(m, 3, stage="production"), "`production` is not a stage"),
        (lambda r, m: r.promote(m, 0), "a version is a whole number from 1"),
        (lambda r, m: r.promote(m, 3, reason="\ud800"), "is not UTF-8 text"),
        (lambda r, m: r.promote(m, 3).commit("\ud800"), "is not UTF-8 text"),
        (lambda r, m: r.promote(m, 3, aliases=["latest"]), "`--alias latest`"),
        (lambda r, m: r.promote(m, 3, tags={"mlflow.x": "1"}), "is ignored"),
        (lambda r, m: r.rollback(m, block=True), "`--block` writes down why"),
        (lambda r, _: r.discover(["none"]), "model `none` is not declared"),
        (lambda r, m: r.import_models([m], versions="some"), "`some` is not a choice"),
    ],
)
def test_arguments_that_mean_nothing_are_usage_errors(
    lab: Lab, model: str, make: Callable[[reconciler.Reconciler, str], object], said: str
) -> None:
    before = tree(lab.git.root)
    with pytest.raises(reconciler.UsageError, match=said):
        make(opened(lab), model)
    assert tree(lab.git.root) == before


def test_one_name_is_not_taken_for_its_letters(lab: Lab, model: str) -> None:
    edit = opened(lab).promote(model, 3, aliases="new")
    assert [line for line in edit.diff.splitlines() if "new" in line]
    assert "aliases: [new]" in edit.diff
