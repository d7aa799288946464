"""Policies end to end: real runs on a real server, judged through the command line."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import pytest

from reconciler.core.facts import Column, Signature
from reconciler.core.plan import RegistryRef, StateRef
from reconciler.files import loader
from reconciler.planning.checks import Judging
from reconciler.planning.planner import Checkout, PlanRequest, reconcile
from reconciler.policy.cel.adapter import CelConditions
from reconciler.policy.evaluation import PolicyContext
from reconciler.registries.connect import connect
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import MlflowSeeds, proxy

SETTINGS = "registry-state/reconciler.yaml"
FIRST = "versions:\n  1: {stage: Production}\n"
NOT_WORSE = "{name: not-worse, require: metrics.auc >= incumbent.metrics.auc - 0.002}"
LOOSE = NOT_WORSE.replace("0.002", "0.2")
VALIDATED = "{name: validated, require: 'version.tags.validated == \"true\"'}"
ORDER = "{name: order, transitions: [None, Staging, Production, Archived]}"
CLOSED = "{name: closed, freeze: 2001-01-01 - 2999-12-30 Europe/Berlin}"
OVER = "{name: over, freeze: 2001-12-20 - 2002-01-03 Europe/Berlin}"
AMOUNT = (Column("amount", "double"),)


def policies(*entries: str) -> str:
    return "policies:\n" + "".join(f"  - {entry}\n" for entry in entries)


def condition_of(text: str) -> str:
    """Return the entry of a policy `p` that requires a condition."""
    return "{name: p, require: '" + text.replace("'", "''") + "'}"


def to(version: int) -> str:
    """Return a file that puts a version into Production and v1 out of it."""
    return f"versions:\n  {version}: {{stage: Production}}\n  1: {{stage: Archived}}\n"


def said(result: Result, key: str = "violations") -> dict[str, str]:
    """Return what each rule that is broken says."""
    return {row["name"]: row["message"] for row in result.document[key]}


@pytest.fixture(name="seeds", scope="module")
def seeds_fixture(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> MlflowSeeds:
    return MlflowSeeds(mlflow_uri, artifacts=tmp_path_factory.mktemp("artifacts"))


@dataclass
class Desk:
    """A checkout whose models came from real runs, and that has policies."""

    lab: Lab
    seeds: MlflowSeeds

    def model(self, *aucs: float) -> str:
        """Register a model whose versions measured so much; v1 is in Production."""
        model = self.lab.model(0)
        for auc in aucs:
            self.seeds.log_version(model, metrics={"auc": auc})
        if aucs:
            self.lab.hand.stage(model, 1, "Production")
        return model

    def declare(self, model: str, content: str, *entries: str) -> str:
        """Commit a model's file, and the policies where there are any."""
        files: dict[str, str | bytes | None] = {f"registry-state/{model}.yaml": content}
        if entries:
            files[SETTINGS] = policies(*entries)
        return self.lab.git.commit(files)

    def applied(self, model: str, content: str, *entries: str) -> None:
        """Commit it, and apply that without a complaint."""
        self.declare(model, content, *entries)
        done = self.lab.run("apply", "--yes")
        assert done.code == 0, done.text

    def plan(self, *arguments: str) -> Result:
        return self.lab.run("plan", "--format", "json", *arguments)


@pytest.fixture(name="desk")
def desk_fixture(lab: Lab, seeds: MlflowSeeds) -> Desk:
    return Desk(lab, seeds)


def test_what_breaks_a_policy_is_refused_all_of_it_and_nothing_is_written(desk: Desk) -> None:
    model, other = desk.model(0.90, 0.85), desk.model(0.90, 0.93)
    desk.declare(model, to(2), NOT_WORSE, VALIDATED)
    desk.declare(other, to(2))
    before = [desk.lab.hand.holds(name) for name in (model, other)]

    shown = desk.plan("--detailed-exitcode")
    refused = desk.lab.run("apply", "--yes", "--format", "json")

    assert (shown.code, refused.code) == (4, 4)
    for result in (shown, refused):
        names = [(row["name"], row["model"]) for row in result.document["violations"]]
        assert names == [("not-worse", model), *(("validated", m) for m in sorted((model, other)))]
    assert "metrics.auc is 0.85, incumbent.metrics.auc is 0.9" in said(shown)["not-worse"]
    assert [desk.lab.hand.holds(name) for name in (model, other)] == before


