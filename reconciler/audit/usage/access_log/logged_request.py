"""A request as a line of an access log has it, and how its client is named."""

import re
from datetime import datetime
from typing import Final, NamedTuple

UNKNOWN: Final = "-"  # as logs write what they do not know

_LONGEST: Final = 200  # characters of a name that a client chose itself
_ADDRESS: Final = re.compile(
    r"\[([0-9a-fA-F:.%\w]{2,64})\](?::\d{1,5})?"  # an IPv6 address, with a port perhaps
    r"|((?:\d{1,3}\.){3}\d{1,3})(?::\d{1,5})?"
    r"|([0-9a-fA-F]*:[0-9a-fA-F:.]{1,60})",
    re.ASCII,
)


class LoggedRequest(NamedTuple):
    """One request: who sent it, what was asked for, and how that ended.

    `client` is the user who signed in, else the address; `port` is that of the connection where
    the log has it, "" where not.
    """

    method: str
    target: str
    status: int
    client: str
    port: str = ""
    agent: str | None = None
    time: datetime | None = None


def client_of(user: str, forwarded: str, address: str) -> str:
    """Return the name of a client: its user, else the address that a proxy names, else its own.

    What a proxy passes on was written by the client: only an address is taken from it.
    """
    if user not in {"", UNKNOWN} and len(user) <= _LONGEST:
        return user
    return as_address(forwarded.partition(",")[0].strip()) or address[:_LONGEST] or UNKNOWN


def as_address(text: str) -> str | None:
    """Return the address in `text`, without its port; None for what is not an address.

    >>> as_address("[2001:db8::7]:443"), as_address("10.0.0.7:51234"), as_address("unknown")
    ('2001:db8::7', '10.0.0.7', None)
    """
    found = _ADDRESS.fullmatch(text)
    return found[1] or found[2] or found[3] if found else None


def agent_of(text: str) -> str | None:
    """Return the user agent, cut where it is longer than any that means something."""
    return None if text in {"", UNKNOWN} else text[:_LONGEST]
