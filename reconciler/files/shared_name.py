"""Finds the models that two state folders of one name declare: each would undo the other's writes.

The name is what marks a model as managed by a folder, so the registry cannot tell the two apart.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.settings import RegistryPin
from reconciler.core.state import Declaration
from reconciler.core.uris import same_registry
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.files.loader import load_contents, read_settings
from reconciler.files.state_folder import contents


def require_own_models(folder: Path, desired: DeclaredState, others: Sequence[str]) -> None:
    """Raise `DeclarationError` for models that a folder beside this one declares as well.

    `others` are the names of those folders. Only one of the same `name:` and registry counts.
    """
    pin = desired.settings.registry
    if pin is None or pin.name is None:
        return
    problems = [
        _problem(desired.declarations[model], name, pin.name)
        for name in others
        for model in _declared(folder.resolve().parent / name, pin)
        if model in desired.declarations
    ]
    if problems:
        raise DeclarationError(sorted(problems, key=lambda problem: problem.sort_key))


def _declared(folder: Path, pin: RegistryPin) -> Mapping[str, Declaration]:
    """Return what a folder declares where its pin has the same name and registry."""
    found = contents(str(folder), folder.name)
    settings = read_settings(found).settings
    if settings is None or settings.registry is None or not _is_same(settings.registry, pin):
        return {}
    with suppress(DeclarationError):  # it is not this run that reports what is wrong there
        return load_contents(found, folder.name).declarations
    return {}


def _is_same(one: RegistryPin, other: RegistryPin) -> bool:
    if (one.name, one.workspace) != (other.name, other.workspace):
        return False
    return any(same_registry(uri, known) for uri in one.uris for known in other.uris)


def _problem(declared: Declaration, other: str, name: str) -> Problem:
    return Problem(
        f"`{declared.model}` is declared in the folder `{other}` beside this one, too, and both "
        f"have `name: {name}`",
        ExitCode.DECLARATION,
        file=declared.file,
        line=1,
        model=declared.model,
        hint="remove one of the two files, or give one folder another `name:`",
    )
