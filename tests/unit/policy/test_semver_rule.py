"""The rule `semver: true`: the number that a signature needs, and what is told of a lower one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from reconciler.core.declaring.implied import complete
from reconciler.core.facts import Column, Facts, Signature, Unread
from reconciler.core.policies import On, Policy, SemverRule
from reconciler.core.settings import Settings
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Declaration, DeclaredVersion
from reconciler.policy.builtin_rules import StageEntry
from tests.support.plans.checks_lab import OWNER, TO_PRODUCTION, Gates, declared

RULE = Policy("numbered", TO_PRODUCTION, SemverRule())
AMOUNT = Column("amount", "double")
COUNTRY = Column("country", "string", required=False)
GONE = "because input `amount` is gone"
NO_SIGNATURE = Facts(missing=("model m v1 has an MLmodel file without a signature",))
AWAY = Facts(
    missing=("its files cannot be read",),
    unread={"signature": Unread("its files cannot be read", "log in")},
)


def facts(*columns: Column) -> Facts:
    return Facts(signature=Signature(inputs=columns))


def promotion(numbers: Mapping[int, str], serving: int = 2, before: int = 1) -> Declaration:
    """Return a declaration in which one version displaces another one."""
    found = declared({serving: "Production", before: "Archived"})
    versions = {
        v: DeclaredVersion(semver=numbers.get(v), line=6 + v) for v in {*found.versions, *numbers}
    }
    return complete(replace(found, versions=versions), Settings())


@dataclass
class Served:
    versions: tuple[int, ...] = field(default=())

    def served_before(self, _: str, version: int) -> bool:
        return version in self.versions

    def entered(self, *_: object) -> StageEntry | None:
        return None


@pytest.fixture(name="gates")
def gates_fixture() -> Gates:
    gates = Gates()
    gates.registry.set_facts("m", 1, facts(AMOUNT))
    gates.registry.set_facts("m", 2, facts(AMOUNT))
    return gates


def told(gates: Gates, declaration: Declaration, *served: int) -> list[str]:
    gates.context = replace(gates.context, stage_history=Served(served))
    return [violation.message for violation in gates.plan((RULE,), declaration).violations]


@pytest.mark.parametrize(
    ("columns", "number", "needs"),
    [
        ((AMOUNT,), "2.0.1", None),
        ((AMOUNT,), "2.0.0", "at least a higher PATCH, 2.0.1, because the signatures are the same"),
        ((AMOUNT,), "1.9.0", "at least a higher PATCH, 2.0.1, because the signatures are the same"),
        ((AMOUNT, COUNTRY), "2.1.0", None),
        ((AMOUNT, COUNTRY), "3.0.0", None),
        (
            (AMOUNT, COUNTRY),
            "2.0.1",
            "at least a higher MINOR, 2.1.0, because input `country` is new and optional",
        ),
        ((COUNTRY,), "3.0.0", None),
        ((COUNTRY,), "2.1.0", f"a higher MAJOR, 3.0.0, {GONE}"),
        ((COUNTRY,), "1.0.0", f"a higher MAJOR, 3.0.0, {GONE}"),
    ],
)
def test_a_number_rises_as_the_signature_needs(
    gates: Gates, columns: tuple[Column, ...], number: str, needs: str | None
) -> None:
    gates.registry.set_facts("m", 2, facts(*columns))
    found = told(gates, promotion({2: number, 1: "2.0.0"}))
    start = f"v2 → Production: v2 has the semantic version {number}, and v1, which it displaces, "
    assert found == ([] if needs is None else [f"{start}2.0.0: it needs {needs}"])


def test_a_number_that_another_version_has_is_not_proposed(gates: Gates) -> None:
    gates.registry.set_facts("m", 2, facts(COUNTRY))
    (message,) = told(gates, promotion({2: "2.1.0", 1: "2.0.0", 3: "3.0.0"}))
    assert "it needs a higher MAJOR, 4.0.0," in message


def test_a_version_without_a_number_is_refused_with_its_line(gates: Gates) -> None:
    (violation,) = gates.plan((RULE,), promotion({1: "2.0.0"})).violations
    assert violation.message == "v2 → Production: v2 declares no `semver` (m.yaml:8)"
    assert violation.hint.startswith(
        "write `semver:` in its entry; `reconciler promote m 2 --semver auto` proposes the number"
    )
    gates.registry.set_facts("m", 2, AWAY)
    (violation,) = gates.plan((RULE,), promotion({1: "2.0.0"})).violations
    assert violation.hint.startswith("write `semver:`"), "no signature is needed to know that"


def test_where_the_incumbent_has_no_number_any_number_will_do(gates: Gates) -> None:
    gates.registry.set_facts("m", 2, facts(COUNTRY))
    assert told(gates, promotion({2: "1.0.0"})) == []


@pytest.mark.parametrize("version", [1, 2])
def test_without_a_signature_nothing_is_proven_and_a_major_alone_is_enough(
    gates: Gates, version: int
) -> None:
    gates.registry.set_facts("m", version, NO_SIGNATURE)
    (message,) = told(gates, promotion({2: "2.1.0", 1: "2.0.0"}))
    assert message == (
        "v2 → Production: v2 has the semantic version 2.1.0, and v1, which it displaces, 2.0.0: "
        "nothing proves that a MINOR is enough, only a higher MAJOR is in any case, 3.0.0; "
        f"v{version} has no signature; model m v1 has an MLmodel file without a signature"
    )
    assert told(gates, promotion({2: "3.0.0", 1: "2.0.0"})) == []


@pytest.mark.parametrize("version", [1, 2])
def test_what_cannot_be_read_is_never_a_pass_and_no_consent_is_offered(
    gates: Gates, version: int
) -> None:
    gates.registry.set_facts("m", version, AWAY)
    (violation,) = gates.plan((RULE,), promotion({2: "2.1.0", 1: "2.0.0"})).violations
    assert f"the signature of v{version} cannot be read" in violation.message
    assert violation.hint == "log in"


def test_a_rollback_is_free_of_it(gates: Gates) -> None:
    gates.registry.set_facts("m", 2, facts(COUNTRY))
    back = promotion({2: "1.0.0", 1: "2.0.0"})
    assert told(gates, back)
    assert told(gates, back, 2) == []
    assert told(gates, promotion({1: "2.0.0"}), 2) == [], "it served before there were numbers"


def test_an_older_version_that_rests_is_a_rollback_without_any_history(gates: Gates) -> None:
    numbers = {1: "1.0.0", 2: "2.0.0"}
    base = gates.commits.commit({"m": promotion(numbers)})
    gates.parents = (base,)
    gates.registry.set_tag("m", None, COMMIT_TAG, base)
    gates.registry.set_tag("m", None, OWNER_TAG, OWNER)
    gates.registry.set_stage("m", 2, "Production")
    gates.registry.set_stage("m", 1, "Archived")
    gates.registry.set_facts("m", 1, facts(COUNTRY))
    plan = gates.plan((RULE,), promotion(numbers, serving=1, before=2))
    assert {change.action for change in plan.changes} == {"set"}
    assert (plan.violations, plan.problems) == ((), ())


def test_a_stage_and_an_alias_of_one_incumbent_are_one_violation(gates: Gates) -> None:
    gates.registry.set_alias("m", "champion", 1)
    gates.registry.set_facts("m", 2, facts(COUNTRY))
    both = replace(RULE, on=On(("Production",), ("champion",)))
    found = promotion({2: "2.1.0", 1: "2.0.0"})
    with_alias = declared({2: "Production", 1: "Archived"}, aliases={"champion": 2})
    found = replace(found, fields={**found.fields, **with_alias.fields})
    (violation,) = gates.plan((both,), found).violations
    assert violation.message.startswith("v2 → Production, @champion: v2 has the semantic version")


def test_what_is_live_already_only_needs_a_number(gates: Gates) -> None:
    gates.registry.set_stage("m", 2, "Production")
    gates.registry.set_stage("m", 1, "Archived")
    assert told(gates, promotion({2: "2.0.0"})) == []
