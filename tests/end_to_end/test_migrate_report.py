"""`migrate stages --report` and `--check`: what depends on stages, and what comes next."""

import re
from typing import Any

import reconciler
from tests.support.registries.lab import Lab

_SETTINGS = "registry-state/reconciler.yaml"


def _models(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {model["model"]: model for model in document["models"]}


def test_the_report_says_of_every_model_where_its_stages_are_and_what_comes_next(lab: Lab) -> None:
    ready, crowded, stray, aside, hidden = (lab.model(4) for _ in range(5))
    lab.hand.tag(hidden, 1, "mlflow.prompt.is_prompt", "true")  # no versions of it are listed
    for model in (ready, crowded, stray):
        lab.hand.stage(model, 4, "Production")
    lab.hand.stage(crowded, 3, "Production")
    lab.hand.stage(ready, 1, "Archived")
    lab.hand.alias(aside, "champion", 2)
    lab.declare(
        ready,
        "versions: {4: {stage: Production}}\n"
        "consumers:\n- {name: api, loads: Production, owner: pay}\n",
    )
    lab.declare(crowded, "tags: {owner: payments}")

    ours = (ready, crowded, stray, aside)
    report = lab.run("migrate", "stages", *ours, "--report", "--format", "json")
    assert (report.code, report.stderr) == (0, ""), "the hidden model is none of them"
    document = report.document
    assert document["bridge"] == {"Production": "champion"}
    assert document["bridge_is_declared"] is False
    assert document["supports"] == {"stages": True, "aliases": True}
    assert document["registry"]["uri"] == lab.uri
    assert [model["model"] for model in document["models"]] == [crowded, stray, ready, aside]
    models = _models(document)
    assert {name: one["step"] for name, one in models.items()} == {
        crowded: "conflict",
        stray: "import",
        ready: "bridge",
        aside: None,
    }
    assert models[ready] == {
        "model": ready,
        "file": f"registry-state/{ready}.yaml",
        "declared": True,
        "stages": {"Production": [4], "Archived": [1]},
        "aliases": {},
        "declared_stages": {"Production": [4]},
        "declared_aliases": {},
        "proposed": [{"stage": "Production", "alias": "champion", "version": 4}],
        "conflicts": [],
        "consumers": [
            {
                "model": ready,
                "name": "api",
                "owner": "pay",
                "loads": "Production",
                "file": f"registry-state/{ready}.yaml",
                "line": 3,
                "column": None,
                "text": None,
            }
        ],
        "step": "bridge",
        "todo": models[ready]["todo"],
    }
    assert [conflict["kind"] for conflict in models[crowded]["conflicts"]] == ["several-holders"]
    assert f"--keep {crowded}=4" in models[crowded]["todo"][0]
    assert (models[stray]["declared"], models[stray]["file"]) == (False, None)
    assert document["summary"] | {"depends": 0} == {
        **dict.fromkeys(("apply", "consumers", "serve-by-alias", "drop-stages", "clear"), 0),
        **dict.fromkeys(("conflict", "import", "bridge", "done", "loads"), 1),
        "models": 4,
        "by_stage": 3,
        "depends": 0,
    }

    text = lab.run("migrate", "stages", *ours, "--report").stdout
    first, second, third, *_ = text.splitlines()
    assert first == ("3 of 4 models use stages, 1 in conflict, 1 not declared, 1 loads by stage")
    assert second.endswith("Production becomes @champion; reconciler.yaml does not say so yet")
    assert third == f"registry: {lab.uri} supports stages and aliases"
    assert re.search(
        rf"^{crowded} +Production v3, v4 +@champion → \? +conflict$", text, re.MULTILINE
    )
    assert "  1 model: `reconciler migrate stages --step bridge`" in text
    assert aside not in text
    markdown = lab.run("migrate", "stages", *ours, "--report", "--format", "markdown").stdout
    assert markdown.startswith("### From stages to aliases\n\n* 3 of 4 models use stages")
    assert "* [ ] v3 and v4 are in <code>Production</code>" in markdown


def test_the_check_reads_no_registry_and_names_file_and_line_of_what_depends_on_a_stage(
    lab: Lab,
) -> None:
    settings = "bridge: {Production: champion}\npolicies:\n- name: soaked\n  soak: 48h\n"
    consumers = "consumers:\n- {name: api, loads: Production}\n"
    lab.git.commit(
        {
            _SETTINGS: settings,
            "registry-state/m.yaml": f"versions:\n  4:\n    stage: Production\n{consumers}",
        }
    )
    nowhere = {"MLFLOW_TRACKING_URI": ""}
    check = lab.run("migrate", "stages", "--check", "--format", "json", env=nowhere)
    assert (check.code, check.stderr) == (2, "")
    found = [(one["what"], one["file"], one["line"]) for one in check.document["depends"]]
    assert found == [
        ("version", "registry-state/m.yaml", 3),
        ("consumer", "registry-state/m.yaml", 5),
        ("serving", _SETTINGS, None),
        ("bridge", _SETTINGS, 1),
        ("policy", _SETTINGS, 3),
    ]
    assert check.document["models"][0]["stages"] is None
    assert check.document["registry"] is None
    text = lab.run("migrate", "stages", "--check", env=nowhere).stdout
    assert text.startswith("5 things depend on a stage\n\n  registry-state/m.yaml:3: v4 of `m` is")

    lab.git.commit(
        {
            _SETTINGS: "serving: {alias: champion}\n",
            "registry-state/m.yaml": "versions: {4: {aliases: [champion]}}\n",
        }
    )
    done = lab.run("migrate", "stages", "--check", env=nowhere)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("nothing depends on a stage\n")
    r = reconciler.open("registry-state", root=lab.git.root, environ={}, warn=lambda _: None)
    answer = r.migration_report(check=True)
    assert (answer.is_done, answer.code, answer.requests) == (True, 0, 0)


def test_what_cannot_be_meant_is_a_usage_error(lab: Lab) -> None:
    lab.git.commit({"registry-state/m.yaml": "versions: {4: {stage: Production}}\n"})
    for arguments in (
        (),
        ("--report", "--check"),
        ("--report", "--keep", "m=4"),
        ("--check", "--pr"),
        ("--step", "bridge", "m"),
        ("--clear", "--format", "markdown"),
        ("--report", "--bridge", "Production"),
        ("--report", "--bridge", "Staging=challenger"),
        ("--check", "none-*"),
        ("--step", "bridge", "--keep", "m"),
    ):
        refused = lab.run("migrate", "stages", *arguments)
        assert (refused.code, refused.stdout) == (1, ""), arguments
