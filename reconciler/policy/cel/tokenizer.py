"""The tokens of a CEL expression, with the brackets that they are in."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, cast

TokenKind: TypeAlias = Literal["name", "word", "int", "number", "text", "op"]

_TOKEN = re.compile(
    r"""
    (?P<space> [ \t\r\n\f]+ | //[^\n]* )
  | (?P<text>
        [bB]?[rR] (?: \"{3}[\s\S]*?\"{3} | '{3}[\s\S]*?'{3} | "[^"\r\n]*" | '[^'\r\n]*' )
      | [bB]? (?: \"{3}(?:\\[\s\S]|[^\\])*?\"{3} | '{3}(?:\\[\s\S]|[^\\])*?'{3}
                | "(?:\\.|[^"\\\r\n])*" | '(?:\\.|[^'\\\r\n])*' ) )
  | (?P<number> 0x[0-9a-fA-F]+[uU]? | \d*\.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+ | \d+[uU] )
  | (?P<int> \d+ )
  | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<op> \.\? | == | != | <= | >= | && | \|\| | [\s\S] )
    """,
    re.VERBOSE | re.ASCII,
)
_WORDS = {"true", "false", "null", "in"}
_PLAIN_TEXT = re.compile(r"""("|')([^"'\\]*)\1""")
NOT_INSIDE = -1


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `opener` is the index of the bracket that it is in, -1 outside of all.

    A bracket that closes is as far out as the one that it closes. A quote as an `op` begins a
    text that is not closed.
    """

    kind: TokenKind
    text: str
    start: int
    opener: int

    @property
    def end(self) -> int:
        """The offset in the source right after it."""
        return self.start + len(self.text)

    @property
    def plain(self) -> str | None:
        """The text that a literal stands for; None for what is no text or has escapes."""
        match = _PLAIN_TEXT.fullmatch(self.text)
        return match.group(2) if match else None


@lru_cache(maxsize=512)
def tokens(source: str) -> tuple[Token, ...]:
    """Return the tokens of an expression; every character that is not blank is in one."""
    found: list[Token] = []
    openers: list[int] = []
    for match in _TOKEN.finditer(source):
        kind = cast("TokenKind", match.lastgroup)
        text = match.group()
        if match.lastgroup == "space":
            continue
        if text in _WORDS:
            kind = "word"
        if kind == "op" and text in ")]}" and openers:
            openers.pop()
        found.append(Token(kind, text, match.start(), openers[-1] if openers else NOT_INSIDE))
        if kind == "op" and text in "([{":
            openers.append(len(found) - 1)
    return tuple(found)


def closer(found: tuple[Token, ...], opener: int) -> int:
    """Return the index of the bracket that closes the one at `opener`, the length if none does."""
    level = found[opener].opener
    after = range(opener + 1, len(found))
    return next(
        (i for i in after if found[i].opener == level and found[i].text in ")]}"), len(found)
    )


def text_at(found: tuple[Token, ...], index: int) -> str:
    """Return the text of the token at an index, empty beyond either end."""
    return found[index].text if 0 <= index < len(found) else ""
