"""Real servers for tests: MLflow's own, and one that records, forwards or misbehaves."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.core.facts import Column, Signature

_WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mlflow_server(
    folder: Path,
    backend: str,
    *,
    workers: int = 1,
    python: Path | str = sys.executable,
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[str]:
    """Run a real `mlflow server`, of any environment, and yield its URI."""
    port = port or free_port()
    command = [
        *(str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", backend, "--workers", str(workers)),
        *("--default-artifact-root", str(folder / "artifacts")),
        *options,
    ]
    environ = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(variables or {})}
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=output, stderr=output, start_new_session=True
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_for(f"{uri}/health", server, log)
        yield uri
    finally:
        _stop(server)


def _stop(server: subprocess.Popen[bytes]) -> None:
    # The server leads a group of its own: its workers go with it.
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(url):
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
    raise AssertionError(f"mlflow server did not start:\n{log.read_text()[-3000:]}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own loopback address
            return True
    except (urllib.error.URLError, OSError):
        return False


class MlflowSeeds:
    """Creates what the reconciler never creates: models, versions, and the runs they came from.

    `artifacts` is where files are logged; a server has a folder of its own.
    """

    def __init__(self, uri: str, *, artifacts: Path | None = None) -> None:
        from mlflow.tracking._model_registry.client import (  # noqa: PLC0415  1.1 s, for who needs it
            ModelRegistryClient,
        )

        self._client: Any = ModelRegistryClient(uri, uri)  # type: ignore[no-untyped-call]
        self._uri = uri
        self._artifacts = artifacts

    def create_model(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        self._client.create_registered_model(name, dict(tags or {}), description)

    def create_version(
        self,
        name: str,
        *,
        run_id: str | None = None,
        source: str = "s3://bucket/model",
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> int:
        created = self._client.create_model_version(
            name, source, run_id, dict(tags or {}), description=description
        )
        return int(created.version)

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
    ) -> int:
        """Log a run, and register a version that came from it; the model, too, when it is new.

        With `model_metrics` it is a logged model of MLflow 3, on which another run logs them.
        Without `signature` there is no `MLmodel` file, with an empty one a file that has none.
        """
        client, experiment = self._tracking
        run = _run(client, experiment, user, metrics=metrics, params=params, tags=run_tags)
        source, model_id = f"{run.info.artifact_uri}/model", None
        folder = source
        if model_metrics is not None:
            logged = client.create_logged_model(experiment, source_run_id=run.info.run_id)
            other = _run(client, experiment, user)
            for key, value in model_metrics.items():
                client.log_metric(other.info.run_id, key, value, model_id=logged.model_id)
            client.finalize_logged_model(logged.model_id, "READY")
            source, model_id = logged.model_uri, logged.model_id
            folder = logged.artifact_location
        if signature is not None:
            _write_mlmodel(Path(folder.removeprefix("file://")), signature, model_id)
        if not self._has(name):
            self.create_model(name)
        return self._register(name, source, run.info.run_id, tags, model_id)

    def _has(self, name: str) -> bool:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415  as above

        # A new client's search finds nothing on a server before 2.21.
        with suppress(MlflowException):
            return bool(self._client.get_registered_model(name))
        return False

    def _register(
        self,
        name: str,
        source: str,
        run_id: str,
        tags: Mapping[str, str] | None,
        model_id: str | None,
    ) -> int:
        from mlflow.tracking._tracking_service.utils import (  # noqa: PLC0415  as above
            _use_tracking_uri,
        )

        # A store of its own looks for logged models wherever the process tracks.
        with _use_tracking_uri(self._uri):
            created = self._client.create_model_version(
                name, source, run_id, dict(tags or {}), model_id=model_id
            )
        return int(created.version)

    def delete_run_of(self, name: str, version: int) -> None:
        """Delete the run that a version came from, which MLflow keeps until it is purged."""
        client, _ = self._tracking
        client.delete_run(self._client.get_model_version(name, str(version)).run_id)

    def log_run(
        self,
        experiment: str,
        metrics: Sequence[tuple[str, float, int, int]],
        *,
        tags: Mapping[str, str] | None = None,
        started: int | None = None,
    ) -> str:
        """Log metrics, each with its time and step, to a new run; return the run's id."""
        from mlflow.entities import Metric  # noqa: PLC0415  as above

        client, _ = self._tracking
        known = client.get_experiment_by_name(experiment)
        number = known.experiment_id if known else client.create_experiment(experiment)
        run_id: str = client.create_run(number, started, dict(tags or {})).info.run_id
        client.log_batch(run_id, [Metric(*metric) for metric in metrics])
        return run_id

    def delete_run(self, run_id: str) -> None:
        """Delete a run, which MLflow keeps until it is purged."""
        client, _ = self._tracking
        client.delete_run(run_id)

    @cached_property
    def _tracking(self) -> tuple[Any, str]:
        from mlflow import MlflowClient  # noqa: PLC0415  1.1 s, for who needs it

        client = MlflowClient(self._uri, self._uri)
        if self._artifacts is None:
            return client, "0"
        location = self._artifacts.as_uri()
        return client, client.create_experiment(str(self._artifacts), location)

    def delete_version(self, name: str, version: int) -> None:
        self._client.delete_model_version(name, str(version))

    def delete_model(self, name: str) -> None:
        self._client.delete_registered_model(name)


