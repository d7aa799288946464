"""What git knows is answered whatever is wrong with the checkout or the registry, and said so."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.registries.lab import Lab
from tests.support.repositories.history_lab import FILE, V3, V4, changes, offline

_SETTINGS = "registry-state/reconciler.yaml"
_MISSING = "incomplete, the registry is not compared: "


@pytest.fixture(name="desk")
def desk_fixture(tmp_path: Path) -> Lab:
    """Set up a checkout where v3 and then v4 of `fraud` served; its registry does not answer."""
    desk = offline(tmp_path)
    desk.git.commit({FILE: V3, _SETTINGS: "branch: main\n"}, "Serve v3 (#1)")
    desk.git.commit({FILE: V4}, "Serve v4 (#2)")
    return desk


def _moves(document: dict[str, Any]) -> list[tuple[int | None, int | None]]:
    """Return what served before and after each row."""
    serving_changes = [move for row in document["changes"] for move in row["moves"]]
    return [
        (move["before"], move["after"]) for move in serving_changes if move["what"] == "serving"
    ]


def _break_a_file(desk: Lab) -> None:
    desk.git.write({FILE: "versions: ["})


def _break_a_merged_file(desk: Lab) -> None:
    desk.git.commit({FILE: "versions: ["})


def _break_merged_settings(desk: Lab) -> None:
    desk.git.commit({_SETTINGS: "branch: ["})


def _remove_the_files(desk: Lab) -> None:
    desk.git.write({FILE: None})


def _remove_the_folder(desk: Lab) -> None:
    desk.git.write({FILE: None, _SETTINGS: None})
    (desk.git.root / "registry-state").rmdir()


def _pin_another_registry(desk: Lab) -> None:
    desk.git.write({_SETTINGS: "branch: main\nregistry: http://other:5000\n"})


@pytest.mark.parametrize(
    ("spoil", "code", "why"),
    [
        (lambda _: None, 6, "cannot connect to http://127.0.0.1:9: "),
        (_break_a_file, 3, f"{FILE}:2:1: this is not YAML"),
        (_break_a_merged_file, 3, f"{FILE}:2:1: this is not YAML"),
        (_break_merged_settings, 3, f"{_SETTINGS}:2:1: this is not YAML"),
        (_remove_the_files, 3, "registry-state: the state folder declares no model"),
        (_remove_the_folder, 3, "registry-state: the state folder is not in this checkout"),
        (_pin_another_registry, 4, "this state is pinned to http://other:5000"),
    ],
)
def test_rows_and_findings_of_git_are_there_and_the_problem_decides_the_code(
    desk: Lab, spoil: Callable[[Lab], None], code: int, why: str
) -> None:
    spoil(desk)
    result = desk.run("audit", "--format", "json")
    document = result.document
    assert (result.code, document["exit"]["code"], document["registry"]) == (code, code, None)
    assert _moves(document) == [(None, 3), (3, 4)]
    assert [found["kind"] for found in document["findings"]] == ["unapproved"] * 2
    (error,) = document["errors"]
    assert error["message"] in result.stderr
    shown = desk.run("audit")
    assert shown.code == code
    assert shown.stdout.startswith(f"{_MISSING}{why}")
    assert "serving v3 → v4" in shown.stdout
    assert "\naudit: 2 findings, incomplete\n" in shown.stdout


def test_a_registry_that_refuses_leaves_the_answer_of_git(lab: Lab) -> None:
    name = lab.model(1)
    lab.declare(name, "versions: {1: {stage: Production}}")
    refusing = {"MLFLOW_TRACKING_URI": f"{lab.uri}/not-mlflow"}
    result = lab.run("audit", "--format", "json", env=refusing)
    assert (result.code, _moves(result.document)) == (6, [(None, 1)])
    assert len(result.document["errors"]) == 1


def test_markdown_and_csv_say_that_the_comparison_is_missing(desk: Lab) -> None:
    _break_a_file(desk)
    marked = desk.run("audit", "--format", "markdown").stdout.splitlines()
    assert marked[0] == "### Audit: 2 changes, 2 findings, incomplete"
    assert marked[2].startswith("- incomplete, the registry is not compared")
    rows = csv.DictReader(io.StringIO(desk.run("audit", "--format", "csv").stdout))
    assert [row["what"][: len(_MISSING)] for row in rows if row["kind"] == "error"] == [_MISSING]


def test_a_moment_of_the_past_asks_neither_the_checkout_nor_the_registry(desk: Lab) -> None:
    _break_a_file(desk)
    result = desk.run("audit", "--format", "json", "--until", "2024-01-01")
    assert (result.code, result.document["errors"]) == (2, [])
    assert _moves(result.document) == [(None, 3), (3, 4)]


@pytest.mark.parametrize("spoil", [_break_a_file, _break_merged_settings, _remove_the_folder])
def test_history_is_not_stopped_by_what_is_wrong_in_the_checkout(
    desk: Lab, spoil: Callable[[Lab], None]
) -> None:
    spoil(desk)
    assert [row["serving"] for row in changes(desk)] == [3, 4]


@pytest.mark.parametrize("command", [("audit",), ("history", "fraud")])
def test_a_folder_that_never_was_there_is_a_usage_error(
    desk: Lab, command: tuple[str, ...]
) -> None:
    result = desk.run(*command, "--state", "registri-state")
    assert result.code == 1
    assert "there is no state folder `registri-state`" in result.stderr


def test_what_served_is_read_with_the_settings_of_then(desk: Lab) -> None:
    """v5 becomes champion while Production serves, and serves from the day the settings say so."""
    staged = "versions: {4: {stage: Production}, 5: {aliases: [champion]}}"
    desk.git.commit({FILE: staged}, "Try v5")
    desk.git.commit({_SETTINGS: "branch: main\nserving: {alias: champion}\n"}, "By alias")
    desk.git.commit({FILE: staged.replace("[champion]", "[champion, eu]")}, "Europe")
    desk.git.commit({_SETTINGS: None}, "By stage")
    result = desk.run("audit", "--format", "json")
    assert _moves(result.document) == [(None, 3), (3, 4), (4, 5), (5, 4)]
    rows = changes(desk)
    assert [row["serving"] for row in rows] == [3, 4, 4, 5, 5, 4]
    assert rows[3]["meaning"] == ["serving is @champion, not Production"]
    assert [row["serving"] for row in changes(desk, "--version", "5")] == [4, 5, 5, 4]
    moment = rows[4]["merged"]
    assert "serving (@champion)" in desk.run("history", "fraud", "--at", moment).stdout
    assert "serving (Production)" in desk.run("history", "fraud", "--at", "2100-01-01").stdout


def test_new_settings_have_nothing_to_apply_and_hide_no_apply(lab: Lab) -> None:
    name = lab.model(1)
    both = "versions: {1: {stage: Production, aliases: [champion]}}"
    by_alias = "branch: main\nserving: {alias: champion}\n"

    def standings() -> list[str]:
        rows = lab.run("history", name, "--format", "json").document["changes"]
        return [row["standing"] for row in rows]

    lab.git.commit({_SETTINGS: "branch: main\n"})
    lab.declare(name, both)
    assert lab.run("apply", "--yes", "--record").code == 0
    lab.git.commit({_SETTINGS: by_alias})
    assert standings() == ["applied", "applied"]
    lab.declare(name, both.replace("champion", "champion, eu"))
    lab.git.commit({_SETTINGS: "branch: main\n"})
    lab.git.commit({"README": "x"})
    assert lab.run("apply", "--yes", "--record").code == 0
    assert standings() == ["applied"] * 4
