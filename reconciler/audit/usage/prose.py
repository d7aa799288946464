"""Blanks what only people read in a text that is no Python: comments, messages, descriptions.

What is blanked becomes spaces, so that lines and columns stay. Every pattern ends at the end of its
line or of the text at the latest, and none can be tried in two ways: no file makes this slow.
"""

import re
from collections.abc import Mapping
from typing import Final

from reconciler.audit.usage.file_kinds import SourceKind

_QUOTED: Final = r"\"(?:[^\"\\\n]|\\.)*(?:\"|\\?$)|'[^'\n]*'"
_AFTER_SPACE: Final = r"(?:^|(?<=[\s;]))\#[^\n]*"
_TEMPLATED: Final = r"\{\#.*?(?:\#\}|\Z)|\{\{-?[ ]*/\*.*?(?:\*/|\Z)"
_FIRST_ON_LINE: Final = r"^[ \t]*[#;!][^\n]*"
_SLASHES: Final = r"/\*.*?(?:\*/|\Z)|(?<!:)//[^\n]*"

_COMMENTS: Final[Mapping[SourceKind, str]] = {
    "yaml": rf"{_TEMPLATED}|{_AFTER_SPACE}",
    "shell": _AFTER_SPACE,
    "docker": _AFTER_SPACE,
    "env": _AFTER_SPACE,
    "toml": r"\#[^\n]*",
    "json": r"^[ \t]*//[^\n]*",
    "make": _AFTER_SPACE,
    "properties": _FIRST_ON_LINE,
    "c-like": rf"{_SLASHES}|^[ \t]*\#[^\n]*",
    "hash-comments": r"\#[^\n]*",
    "sql": r"--[^\n]*|/\*.*?(?:\*/|\Z)",
    # Python that does not parse: a text that begins a statement says something to people
    "python": (
        r"^[ \t]*[rRuU]?\"\"\".*?(?:\"\"\"|\Z)|^[ \t]*[rRuU]?'''.*?(?:'''|\Z)|\#[^\n]*"
        r"|^[ \t]*print\b[^\n]*|^[ \t]*log(?:ger|ging)?\.\w+\([^\n]*"
    ),
}
_KEYS: Final = (
    r"(?:_?comment|descriptions?|summary|title|help|message|docs?|display_?name|displayName)"
)
_TOLD: Final[Mapping[SourceKind, str]] = {
    "yaml": (
        # a block under such a key, up to the next line that is not deeper
        rf"^(?P<in>[ ]*)(?:-[ ])?{_KEYS}:[ ]*[|>][^\n]*(?:\n(?:(?P=in)[ ][^\n]*|[ \t]*(?=\n)))*"
        rf"|^[ ]*(?:-[ ])?['\"]?{_KEYS}['\"]?:[^\n]*"
        r"|^[ ]*(?:-[ ])?name:[ ]+[^\n]*?[^\s'\"][ ][^\n]*"
    ),
    "json": rf"\"{_KEYS}\"\s{{0,20}}:\s{{0,20}}\"(?:[^\"\\\n]|\\.)*(?:\"|$)",
    "toml": rf"^[ \t]*{_KEYS}[ ]*=[^\n]*",
    "c-like": rf"^[ \t]*{_KEYS}[ ]*[:=][^\n]*",
    "docker": r"^[ \t]*LABEL[ \t](?:[^\n]*\\\n)*[^\n]*",
}
_MOUNTS: Final[Mapping[SourceKind, str]] = {
    "yaml": (
        r"^(?P<at>[ ]*)(?:-[ ])?volume(?:s|Mounts):[^\n]*"
        r"(?:\n(?:(?P=at)(?:[ ]|-[ ])[^\n]*|[ \t]*(?=\n)))*"
    ),
}
_MOUNTED: Final = r"(?<=\s)(?:-v[ =]?|--volume[ =]|--mount[ =])[^\s]+"
# A command that only prints: it ends where the next begins, and its output goes nowhere else.
_PRINTED: Final = (
    r"(?:^[ \t]*(?:-[ ])?@?|(?<=[;&|({])[ ]?|(?<=\bdo)[ ]|(?<=\bthen)[ ]|(?<=RUN)[ ]|(?<=run:)[ ])"
    r"(?:echo|printf)\b(?:\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^;&|>\n\"'])*"
    r"(?=;|&&|\|\||$|\d?>&2|\d?>[ ]?/dev/)"
)
_USAGE: Final = (
    r"^[ \t]*cat[ \t]*<<-?[ \t]*['\"]?(?P<mark>\w+)['\"]?[ \t]*(?:>&2[ \t]*)?\n"
    r"(?:(?![ \t]*(?P=mark)[ \t]*$)[^\n]*\n)*"
)
_COMMANDS: Final = frozenset[SourceKind]({"yaml", "shell", "docker", "make"})


def _pattern(kind: SourceKind) -> re.Pattern[str]:
    kept = [] if kind in ("json", "properties") else [_QUOTED]
    return re.compile("|".join([*kept, f"(?P<drop>{_COMMENTS[kind]})"]), re.MULTILINE | re.DOTALL)


def _told(kind: SourceKind) -> list[re.Pattern[str]]:
    parts = [_TOLD.get(kind), _MOUNTS.get(kind)]
    if kind in _COMMANDS:
        parts += [_USAGE, _PRINTED, _MOUNTED]
    return [re.compile(part, re.MULTILINE) for part in parts if part]


_PATTERNS: Final = {kind: _pattern(kind) for kind in _COMMENTS}
_TELLING: Final = {kind: _told(kind) for kind in _COMMENTS}


def without_prose(kind: SourceKind, text: str) -> str:
    """Return the text with spaces for each character of what only people read."""
    pattern = _PATTERNS[kind]
    text = pattern.sub(lambda found: _blank(found) if found["drop"] else found[0], text)
    for pattern in _TELLING[kind]:
        text = pattern.sub(_blank, text)
    return text


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n\r]", " ", found[0])
