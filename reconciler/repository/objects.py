"""Reads git's objects through one long-lived process: what a commit had, file by file.

Knows the answers of `git cat-file --batch` and the form of a tree, and starts nothing itself.
"""

import hashlib
import os
import re
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from subprocess import Popen
from typing import NamedTuple

from reconciler.errors import OutOfStep
from reconciler.repository.command import end

_SHA256_DIGITS = 64
_FOUND = re.compile(rb"([0-9a-f]{40,64}) ([a-z]+) (\d+)\n")
_TREES_KEPT = 256  # a model's commits are asked for together: more would only cost memory
_FOLDERS_KEPT = 4096
_FEW_NAMES = 32  # asked of one tree; for more of them all its entries are taken apart
_BLOB_MODES = frozenset({b"100644", b"100755", b"100664", b"120000"})


class GitObject(NamedTuple):
    """One object: its id, its kind (blob, tree, commit, tag) and its bytes."""

    id: str
    kind: str
    data: bytes


class Objects:
    """The objects of one repository; safe to use from several threads.

    `start` runs `git cat-file --batch`; it is called on the first question. `hint` says what helps
    where that process ends early.
    """

    def __init__(
        self, start: Callable[[], "Popen[bytes]"], hint: Callable[[], str | None] = lambda: None
    ) -> None:
        self._start = start
        self._hint = hint
        self._lock = threading.Lock()
        self._idle: _Reader | None = None

    def get(self, name: str) -> GitObject | None:
        """Return the object that git finds under a name: an id, or `commit:path`."""
        if "\n" in name:
            return None  # one name a line; who needs such a path lists the tree
        with self._lock:
            # A process that owes an answer is out of reach: whatever interrupts the answer, the
            # next question goes to another process, and never gets what this one had to say.
            reader, self._idle = self._idle, None
            if reader is None or reader.owner != os.getpid():
                reader = _Reader(self._start())
            try:
                answer = reader.ask(name)
            except OSError as error:
                reader.close()
                remedy = self._hint()
                message = f"`git cat-file` ended early: {error}"
                if remedy is not None:
                    message = f"this partial clone lacks the object `{name}`"
                raise OutOfStep(message, hint=remedy or "try again") from error
            except BaseException:
                reader.close()
                raise
            self._idle = reader
            return answer

    def close(self) -> None:
        """End the process; a later question starts another one."""
        with self._lock:
            reader, self._idle = self._idle, None
            if reader is not None:
                reader.close()


class _Reader:
    """One process that answers question by question; a fork of this process has no share in it."""

    def __init__(self, process: "Popen[bytes]") -> None:
        self.owner = os.getpid()
        self._process = process
        # Not left to the interpreter: a process that outlives its pipes is a ResourceWarning.
        self.close = weakref.finalize(self, end, process)
        if process.stderr:
            # Git would wait for ever once nobody empties that pipe. What git started may hold it
            # open for longer, so the thread has a descriptor of its own.
            pipe = os.dup(process.stderr.fileno())
            threading.Thread(target=_drain, args=(pipe,), daemon=True).start()

    def ask(self, name: str) -> GitObject | None:
        """Return the answer in full; raises `OSError` where it ends early."""
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise OSError("it has no pipes")
        requests.write(os.fsencode(name) + b"\n")
        requests.flush()
        header = answers.readline()
        match = _FOUND.fullmatch(header)
        if match is None:
            if not header.endswith(b"\n"):
                raise OSError("no answer")
            return None
        size = int(match[3])
        data = answers.read(size + 1)
        if len(data) != size + 1:
            raise OSError("half an answer")
        return GitObject(match[1].decode(), match[2].decode(), data[:-1])


def _drain(pipe: int) -> None:
    try:
        while os.read(pipe, 65_536):
            pass
    finally:
        os.close(pipe)


