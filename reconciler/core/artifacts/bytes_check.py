"""What became of comparing a version's bytes with the digest that git declares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, Literal, TypeAlias, get_args

from reconciler.core.artifacts.model_files import (
    DifferenceKind,
    FileDifference,
    ListedFile,
    ModelFiles,
    file_differences,
    short,
)
from reconciler.core.artifacts.sizes import in_bytes
from reconciler.errors import Contrast, ExitCode, ReconcilerError

BytesOutcome: TypeAlias = Literal["same", "different", "unreadable", "unchecked"]

_NAMED: Final = 3  # files in a sentence
_LISTED: Final = 20  # and in a table
_LONGEST: Final = 80  # characters of a file's path in a sentence


@dataclass(frozen=True, slots=True)
class ApprovedFiles:
    """The files that digests were approved with, as far as records of applies list them.

    `of_versions` are by model, version and digest. `of_digests` are those of any version, for one
    that was renamed, copied or registered again: its files may have had other names all along.
    """

    of_versions: Mapping[tuple[str, int, str], ModelFiles] = field(default_factory=dict)
    of_digests: Mapping[str, ModelFiles] = field(default_factory=dict)

    def differences(
        self, model: str, version: int, digest: str, read: ModelFiles
    ) -> tuple[FileDifference, ...]:
        """Return the files that differ from the approved ones, none where those are not known.

        The digest does not cover the names of files: renamed ones in the same order keep it. They
        are compared where the approved names are this version's own.
        """
        known = self.of_versions.get((model, version, digest))
        if known is None and read.digest != digest:
            known = self.of_digests.get(digest)
        return () if known is None or known.digest != digest else file_differences(known, read)

    def listed_differences(
        self, model: str, version: int, digest: str, listed: Sequence[ListedFile]
    ) -> tuple[FileDifference, ...]:
        """Return the files whose names or sizes differ, as `differences` does."""
        known = self.of_versions.get((model, version, digest))
        if known is None:
            known = self.of_digests[digest]
            pairs = zip_longest(known.files, listed)  # a digest covers files in the order of names
            if all(was and now and now.size in {was.size, None} for was, now in pairs):
                return ()
        return file_differences(known, listed)

    def knows(self, model: str, version: int, digest: str) -> bool:
        """Return whether a record lists the files of a version, or of its digest."""
        return (model, version, digest) in self.of_versions or digest in self.of_digests


@dataclass(frozen=True, slots=True)
class BytesCheck:
    """The check of one version, which `digest` pins: `sha256:` and 64 hex digits.

    `read` are the files that were read; None where they were not. `differences` names the files
    that differ from the approved ones, where a record of an apply knows those. `why` is the reason
    of `unreadable` and `unchecked`.
    """

    version: int
    digest: str
    outcome: BytesOutcome
    read: ModelFiles | None = None
    differences: tuple[FileDifference, ...] = ()
    why: str | None = None

    @property
    def code(self) -> ExitCode:
        """The exit code of a plan or an apply that would put these bytes into use."""
        match self.outcome:
            case "different":
                return ExitCode.DECLARATION
            case "unreadable":
                return ExitCode.REGISTRY
            case "same" | "unchecked":
                return ExitCode.OK


def checked(
    model: str, version: int, digest: str, read: ModelFiles, approved: ApprovedFiles
) -> BytesCheck:
    """Return the check of files that were read."""
    if not read.files:  # without any file the digest is one that a file can pin, too
        return BytesCheck(version, digest, "unreadable", why="it has no file")
    differences = approved.differences(model, version, digest, read)
    is_same = read.digest == digest and not differences
    return BytesCheck(version, digest, "same" if is_same else "different", read, differences)


def unreadable(version: int, digest: str, error: Exception) -> BytesCheck:
    """Return the check of a version whose files could not be read, all of them."""
    hint = error.hint if isinstance(error, ReconcilerError) else None
    why = str(error) or type(error).__name__
    return BytesCheck(version, digest, "unreadable", why=f"{why} ({hint})" if hint else why)


def refusal(model: str, check: BytesCheck) -> str | None:
    """Return why a version may not be put into use, None where its bytes do not forbid it."""
    name = f"`{model}` v{check.version}"
    match check.outcome:
        case "different":
            return f"{name} does not have the approved bytes: {_difference(check)}"
        case "unreadable":
            return f"whether {name} has the approved bytes is not known: {check.why}"
        case "same" | "unchecked":
            return None


def contrasts(differences: Sequence[FileDifference]) -> tuple[Contrast, ...]:
    """Return each file with its size as it was approved and as it is; many are counted."""
    rows = [Contrast(file.path, *_sizes(file)) for file in differences[:_LISTED]]
    left = len(differences) - _LISTED
    return (*rows, *([Contrast(f"and {left:,} more", "", "")] if left > 0 else []))


def _difference(check: BytesCheck) -> str:
    if check.differences:
        names = _named(check.differences)
        same = check.read is not None and check.read.digest == check.digest
        return f"{names}; their content in the order of names is the same" if same else names
    now = short(check.read.digest) if check.read is not None else "unknown"
    return f"its digest is {now}, and {short(check.digest)} is approved"


def _named(differences: Sequence[FileDifference]) -> str:
    """Return the files that differ by kind; more than a few are counted."""
    if len(differences) > _NAMED:
        counts = Counter(file.kind for file in differences)
        parts = [f"{counts[kind]:,} {kind}" for kind in get_args(DifferenceKind) if counts[kind]]
        return f"{len(differences):,} files differ ({', '.join(parts)})"
    return ", ".join(f"{_short(file.path)} {file.kind}" for file in differences)


def _sizes(file: FileDifference) -> tuple[str, str]:
    """Return a file's size as it was approved and as it is, in words that differ."""
    before = "no such file" if file.before is None else in_bytes(file.before)
    if file.kind == "missing":
        return before, "missing"
    if file.after is None:
        return before, "of unknown size"
    after = in_bytes(file.after)
    if file.kind == "added" or before != after:
        return before, after
    if file.before == file.after:
        return before, f"{after}, other content"
    return f"{file.before:,} bytes", f"{file.after:,} bytes"


def _short(path: str) -> str:
    return f"`{path if len(path) <= _LONGEST else f'{path[:_LONGEST]}…'}`"
