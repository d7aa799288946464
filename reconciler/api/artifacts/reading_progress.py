"""Reads the bytes of a version, and tells the caller how far that is."""

import threading
from collections.abc import Callable

from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.ports.artifacts import Artifacts, BytesProgress


def read_and_tell(
    artifacts: Artifacts, model: str, version: int, tell: Callable[[BytesProgress], None]
) -> ModelFiles:
    """Return the files of a version, read in full; raises `RegistryError` as `artifacts` does."""
    state = BytesProgress(model, version, 0, None)
    counting = threading.Lock()

    def count(more: int) -> None:
        nonlocal state
        with counting:
            state = state._replace(done=state.done + more)
            tell(state)

    tell(state)
    try:
        listed = artifacts.listing()
        sizes = [file.size for file in listed if file.size is not None]
        total = sum(sizes) if len(sizes) == len(listed) else None
        state = state._replace(total=total, files=len(listed))
        tell(state)
        files = artifacts.read(count)
        state = state._replace(is_read=True)
    finally:
        tell(state._replace(is_over=True))
    return files
