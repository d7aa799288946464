"""Edits under a bridge on a real server: what serves moves in both words, as the file writes it."""

import pytest
import yaml

from tests.support.registries.lab import Lab

SETTINGS = "registry-state/reconciler.yaml"
BRIDGE = "branch: main\nbridge: {Production: champion}\n"
BY_ALIAS = f"{BRIDGE}serving: {{alias: champion}}\n"


def text(lab: Lab, model: str) -> str:
    return (lab.git.root / f"registry-state/{model}.yaml").read_text()


def words(lab: Lab, model: str) -> dict[int, object]:
    """Return the stage and the aliases that the file writes for each version."""
    found = yaml.safe_load(text(lab, model))["versions"]
    return {n: {k: v for k, v in entry.items() if k != "source"} for n, entry in found.items()}


def applied(lab: Lab) -> list[tuple[str, str]]:
    """Apply what is committed, and return what each change was and its cause."""
    done = lab.run("apply", "--yes", "--format", "json")
    assert done.code == 0, done.text
    assert lab.run("plan", "--format", "json").document["changes"] == []
    return sorted((row["field"], row["cause"]) for row in done.document["changes"])


@pytest.mark.parametrize(
    ("settings", "serves", "rests"),
    [
        pytest.param(BRIDGE, {"stage": "Production"}, {"stage": "Archived"}, id="by the stage"),
        pytest.param(BY_ALIAS, {"aliases": ["champion"]}, {}, id="by the alias"),
        pytest.param(
            BRIDGE,
            {"stage": "Production", "aliases": ["champion"]},
            {"stage": "Archived"},
            id="by both",
        ),
    ],
)
def test_promote_and_rollback_move_both_words_in_the_form_of_the_file(
    lab: Lab, settings: str, serves: dict[str, object], rests: dict[str, object]
) -> None:
    model = lab.model(2)
    lab.git.git("config", "user.name", "Ada")
    lab.git.git("config", "user.email", "ada@example.com")
    lab.git.commit({SETTINGS: settings}, "bridge")
    lab.declare(model, yaml.safe_dump({"versions": {1: serves}}))
    applied(lab)
    assert lab.hand.values(model) == {"v1 stage": "Production", "@champion": 1}

    done = lab.run("promote", model, "2", "--alias", "champion", "--no-digest", "--commit")
    assert done.code == 0, done.text
    assert "readers of the two" not in done.text
    assert words(lab, model) == {2: serves, 1: rests}
    applied(lab)
    assert lab.hand.values(model) == {
        "v2 stage": "Production",
        "v1 stage": "Archived",
        "@champion": 2,
    }

    done = lab.run("rollback", model, "--no-digest", "--commit")
    assert done.code == 0, done.text
    assert words(lab, model) == {2: rests, 1: serves}
    applied(lab)
    assert lab.hand.values(model) == {
        "v1 stage": "Production",
        "v2 stage": "Archived",
        "@champion": 1,
    }


def test_an_import_of_what_is_apart_waits_for_a_decision(lab: Lab) -> None:
    model = lab.model(2)
    lab.git.commit({SETTINGS: BRIDGE}, "bridge")
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 2)
    done = lab.run("import", model)
    assert done.code == 4
    assert f"`{model}`: v1 is in Production, and v2 has @champion, but `bridge`" in done.stderr
    assert f"`reconciler import {model} --keep VERSION`" in done.stderr
    done = lab.run("import", model, "--format", "json")
    conflict = {"model": model, "stage": "Production", "alias": "champion", "versions": [2, 1]}
    assert done.document["conflicts"] == [conflict]
    assert lab.run("import", model, "--keep", "2").code == 0
    lab.git.commit({}, "import")
    assert applied(lab) == [("stage", "declared"), ("stage", "replaced")]
    lab.hand.alias(model, "champion", 1)
    done = lab.run("import", model, "--update")
    assert "v2 is in Production, and v1, which is in Archived, has @champion" in done.stderr
    assert "no files written" in done.stdout
    done = lab.run("promote", model, "1", "--to", "Staging", "--alias", "champion")
    assert done.code == 1
    assert "v1 would be in Staging (`--to Staging`) and in Production" in done.stderr
