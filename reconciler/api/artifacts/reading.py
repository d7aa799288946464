"""Reads the bytes of a version, and tells the caller how far that is."""

import threading
from collections.abc import Callable

from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.ports.artifacts import Artifacts, BytesProgress


def read_and_tell(
    artifacts: Artifacts, model: str, version: int, tell: Callable[[BytesProgress], None]
) -> ModelFiles:
    """Return the files of a version, read in full; raises `RegistryError` as `artifacts` does."""
    listed = artifacts.listing()
    sizes = [file.size for file in listed if file.size is not None]
    total = sum(sizes) if len(sizes) == len(listed) else None
    done, counting = 0, threading.Lock()

    def count(more: int) -> None:
        nonlocal done
        with counting:
            done += more
            tell(BytesProgress(model, version, done, total))

    try:
        return artifacts.read(count)
    finally:
        tell(BytesProgress(model, version, done, total, is_over=True))
