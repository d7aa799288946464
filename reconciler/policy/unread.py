"""Finds the evidence that a policy reads and that could not be read.

There consent is not the way out, and no hint offers it: nobody knows what it would allow.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

from reconciler.core.facts import NO_FACTS, Facts, Unread
from reconciler.core.policies import Approvals, Expression, Lineage, Requirement, SignatureRule
from reconciler.core.transitions import Transition
from reconciler.policy.builtin_rules import exempts_rollback

ReadKey: TypeAlias = str | int | None

_ASK_THE_FORGE: Final = Unread(
    "",
    "ask a person who did not write the change to approve it, and let a job of the forge apply it "
    "(`reconciler ci apply`): it sees the approval",
)
_ASK_GIT: Final = Unread("", "run it in a repository, with its whole history")


class Reads(Protocol):
    """The port to what a condition reads."""

    def keys(self, source: str, path: str) -> Collection[ReadKey]:
        """Return the keys that a condition reads below a path, None for one not known before."""
        ...


def unread(
    requires: Requirement,
    transition: Transition,
    facts: Mapping[int, Facts],
    reads: Reads,
    *,
    approvals: bool,
    history: bool,
) -> tuple[Unread, ...]:
    """Return what a policy reads of a transition and nobody could read, each once.

    `approvals` says whether a forge was asked, `history` whether there is one.
    """
    own = facts.get(transition.version, NO_FACTS)
    incumbent = NO_FACTS
    if transition.incumbent is not None:
        incumbent = facts.get(transition.incumbent, NO_FACTS)
    match requires:
        case Expression(source):
            found = _of_expression(source, own, incumbent, reads, approvals=approvals)
        case Lineage(names):
            found = _of_lineage(names, own)
        case SignatureRule(level):
            compared = (own, incumbent) if level == "compatible" else (own,)
            found = (one.unread["signature"] for one in compared if "signature" in one.unread)
        case Approvals() if not approvals:
            found = iter([_ASK_THE_FORGE])
        case _ if exempts_rollback(requires) and not history:
            found = iter([_ASK_GIT])
        case _:
            found = iter(())
    return tuple(dict.fromkeys(found))


def _of_expression(
    source: str, own: Facts, incumbent: Facts, reads: Reads, *, approvals: bool
) -> Iterator[Unread]:
    for facts, prefix, signature in (
        (own, "", "version."),
        (incumbent, "incumbent.", "incumbent."),
    ):
        metrics = reads.keys(source, f"{prefix}metrics")
        params = reads.keys(source, f"{prefix}params")
        yield from _logged(facts, metrics, facts.metrics)
        yield from _logged(facts, params, facts.params)
        if "run" in facts.unread and reads.keys(source, f"{prefix}run"):
            yield facts.unread["run"]
        if "signature" in facts.unread and reads.keys(source, f"{signature}signature"):
            yield facts.unread["signature"]
    if not approvals and reads.keys(source, "commit.approvals"):
        yield _ASK_THE_FORGE


def _of_lineage(names: Iterable[str], facts: Facts) -> Iterator[Unread]:
    params = [name.removeprefix("params.") for name in names if name.startswith("params.")]
    yield from _logged(facts, params, facts.params)
    if "run" in facts.unread and any(name.startswith("run.tags.") for name in names):
        yield facts.unread["run"]


def _logged(facts: Facts, keys: Collection[ReadKey], known: Collection[str]) -> Iterator[Unread]:
    """Yield what may hold the value of a key: the run, whose values count first, or the model."""
    if keys and "run" in facts.unread:
        yield facts.unread["run"]
    if "logged model" in facts.unread and any(key not in known for key in keys):
        yield facts.unread["logged model"]