@pytest.fixture(name="odd", scope="module")
def odd_fixture(seeds: MlflowSeeds) -> str:
    """Make a model with a version for everything that may be odd; none is written to."""
    model = "policies-odd"
    tags = {"validated": "", "spaces": " ", "evil": "</code><script>@team \x1b[31m| ::error::"}
    seeds.log_version(model, metrics={"auc": 0.9, "val_auc": 0.8}, tags=tags)
    seeds.log_version(model, metrics={"auc": math.nan, "up": math.inf}, params={"lr": "nan"})
    seeds.log_version(model, metrics={"auc": 0.9})
    seeds.delete_run_of(model, 3)
    seeds.create_version(model)
    return model


@pytest.mark.parametrize(
    ("version", "condition", "because"),
    [
        (1, "metrics.test_auc > 0.5", "logged auc, val_auc"),
        (1, "!(metrics.test_auc < 0.5)", "metric `test_auc` does not exist: run "),
        (1, "metrics.auc >= incumbent.metrics.auc", "there is no incumbent"),
        (1, 'version.tags.validated == "true"', 'version.tags.validated is ""'),
        (1, 'version.tags.spaces != "" && version.tags.spaces.matches("[a-z]")', 'spaces is " "'),
        (1, "version.tags.approved == 'true'", "v1 has the tags evil, spaces, validated"),
        (1, "version.number / 0 == 1", "it divides by zero"),
        (1, "metrics.auc > version.tags.validated", "the types do not match"),
        (2, "!(metrics.auc < 0.5)", "metric `auc` is NaN"),
        (2, "metrics.auc > 0.5 || metrics.up > 0.5", "metric `auc` is NaN"),
        (2, "double(params.lr) != 1.0", "NaN"),
        (3, "metrics.auc > 0.5", "metric `auc` does not exist: "),
        (4, "metrics.auc > 0.5", "v4 has no metrics"),
        (4, "run.status == 'FINISHED'", "v4 has no run"),
        (4, "size(version.signature.inputs) > 0", "v4 has no signature"),
    ],
)
def test_what_is_missing_or_odd_is_refused_with_what_is_there(
    desk: Desk, odd: str, version: int, condition: str, because: str
) -> None:
    content = f"versions:\n  {version}: {{stage: Production}}\n"
    desk.declare(odd, content, condition_of(condition))
    shown = desk.plan()
    assert shown.code == 4
    assert because in said(shown)["p"]


def test_the_first_version_passes_where_the_policy_says_so(desk: Desk, odd: str) -> None:
    desk.declare(odd, FIRST, NOT_WORSE.replace("require: ", "require: incumbent == null || "))
    assert desk.plan().code == 0


def test_a_deleted_run_says_that_it_is_deleted_to_a_built_in_rule(desk: Desk, odd: str) -> None:
    desk.declare(odd, to(3), "{name: lineage, lineage: [run.tags.git_commit]}")
    assert "is deleted" in said(desk.plan())["lineage"]


def test_what_meets_its_policies_is_promoted_and_a_warning_stops_nothing(desk: Desk) -> None:
    model = desk.model(0.90, 0.85)
    desk.lab.hand.tag(model, 2, "validated", "true")
    desk.declare(model, to(2), NOT_WORSE.replace("}", ", enforce: warn}"), VALIDATED)
    assert "warning: not-worse" in desk.lab.run("plan").stdout
    assert desk.lab.run("apply", "--yes").code == 0
    assert desk.lab.hand.values(model)["v2 stage"] == "Production"


def test_a_tag_that_the_change_itself_declares_proves_nothing(desk: Desk) -> None:
    model = desk.model(0.90, 0.93)
    own = 'versions:\n  2: {stage: Production, tags: {validated: "true"}}\n'
    desk.declare(model, own, VALIDATED)
    assert "only live tags count, not those that this change sets" in said(desk.plan())["validated"]
    desk.lab.hand.tag(model, 2, "validated", "true")
    assert desk.plan().code == 0


