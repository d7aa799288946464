"""Computes the digests of versions that enter, and tells why one is not known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Final, TypeAlias

from reconciler.api.artifacts.reading_progress import read_and_tell
from reconciler.api.workspace import Workspace
from reconciler.authoring.digests import LiveDigests
from reconciler.core.artifacts.size_limit import why_not_unasked
from reconciler.core.state import Declaration, Live, in_use
from reconciler.errors import DeclarationError, ExitCode, Problem, ReconcilerError, RegistryError
from reconciler.render import phrases
from reconciler.render.escape import visible

# A full disk is none of the registry's errors; whose files those are does not matter here.
FAILURES: Final = (ReconcilerError, OSError)
_INSIST: Final = "`--digest` reads them all the same"

Digests: TypeAlias = Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Entering:
    """A version that an edit puts into use: what is declared of it, and the live model."""

    declaration: Declaration
    version: int
    live: Live

    @property
    def name(self) -> str:
        """The model and the version in words."""
        return f"`{self.declaration.model}` v{self.version}"

    @property
    def declared(self) -> str | None:
        """The digest that its entry has already."""
        return self.declaration.digests.get(self.version)

    def read(self, workspace: Workspace, *, unasked: bool) -> str:
        """Return the digest of its files; raises as `digest_of` does."""
        return digest_of(workspace, self.live.model, self.version, unasked=unasked)

    def differs(self, read: Digests) -> bool:
        """Return whether another digest was read than the one that is declared."""
        digest = read.get((self.declaration.model, self.version), self.declared)
        return self.declared not in (None, digest)


def entering_digests(
    workspace: Workspace, versions: Sequence[Entering], *, wanted: bool | None
) -> Digests:
    """Return digests by model and version; a digest that is declared is read only if `wanted`.

    By default a version that is too large, or cannot be read, is told and left out; where the
    digests are `wanted` it raises `RegistryError`. Raises `DeclarationError` for a version whose
    declared digest is another.
    """
    if wanted is False:
        return {}
    read: dict[tuple[str, int], str] = {}
    unread: list[tuple[Entering, Exception]] = []
    for entering in versions:
        if entering.declared is None or wanted:
            try:
                digest = entering.read(workspace, unasked=not wanted)
                read[entering.declaration.model, entering.version] = digest
            except FAILURES as error:
                unread.append((entering, error))
    mismatches = [_mismatch(entering, read) for entering in versions if entering.differs(read)]
    if mismatches:
        raise DeclarationError(mismatches)
    if unread and wanted:
        raise RegistryError(_reason(unread[0][1]), problems=list(starmap(unreadable, unread)))
    for sentence in _sentences(unread):
        workspace.warn(sentence)
    return read


def digest_of(workspace: Workspace, model: str, version: int, *, unasked: bool) -> str:
    """Return a version's digest; where nobody asked to read it (`unasked`), its size is limited.

    Raises one of `FAILURES` for a version that cannot be read, or is too large.
    """
    artifacts = workspace.registry.artifacts(model, version)
    why = why_not_unasked(artifacts.listing()) if unasked else None
    if why is not None:
        raise RegistryError(why, hint=_INSIST)
    return read_and_tell(artifacts, model, version, workspace.caller.on_reading).digest


def live_digests(workspace: Workspace, declaration: Declaration, live: Live) -> LiveDigests:
    """Return the digests of the live versions that are declared and in use, whatever their size."""
    known: dict[int, str] = {}
    problems: list[Problem] = []
    for version in sorted(in_use(declaration.fields) & live.versions.keys()):
        entering = Entering(declaration, version, live)
        try:
            known[version] = entering.read(workspace, unasked=False)
        except FAILURES as error:
            problems.append(unreadable(entering, error))
    return LiveDigests(known, tuple(problems))


def unreadable(entering: Entering, error: Exception) -> Problem:
    """Return why the digest of a version is not known, at its place."""
    return Problem(
        f"the digest of {entering.name} is not known: {_reason(error)}",
        ExitCode.REGISTRY,
        file=entering.declaration.file or None,
        model=entering.declaration.model,
        hint=_hint(error),
    )


def _mismatch(entering: Entering, read: Digests) -> Problem:
    declaration, version = entering.declaration, entering.version
    return Problem(
        f"{entering.name} does not have the approved bytes: their digest is "
        f"{read[declaration.model, version]}, and git declares {entering.declared}",
        ExitCode.DECLARATION,
        file=declaration.file,
        line=declaration.versions[version].line,
        model=declaration.model,
        hint="promote another version; where these bytes are meant, remove `digest` from its entry",
    )


def _sentences(unread: Sequence[tuple[Entering, Exception]]) -> Iterator[str]:
    """Yield a line for each reason, with the versions that have it."""
    names: dict[str, list[str]] = {}
    for entering, error in unread:
        hint = f" ({_hint(error)})" if _hint(error) else ""
        names.setdefault(f"{_reason(error)}{hint}", []).append(entering.name)
    for reason, versions in names.items():
        yield visible(f"no digest is written for {phrases.some(versions, 3)}: {reason}")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _hint(error: Exception) -> str | None:
    return error.hint if isinstance(error, ReconcilerError) else None
