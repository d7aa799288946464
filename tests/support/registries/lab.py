"""A team's desk: a git repository with a state folder, a live registry, and the command line."""

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests
from typing_extensions import Self

from reconciler.cli import run
from tests.support.repositories.git_lab import GitLab

# What a CI system, a shell or a git hook may have left behind.
_FROM_OUTSIDE = ("GITHUB_", "GIT_", "CI", "RECONCILER_", "NO_COLOR")
_API = "api/2.0/mlflow"
_names = itertools.count(1)


@dataclass(frozen=True)
class Result:
    """What one run of the command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything that a person at the terminal saw."""
        return self.stdout + self.stderr

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout; anything besides it is an error."""
        parsed = json.loads(self.stdout)
        assert isinstance(parsed, dict)
        return parsed


class Hand:
    """Somebody's own hand on the registry: plain REST calls that know nothing of git."""

    def __init__(self, uri: str, *, workspace: str | None = None) -> None:
        self.uri = uri
        self._session = requests.Session()
        self._session.trust_env = False
        if workspace is not None:
            self._session.headers["X-MLFLOW-WORKSPACE"] = workspace

    def call(self, method: str, path: str, **values: Any) -> dict[str, Any]:
        """Send one request and return its answer; anything but 200 is an error."""
        status, answer = self.try_call(method, path, **values)
        assert status == HTTPStatus.OK, answer
        return answer

    def try_call(self, method: str, path: str, **values: Any) -> tuple[int, dict[str, Any]]:
        """Send one request and return the status and the answer."""
        reads = method == "GET"
        url = f"{self.uri}/{_API}/{path}"
        # A new connection each: a kept one costs 40 ms a request on a server with workers.
        response = self._session.request(
            method,
            url,
            params=values if reads else None,
            json=None if reads else values,
            headers={"Connection": "close"},
            timeout=30,
        )
        return response.status_code, response.json()

    def register(self, model: str, versions: int = 0) -> None:
        """Register a model with that many versions."""
        self.call("POST", "registered-models/create", name=model)
        for number in range(1, versions + 1):
            path = "model-versions/create"
            self.call("POST", path, name=model, source=f"s3://bucket/{number}")

    def stage(self, model: str, version: int, stage: str) -> None:
        """Put a version into a stage."""
        path = "model-versions/transition-stage"
        self.call("POST", path, name=model, version=str(version), stage=stage)

    def alias(self, model: str, alias: str, version: int | None) -> None:
        """Point an alias at a version; None takes it away."""
        path = "registered-models/alias"
        if version is None:
            self.call("DELETE", path, name=model, alias=alias)
        else:
            self.call("POST", path, name=model, alias=alias, version=str(version))

    def tag(self, model: str, version: int | None, key: str, value: str) -> None:
        """Tag a model or a version."""
        kind, which = _addressed(version)
        self.call("POST", f"{kind}/set-tag", name=model, key=key, value=value, **which)

    def describe(self, model: str, version: int | None, text: str) -> None:
        """Describe a model or a version."""
        kind, which = _addressed(version)
        self.call("PATCH", f"{kind}/update", name=model, description=text, **which)

    def holds(self, model: str) -> dict[str, Any]:
        """Return what the registry has for a model, one flat mapping, our two tags included."""
        found = self.call("GET", "registered-models/get", name=model)["registered_model"]
        held: dict[str, Any] = {f"tag {t['key']}": t["value"] for t in found.get("tags", [])}
        held |= {f"@{a['alias']}": int(a["version"]) for a in found.get("aliases", [])}
        if found.get("description"):
            held["description"] = found["description"]
        # No filter: its language has no way to write every name.
        answer = self.call("GET", "model-versions/search", max_results=10000)
        for version in answer.get("model_versions", []):
            if version["name"] != model:
                continue
            name = f"v{version['version']}"
            held[f"{name} stage"] = version["current_stage"]
            held |= {f"{name} tag {t['key']}": t["value"] for t in version.get("tags", [])}
            if version.get("description"):
                held[f"{name} description"] = version["description"]
        return held

    def values(self, model: str) -> dict[str, Any]:
        """Return what `holds` does, less our own two tags and stages that say nothing."""
        return {
            key: value
            for key, value in self.holds(model).items()
            if not key.startswith("tag reconciler.") and value != "None"
        }

    def recorded(self, model: str) -> str | None:
        """Return the commits that are recorded for a model, as they are."""
        found: str | None = self.holds(model).get("tag reconciler.commit")
        return found


