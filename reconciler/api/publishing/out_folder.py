"""Where files for others may be written: in no state folder, not in git's own, through no link."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from reconciler.errors import UsageError

_OUTSIDE: Final = "name a folder outside of it"
GIT: Final = ".git"


def checked_place(folder: Path, shown: str, states: Mapping[str, Path]) -> Path:
    """Return the real place of a folder: links and `..` on the way to it are followed.

    `states` are the state folders by their names. Raises `UsageError` for a folder in one of them
    or in git's own, for a link, and for a name that no folder can have.
    """
    try:
        is_link, place = folder.is_symlink(), folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, links in a circle, a NUL
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"`{shown}` cannot be a folder: {reason}", hint="name another") from error
    if is_link:
        raise UsageError(f"`{shown}` is a symbolic link", hint="name the folder itself")
    for name, state in states.items():
        if state.resolve() in (place, *place.parents):
            message = f"`{shown}` is in the state folder `{name}`, which holds declarations alone"
            raise UsageError(message, hint=_OUTSIDE)
    if GIT in place.parts:
        raise UsageError(f"`{shown}` is in git's own folder", hint=_OUTSIDE)
    return place


def names_in(folder: Path, shown: str) -> Sequence[str]:
    """Return the names of what a folder holds, sorted; none where there is no folder.

    Raises `UsageError` for what is no folder, or cannot be read.
    """
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"`{shown}` cannot be read: {error.strerror}") from error
