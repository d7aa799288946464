"""The rule `inventory: true`: who answers for a model is declared, and its review holds."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.core.declaring.inventory import Inventory
from reconciler.core.policies import InventoryRule, Policy
from reconciler.policy.builtin_rules import StageEntry
from tests.support.plans.checks_lab import NOW, TO_PRODUCTION, Gates, declared

RULE = Policy("inventoried", TO_PRODUCTION, InventoryRule())
TODAY = NOW.date()
WHOLE = Inventory("payments", "Scores card transactions", "high", TODAY)


@dataclass
class Served:
    """A history in which some versions served."""

    versions: tuple[int, ...] = ()

    def served_before(self, _: str, version: int) -> bool:
        return version in self.versions

    def entered(self, *_: object) -> StageEntry | None:
        return None


def test_a_rollback_does_not_wait_for_a_review() -> None:
    gates = Gates()
    gates.context = replace(gates.context, stage_history=Served((2,)))
    assert gates.plan((RULE,), declared({2: "Production", 1: "Archived"})).violations == ()


@pytest.mark.parametrize(
    ("inventory", "told"),
    [
        (WHOLE, None),
        (None, "`m` declares no `inventory`"),
        (
            replace(WHOLE, purpose=None, review_by=None),
            "the `inventory` of `m` has no `purpose`, `review_by` (m.yaml)",
        ),
        (
            replace(WHOLE, review_by=TODAY - timedelta(days=1)),
            f"the review of `m` was due on {TODAY - timedelta(days=1)}",
        ),
    ],
)
def test_a_model_needs_an_entry_that_holds(inventory: Inventory | None, told: str | None) -> None:
    promotion = replace(declared({2: "Production", 1: "Archived"}), inventory=inventory)
    gates = Gates()
    gates.context = replace(gates.context, stage_history=Served())
    violations = gates.plan((RULE,), promotion).violations
    assert [one.message for one in violations] == (
        [] if told is None else [f"v2 → Production: {told}"]
    )
    assert all(one.hint.startswith("write `inventory:` into its file") for one in violations)
