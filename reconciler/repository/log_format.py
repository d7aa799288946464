"""What `git log` prints of commits: the form in which it is asked for, and how that is read."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Final

from reconciler.audit.merged_changes import MergedCommit
from reconciler.errors import OutOfStep
from reconciler.repository.repository import GitRepo

FIELDS: Final = ("H", "P", "ct", "an", "ae", "cn", "ce", "s", "b", "(trailers:only,unfold)")
FORMAT: Final = "--format=tformat:" + "%x00".join(f"%{name}" for name in FIELDS)
# The same answer whatever the user configured.
PLAIN: Final = ("-z", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--no-notes")
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


def ask(repo: GitRepo, *arguments: str) -> str:
    """Return what git prints; raises `OutOfStep` where it cannot read the history."""
    status, out, reason = repo.run(*arguments)
    if status:
        raise OutOfStep(f"git could not read the history: {reason}", hint=repo.remedy)
    return out


def read_commit(texts: Sequence[str]) -> MergedCommit:
    """Return a commit from its fields, in the order of `FIELDS`."""
    fields = [*map(_readable, texts)]
    name, parents, seconds, author, author_email, committer, committer_email = fields[:7]
    subject, body, trailers = fields[7:]
    return MergedCommit(
        id=name,
        parents=tuple(parents.split()),
        time=datetime.fromtimestamp(min(int(seconds or 0), _LAST_SECOND), timezone.utc),
        author=author,
        author_email=author_email,
        committer=committer,
        committer_email=committer_email,
        subject=subject,
        body=body,
        trailers=tuple(_trailers(trailers)),
    )


def _trailers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip()


def _readable(text: str) -> str:
    """Return text that any encoding can write: bytes that are no UTF-8 become marks."""
    return os.fsencode(text).decode("utf-8", "replace")
