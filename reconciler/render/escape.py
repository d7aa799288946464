"""Makes text from YAML or the registry safe to show on terminals, in CI logs and in Markdown."""

import json
import re
import unicodedata

_LONGEST = 72  # characters of a value that a line shows
# A forge makes a link of `www.`, in what we write as code, too.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&@$^:\"]|(?<=www)\.")
_FORMULA = ("=", "+", "-", "@")  # a spreadsheet takes such a cell for a formula
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# A CI system runs `::error::` at the start of a line, and `##[error]` or `##vso[...]` anywhere.
_COMMAND = re.compile(r"(?<=#)#(?=\w*\[)|(?<![^ ]):(?=:)")


def visible(text: str) -> str:
    """Return `text` with control, format and line-separating characters spelled out.

    A terminal interprets characters that it does not show: escape codes, carriage returns,
    bidirectional overrides. A CI system interprets commands in a log; their first character is
    spelled out too.
    """
    return _COMMAND.sub(lambda found: f"\\x{ord(found[0]):02x}", printable(text))


def printable(text: str) -> str:
    """Return `text` with what is not to be seen spelled out; a log needs `visible`."""
    if text.isprintable():  # none of those categories is
        return text
    return "".join(
        _spelled(char) if unicodedata.category(char) in _INVISIBLE else char for char in text
    )


def harmless_cell(value: object) -> str:
    """Return the text of a CSV cell: no hidden character, and nothing that a spreadsheet runs."""
    shown = "" if value is None else visible(str(value))
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def quoted(text: str, longest: int = _LONGEST) -> str:
    """Return `text` in double quotes on one line, cut after `longest` characters."""
    shown = text[:longest]
    line = visible(json.dumps(shown, ensure_ascii=False))
    return line if len(text) <= longest else f"{line}… ({len(text):,} characters)"


def code(text: str) -> str:
    """Return `text` as inline code in Markdown; nothing in it can become markup."""
    return f"<code>{_entities(text)}</code>"


def prose(text: str) -> str:
    """Return `text` as words in Markdown; nothing in it becomes markup, a link or a mention.

    Text between backticks is shown as code, equally safe.
    """
    words, *rest = text.split("`")
    parts = [_quiet(words)]
    while len(rest) > 1:
        inside, words, *rest = rest
        parts += [code(inside) if inside.strip() else _entities(f"`{inside}`"), _quiet(words)]
    return "".join([*parts, *(_entities("`") + _quiet(last) for last in rest)])


def _quiet(text: str) -> str:
    # Forges look for mentions and issue numbers in the rendered page: a zero-width space ends
    # them.
    return _entities(text).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")


def _entities(text: str) -> str:
    """Return punctuation as entities, which cannot become emphasis, HTML or a cell border."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def _spelled(char: str) -> str:
    if char in "\n\r\t":
        return repr(char)[1:-1]
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