def _run(
    client: Any,
    experiment: str,
    user: str,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Any:
    from mlflow.entities import Metric, Param  # noqa: PLC0415  as above

    run = client.create_run(
        experiment, tags={**(tags or {}), "mlflow.user": user}, run_name="trained"
    )
    client.log_batch(
        run.info.run_id,
        [Metric(key, value, 0, 0) for key, value in (metrics or {}).items()],
        [Param(key, value) for key, value in (params or {}).items()],
    )
    client.set_terminated(run.info.run_id)
    return run


def _write_mlmodel(folder: Path, signature: Signature, model_id: str | None) -> None:
    """Write the file as MLflow does."""
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415  as above
    from mlflow.types.schema import ParamSchema, ParamSpec, Schema  # noqa: PLC0415  as above

    inputs, outputs = (
        Schema([_spec(column) for column in columns]) if columns else None
        for columns in (signature.inputs, signature.outputs)
    )
    params: Any = None
    if signature.params:
        params = ParamSchema([ParamSpec(one.name or "", one.type, 1) for one in signature.params])
    given = ModelSignature(inputs, outputs, params) if inputs or outputs or params else None
    folder.mkdir(parents=True, exist_ok=True)
    Model(signature=given, model_id=model_id).save(folder / "MLmodel")


def _spec(column: Column) -> Any:
    import numpy  # noqa: ICN001, PLC0415  as above
    from mlflow.types.schema import ColSpec, TensorSpec  # noqa: PLC0415  as above

    if found := re.fullmatch(r"tensor\((\w+), (\[.*\])\)", column.type):
        return TensorSpec(numpy.dtype(found[1]), tuple(json.loads(found[2])), column.name)
    return ColSpec(column.type, column.name, column.required)


@dataclass(frozen=True)
class Request:
    """A request as it arrived; `path` has the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What to answer; `length` lies about the body's size, `delay` lets the client wait."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    delay: float = 0.0


HANG_UP = Answer(status=0)  # close the connection without a word


@dataclass
class Proxy:
    """An HTTP server that records, and asks `before`, the server behind it, then `after`.

    `before` may answer instead of the server behind (which may be missing then), `after` instead
    of an answer that was given; `rewrite` changes the path that is forwarded.
    """

    uri: str
    upstream: str | None
    before: Callable[[Request], Answer | None]
    after: Callable[[Request], Answer | None]
    rewrite: Callable[[str], str]
    requests: list[Request] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def writes(self) -> list[tuple[str, str, int]]:
        return [entry for entry in self.log if entry[0] in _WRITES]


@contextmanager
def proxy(
    upstream: str | None = None,
    *,
    before: Callable[[Request], Answer | None] = lambda _: None,
    after: Callable[[Request], Answer | None] = lambda _: None,
    rewrite: Callable[[str], str] = lambda path: path,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Proxy]:
    """Run a recording server in front of another, or alone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.block_on_close = False
    if tls is not None:
        # The handshake belongs to the connection's own thread, where a failure harms nobody.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if tls is None else "https"
    uri = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    recorder = Proxy(uri, upstream, before, after, rewrite)
    server.recorder = recorder  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield recorder
    finally:
        recorder.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream: http.client.HTTPConnection | None = None

    def _serve(self) -> None:
        recorder: Proxy = self.server.recorder  # type: ignore[attr-defined]
        size = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, dict(self.headers), self.rfile.read(size))
        with recorder.lock:
            recorder.requests.append(request)
        answer = recorder.before(request)
        if answer is None:
            answer = self._forward(request, recorder)
            answer = recorder.after(request) or answer
        with recorder.lock:
            recorder.log.append((request.method, request.path, answer.status))
        recorder.closing.wait(answer.delay)
        self._answer(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  named by the library

    def _forward(self, request: Request, recorder: Proxy) -> Answer:
        if self.upstream is None:
            self.upstream = http.client.HTTPConnection(
                urlsplit(recorder.upstream or "").netloc, timeout=60
            )
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", "connection", "content-length"}
        }
        path = recorder.rewrite(request.path)
        self.upstream.request(request.method, path, request.body or None, headers)
        if hasattr(socket, "TCP_QUICKACK"):
            self.upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        response = self.upstream.getresponse()
        kind = response.getheader("Content-Type") or "application/json"
        return Answer(response.status, response.read(), {"Content-Type": kind})

    def _answer(self, answer: Answer) -> None:
        if answer is HANG_UP:
            self.close_connection = True
            return
        length = len(answer.body) if answer.length is None else answer.length
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        if length > len(answer.body):
            self.close_connection = True

    def finish(self) -> None:
        super().finish()
        if self.upstream is not None:
            self.upstream.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        pass
