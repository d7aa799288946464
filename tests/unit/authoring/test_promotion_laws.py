"""Laws of promotions and rollbacks: exactly what is asked, in files as people write them."""

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.audit import evidence
from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import MergedCommit, Step, serving
from reconciler.authoring.promotion import Promotion, promoted
from reconciler.authoring.rollback import candidates, chosen, rolled_back
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Serving, aliases, stages
from reconciler.errors import Refused
from reconciler.files.editing.edits import edits_between
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import load, parse_declaration
from tests.support.files.yaml_styles import FILE, STYLES

_ALIASES = ("champion", "canary", "fresh")
_BY_ALIAS = Settings(serving=ServingRules(Serving(stage=None, alias="champion")))
_BY_GLOB = Settings(serving=ServingRules(Serving(), (("*", Serving(None, "champion")),)))
_RULES = st.sampled_from(
    (Settings(), Settings(exclusive=("Production", "Staging")), _BY_ALIAS, _BY_GLOB)
)
_DATA = st.sampled_from(STYLES).map(str.encode)
_PROMOTIONS = st.builds(
    Promotion,
    st.sampled_from((1, 2, 3, 4, 9, 10, 11)),
    st.sampled_from((None, "Staging", "Production")),
    st.lists(st.sampled_from(_ALIASES), unique=True, max_size=2).map(tuple),
    st.sampled_from(((), (("risk", "low"),), (("validated", "true"), ("a", "")))),
)


def write(data: bytes, before: Declaration, after: Declaration) -> bytes:
    return apply_edits(data, edits_between(before, after), FILE)


def comments(text: str) -> set[str]:
    """Return the comments of a file."""
    return {found[0] for line in text.splitlines() if (found := re.search(r"#.*", line))}


def kept_comments(text: str) -> set[str]:
    """Return the comments, less those on the line of an alias: they go where it goes."""
    lines = (line for line in text.splitlines() if not any(name in line for name in _ALIASES))
    return comments("\n".join(lines))


def history(*declared: Declaration) -> tuple[Entry, ...]:
    """Return what those declarations are as a merged history without any record."""
    time = datetime(2030, 1, 1, tzinfo=timezone.utc)
    steps = [
        Step(MergedCommit(f"{n:040}", (), time, "", "", "", "", ""), after.model, before, after)
        for n, (before, after) in enumerate(zip((None, *declared), declared, strict=False))
    ]
    return evidence.entries(steps, Settings(), None)


@given(_DATA, _PROMOTIONS, _RULES)
def test_a_promotion_declares_what_is_asked_and_nothing_else(
    data: bytes, asked: Promotion, rules: Settings
) -> None:
    before = parse_declaration(data, FILE)
    after = promoted(before, asked, rules)
    found = parse_declaration(write(data, before, after), FILE)
    assert found == after
    serving = rules.serving.of(before.model, before)
    stage = asked.stage or serving.stage
    named = {*asked.aliases, *([] if asked.stage else [serving.alias])} - {None}
    assert stages(found.fields).get(asked.version) == (
        stage or stages(before.fields).get(asked.version)
    )
    assert {alias for alias, v in aliases(found.fields).items() if v == asked.version} >= named
    for address in {*before.fields, *found.fields}:
        was, now = before.fields.get(address), found.fields.get(address)
        if was == now or address.version == asked.version:
            continue
        if address.name == "stage":
            assert (was, now) == (stage, "Archived")
            assert stage in rules.exclusive
        else:
            assert (address.name, now) == ("alias", asked.version)
            assert address.key in named


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(_DATA, _PROMOTIONS)
def test_the_result_is_valid_and_the_comments_survive(
    tmp_path: Path, data: bytes, asked: Promotion
) -> None:
    before = parse_declaration(data, FILE)
    after = promoted(before, asked, Settings())
    new = write(data, before, after)
    (tmp_path / "fraud.yaml").write_bytes(new)
    assert load(tmp_path, "registry-state").declarations["fraud"] == after
    assert kept_comments(data.decode()) <= comments(new.decode())


