"""Each built-in rule passes what it should, and says with numbers what it does not."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from reconciler.core.facts import NO_FACTS, Column, Facts, Run, Signature, Unread
from reconciler.core.policies import (
    Approvals,
    BuiltinRule,
    DigestRule,
    Expression,
    Lineage,
    Requirement,
    SemverRule,
    SignatureRule,
    Soak,
    Transitions,
    WeeklyFreeze,
)
from reconciler.core.transitions import Transition
from reconciler.policy.builtin_rules import (
    RuleInput,
    StageEntry,
    exempts_rollback,
    reads_facts,
    reads_history,
    unmet,
    way_out,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)  # a Saturday
PROMOTION = Transition("m", 4, stage="Production", before="Staging", incumbent=3)
ALIAS = Transition("m", 4, alias="champion", before="Staging", incumbent=3)
CASE = RuleInput(
    transition=PROMOTION,
    facts=NO_FACTS,
    incumbent_facts=None,
    tags={},
    rollback=False,
    entered=None,
    now=NOW,
    approvers=None,
    authors=frozenset(),
)

WAY = Transitions(("None", "Staging", "Production", "Archived"))
SOAK = Soak(timedelta(hours=24))
FREEZE = WeeklyFreeze((4, 960), (0, 480), "Europe/Berlin")
LINEAGE = Lineage(("params.git_commit", "tags.data_version", "run.tags.team"))
REQUIRED, COMPATIBLE = SignatureRule("required"), SignatureRule("compatible")
TWO = Approvals(2)
BYTES, NUMBER = DigestRule(), SemverRule()
RULES: tuple[BuiltinRule, ...] = (
    *(WAY, SOAK, FREEZE, LINEAGE, REQUIRED),
    *(COMPATIBLE, TWO, BYTES, NUMBER),
)


def going(before: str | None, stage: str) -> RuleInput:
    transition = Transition("m", 4, stage=stage, before=before, in_place=before == stage)
    return replace(CASE, transition=transition)


# ---------------------------------------------------------------- transitions


@pytest.mark.parametrize(
    ("before", "stage", "allowed"),
    [
        ("None", "Staging", True),
        (None, "Staging", True),
        ("Staging", "Production", True),
        ("None", "Production", False),
        (None, "Production", False),
        ("Archived", "Production", False),
        ("Archived", "Staging", False),
        ("Production", "Staging", False),
        ("Production", "Archived", True),
        ("Staging", "None", True),
        ("None", "Archived", True),
        ("Production", "Production", True),
    ],
)
def test_an_active_stage_is_entered_from_the_one_before_it(
    before: str | None, stage: str, *, allowed: bool
) -> None:
    assert (unmet(WAY, going(before, stage)) is None) == allowed


def test_a_wrong_way_is_said_beside_the_right_one() -> None:
    said = "v4 goes None → Production; the order is None → Staging → Production → Archived"
    assert unmet(WAY, going("None", "Production")) == said


def test_a_stage_that_is_not_on_the_way_is_not_entered_and_the_first_is_from_anywhere() -> None:
    assert unmet(Transitions(("None", "Production")), going("None", "Staging")) is not None
    assert unmet(Transitions(("Staging", "Production")), going("None", "Staging")) is None


def test_an_alias_goes_no_way() -> None:
    assert unmet(WAY, replace(CASE, transition=replace(ALIAS, before="None"))) is None


# ---------------------------------------------------------------- soak


@pytest.mark.parametrize("transition", [PROMOTION, ALIAS])
def test_time_in_the_stage_before_is_counted_and_its_source_named(transition: Transition) -> None:
    entered = StageEntry(NOW - timedelta(hours=3), "apply record", "1f0c2ab9d3e4")
    case = replace(CASE, transition=transition, entered=entered)
    assert unmet(SOAK, case) == (
        "v4 entered Staging at 2026-11-21 09:00 UTC (apply record of 1f0c2ab9), 3 h ago; "
        "the policy requires 24 h, reached at 2026-11-22 09:00 UTC"
    )
    assert unmet(SOAK, replace(case, now=NOW + timedelta(hours=21))) is None
    assert unmet(SOAK, replace(case, now=NOW + timedelta(hours=20, minutes=59))) is not None


def test_a_clock_that_is_ahead_makes_no_time_of_it() -> None:
    case = replace(CASE, entered=StageEntry(NOW + timedelta(hours=1), "main line"))
    assert "(main line), 0 s ago; the policy requires 24 h" in (unmet(SOAK, case) or "")


def test_a_time_that_nobody_knows_is_not_long_enough() -> None:
    said = unmet(SOAK, CASE)
    assert said is not None
    assert "it is not known when v4 entered Staging" in said
    assert "`stage: Staging`" in said


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("None", "v4 is not in a stage; the policy requires 24 h in Staging or Production"),
        ("Archived", "v4 comes from Archived; the policy requires 24 h in Staging or Production"),
    ],
)
def test_rest_is_no_soak_for_a_stage_but_time_is_for_an_alias(before: str, said: str) -> None:
    long_ago = StageEntry(NOW - timedelta(days=400), "main line", "1f0c2ab9d3e4")
    assert unmet(SOAK, replace(going(before, "Production"), entered=long_ago)) == said
    alias = replace(CASE, transition=replace(ALIAS, before=before), entered=long_ago)
    assert unmet(SOAK, alias) is None


# ---------------------------------------------------------------- freeze


def test_a_frozen_move_is_told_when_it_may_go() -> None:
    assert unmet(FREEZE, CASE) == (
        "frozen (Fri 16:00 - Mon 08:00 Europe/Berlin) until Mon 2026-11-23 08:00 CET (07:00 UTC)"
    )
    assert unmet(FREEZE, replace(CASE, now=NOW - timedelta(days=2))) is None


# ---------------------------------------------------------------- rollback, and what is there


def test_a_rollback_is_exempt_from_the_way_the_soak_the_freeze_and_the_number_alone() -> None:
    case = replace(going("Archived", "Production"), rollback=True)
    exempt = [rule for rule in RULES if unmet(rule, case) is None]
    quick = [rule for rule in RULES if exempts_rollback(rule)]
    assert exempt == quick == [WAY, SOAK, FREEZE, NUMBER]
    assert all(unmet(rule, replace(case, rollback=False)) for rule in RULES)


def test_a_version_that_is_in_the_stage_already_neither_goes_nor_is_frozen() -> None:
    case = going("Production", "Production")
    assert [unmet(rule, case) for rule in (WAY, SOAK, FREEZE)] == [None, None, None]


# ---------------------------------------------------------------- lineage

TRACED = Facts(
    params={"git_commit": "1f0c2ab"}, run=Run("r1", tags={"team": "payments", "other": "x"})
)


def test_lineage_is_every_name_with_a_value() -> None:
    case = replace(CASE, facts=TRACED, tags={"data_version": "2.10"})
    assert unmet(LINEAGE, case) is None


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_lineage_of_blanks_is_none(blank: str) -> None:
    case = replace(CASE, facts=TRACED, tags={"data_version": blank})
    assert unmet(LINEAGE, case) == "v4: `tags.data_version` is empty; tags: `data_version`"


def test_all_that_lineage_lacks_is_said_with_what_is_there() -> None:
    facts = replace(
        TRACED,
        params={f"p{number:02}": "1" for number in range(12)},
        missing=("run r1 is deleted",),
    )
    assert unmet(LINEAGE, replace(CASE, facts=facts)) == (
        "v4: no `params.git_commit`, no `tags.data_version`; "
        "params: `p00`, `p01`, `p02`, `p03`, `p04`, `p05`, `p06`, `p07`, `p08`, `p09` and 2 more; "
        "tags: none; run r1 is deleted"
    )
    assert "no `run.tags.team`" in (unmet(LINEAGE, CASE) or "")


def test_a_name_with_dots_is_one_name() -> None:
    case = replace(CASE, tags={"data.version": "3"}, facts=TRACED)
    assert unmet(Lineage(("tags.data.version",)), case) is None
    assert unmet(Lineage(("run.tags.team",)), case) is None


# ---------------------------------------------------------------- signature


def signed(*names: str, missing: tuple[str, ...] = ()) -> Facts:
    columns = tuple(Column(name, "long") for name in names)
    return Facts(signature=Signature(inputs=columns), missing=missing)


@pytest.mark.parametrize("rule", [REQUIRED, COMPATIBLE])
def test_a_version_without_a_signature_says_why_it_is_not_known(rule: SignatureRule) -> None:
    unread = Facts(missing=("the MLmodel file could not be read",))
    said = "v4 has no signature; the MLmodel file could not be read"
    assert unmet(rule, replace(CASE, facts=unread)) == said
    assert unmet(rule, replace(CASE, facts=signed())) == "the signature of v4 has no inputs"


def test_a_signature_that_breaks_callers_is_refused_only_where_that_is_asked() -> None:
    case = replace(CASE, facts=signed("a", "b"), incumbent_facts=signed("a"))
    assert unmet(REQUIRED, case) is None
    said = "v4 breaks callers of v3: input `b` is new and required"
    assert unmet(COMPATIBLE, case) == said
    assert unmet(COMPATIBLE, replace(case, rollback=True)) == said
    assert unmet(COMPATIBLE, replace(case, facts=signed("a"))) is None


@pytest.mark.parametrize("incumbent", [None, Facts(missing=("no signature",)), signed()])
def test_a_first_signature_has_none_to_be_compatible_with(incumbent: Facts | None) -> None:
    assert unmet(COMPATIBLE, replace(CASE, facts=signed("a"), incumbent_facts=incumbent)) is None


def test_a_signature_that_cannot_be_read_may_be_broken() -> None:
    unread = Facts(missing=("the store is down",), unread={"signature": Unread("down", "log in")})
    case = replace(CASE, facts=signed("a"), incumbent_facts=unread)
    assert unmet(REQUIRED, case) is None
    said = unmet(COMPATIBLE, case)
    assert said is not None
    assert said.endswith("cannot be read; the store is down")


# ---------------------------------------------------------------- approvals


@pytest.mark.parametrize(
    ("approvers", "authors", "said"),
    [
        ({"Lee", "kim"}, {"jane"}, None),
        ({"Lee", "kim", "jane"}, {"Jane"}, None),
        ({"Lee"}, {"jane"}, "1 of 2 approvals; by Lee"),
        (set(), {"jane"}, "0 of 2 approvals"),
        ({"lee", "Lee"}, {"jane"}, "1 of 2 approvals; by lee"),
        (
            {"Lee", "JANE"},
            {"jane", "max"},
            "1 of 2 approvals; by Lee; the approval of JANE does not count: they wrote the change",
        ),
    ],
)
def test_approvals_are_counted_without_those_of_the_authors(
    approvers: set[str], authors: set[str], said: str | None
) -> None:
    case = replace(CASE, approvers=frozenset(approvers), authors=frozenset(authors))
    assert unmet(TWO, case) == said


def test_approvals_that_no_forge_was_asked_about_are_none() -> None:
    said = "approvals are not known here: no forge was asked"
    assert unmet(Approvals(1), CASE) == said


# ---------------------------------------------------------------- what is asked


def test_facts_are_read_for_runs_and_signatures_only() -> None:
    reading = [rule for rule in (*RULES, Lineage(("tags.x",))) if reads_facts(rule)]
    assert reading == [LINEAGE, REQUIRED, COMPATIBLE, NUMBER]
    assert reads_facts(Lineage(("tags.x", "params.y")))


def test_history_is_read_where_time_or_a_rollback_counts() -> None:
    assert [rule for rule in RULES if reads_history(rule)] == [WAY, SOAK, FREEZE, NUMBER]


@pytest.mark.parametrize("rule", [*RULES, Expression("true")])
def test_every_rule_has_a_way_out(rule: Requirement) -> None:
    assert way_out(rule, PROMOTION)
    others = [other for other in (*RULES, Expression("true")) if other != rule]
    assert way_out(rule, PROMOTION) not in [way_out(other, PROMOTION) for other in others]


def test_the_way_out_of_a_missing_digest_is_a_command_that_a_shell_runs() -> None:
    odd = replace(PROMOTION, model="fraud detection")
    assert "`reconciler digest 'fraud detection/4'`" in way_out(BYTES, odd)
