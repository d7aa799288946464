"""How many bytes are read of a version without somebody having asked for it."""

from collections.abc import Iterable
from typing import Final

from reconciler.core.artifacts.model_files import ListedFile

_GB: Final = 1024**3
LARGEST_UNASKED: Final = 2 * _GB


def why_not_unasked(files: Iterable[ListedFile]) -> str | None:
    """Return why these files are only read where that is asked for, None where they may be."""
    sizes = [file.size for file in files]
    known = sum(size for size in sizes if size is not None)
    if known > LARGEST_UNASKED:
        return f"its files have {known / _GB:.2f} GB, more than {LARGEST_UNASKED // _GB} GB"
    if None in sizes:
        return "the store does not tell how large its files are"
    return None
