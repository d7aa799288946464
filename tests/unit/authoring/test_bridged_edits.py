"""Laws of edits under a bridge: a stage and its alias are one, in whichever words a file has."""

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.audit import evidence
from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import MergedCommit, Step, serving
from reconciler.authoring.discovery import Found, proposed, search
from reconciler.authoring.promotion import (
    Promotion,
    is_control,
    promoted,
    remarks,
    winning,
)
from reconciler.authoring.promotion_values import check_pairs
from reconciler.authoring.rollback import candidates, chosen, rolled_back
from reconciler.authoring.tidying import Leftover
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.settings import Settings
from reconciler.core.state import (
    Declaration,
    DeclaredVersion,
    Field,
    Fields,
    Value,
    aliases,
    stages,
)
from reconciler.errors import UsageError
from reconciler.files.editing.edits import edits_between
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import load
from tests.support.files.bridged_files import (
    FREE_ALIASES,
    PAIRS,
    BridgedFile,
    bridged_files,
    form,
    holder,
    read,
)
from tests.support.plans.strategies import live_model

ASKED = st.builds(
    Promotion,
    st.sampled_from((1, 2, 3, 4, 5, 9)),
    st.sampled_from((None, "Staging", "Production")),
    st.lists(
        st.sampled_from((*FREE_ALIASES, "champion", "challenger")), unique=True, max_size=2
    ).map(tuple),
)
BOTH = "{Production: champion, Staging: challenger}"


def history(rules: Settings, *declared: Declaration) -> tuple[Entry, ...]:
    time = datetime(2030, 1, 1, tzinfo=timezone.utc)
    steps = [
        Step(MergedCommit(f"{n:040}", (), time, "", "", "", "", ""), after.model, before, after)
        for n, (before, after) in enumerate(zip((None, *declared), declared, strict=False))
    ]
    return evidence.entries(steps, rules, None)


def asks_for_one_stage(file: BridgedFile, asked: Promotion) -> bool:
    try:
        check_pairs(file.declaration, asked, file.settings)
    except UsageError:
        return False
    return True


def test_a_version_that_had_a_stage_written_keeps_one() -> None:
    rules = Settings(bridge=Bridge((("Production", "champion"),)))
    text = b"versions: {4: {aliases: [champion]}, 3: {stage: Archived}}\n"
    after = promoted(complete(read(text, rules), rules), Promotion(3, "Production"), rules)
    written = {str(address): value for address, value in as_written(after).fields.items()}
    assert written == {"v3 stage": "Production", "v4 stage": "Archived", "@champion": 3}


@given(bridged_files(), ASKED)
def test_a_promotion_moves_the_pair_and_keeps_the_form_of_the_file(
    file: BridgedFile, asked: Promotion
) -> None:
    assume(asks_for_one_stage(file, asked))
    before, rules = file.declaration, file.settings
    after = promoted(before, asked, rules)
    found = file.edited(after)
    assert (found, found.implied) == (after, after.implied)
    means = rules.serving.of("m", before)
    stage = asked.stage or means.stage or rules.bridge.stage_of(means.alias)
    stage = stage or next(filter(None, map(rules.bridge.stage_of, asked.aliases)), None)
    if stage is not None:
        assert holder(after, stage) == asked.version
    for alias in asked.aliases:
        assert aliases(after.fields)[alias] == asked.version
    wrote_stages = bool(stages(as_written(before).fields))
    for pair in rules.bridge.pairs:
        was, now = holder(before, *pair), holder(after, *pair)
        moved_one = Field("stage", now or 0) in as_written(before).fields
        if now is not None and form(before, *pair) is not None:
            assert form(after, *pair) in (form(before, *pair), "both" if moved_one else None)
        elif now is not None:
            usual = "stage" if means.alias is None else "alias"
            assert form(after, *pair) in (usual, "both" if moved_one else None)
        if was is not None and was not in (now, asked.version):
            rest = stages(as_written(after).fields).get(was)
            assert rest == ("Archived" if wrote_stages else None)
    for alias in FREE_ALIASES:
        if alias not in asked.aliases and alias != means.alias:
            assert aliases(after.fields).get(alias) == aliases(before.fields).get(alias)
    assert promoted(after, asked, rules) == after
    told = remarks(before, after, rules)
    for stage, alias in rules.bridge.pairs:
        assert not any(f"@{alias}" in each and stage in each for each in told)


