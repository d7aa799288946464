"""Which models a command is about: globs over names, and what to say when nothing fits."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from reconciler.errors import UsageError


def nearest(name: str, names: Collection[str]) -> str | None:
    """Return `did you mean …?` for a name that is not among `names`, None when nothing is near."""
    near = get_close_matches(name, names, n=1)
    return f"did you mean `{near[0]}`?" if near else None


def select(globs: Sequence[str], names: Collection[str], option: str) -> frozenset[str]:
    """Return the names that any glob matches; raises `UsageError` for a glob without a match."""
    found: set[str] = set()
    for glob in globs:
        matches = {name for name in names if name == glob or fnmatchcase(name, glob)}
        if not matches:
            hint = nearest(glob, names) or f"models that are declared: {len(names)}"
            raise UsageError(f"{option} `{glob}` matches no model", hint=hint)
        found |= matches
    return frozenset(found)
