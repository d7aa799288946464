"""Makes text from YAML or the registry harmless where it is shown."""

import json
import re
import unicodedata

_LONGEST = 72  # characters of a value that a line shows
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&@$^:\"]")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# A CI system obeys `::error::` where a line begins, and `##[error]` or `##vso[...]` anywhere.
_COMMAND = re.compile(r"(?<=#)#(?=\w*\[)|(?<![^ ]):(?=:)")


def visible(text: str) -> str:
    """Return `text` with control, format and line-separating characters spelled out.

    A terminal obeys what it cannot show: escape codes, carriage returns, bidirectional overrides;
    and a CI system obeys commands in a log, whose first character is spelled out, too.
    """
    return _COMMAND.sub(lambda found: f"\\x{ord(found[0]):02x}", _printable(text))


def _printable(text: str) -> str:
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


def code(text: str) -> str:
    """Return `text` as inline code in Markdown: it reads as it is, and nothing in it is markup."""
    return f"<code>{_entities(text)}</code>"


def prose(text: str) -> str:
    """Return `text` as words in Markdown: nothing in it is markup, a link or a mention.

    What it has between backticks is shown as code, and is no more obeyed than the rest.
    """
    words, *rest = text.split("`")
    parts = [_quiet(words)]
    while len(rest) > 1:
        inside, words, *rest = rest
        parts += [code(inside) if inside.strip() else _entities(f"`{inside}`"), _quiet(words)]
    return "".join([*parts, *(_entities("`") + _quiet(last) for last in rest)])


def _quiet(text: str) -> str:
    # Forges look for mentions and issue numbers in the finished page: a space of no width ends
    # them.
    quiet = _entities(text).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")
    return quiet.replace("www.", "www&#46;")


def _entities(text: str) -> str:
    """Write punctuation as entities: no emphasis, HTML or cell border can come out of it."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", _printable(text))


def _spelled(char: str) -> str:
    if char in "\n\r\t":
        return repr(char)[1:-1]
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
