"""Checks that what a file names exists, can be read, is READY, and matches its pins."""

import json
from collections.abc import Collection, Iterable
from shlex import quote

from reconciler.core.matching import nearest, other_form
from reconciler.core.state import (
    ACTIVE_STAGES,
    Base,
    Declaration,
    Field,
    Live,
    aliases,
    in_use,
    stages,
)
from reconciler.core.uris import safe_uri
from reconciler.errors import ExitCode, Problem
from reconciler.planning.renames import NO_OTHER_NAME, OtherName
from reconciler.ports.registry import Capabilities


def gone(declaration: Declaration, live: Live) -> tuple[int, ...]:
    """Return the declared versions that no longer exist but are not in use, so need not."""
    used = in_use(declaration.fields)
    return tuple(version for version in missing(declaration, live) if version not in used)


def deleted(declaration: Declaration, live: Live, base: Base) -> tuple[int, ...]:
    """Return the declared versions that were in the registry at the last apply, and are not now.

    Every recorded commit was applied, so a version that it declared in use was there. One that it
    declared at rest may never have been: a pin, or a higher number, proves that it was.
    """
    highest = max(live.versions, default=0)
    return tuple(
        version
        for version in missing(declaration, live)
        if version in base.versions
        and (
            version in _ever_in_use(base)
            or version < highest
            or declaration.versions[version].has_pin
        )
    )


def missing(declaration: Declaration, live: Live) -> tuple[int, ...]:
    """Return the declared versions that the registry does not have, in the file's order."""
    return tuple(version for version in declaration.versions if version not in live.versions)


def problems(
    declaration: Declaration,
    live: Live | None,
    *,
    names: Collection[str],
    deleted: Collection[int] = (),
    other_name: OtherName = NO_OTHER_NAME,
) -> tuple[Problem, ...]:
    """Return the problems of a declaration with the live model.

    `names` are the live models, `deleted` the versions that the registry once had.
    """
    if live is None:
        return (_missing_model(declaration, names, other_name),)
    if other_name.copied is not None:
        message = (
            f"`{declaration.model}` was not renamed from `{other_name.copied}`: both are in the "
            "registry, so it is a copy"
        )
        hint = "remove `renamed_from`"
        return (_problem(declaration, message, declaration.line, hint),)
    if live.is_prompt:
        message = f"`{declaration.model}` is a prompt, not a model"
        hint = "prompts are not managed: remove the file"
        return (_problem(declaration, message, declaration.line, hint),)
    if live.unreadable is not None:
        return (unlistable(live, declaration),)
    return (*_version_problems(declaration, live, deleted),)


def unlistable(live: Live, declaration: Declaration | None) -> Problem:
    """Return the problem of a live model whose versions cannot be listed."""
    return Problem(
        f"the versions of `{live.model}` cannot be listed: {live.unreadable}",
        ExitCode.REGISTRY,
        file=declaration.file if declaration else None,
        line=declaration.line if declaration else None,
        model=live.model,
    )


def _missing_model(
    declaration: Declaration, names: Collection[str], other_name: OtherName
) -> Problem:
    model = declaration.model
    message = f"model `{model}` is not in the registry"
    hint = _another_form(model, names) or (
        f"{nearest(model, names) or 'register it first;'} where it was deleted in the registry, "
        f"`reconciler tidy {quote(model)}` removes the file"
    )
    if other_name.waiting is not None:
        message += f": it is `{other_name.waiting}` there"
        hint = f"rename it in MLflow to `{model}`, then apply"
    elif other_name.elsewhere is not None:
        message += f": it is `{other_name.elsewhere}` there"
        hint = (
            f"rename it in git, too: the file of `{other_name.elsewhere}` can say "
            f"`renamed_from: {model}`"
        )
    return _problem(declaration, message, declaration.line, hint)


def unsupported(declaration: Declaration, capabilities: Capabilities) -> tuple[Problem, ...]:
    """Return a problem for each declared field that this backend does not support."""
    problems = []
    for address in declaration.fields:
        is_unsupported = (address.name == "stage" and not capabilities.stages) or (
            address.name == "alias" and not capabilities.aliases
        )
        if is_unsupported:
            feature = "stages" if address.name == "stage" else "aliases"
            line = _line(declaration, address)
            message = f"{capabilities.why} has no {feature}, so {address} cannot be declared"
            hint = _without(feature, address, declaration)
            problems.append(_problem(declaration, message, line, hint))
    return tuple(problems)


