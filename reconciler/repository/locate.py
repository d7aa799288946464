"""Finds the folder that declares the state, and the repository around it; asks only the disk."""

from pathlib import Path

from reconciler.core.matching import nearest
from reconciler.errors import UsageError


def working_directory(root: str | Path | None = None) -> Path:
    """Return `root` or else the working directory, as an absolute path.

    Raises `UsageError` where the working directory was deleted.
    """
    try:
        return Path.cwd() if root is None else Path(root).absolute()
    except FileNotFoundError as error:
        message = "the working directory does not exist any more"
        raise UsageError(message, hint="`cd` into the repository again") from error


def find_state_folder(given: str, cwd: Path, root: Path | None) -> Path:
    """Return the state folder: below the working directory, else below the repository's root.

    Raises `UsageError` that names every place it was looked for in.
    """
    places = list(dict.fromkeys(place / given for place in (cwd, root) if place is not None))
    try:
        found = next((place for place in places if place.is_dir()), None)
    except OSError as error:  # too long a name, for one
        raise UsageError(f"the state folder `{given[:80]}`: {error.strerror}") from error
    if found is not None and str(found.resolve()) == found.resolve().anchor:
        raise UsageError(
            f"`{given}` is the whole file system, not a state folder",
            hint="name the folder: `--state DIR`",
        )
    if found is not None:
        return found
    for place in places:
        if place.exists():
            raise UsageError(
                f"`{place}` is a file, and the state is a folder of them",
                hint=f"did you mean `--state {place.parent}`?",
            )
    tried = " and ".join(f"`{place}`" for place in places)
    begin = "name it with `--state DIR`, or begin one: `reconciler init`"
    if root is not None and (root / ".git/info/sparse-checkout").exists():
        begin = (
            f"`git sparse-checkout add {given}`, if this sparse checkout left it out; or {begin}"
        )
    raise UsageError(
        f"there is no state folder `{given}`: looked for {tried}",
        hint=_nearest(given, places) or begin,
    )


def _nearest(given: str, places: list[Path]) -> str | None:
    """Return `did you mean …?` for a folder beside the one that is not there."""
    above = next((place.parent for place in places if place.parent.is_dir()), None)
    beside = [one.name for one in above.iterdir() if one.is_dir()] if above else []
    near = nearest(Path(given).name, beside)
    return near and f"{near} (`--state` names the folder, `reconciler init` begins one)"


def repository_root(path: Path) -> Path | None:
    """Return the nearest folder upwards that looks like a checkout, without asking git."""
    place = path.absolute()
    return next((up for up in (place, *place.parents) if (up / ".git").exists()), None)
