"""Makes text from YAML or the registry harmless where it is shown."""

import json
import re
import unicodedata

_LONGEST = 72  # characters of a value that a line shows
_PUNCTUATION = re.compile(r"[!-,:-@\[-`{-~]")  # ASCII, less `-`, `.`, `/` and digits
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """Return `text` with control, format and line-separating characters spelled out.

    A terminal obeys what it cannot show: escape codes, carriage returns, bidirectional overrides.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _spelled(char) if unicodedata.category(char) in _INVISIBLE else char for char in text
    )


def quoted(text: str, longest: int = _LONGEST) -> str:
    """Return `text` in double quotes on one line, cut where it is longer than `longest`."""
    shown = text[:longest]
    line = visible(json.dumps(shown, ensure_ascii=False))
    return line if len(text) <= longest else f"{line}… ({len(text):,} characters)"


def markdown(text: str) -> str:
    """Return `text` as inline code for a Markdown table: nothing in it is markup.

    Punctuation is written as entities inside <code>: no emphasis, link, mention, HTML or cell
    border can come out of it, and it reads as it is.
    """
    return f"<code>{_PUNCTUATION.sub(lambda found: f'&#{ord(found[0])};', visible(text))}</code>"


def _spelled(char: str) -> str:
    if char in "\n\r\t":
        return repr(char)[1:-1]
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
