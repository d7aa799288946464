"""Every adapter of a registry, and one in memory: the same tests hold for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pytest

from reconciler.core.facts import Facts, Signature
from reconciler.core.state import Live
from reconciler.ports.registry import Registry
from reconciler.registries.client import MlflowClientRegistry
from reconciler.registries.rest import MlflowRest
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.registries.servers import MlflowSeeds


class Seeds(Protocol):
    def create_model(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> None: ...

    def create_version(
        self,
        name: str,
        *,
        run_id: str | None = None,
        source: str = "s3://bucket/model",
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> int: ...

    def log_version(
        self,
        name: str,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        run_tags: Mapping[str, str] | None = None,
        model_metrics: Mapping[str, float] | None = None,
        signature: Signature | None = None,
        tags: Mapping[str, str] | None = None,
        user: str = "ann",
    ) -> int: ...

    def delete_run_of(self, name: str, version: int) -> None: ...

    def delete_version(self, name: str, version: int) -> None: ...

    def delete_model(self, name: str) -> None: ...


@dataclass(frozen=True)
class Backend:
    registry: Registry
    seeds: Seeds

    def model(self, name: str, versions: int = 0) -> str:
        self.seeds.create_model(name)
        for _ in range(versions):
            self.seeds.create_version(name)
        return name

    def live(self, name: str) -> Live:
        """Return a model, having seen that the search and the direct read agree on it."""
        confirmed = self.registry.confirm(name, ())
        assert confirmed is not None
        assert self.registry.read([name]) == {name: confirmed}
        return confirmed

    def facts(self, name: str, version: int = 1) -> Facts:
        identity = self.live(name).versions[version].identity
        return self.registry.facts(name, version, identity)


@pytest.fixture(scope="session", params=["memory", "sqlite", "postgresql", "rest"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    match request.param:
        case "memory":
            fake = FakeRegistry()
            return Backend(fake, fake)
        case "sqlite":
            uri = f"sqlite:///{request.getfixturevalue('sqlite_shared')}"
        case "postgresql":
            uri = request.getfixturevalue("postgres_uri")
        case _:
            uri = request.getfixturevalue("mlflow_uri")
            return Backend(MlflowRest(uri, environ={}), MlflowSeeds(uri))
    seeds = MlflowSeeds(uri, artifacts=tmp_path_factory.mktemp("artifacts"))
    return Backend(MlflowClientRegistry(uri, {}), seeds)
