"""CEL as the language of the policies: the port that judging uses."""

from collections.abc import Mapping

from typing_extensions import assert_never

from reconciler.policy.cel import evaluator, references
from reconciler.policy.evaluation import Topic


class CelConditions:
    """Judges conditions in CEL, and says what they look at."""

    def unmet(self, source: str, scope: Mapping[str, object]) -> str | None:
        """Return None when a condition holds, else why not; never raises for what it does."""
        return evaluator.why_unmet(source, scope)

    def may_be_approved(self, source: str, scope: Mapping[str, object]) -> bool:
        """Return whether approvals that may still come can make an unmet condition hold."""
        return evaluator.may_be_approved(source, scope)

    def reads(self, source: str, topic: Topic) -> bool:
        """Return whether a condition looks at runs and signatures, at the past, or at approvals."""
        match topic:
            case "facts":
                return references.reads_facts(source)
            case "history":
                return references.reads_history(source)
            case "approvals":
                return references.uses(source, "commit.approvals")
            case _:
                assert_never(topic)
