"""What git declares for a name, and whether that is what is live."""

from dataclasses import replace
from shlex import quote

from reconciler.api.inspection.version_names import (
    find_named,
    readings,
    serving_version,
    version_of,
)
from reconciler.api.workspace import Workspace
from reconciler.core.comparison import named_versions
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.matching import nearest
from reconciler.core.state import Declaration, Identity, Live, LiveVersion
from reconciler.errors import DeclarationError, OutOfStep, Refused, UsageError
from reconciler.planning.preconditions import pin_problems

_TAKE_IN = "`reconciler import MODEL` declares what is live"


def approved_version(workspace: Workspace, name: str) -> tuple[Live, int]:
    """Return the live model and version that a name means, which git declares for it.

    Raises `OutOfStep` where git declares another version, `DeclarationError` where the live one
    fails its pin, `Refused` where it is blocked. What git does not declare is taken, with a
    warning.
    """
    live, selector = find_named(workspace, name)
    desired = workspace.desired
    declaration = desired.declarations.get(live.model)
    expected = None if declaration is None else _declared_number(desired, declaration, selector)
    try:
        version = version_of(workspace, live, selector, verb="taken")
    except UsageError as error:
        if expected is None:
            raise
        message = f"git declares v{expected} for `{name}`, and in the registry no version is that"
        raise OutOfStep(message, hint=_what_to_do(live.model)) from error
    if expected is None:
        what = f"`{name}`" if declaration else f"the model `{live.model}`"
        workspace.warn(f"git does not declare {what}: nobody approved v{version} there")
    elif expected != version:
        message = f"`{name}` is v{version} in the registry, and git declares v{expected}"
        raise OutOfStep(message, hint=_what_to_do(live.model))
    if declaration is not None:
        _check_entry(declaration, live, version)
    return live, version


def declared_version(workspace: Workspace, name: str) -> tuple[Live, int]:
    """Return what git declares for a name, as if it were live; sends no request.

    Raises `UsageError` where git declares nothing for it.
    """
    declarations = workspace.desired.declarations
    ways = readings(name)
    for model, selector in ways:
        if model in declarations:
            live = _as_live(declarations[model])
            version = version_of(workspace, live, selector, verb="taken")
            _check_entry(declarations[model], live, version)
            return live, version
    hint = next((near for model, _ in ways if (near := nearest(model, declarations))), None)
    tried = "` or `".join(model for model, _ in ways)
    raise UsageError(f"git declares no model `{tried}`", hint=hint or _TAKE_IN)


def clean_commit(workspace: Workspace, declaration: Declaration | None) -> str | None:
    """Return the checked out commit; None, with a warning, where it does not declare the model so.

    None without a warning where there is no commit, or no declaration.
    """
    if declaration is None or workspace.repo is None or workspace.repo.head is None:
        return None
    if declaration.file in workspace.dirty:
        workspace.warn(f"`{declaration.file}` is not as the commit has it: commit it")
        return None
    return workspace.repo.head


def _declared_number(
    desired: DeclaredState, declaration: Declaration, selector: str | None
) -> int | None:
    live = _as_live(declaration)
    if selector is None:
        return serving_version(live, desired)
    try:
        return named_versions(live, selector)[0]
    except UsageError:
        return None


def _as_live(declaration: Declaration) -> Live:
    """Return a model as it would be live with what is declared, and nothing else."""
    versions = {
        number: LiveVersion(Identity(entry.run_id, entry.source, None), status="")
        for number, entry in declaration.versions.items()
    }
    return Live(declaration.model, declaration.fields, versions)


def _check_entry(declaration: Declaration, live: Live, version: int) -> None:
    entry = declaration.versions.get(version)
    if entry is None:
        return
    if problems := tuple(pin_problems(replace(declaration, versions={version: entry}), live)):
        raise DeclarationError(problems)
    if entry.blocked is not None:
        message = f"`{declaration.model}` v{version} is blocked in git: {entry.blocked}"
        raise Refused(message, hint="name another version, or take `blocked` out by a review")


def _what_to_do(model: str) -> str:
    name = quote(model)
    return (
        f"`reconciler plan --model {name}` shows what an apply would write, `reconciler drift "
        f"{name}` what was changed by hand; `git pull` if this checkout is behind"
    )
