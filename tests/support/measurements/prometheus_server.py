"""A real Prometheus, which scrapes metrics that a test sets."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tests.support.registries.servers import free_port

_FETCHED: Final = Path(__file__).with_name("prometheus")
_FETCH: Final = "`make prometheus` fetches it"
_CONFIGURATION: Final = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}
scrape_configs: [{{job_name: app, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""
_STARTS_IN: Final = 60.0  # seconds, on a busy machine


@dataclass
class Prometheus:
    """A running server; its URL has a path, as behind a proxy.

    Its first scrape comes after five seconds, which nothing changes.
    """

    url: str
    exported: CollectorRegistry
    _gauges: dict[str, Gauge] = field(default_factory=dict)

    def export(self, metric: str, value: float, *, model: str, version: int = 1) -> None:
        """Let the next scrape find a value."""
        if metric not in self._gauges:
            self._gauges[metric] = Gauge(metric, "-", ["model", "version"], registry=self.exported)
        self._gauges[metric].labels(model, version).set(value)

    def serve(self, metric: str, value: float, *, model: str, version: int = 1) -> datetime:
        """Export a value until Prometheus has it; return a moment at which it does."""
        self.export(metric, value, model=model, version=version)
        labels = f'model={json.dumps(model)}, version="{version}"'
        return until(self.url, f"{metric}{{{labels}}} == {value}")


def until(url: str, query: str) -> datetime:
    """Wait until a query has a result, and return the time of it."""
    asked = urllib.parse.urlencode({"query": query})
    deadline = time.monotonic() + _STARTS_IN
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, OSError):
            answer = urllib.request.urlopen(f"{url}/api/v1/query?{asked}", timeout=5)  # noqa: S310  our own loopback address
            with answer:
                if result := json.load(answer)["data"]["result"]:
                    return datetime.fromtimestamp(result[0]["value"][0], timezone.utc)
        time.sleep(0.05)
    raise AssertionError(f"Prometheus does not answer: {query}")


@contextmanager
def prometheus_server(folder: Path, program: str) -> Iterator[Prometheus]:
    """Run a Prometheus and the endpoint that it scrapes."""
    exported = CollectorRegistry()
    endpoint, thread = start_http_server(0, "127.0.0.1", exported)
    try:
        with scraping(folder, program, endpoint.server_port) as url:
            yield Prometheus(url, exported)
    finally:
        endpoint.shutdown()
        endpoint.server_close()
        thread.join()


@contextmanager
def scraping(folder: Path, program: str, target: int) -> Iterator[str]:
    """Run a Prometheus that scrapes `/metrics` at a port, and yield its URL."""
    configuration, port, log = folder / "prometheus.yml", free_port(), folder / "prometheus.log"
    configuration.write_text(_CONFIGURATION.format(port=target))
    url = f"http://127.0.0.1:{port}/prom"
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url={url}",
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        until(url, "vector(1)")
        yield url
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text()[-3000:]}") from None
    finally:
        server.kill()
        server.wait()


def program_or_skip() -> str:
    """Return where Prometheus is installed; without one the test is skipped, in CI it fails."""
    program = shutil.which("prometheus") or shutil.which(_FETCHED)
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Prometheus here: {_FETCH}")
    return program


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Start Prometheus once."""
    program = program_or_skip()
    with prometheus_server(tmp_path_factory.mktemp("prometheus"), program) as server:
        yield server
