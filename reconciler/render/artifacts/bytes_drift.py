"""Renders versions whose files are not those that were approved, and the way out."""

from itertools import groupby
from shlex import quote

from reconciler.planning.bytes_drift import BytesDrift
from reconciler.render import phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document, bytes_check


def documents(drift: BytesDrift) -> list[Document]:
    """Return the items of `bytes`: what differs, and what was to be read and could not be."""
    return [{"model": row.pinned.model, **bytes_check(row.check)} for row in drift.rows]


def text_lines(drift: BytesDrift) -> list[str]:
    """Return the section of `drift`; none where nothing has a digest, unless it was to be read."""
    if drift.depth == "sizes" and not drift.checks:
        return []
    lines = [f"bytes: {summary(drift)}", ""]
    for (model, file), rows in groupby(drift.rows, lambda row: row.pinned.place):
        lines.append(visible(model) + (f"  ({visible(file)})" if file else ""))
        for problem in (row.problem for row in rows):
            lines += [f"  ✗ {visible(problem.message)}", *phrases.contrasts(problem, "    ")]
        lines.append("")
    ways = [f"  {visible(sentence)}" for sentence in way_out(drift)]
    return [*lines, *ways, *([""] if ways else [])]


def summary(drift: BytesDrift) -> str:
    """Return how many versions differ or cannot be read, and how they were compared."""
    if not drift.checks:
        return f"none ({_which(drift)} has a digest)"
    different, unread = len(drift.different), len(drift.problems)
    verb = "differs" if different == 1 else "differ"
    found = [f"{phrases.count(different, 'version')} {verb}"] if different else []
    found += [f"{phrases.count(unread, 'version')} cannot be read"] if unread else []
    compared = phrases.count(different + len(drift.having("same")), "version")
    how = "compared by the names and sizes of files" if drift.depth == "sizes" else "read"
    return f"{', '.join(found) or 'none'} ({compared} {how})"


def way_out(drift: BytesDrift) -> list[str]:
    """Return what to do where bytes differ, for the first version that does."""
    if not drift.different:
        return []
    pinned = drift.different[0].pinned
    name, version = quote(pinned.model), pinned.version
    back = (
        f"`reconciler rollback {name}` goes back to a version that nobody touched, `reconciler "
        f"promote {name} VERSION` to another one; or put the approved files back"
    )
    approve = (
        "new bytes are approved by the review of a pull request in which the digest that "
        f"`reconciler digest {name}/{version}` prints takes the place of the one in the file"
    )
    return [back, approve]


def _which(drift: BytesDrift) -> str:
    return "no declared version" if drift.depth == "all" else "no version that serves"
