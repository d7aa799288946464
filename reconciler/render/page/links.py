"""Addresses that a page may name: the forge's commits and pull requests, and runs of its jobs."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from reconciler.audit.overview.model_overview import ForgeLinks

_WEB: Final = ("https://", "http://")
_HARMLESS: Final = "!#$%&'()*+,/:;=?@[]~"  # what has a meaning in an address stays as it is
_LONGEST: Final = 2_000
_SHORT: Final = 8  # characters of a commit


@dataclass(frozen=True, slots=True)
class Link:
    """A text, and its address where it has one."""

    text: str
    href: str | None = None


def commit(links: ForgeLinks, identity: str) -> Link:
    """Return a commit by its first characters, with its page on the forge."""
    return Link(identity[:_SHORT], _filled(links.commit, identity))


def pull_request(links: ForgeLinks, number: int) -> Link:
    """Return a pull request, with its page on the forge."""
    return Link(f"#{number}", _filled(links.pull_request, str(number)))


def web(address: str | None) -> str | None:
    """Return an address of the web as it may stand in a link; None for any other text."""
    if address is None or len(address) > _LONGEST or not address.lower().startswith(_WEB):
        return None
    return quote(address, safe=_HARMLESS, errors="surrogatepass")


@lru_cache(maxsize=4_096)  # a page names one commit many times
def _filled(pattern: str | None, value: str) -> str | None:
    return (
        None
        if pattern is None
        else web(pattern.replace("{}", quote(value, safe="", errors="surrogatepass")))
    )
