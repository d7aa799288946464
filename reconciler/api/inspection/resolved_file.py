"""The file of another repository that holds a version: written where it changes, or compared."""

from difflib import unified_diff
from pathlib import Path
from typing import Final

from reconciler.api.answers import Answer
from reconciler.api.publishing.out_folder import GIT
from reconciler.errors import ExitCode, UsageError
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.render import json_documents
from reconciler.render.json_documents import Document

_UNENDED: Final = "\n\\ No newline at end of file\n"


class FileCheck(Answer):
    """Whether a file holds what is to be written: `difference` is a unified diff, "" where it does.

    `code` is 2 where it does not, and where there is no file.

    >>> r.resolve("fraud@champion").check("fraud.env", "env").is_missing
    True
    """

    def __init__(self, path: str, found: bytes | None, content: bytes) -> None:
        self.path = path
        self.is_missing = found is None
        self.difference = "" if found == content else _difference(path, found or b"", content)
        self.code = int(ExitCode.OK if found == content else ExitCode.CHANGES)

    @property
    def headline(self) -> str:
        """Whether the file is as it is to be, in a line."""
        if self.is_missing:
            return f"`{self.path}` does not exist: `--write` makes it"
        return f"`{self.path}` {'differs: `--write` renews it' if self.code else 'is up to date'}"

    def document(self) -> Document:
        """Return the document of `resolve --check --format json`, its `exit` included."""
        return {
            "format_version": json_documents.FORMAT_VERSION,
            "file": self.path,
            "missing": self.is_missing,
            "difference": self.difference,
            "errors": [],
            "exit": json_documents.ending(self.code),
        }

    def to_text(self, seconds: float | None = None) -> str:  # noqa: ARG002  it tells no time
        """Return the difference."""
        return self.difference


def check_file(path: str | Path, content: str) -> FileCheck:
    """Compare a file with a content; raises `UsageError` for what cannot be read."""
    return FileCheck(str(path), _read(path), content.encode())


def write_file(path: str | Path, content: str, state: Path | None) -> bool:
    """Write a content where the file has another one; return whether it was written.

    Raises `UsageError` where it cannot be, and for a place in the state folder or in git's own.
    """
    place = Path(path).resolve()
    if state is not None and state.resolve() in place.parents:
        message = f"`{path}` is in the state folder, which holds declarations alone"
        raise UsageError(message, hint="name a file outside of it")
    if GIT in place.parts:
        raise UsageError(f"`{path}` is in git's own folder", hint="name a file outside of it")
    data = content.encode()
    if _read(path) == data:
        return False
    write_files([FileToWrite(Path(path), str(path), data)])
    return True


def _read(path: str | Path) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"`{path}` cannot be read: {reason}"
        raise UsageError(message, hint="name a file; one that is not there is made") from error


def _difference(path: str, found: bytes, content: bytes) -> str:
    """Return the unified difference, also of what no text file holds."""
    one, other = (
        data.decode("utf-8", "backslashreplace").splitlines(keepends=True)
        for data in (found, content)
    )
    lines = unified_diff(one, other, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else line + _UNENDED for line in lines)
