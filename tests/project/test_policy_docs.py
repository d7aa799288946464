"""docs/policies.md is true: its limits are the code's, its rules are valid, its examples run."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml

from reconciler.core.declaring.semantic_versions import DeclaredSemvers
from reconciler.core.facts import NO_FACTS, Column, Facts, Run, Signature
from reconciler.core.policies import Expression
from reconciler.core.state import Declaration, DeclaredVersion
from reconciler.core.transitions import Transition
from reconciler.files.loader import parse_declaration, parse_settings
from reconciler.files.schema.policy_schema import REQUIREMENTS
from reconciler.policy.builtin_rules import RuleInput, StageEntry, unmet
from reconciler.policy.cel.schema import VARIABLES
from tests import ROOT
from tests.support.registries.lab import Lab
from tests.support.registries.servers import MlflowSeeds

PAGE = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)  # a Saturday


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


EXAMPLES = {
    yaml.safe_load(block)["policies"][0]["name"]: block
    for block in blocks(section("Ten examples"), "yaml")
}


# ------------------------------------------------------------------- names


def test_what_has_no_row_of_its_own_is_as_the_page_says() -> None:
    known = {name.path: (name.type, name.meaning) for name in VARIABLES}
    for path, what in known.items():
        if path.startswith("incumbent."):
            inside = path.removeprefix("incumbent.")
            assert what in (known.get(f"version.{inside}"), known.get(inside))
        if path.startswith("version.signature.") and "[]" in path:
            assert what == known[re.sub(r"(outputs|params)(?=\[)", "inputs", path)]
    candidates = {path.removeprefix("version.") for path in known if path.startswith("version.")}
    assert {f"incumbent.{one}" for one in candidates if "declared" not in one} <= set(known)


def test_the_limits_of_the_page_are_the_codes() -> None:
    from reconciler.policy.cel import cost, static_checks  # noqa: PLC0415  read beside the page

    for number in (static_checks.MAX_LENGTH, static_checks.MAX_DEPTH, cost.MAX_WORK):
        assert f"{number:,} " in section("Conditions")
    assert (static_checks.MAX_LOOPS, static_checks.MAX_LOOP_DEPTH) == (5, 2)
    assert "at most five of" in section("Conditions")


# ------------------------------------------------------------------- rules


def _of_policies(block: str) -> bool:
    return block.startswith("policies:")


@pytest.mark.parametrize(
    "block", [*blocks(PAGE, "yaml"), *filter(_of_policies, blocks(README, "yaml"))]
)
def test_every_block_of_the_pages_is_a_valid_file(block: str) -> None:
    if block.startswith("model:"):
        assert parse_declaration(block.encode(), "fraud-detection.yaml").accept
        return
    text = block if _of_policies(block) else f"policies:\n{block}"
    assert parse_settings(text.encode(), "reconciler.yaml").policies


def test_every_built_in_rule_is_on_the_page() -> None:
    shown = {
        key
        for block in blocks(section("Built-in rules"), "yaml")
        for entry in yaml.safe_load(block)
        for key in entry
    }
    assert shown == {"name", *REQUIREMENTS} - {"require"}


DECLARED = Declaration(
    "m", {}, {4: DeclaredVersion(line=7)}, file="registry-state/fraud-detection.yaml"
)
CASE = RuleInput(
    transition=Transition("m", 4, stage="Production", before="Staging", incumbent=3),
    facts=NO_FACTS,
    incumbent_facts=None,
    tags={"data_version": " "},
    rollback=False,
    entered=StageEntry(NOW - timedelta(hours=6, minutes=30), "apply record", "8c1f0a2b" * 5),
    now=NOW,
    approvers=frozenset({"ana", "bo"}),
    authors=frozenset({"bo"}),
    declaration=DECLARED,
)
AMOUNT, COUNTRY = Column("amount", "double"), Column("country", "string")
BROKEN = {
    "order": replace(CASE, transition=Transition("m", 4, stage="Production", before="None")),
    "soak": CASE,
    "weekend": CASE,
    "year-end": replace(CASE, now=NOW + timedelta(days=35)),
    "lineage": replace(CASE, facts=Facts(run=Run("r", tags={"team": "payments"}))),
    "typed": CASE,
    "compatible": replace(
        CASE,
        facts=Facts(signature=Signature((AMOUNT, COUNTRY))),
        incumbent_facts=Facts(signature=Signature((AMOUNT,))),
    ),
    "pinned-bytes": CASE,
    "numbered": replace(
        CASE,
        facts=Facts(signature=Signature((COUNTRY,))),
        incumbent_facts=Facts(signature=Signature((COUNTRY, AMOUNT))),
        declaration=replace(DECLARED, versions={4: DeclaredVersion(semver="2.1.0")}),
        semvers=DeclaredSemvers({4: "2.1.0", 3: "2.0.0"}),
    ),
    "inventoried": CASE,
    "two-people": CASE,
    "four-eyes": replace(CASE, approvers=None),
}


def test_a_built_in_rule_refuses_in_the_words_of_the_page() -> None:
    ready = section("Built-in rules")
    settings = parse_settings(
        f"policies:\n{''.join(blocks(ready, 'yaml'))}".encode(), "r.yaml"
    ).policies
    said = "".join(blocks(ready, "text")).splitlines()
    assert [rule.name for rule in settings] == list(BROKEN)
    for rule, sentence in zip(settings, said, strict=True):
        assert not isinstance(rule.requires, Expression)
        assert unmet(rule.requires, BROKEN[rule.name]) == sentence


# ---------------------------------------------------------------- examples


@dataclass(frozen=True)
class Pair:
    """A version that passes and one that does not, as they are logged; what the refusal says."""

    good: dict[str, Any]
    bad: dict[str, Any]
    because: str
    challenger: bool = False


def _auc(good: float, bad: float, because: str) -> Pair:
    return Pair({"metrics": {"test_auc": good}}, {"metrics": {"test_auc": bad}}, because)


PAIRS = {
    "validated": Pair(
        {"tags": {"validated": "true"}},
        {"tags": {"validated": ""}},
        'version.tags.validated is ""',
    ),
    "not-worse": _auc(0.899, 0.897, "metrics.test_auc is 0.897, incumbent.metrics.test_auc is 0.9"),
    "plausible": _auc(0.9, float("inf"), "metrics.test_auc is inf"),
    "too-good": _auc(0.94, 0.99, "metrics.test_auc is 0.99"),
    "slices": Pair(
        {"metrics": {"slice/eu": 0.8, "slice/us": 0.7, "loss": 0.1}},
        {"metrics": {"slice/eu": 0.8, "slice/us": 0.6, "loss": 0.1}},
        "metrics is a map with loss, slice/eu, slice/us",
    ),
    "enough-rows": Pair(
        {"params": {"rows": "250000"}}, {"params": {"rows": "9000"}}, 'params.rows is "9000"'
    ),
    "from-the-pipeline": Pair({"user": "trainer"}, {"user": "ann"}, 'run.user is "ann"'),
    "risk-ticket": Pair(
        {"tags": {"risk_ticket": "RISK-42"}},
        {"tags": {"risk_ticket": "yes"}},
        'version.tags.risk_ticket is "yes"',
    ),
    "challenged": Pair({}, {}, "version.aliases is []", challenger=True),
    "no-gender": Pair(
        {"signature": Signature((AMOUNT,))},
        {"signature": Signature((AMOUNT, Column("gender", "string")))},
        "does not hold",
    ),
}


@pytest.fixture(name="seeds", scope="module")
def seeds_fixture(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> MlflowSeeds:
    return MlflowSeeds(mlflow_uri, artifacts=tmp_path_factory.mktemp("artifacts"))


def test_there_are_ten_examples_and_each_is_run() -> None:
    assert len(EXAMPLES) == 10
    assert list(EXAMPLES) == list(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
def test_an_example_lets_the_good_version_pass_and_refuses_the_bad_one(
    lab: Lab, seeds: MlflowSeeds, name: str
) -> None:
    pair, model = PAIRS[name], f"fraud-{name}"
    for logged in ({"metrics": {"test_auc": 0.9}}, pair.good, pair.bad):
        seeds.log_version(model, **logged)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    if pair.challenger:
        lab.hand.alias(model, "challenger", 2)
    lab.git.commit({"registry-state/reconciler.yaml": EXAMPLES[name]})

    def promoted(version: int) -> dict[str, Any]:
        serving = f"versions: {{{version}: {{stage: Production, aliases: [champion]}}}}\n"
        lab.declare(model, serving)
        return lab.run("plan", "--format", "json").document

    good, bad = promoted(2), promoted(3)
    assert (good["violations"], good["exit"]["code"]) == ([], 0)
    assert [row["name"] for row in bad["violations"]] == [name]
    assert pair.because in bad["violations"][0]["message"]
    assert bad["exit"]["code"] == 4