@given(
    file=bridged_files(with_serving=True),
    version=st.sampled_from((1, 2, 3, 4, 5)),
    block=st.booleans(),
)
def test_a_rollback_undoes_a_promotion_in_every_form(
    file: BridgedFile, version: int, *, block: bool
) -> None:
    before, rules = file.declaration, file.settings
    good = serving(before, rules)
    assume(good not in (None, version))
    after = file.edited(promoted(before, Promotion(version), rules))
    target = chosen(candidates(history(rules, before, after), after, rules), None)
    assert target is not None
    assert target.version == good
    blocked = "leaks" if block else None
    back = rolled_back(after, target, rules, blocked=blocked)
    text = apply_edits(file.text, edits_between(before, after), "m.yaml")
    text = apply_edits(text, edits_between(after, back), "m.yaml")
    found = read(text, rules)
    assert (found, found.implied) == (back, back.implied)
    assert serving(found, rules) == good
    assert stages(found.fields).get(version) != "Production" or not block
    if block:
        assert version not in aliases(found.fields).values()
        assert stages(found.fields).get(version, "None") in ("None", "Archived")
    for pair in rules.bridge.pairs:
        # What is blocked gives its guarded alias, and with it its stage, to what serves again.
        given = block and holder(before, *pair) == good
        if holder(before, *pair) not in (None, version) and not given:
            assert holder(found, *pair) == holder(before, *pair)


@given(
    file=bridged_files(),
    other=bridged_files(),
    third=bridged_files(),
    block=st.booleans(),
)
def test_a_rollback_to_any_past_is_valid(
    file: BridgedFile, other: BridgedFile, third: BridgedFile, *, block: bool
) -> None:
    """Also to a past of other settings, in which the pair was apart."""
    rules, now = file.settings, file.declaration
    past = history(rules, third.declaration, other.declaration, now)
    for target in candidates(past, now, rules):
        back = rolled_back(now, target, rules, blocked="leaks" if block else None)
        found = file.edited(back)
        assert (found, found.implied) == (back, back.implied)
        assert serving(found, rules) == target.version


@given(bridged_files(), st.sets(st.sampled_from((1, 2, 3, 4, 5)), min_size=1))
def test_what_tidy_takes_out_goes_with_its_pairs(file: BridgedFile, gone: set[int]) -> None:
    numbers = tuple(sorted(gone & file.declaration.versions.keys()))
    after = Leftover(file.declaration, numbers).after
    found = file.edited(after)
    assert found.fields == after.fields
    for pair in file.settings.bridge.pairs:
        was = holder(file.declaration, *pair)
        assert holder(found, *pair) == (None if was in gone else was)
        assert form(found, *pair) in (form(file.declaration, *pair), None)


def test_the_winner_of_a_test_takes_the_pair_and_its_control_is_known_by_either_word() -> None:
    rules = Settings(bridge=Bridge(PAIRS[:1]))
    text = b"versions:\n  4: {aliases: [champion], traffic: 0.9}\n  5: {traffic: 0.1}\n"
    before, pins = read(text, rules), DeclaredVersion(source="s3://b/x")
    assert is_control(before, 4, rules)
    assert winning(before, Promotion(4), rules, pins).versions[4].source is None
    after = winning(before, Promotion(5), rules, pins)
    assert as_written(after).fields == {Field("alias", None, "champion"): 5}
    assert after.versions[5].source == "s3://b/x"
    going_on = promoted(before, Promotion(5), rules)
    assert remarks(before, going_on, rules) == (
        (
            "v4 loses Production, which serves, and still carries traffic 0.9: the test goes on; "
            "`promote --winner` ends it"
        ),
    )