def _addressed(version: int | None) -> tuple[str, dict[str, str]]:
    if version is None:
        return "registered-models", {}
    return "model-versions", {"version": str(version)}


@dataclass
class Lab:
    """A checkout and a registry; `run` is the command as somebody in that checkout types it."""

    git: GitLab
    uri: str
    hand: Hand
    environ: dict[str, str] = field(default_factory=dict)

    def at(self, git: GitLab) -> "Lab":
        """Return the same desk in another checkout."""
        return Lab(git, self.uri, self.hand, dict(self.environ))

    def model(self, versions: int = 2) -> str:
        """Register a model that no other test uses, and return its name."""
        name = f"lab-{os.getpid()}-{next(_names)}"
        self.hand.register(name, versions)
        return name

    def declare(self, model: str, content: str | None, message: str = "declare") -> str:
        """Commit a model's file, None for none, and return the commit."""
        return self.git.commit({f"registry-state/{model}.yaml": content}, message)

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run one command in this process, without a terminal, and put everything back."""
        out, err = io.StringIO(), io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.MonkeyPatch.context() as patch:
                for name in os.environ.keys() - _without_outside().keys():
                    patch.delenv(name)
                for name, value in (self._environ() | dict(env or {})).items():
                    patch.setenv(name, value)
                patch.chdir(cwd or self.git.root)
                patch.setattr(sys, "stdin", io.StringIO())
                with redirect_stdout(out), redirect_stderr(err):
                    code = run(arguments)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return Result(code, out.getvalue(), err.getvalue())

    @contextmanager
    def started(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> Iterator["subprocess.Popen[str]"]:
        """Start one command as a process of its own; it is gone afterwards."""
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.git.root,
            env=_without_outside() | self._environ() | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def _environ(self) -> dict[str, str]:
        own = ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
        isolated = {name: self.git.env[name] for name in own}
        return isolated | {"MLFLOW_TRACKING_URI": self.uri} | self.environ


def _without_outside() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(_FROM_OUTSIDE)}


@pytest.fixture(name="lab")
def lab_fixture(mlflow_uri: str, tmp_path: Path) -> Lab:
    """Set up an empty checkout in front of the shared `mlflow server`."""
    return Lab(GitLab.new(tmp_path), mlflow_uri, Hand(mlflow_uri))


def rows(document: Mapping[str, Any], key: str = "changes") -> list[str]:
    """Return a document's changes as one line each, in its order."""
    return [
        " ".join(
            str(part)
            for part in (
                *(f"v{row['version']}" for _ in [0] if row["version"] is not None),
                row["field"],
                *([row["key"]] if row["key"] is not None else []),
                f"{row['before']}→{row['after']}",
                row["cause"],
            )
        )
        for row in document[key]
    ]


class Poller:
    """A reader in a tight loop on a connection of its own, as a serving system would be.

    It looks at one model's Production and at its `champion`; `missed` says when either was gone.
    `seen` has what was in Production at each look, `named` what had the alias.
    """

    def __init__(self, uri: str, model: str) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.named: list[int | None] = []
        self.missed: list[str] = []
        self._hand = Hand(uri)
        self._model = model
        self._end = threading.Event()
        self._looked = threading.Condition()
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def wait_for(self, observations: int) -> None:
        """Wait until it has looked that many more times."""
        with self._looked:
            goal = len(self.seen) + observations
            assert self._looked.wait_for(lambda: len(self.seen) >= goal, timeout=30)

    def _poll(self) -> None:
        while not self._end.is_set():
            serving = self._production()
            champion = self._champion()
            with self._looked:
                self.seen.append(serving)
                self.named.append(champion)
                if not serving:
                    self.missed.append(f"look {len(self.seen)}: nothing in Production")
                if champion is None:
                    self.missed.append(f"look {len(self.seen)}: no champion")
                self._looked.notify_all()

    def _production(self) -> tuple[int, ...]:
        path = "registered-models/get-latest-versions"
        answer = self._hand.call("POST", path, name=self._model, stages=["Production"])
        return tuple(int(version["version"]) for version in answer.get("model_versions", []))

    def _champion(self) -> int | None:
        path = "registered-models/alias"
        status, answer = self._hand.try_call("GET", path, name=self._model, alias="champion")
        return int(answer["model_version"]["version"]) if status == HTTPStatus.OK else None