def _without(feature: str, address: Field, declaration: Declaration) -> str:
    """Return how a field of a feature is not declared; a bridge declares it, too."""
    remove = f"remove the {feature} from the file"
    values = {declaration.fields[address], address.key}
    pair = next((f"{s}: {a}" for s, a in declaration.bridged if {s, a} & values), None)
    if pair is None:
        return remove
    of_settings = f"remove `{pair}` from `bridge` in the settings, which declares"
    if address in declaration.implied:
        return f"{of_settings} it for this model"
    return f"{remove}, and {of_settings} them, too"


def _version_problems(
    declaration: Declaration, live: Live, deleted: Collection[int]
) -> Iterable[Problem]:
    known = ", ".join(f"v{v}" for v in sorted(live.versions)[-8:]) or "no version"
    name = quote(declaration.model)
    used = in_use(declaration.fields)
    for version in missing(declaration, live):
        if version not in used:
            continue
        message = f"`{declaration.model}` has no version {version}"
        hint = f"the registry has {known}"
        if version in deleted:
            message = f"`{declaration.model}` {deletion(declaration, version)}"
            hint = (
                f"`reconciler tidy {name}` takes the entry out, `reconciler promote {name} VERSION`"
                f" declares another one; the registry has {known}"
            )
        yield _problem(declaration, message, declaration.versions[version].line, hint)
    for version, declared in declaration.versions.items():
        live_version = live.versions.get(version)
        if live_version is None:
            continue
        if live_version.status != "READY" and version in used:
            message = f"`{declaration.model}` v{version} is {live_version.status}, not READY"
            hint = "wait until it is registered, or declare another version"
            yield _problem(declaration, message, declared.line, hint)
    yield from pin_problems(declaration, live)


def pin_problems(declaration: Declaration, live: Live) -> Iterable[Problem]:
    """Yield a problem for each pin that the live version of that number does not have."""
    for version, declared in declaration.versions.items():
        live_version = live.versions.get(version)
        if live_version is None:
            continue
        for pin in ("run_id", "source"):
            pinned, live_value = getattr(declared, pin), getattr(live_version.identity, pin)
            if pinned is not None and pinned != live_value:
                message = (
                    f"`{declaration.model}` v{version} is not the declared version: its {pin} is "
                    f"`{safe_uri(live_value or '')}`, but the file pins `{safe_uri(pinned)}`"
                )
                hint = (
                    "was the model deleted and registered again? `reconciler import --update "
                    f"--pins {quote(declaration.model)}` pins what is live: that approves another "
                    "model under this number"
                )
                yield _problem(declaration, message, declared.line, hint)


def deletion(declaration: Declaration, version: int) -> str:
    """Return the sentence for a version that was deleted by hand: git still declares it."""
    stage = stages(declaration.fields).get(version)
    held = [f"@{alias}" for alias, v in aliases(declaration.fields).items() if v == version]
    how = " ".join([*([stage] if stage else []), *sorted(held)])
    return f"v{version} was deleted in the registry; git declares it{f' {how}' if how else ''}"


def _another_form(model: str, names: Collection[str]) -> str | None:
    other = other_form(model, names)
    if other is None:
        return None
    return (
        "the registry has this name in another Unicode form (a Mac writes names of files in its "
        f"own): write `model: {json.dumps(other)}`"  # its escapes are those of YAML
    )


def _ever_in_use(base: Base) -> set[int]:
    """Return the versions that a recorded commit declared in an active stage or under an alias."""
    staged = (
        address.version
        for address, values in base.ever.items()
        if address.name == "stage" and values & {*ACTIVE_STAGES}
    )
    named = (
        int(value)
        for address, values in base.ever.items()
        if address.name == "alias"
        for value in values
    )
    return {version for version in (*staged, *named) if version is not None}


def _line(declaration: Declaration, address: Field) -> int | None:
    version = declaration.fields[address] if address.name == "alias" else address.version
    entry = declaration.versions.get(int(version)) if version is not None else None
    return entry.line if entry else declaration.line


def _problem(declaration: Declaration, message: str, line: int | None, hint: str) -> Problem:
    return Problem(
        message,
        ExitCode.DECLARATION,
        file=declaration.file,
        line=line,
        model=declaration.model,
        hint=hint,
    )
