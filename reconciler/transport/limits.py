"""Bounds the time and size of answers, such as one byte a second, or a gzip bomb."""

import http.client
import io
import socket
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

ENCODINGS: Final = "gzip"  # requested, and unpacked in small steps

_STEP: Final = 64 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
_until: Final = ContextVar("until", default=float("inf"))


class TooSlow(TimeoutError):
    """The answer took longer than its total time limit."""


class TooLarge(ValueError):
    """The answer has more bytes than its limit."""


class OddEncoding(ValueError):
    """The answer has an encoding that was not requested."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit the total time of answers that are read inside, in seconds; they raise `TooSlow`."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


class BoundedResponse(http.client.HTTPResponse):
    """An answer that obeys `within`; a socket's own timeout restarts with every byte."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  passed on
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bounded(sock, self.fp.detach()))


class _Bounded(io.RawIOBase):
    def __init__(self, sock: socket.socket, stream: io.RawIOBase) -> None:
        self._sock = sock
        self._stream = stream
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401  as the library names it
        left = _until.get() - time.monotonic()
        if left <= 0:
            raise TooSlow
        if self._timeout is None or left < self._timeout:
            return self._hurried(buffer, left)
        return self._stream.readinto(buffer)

    def _hurried(self, buffer: Any, left: float) -> int | None:  # noqa: ANN401  as above
        self._sock.settimeout(left if left < float("inf") else None)
        try:
            return self._stream.readinto(buffer)
        except TimeoutError:
            pass  # not chained: the root of the failure must be `TooSlow`
        finally:
            self._sock.settimeout(self._timeout)
        raise TooSlow

    def close(self) -> None:
        self._stream.close()
        super().close()


def collected(chunks: Iterable[bytes], encoding: str, largest: int) -> bytes:
    """Return the unpacked body in `chunks`; holds at most about `largest` bytes."""
    body = bytearray()
    for part in _unpacked(chunks, encoding.strip().lower()):
        body += part
        if len(body) > largest:
            body.clear()  # the traceback must not keep it alive
            raise TooLarge
    return bytes(body)


def _unpacked(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise OddEncoding(encoding)
    unpacking = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        packed = chunk
        while packed and not unpacking.eof:
            yield unpacking.decompress(packed, _STEP)
            packed = unpacking.unconsumed_tail
    if not unpacking.eof:
        raise zlib.error("the end is missing")