def test_a_tag_that_git_must_not_declare_is_seen_by_a_policy_all_the_same(desk: Desk) -> None:
    model = desk.model(0.90, 0.93)
    desk.lab.hand.tag(model, 2, "validated", "true")
    desk.declare(model, to(2))
    desk.lab.git.commit({SETTINGS: policies(VALIDATED) + "ignore: {tags: [validated]}\n"})
    assert desk.plan().code == 0
    desk.declare(model, "versions:\n  2: {tags: {validated: x}}\n")
    assert desk.lab.run("validate").code == 3


def test_an_alias_and_a_signature_are_judged_against_who_has_the_alias(desk: Desk) -> None:
    model = desk.model()
    for inputs in (AMOUNT, (*AMOUNT, Column("country", "string")), AMOUNT):
        desk.seeds.log_version(model, signature=Signature(inputs))
    desk.lab.hand.alias(model, "champion", 1)
    rule = "{name: compatible, on: {alias: champion}, signature: compatible}"
    desk.declare(model, "versions:\n  2: {aliases: [champion]}\n", rule)
    assert "input `country` is new and required" in said(desk.plan())["compatible"]
    desk.declare(model, "versions:\n  3: {aliases: [champion]}\n")
    assert desk.plan().code == 0


@pytest.mark.parametrize("entry", [LOOSE, OVER, LOOSE.replace("not-worse", "easy")])
def test_a_rule_that_the_change_loosens_drops_or_names_anew_still_judges_it(
    desk: Desk, entry: str
) -> None:
    model = desk.model(0.90, 0.85)
    desk.applied(model, FIRST, NOT_WORSE)
    desk.lab.git.branch("pull-request")
    desk.declare(model, to(2), entry)
    before = desk.lab.hand.holds(model)

    shown = desk.plan("--rules-from", "main")
    desk.lab.git.checkout("main")
    desk.lab.git.merge("pull-request")
    refused = desk.lab.run("apply", "--yes", "--format", "json")

    assert (shown.code, refused.code) == (4, 4)
    for result in (shown, refused):
        assert "(the rule as it was before this change)" in said(result)["not-worse"]
    assert desk.lab.hand.holds(model) == before


def test_a_rule_that_was_loosened_by_an_earlier_merge_counts_as_it_is_now(desk: Desk) -> None:
    model = desk.model(0.90, 0.85)
    desk.applied(model, FIRST, NOT_WORSE)
    desk.declare(model, FIRST, LOOSE)
    desk.declare(model, to(2))
    assert desk.plan("--rules-from", "HEAD~1").code == 0
    assert desk.lab.run("apply", "--yes").code == 0


def test_going_back_is_free_of_order_soak_and_freeze_and_of_nothing_about_the_model(
    desk: Desk,
) -> None:
    model = desk.model(0.90, 0.93, 0.94)
    desk.applied(model, FIRST, OVER)
    desk.applied(model, to(2))
    settings = (ORDER, CLOSED, "{name: soak, soak: 24h}", "{name: typed, signature: required}")
    desk.declare(model, FIRST, *settings, "{name: pinned-bytes, digest: required}")
    broken = said(desk.plan())
    assert list(broken) == ["pinned-bytes", "typed"]
    where = f"(registry-state/{model}.yaml:2)"
    assert broken["pinned-bytes"] == f"v1 → Production: v1 declares no `digest` {where}"
    desk.declare(model, to(3))
    broken = said(desk.plan())
    assert list(broken) == ["closed", "order", "pinned-bytes", "soak", "typed"]
    assert "until Tue 2999-12-31 00:00 CET" in broken["closed"]


_AUTUMN, _SPRING = "Mon 2026-10-26 08:00 CET (07:00 UTC)", "Mon 2027-03-29 08:00 CEST (06:00 UTC)"


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-10-23T13:59", None),  # Friday 15:59, two hours ahead of UTC
        ("2026-10-23T14:00", _AUTUMN),
        ("2026-10-26T06:59", _AUTUMN),  # Monday 07:59, one hour ahead: clocks were set back
        ("2026-10-26T07:00", None),
        ("2027-03-26T19:30", _SPRING),
        ("2027-03-29T05:59", _SPRING),  # Monday 07:59, two hours ahead
        ("2027-03-29T06:00", None),
    ],
)
def test_frozen_from_friday_evening_in_berlin_also_when_the_clocks_change(
    desk: Desk, odd: str, now: str, opening: str | None
) -> None:
    rule = "{name: weekend, freeze: Fri 16:00 - Mon 08:00 Europe/Berlin}"
    desk.declare(odd, FIRST, rule)
    desired = loader.load(desk.lab.git.root / "registry-state", "registry-state")
    moment = datetime.fromisoformat(now).replace(tzinfo=timezone.utc)
    gate = Judging(PolicyContext(CelConditions(), moment))
    checkout = Checkout(desired, StateRef("registry-state"), "registry-state")
    registry = connect(desk.lab.uri, {}, timeout=60)
    plan = reconcile(checkout, registry, RegistryRef(desk.lab.uri), PlanRequest(), gate).plan
    messages = [violation.message.partition(" until ")[2] for violation in plan.denied]
    assert messages == ([] if opening is None else [opening])


