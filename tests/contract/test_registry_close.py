"""What a registry holds open is given back when it is closed, and opened again when it is used."""

import gc
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.errors import RegistryError
from reconciler.ports.registry import Registry
from reconciler.registries.connect import connect
from tests.support.registries.backends import Backend
from tests.support.registries.servers import Answer, Request, proxy

_DESCRIPTORS = Path("/proc/self/fd")
_CALLS = 30


def test_a_closed_registry_is_opened_again_by_the_next_request(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=1), backend.registry
    registry.close()
    registry.close()
    registry.set_alias(model, "champion", 1)
    registry.close()
    assert backend.live(model).versions.keys() == {1}
    registry.close()
    assert backend.facts(model).run is None


def test_a_listing_that_is_closed_asks_for_no_further_page() -> None:
    closed = threading.Event()

    def page(request: Request) -> Answer:
        if "page_token" in request.path:
            registry.close()
            closed.set()
        token = str(len(server.requests))
        body = {"registered_models": [], "model_versions": [], "next_page_token": token}
        return Answer(200, json.dumps(body).encode())

    with proxy(before=page) as server:
        registry = connect(server.uri, {}, timeout=20.0)
        with pytest.raises(RegistryError, match="given up"):
            registry.read()
        assert closed.is_set()
        # Two searches: the page under way in each when it was closed is the last.
        assert len(server.requests) <= 6


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Leave what is not closed open, however the collector is set elsewhere."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(params=["mlflow_uri", "sqlite_shared", "postgres_uri"])
def uri(request: pytest.FixtureRequest) -> str:
    place = request.getfixturevalue(request.param)
    return f"sqlite:///{place}" if request.param == "sqlite_shared" else str(place)


_counts_descriptors = pytest.mark.skipif(
    sys.platform != "linux", reason="descriptors are counted in /proc"
)


@_counts_descriptors
@pytest.mark.usefixtures("without_collector")
def test_close_gives_connections_back(uri: str) -> None:
    registry = _used(uri)
    while_open = _open()
    registry.close()
    assert _open() < while_open


@_counts_descriptors
@pytest.mark.usefixtures("without_collector")
def test_thirty_registries_leave_no_descriptor_behind(uri: str) -> None:
    _used(uri).close()  # what is opened once for the whole process
    before = _open()
    kept = [_used(uri) for _ in range(_CALLS)]  # all are alive: nothing but `close` closes them
    for registry in kept:
        registry.close()
    assert _open() == before


def _used(uri: str) -> Registry:
    registry = connect(uri, {}, timeout=20.0)
    registry.read()
    return registry


def _open() -> int:
    return len(list(_DESCRIPTORS.iterdir()))
