"""Versions with files, which the registry's server passes on, or in a folder of this disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import requests

from tests.support.registries.lab import Hand

MODEL: Mapping[str, bytes] = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\0\1\2" * 1000}


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the digest that model signing gives to files."""
    ordered = sorted(files, key=lambda path: path.split("/"))
    raw = b"".join(sha256(files[path]).digest() for path in ordered)
    return f"sha256:{sha256(raw).hexdigest()}"


@dataclass
class ModelFolders:
    """Who trains: logs the files of runs, and registers versions that came from them.

    Without `store` the server passes the files on; else they are below that folder.
    """

    hand: Hand
    store: Path | None = None
    _folders: dict[tuple[str, int], str] = field(default_factory=dict)

    def register(self, model: str, files: Mapping[str, bytes] = MODEL) -> int:
        """Register a version of a model that exists; return its number."""
        name = uuid4().hex
        place = self.store.as_uri() if self.store else f"mlflow-artifacts:/{name}"
        made = self.hand.call("POST", "experiments/create", name=name, artifact_location=place)
        run = self.hand.call("POST", "runs/create", experiment_id=made["experiment_id"])
        info = run["run"]["info"]
        folder = f"{info['artifact_uri']}/model"
        created = self.hand.call(
            "POST", "model-versions/create", name=model, source=folder, run_id=info["run_id"]
        )
        version = int(created["model_version"]["version"])
        self._folders[model, version] = folder
        for path, content in files.items():
            self.put(model, version, path, content)
        return version

    def put(self, model: str, version: int, path: str, content: bytes) -> None:
        """Write a file of a version, or another one in its place."""
        if self.store is not None:
            file = self.folder(model, version) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            return
        below = self._folders[model, version].removeprefix("mlflow-artifacts:/")
        url = f"{self.hand.uri}/api/2.0/mlflow-artifacts/artifacts/{below}/{path}"
        requests.put(url, data=content, timeout=30).raise_for_status()

    def folder(self, model: str, version: int) -> Path:
        """Return the folder of a version on this disk."""
        return Path(self._folders[model, version].removeprefix("file://"))
