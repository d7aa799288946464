"""Fetches at once what a partial clone (`git clone --filter`) left out of a folder's history.

Git would fetch each object by itself when it is first read: a round to the remote for each file
of each commit.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from reconciler.repository.command import WHOLE_CLONE, GitCommand

_PROMISOR: Final = r"^remote\..*\.promisor$"
# What git itself runs for one object: nothing is negotiated, and no ref or FETCH_HEAD is written.
_FETCH: Final = ("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags")
_ONLY: Final = ("--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance")


class Fetched(NamedTuple):
    """How many objects were fetched, and how many are missing because of `reason`."""

    fetched: int = 0
    missing: int = 0
    reason: str = ""

    def sentence(self, folder: str) -> str | None:
        """Return what to tell a person; None where nothing was missing."""
        if not (self.missing or self.fetched):
            return None
        number = self.missing or self.fetched
        objects = f"{number} object{'s' * (number > 1)} of the history of `{folder}`"
        if self.missing:
            told = f"lacks {objects}, which cannot be fetched ({self.reason})"
        else:
            told = f"lacked {objects}, now fetched"
        return f"this clone was made with `--filter` and {told}: to have it whole, {WHOLE_CLONE}"


def complete(git: GitCommand, folder: str, tips: Sequence[str]) -> Fetched:
    """Fetch what is missing of a folder's history up to some commits; does not raise."""
    remote = _promisor(git)
    if remote is None:
        return Fetched()
    fetched = 0
    for _ in range(2):  # a clone without trees needs them before it knows its files
        missing = _missing_files(git, folder, tips)
        if missing is None:
            missing = _missing_trees(git, tips)
        if not missing:
            break
        names = "".join(f"{name}\n" for name in missing).encode()
        options = (*_FETCH, *_ONLY, "--filter=blob:none", "--stdin", remote)
        answer = git.ask(*options, feed=names)
        if answer.status:
            return Fetched(fetched, len(missing), answer.reason)
        fetched += len(missing)
    return Fetched(fetched)


def _promisor(git: GitCommand) -> str | None:
    """Return the remote that owes what is missing, None in a clone that has everything."""
    listed = git.ask("config", "--bool", "--get-regexp", _PROMISOR).out.split("\n")
    names = [line.removesuffix(".promisor true") for line in listed if line.endswith(" true")]
    return names[0].removeprefix("remote.") if names else None


def _missing_files(git: GitCommand, folder: str, tips: Sequence[str]) -> list[str] | None:
    """Return the missing objects below a folder; None where the trees are missing, too."""
    path = () if folder == "." else (folder,)
    answer = git.ask("rev-list", "--objects", "--missing=print", *tips, "--", *path)
    return None if answer.status else _named(answer.out)


def _missing_trees(git: GitCommand, tips: Sequence[str]) -> list[str]:
    listed = ("rev-list", "--objects", "--missing=print", "--filter=blob:none", *tips, "--")
    return _named(git.ask(*listed).out)


def _named(listed: str) -> list[str]:
    return [line[1:] for line in listed.split("\n") if line.startswith("?")]
