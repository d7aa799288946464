"""What a command sent, seen from the registry's side through the tests' recording proxy."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.raw import Call
from tests.support.registries.servers import Request, proxy


@dataclass
class Recording:
    """What went through `uri`: `calls` were answered, `tries` came, some of them in vain.

    The proxy keeps its connections to the server, which closes them after 5 s without a request.
    """

    uri: str = ""
    calls: list[Call] = field(default_factory=list)
    tries: int = 0
    first: float = 0.0
    last: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def listings(self) -> list[Call]:
        """The searches."""
        return [call for call in self.calls if "/search?" in call.path]

    @property
    def writes(self) -> list[Call]:
        """The requests that are no reads."""
        return [call for call in self.calls if call.method != "GET"]

    @property
    def span(self) -> float:
        """Seconds from the first request to the last answer."""
        return self.last - self.first

    def arrived(self, request: Request) -> None:  # noqa: ARG002  what the proxy passes
        """Remember that a request arrived."""
        with self.lock:
            self.first = self.first or time.perf_counter()
            self.tries += 1

    def answered(self, request: Request) -> None:
        """Remember a request that the server has answered."""
        with self.lock:
            self.last = time.perf_counter()
            self.calls.append(Call(request.method, request.path, request.body))


@contextmanager
def recorded(upstream: str) -> Iterator[Recording]:
    """Record what is sent to a server behind."""
    recording = Recording()
    with proxy(upstream, before=recording.arrived, after=recording.answered) as server:
        recording.uri = server.uri
        yield recording
