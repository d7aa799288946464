"""What is done about a model that failed: proposed, told on the open proposal, or held back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.core.declaring.watch import WatchRule
from reconciler.policy.watching.looks import Proposed, RuleVerdict, WatchVerdict
from reconciler.policy.watching.proposals import ProposalDecision, ServingFacts, proposal_of
from tests.support.watching.looks import MODEL, after, proposed, rule

FACTS = ServingFacts(MODEL, 2)
OBSERVED = rule(name="observed", mode="observe")
QUICK = rule(name="quick", cooldown=timedelta(hours=1))


def verdict_of_rule(name: str, verdict: WatchVerdict = "failed") -> RuleVerdict:
    return RuleVerdict(name, verdict, f"why of {name}", 3, ())


def decided(
    *verdicts: RuleVerdict, remembered: tuple[Proposed, ...] = (), **changed: Any
) -> ProposalDecision:
    rules: dict[str, WatchRule] = {one.name: one for one in (rule(), OBSERVED, QUICK)}
    facts = ServingFacts(MODEL, 2, **changed)
    return proposal_of(verdicts, rules, facts, remembered, after(0))


FAILED = verdict_of_rule("errors")


def test_a_rollback_is_proposed_for_a_model_that_failed() -> None:
    assert decided(FAILED) == ProposalDecision("propose", "v2 failed `errors`: why of errors")
    both = decided(FAILED, verdict_of_rule("quick"), verdict_of_rule("observed", "healthy"))
    assert both.why == "v2 failed `errors`: why of errors; `quick`: why of quick"


@pytest.mark.parametrize("verdict", ["healthy", "inconclusive"])
def test_nothing_is_done_for_another_verdict(verdict: WatchVerdict) -> None:
    found = decided(verdict_of_rule("errors", verdict), open=proposed(-5))
    assert found == ProposalDecision("none", f"fraud v2 is {verdict}")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"by_rollback": True}, "v2 serves because of a rollback, which no watch takes back"),
        ({"ended": after(-30)}, "the last proposal is 30 m old, and `cooldown` is 24 h"),
        ({"remembered": (proposed(-23 * 60),)}, "the last proposal is 23 h old, and `cooldown`"),
        ({"remembered": (proposed(-3 * 60), proposed(-60))}, "the last proposal is 1 h old, and"),
        ({"remembered": (proposed(60),)}, "the last proposal is 1 h old, and `cooldown` is 24 h"),
        ({"by_rollback": True, "open": proposed(-5)}, "v2 serves because of a rollback"),
    ],
)
def test_it_is_held_back_and_says_why(facts: dict[str, Any], why: str) -> None:
    found = decided(FAILED, **facts)
    assert found.action == "held-back"
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    "remembered",
    [
        (proposed(-24 * 60),),
        (proposed(-5, model="churn"),),
        (proposed(25 * 60),),  # a clock was wrong: not until then
    ],
)
def test_after_the_cooldown_there_may_be_another(remembered: tuple[Proposed, ...]) -> None:
    assert decided(FAILED, remembered=remembered).action == "propose"


def test_the_shortest_cooldown_of_the_rules_that_failed_counts() -> None:
    earlier = (proposed(-120),)
    assert decided(FAILED, remembered=earlier).action == "held-back"
    assert decided(FAILED, verdict_of_rule("quick"), remembered=earlier).action == "propose"
    healthy = verdict_of_rule("quick", "healthy")
    assert decided(FAILED, healthy, remembered=earlier).action == "held-back"


def test_a_rule_that_observes_shortens_no_cooldown() -> None:
    quick = {rule().name: rule(), "quick": replace(QUICK, mode="observe")}
    verdicts = [FAILED, verdict_of_rule("quick")]
    found = proposal_of(verdicts, quick, FACTS, [proposed(-120)], after(0))
    assert found.action == "held-back"


def test_an_open_proposal_gets_a_comment_also_within_the_cooldown() -> None:
    mine = proposed(-5)
    assert decided(FAILED, open=mine, remembered=(mine,)) == ProposalDecision(
        "comment", "#7 is open"
    )
    about_another = decided(FAILED, open=proposed(-5, version=1))
    assert about_another.action == "comment"
    assert about_another.why == "#7 is open, which is about v1: close it, so that v2 can have one"


def test_a_rule_that_observes_is_told_and_does_nothing() -> None:
    observed = verdict_of_rule("observed")
    alone = decided(observed)
    assert (alone.action, alone.mode) == ("propose", "observe")
    assert decided(observed, open=proposed(-5)).action == "held-back"
    assert decided(observed, FAILED).mode == "propose"
    assert decided(observed, verdict_of_rule("errors", "healthy")).mode == "observe"
