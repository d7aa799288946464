"""Versions and models deleted by hand: told as drift, taken out of the files by `tidy`."""

import subprocess

import pytest

from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab

_FILE = """\
# who serves
versions:
  # the new one
  3: {stage: Production, aliases: [champion]}
  2:  # soon over
    stage: Archived
    tags: {risk: low}
  1: {stage: Archived}
"""


def _delete(lab: Lab, model: str, version: int | None = None) -> None:
    if version is None:
        lab.hand.call("DELETE", "registered-models/delete", name=model)
    else:
        lab.hand.call("DELETE", "model-versions/delete", name=model, version=str(version))


def _text(lab: Lab, model: str) -> str:
    return (lab.git.root / f"registry-state/{model}.yaml").read_text()


@pytest.fixture(name="model")
def model_fixture(lab: Lab) -> str:
    lab.git.git("config", "user.name", "Ada")
    lab.git.git("config", "user.email", "ada@example.com")
    model = lab.model(4)
    lab.declare(model, _FILE)
    assert lab.run("apply", "--yes").code == 0
    return model


def test_a_version_at_rest_that_was_deleted_is_drift_and_tidied(lab: Lab, model: str) -> None:
    _delete(lab, model, 2)
    planned = lab.run("plan", "--format", "json", "--detailed-exitcode")
    assert (planned.code, planned.document["changes"]) == (0, [])
    assert planned.document["models"][0]["deleted"] == [2]
    assert (
        f"`reconciler tidy {model}` takes the entry out"
        in planned.document["models"][0]["messages"][0]
    )
    drifted = lab.run("drift", "--format", "json")
    assert (drifted.code, drifted.document["deleted"]) == (2, [{"model": model, "version": 2}])
    text = lab.run("drift").stdout
    audited = lab.run("audit", "--format", "json").document["findings"]
    drift = [one["message"] for one in audited if (one["kind"], one["model"]) == ("drift", model)]
    assert drift == ["v2 was deleted in the registry, git declares it"]
    assert "drift: 1 deleted version\n" in text
    assert "  - v2  deleted in the registry\n" in text
    status = lab.run("status", model, "--format", "json").document["versions"]
    assert [(row["version"], row["sync"]) for row in status] == [
        (3, "in sync"),
        (2, "deleted"),
        (1, "in sync"),
    ]
    only = lab.run("status", "--only", "deleted", "--format", "json").document["versions"]
    assert [(row["model"], row["version"]) for row in only] == [(model, 2)]
    done = lab.run("tidy", model, "--commit", "--reason", "retention")
    assert done.code == 0, done.text
    assert _text(lab, model) == _FILE.replace(
        "  2:  # soon over\n    stage: Archived\n    tags: {risk: low}\n", ""
    )
    assert lab.git.git("log", "-1", "--format=%s") == (
        f"Take out {model} v2, which is no longer in the registry"
    )
    assert lab.run("drift").code == 0
    assert lab.run("apply", "--yes").code == 0
    assert "nothing to take out" in lab.run("tidy").stdout


def test_the_serving_version_was_deleted(lab: Lab, model: str) -> None:
    _delete(lab, model, 3)
    planned = lab.run("plan")
    assert planned.code == 3
    assert (
        f"registry-state/{model}.yaml:4: `{model}` v3 was deleted in the registry; git declares it "
        "Production @champion\n" in planned.stderr
    )
    drifted = lab.run("drift", "--format", "json")
    assert (drifted.code, drifted.document["deleted"]) == (3, [{"model": model, "version": 3}])
    done = lab.run("tidy", "--format", "json")
    assert done.document["versions"] == [
        {"model": model, "version": 3, "file": f"registry-state/{model}.yaml"}
    ]
    assert "@champion" not in _text(lab, model)
    lab.git.commit({}, "tidy")
    assert lab.run("apply", "--yes").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0
    assert lab.run("drift").code == 0


def test_a_number_that_never_was_is_still_an_error(lab: Lab, model: str) -> None:
    lab.declare(model, "versions: {7: {stage: Production}}")
    refused = lab.run("plan")
    assert refused.code == 3
    assert f"`{model}` has no version 7\n  the registry has v1, v2, v3, v4\n" in refused.stderr


