"""Checks the semantic versions of a model against what was merged: kept, and rising. Pure."""

from collections.abc import Collection, Iterator
from shlex import quote
from typing import Protocol

from reconciler.core.declaring.semantic_versions import DeclaredSemvers, declared_semvers
from reconciler.core.state import Base, Declaration, Fields, Serving
from reconciler.errors import ExitCode, Problem


class PastServing(Protocol):
    """The port to what served before, by the merged history."""

    def served_before(self, model: str, version: int) -> bool:
        """Return whether a version served and was then replaced by another one."""
        ...


def edited_semvers(declaration: Declaration, base: Base) -> Iterator[Problem]:
    """Yield a problem for each semantic version that is another one than the merged one.

    One that is taken away is none: a revert does that.
    """
    numbers = declared_semvers(declaration, base)
    for version, text in numbers.now.items():
        merged = numbers.merged.get(version, frozenset())
        if not merged or text in merged:
            continue
        was = " or ".join(sorted(merged))
        message = (
            f"`{declaration.model}` v{version} has the semantic version {text}, and git declared "
            f"{was} for it: a semantic version is never edited once it is merged"
        )
        hint = f"write `semver: {min(merged)}` again; what needs another number is another version"
        yield _problem(declaration, version, message, hint)


def not_higher(
    declaration: Declaration,
    base: Base,
    servings: Collection[Serving],
    moved: Collection[int],
    past: PastServing | None,
) -> tuple[Problem, ...]:
    """Return a problem for each version that begins to serve without a higher number.

    One that served before may come back. `moved` are the versions that the plan moves: what is
    live already is not judged. `past` is None where there is no merged history.
    """
    numbers = declared_semvers(declaration, base)
    return tuple(
        _not_higher(declaration, version, incumbent, numbers)
        for version, incumbent in _displaced(declaration.fields, base, servings)
        if version in moved
        and _is_not_higher(version, incumbent, numbers)
        and not numbers.goes_back(version, incumbent)
        and not (past is not None and past.served_before(declaration.model, version))
    )


def _displaced(
    desired: Fields, base: Base, servings: Collection[Serving]
) -> Iterator[tuple[int, int]]:
    """Yield each version that begins to serve, with each that git had serving and has no longer."""
    found: dict[tuple[int, int], None] = {}
    for serving in servings:
        after = serving.versions(desired)
        recorded = (base.first, *(later.fields for later in base.later))
        before = frozenset[int]().union(*(serving.versions(fields) for fields in recorded))
        pairs = ((v, old) for v in sorted(after - before) for old in sorted(before - after))
        found.update(dict.fromkeys(pairs))
    yield from found


def _is_not_higher(version: int, incumbent: int, numbers: DeclaredSemvers) -> bool:
    own, other = numbers.of(version), numbers.of(incumbent)
    return own is not None and other is not None and own <= other


def _not_higher(
    declaration: Declaration, version: int, incumbent: int, numbers: DeclaredSemvers
) -> Problem:
    own, other = numbers.of(version), numbers.of(incumbent)
    message = (
        f"`{declaration.model}` v{version} has the semantic version {own}, which is not higher "
        f"than {other} of v{incumbent}, which it displaces"
    )
    if version in numbers.merged:
        hint = (
            "its number is merged and stays: register the model again, as a version with a higher "
            f"number; `reconciler rollback {quote(declaration.model)}` goes back to what served"
        )
    else:
        above = other.following("PATCH") if other is not None else None
        hint = f"give it a higher number: {above}, or more where its signature differs"
    return _problem(declaration, version, message, hint)


def _problem(declaration: Declaration, version: int, message: str, hint: str) -> Problem:
    entry = declaration.versions.get(version)
    return Problem(
        message,
        ExitCode.DECLARATION,
        file=declaration.file,
        line=entry.line if entry is not None else declaration.line,
        model=declaration.model,
        hint=hint,
    )
