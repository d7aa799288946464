"""Reads the versions that a plan puts into use without a digest, so that a review can add it."""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.api.artifacts.entering import FAILURES, digest_of
from reconciler.api.workspace import Workspace
from reconciler.core.artifacts.missing_digest import MissingDigest
from reconciler.core.changes import entering
from reconciler.core.plan import JudgedPlan


def missing_digests(workspace: Workspace, plan: JudgedPlan) -> tuple[MissingDigest, ...]:
    """Return each version that enters without a digest, with that of its files where it is known.

    For a version that cannot be read from here, or is too large, `why` has the reason: it is not an
    error, because nobody required the digest.
    """
    return tuple(_read(workspace, row) for row in _undeclared(workspace, plan))


def _undeclared(workspace: Workspace, plan: JudgedPlan) -> Iterator[MissingDigest]:
    """Yield the versions in the order of the plan."""
    declarations = workspace.desired.declarations
    for model in plan.models:
        declaration = declarations.get(model.model)
        for version in sorted(entering(model.changes)):
            entry = declaration.versions.get(version) if declaration else None
            if declaration and entry and entry.digest is None:
                yield MissingDigest(model.model, version, declaration.file, entry.line)


def _read(workspace: Workspace, row: MissingDigest) -> MissingDigest:
    try:
        digest = digest_of(workspace, row.model, row.version, unasked=True)
    except FAILURES as error:
        return replace(row, why=str(error) or type(error).__name__)
    return replace(row, digest=digest)
