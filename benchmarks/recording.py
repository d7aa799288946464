"""What a command sent, seen from the registry's side through the tests' recording proxy."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.raw import Call
from tests.servers import Request, proxy


@dataclass
class Recording:
    """The requests that went through `uri`, and when the first came and the last was answered."""

    uri: str = ""
    calls: list[Call] = field(default_factory=list)
    first: float = 0.0
    last: float = 0.0

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

    def note(self, request: Request) -> None:
        """Remember a request that arrives."""
        self.first = self.first or time.perf_counter()
        self.calls.append(Call(request.method, request.path, request.body))

    def answered(self, request: Request) -> None:  # noqa: ARG002  what the proxy passes
        """Remember when a request was answered."""
        self.last = time.perf_counter()


@contextmanager
def recorded(upstream: str) -> Iterator[Recording]:
    """Record what is sent to a server behind."""
    recording = Recording()
    with proxy(upstream, before=recording.note, after=recording.answered) as server:
        recording.uri = server.uri
        yield recording
