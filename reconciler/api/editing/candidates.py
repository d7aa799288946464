"""The versions that a rollback may go back to, as a list for people and for scripts."""

from collections.abc import Sequence

from reconciler.audit.dates import iso_moment
from reconciler.authoring.rollback import Candidate
from reconciler.render.json_documents import Document
from reconciler.render.table import table


def listing(candidates: Sequence[Candidate], target: Candidate | None) -> list[str]:
    """Return candidates as lines of a table, with an arrow at the target; empty for none."""
    if not candidates:
        return []
    rows = []
    for one in candidates:
        arrow = "→" if _is(one, target) else ""
        remark = one.proof if one.against is None else f"{one.proof}; {one.against}"
        commit = one.since.step.commit.id[:12]
        rows.append((arrow, f"v{one.version}", _since(one), commit, remark))
    return table(("", "VERSION", "SERVED FROM", "COMMIT", ""), rows)


def document(candidates: Sequence[Candidate], target: Candidate | None) -> list[Document]:
    """Return candidates as the `candidates` of the JSON document."""
    return [
        {
            "version": one.version,
            "since": _since(one),
            "commit": one.since.step.commit.id,
            "proof": one.proof,
            "against": one.against,
            "chosen": _is(one, target),
        }
        for one in candidates
    ]


def _is(candidate: Candidate, target: Candidate | None) -> bool:
    return target is not None and candidate.version == target.version


def _since(candidate: Candidate) -> str:
    return iso_moment(candidate.since.step.commit.time)
