"""Models that load in milliseconds, the app of examples/serving as a process, and its clients."""

import json
import os
import shlex
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests import ROOT
from tests.support.registries.servers import free_port

SERVING: Final = ROOT / "examples" / "serving"
_COMMAND: Final = "uvicorn app:app --port 8000 --no-access-log"
BODY: Final = b'{"dataframe_split": {"columns": ["x"], "data": [[0.5], [1.5]]}}'

# What mlflow.pyfunc.save_model writes of a model in code.
_MLMODEL: Final = """flavors:
  python_function:
    loader_module: mlflow.pyfunc.loaders.code_model
    model_code_path: model.py
    python_version: 3.11.0
mlflow_version: 3.0.0
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '{inputs}'
  outputs: '[{{"type": "double", "required": true}}]'
"""
_CODE: Final = """import mlflow


class Constant(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        {then}


mlflow.models.set_model(Constant())
"""


def model_files(
    then: str | float, *, inputs: Mapping[str, str] | None = None, at_load: str = ""
) -> Mapping[str, bytes]:
    """Return the files of a model that answers a number for each row, or does something else."""
    if not isinstance(then, str):
        then = f"return [{float(then)}] * len(model_input)"
    columns = inputs or {"x": "double"}
    schema = [{"type": type_, "name": name, "required": True} for name, type_ in columns.items()]
    example = {"columns": [*columns], "data": [[1.0] * len(columns)]}
    return {
        "MLmodel": _MLMODEL.format(inputs=json.dumps(schema)).encode(),
        "model.py": (at_load + _CODE.format(then=then)).encode(),
        "input_example.json": json.dumps(example).encode(),
        "serving_input_example.json": json.dumps({"dataframe_split": example}).encode(),
    }


class Reply(NamedTuple):
    """An answer of the app; status 0 where there was none."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def version(self) -> int:
        return int(self.headers["x-model-version"])

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class App:
    """The app of examples/serving, started as README.md says."""

    uri: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def get(self, path: str) -> Reply:
        return self._send(urllib.request.Request(self.uri + path))  # noqa: S310  loopback

    def invoke(self, body: bytes = BODY, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("content-type", "application/json")
        request = urllib.request.Request(self.uri + "/invocations", body, named)  # noqa: S310
        return self._send(request)

    def _send(self, request: urllib.request.Request) -> Reply:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return _reply(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error)
        except OSError as error:
            return Reply(0, {}, repr(error).encode())

    def lives(self) -> bool:
        return self.get("/healthz").status == 200

    def ready(self) -> bool:
        return self.get("/readyz").status == 200

    def serves(self) -> int | None:
        """Return the version that answers now."""
        reply = self.invoke()
        return reply.version if reply.status == 200 else None

    def wait_for(self, version: int) -> float:
        """Wait until a version answers, and return how long that took."""
        return self.wait_until(lambda: self.serves() == version)

    def wait_until_behind(self, why: str = "", path: str = "/readyz") -> Reply:
        """Wait until the app says that it is behind what is declared, and why."""
        self.wait_until(lambda: why in (self.get(path).document["behind"] or "\0"))
        return self.get(path)

    def wait_until(self, holds: Callable[[], object], seconds: float = 60.0) -> float:
        """Wait until something holds, and return how long that took."""
        begin = time.monotonic()
        pause = threading.Event()
        while not holds():
            waited = time.monotonic() - begin
            assert waited < seconds, self.log.read_text()[-3000:]
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            pause.wait(0.02)
        return time.monotonic() - begin

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over what has these labels, as Prometheus reads it."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics").body.decode())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def _reply(answer: Any) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, headers, answer.read())


@contextmanager
def serving_app(
    folder: Path, uri: str, model: str, *, command: str = _COMMAND, **settings: str
) -> Iterator[App]:
    """Start the app by a command of its README.md, on a free port."""
    port = str(free_port())
    words = shlex.split(command.replace("8000", port))
    program = words.index("uvicorn")
    environ = {
        **os.environ,
        "MLFLOW_TRACKING_URI": uri,
        "MODEL": model,
        "POLL_SECONDS": "0.2",
        **dict(word.split("=", 1) for word in words[:program]),
        **settings,
    }
    log = folder / f"serving-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words[program:]],
            cwd=SERVING,
            env=environ,
            stdout=output,
            stderr=output,
        )
    try:
        yield App(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Sent(NamedTuple):
    """A request of the load: when it began and ended, and its answer."""

    begin: float
    end: float
    reply: Reply


@dataclass
class Load:
    """Sends 50 requests a second, whether those before are answered or not."""

    app: App
    sent: list[Sent] = field(default_factory=list)

    @property
    def failed(self) -> list[Reply]:
        return [sent.reply for sent in self.sent if sent.reply.status != 200]

    def seen(self) -> Mapping[int, int]:
        """Return how often each version answered."""
        counted: dict[int, int] = defaultdict(int)
        for sent in self.sent:
            counted[sent.reply.version] += 1
        return counted

    def more(self, number: int) -> None:
        """Wait until that many more are answered."""
        enough = len(self.sent) + number
        self.app.wait_until(lambda: len(self.sent) >= enough)

    def send(self) -> None:
        begin = time.monotonic()
        reply = self.app.invoke()
        self.sent.append(Sent(begin, time.monotonic(), reply))


@contextmanager
def load_of(app: App, per_second: float = 50.0) -> Iterator[Load]:
    """Load an app, from many connections, as long as the block runs."""
    load, stop = Load(app), threading.Event()

    def clock(pool: ThreadPoolExecutor) -> None:
        begin, number = time.monotonic(), 0
        while not stop.wait(max(0.0, begin + number / per_second - time.monotonic())):
            pool.submit(load.send)
            number += 1

    with ThreadPoolExecutor(16) as pool:
        thread = threading.Thread(target=clock, args=(pool,))
        thread.start()
        try:
            yield load
        finally:
            stop.set()
            thread.join()
