"""Finds the folder that declares the state, and the repository around it; asks only the disk."""

from pathlib import Path

from reconciler.core.matching import nearest
from reconciler.errors import UsageError


def find_state_folder(given: str, cwd: Path, root: Path | None) -> Path:
    """Return the state folder: below the working directory, else below the repository's root.

    Raises `UsageError` that names every place it was looked for in.
    """
    places = list(dict.fromkeys(place / given for place in (cwd, root) if place is not None))
    for place in places:
        if place.is_dir():
            return place
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
