"""`reconciler show`: everything that is known of a version, and who put it where it is."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.facts import Column, Signature
from tests.support.registries.lab import Lab
from tests.support.registries.servers import MlflowSeeds, free_port

_SIGNATURE = Signature(
    inputs=(Column("amount", "double"), Column("note", "string", required=False)),
    outputs=(Column(None, "double"),),
)
_V1 = "tags: {team: pay}\nversions:\n  1: {stage: Production, aliases: [champion]}\n"
_V2 = """\
description: Scores cards
tags: {team: pay}
versions:
  2: {stage: Production, aliases: [champion], tags: {risk: high}, description: Better}
  1: {stage: Archived}
"""
_PROMOTE = "Promote (#12)\n\nReviewed-by: Bo <bo@example.com>"


@pytest.fixture(name="model")
def _model(lab: Lab) -> str:
    """Register a model with two versions, of which git declares nothing."""
    model = lab.model(0)
    seeds = MlflowSeeds(lab.uri)
    seeds.create_version(model, source="s3://key:secret@bucket/1")
    seeds.log_version(
        model,
        metrics={"auc": 0.931, "loss": math.nan},
        params={"depth": "7", "data_version": "2026-10"},
        run_tags={"mlflow.source.git.commit": "cd" * 20, "team": "cards"},
        signature=_SIGNATURE,
        tags={"validated": "true"},
    )
    return model


def _show(lab: Lab, name: str, cwd: Path | None = None) -> dict[str, Any]:
    done = lab.run("show", name, "--format", "json", cwd=cwd)
    assert done.code == 0, done.text
    return done.document


def _applied(lab: Lab, model: str, content: str, message: str = "declare") -> str:
    commit = lab.declare(model, content, message)
    done = lab.run("apply", "--yes", "--record", "--model", model)
    assert done.code == 0, done.text
    return commit


def _brought(document: dict[str, Any]) -> dict[str, str | None]:
    """Return the commit that brought a version to each of its places."""
    return {
        place["name"]: place["brought_by"] and place["brought_by"]["commit"]
        for place in document["version"]["places"]
    }


def test_everything_known_of_a_version_is_shown(lab: Lab, model: str) -> None:
    lab.git.commit()
    lab.hand.describe(model, 2, "Better")
    found = _show(lab, f"{model}/2")["version"]

    assert (found["stage"], found["aliases"], found["description"]) == ("None", [], "Better")
    assert found["tags"] == {"validated": "true"}
    assert found["metrics"] == {"auc": 0.931, "loss": "NaN"}
    assert found["params"] == {"data_version": "2026-10", "depth": "7"}
    assert found["signature"]["inputs"][1] == {"name": "note", "type": "string", "required": False}
    assert (found["source_commit"], found["data_version"]) == ("cd" * 20, "2026-10")
    assert (found["registered_by"], found["run"]["status"]) == ("ann", "FINISHED")
    assert found["run_tags"] == {"team": "cards"}
    assert found["missing"] == []

    text = lab.run("show", f"{model}/2").stdout
    for part in (f"{model} v2\n", '"Better"', 'validated "true"', 'team "cards"', "cd" * 20):
        assert part in text
    for row in ("auc +0.931", "loss +NaN", 'depth +"7"', "inputs +amount double", "note string, "):
        assert re.search(rf"^ +{row}", text, re.MULTILINE), row


def test_a_model_alone_shows_what_serves_and_the_others_with_a_line_each(
    lab: Lab,
    model: str,
) -> None:
    _applied(lab, model, _V2)
    found = _show(lab, model)
    assert found["version"]["version"] == 2
    assert found["model"]["description"] == "Scores cards"
    assert found["model"]["tags"] == {"team": "pay"}
    assert found["model"]["file"] == f"registry-state/{model}.yaml"
    assert [row["version"] for row in found["versions"]] == [2, 1]
    text = lab.run("show", model).stdout
    assert text.startswith(f"{model} v2\n")
    assert re.search(r"\nother versions\n.*\n  v1 +Archived +- +in sync ", text)
    assert 'team "pay"' in text


def test_what_serves_is_what_the_settings_say(lab: Lab, model: str) -> None:
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "live", 2)
    lab.git.commit({"registry-state/reconciler.yaml": "serving: {alias: live}"})
    assert _show(lab, model)["version"]["version"] == 2


def test_where_nothing_serves_the_versions_are_listed(lab: Lab, model: str) -> None:
    lab.git.commit()
    assert _show(lab, model)["version"] is None
    text = lab.run("show", model).stdout
    assert "  nothing serves (Production)\n" in text
    assert re.search(r"\nversions\n.*\n  v2 .*\n  v1 ", text)


def test_each_place_names_the_commit_that_brought_it(lab: Lab, model: str) -> None:
    first = _applied(lab, model, _V1)
    second = _applied(lab, model, _V2, _PROMOTE)
    _applied(lab, model, _V2.replace("high", "low"))

    found = _show(lab, f"{model}@champion")
    assert _brought(found) == {"Production": second, "@champion": second}
    credit = found["version"]["places"][0]["brought_by"]
    assert (credit["author"], credit["pull_request"]) == ("Ada", 12)
    assert credit["approvals"] == [{"name": "Bo <bo@example.com>", "kind": "claimed"}]
    assert [one["commit"] for one in credit["applied"]] == [second]
    assert _brought(_show(lab, f"{model}/1")) == {"Archived": second}
    assert first not in lab.run("show", model).stdout

    text = lab.run("show", model).stdout
    assert f"Production  by {second[:12]}\n" in text
    assert f'{second[:12]} "Promote (#12)" by Ada, merged ' in text
    assert text.count("approved by Bo <bo@example.com> (claimed)") == 1


def test_what_is_merged_and_not_applied_has_brought_nothing_yet(lab: Lab, model: str) -> None:
    first = _applied(lab, model, _V1)
    lab.declare(model, _V2)
    found = _show(lab, model)
    assert found["version"]["version"] == 1
    assert _brought(found) == {"Production": first, "@champion": first}
    text = lab.run("show", model).stdout
    assert re.search(r"git +out of sync \(registry-state/", text)
    assert "~ v1 stage  Production → Archived" in text


def test_what_a_hand_did_is_no_commits_work(lab: Lab, model: str) -> None:
    _applied(lab, model, _V1)
    lab.hand.stage(model, 2, "Staging")
    lab.hand.alias(model, "champion", 2)
    found = _show(lab, f"{model}/Staging")
    assert _brought(found) == {"Staging": None, "@champion": None}
    assert found["version"]["sync"] == "out of sync"
    assert "~ @champion  v2 → v1  drift" in lab.run("show", f"{model}/2").stdout


def test_what_a_commit_of_elsewhere_made_live_is_no_merged_commits_work(
    lab: Lab, model: str
) -> None:
    _applied(lab, model, _V1)
    lab.hand.tag(model, None, "reconciler.commit", "f" * 40)
    done = lab.run("show", model, "--format", "json")
    assert done.code == 5
    assert _brought(done.document) == {"Production": None, "@champion": None}
    assert "the commit that is live, ffffffffffff, is not on `" in lab.run("show", model).stdout
    card = lab.run("card", model).stdout
    assert "| <code>Production</code> | not known |" in card
    assert "who put it where it is&#58; the commit that is live" in card


def test_an_undeclared_model_is_shown_as_unmanaged(lab: Lab, model: str) -> None:
    lab.declare("other", "versions: {1: {stage: Production}}")
    lab.hand.stage(model, 2, "Production")
    found = _show(lab, model)
    assert (found["version"]["sync"], found["model"]["file"]) == ("unmanaged", None)
    assert "the merged history of `HEAD` never declared it" in lab.run("show", model).stdout


def test_it_works_outside_of_a_repository(
    lab: Lab,
    model: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    before = lab.hand.holds(model)
    assert _show(lab, f"{model}/2", cwd=outside)["version"]["metrics"]["auc"] == 0.931
    assert "this is not a git repository" in lab.run("show", model + "/v2", cwd=outside).stdout
    assert not list(outside.iterdir())
    assert lab.hand.holds(model) == before


def test_a_name_with_an_at_sign_is_a_models_before_it_is_an_alias(lab: Lab, model: str) -> None:
    lab.git.commit()
    lab.hand.alias(model, "champion", 2)
    assert _show(lab, f"{model}@champion")["version"]["version"] == 2
    twin = f"{model}@champion"
    lab.hand.register(twin, 1)
    assert _show(lab, twin)["model"]["name"] == twin
    assert _show(lab, f"{twin}/1")["version"]["version"] == 1
    lab.hand.alias(twin, "live", 1)
    assert _show(lab, f"{twin}@live")["model"]["name"] == twin


@pytest.mark.parametrize(
    ("selector", "complaint", "hint"),
    [
        ("/9", "has no version 9", "Production v1; None v2"),
        ("/Staging", "no version of", "Production v1; None v2"),
        ("/production", "`production` is not a version", "did you mean `Production`?"),
        ("/", "is not a version", "write `4`"),
        ("/9999999999999999999999", "is not a version", "write `4`"),
        ("@champoin", "has no alias `@champoin`", "did you mean `@champion`?"),
    ],
)
def test_what_names_no_version_exits_1_with_what_there_is(
    lab: Lab,
    model: str,
    selector: str,
    complaint: str,
    hint: str,
) -> None:
    lab.git.commit()
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    done = lab.run("show", model + selector, "--format", "json")
    assert done.code == 1
    assert complaint in done.document["errors"][0]["message"]
    assert hint in done.document["errors"][0]["hint"]


def test_a_model_that_is_not_there_exits_1_and_names_the_nearest(lab: Lab, model: str) -> None:
    lab.git.commit()
    typo = model.replace("lab", "lba")
    for name in (typo, f"{typo}/1", f"{typo}@champion"):
        done = lab.run("show", name)
        assert (done.code, done.stdout) == (1, "")
        # Other tests' models may be as near to a name that has an alias in it.
        near = "lab-" if "@" in name else f"{model}`?"
        assert f"did you mean `{near}" in done.stderr, name
    for name in ("", "/", "@", "//", "a/b/c", "m:1", "\x1b[31m"):
        done = lab.run("show", name)
        assert done.code == 1, name
        assert "\x1b" not in done.text


def test_a_deleted_run_and_a_missing_one_are_said(lab: Lab, model: str) -> None:
    lab.git.commit()
    MlflowSeeds(lab.uri).delete_run_of(model, 2)
    deleted = lab.run("show", f"{model}/2").stdout
    assert re.search(r"run +trained \w{32}, deleted", deleted)
    assert "is deleted\n" in deleted
    assert "v1 names no run" in lab.run("show", f"{model}/1").stdout


def test_hostile_text_is_shown_and_not_obeyed(lab: Lab, model: str) -> None:
    lab.git.commit()
    lab.hand.tag(model, 2, "note", "\x1b[31mred\n::error::x")
    lab.hand.describe(model, 2, "line one\nline two\u202e")
    shown = lab.run("show", f"{model}/2")
    assert shown.code == 0
    assert not {"\x1b", "\u202e"} & set(shown.text)
    assert not any(line.lstrip().startswith("::") for line in shown.text.splitlines())


def test_no_credentials_are_shown(lab: Lab, model: str) -> None:
    lab.git.commit()
    for arguments in ((), ("--format", "json")):
        done = lab.run("show", f"{model}/1", *arguments)
        assert "s3://bucket/1" in done.stdout
        assert "secret" not in done.text


def test_a_registry_that_does_not_answer_exits_6(lab: Lab) -> None:
    lab.git.commit()
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = lab.run("show", "m", "--registry-uri", nowhere, "--format", "json")
    assert (done.code, done.document["exit"]["code"]) == (6, 6)


def test_what_is_wrong_with_the_model_is_said_and_decides_the_exit(lab: Lab, model: str) -> None:
    lab.hand.stage(model, 2, "Production")
    lab.declare(model, "versions: {7: {stage: Staging}}")
    done = lab.run("show", model, "--format", "json")
    assert (done.code, done.document["exit"]["code"]) == (3, 3)
    assert done.document["version"]["version"] == 2
    assert "7" in done.document["errors"][0]["message"]
