"""The offline check of the files, and their JSON Schema; imports no MLflow, git or HTTP library."""

from pathlib import Path
from typing import Literal

from reconciler.core.declared import DeclaredState
from reconciler.errors import DeclarationError, Problem
from reconciler.files import loader
from reconciler.files.state_folder import others_beside
from reconciler.render.json_documents import Document
from reconciler.repository.locate import find_state_folder, repository_root


def validate(
    state: str | Path = "registry-state", *, root: str | Path | None = None
) -> tuple[Problem, ...]:
    """Return every complaint about the files of a state folder, errors and warnings; () is fine.

    The code of an error is `ExitCode.DECLARATION`, that of a warning `ExitCode.OK`. `root` is the
    folder that `state` is looked up from; the default is the working directory.

    Raises `UsageError` where there is no such folder.

    >>> import reconciler
    >>> reconciler.validate("examples/quickstart/registry-state")
    ()
    """
    folder = state_folder(str(state), Path.cwd() if root is None else Path(root).absolute())
    try:
        return declared(folder, str(state)).warnings
    except DeclarationError as error:
        return error.problems


def json_schema(kind: Literal["model", "settings"] = "model") -> Document:
    """Return the JSON Schema of a model's file, or of reconciler.yaml (`settings`)."""
    return loader.model_schema() if kind == "model" else loader.settings_schema()


def state_folder(state: str, root: Path) -> Path:
    """Return the state folder; raises `UsageError` where there is none."""
    return find_state_folder(state, root, repository_root(root))


def declared(folder: Path, shown: str) -> DeclaredState:
    """Return what a state folder declares; raises `DeclarationError` with every complaint."""
    others = others_beside(folder, repository_root(folder.resolve()))
    return loader.load(folder, shown, others=others)
