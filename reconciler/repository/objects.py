"""Reads git's objects through one long-lived process: what a commit had, file by file.

Knows the answers of `git cat-file --batch` and the form of a tree, and starts nothing itself.
"""

import os
import re
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import lru_cache
from subprocess import Popen
from typing import NamedTuple

from reconciler.errors import OutOfStep
from reconciler.repository.command import end

_FOUND = re.compile(rb"([0-9a-f]{40,64}) ([a-z]+) (\d+)\n")
_TREES_KEPT = 256  # a model's commits are asked for together: more would only cost memory


class GitObject(NamedTuple):
    """One object: its id, its kind (blob, tree, commit, tag) and its bytes."""

    id: str
    kind: str
    data: bytes


class Objects:
    """The objects of one repository; safe to use from several threads.

    `start` runs `git cat-file --batch`; it is called on the first question.
    """

    def __init__(self, start: Callable[[], "Popen[bytes]"]) -> None:
        self._start = start
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
                raise OutOfStep(f"`git cat-file` ended early: {error}", hint="try again") from error
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

    def find(self, commit: str, folder: str) -> str | None:
        """Return the id of a folder's tree at a commit, None when it was not there."""
        if folder == ".":
            name = f"{commit}^{{tree}}"
        elif is_plain(folder):
            name = f"{commit}:{folder}"
        else:
            return None
        git_object = self._objects.get(name)
        return git_object.id if git_object is not None and git_object.kind == "tree" else None

    def _files(self, tree: str) -> Mapping[str, str]:
        """Return the blob of every model file below a tree: path → id.

        Links and submodules are not in it: git does not record what they point to.
        """
        files: dict[str, str] = {}
        for mode, name, raw in self._entries(tree):
            if name.startswith(b"."):
                continue
            if mode == b"40000":
                folder, below = os.fsdecode(name), self.files(raw.hex())
                files.update((f"{folder}/{path}", blob) for path, blob in below.items())
            elif mode.startswith(b"100") and name.endswith((b".yaml", b".yml")):
                files[os.fsdecode(name)] = raw.hex()
        return files

    def _entries(self, tree: str) -> list[tuple[bytes, bytes, bytes]]:
        """Return mode, name and raw id of everything in a tree."""
        git_object = self._objects.get(tree)
        if git_object is None or git_object.kind != "tree":
            return []
        pattern = rb"([0-7]+) ([^\0]+)\0(.{%d})" % (len(tree) // 2)
        return re.findall(pattern, git_object.data, re.DOTALL)


def is_plain(path: str) -> bool:
    """Return whether a path goes down only; git takes `./` and `../` from where it runs."""
    return not any(part in ("", ".", "..") for part in path.split("/"))


def is_model_file(path: str) -> bool:
    """Return whether a path below the state folder is read: YAML, and no part of it is hidden."""
    return path.endswith((".yaml", ".yml")) and not any(
        part.startswith(".") for part in path.split("/")
    )
