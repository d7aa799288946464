"""The files of a model version: which ones count, their digest, and how two states of them differ.

The digest is the subject digest of the OpenSSF model signing format: SHA-256 over the raw SHA-256
digests of the files, in the order of their names. A test compares it with `model-signing`.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SHORT: Final = len("sha256:") + 8

# Files and folders at the top of a model's folder that are not the model, and the reason for each.
# Of git's, these are the ones that model signing leaves out; any other name would be a difference.
LEFT_OUT: Final[Mapping[str, str]] = {
    "registered_model_meta": "MLflow adds it to what it downloads by `models:/`",
    "model.sig": "the signature of model signing: it would have to sign itself",
    ".git": "git's own data, where a model is kept in a repository",
    ".gitattributes": "git's settings, which model hubs add",
    ".github": "workflows of the repository",
    ".gitignore": "git's settings",
    ".cache": "what a download client of a model hub leaves behind",
}

DifferenceKind: TypeAlias = Literal["added", "missing", "changed"]


class ListedFile(NamedTuple):
    """A file as a store lists it: its path below the model's folder, and its size in bytes.

    The size is None where the store does not tell it.
    """

    path: str
    size: int | None


class HashedFile(NamedTuple):
    """A file that was read: its path, its size in bytes, and its SHA-256 as 64 hex digits."""

    path: str
    size: int
    sha256: str


class FileDifference(NamedTuple):
    """A file that differs; `before` and `after` are sizes in bytes, None where there is no file."""

    path: str
    kind: DifferenceKind
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a version that count, in the order of their names; each was read in full."""

    files: tuple[HashedFile, ...]

    @property
    def digest(self) -> str:
        """The digest of all files: `sha256:` and 64 hex digits."""
        raw = b"".join(bytes.fromhex(file.sha256) for file in self.files)
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)


def short(digest: str) -> str:
    """Return the beginning of a digest, as much as a person compares: `sha256:1234abcd…`."""
    return f"{digest[:_SHORT]}…"


def model_files(files: Iterable[HashedFile]) -> ModelFiles:
    """Return the files that count, in the order of their names; the order given has no meaning."""
    return ModelFiles(tuple(sorted(filter(_counts, files), key=_by_name)))


def listing(files: Iterable[ListedFile]) -> tuple[ListedFile, ...]:
    """Return the listed files that count, in the order of their names."""
    return tuple(sorted(filter(_counts, files), key=_by_name))


def is_left_out(path: str) -> bool:
    """Return whether a file is not part of the model; `LEFT_OUT` has the reasons.

    A file of such a name in a subfolder counts: MLflow and git add theirs at the top.
    """
    return path.partition("/")[0] in LEFT_OUT


def file_differences(
    approved: ModelFiles, now: ModelFiles | Collection[ListedFile]
) -> tuple[FileDifference, ...]:
    """Return the files that differ from the approved ones, by name.

    Of listed files only the sizes are compared: a change that keeps the size is not seen.
    """
    files: Collection[ListedFile | HashedFile] = now.files if isinstance(now, ModelFiles) else now
    before, after = {f.path: f for f in approved.files}, {f.path: f for f in files}
    different = (
        _difference(before.get(path), after.get(path))
        for path in sorted({*before, *after}, key=_parts)
    )
    return tuple(filter(None, different))


def _difference(
    before: HashedFile | None, after: ListedFile | HashedFile | None
) -> FileDifference | None:
    if before is None or after is None:
        found = after or before
        if found is None:
            return None
        kind: DifferenceKind = "missing" if after is None else "added"
        return FileDifference(
            found.path, kind, before.size if before else None, after.size if after else None
        )
    is_same = after.size is None or before.size == after.size
    if isinstance(after, HashedFile):
        is_same = before.sha256 == after.sha256
    return None if is_same else FileDifference(before.path, "changed", before.size, after.size)


def _counts(file: ListedFile | HashedFile) -> bool:
    return not is_left_out(file.path)


def _by_name(file: ListedFile | HashedFile) -> tuple[str, ...]:
    return _parts(file.path)


def _parts(path: str) -> tuple[str, ...]:
    # Folder by folder, as model signing compares paths: `a/b` comes before `a.b`.
    return tuple(path.split("/"))
