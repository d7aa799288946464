"""Where a version's files may be, on a server that keeps them behind its own artifact store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import ColSpec, Schema

from reconciler.core.facts import Column, Facts, Signature
from reconciler.registries.connect import connect
from tests.support.registries.servers import MlflowSeeds

_SIGNATURE = Signature(inputs=(Column("x", "double"),))
_LONGEST = 300  # of a sentence, ids and the source included

pytestmark = pytest.mark.needs_mlflow("3.0", "logged models, and artifacts that it serves")


class Logged:
    """A run and a logged model whose files only their server can read."""

    def __init__(self, uri: str, folder: Path) -> None:
        client: Any = MlflowClient(uri, uri)
        experiment = client.create_experiment(str(folder), "mlflow-artifacts:/proxied")
        Model(signature=ModelSignature(Schema([ColSpec("double", "x")]))).save(folder / "MLmodel")
        run = client.create_run(experiment)
        self.run_id: str = run.info.run_id
        client.log_artifact(self.run_id, str(folder / "MLmodel"), "model")
        logged = client.create_logged_model(experiment, "named", self.run_id)
        self.model_id: str = logged.model_id
        client.log_model_artifact(self.model_id, str(folder / "MLmodel"))
        client.finalize_logged_model(self.model_id, "READY")
        _as_output(client, self.run_id, self.model_id)
        self.folder = f"{run.info.artifact_uri}/model"


def _as_output(client: Any, run_id: str, model_id: str) -> None:
    from mlflow.entities import LoggedModelOutput  # noqa: PLC0415  absent before 3.0

    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])


@pytest.fixture(name="logged", scope="module")
def logged_fixture(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    return Logged(mlflow_uri, tmp_path_factory.mktemp("logged"))


@pytest.fixture(name="facts_of")
def facts_of_fixture(
    mlflow_uri: str, logged: Logged, name: Callable[..., str]
) -> Callable[[str], Facts]:
    seeds = MlflowSeeds(mlflow_uri)
    seeds.create_model(name())

    def facts_of(source: str) -> Facts:
        number = seeds.create_version(name(), run_id=logged.run_id, source=source)
        registry = connect(mlflow_uri, {}, timeout=20.0)
        return registry.facts(
            name(), number, registry.read([name()])[name()].versions[number].identity
        )

    return facts_of


def test_a_source_in_a_run_is_read_from_the_run_and_so_are_its_copies(
    facts_of: Callable[[str], Facts], logged: Logged, name: Callable[..., str]
) -> None:
    for source in (f"runs:/{logged.run_id}/model", f"models:/{name()}/1", logged.folder):
        facts = facts_of(source)
        assert (facts.signature, facts.missing) == (_SIGNATURE, ()), source


def test_a_model_of_mlflow_3_is_found_by_its_name_in_the_run(
    facts_of: Callable[[str], Facts], logged: Logged
) -> None:
    facts = facts_of(f"runs:/{logged.run_id}/named")
    assert (facts.signature, facts.missing) == (_SIGNATURE, ())


def test_a_run_without_these_files_is_said_to_have_none(
    facts_of: Callable[[str], Facts], logged: Logged
) -> None:
    facts = facts_of(f"runs:/{logged.run_id}/nothing")
    assert (facts.missing, facts.unread) == (("v1 has no MLmodel file",), {})


@pytest.mark.parametrize(
    "source", ["s3://bucket/model", "gs://ann:s3cret@bucket/a/model"], ids=["s3", "gs"]
)
def test_a_store_that_the_server_cannot_read_is_said_in_one_short_sentence(
    facts_of: Callable[[str], Facts], source: str
) -> None:
    facts = facts_of(source)

    (sentence,) = facts.missing
    assert sentence.startswith("the MLmodel file of v1 cannot be read: ")
    assert "answered 500" in sentence
    assert "bucket" in sentence
    assert "s3cret" not in sentence
    assert len(sentence) < _LONGEST
    assert facts.unread.keys() == {"signature"}
