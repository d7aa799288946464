"""An A/B test from its first line to its winner, on a real server."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.authoring.promotion import Promotion, promoted, refuse_broken_test, winning
from reconciler.core.declaring.ab_tests import parts
from reconciler.core.declaring.implied import as_written
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Serving, Value, stages
from reconciler.errors import Refused, UsageError
from reconciler.files.editing.edits import edits_between
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import dump_declaration, load
from tests.support.registries.lab import Hand, Lab, Result, rows
from tests.support.repositories.git_lab import GitLab

_NOWHERE = "http://127.0.0.1:9"
_FILE = "registry-state/fraud.yaml"
_TEST = """\
versions:
  5:
    stage: Staging
    traffic: 0.05
  4:
    stage: Staging
    traffic: 0.1   # since Monday
    aliases: [challenger]
  3:
    stage: Production
    traffic: 0.85
    aliases: [champion]
"""
_WON = """\
versions:
  5:
    stage: Staging
  4:
    stage: Production
    aliases: [challenger, champion]
  3:
    stage: Archived
"""
ALONE = "versions: {1: {stage: Production}, 2: {stage: Staging}}\n"
TENTH = "versions: {1: {stage: Production, traffic: 0.90}, 2: {stage: Staging, traffic: 0.1}}\n"
HALF = "versions: {1: {stage: Production, traffic: 0.5}, 2: {stage: Staging, traffic: 0.5}}\n"


@pytest.fixture(name="offline")
def offline_fixture(tmp_path: Path) -> Lab:
    """Set up a checkout with a running test, without any registry named."""
    git = GitLab.new(tmp_path)
    git.git("config", "user.name", "Ada")
    git.git("config", "user.email", "ada@example.com")
    lab = Lab(git, "", Hand(_NOWHERE))
    lab.git.commit({_FILE: _TEST}, "begin the test")
    return lab


def promote(lab: Lab, *arguments: str, code: int = 0) -> Result:
    done = lab.run("promote", *arguments)
    assert done.code == code, done.text
    return done


def text(lab: Lab) -> str:
    return (lab.git.root / _FILE).read_text()


def planned(lab: Lab) -> list[str]:
    done = lab.run("plan", "--format", "json")
    assert done.code == 0, done.text
    return rows(done.document)


def apply(lab: Lab) -> None:
    done = lab.run("apply", "--yes")
    assert done.code == 0, done.text
    assert planned(lab) == []
    assert lab.run("drift").code == 0


def ab_tags(lab: Lab, model: str) -> dict[str, Any]:
    held = lab.hand.values(model)
    return {key: value for key, value in held.items() if "ab_test" in key}


# --- in the registry


def test_a_test_is_declared_changed_and_ended(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, ALONE)
    apply(lab)
    lab.declare(model, TENTH)
    assert planned(lab) == [
        "v1 tag ab_test_role None→control declared",
        "v1 tag ab_test_traffic None→0.90 declared",
        "v2 tag ab_test_role None→treatment declared",
        "v2 tag ab_test_traffic None→0.1 declared",
    ]
    apply(lab)
    assert ab_tags(lab, model) == {
        "v1 tag ab_test_role": "control",
        "v1 tag ab_test_traffic": "0.90",
        "v2 tag ab_test_role": "treatment",
        "v2 tag ab_test_traffic": "0.1",
    }
    lab.declare(model, HALF)
    assert planned(lab) == [
        "v1 tag ab_test_traffic 0.90→0.5 declared",
        "v2 tag ab_test_traffic 0.1→0.5 declared",
    ]
    apply(lab)
    lab.declare(model, ALONE)
    assert {row.rpartition(" ")[2] for row in planned(lab)} == {"removed"}
    apply(lab)
    assert ab_tags(lab, model) == {}


def test_a_tag_of_a_test_that_somebody_changed_is_drift(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, TENTH)
    apply(lab)
    lab.hand.tag(model, 2, "ab_test_traffic", "0.9")
    assert planned(lab) == ["v2 tag ab_test_traffic 0.9→0.1 drift"]
    assert lab.run("drift").code == 2
    apply(lab)
    assert ab_tags(lab, model)["v2 tag ab_test_traffic"] == "0.1"


def test_a_tag_that_somebody_changed_is_left_when_the_test_ends(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, TENTH)
    apply(lab)
    lab.hand.tag(model, 2, "ab_test_role", "shadow")
    lab.declare(model, ALONE)
    apply(lab)
    assert ab_tags(lab, model) == {"v2 tag ab_test_role": "shadow"}


def test_the_roles_follow_what_serving_means_at_each_commit(lab: Lab) -> None:
    model = lab.model(2)
    text = TENTH.replace("2: {", "2: {aliases: [live], ")
    lab.declare(model, text)
    apply(lab)
    before = ab_tags(lab, model)
    settings = {"registry-state/reconciler.yaml": "serving: {alias: live}\n"}
    lab.git.commit(settings, "an alias serves")
    assert planned(lab) == [
        "v1 tag ab_test_role control→treatment declared",
        "v2 tag ab_test_role treatment→control declared",
    ]
    apply(lab)
    assert ab_tags(lab, model) != before
    lab.declare(model, "versions: {1: {}, 2: {aliases: [live]}}\n")
    apply(lab)
    assert ab_tags(lab, model) == {}


def test_the_winner_serves_and_the_tags_go(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, TENTH)
    apply(lab)
    promote(lab, model, "2", "--winner")
    lab.git.commit()
    apply(lab)
    held = lab.hand.values(model)
    assert held == {"v1 stage": "Archived", "v2 stage": "Production"}


def test_a_control_that_won_gets_no_pins_from_the_registry_either(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, TENTH)
    promote(lab, model, "1", "--winner")
    file = lab.git.root / f"registry-state/{model}.yaml"
    assert file.read_text() == ALONE


def test_a_clone_compares_a_test_like_with_like(lab: Lab) -> None:
    model, other = lab.model(2), lab.model(1)
    lab.declare(other, "versions: {1: {stage: Production}}\n")
    since = lab.declare(model, TENTH)
    lab.declare(other, "versions: {1: {stage: Production, tags: {a: b}}}\n")
    done = lab.run("plan", "--since", since, "--format", "json")
    assert [row["model"] for row in done.document["models"]] == [other]


# --- `promote --winner`


def test_a_winner_takes_what_serves_and_the_test_is_over(offline: Lab) -> None:
    done = promote(offline, "fraud", "4", "--winner", "--alias", "champion", "--commit")
    assert text(offline) == _WON
    lines = done.stdout.splitlines()
    assert {"v3 no traffic any more", "v4 no traffic any more", "v5 no traffic any more"} < {*lines}
    assert not [line for line in lines if "ab_test" in line]
    subject = offline.git.git("log", "-1", "--format=%s")
    assert subject == "Promote fraud v4 to Production, the winner of its test"


def test_where_an_alias_serves_the_winner_gets_it_and_the_stages_stay(offline: Lab) -> None:
    offline.git.write({"registry-state/reconciler.yaml": "serving: {alias: champion}\n"})
    done = offline.run("promote", "fraud", "5", "--winner", "--format", "json").document
    assert done["meaning"] == [
        "@champion 3 → 5",
        *(f"v{version} no traffic any more" for version in (3, 4, 5)),
    ]


def test_of_a_control_that_won_only_the_traffic_goes(offline: Lab) -> None:
    promote(offline, "fraud", "3", "--winner")
    lines = [line for line in _TEST.splitlines() if "traffic" not in line]
    assert text(offline).splitlines() == lines


def test_a_winner_must_be_named_and_be_in_the_test(offline: Lab) -> None:
    named = "the test has v5 (0.05), v4 (0.1), v3 (control, 0.85)"
    done = promote(offline, "fraud", "--winner", code=1)
    assert "which version won?" in done.stderr
    assert named in done.stderr
    done = promote(offline, "fraud", "9", "--winner", code=1)
    assert "v9 carries no `traffic`" in done.stderr
    assert named.replace("the test", "its test") in done.stderr
    promote(offline, "fraud", "4", "--winner", "--to", "Staging", code=1)
    assert "VERSION" in promote(offline, "fraud", code=1).stderr
    assert text(offline) == _TEST


def test_without_a_test_nobody_wins(offline: Lab) -> None:
    offline.git.write({_FILE: "versions: {3: {stage: Production}}\n"})
    for named in (("3",), ()):
        assert "`traffic`" in promote(offline, "fraud", *named, "--winner", code=1).stderr


def test_a_version_from_outside_cannot_take_the_controls_place_in_a_running_test(
    offline: Lab,
) -> None:
    done = promote(offline, "fraud", "9", code=4)
    assert "its control must serve" in done.stderr
    assert "--winner" in done.stderr
    assert text(offline) == _TEST
    promote(offline, "fraud", "9", "--to", "Staging")


def test_a_treatment_that_is_promoted_without_a_word_goes_on_as_the_control(offline: Lab) -> None:
    done = promote(offline, "fraud", "4")
    assert "traffic: 0.85" in text(offline)
    assert "v3 goes to Archived and still carries traffic 0.85: the test goes on" in done.stderr
    assert offline.run("validate").code == 0


def test_so_it_does_where_an_alias_serves(offline: Lab) -> None:
    by_alias = "serving: {alias: champion}\nversions:\n"
    test = "  4: {traffic: 0.1}\n  3: {aliases: [champion], traffic: 0.9}\n"
    offline.git.write({_FILE: by_alias + test})
    done = promote(offline, "fraud", "4")
    told = "v3 loses @champion, which serves, and still carries traffic 0.9: the test goes on"
    assert told in done.stderr
    offline.git.write({_FILE: by_alias + test})
    assert "carries traffic" not in promote(offline, "fraud", "4", "--winner").stderr


@pytest.mark.parametrize("block", [True, False])
def test_a_rollback_ends_a_test_that_cannot_go_on_without_its_control(
    offline: Lab, *, block: bool
) -> None:
    offline.git.commit({_FILE: "versions: {2: {stage: Production}}\n"}, "before")
    offline.git.commit({_FILE: _TEST + "  2: {stage: Archived}\n"}, "again")
    reason = ("--block", "--reason", "it leaks") if block else ()
    done = offline.run("rollback", "fraud", "--to", "2", *reason)
    assert done.code == 0, done.text
    assert "traffic" not in text(offline)
    assert "v3 no traffic any more" in done.stdout
    assert offline.run("validate").code == 0


def test_a_rollback_to_a_version_of_the_test_lets_it_go_on(offline: Lab) -> None:
    promote(offline, "fraud", "4", "--commit")
    done = offline.run("rollback", "fraud")
    assert done.code == 0, done.text
    assert text(offline).count("traffic:") == 3


def test_history_says_what_the_traffic_was(offline: Lab) -> None:
    offline.git.commit({_FILE: _TEST.replace("0.05", "0.10").replace("0.85", "0.8")}, "more")
    promote(offline, "fraud", "4", "--winner", "--commit")
    done = offline.run("history", "fraud", "--format", "json")
    meanings = [row["meaning"] for row in done.document["changes"]]
    assert "ab_test" not in str(meanings)
    said = " ".join(str(one) for one in meanings)
    assert "v4 traffic 0.1" in said
    assert "v5 traffic 0.05 → 0.10" in said
    assert "v5 no traffic any more" in said


PART = Decimal("0.125")
_PARTS = st.lists(st.integers(1, 5), min_size=2, max_size=4, unique=True)


@st.composite
def running_tests(draw: st.DrawFn) -> tuple[Declaration, Settings]:
    """Draw a model with a test in it, and the settings by which its first version serves."""
    versions = draw(_PARTS)
    rules = draw(
        st.sampled_from((Settings(), Settings(serving=ServingRules(Serving(None, "live")))))
    )
    serving = versions[0]
    control: dict[Field, Value] = {
        Field("stage", serving): "Production",
        Field("alias", None, "live"): serving,
    }
    shares = {version: DeclaredVersion(traffic=PART) for version in versions[1:]}
    shares[serving] = DeclaredVersion(traffic=1 - PART * len(versions[1:]))
    if draw(st.booleans()):
        shares[6] = DeclaredVersion()
    return Declaration("m", control, shares, file="m.yaml"), rules


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(running_tests(), st.integers(1, 6))
def test_with_a_winner_the_file_is_valid_and_nothing_carries_traffic(
    tmp_path: Path, running: tuple[Declaration, Settings], version: int
) -> None:
    written, rules = running
    serving = rules.serving.of("m", None)
    said = f"serving: {{alias: {serving.alias}}}\n" if serving.alias else "{}\n"
    (tmp_path / "reconciler.yaml").write_text(said)
    file = tmp_path / "m.yaml"
    file.write_text(dump_declaration(written))
    before = load(tmp_path, "state").declarations["m"]
    asked = Promotion(version)
    if version not in parts(before):
        with pytest.raises(UsageError):
            winning(before, asked, rules)
        return
    after = winning(before, asked, rules)
    file.write_bytes(apply_edits(file.read_bytes(), edits_between(before, after), "state/m.yaml"))
    found = load(tmp_path, "state").declarations["m"]
    assert found == after
    assert serving.versions(found.fields) == {version}
    assert parts(found) == {}
    assert "traffic" not in file.read_text()
    assert "ab_test" not in file.read_text()
    if version in serving.versions(before.fields):
        assert found.fields == as_written(before).fields
    for other, stage in stages(before.fields).items():
        now = stages(found.fields)[other]
        assert now == stage or (stage, now) == ("Production", "Archived")


@given(running_tests(), st.integers(1, 7))
def test_what_is_promoted_beside_a_test_is_refused_where_the_file_would_be_wrong(
    running: tuple[Declaration, Settings], version: int
) -> None:
    before, rules = running
    after = promoted(before, Promotion(version), rules)
    serves = rules.serving.of("m", after).versions(after.fields)
    if serves & parts(after).keys():
        refuse_broken_test(before, after, rules)
    else:
        with pytest.raises(Refused, match="its control must serve"):
            refuse_broken_test(before, after, rules)
