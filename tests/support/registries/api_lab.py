"""The API as a program opens it, and the document of the command beside it."""

import os
from typing import Any

import reconciler
from tests.support.registries.lab import Lab


def opened(lab: Lab, said: list[str] | None = None) -> reconciler.Reconciler:
    """Open the API as a program does that is somewhere else, with an environment of its own."""
    kept = {name: os.environ[name] for name in ("PATH",)}
    return reconciler.open(
        "registry-state",
        root=lab.git.root,
        environ=kept | lab.git.env | {"MLFLOW_REGISTRY_URI": lab.uri},
        warn=(said if said is not None else []).append,
    )


def cli(lab: Lab, *arguments: str) -> dict[str, Any]:
    """Return the document of a command, without its `exit`."""
    document = lab.run(*arguments, "--format", "json").document
    del document["exit"]
    return document
