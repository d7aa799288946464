"""Finds `models:/…` in a text and reads what it loads, as MLflow does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.core.state import STAGES

SCHEME: Final = "models:/"
GAP: Final = "\0"  # stands in a composed text for what is known only when the program runs

# What a template fills in: Python, shell, make, Helm, Jinja, GitHub Actions. Each is bounded, so
# that no text makes a search quadratic.
_FILLED: Final = (
    r"\0"
    r"|\$?\{\{[^\n]{0,200}?\}\}"
    r"|\$\{[^}\n]{0,200}\}"
    r"|\$\([^)\n]{0,200}\)"
    r"|\$\$?\w+"
    r"|\{\w{0,80}\}"
    r"|%\(\w{1,80}\)[sd]|%[sd]"
)
_HOLE: Final = re.compile(_FILLED)
_QUOTED_HOLE: Final = rf"\"(?:{_FILLED})\"|'(?:{_FILLED})'|\"(?:{_FILLED})|{_FILLED}"
_BEGIN: Final = re.compile(r"(?<![\w./])(?<!\w-)models:/(?:/[\w:.-]{0,200}@?databricks/)?")
_NAME: Final = re.compile(rf"(?:{_QUOTED_HOLE}|[^\s/@:'\"`\\,;()<>{{}}\[\]|*?$&%=#!\0…])+")
_SPACED_NAME: Final = re.compile(r"[^\s/@:'\"\0{}$%<>][^\n/@:'\"\0{}$%<>]*")
_SUFFIX: Final = re.compile(rf"(?:{_QUOTED_HOLE}|[\w-])+")
_GOES_ON: Final = re.compile(r"[.:][\w/]|[\w-]")
_CONCATENATED: Final = re.compile(r"[\"']\s{0,20}(?:\+|\.\.|<>)\s{0,20}\w")
_OF_A_RUN: Final = re.compile(r"(?:^|\.)model_id$")
_STAGES: Final = {stage.casefold(): stage for stage in STAGES}


@dataclass(frozen=True, slots=True)
class FoundUri:
    """A URI in a text: where it begins, and what it loads; `model` and `loads` None with holes."""

    start: int
    text: str
    model: str | None = None
    loads: str | None = None

    @property
    def end(self) -> int:
        """Return where the URI ends."""
        return self.start + len(self.text)

    @property
    def is_usual(self) -> bool:
        """Return whether the URI is known and names no server, as those of Databricks may."""
        return self.model is not None and self.text.startswith(f"{SCHEME}{self.model}")


def find_uris(text: str) -> Iterator[FoundUri]:
    """Yield the URIs in a text; those with a part that is filled in have no model."""
    if SCHEME not in text:
        return
    after = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < after:
            continue
        found = _uri(text, begin.start(), begin.end())
        if found:
            after = found.end
            yield found


def as_stage(name: str) -> str | None:
    """Return the stage that MLflow takes a name for, None where it takes it for none."""
    return _STAGES.get(name.casefold())


def _uri(text: str, start: int, name_at: int) -> FoundUri | None:
    """Return the URI that begins at a scheme, None where none does."""
    return _spaced(text, start, name_at) or _plain(text, start, name_at)


def _spaced(text: str, start: int, name_at: int) -> FoundUri | None:
    """Return a URI that is a whole quoted text: its model's name may have spaces."""
    quote = text[start - 1] if start else ""
    if quote not in ("", "'", '"'):
        return None
    name = _SPACED_NAME.match(text, name_at)
    suffix = name and _suffix(text, name.end())
    if not name or not suffix or _HOLE.search(suffix[0]):
        return None
    if text[suffix.end() : suffix.end() + 1] not in (quote, "/"):
        return None
    return _known(text, start, name[0], suffix)


def _plain(text: str, start: int, name_at: int) -> FoundUri | None:
    name = _NAME.match(text, name_at)
    if not name:
        joined = _CONCATENATED.match(text, name_at)
        return FoundUri(start, text[start:name_at]) if joined else None
    suffix = _suffix(text, name.end())
    end = suffix.end() if suffix else name.end()
    if _HOLE.search(text, name_at, end):
        return FoundUri(start, text[start:end])
    if not suffix:
        joined = _CONCATENATED.match(text, end + text.startswith(("/", "@"), end))
        return FoundUri(start, text[start : joined.start()]) if joined else None
    return _known(text, start, name[0], suffix)


def _suffix(text: str, at: int) -> re.Match[str] | None:
    return _SUFFIX.match(text, at + 1) if text.startswith(("/", "@"), at) else None


def _known(text: str, start: int, model: str, suffix: re.Match[str]) -> FoundUri | None:
    """Return the URI of a model and a suffix, None where MLflow would refuse the suffix."""
    if _GOES_ON.match(text, suffix.end()):
        return None
    is_alias = text[suffix.start() - 1] == "@"
    loads = f"@{suffix[0]}" if is_alias else _version_or_stage(suffix[0])
    return FoundUri(start, text[start : suffix.end()], model, loads) if loads else None


def _version_or_stage(word: str) -> str | None:
    if re.fullmatch("[0-9]{1,18}", word):
        return str(int(word))
    return "latest" if word.casefold() == "latest" else as_stage(word)


def is_logged_model(source: str) -> bool:
    """Return whether an expression is the id of a logged model, which no registry has."""
    return _OF_A_RUN.search(source) is not None
