"""A tracking server that is another one than the registry: the evidence comes from there."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.core.facts import Column, Facts, Signature
from reconciler.core.state import Identity
from reconciler.ports.registry import Registry
from reconciler.registries.connect import connect
from tests.support.registries.restricted_servers import WorkspacesServer
from tests.support.registries.servers import Answer, MlflowSeeds, Proxy, free_port, proxy

_SECRET = "s3cret-pass"  # noqa: S105  what must not be told
_SIGNATURE = Signature(inputs=(Column("x", "double"),))


@dataclass(frozen=True)
class Pair:
    """A registry and a tracking server; `artifacts` is where a database logs files."""

    registry_uri: str
    tracking_uri: str
    artifacts: Path | None

    def open(self) -> Registry:
        environ = {"MLFLOW_TRACKING_URI": self.tracking_uri}
        return connect(self.registry_uri, environ, timeout=20.0)

    def log(self, model: str, *, logged_model: bool = False) -> tuple[str, str]:
        """Log a run with the files of a model, and return its id and the source of the files."""
        artifacts = self.artifacts and self.artifacts / str(logged_model)
        MlflowSeeds(self.tracking_uri, artifacts=artifacts).log_version(
            model,
            metrics={"auc": 0.9},
            model_metrics={"f1": 0.8} if logged_model else None,
            signature=_SIGNATURE,
        )
        server = connect(self.tracking_uri, {}, timeout=20.0)
        identity = server.read([model])[model].versions[1].identity
        server.close()
        return str(identity.run_id), str(identity.source)


@pytest.fixture(
    params=["http, http", "http, sqlite", "sqlite, http", "sqlite, sqlite"],
    ids=lambda pair: pair.replace(", ", "-with-"),
)
def pair(
    request: pytest.FixtureRequest, sqlite_uri: str, sqlite_template: Path, tmp_path: Path
) -> Pair:
    of_registry, of_tracking = request.param.split(", ")
    server: str = request.getfixturevalue("mlflow_uri")
    second: WorkspacesServer = request.getfixturevalue("workspaces_server")
    registry_uri = server if of_registry == "http" else sqlite_uri
    if of_tracking == "http":
        return Pair(registry_uri, second.uri, None)
    database = shutil.copy(sqlite_template, tmp_path / "tracking.db")
    return Pair(registry_uri, f"sqlite:///{database}", tmp_path / "artifacts")


def test_runs_metrics_and_signatures_come_from_the_tracking_server(
    pair: Pair, name: Callable[..., str]
) -> None:
    run_id, _ = pair.log(name())
    seeds = MlflowSeeds(pair.registry_uri)
    seeds.create_model(name())
    source = f"runs:/{run_id}/model"
    seeds.create_version(name(), run_id=run_id, source=source)
    seeds.create_version(name(), run_id=run_id, source=f"models:/{name()}/1")

    registry = pair.open()
    live = registry.read([name()])[name()].versions
    before = registry.requests
    own, copy = (registry.facts(name(), number, live[number].identity) for number in (1, 2))
    registry.close()

    for facts in (own, copy):
        assert facts.metrics == {"auc": 0.9}
        assert facts.run is not None
        assert (facts.run.id, facts.signature) == (run_id, _SIGNATURE)
        assert (facts.missing, facts.unread) == ((), {})
    assert registry.requests > before


@pytest.mark.needs_mlflow("3.0", "logged models")
def test_a_logged_model_and_a_folder_of_the_run_are_found_on_the_tracking_server(
    pair: Pair, name: Callable[..., str]
) -> None:
    registry = pair.open()
    run_id, folder = pair.log(name())
    _, logged = pair.log(name("-logged"), logged_model=True)

    # Over HTTP a registry takes neither from a server that it does not know; a database does.
    of_folder = registry.facts(name(), 1, Identity(run_id, folder, 0))
    of_model = registry.facts(name(), 1, Identity(run_id, logged, 0))

    assert (of_folder.signature, of_folder.missing) == (_SIGNATURE, ())
    assert of_model.metrics == {"auc": 0.9, "f1": 0.8}
    assert (of_model.signature, of_model.missing) == (_SIGNATURE, ())


def test_the_registrys_workspace_does_not_keep_a_server_without_any_from_being_read(
    mlflow_uri: str, workspaces_server: WorkspacesServer
) -> None:
    tracked = Pair(workspaces_server.uri, mlflow_uri, None)
    run_id, folder = tracked.log("workspace-here-none-there")
    environ = {"MLFLOW_TRACKING_URI": mlflow_uri, "MLFLOW_WORKSPACE": "default"}
    registry = connect(workspaces_server.uri, environ, timeout=20.0)

    first, second = (registry.facts("m", 1, Identity(run_id, folder, 0)) for _ in range(2))

    assert first == second
    assert (first.metrics, first.signature, first.missing) == ({"auc": 0.9}, _SIGNATURE, ())
    assert registry.requests == 5  # the first one is refused


def test_a_file_elsewhere_is_not_taken_for_that_of_a_logged_model(mlflow_uri: str) -> None:
    seeds = MlflowSeeds(mlflow_uri)
    seeds.log_version("lookalike", model_metrics={"f1": 0.8}, signature=_SIGNATURE)
    own = connect(mlflow_uri, {}, timeout=20.0)
    identity = own.read(["lookalike"])["lookalike"].versions[1].identity
    model_id = str(identity.source).removeprefix("models:/")
    with proxy(before=lambda _: Answer(404, b'{"error_code": "?"}')) as registry:
        other = connect(registry.uri, {"MLFLOW_TRACKING_URI": mlflow_uri}, timeout=20.0)
        elsewhere = f"mlflow-artifacts:/elsewhere/models/{model_id}/artifacts"
        facts = other.facts("lookalike", 1, Identity(identity.run_id, elsewhere, 0))

    assert facts.signature is None
    assert "is in no run of" in facts.missing[0]


def _seen(server: Proxy) -> list[str | None]:
    return [request.headers.get("Authorization") for request in server.requests]


def test_the_password_of_one_uri_is_not_sent_to_the_other_server() -> None:
    def answer(_: object) -> Answer:
        return Answer(404, b'{"error_code": "?", "message": "no"}')

    with proxy(before=answer) as registry, proxy(before=answer) as tracking:
        uri = registry.uri.replace("://", "://ann:of-the-registry@")
        environ = {"MLFLOW_TRACKING_URI": tracking.uri.replace("://", f"://bob:{_SECRET}@")}
        first = connect(uri, environ, timeout=5.0)
        facts = first.facts("m", 1, Identity("r", "s3://bucket/model", 0))
        second = connect(registry.uri, environ | {"MLFLOW_TRACKING_TOKEN": "abc"}, timeout=5.0)
        second.facts("m", 1, Identity("r", "s3://bucket/model", 0))

    assert len(set(_seen(registry) + _seen(tracking))) == 3
    assert _seen(registry)[-1] == _seen(tracking)[-1] == "Bearer abc"
    assert _SECRET not in str(facts)


def test_a_plan_without_evidence_opens_no_connection_to_the_tracking_server(
    mlflow_uri: str,
) -> None:
    with proxy(before=lambda _: Answer(500)) as tracking:
        registry = connect(mlflow_uri, {"MLFLOW_TRACKING_URI": tracking.uri}, timeout=20.0)
        registry.read()
        registry.close()

    assert not tracking.requests


@pytest.mark.parametrize(
    "tracking_uri",
    [
        f"http://ann:{_SECRET}@127.0.0.1:PORT",
        "sqlite:////nowhere/tracking.db",
        "host:5000",
    ],
)
def test_a_tracking_server_that_is_away_is_named_and_the_registry_goes_on(
    mlflow_uri: str, tracking_uri: str
) -> None:
    tracking_uri = tracking_uri.replace("PORT", str(free_port()))
    registry = connect(mlflow_uri, {"MLFLOW_TRACKING_URI": tracking_uri}, timeout=3.0)
    assert registry.read() is not None

    facts: list[Facts] = [
        registry.facts("m", number, Identity("r", "runs:/r/model", 0)) for number in range(1, 4)
    ]

    for told in facts:
        for sentence in told.missing:
            assert "cannot be read: the tracking server of MLFLOW_TRACKING_URI: " in sentence
        assert told.unread.keys() == {"run", "signature"}
        assert _SECRET not in str(told)
    if tracking_uri.startswith("http"):
        assert registry.requests <= 2 + 3  # the listings, and three tries to connect
