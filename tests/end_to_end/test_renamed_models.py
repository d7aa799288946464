"""Models that get another name, in git and in the registry, in either order, and those that go."""

from pathlib import Path

import pytest

from tests.support.registries.lab import Lab, Result, rows
from tests.support.repositories.history_lab import applied, changes, offline

V1 = "versions:\n  1: {stage: Production, aliases: [champion, old]}\n  2: {stage: Staging}\n"
V2 = "versions:\n  1: {stage: Archived}\n  2: {stage: Production, aliases: [champion, old]}\n"
FRAUD = "registry-state/fraud.yaml"


# --- git alone


@pytest.fixture
def desk(tmp_path: Path) -> Lab:
    """Declare v1, then v2, of a model with another name than `fraud`."""
    desk = offline(tmp_path)
    desk.git.commit({"registry-state/scam.yaml": V1}, "v1")
    desk.git.commit({"registry-state/scam.yaml": V2}, "v2")
    return desk


def meanings(desk: Lab) -> list[list[str]]:
    return [row["meaning"] for row in changes(desk)]


def test_the_history_goes_on_where_a_file_was_renamed(desk: Lab) -> None:
    desk.git.move("registry-state/scam.yaml", FRAUD)
    assert [row["serving"] for row in changes(desk)] == [1, 2, 2]
    assert meanings(desk)[-1] == ["renamed from scam"]


def test_what_the_renaming_commit_changes_besides_is_told_as_a_change(desk: Lab) -> None:
    desk.git.commit({"registry-state/scam.yaml": None, FRAUD: V2.replace(", old", "")})
    assert meanings(desk)[-1] == ["renamed from scam", "@old 2 → removed"]


def test_the_history_goes_on_where_a_file_got_another_model(desk: Lab) -> None:
    desk.git.commit({"registry-state/scam.yaml": f"model: fraud\n{V2}"})
    assert [row["serving"] for row in changes(desk)] == [1, 2, 2]


def test_what_git_cannot_see_is_said_in_the_file(desk: Lab) -> None:
    other = "description: >\n  Nothing of this was in the other file, not a single line of it.\n"
    desk.git.commit({"registry-state/scam.yaml": None, FRAUD: f"{other}versions: {{2: {{}}}}"})
    assert len(changes(desk)) == 1
    desk.git.commit({FRAUD: f"renamed_from: scam\n{other}versions: {{2: {{}}}}"})
    assert [row["serving"] for row in changes(desk)] == [1, 2, None]


def test_one_name_after_the_other_and_back_is_one_history(desk: Lab) -> None:
    desk.git.move("registry-state/scam.yaml", "registry-state/deceit.yaml")
    desk.git.move("registry-state/deceit.yaml", FRAUD)
    desk.git.move(FRAUD, "registry-state/scam.yaml")
    desk.git.move("registry-state/scam.yaml", FRAUD)
    assert [row["serving"] for row in changes(desk)] == [1, 2, 2, 2, 2, 2]


def test_the_former_name_is_answered_with_the_new_one(desk: Lab) -> None:
    desk.git.move("registry-state/scam.yaml", FRAUD)
    done = desk.run("history", "scam")
    assert done.code == 0
    assert "`scam` is `fraud` by now" in done.stderr
    assert "renamed from scam" in done.stdout
    assert done.stdout.startswith("fraud: merged history of ")
    assert desk.run("history", "scam", "--format", "json").document["model"] == "fraud"
    then = desk.run("history", "fraud", "--at", "now", "--format", "json")
    assert then.document["model"] == "fraud"


def test_the_history_has_the_name_of_today_with_one_model_and_with_all(desk: Lab) -> None:
    desk.git.move("registry-state/scam.yaml", FRAUD)
    one = desk.run("history", "fraud", "--format", "json").document
    every = desk.run("history", "--format", "json").document
    assert one["model"] == "fraud"
    assert every["models"] == ["fraud"]
    assert [change["model"] for change in every["changes"]] == ["fraud"] * 3
    by_former_name = desk.run("history", "--model", "scam", "--format", "json")
    assert by_former_name.document["models"] == ["fraud"]
    assert "`scam` is `fraud` by now" in by_former_name.stderr


@pytest.mark.parametrize(
    "files",
    [
        {"registry-state/scam.yaml": V2, FRAUD: V2},
        {"registry-state/scam.yaml": None, FRAUD: "versions: {1: {run_id: b}, 2: {}}"},
        {FRAUD: f"renamed_from: mischief\n{V2}"},
    ],
    ids=["a copy", "other pins", "another name"],
)
def test_a_model_that_is_not_the_other_one_has_a_history_of_its_own(
    desk: Lab, files: dict[str, str | None]
) -> None:
    pinned = V2.replace("{stage: Archived}", "{stage: Archived, run_id: a}")
    desk.git.commit({"registry-state/scam.yaml": pinned}, "pinned")
    desk.git.commit(files)
    assert len(changes(desk)) == 1


