"""Puts the model and the version that serve in the place of `$model` and `$version`.

Other people than the rule's author choose a model's name: it can change neither the query nor the
host, and does not lead out of a folder.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from reconciler.transport.measurements.unmeasured import Unmeasured

_WORDS: Final = re.compile(r"\$(model|version)(?![A-Za-z0-9_])", re.ASCII)
_SPECIAL_IN_QUERIES: Final = re.compile(
    r"[\x00-,/:-@\[-^`{-\x7f]"
)  # ASCII but letters, digits, `-._`
_AUTHORITY: Final = re.compile(r"(https?://[^/?#]*)(.*)", re.DOTALL | re.IGNORECASE)
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # of a host's name
_DOTS: Final = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class WatchedVersion:
    """The version of a model that serves."""

    model: str
    version: int

    def in_query(self, query: str) -> str:
        r"""Return a query in PromQL, where the name may stand inside quotes of either kind.

        >>> WatchedVersion('a"b', 3).in_query('errors{model="$model", version="$version"}')
        'errors{model="a\\x22b", version="3"}'
        """
        escaped = _SPECIAL_IN_QUERIES.sub(lambda char: f"\\x{ord(char[0]):02x}", self.model)
        return self._replaced(query, lambda: escaped)

    def in_url(self, url: str) -> str:
        """Return a URL, where the name is quoted; in the host's name it has to be a label."""
        found = _AUTHORITY.fullmatch(url)
        authority, rest = (found[1], found[2]) if found else ("", url)
        return self._replaced(authority, self._label) + self._in_segments(rest, self._quoted)

    def in_path(self, path: str) -> str:
        """Return the path of a file, where the name is quoted as in a URL."""
        return self._in_segments(path, lambda: self._quoted().replace("/", "%2F"))

    def _in_segments(self, text: str, name: Callable[[], str]) -> str:
        made = self._replaced(text, name)
        if _DOTS & set(re.split(r"[/?#]", made)):
            raise Unmeasured(f"`{made}` leads to another folder")
        return made

    def _quoted(self) -> str:
        return quote(self.model, safe="", errors="replace")

    def _label(self) -> str:
        if not _LABEL.fullmatch(self.model):
            raise Unmeasured("the model's name cannot be part of a host's name")
        return self.model

    def _replaced(self, text: str, name: Callable[[], str]) -> str:
        def value(word: re.Match[str]) -> str:
            return name() if word[1] == "model" else str(self.version)

        return _WORDS.sub(value, text)
