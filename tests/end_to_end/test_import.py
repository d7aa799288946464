"""`reconciler import` on a real server: what is live becomes files that a plan agrees with."""

import shutil

import pytest

from tests import ROOT
from tests.support.registries.lab import Lab
from tests.support.registries.servers import proxy


@pytest.fixture(name="model")
def model_fixture(lab: Lab) -> str:
    model = lab.model(4)
    lab.hand.describe(model, None, "Scores\ntransactions")
    lab.hand.tag(model, None, "owner", "payments")
    lab.hand.tag(model, None, "mlflow.note", "not ours")
    lab.hand.tag(model, 3, "validated", "true")
    lab.hand.tag(model, 3, "data_version", "2.10")
    lab.hand.stage(model, 3, "Production")
    lab.hand.stage(model, 2, "Archived")
    lab.hand.alias(model, "champion", 3)
    lab.hand.alias(model, "challenger", 4)
    return model


def test_import_then_plan_is_empty(lab: Lab, model: str) -> None:
    result = lab.run("import", model)
    assert result.code == 0
    assert f"wrote registry-state/{model}.yaml" in result.stdout
    lab.git.commit({}, "import")
    planned = lab.run("plan", "--format", "json", "--detailed-exitcode")
    assert planned.code == 0
    assert planned.document["changes"] == []
    text = (lab.git.root / f"registry-state/{model}.yaml").read_text()
    assert "mlflow.note" not in text
    assert "\n  2:" not in text, "an archived version without an alias is left out"
    assert "validated: 'true'" in text


def test_import_is_deterministic_and_writes_nothing_to_the_registry(lab: Lab, model: str) -> None:
    with proxy(lab.uri) as recorder:
        lab.environ["MLFLOW_TRACKING_URI"] = recorder.uri
        lab.run("import", model)
        file = lab.git.root / f"registry-state/{model}.yaml"
        first = file.read_bytes()
        file.unlink()
        lab.run("import", model)
        assert file.read_bytes() == first
        assert recorder.writes == []


def test_every_version_on_request(lab: Lab, model: str) -> None:
    lab.run("import", model, "--versions", "all")
    text = (lab.git.root / f"registry-state/{model}.yaml").read_text()
    assert [line for line in text.splitlines() if line.startswith("  ") and line[2].isdigit()] == [
        "  4:",
        "  3:",
        "  2:",
        "  1:",
    ]


def test_a_declared_model_is_compared_and_only_an_update_edits_it_in_place(
    lab: Lab, model: str
) -> None:
    content = "# ours\nversions:\n  3:\n    stage: Staging  # soon\n    tags: {only_here: x}\n"
    lab.declare(model, content)
    file = lab.git.root / f"registry-state/{model}.yaml"
    result = lab.run("import", model)
    assert result.code == 0
    assert {"-    stage: Staging  # soon", "+    stage: Production  # soon"} <= {
        *result.stdout.splitlines()
    }
    assert file.read_text() == content
    updated = lab.run("import", model, "--update")
    assert f"updated registry-state/{model}.yaml" in updated.stdout
    text = file.read_text()
    assert text.startswith("# ours\n")
    assert "only_here: x" in text, "an update removes nothing"
    assert "stage: Production  # soon" in text
    again = lab.run("import", model, "--update")
    assert file.read_text() == text
    assert "no files written" in again.stdout


def test_a_file_is_never_overwritten(lab: Lab, model: str) -> None:
    lab.declare(model, "model: somebody-else\nversions: {}\n")
    result = lab.run("import", model)
    assert result.code == 3
    assert "its file exists" in result.stderr
    assert (lab.git.root / f"registry-state/{model}.yaml").read_text().startswith("model: some")


def test_which_of_two_versions_in_production_stays_is_said_before_a_file_is_written(
    lab: Lab,
) -> None:
    model = lab.model(3)
    for version in (1, 2):
        lab.hand.stage(model, version, "Production")
    lab.hand.alias(model, "champion", 1)
    result = lab.run("import", model)
    assert result.code == 4
    assert f"`{model}` has 2 versions in Production, which holds one: v2 (created " in result.stderr
    assert "; v1 (@champion, created " in result.stderr
    assert f"`reconciler import {model} --keep VERSION`" in result.stderr
    assert "no files written" in result.stdout
    assert lab.run("import", model, "--keep", "3").code == 1
    assert lab.run("import", model, "--keep", "1", "--keep", "2").code == 1
    lab.model(1)
    assert lab.run("import", "--keep", "1").code == 1, "of which model?"

    result = lab.run("import", model, "--keep", "1", "--format", "json")
    assert (result.code, result.document["conflicts"]) == (0, [])
    lab.git.commit({}, "import")
    document = lab.run("plan", "--format", "json").document
    rows = [(row["version"], row["after"], row["cause"]) for row in document["changes"]]
    assert rows == [(2, "Archived", "replaced")]
    assert lab.run("import", model, "--keep", "1").code == 1, "the file says it now"


