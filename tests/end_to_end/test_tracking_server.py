"""Runs on a server that is not the registry: policies read them there, or say how they could."""

from pathlib import Path

import pytest

from reconciler.core.facts import Column, Signature
from reconciler.registries.connect import connect
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import MlflowSeeds, free_port

_SETTINGS = "registry-state/reconciler.yaml"
_POLICIES = """policies:
  - {name: traced, lineage: [run.tags.git_commit, params.lr], message: log it}
  - {name: typed, signature: required}
"""
_SIGNATURE = Signature((Column("x", "double"),))


@pytest.fixture(name="model")
def model_fixture(lab: Lab, sqlite_uri: str, tmp_path: Path) -> str:
    """Register a version whose run is in a database of its own, and declare it."""
    model = lab.model(0)
    MlflowSeeds(sqlite_uri, artifacts=tmp_path / "artifacts").log_version(
        model,
        metrics={"auc": 0.9},
        params={"lr": "0.1"},
        run_tags={"git_commit": "abc"},
        signature=_SIGNATURE,
    )
    tracking = connect(sqlite_uri, {}, timeout=20.0)
    run_id = str(tracking.read([model])[model].versions[1].identity.run_id)
    MlflowSeeds(lab.uri).create_version(model, run_id=run_id, source=f"runs:/{run_id}/model")
    lab.git.commit({_SETTINGS: _POLICIES})
    lab.declare(model, "versions:\n  1: {stage: Production}\n")
    lab.environ["MLFLOW_REGISTRY_URI"] = lab.uri
    return model


def _hints(result: Result) -> list[str]:
    return [row["hint"] for row in result.document["violations"]]


def test_a_policy_reads_the_runs_of_the_tracking_server(
    lab: Lab, model: str, sqlite_uri: str
) -> None:
    lab.environ["MLFLOW_TRACKING_URI"] = sqlite_uri
    planned = lab.run("plan", "--format", "json")
    assert planned.code == 0, planned.text
    (shown,) = planned.document["models"]
    assert shown["evidence"][0]["candidate"]["metrics"] == {"auc": 0.9}
    # The option names the registry alone: tracking stays where it is, as in MLflow's client.
    del lab.environ["MLFLOW_REGISTRY_URI"]
    assert lab.run("apply", "--yes", "--registry-uri", lab.uri).code == 0
    assert lab.hand.values(model)["v1 stage"] == "Production"


@pytest.mark.parametrize("tracking", ["none", "away"])
def test_consent_is_not_offered_where_evidence_could_not_be_read(
    lab: Lab, model: str, tracking: str
) -> None:
    if tracking == "away":
        lab.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{free_port()}"
    forms = {form: lab.run("plan", "--format", form) for form in ("text", "json", "markdown")}

    assert {result.code for result in forms.values()} == {4}
    assert len(_hints(forms["json"])) == 2
    for hint in _hints(forms["json"]):
        assert "MLFLOW_TRACKING_URI" in hint
        assert hint.endswith("; then plan again")
    for result in forms.values():
        assert "--accept" not in result.text
        assert "cannot be read" in result.text

    # What is given all the same counts: somebody has looked, and has said so.
    accepted = [f"--accept={rule}={model}" for rule in ("traced", "typed")]
    assert lab.run("apply", "--yes", *accepted).code == 0


@pytest.mark.usefixtures("model")
def test_the_pinned_registry_is_not_the_tracking_server(lab: Lab, sqlite_uri: str) -> None:
    lab.git.commit({_SETTINGS: f"registry: {lab.uri}\n{_POLICIES}"})
    lab.environ["MLFLOW_TRACKING_URI"] = sqlite_uri
    assert lab.run("plan").code == 0
    # Alone it names the registry, too, and that is another one than pinned.
    del lab.environ["MLFLOW_REGISTRY_URI"]
    refused = lab.run("plan")
    assert refused.code == 4
    assert "(in MLFLOW_REGISTRY_URI, where MLFLOW_TRACKING_URI is" in refused.text
