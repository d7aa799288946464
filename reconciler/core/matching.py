"""Selects models by glob, and suggests a similar name when nothing matches."""

import json
import unicodedata
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from reconciler.errors import UsageError


def nearest(name: str, names: Collection[str]) -> str | None:
    """Return the hint `did you mean …?` for an unknown name; None when no name is similar.

    A name that differs in its Unicode form alone looks the same, so it is shown with escapes.
    """
    other = other_form(name, names)
    if other is not None:
        return f"it is there in another Unicode form: {json.dumps(other)}"
    similar = get_close_matches(name, names, n=1)
    return f"did you mean `{similar[0]}`?" if similar else None


def other_form(name: str, names: Collection[str]) -> str | None:
    """Return the name that is the same in another Unicode form; None when there is none."""
    if name.isascii():
        return None
    plain = unicodedata.normalize("NFC", name)
    same = (each for each in names if unicodedata.normalize("NFC", each) == plain)
    return next((each for each in same if each != name), None)


def is_glob(name: str) -> bool:
    """Return whether a name has a character that stands for others."""
    return not {"*", "?", "["}.isdisjoint(name)


def select(globs: Sequence[str], names: Collection[str], option: str = "") -> frozenset[str]:
    """Return the names that any glob matches; raises `UsageError` for a glob without a match.

    `option` is where the globs were given, where that tells more than they do.
    """
    selected: set[str] = set()
    for glob in globs:
        matches = {name for name in names if name == glob or fnmatchcase(name, glob)}
        if not matches:
            hint = nearest(glob, names) or f"declared models: {len(names)}"
            raise UsageError(f"{option} `{glob}` matches no model".lstrip(), hint=hint)
        selected |= matches
    return frozenset(selected)


def as_names(names: Collection[str]) -> tuple[str, ...]:
    """Return names as a tuple; a single text is one name, not its letters.

    Raises `UsageError` for a name that is not text.
    """
    found = (names,) if isinstance(names, str) else tuple(names)
    for name in found:
        if not isinstance(name, str):
            raise UsageError(f"`{name}` is not a name: names are text")
    return found


def as_version(number: object) -> int:
    """Return a version's number; raises `UsageError` for anything else."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"a version is a whole number from 1, not `{number}`")
    return number
