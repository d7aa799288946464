"""Why a source tells no value."""

import re
from typing import Final

_BEGIN: Final = 200
_END: Final = 100  # a reason stands at the end
_LONGEST: Final = _BEGIN + _END


class Unmeasured(Exception):
    """A source tells no value, and `why`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = one_line(why)


def one_line(text: str) -> str:
    """Return a text that may come from a server for one line of a message."""
    line = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text).strip()
    return line if len(line) <= _LONGEST else f"{line[:_BEGIN]}…{line[-_END:]}"
