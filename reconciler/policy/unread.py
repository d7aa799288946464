"""Finds the evidence that a policy reads and that could not be read.

There consent is not the way out, and no hint offers it: nobody knows what it would allow.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from reconciler.core.facts import NO_FACTS, Facts, Unread
from reconciler.core.policies import (
    Approvals,
    Expression,
    Lineage,
    Requirement,
    SemverRule,
    SignatureRule,
)
from reconciler.core.transitions import Transition
from reconciler.policy.builtin_rules import exempts_rollback

ReadKey: TypeAlias = str | int | None

_ASK_THE_FORGE: Final = Unread(
    "",
    "ask a person who did not write the change to approve it, and let a job of the forge apply it "
    "(`reconciler ci apply`): it sees the approval",
)
_ASK_GIT: Final = Unread("", "run it in a repository, with its whole history")


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a condition's variables that nobody could read, except for its `known` keys."""

    path: str
    evidence: Unread
    known: Collection[str] = ()


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
    own, incumbent = _of_both(transition, facts)
    found: Iterable[Unread] = ()
    match requires:
        case Expression(source):
            found = [gap.evidence for gap in gaps(source, transition, facts, reads)]
            if not approvals and reads.keys(source, "commit.approvals"):
                found = [*found, _ASK_THE_FORGE]
        case Lineage(names):
            found = _of_lineage(names, own)
        case SignatureRule() | SemverRule():
            compared = (own,) if requires == SignatureRule("required") else (own, incumbent)
            found = (one.unread["signature"] for one in compared if "signature" in one.unread)
        case Approvals() if not approvals:
            found = [_ASK_THE_FORGE]
        case _ if exempts_rollback(requires) and not history:
            found = [_ASK_GIT]
    return tuple(dict.fromkeys(found))


def gaps(
    source: str, transition: Transition, facts: Mapping[int, Facts], reads: Reads
) -> tuple[Gap, ...]:
    """Return the parts that a condition reads of a transition and nobody could read."""
    own, incumbent = _of_both(transition, facts)
    return tuple(
        gap
        for gap in (*_gaps(own, "", "version."), *_gaps(incumbent, "incumbent.", "incumbent."))
        if any(key not in gap.known for key in reads.keys(source, gap.path))
    )


def _of_both(transition: Transition, facts: Mapping[int, Facts]) -> tuple[Facts, Facts]:
    """Return the facts about a version and about its incumbent."""
    own = facts.get(transition.version, NO_FACTS)
    if transition.incumbent is None:
        return own, NO_FACTS
    return own, facts.get(transition.incumbent, NO_FACTS)


def _gaps(facts: Facts, prefix: str, signature: str) -> Iterator[Gap]:
    """Yield what could not be read of one version; a run's values count before a model's."""
    if run := facts.unread.get("run"):
        for part in ("metrics", "params", "run"):
            yield Gap(f"{prefix}{part}", run)
    if model := facts.unread.get("logged model"):
        yield Gap(f"{prefix}metrics", model, facts.metrics.keys())
        yield Gap(f"{prefix}params", model, facts.params.keys())
    if file := facts.unread.get("signature"):
        yield Gap(f"{signature}signature", file)


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