@pytest.mark.parametrize(
    ("entry", "added", "displaced"),
    [
        ("{stage: Staging}", {"stage": "Staging"}, {"stage": "Archived"}),
        ("{aliases: [challenger]}", {"alias": 5}, {}),
        (
            "{stage: Staging, aliases: [challenger]}",
            {"stage": "Staging", "alias": 5},
            {"stage": "Archived"},
        ),
    ],
)
def test_discover_declares_a_version_in_the_form_of_the_one_that_it_displaces(
    entry: str, added: dict[str, Value], displaced: dict[str, Value]
) -> None:
    rules = Settings(exclusive=("Production", "Staging"), bridge=Bridge(PAIRS))
    declaration = read(f"versions: {{4: {entry}}}\n".encode(), rules)
    named: Fields = {Field("alias", None, "challenger"): 4}
    live = live_model({Field("stage", 4): "Staging", **named}, versions=(4, 5), model="")
    found = search(declaration, live, {4}, rules)
    moves = found.policy_input(5).transitions
    assert [(move.place, move.version, move.incumbent) for move in moves] == [
        ("Staging", 5, 4),
        ("@challenger", 5, 4),
    ]
    proposal = proposed([replace(found, found=(Found(5, "added"),))], None, {})
    assert proposal is not None
    ((_, after),) = proposal.changes
    assert holder(after, "Staging") == aliases(after.fields)["challenger"] == 5
    written = as_written(after).fields
    assert {a.name: value for a, value in written.items() if 5 in (a.version, value)} == added
    assert {a.name: value for a, value in written.items() if 4 in (a.version, value)} == displaced


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(bridged_files(), ASKED)
def test_the_file_of_a_promotion_loads(tmp_path: Path, file: BridgedFile, asked: Promotion) -> None:
    assume(asks_for_one_stage(file, asked))
    pairs = ", ".join(f"{stage}: {alias}" for stage, alias in file.settings.bridge.pairs)
    means = file.settings.serving.default
    key = f"stage: {means.stage}" if means.alias is None else f"alias: {means.alias}"
    (tmp_path / "reconciler.yaml").write_text(
        f"exclusive: [Production, Staging]\nbridge: {{{pairs}}}\nserving: {{{key}}}\n"
    )
    after = promoted(file.declaration, asked, file.settings)
    edits = edits_between(file.declaration, after)
    (tmp_path / "m.yaml").write_bytes(apply_edits(file.text, edits, "m.yaml"))
    assert load(tmp_path, "registry-state").declarations["m"].fields == after.fields


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        (
            Promotion(5, "Staging", ("champion",)),
            (
                "v5 would be in Staging (`--to Staging`) and in Production (`--alias champion`: "
                "`bridge` makes the two one): a version is in one stage"
            ),
            "leave one of the two out",
        ),
        (
            Promotion(5, None, ("challenger",)),
            (
                "v5 would be in Production (it is to serve) and in Staging (`--alias challenger`: "
                "`bridge` makes the two one): a version is in one stage"
            ),
            "`--to Staging` promotes it there, and it does not serve",
        ),
    ],
)
def test_a_promotion_to_two_stages_is_a_usage_error(
    asked: Promotion, message: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"exclusive: [Production, Staging]\nbridge: {BOTH}\n")
    (tmp_path / "m.yaml").write_text("versions: {4: {aliases: [champion]}}\n")
    desired = load(tmp_path, "registry-state")
    with pytest.raises(UsageError) as caught:
        check_pairs(desired.declarations["m"], asked, desired.settings)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    check_pairs(desired.declarations["m"], asked, Settings())
