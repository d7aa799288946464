"""Counts loads: puts the requests of one load together, and adds up those of one client.

An alias or a stage is resolved first, and the download URI of its version is asked for next: that
is one load by alias or stage, and does not pin the number. Between the two the load is *open*.
Clients that share a name share their open loads: which of them goes on with which changes no sum.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from reconciler.audit.usage.access_log.logged_request import LoggedRequest
from reconciler.audit.usage.access_log.registry_requests import RegistryRequest
from reconciler.audit.usage.loads import SeenLoad

# A line's time is that of the answer. On a server with four times the work that it can do, one
# load in ten took over a second between the two, and none over five.
_SOON: Final = timedelta(seconds=5)
_SOON_REQUESTS: Final = 500  # where lines have no time
_NOT_MODIFIED: Final = 304
_MOST_ROWS: Final = 50_000
_MOST_TEXT: Final = 10_000_000  # characters of their names
_MOST_CLIENTS: Final = 10_000  # that have open loads
_MOST_OPEN: Final = 256  # of one client


class _Client(NamedTuple):
    name: str
    agent: str | None


_Key: TypeAlias = tuple[str | None, str | None, _Client]  # model, loads


class _Open(NamedTuple):
    """A load that may go on; `position` is the number of its request among all."""

    model: str | None
    loads: tuple[str | None, ...]
    port: str
    time: datetime | None
    position: int


class _Row:
    __slots__ = ("count", "failed", "first", "last")

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        self.first: datetime | None = None
        self.last: datetime | None = None


class LoadTally:
    """The loads of any number of logs, one row for each client and way of naming a version."""

    def __init__(self) -> None:
        self._rows: dict[_Key, _Row] = {}
        self._open: dict[_Client, deque[_Open]] = {}
        self._read: dict[_Client, _Open] = {}  # the registered model that a client read last
        self._position = 0
        self._text = 0
        self.left_out = 0  # loads beyond the most rows

    def add(self, asked: RegistryRequest, logged: LoggedRequest) -> None:
        """Count a request; what was redirected comes again elsewhere, and is not counted."""
        status = logged.status
        worked = 200 <= status < 300 or status == _NOT_MODIFIED  # noqa: PLR2004  success
        if not worked and 100 <= status < 400:  # noqa: PLR2004  as above
            return
        self._position += 1
        client = _Client(logged.client, logged.agent)
        load = _Open(asked.model, asked.loads, logged.port, logged.time, self._position)
        if client in self._open:
            self._close_old(client, load)
        match asked.question:
            case "model":
                if worked:
                    self._remember(client, load)
            case "download":
                self._download(client, load, worked=worked)
            case "alias" | "stages":
                self._resolve(client, load, worked=worked)

    def loads(self) -> tuple[SeenLoad, ...]:
        """Return all rows, sorted; a load that is still open is counted as it is."""
        self._close_all()
        return tuple(
            SeenLoad(
                *(model, loads, client.name, row.first, row.last, row.count),
                failed=row.failed,
                agent=client.agent,
            )
            for (model, loads, client), row in sorted(self._rows.items(), key=_order)
        )

    def _resolve(self, client: _Client, load: _Open, *, worked: bool) -> None:
        """Open a load; a model that it does not name is the one that was read right before."""
        read = self._read.pop(client, None)
        if load.model is None and read and read.port == load.port and _is_soon(read, load):
            load = load._replace(model=read.model)
        if not worked:
            self._count(client, load, worked=False)
            return
        if client not in self._open and len(self._open) >= _MOST_CLIENTS:
            self._close_all()
        opened = self._open.setdefault(client, deque())
        opened.append(load)
        if len(opened) > _MOST_OPEN:
            self._count(client, opened.popleft(), worked=True)

    def _download(self, client: _Client, load: _Open, *, worked: bool) -> None:
        """Go on with the newest load that fits, on the same connection if there is one."""
        self._read.pop(client, None)
        opened = self._open.get(client, ())
        fitting = [one for one in reversed(opened) if one.model is None or one.model == load.model]
        if not fitting:
            self._count(client, load, worked=worked)
            return
        found = next((one for one in fitting if one.port == load.port), fitting[0])
        self._open[client].remove(found)
        self._count(client, found._replace(model=load.model), worked=worked)

    def _remember(self, client: _Client, load: _Open) -> None:
        if len(self._read) >= _MOST_CLIENTS:
            self._read.clear()
        self._read[client] = load

    def _close_old(self, client: _Client, now: _Open) -> None:
        opened = self._open[client]
        while opened and not _is_soon(opened[0], now):
            self._count(client, opened.popleft(), worked=True)
        if not opened:
            del self._open[client]

    def _close_all(self) -> None:
        for client, opened in self._open.items():
            for load in opened:
                self._count(client, load, worked=True)
        self._open.clear()

    def _count(self, client: _Client, load: _Open, *, worked: bool) -> None:
        for loads in load.loads:
            row = self._rows.get((load.model, loads, client)) or self._new_row(
                load.model, loads, client
            )
            if row is None:
                self.left_out += 1
                continue
            if worked:
                row.count += 1
            else:
                row.failed += 1
            if (time := load.time) is not None:
                row.first = time if row.first is None or time < row.first else row.first
                row.last = time if row.last is None or time > row.last else row.last

    def _new_row(self, model: str | None, loads: str | None, client: _Client) -> _Row | None:
        """Return a row, None where there are too many."""
        self._text += sum(len(text or "") for text in (model, loads, *client))
        if len(self._rows) >= _MOST_ROWS or self._text > _MOST_TEXT:
            return None
        row = self._rows[model, loads, client] = _Row()
        return row


def _is_soon(before: _Open, now: _Open) -> bool:
    """Return whether `now` may go on with what was before; lines of workers change places."""
    if before.time is not None and now.time is not None:
        return abs(now.time - before.time) <= _SOON
    return now.position - before.position <= _SOON_REQUESTS


def _order(row: tuple[_Key, object]) -> list[tuple[bool, str]]:
    model, loads, client = row[0]
    return [(text is not None, text or "") for text in (model, loads, *client)]
