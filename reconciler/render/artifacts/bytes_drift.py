"""Renders versions whose files are not those that were approved, and the way out."""

from itertools import groupby
from shlex import quote

from reconciler.planning.artifacts.bytes_drift import BytesDrift
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
    compared = different + len(drift.having("same"))
    others = len(drift.checks) - different - unread - len(drift.having("same"))
    if not compared and not found:
        return f"not compared ({phrases.count(others, 'version')})"
    how = "compared by the names and sizes of files" if drift.depth == "sizes" else "read"
    how += f", {others} not" if others else ""
    return f"{', '.join(found) or 'none'} ({phrases.count(compared, 'version')} {how})"


def way_out(drift: BytesDrift) -> list[str]:
    """Return what to do where bytes differ; it names the version where only one does."""
    if not drift.different:
        return []
    pinned = drift.different[0].pinned
    is_one = len(drift.different) == 1
    name, version = (quote(pinned.model), pinned.version) if is_one else ("MODEL", "VERSION")
    # `--bytes=all` also reads versions at rest, which a rollback would not replace.
    serves = ", where it serves," if drift.depth == "all" else ""
    return [
        f"put the approved files back, or{serves} go back with `reconciler rollback {name}`",
        f"to approve what is there now, declare what `reconciler digest {name}/{version}` prints",
    ]


def _which(drift: BytesDrift) -> str:
    return "no declared version" if drift.depth == "all" else "no version that serves"