class Trees:
    """The model files of any commit, by path; a folder that did not change is read once."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.files = lru_cache(_TREES_KEPT)(self._files)
        self._known = lru_cache(_FOLDERS_KEPT)(self._look_up)
        self._tree = lru_cache(_TREES_KEPT)(self._read)

    def blob(self, commit: str, path: str) -> str | None:
        """Return the id of the file at a path of a commit, None when there is none.

        A tree is read once, however many of its files and commits are asked about.
        """
        folder, _, name = path.rpartition("/")
        tree = self.find(commit, folder or ".") if is_plain(path) else None
        return None if tree is None else self._tree(tree).blob(os.fsencode(name))

    def find(self, commit: str, folder: str) -> str | None:
        """Return the id of a folder's tree at a commit, None when it was not there."""
        try:
            return self._known(commit, folder)
        except KeyError:
            return None

    def _look_up(self, commit: str, folder: str) -> str:
        """Return a tree's id; raises `KeyError` for none, which a fetch may bring yet."""
        if folder == ".":
            name = f"{commit}^{{tree}}"
        elif is_plain(folder):
            name = f"{commit}:{folder}"
        else:
            raise KeyError(folder)
        git_object = self._objects.get(name)
        if git_object is None or git_object.kind != "tree":
            raise KeyError(name)
        return git_object.id

    def _files(self, tree: str) -> Mapping[str, str]:
        """Return the blob of every model file below a tree: path → id.

        Links and submodules are not in it: git does not record what they point to.
        """
        files: dict[str, str] = {}
        for mode, name, raw in self._tree(tree).entries():
            if name.startswith(b"."):
                continue
            if mode == b"40000":
                folder, below = os.fsdecode(name), self.files(raw.hex())
                files.update((f"{folder}/{path}", blob) for path, blob in below.items())
            elif mode.startswith(b"100") and name.endswith((b".yaml", b".yml")):
                files[os.fsdecode(name)] = raw.hex()
        return files

    def _read(self, tree: str) -> "_Tree":
        git_object = self._objects.get(tree)
        is_tree = git_object is not None and git_object.kind == "tree"
        return _Tree(git_object.data if git_object and is_tree else b"", len(tree) // 2)


class _Tree:
    """One folder as git keeps it: the mode, the name and the raw id of everything in it."""

    def __init__(self, data: bytes, id_size: int) -> None:
        self._data = data
        self._id_size = id_size
        self._asked = 0

    def entries(self) -> list[tuple[bytes, bytes, bytes]]:
        """Return mode, name and raw id of every entry."""
        pattern = rb"([0-7]+) ([^\0]+)\0(.{%d})" % self._id_size
        return re.findall(pattern, self._data, re.DOTALL)

    def blob(self, name: bytes) -> str | None:
        """Return the id of the file or link of that name, None where there is none."""
        self._asked += 1
        if self._asked > _FEW_NAMES:
            raw = self._blobs.get(name)
            return None if raw is None else raw.hex()
        # Taking apart a large folder for a few names would cost more than it saves.
        entry, at = b" %s\0" % name, -1
        while (at := self._data.find(entry, at + 1)) >= 0:
            if self._data[at - 6 : at] in _BLOB_MODES:
                start = at + len(entry)
                return self._data[start : start + self._id_size].hex()
        return None

    @cached_property
    def _blobs(self) -> Mapping[bytes, bytes]:
        return {name: raw for mode, name, raw in self.entries() if mode in _BLOB_MODES}


def blob_id(content: bytes, like: str) -> str:
    """Return the id that git gives a content, by the algorithm of the id `like`."""
    return _object_id(b"blob", content, like)


def empty_tree_id(like: str) -> str:
    """Return the id of the tree without entries, by the algorithm of the id `like`."""
    return _object_id(b"tree", b"", like)


def _object_id(kind: bytes, content: bytes, like: str) -> str:
    algorithm = "sha256" if len(like) == _SHA256_DIGITS else "sha1"
    return hashlib.new(
        algorithm, b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False
    ).hexdigest()


def is_plain(path: str) -> bool:
    """Return whether a path goes down only; git takes `./` and `../` from where it runs."""
    return not any(part in ("", ".", "..") for part in path.split("/"))


def is_model_file(path: str) -> bool:
    """Return whether a path below the state folder is read: YAML, and no part of it is hidden."""
    return path.endswith((".yaml", ".yml")) and not any(
        part.startswith(".") for part in path.split("/")
    )
