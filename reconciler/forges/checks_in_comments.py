"""Keeps a check's text in a comment, for a forge whose checks have no text."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_FENCE: Final = re.compile(
    r"^<!-- commit=(?P<commit>[0-9a-f]+) conclusion=(?P<conclusion>[a-z_]+)"
    r" length=(?P<length>[0-9]{1,9}) sha256=(?P<digest>[0-9a-f]{64}) -->\n",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """The part of a check that a comment keeps."""

    commit: str
    conclusion: str
    text: str


def check_marker(name: str) -> str:
    """Return the start of the comment for the checks of that name."""
    # Hashed: a name may contain `-->`, which would end the HTML comment.
    return f"<!-- reconciler check {hashlib.sha256(name.encode()).hexdigest()[:16]} -->"


def check_comment(kept: KeptCheck, title: str, summary: str) -> str:
    """Return the comment: title and summary, and the text in a folded section."""
    digest = hashlib.sha256(kept.text.encode()).hexdigest()
    fence = (
        f"<!-- commit={kept.commit} conclusion={kept.conclusion} "
        f"length={len(kept.text)} sha256={digest} -->"
    )
    shown = f"**{title}**\n\n{summary}\n\n<details><summary>{kept.commit[:12]}</summary>\n\n"
    return f"{shown}{fence}\n{kept.text}\n\n</details>\n"


def kept_check(body: str) -> KeptCheck | None:
    """Return the check in a comment, None where its text was changed."""
    for fence in _FENCE.finditer(body):
        text = body[fence.end() : fence.end() + int(fence["length"])]
        if hashlib.sha256(text.encode()).hexdigest() == fence["digest"]:
            return KeptCheck(fence["commit"], fence["conclusion"], text)
    return None