@pytest.mark.usefixtures("model")
def test_the_file_of_a_deleted_model_is_removed_where_git_has_it(lab: Lab) -> None:
    gone = lab.model(1)
    lab.declare(gone, "versions: {1: {stage: Production}}")
    assert lab.run("apply", "--yes").code == 0
    _delete(lab, gone)
    planned = lab.run("plan")
    assert planned.code == 3
    assert f"`reconciler tidy {gone}` removes the file" in planned.text
    file = lab.git.root / f"registry-state/{gone}.yaml"
    file.write_text("# not committed\nversions: {1: {stage: Production}}\n")
    kept = lab.run("tidy")
    assert kept.code == 4
    assert "it has changes that are not committed" in kept.stderr
    assert file.exists()
    lab.git.git("checkout", "--", ".")
    edit = opened(lab).tidy([gone])
    assert edit.removed == (f"registry-state/{gone}.yaml",)
    assert "+++ /dev/null" in edit.diff
    assert edit.commit(branch="").branch == f"tidy/{gone}"
    assert not file.exists()
    assert lab.git.git("status", "--porcelain") == ""
    assert lab.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.usefixtures("model")
def test_a_model_that_was_renamed_keeps_its_file(lab: Lab) -> None:
    old = lab.model(1)
    lab.declare(old, "versions: {1: {stage: Production}}")
    assert lab.run("apply", "--yes").code == 0
    lab.hand.call("POST", "registered-models/rename", name=old, new_name=f"{old}-new")
    kept = lab.run("tidy")
    assert kept.code == 3
    assert f"it is `{old}-new` there" in kept.stderr
    assert (lab.git.root / f"registry-state/{old}.yaml").exists()


def test_a_registry_without_any_declared_model_is_taken_for_another_one(
    lab: Lab, model: str
) -> None:
    _delete(lab, model)
    refused = lab.run("tidy")
    assert refused.code == 4
    assert "the only declared model is not in" in refused.stderr
    assert (lab.git.root / f"registry-state/{model}.yaml").exists()


def test_without_git_no_file_is_removed(lab: Lab, model: str) -> None:
    gone = lab.model(1)
    lab.declare(gone, "versions: {1: {}}")
    _delete(lab, gone)
    _delete(lab, model, 1)
    subprocess.run(["rm", "-r", ".git"], cwd=lab.git.root, check=True)
    done = lab.run("tidy")
    assert done.code == 4
    assert "git does not have it" in done.stderr
    assert "  1:" not in _text(lab, model), "the other file is tidied"
    assert (lab.git.root / f"registry-state/{gone}.yaml").exists()


def test_another_version_under_a_pinned_number_is_named_and_stays(lab: Lab, model: str) -> None:
    lab.declare(model, "versions: {4: {stage: Staging, source: s3://other/4}}")
    done = lab.run("tidy", model)
    assert done.code == 0
    assert "nothing to take out" in done.stdout
    assert f"`reconciler import --update --pins {model}`" in done.stderr


def test_what_an_ab_test_needs_keeps_its_file_and_no_other(lab: Lab, model: str) -> None:
    tested = lab.model(2)
    content = "versions:\n  2: {traffic: 0.1}\n  1: {stage: Production, traffic: 0.9}\n"
    lab.declare(tested, content)
    _delete(lab, tested, 2)
    _delete(lab, model, 1)
    done = lab.run("tidy")
    assert done.code == 3
    assert "traffic" in done.stderr
    assert _text(lab, tested) == content
    assert "  1:" not in _text(lab, model)


@pytest.mark.parametrize(
    ("content", "after"),
    [
        ("versions:\n  4: {stage: Archived}\n", "versions: {}\n"),
        ("description: x\nversions:\n  4: {}\n", "description: x\nversions: {}\n"),
    ],
)
def test_the_last_entry_goes_too(lab: Lab, model: str, content: str, after: str) -> None:
    lab.declare(model, content)
    _delete(lab, model, 4)
    assert lab.run("tidy").code == 0
    assert _text(lab, model) == after
    lab.git.commit({}, "tidy")
    assert lab.run("validate").code == 0
