"""Implements the port `Expressions` with CEL."""

from collections.abc import Collection, Mapping

from typing_extensions import assert_never

from reconciler.policy.cel import evaluator, references
from reconciler.policy.evaluation import Topic
from reconciler.policy.unread import Gap


class CelConditions:
    """Evaluates conditions in CEL, and reports what they read."""

    def unmet(self, source: str, scope: Mapping[str, object]) -> str | None:
        """Return None when a condition holds, else why not. Does not raise for any condition."""
        return evaluator.why_unmet(source, scope)

    def holds_without(
        self, source: str, scope: Mapping[str, object], gaps: Collection[Gap]
    ) -> bool:
        """Return whether a condition holds whatever stands in the parts that nobody could read."""
        hidden = [(gap.path, gap.known) for gap in gaps]
        return evaluator.holds_without(source, scope, hidden)

    def may_be_approved(self, source: str, scope: Mapping[str, object]) -> bool:
        """Return whether further approvals can make an unmet condition hold."""
        return evaluator.may_be_approved(source, scope)

    def reads(self, source: str, topic: Topic) -> bool:
        """Return whether a condition reads runs and signatures, history, or approvals."""
        match topic:
            case "facts":
                return references.reads_facts(source)
            case "history":
                return references.reads_history(source)
            case "approvals":
                return references.uses(source, "commit.approvals")
            case _:
                assert_never(topic)

    def keys(self, source: str, path: str) -> Collection[references.PathStep]:
        """Return the keys that a condition reads below a path, None for one not known before."""
        return references.keys(source, path)
