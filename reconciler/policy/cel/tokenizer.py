"""Splits a CEL expression into tokens, each with its enclosing bracket."""

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
    """One token; `start` is its source offset, `opener` the index of its enclosing bracket or -1.

    A closing bracket has the same `opener` as its opening one. A quote of kind `op` begins a text
    that is not closed.
    """

    kind: TokenKind
    text: str
    start: int
    opener: int

    @property
    def end(self) -> int:
        """The source offset after the token."""
        return self.start + len(self.text)

    @property
    def plain(self) -> str | None:
        """The value of a text literal without escapes; None for other tokens."""
        match = _PLAIN_TEXT.fullmatch(self.text)
        return match.group(2) if match else None


@lru_cache(maxsize=512)
def tokenize(source: str) -> tuple[Token, ...]:
    """Return the tokens of an expression; comments and blanks are left out."""
    tokens: list[Token] = []
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
        tokens.append(Token(kind, text, match.start(), openers[-1] if openers else NOT_INSIDE))
        if kind == "op" and text in "([{":
            openers.append(len(tokens) - 1)
    return tuple(tokens)


def closer(tokens: tuple[Token, ...], opener: int) -> int:
    """Return the index of the bracket that closes the one at `opener`; the length if none does."""
    level = tokens[opener].opener
    after = range(opener + 1, len(tokens))
    return next(
        (i for i in after if tokens[i].opener == level and tokens[i].text in ")]}"), len(tokens)
    )


def text_at(tokens: tuple[Token, ...], index: int) -> str:
    """Return the text of the token at an index; empty beyond either end."""
    return tokens[index].text if 0 <= index < len(tokens) else ""
