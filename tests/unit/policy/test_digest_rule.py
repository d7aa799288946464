"""The rule `digest: required`: who must declare a digest, and what is told where one is missing."""

from dataclasses import replace
from datetime import date

import pytest

from reconciler.core.policies import DigestRule, On, Policy
from reconciler.core.settings import Settings
from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    DatedConsent,
    Declaration,
    DeclaredVersion,
    Serving,
)
from reconciler.core.violations import Consent
from reconciler.errors import ExitCode
from reconciler.render import json_documents, text
from tests.support.plans.checks_lab import NOW, OWNER, TO_PRODUCTION, Gates, declared
from tests.support.plans.gate_lab import GATE

DIGEST = f"sha256:{'0f' * 32}"
PINNED = Policy("pinned-bytes", TO_PRODUCTION, DigestRule())
TOLD = "v2 declares no `digest` (m.yaml:7)"


@pytest.fixture
def gates() -> Gates:
    return Gates()


def promotion(
    digest: str | None = None, aliases: dict[str, int] | None = None, **more: object
) -> Declaration:
    """Return a declaration that puts v2 into Production, and the aliases where they are said."""
    stages = {2: "Production", 1: "Archived"} if aliases is None else {}
    found = declared(stages, aliases=aliases)
    versions = {**found.versions, 2: DeclaredVersion(digest=digest, line=7)}
    return replace(found, versions=versions, **more)  # type: ignore[arg-type]


def told(gates: Gates, policy: Policy, declaration: Declaration) -> list[str]:
    return [violation.message for violation in gates.plan((policy,), declaration).violations]


def test_a_version_that_enters_without_a_digest_is_refused_with_its_line(gates: Gates) -> None:
    plan = gates.plan((PINNED,), promotion())
    (violation,) = plan.violations
    assert (violation.name, violation.model) == ("pinned-bytes", "m")
    assert violation.message == f"v2 → Production: {TOLD}"
    assert violation.hint == (
        "add `digest: sha256:…` to its entry, as `reconciler digest m/2` prints it; `promote` and "
        "`rollback` write it with `--digest`; `apply --accept pinned-bytes=m` allows it once"
    )
    assert plan.exit_code() == 4
    assert gates.plan((PINNED,), promotion(DIGEST)).violations == ()


def test_text_and_json_show_it_as_any_other_violation(gates: Gates) -> None:
    plan = gates.plan((PINNED,), promotion())
    assert f"refused: pinned-bytes: m: v2 → Production: {TOLD}" in text.plan(
        plan, text.Effort(1, 0.1), NOW
    )
    (row,) = json_documents.plan(plan, ExitCode.REFUSED)["violations"]
    assert (row["name"], row["model"], row["enforce"]) == ("pinned-bytes", "m", "deny")
    assert row["message"] == f"v2 → Production: {TOLD}"


@pytest.mark.parametrize(
    ("on", "aliases", "refused"),
    [
        (On(aliases=("champion",)), {"champion": 2}, True),
        (On(aliases=("champion",)), {"canary": 2}, False),
        (On(stages=("Production",)), {"champion": 2}, False),
        (On(stages=("Staging",)), None, False),
        (On(serving=True), None, True),
        (On(stages=("Production",), models=("fraud-*",)), None, False),
        (On(stages=("Production",), models=("m*",)), None, True),
    ],
)
def test_it_is_asked_where_its_policy_says(
    gates: Gates, on: On, aliases: dict[str, int] | None, *, refused: bool
) -> None:
    found = told(gates, Policy("pinned-bytes", on, DigestRule()), promotion(aliases=aliases))
    assert [TOLD in message for message in found] == [True] * refused


def test_it_is_asked_where_an_alias_serves(gates: Gates) -> None:
    rule = Policy("pinned-bytes", On(serving=True), DigestRule())
    by_alias = promotion(aliases={"live": 2}, serving=Serving(None, "live"))
    (message,) = told(gates, rule, by_alias)
    assert message == f"v2 → @live: {TOLD}"


def test_a_stage_and_an_alias_without_a_digest_are_one_violation(gates: Gates) -> None:
    both = Policy("pinned-bytes", On(("Production",), ("champion",)), DigestRule())
    declaration = replace(
        promotion(), fields={**promotion().fields, **promotion(aliases={"champion": 2}).fields}
    )
    assert told(gates, both, declaration) == [f"v2 → Production, @champion: {TOLD}"]


def test_the_digest_of_another_version_does_not_count(gates: Gates) -> None:
    found = promotion()
    others = {**found.versions, 1: DeclaredVersion(digest=DIGEST)}
    assert told(gates, PINNED, replace(found, versions=others)) == [f"v2 → Production: {TOLD}"]


def test_a_version_without_an_entry_is_refused_at_its_file(gates: Gates) -> None:
    found = promotion()
    alone = {number: entry for number, entry in found.versions.items() if number != 2}
    (message,) = told(gates, PINNED, replace(found, versions=alone))
    assert message == "v2 → Production: v2 declares no `digest` (m.yaml)"


def test_a_rule_that_this_change_drops_is_still_asked(gates: Gates) -> None:
    gates.before = Settings(policies=(PINNED,))
    (violation,) = gates.plan((), promotion()).violations
    assert violation.message.endswith("(the rule as it was before this change)")
    assert gates.plan((), promotion(DIGEST)).violations == ()


def test_what_is_live_already_and_drift_are_not_judged_unless_everything_is(gates: Gates) -> None:
    live = declared({1: "Production"})
    everything = replace(GATE, everything=True)
    assert gates.plan((PINNED,), live).violations == ()
    (violation,) = gates.plan((PINNED,), live, judging=everything).violations
    assert "v1 declares no `digest`" in violation.message
    assert "`reconciler import --update --digests m` writes those of" in violation.hint
    base = gates.commits.commit({"m": promotion()})
    gates.registry.set_tag("m", None, COMMIT_TAG, base)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)
    drifted = gates.plan((PINNED,), promotion())
    assert {change.cause for change in drifted.changes} == {"drift"}
    assert drifted.violations == ()


def test_consent_allows_it_by_the_run_or_for_some_days_by_the_file(gates: Gates) -> None:
    accepting = replace(GATE, accept=frozenset({Consent("pinned-bytes", "m")}))
    assert gates.plan((PINNED,), promotion(), judging=accepting).denied == ()
    dated = DatedConsent("pinned-bytes", date(2026, 11, 19), "its store is down")
    assert gates.plan((PINNED,), promotion(accept=(dated,))).denied == ()
    warning = gates.plan((replace(PINNED, enforce="warn"),), promotion())
    assert (len(warning.violations), warning.denied) == (1, ())


def test_it_costs_no_request_and_no_history(gates: Gates) -> None:
    assert gates.cost((PINNED,), promotion(DIGEST)) == gates.cost((), promotion(DIGEST))
