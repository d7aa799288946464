"""The same requests by the plainest client there is: what nobody can do without."""

import http.client
import json
import queue
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

WRITERS: Final = 16
_TRIES: Final = 20  # a server on sqlite answers 503 while another worker writes


@dataclass(frozen=True)
class Call:
    """One request: method, path with query, body."""

    method: str
    path: str
    body: bytes = b""


class Client:
    """One connection that stays open, and acknowledges at once as the reconciler's does."""

    def __init__(self, uri: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(uri).netloc, timeout=120)

    def send(self, call: Call) -> bytes:
        """Send a request until it is answered with 200, and return the answer's bytes."""
        for _ in range(_TRIES):
            headers = {"Content-Type": "application/json"} if call.body else {}
            self._connection.request(call.method, call.path, call.body or None, headers)
            if hasattr(socket, "TCP_QUICKACK"):
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            answer = self._connection.getresponse()
            body = answer.read()
            if answer.status == http.client.OK:
                return body
        raise RuntimeError(f"{call.method} {call.path}: {answer.status} {body[:200]!r}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def listed(uri: str, calls: Sequence[Call]) -> None:
    """Send the pages of each search one after the other, the searches at the same time."""
    by_search: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_search[call.path.partition("?")[0]].append(call)
    _share(uri, list(by_search.values()), threads=len(by_search))


def spread(uri: str, calls: Sequence[Call], *, threads: int) -> None:
    """Send requests in their order, so many at a time."""
    _share(uri, [[call] for call in calls], threads=threads)


def at_once(uri: str, calls: Sequence[Call]) -> None:
    """Send requests all at the same time, each on a connection of its own."""
    spread(uri, calls, threads=len(calls))


def one_by_one(uri: str, calls: Sequence[Call]) -> None:
    """Send requests one after the other on one connection."""
    _share(uri, [calls], threads=1)


def write_all(uri: str, calls: Sequence[Call]) -> None:
    """Send writes from 16 threads, those to one model in their order."""
    by_model: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_model[json.loads(call.body)["name"]].append(call)
    _share(uri, list(by_model.values()), threads=WRITERS)


def _share(uri: str, batches: Sequence[Sequence[Call]], *, threads: int) -> None:
    work: queue.SimpleQueue[Sequence[Call]] = queue.SimpleQueue()
    for batch in batches:
        work.put(batch)
    failures: list[Exception] = []

    def labour() -> None:
        client = Client(uri)
        try:
            while not failures:
                for call in work.get_nowait():
                    client.send(call)
        except queue.Empty:
            return
        except (OSError, http.client.HTTPException, RuntimeError) as failure:
            failures.append(failure)
        finally:
            client.close()

    workers = [threading.Thread(target=labour) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