def test_consent_names_the_rule_and_the_model(desk: Desk) -> None:
    model, other = desk.model(0.90, 0.85), desk.model(0.90, 0.85)
    desk.declare(model, to(2), NOT_WORSE)
    desk.declare(other, FIRST)
    names = ("not-worse", f"not-wrose={model}", f"not-worse={other}", f"not-worse={model}")
    codes = [desk.lab.run("apply", "--yes", "--accept", name).code for name in names]
    assert codes == [1, 1, 4, 0]
    assert desk.lab.hand.values(model)["v2 stage"] == "Production"


def test_consent_in_the_file_has_a_date_and_is_shown(desk: Desk) -> None:
    model = desk.model(0.90, 0.85)
    today = datetime.now(timezone.utc).date()

    def consenting(until: date) -> Result:
        entry = f"accept: [{{guard: not-worse, until: {until}, reason: a known dip}}]\n"
        desk.declare(model, entry + to(2), NOT_WORSE)
        return desk.plan()

    assert consenting(today - timedelta(days=1)).code == 4
    assert consenting(today + timedelta(days=40)).code == 3
    accepted = consenting(today + timedelta(days=2))
    assert accepted.code == 0
    assert [row["accepted"] for row in accepted.document["violations"]] == [True]
    assert desk.lab.run("apply", "--yes").code == 0


def test_a_saved_plan_knows_its_registry_where_a_rule_asks_the_past(desk: Desk) -> None:
    model = desk.model(0.90, 0.93)
    desk.declare(model, to(2), OVER)
    assert desk.plan("--out", "plan.json").code == 0
    done = desk.lab.run("apply", "plan.json", env={"MLFLOW_TRACKING_URI": ""})
    assert done.code == 0, done.text
    assert desk.lab.hand.values(model)["v2 stage"] == "Production"


def test_a_saved_plan_keeps_the_consent_that_the_file_gives(desk: Desk) -> None:
    model = desk.model(0.90, 0.85)
    until = datetime.now(timezone.utc).date() + timedelta(days=2)
    entry = f"accept: [{{guard: not-worse, until: {until}, reason: a known dip}}]\n"
    desk.declare(model, entry + to(2), NOT_WORSE)
    assert desk.plan("--out", "plan.json").code == 0
    done = desk.lab.run("apply", "plan.json")
    assert done.code == 0, done.text


def test_models_that_do_not_change_cost_no_request(desk: Desk) -> None:
    moved = desk.model(0.90, 0.93)
    desk.declare(desk.model(0.90, 0.93), FIRST)
    desk.applied(moved, FIRST, OVER)

    def asked() -> list[str]:
        with proxy(desk.lab.uri) as between:
            assert desk.lab.run("plan", env={"MLFLOW_TRACKING_URI": between.uri}).code == 0
            return sorted(request.path for request in between.requests)  # some are sent at once

    quiet = asked()
    desk.lab.git.commit({SETTINGS: policies(NOT_WORSE)})
    assert asked() == quiet
    desk.declare(moved, to(2))
    assert sum("runs/get" in path for path in asked()) == 2  # v2, and v1 that it displaces


@pytest.mark.parametrize(
    "condition",
    [
        "metrics.all(a, metrics.all(b, metrics.all(c, a + b + c != '')))",
        "(" * 50 + "true" + ")" * 50,
        " || ".join(["model == 'x'"] * 200),
        "[1,2,3,4,5,6,7,8,9].all(x, model.matches('(a{1,99}){1,99}'))",
    ],
)
def test_a_condition_that_is_too_large_is_an_error_of_the_file(desk: Desk, condition: str) -> None:
    desk.declare(desk.model(0.9), FIRST, condition_of(condition))
    refused = desk.lab.run("validate")
    assert refused.code == 3
    assert f"{SETTINGS}:2:" in refused.text


