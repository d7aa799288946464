"""What a caller is told while the files of a version are read."""

from collections.abc import Sequence

import pytest

from reconciler.api.artifacts.reading_progress import read_and_tell
from reconciler.core.artifacts.model_files import HashedFile, ListedFile, ModelFiles
from reconciler.errors import RegistryError
from reconciler.ports.artifacts import BytesProgress, OnBytes, ignore_bytes


class _Store:
    """The files of a version; a `broken` part of the work raises."""

    def __init__(self, sizes: Sequence[int | None], broken: str = "") -> None:
        self._files = [ListedFile(str(at), size) for at, size in enumerate(sizes)]
        self._broken = broken

    def address(self) -> str:
        return "s3://bucket/1"

    def listing(self) -> tuple[ListedFile, ...]:
        self._break("listing")
        return tuple(self._files)

    def read(self, on_bytes: OnBytes = ignore_bytes) -> ModelFiles:
        for _, size in self._files:
            on_bytes(size or 0)
        self._break("reading")
        return ModelFiles(tuple(HashedFile(path, size or 0, "00") for path, size in self._files))

    def _break(self, part: str) -> None:
        if self._broken == part:
            raise RegistryError(f"{part} failed")


def test_each_step_is_told_from_before_the_listing_to_the_end() -> None:
    told: list[BytesProgress] = []
    files = read_and_tell(_Store([3, 4]), "m", 2, told.append)
    assert files.size == 7
    assert told == [
        BytesProgress("m", 2, 0, None),
        BytesProgress("m", 2, 0, 7, files=2),
        BytesProgress("m", 2, 3, 7, files=2),
        BytesProgress("m", 2, 7, 7, files=2),
        BytesProgress("m", 2, 7, 7, is_over=True, files=2, is_read=True),
    ]


def test_a_size_that_no_listing_tells_leaves_the_whole_unknown() -> None:
    told: list[BytesProgress] = []
    read_and_tell(_Store([3, None]), "m", 2, told.append)
    assert {state.total for state in told} == {None}


@pytest.mark.parametrize(("broken", "files"), [("listing", None), ("reading", 1)])
def test_what_breaks_is_over_as_well_and_was_not_read(broken: str, files: int | None) -> None:
    told: list[BytesProgress] = []
    with pytest.raises(RegistryError, match=f"{broken} failed"):
        read_and_tell(_Store([3], broken), "m", 2, told.append)
    assert [state.is_over for state in told] == [False] * (len(told) - 1) + [True]
    assert (told[-1].is_read, told[-1].files) == (False, files)