@given(_DATA, _PROMOTIONS, _RULES)
def test_a_promotion_twice_is_that_promotion(
    data: bytes, asked: Promotion, rules: Settings
) -> None:
    once = promoted(parse_declaration(data, FILE), asked, rules)
    assert promoted(once, asked, rules) == once


@given(_DATA, _PROMOTIONS, st.sampled_from((Settings(), _BY_ALIAS)), st.none() | st.just("leaks"))
def test_promote_then_rollback_restores_what_the_file_means(
    data: bytes, asked: Promotion, rules: Settings, blocked: str | None
) -> None:
    asked = Promotion(asked.version, None, asked.aliases, asked.tags)
    before = parse_declaration(data, FILE)
    good = serving(before, rules)
    assume(good is not None and good != asked.version)
    after = promoted(before, asked, rules)
    text = write(data, before, after)
    walked = evidence.entries([entry.step for entry in history(before, after)], rules, None)
    target = chosen(candidates(walked, after, rules), None)
    assert target is not None
    assert target.version == good
    restored = rolled_back(after, target, rules, blocked=blocked)
    found = parse_declaration(write(text, after, restored), FILE)
    assert found == restored
    assert serving(found, rules) == good
    for address in {*before.fields, *found.fields}:
        was, now = before.fields.get(address), found.fields.get(address)
        if address.version == asked.version:
            continue  # what was promoted keeps its tags, and goes to Archived
        if address == Field("alias", None, "champion") and was in (None, asked.version):
            assert now in (was, good), "a guarded alias goes along instead of going away"
        elif address.name == "alias" and was == asked.version and blocked:
            assert now is None
        else:
            assert was == now
    if blocked or rules.serving.of(before.model, before).stage:
        assert stages(found.fields).get(asked.version, "Archived") in ("None", "Archived")


@given(_DATA, _PROMOTIONS, _RULES)
def test_a_blocked_version_is_never_promoted(
    data: bytes, asked: Promotion, rules: Settings
) -> None:
    before = parse_declaration(data, FILE)
    entry = {asked.version: DeclaredVersion(blocked="leaks")}
    blocked = Declaration("fraud", before.fields, {**before.versions, **entry}, file=FILE)
    with pytest.raises(Refused, match="leaks"):
        promoted(blocked, asked, rules)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_rolling_back_again_and_again_ends_and_never_returns(served: list[int]) -> None:
    def declare(version: int) -> Declaration:
        fields = {Field("stage", version): "Production"}
        return Declaration("fraud", fields, dict.fromkeys(range(1, 6), DeclaredVersion()))

    past = [declare(version) for version in served]
    seen = [served[-1]]
    while (target := chosen(candidates(history(*past), past[-1], Settings()), None)) is not None:
        assert target.version not in seen
        assert target.version in served
        seen.append(target.version)
        past.append(rolled_back(past[-1], target, Settings()))


@pytest.mark.parametrize(("taken", "number"), [(None, "1.0.0"), ("1.0.0", None)])
def test_a_version_whose_entry_went_comes_back_with_its_number_unless_that_is_taken(
    taken: str | None, number: str | None
) -> None:
    then = Declaration(
        "fraud", {Field("stage", 1): "Production"}, {1: DeclaredVersion(semver="1.0.0")}
    )
    now = Declaration(
        "fraud",
        {Field("stage", 2): "Production"},
        {2: DeclaredVersion(semver="2.0.0"), 3: DeclaredVersion(semver=taken)},
    )
    walked = evidence.entries([entry.step for entry in history(then, now)], Settings(), None)
    target = chosen(candidates(walked, now, Settings()), None)
    assert target is not None
    assert rolled_back(now, target, Settings()).versions[1].semver == number
