"""Reads access logs from files, packed or not, and from a pipe: in steps, with bounds on memory."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from reconciler.audit.usage.access_log.reader import AccessLogReader
from reconciler.audit.usage.loads import SeenLoad
from reconciler.errors import ExitCode, Problem, UsageError

STDIN: Final = "-"

STEP: Final = 256 * 1024
LONGEST_LINE: Final = 64 * 1024  # no server takes a request that long
_GZIP: Final = b"\x1f\x8b"
_EXPECTED: Final = (
    "give the access log of `mlflow server` (uvicorn writes it by itself, gunicorn with "
    '`--gunicorn-opts "--access-logfile -"`), of nginx, Envoy or Traefik, or JSON lines with a '
    "method, a path and a status"
)


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """What access logs have of loads, and what a reader of that must know of the logs."""

    seen: tuple[SeenLoad, ...]
    warnings: tuple[str, ...] = ()


def read(paths: Iterable[str], *, root: Path, stdin: BinaryIO | None = None) -> AccessLogs:
    """Return the loads in these logs; `-` is `stdin`, and other names are looked up from `root`.

    A name that is there twice is read once. Raises `UsageError` for all files that cannot be read
    or are no access log.
    """
    reader = AccessLogReader()
    warnings: list[str] = []
    with ExitStack() as opened:
        streams = _opened(dict.fromkeys(paths), root, stdin, opened)
        problems = [
            problem
            for name, stream in streams.items()
            if (problem := _read_one(reader, name, stream, warnings))
        ]
    _raise_all(problems)
    if reader.left_out:
        warnings.append(
            f"{reader.left_out:,} loads are left out: the logs have more clients and names than "
            "are kept; give a shorter part"
        )
    return AccessLogs(reader.loads(), tuple(warnings))


def _opened(
    names: Iterable[str], root: Path, stdin: BinaryIO | None, opened: ExitStack
) -> dict[str, BinaryIO]:
    """Open all files before the first is read: what is missing is said at once."""
    streams = {name: _open(name, root, stdin) for name in names}
    found = {
        name: stream if name == STDIN else opened.enter_context(stream)
        for name, stream in streams.items()
        if not isinstance(stream, Problem)
    }
    _raise_all([stream for stream in streams.values() if isinstance(stream, Problem)])
    return found


def _open(name: str, root: Path, stdin: BinaryIO | None) -> BinaryIO | Problem:
    if name == STDIN:
        return stdin or _problem(name, "there is none")
    if not name:
        return _problem("''", "an empty path")
    try:
        return (root / name).open("rb")
    except OSError as error:
        return _problem(name, error.strerror or str(error))
    except ValueError:  # such as a NUL
        return _problem(name, "not a path")


def _read_one(
    reader: AccessLogReader, name: str, stream: BinaryIO, warnings: list[str]
) -> Problem | None:
    """Read one log; return what keeps it from being one."""
    shown = "standard input" if name == STDIN else name
    lines = _Lines(stream)
    reader.begin()
    try:
        for some in lines:
            reader.feed(some)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        if not reader.is_log:
            return _problem(name, f"broken gzip: {error}")
        warnings.append(f"{shown} is broken after line {reader.lines:,}: {error}")
    except OSError as error:
        return _problem(name, error.strerror or str(error))
    if not reader.lines:
        warnings.append(f"{shown} is empty")
    elif not reader.is_log:
        return _problem(name, f"none of its {reader.lines:,} lines is one of an access log")
    if reader.unread:
        warnings.append(
            f"{shown}: {reader.unread:,} lines name a request for a model and have another form "
            f"than any that is known; line {reader.first_unread:,} is the first"
        )
    if lines.too_long:
        warnings.append(
            f"{shown}: {lines.too_long:,} lines have over {LONGEST_LINE:,} bytes, and were not read"
        )
    return None


def _problem(name: str, reason: str) -> Problem:
    shown = "standard input" if name == STDIN else name
    return Problem(f"access log {shown}: {reason}", ExitCode.USAGE, hint=_EXPECTED)


def _raise_all(problems: list[Problem]) -> None:
    if problems:
        raise UsageError(problems[0].message, hint=problems[0].hint, problems=problems)


class _Lines:
    """The lines of a stream, some at a time and without their ends; unpacks gzip.

    One that is too long is empty, so that the others keep their numbers.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.too_long = 0

    def __iter__(self) -> Iterator[list[bytes]]:
        rest, is_within = b"", False  # a line that is too long
        for step in _unpacked(self._stream):
            lines = (rest + step).split(b"\n")
            if is_within:
                lines[0] = b""
            is_within = is_within and len(lines) == 1
            rest = lines.pop()
            if len(rest) > LONGEST_LINE:
                rest, is_within = b"", True
                self.too_long += 1
            yield self._short(lines)
        if rest:
            yield [rest]

    def _short(self, lines: list[bytes]) -> list[bytes]:
        if max(map(len, lines), default=0) <= LONGEST_LINE:
            return lines
        self.too_long += sum(len(line) > LONGEST_LINE for line in lines)
        return [line if len(line) <= LONGEST_LINE else b"" for line in lines]


def _unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes in steps; what begins as gzip does is unpacked, whatever its name."""
    buffered = io.BufferedReader(cast("io.RawIOBase", stream), STEP)
    try:
        if buffered.peek(len(_GZIP)).startswith(_GZIP):
            with gzip.GzipFile(fileobj=buffered) as unpacking:
                while step := unpacking.read(STEP):
                    yield step
        while step := buffered.read(STEP):
            yield step
    finally:
        buffered.detach()  # whoever opened the stream closes it