def test_a_name_that_was_in_use_before_keeps_its_own_history(desk: Lab) -> None:
    desk.git.commit({FRAUD: V1})
    desk.git.commit({FRAUD: None})
    desk.git.move("registry-state/scam.yaml", FRAUD)
    assert [row["serving"] for row in changes(desk)] == [1, None, 2]


def test_a_pure_rename_is_no_change_of_what_serves(desk: Lab) -> None:
    first, second = (desk.git.git("rev-parse", commit) for commit in ("HEAD~1", "HEAD"))
    applied(desk, first, 1, "scam")
    applied(desk, second, 2, "scam")
    desk.git.move("registry-state/scam.yaml", FRAUD)
    audited = desk.run("audit", "--format", "json", env={"MLFLOW_TRACKING_URI": ""}).document
    assert [row["applied"] is not None for row in audited["changes"]] == [True, True]
    assert {finding["kind"] for finding in audited["findings"]} == {"unapproved"}


def test_a_model_that_is_gone_counts_as_released(desk: Lab) -> None:
    first, second = (desk.git.git("rev-parse", commit) for commit in ("HEAD~1", "HEAD"))
    applied(desk, first, 1, "scam")
    applied(desk, second, 2, "scam")
    desk.git.commit({"registry-state/scam.yaml": None, FRAUD: "versions: {}"})
    audited = desk.run("audit", "--format", "json", env={"MLFLOW_TRACKING_URI": ""}).document
    assert {finding["kind"] for finding in audited["findings"]} == {"unapproved"}


# --- git and the registry


def renamed_in_the_registry(lab: Lab, old: str, new: str) -> None:
    lab.hand.call("POST", "registered-models/rename", name=old, new_name=new)


def renamed_in_git(lab: Lab, old: str, new: str, content: str) -> None:
    lab.git.commit({f"registry-state/{old}.yaml": None, f"registry-state/{new}.yaml": content})


def plan(lab: Lab, model: str) -> Result:
    return lab.run("plan", "--model", model, "--format", "json")


@pytest.fixture
def model(lab: Lab) -> str:
    """Apply v1, then v2, each with a record."""
    name = lab.model(2)
    for content in (V1, V2):
        lab.declare(name, content)
        assert lab.run("apply", "--yes", "--record").code == 0
    return name


def test_a_model_that_is_renamed_keeps_its_base_and_its_past(lab: Lab, model: str) -> None:
    new = f"{model}-renamed"
    renamed_in_git(lab, model, new, V2.replace(", old", ""))
    early = plan(lab, new)
    assert early.code == 3
    (error,) = early.document["errors"]
    assert error["message"] == f"model `{new}` is not in the registry: it is `{model}` there"
    assert error["hint"] == f"rename it in MLflow to `{new}`, then apply"
    assert lab.run("plan", "--since", "HEAD~1").code == 3
    assert lab.run("apply", "--yes").code == 3
    record = lab.hand.holds(model)["tag reconciler.commit"]

    renamed_in_the_registry(lab, model, new)
    assert lab.hand.holds(new)["tag reconciler.commit"] == record
    assert rows(plan(lab, new).document) == ["alias old 2→None removed"]
    assert lab.run("apply", "--yes", "--record").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0

    audited = lab.run("audit", "--format", "json").document["findings"]
    mine = [finding for finding in audited if model in (finding["model"] or "")]
    assert {finding["kind"] for finding in mine} == {"unapproved"}, mine

    back = lab.run("rollback", new, "--format", "json")
    assert back.code == 0, back.text
    assert [(c["version"], c["proof"]) for c in back.document["candidates"]] == [(1, "applied")]


def test_a_model_that_was_renamed_in_the_registry_alone_is_found(lab: Lab, model: str) -> None:
    new = f"{model}-renamed"
    renamed_in_the_registry(lab, model, new)
    for done in (plan(lab, model), lab.run("plan", "--format", "json")):
        (error,) = done.document["errors"]
        assert error["message"] == f"model `{model}` is not in the registry: it is `{new}` there"
        hint = f"rename it in git, too: the file of `{new}` can say `renamed_from: {model}`"
        assert error["hint"] == hint


def test_a_former_name_that_is_live_beside_the_new_one_is_a_copy(lab: Lab, model: str) -> None:
    new = f"{model}-copy"
    lab.hand.register(new, 2)
    renamed_in_git(lab, model, new, f"renamed_from: {model}\n{V2}")
    (error,) = plan(lab, new).document["errors"]
    assert error["message"] == (
        f"`{new}` was not renamed from `{model}`: both are in the registry, so it is a copy"
    )


def test_nothing_is_rolled_back_to_a_version_of_another_model(lab: Lab, model: str) -> None:
    new = f"{model}-other"
    lab.hand.register(new, 2)
    renamed_in_git(lab, model, new, V2)
    (candidate,) = lab.run("rollback", new, "--format", "json").document["candidates"]
    assert candidate["version"] == 1
    assert candidate["against"] == f"`{model}` is still in the registry: it is another model"
