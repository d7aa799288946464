"""How many bytes are read of a version without somebody having asked for it."""

from collections.abc import Iterable
from typing import Final

from reconciler.core.artifacts.model_files import ListedFile
from reconciler.core.artifacts.sizes import in_bytes

LARGEST_UNASKED: Final = 2_000_000_000  # bytes; a GB has 1,000 MB in all that is shown


def why_not_unasked(files: Iterable[ListedFile]) -> str | None:
    """Return why these files are only read where that is asked for, None where they may be."""
    sizes = [file.size for file in files]
    known = sum(size for size in sizes if size is not None)
    if known > LARGEST_UNASKED:
        return f"its files have {in_bytes(known)}, more than 2 GB"
    if None in sizes:
        return "the store does not tell how large its files are"
    return None
