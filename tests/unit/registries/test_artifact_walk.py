"""The walk through a store's folders: it ends, stays inside, and says which rule was broken."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import pytest

from reconciler.core.artifacts.model_files import ListedFile
from reconciler.errors import RegistryError
from reconciler.registries.artifacts.folder import FolderEntry, WalkLimits, walk

_Listing = Callable[[str], Sequence[FolderEntry]]


class _Store:
    where = "store:/model"

    def __init__(self, listing: _Listing) -> None:
        self._listing = listing
        self.asked: list[str] = []

    def entries(self, path: str) -> Sequence[FolderEntry]:
        self.asked.append(path)
        return self._listing(path)

    def chunks(self, path: str, size: int | None) -> AbstractContextManager[Iterator[bytes]]:  # noqa: ARG002  the port
        return nullcontext(iter(()))


def _file(name: str, size: int | None = 1) -> FolderEntry:
    return FolderEntry(name, is_folder=False, size=size)


def _folder(name: str) -> FolderEntry:
    return FolderEntry(name, is_folder=True)


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "",
        "../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "..\\x",
        "a\0b",
        "a\nb",
        "\x1b[2J",
        "\udcff",
    ],
)
@pytest.mark.parametrize("make", [_file, _folder])
def test_a_name_that_leads_elsewhere_or_cannot_be_read_is_refused(
    name: str, make: Callable[[str], FolderEntry]
) -> None:
    store = _Store(lambda path: [_folder("sub")] if not path else [make(name)])

    with pytest.raises(RegistryError) as caught:
        walk(store)

    assert f"`store:/model` lists {f'sub/{name}'!a} which " in caught.value.message
    assert caught.value.message.isprintable()
    assert store.asked == ["", "sub"]


def test_a_name_that_is_listed_twice_is_refused() -> None:
    for second in (_file("a"), _folder("a")):
        with pytest.raises(RegistryError, match=r"lists 'a' twice: a folder has each name once"):
            walk(_Store(lambda _, second=second: [_file("a"), second]))  # type: ignore[misc]


@pytest.mark.parametrize("size", [-1, 2**63, 10**40])
def test_a_size_that_no_file_has_is_refused(size: int) -> None:
    with pytest.raises(RegistryError, match=r"lists 'a' with .* bytes, which no file can have"):
        walk(_Store(lambda _: [_file("a", size)]))


def test_a_folder_that_lists_itself_ends() -> None:
    store = _Store(lambda _: [_file("f"), _folder("again")])

    with pytest.raises(RegistryError, match="has folders more than 64 levels deep"):
        walk(store)

    assert len(store.asked) == 65


def test_folders_that_multiply_end_after_a_few_requests() -> None:
    store = _Store(lambda _: [_folder(f"{number}") for number in range(1000)])

    with pytest.raises(RegistryError, match="lists more than 10,000 folders"):
        walk(store)

    assert len(store.asked) < 30


def test_a_million_files_end() -> None:
    many = [_file(f"{number}") for number in range(60_000)]
    store = _Store(lambda path: [*many, _folder(path + "b")])

    with pytest.raises(RegistryError, match="lists more than 100,000 files"):
        walk(store)

    assert len(store.asked) == 2


def test_a_listing_that_goes_on_for_too_long_ends() -> None:
    slow = threading.Event()

    def listing(_: str) -> Sequence[FolderEntry]:
        slow.wait(0.05)
        return [_file("f"), _folder("below")]

    with pytest.raises(RegistryError, match=r"took more than 0.2 s to be listed"):
        walk(_Store(listing), limits=WalkLimits(seconds=0.2))


def test_an_interruption_ends_a_listing() -> None:
    stop = threading.Event()

    def listing(_: str) -> Sequence[FolderEntry]:
        stop.set()
        return [_file("f"), _folder("below")]

    store = _Store(listing)
    with pytest.raises(RegistryError, match="interrupted while the files"):
        walk(store, stop=stop)
    assert store.asked == [""]


def test_a_folder_without_a_file_is_not_a_model() -> None:
    for entries in ([], [_file("registered_model_meta")], [_folder(".git")]):
        store = _Store(lambda path, found=entries: found if not path else [])  # type: ignore[misc]
        with pytest.raises(RegistryError, match="holds no file of a model"):
            walk(store)
        assert store.asked == [""]  # also not in the folders that do not count


def test_a_file_without_a_size_is_empty_where_others_have_one() -> None:
    """MLflow's server leaves out a zero; a store that tells no sizes at all tells nothing."""
    some = _Store(lambda _: [_file("empty", None), _file("full", 3)])
    none = _Store(lambda _: [_file("a", None), _file("b", None)])

    assert walk(some) == (ListedFile("empty", 0), ListedFile("full", 3))
    assert walk(none) == (ListedFile("a", None), ListedFile("b", None))
