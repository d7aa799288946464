"""Reads access logs line by line, whatever wrote them, and adds up the loads of models."""

import re
from collections.abc import Iterable
from typing import Final

from reconciler.audit.usage.access_log.json_lines import json_request
from reconciler.audit.usage.access_log.load_tally import LoadTally
from reconciler.audit.usage.access_log.logged_request import LoggedRequest
from reconciler.audit.usage.access_log.registry_requests import WORDS, registry_request
from reconciler.audit.usage.access_log.text_lines import text_request
from reconciler.audit.usage.loads import SeenLoad

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]{0,20}m")
_OURS: Final = "mlflow-reconciler"  # what we send as user agent


class AccessLogReader:
    """What any number of logs say; `begin` a log, `feed` it, and ask for its `is_log`.

    `lines` are those of the log at hand; `unread` of them name a request of interest and could not
    be understood, `first_unread` is the number of the first.
    """

    def __init__(self) -> None:
        self._tally = LoadTally()
        self.begin()

    def begin(self) -> None:
        """Begin another log."""
        self.lines = 0
        self.is_log = False
        self.unread = 0
        self.first_unread = 0

    @property
    def left_out(self) -> int:
        """The number of loads of clients beyond the most that are kept."""
        return self._tally.left_out

    def feed(self, lines: Iterable[bytes]) -> None:
        """Read the next lines, without their ends."""
        models, versions = WORDS
        number = self.lines
        for number, line in enumerate(lines, number + 1):  # noqa: B020  goes on where it was
            if models in line or versions in line:
                self._take(line, number)
            elif not self.is_log:
                self.is_log = _request(line) is not None
        self.lines = number

    def loads(self) -> tuple[SeenLoad, ...]:
        """Return the loads of all logs."""
        return self._tally.loads()

    def _take(self, line: bytes, number: int) -> None:
        logged = _request(line)
        if logged is None:
            # A traceback names paths, too.
            if b"HTTP/" in line or line.rstrip().endswith(b"}"):
                self.unread += 1
                self.first_unread = self.first_unread or number
            return
        self.is_log = True
        asked = registry_request(logged.method, logged.target)
        if asked is not None and not (logged.agent or "").startswith(_OURS):
            self._tally.add(asked, logged)


def _request(line: bytes) -> LoggedRequest | None:
    text = line.decode("utf-8", "replace").rstrip()
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    if text.endswith("}"):
        return json_request(text) or text_request(text)
    return text_request(text)
