"""The offline check of the files, and their JSON Schema; imports no MLflow, git or HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from reconciler.api.arguments import checked
from reconciler.core.declaring.consumers import complaint, unresolved
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, Problem, ReconcilerError, UsageError
from reconciler.files import loader
from reconciler.files.shared_name import require_own_models
from reconciler.files.state_folder import others_beside
from reconciler.policy.consumer_guard import PINNED_CONSUMER
from reconciler.render import json_documents, phrases
from reconciler.render.json_documents import Document
from reconciler.repository.locate import find_state_folder, repository_root, working_directory


@checked
def validate(
    state: str | Path = "registry-state", *, root: str | Path | None = None
) -> tuple[Problem, ...]:
    """Return every complaint about the files of a state folder, errors and warnings; () is fine.

    The code of an error is `ExitCode.DECLARATION`, that of a warning `ExitCode.OK`. `root` is the
    folder that `state` is looked up from; the default is the working directory.

    Raises `UsageError` where there is no such folder.

    >>> reconciler.validate("registry-state")
    ()
    """
    return validated(str(state), working_directory(root)).problems


@dataclass(frozen=True, slots=True)
class Validation:
    """The complaints about a state folder: errors where `code` says so, else warnings.

    Not an `Answer`, whose module takes longer to import than the files to check.
    """

    state: str
    folder: Path
    problems: tuple[Problem, ...]
    code: ExitCode = ExitCode.OK
    models: int = 0

    def document(self) -> Document:
        """Return the document of `validate --format json`: a warning is not among its errors."""
        return json_documents.failure(self.problems if self.code else (), self.code)

    def to_text(self, seconds: float) -> str:
        """Return what `validate` prints: nothing where the files are wrong."""
        if self.code:
            return ""
        return f"{self.state}: valid, {phrases.models(self.models)}, {seconds:.2f} s\n"


def validated(state: str, root: Path) -> Validation:
    """Check a state folder; raises `UsageError` where there is none."""
    folder = find_state_folder(state, root, repository_root(root))
    others = others_beside(folder, repository_root(folder.resolve()))
    try:
        desired = loader.load(folder, state, others=others)
        require_own_models(folder, desired, others)
    except DeclarationError as error:
        return Validation(state, folder, error.problems, error.code)
    unloadable = _unloadable(desired)
    if errors := [problem for problem in unloadable if problem.code]:
        wrong = DeclarationError(errors)
        return Validation(state, folder, wrong.problems, wrong.code)
    warnings = (*desired.warnings, *unloadable)
    return Validation(state, folder, warnings, models=len(desired.declarations))


def _unloadable(desired: DeclaredState) -> tuple[Problem, ...]:
    """Return a problem for each consumer that loads nothing declared, a warning where it may."""
    return tuple(
        replace(
            complaint(consumer, declaration),
            code=ExitCode.OK if _is_accepted(declaration) else ExitCode.DECLARATION,
        )
        for declaration in desired.declarations.values()
        if declaration.consumers
        for consumer in unresolved(declaration)
    )


def _is_accepted(declaration: Declaration) -> bool:
    today = datetime.now(tz=timezone.utc).date()
    return any(
        consent.guard == PINNED_CONSUMER and today <= consent.until
        for consent in declaration.accept
    )


def declared_models(state: str, root: Path) -> tuple[str, ...]:
    """Return the names of the models that the files declare, none where they are wrong."""
    try:
        folder = find_state_folder(state, root, repository_root(root))
        return tuple(loader.load(folder, state, others=()).declarations)
    except ReconcilerError:
        return ()


def json_schema(kind: Literal["model", "settings"] = "model") -> Document:
    """Return the JSON Schema of a model's file, or of reconciler.yaml (`settings`).

    Raises `UsageError` for another kind.

    >>> reconciler.json_schema("model")["title"]
    'Registered model'
    """
    schemas = {"model": loader.model_schema, "settings": loader.settings_schema}
    if kind not in schemas:
        raise UsageError(f"there is no schema of `{kind}`", hint=f"name {' or '.join(schemas)}")
    return schemas[kind]()