def test_a_model_that_is_not_there_is_named_with_the_nearest(lab: Lab, model: str) -> None:
    result = lab.run("import", model[:-1] + "x")
    assert result.code == 1
    assert "did you mean `lab-" in result.stderr


@pytest.mark.parametrize("state", ["registry-state", "examples/quickstart/registry-state"])
def test_the_states_of_this_repository_can_be_planned_and_applied(lab: Lab, state: str) -> None:
    source = ROOT / state
    shutil.copytree(source, lab.git.root / "registry-state")
    lab.git.commit({}, "the example")
    names = [path.stem for path in source.glob("*.yaml") if path.stem != "reconciler"]
    for name in names:
        lab.hand.register(name, 4)
    try:
        assert lab.run("validate").code == 0
        planned = lab.run("plan", "--format", "json").document
        assert planned["errors"] == []
        assert {row["model"] for row in planned["changes"]} == set(names)
        assert lab.run("apply", "--yes").code == 0
        assert lab.run("plan", "--detailed-exitcode").code == 0
    finally:
        for name in names:
            lab.hand.call("DELETE", "registered-models/delete", name=name)


def test_pins_are_rewritten_on_request_and_nothing_else(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.stage(model, 2, "Production")
    lab.run("import", model, "--update")
    file = lab.git.root / f"registry-state/{model}.yaml"
    digest = f"sha256:{'0f' * 32}"
    pins = f"source: s3://bucket/old  # x\n    digest: {digest}"
    file.write_text(file.read_text().replace("source: s3://bucket/2", pins))
    lab.hand.call("DELETE", "registered-models/delete", name=model)
    lab.hand.register(model, 2)
    lab.git.commit({}, "declare")
    refused = lab.run("plan")
    assert refused.code == 3
    assert f"`reconciler import --update --pins {model}` pins what is live" in refused.stderr
    before = file.read_text()
    assert "`--pins` does" in lab.run("import", "--update", model).stderr
    lab.git.git("checkout", "--", ".")
    done = lab.run("import", "--update", "--pins", model)
    assert done.code == 0
    assert f"{model} v2 source  s3://bucket/old → s3://bucket/2\n" in done.stdout
    assert f"{model} v2 digest  {digest} → -\n" in done.stdout
    pinned = before.replace("s3://bucket/old", "s3://bucket/2")
    assert file.read_text() == pinned.replace(f"    digest: {digest}\n", "")
    assert "stage: Production" in before, "the stage of the live version is None"
    lab.git.commit({}, "pin")
    assert lab.run("plan", "--detailed-exitcode").code == 2
    again = lab.run("import", "--update", "--pins", model, "--format", "json")
    assert (again.document["pins"], again.document["updated"]) == ([], [])


@pytest.mark.parametrize("arguments", [("--pins", "m"), ("--update", "--pins"), ("--pins",)])
def test_pins_need_an_update_and_the_names_of_models(lab: Lab, arguments: tuple[str, ...]) -> None:
    refused = lab.run("import", *arguments)
    assert refused.code == 1
    assert "`reconciler import --update --pins MODEL`" in refused.stderr


def test_only_a_declared_model_has_pins(lab: Lab, model: str) -> None:
    refused = lab.run("import", "--update", "--pins", model)
    assert refused.code == 1
    assert "is not declared" in refused.stderr


def test_a_prompt_is_told_as_one(lab: Lab) -> None:
    model = lab.model(1)
    lab.hand.tag(model, None, "mlflow.prompt.is_prompt", "true")
    refused = lab.run("import", model)
    assert refused.code == 1
    lab.declare(lab.model(1), "versions: {1: {stage: Archived}}")
    for command in ("show", "status"):
        told = lab.run(command, model)
        assert (told.code, told.stderr) == (1, f"`{model}` is a prompt, not a model\n")
    assert f"`{model}` is a prompt, not a model\n  prompts are in the same registry" in (
        refused.stderr
    )