def test_a_condition_that_meets_too_much_is_cut_off(desk: Desk) -> None:
    model = desk.lab.model(0)
    desk.seeds.log_version(model, metrics={f"m{i}": 1.0 for i in range(900)})
    every = "metrics.all(a, metrics.all(b, metrics[a] == metrics[b]))"
    desk.declare(model, FIRST, condition_of(every))
    shown = desk.plan()
    assert shown.code == 4
    assert "too large to evaluate" in said(shown)["p"]


def test_what_is_live_already_is_judged_when_it_is_asked_for(desk: Desk) -> None:
    model = desk.model(0.90)
    desk.applied(model, FIRST, OVER)
    desk.lab.git.commit({SETTINGS: policies("{name: high, require: metrics.auc > 0.95}", ORDER)})
    assert desk.plan().code == 0
    shown = desk.plan("--all-policies")
    assert shown.code == 4
    assert list(said(shown)) == ["high"]


def test_a_violation_reads_the_same_in_every_form_and_is_nowhere_markup(
    desk: Desk, odd: str
) -> None:
    rule = "{name: p, require: version.tags.evil == '', message: 'ask <b>@risk</b>'}"
    desk.declare(odd, FIRST, rule)
    forms = {form: desk.lab.run("plan", "--format", form) for form in ("text", "json", "markdown")}
    assert {result.code for result in forms.values()} == {4}
    (row,) = forms["json"].document["violations"]
    assert (row["name"], row["model"], row["enforce"], row["accepted"]) == ("p", odd, "deny", False)
    assert row["message"].startswith("v1 → Production: `version.tags.evil == ''` does not hold: ")
    assert row["hint"] == f"ask <b>@risk</b>; `apply --accept p={odd}` allows it once"
    assert f"refused: p: {odd}: v1 → Production: " in forms["text"].stdout
    assert f"refused **p** <code>{odd}</code>: v1 → Production" in forms["markdown"].stdout
    for markup in ("</code><script>", "@risk", "@team", "<b>"):
        assert markup not in forms["markdown"].stdout
    assert "\x1b[31m" not in forms["text"].stdout + forms["markdown"].stdout


def test_a_plan_has_the_evidence_of_the_versions_that_change_hands(desk: Desk) -> None:
    moved, rested = desk.model(0.90, 0.93), desk.model(0.90)
    desk.declare(rested, FIRST)
    desk.declare(moved, to(2), NOT_WORSE)
    shown = {model["model"]: model.get("evidence") for model in desk.plan().document["models"]}
    assert not shown[rested]
    (beside,) = shown[moved]
    sides = [beside[side]["version"] for side in ("candidate", "incumbent")]
    assert (beside["places"], sides) == (["Production"], [2, 1])
    assert beside["metrics"][0]["difference"] == 0.03
    text = " ".join(desk.lab.run("plan").stdout.split())
    assert "metric auc 0.9 0.93 +0.03" in text
    row = "| metric <code>auc</code> | 0.9 | 0.93 | **+0.03** |"
    assert row in desk.lab.run("plan", "--format", "markdown").stdout


@pytest.mark.parametrize(
    "asked", ["approvals: 2", "require: 'commit.approvals.exists(a, a.login == \"alice\")'"]
)
def test_a_plan_that_waits_for_an_approval_is_not_applied_without_it(
    desk: Desk, asked: str
) -> None:
    model = desk.model(0.90, 0.93)
    desk.declare(model, to(2), f"{{name: two-people, {asked}}}")
    before = desk.lab.hand.holds(model)
    shown = desk.plan("--out", "plan.json")
    assert (shown.code, said(shown)) == (0, {})
    assert list(said(shown, "pending_approvals")) == ["two-people"]
    for saved in (["plan.json"], ["--yes"]):
        refused = desk.lab.run("apply", *saved)
        assert (refused.code, "refused: two-people" in refused.stdout) == (4, True)
    assert desk.lab.hand.holds(model) == before
