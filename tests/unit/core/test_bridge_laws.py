"""The laws of the difference under a bridge, for all files, bridges and registries generated."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.changes import Change, in_order
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.diff import applied, diff
from reconciler.core.settings import Settings
from reconciler.core.state import Base, Declaration, Field, Fields, Live, Serving, aliases, stages
from reconciler.core.transitions import partings
from reconciler.planning.ancestry import ModelPast, base_of
from tests.support.plans.strategies import (
    EXCLUSIVE,
    declaration,
    declared_fields,
    live_fields,
    live_model,
    named,
)
from tests.support.repositories.fake_history import Commits, FakeHistory

PAIRS = (("Production", "champion"), ("Staging", "challenger"))
BRIDGED = Settings(exclusive=EXCLUSIVE, bridge=Bridge(PAIRS))
PLAIN = Settings(exclusive=EXCLUSIVE)


@st.composite
def files(draw: st.DrawFn) -> Declaration:
    """Return what a valid file declares under the bridge, as it writes it."""
    bridged = {alias for _, alias in PAIRS}
    fields = {a: v for a, v in draw(declared_fields()).items() if a.key not in bridged}
    for stage, alias in PAIRS:
        holders = [a for a, value in fields.items() if a.name == "stage" and value == stage]
        form = draw(st.sampled_from(["stage", "alias", "both"]))
        for holder in holders:
            if form != "stage":
                fields[Field("alias", None, alias)] = holder.version or 0
            if form == "alias":
                del fields[holder]
    kept = draw(st.frozensets(st.sampled_from((1, 2, 3, 4))))
    return declaration(fields, named(fields) | frozenset(aliases(fields).values()) | kept)


@st.composite
def merges(draw: st.DrawFn) -> tuple[Declaration, Declaration]:
    """Return a file before and after a merge, which may only take words out of it."""
    was = draw(files())
    if draw(st.booleans()):
        return was, draw(files())
    fields = {address: value for address, value in was.fields.items() if draw(st.booleans())}
    kept = draw(st.frozensets(st.sampled_from((1, 2, 3, 4))))
    return was, declaration(fields, named(fields) | frozenset(aliases(fields).values()) | kept)


def base_from(*declared: Declaration) -> Base:
    """Return what an apply has as its base when these commits are recorded."""
    commits = Commits()
    ids = [commits.commit({"m": one}) for one in declared]
    past = ModelPast(FakeHistory(commits, ids[-1]), "state", live_model({}))
    return base_of(past, ids, BRIDGED.ignore)


def changed(base: Base, desired: Declaration, live: Live) -> tuple[Change, ...]:
    return diff(base, desired, live, exclusive=EXCLUSIVE).changes


def after(base: Base, desired: Declaration, live: Live) -> Fields:
    return applied(live.fields, changed(base, desired, live))


def in_step(declared: Declaration, others: Fields) -> Live:
    """Return a registry that has what is declared, and other values beside it."""
    taken = {stage for stage in stages(declared.fields).values() if stage in EXCLUSIVE}
    bridged = {alias for _, alias in PAIRS}
    free = {a: v for a, v in others.items() if v not in taken and a.key not in bridged}
    return live_model({**free, **declared.fields})


def readers(fields: Fields, stage: str, alias: str) -> tuple[int | None, int | None]:
    """Return what a reader by stage gets, and one by alias."""
    holders = [version for version, where in stages(fields).items() if where == stage]
    return max(holders, default=None), aliases(fields).get(alias)


RULES = st.sampled_from([BRIDGED, PLAIN])


@given(st.lists(st.tuples(files(), RULES), max_size=2), files(), RULES, live_fields())
def test_applying_the_difference_leaves_nothing_to_do_and_touches_nothing_undeclared(
    before: list[tuple[Declaration, Settings]], file: Declaration, rules: Settings, live: Fields
) -> None:
    base = base_from(*(complete(was, settings) for was, settings in before)) if before else Base()
    desired, there = complete(file, rules), live_model(live)
    holders = set(stages(desired.fields).values()) & {*EXCLUSIVE}
    for change in changed(base, desired, there):
        if change.field not in desired.fields and change.field not in base.ever:
            assert change.before in holders
    healed = replace(there, fields=after(base, desired, there))
    assert changed(base, desired, healed) == ()
    assert changed(base_from(desired), desired, healed) == ()


@given(merges(), live_fields())
def test_what_we_do_never_parts_a_pair_while_the_bridge_is_in_effect(
    merge: tuple[Declaration, Declaration], others: Fields
) -> None:
    before, desired = (complete(file, BRIDGED) for file in merge)
    live = in_step(before, others)
    left = after(base_from(before), desired, live)
    for stage, alias in PAIRS:
        by_stage, by_alias = readers(left, stage, alias)
        # What git never declared in a stage is not ours.
        is_ours = any(a in before.fields or a in desired.fields for a in _at(left, stage))
        assert by_stage == by_alias or (by_alias is None and not is_ours)
    for serving in (Serving("Production"), Serving(None, "champion")):
        told = partings(live.fields, left, serving, names=["champion"], places=["Production"])
        assert told == ()


def _at(fields: Fields, stage: str) -> list[Field]:
    return [
        address for address, value in fields.items() if (address.name, value) == ("stage", stage)
    ]


@given(merges(), live_fields())
def test_no_reader_gets_nothing_or_an_undeclared_version_while_a_pair_moves(
    merge: tuple[Declaration, Declaration], others: Fields
) -> None:
    before, desired = (complete(file, BRIDGED) for file in merge)
    live = in_step(before, others)
    steps = in_order(changed(base_from(before), desired, live), EXCLUSIVE)
    for stage, alias in PAIRS:
        old, new = (readers(each.fields, stage, alias)[1] for each in (before, desired))
        # A version is in one stage: where two exclusive stages swap, the other one waits.
        leaves_for_production = desired.fields.get(Field("stage", old)) == "Production"
        if None in (old, new) or (stage != "Production" and leaves_for_production):
            continue
        for number in range(len(steps) + 1):
            seen = readers(applied(live.fields, steps[:number]), stage, alias)
            assert set(seen) <= {old, new}


@given(files(), live_fields())
def test_a_bridge_that_comes_only_adds_and_one_that_goes_changes_nothing(
    file: Declaration, others: Fields
) -> None:
    plain, bridged = complete(file, PLAIN), complete(file, BRIDGED)
    live = in_step(plain, others)
    added = changed(base_from(plain), bridged, live)
    assert {change.field for change in added if change.cause != "replaced"} <= {*bridged.implied}
    both = in_step(bridged, others)
    gone = diff(base_from(bridged), plain, both, exclusive=EXCLUSIVE)
    assert gone.changes == ()
    told = [address for address in bridged.implied if any(str(address) in s for s in gone.left)]
    assert {*told} == {*bridged.implied}


@given(files(), files(), live_fields())
def test_nothing_that_a_gone_bridge_added_is_removed(
    was: Declaration, file: Declaration, live: Fields
) -> None:
    before, desired = complete(was, BRIDGED), complete(file, PLAIN)
    for change in changed(base_from(before), desired, live_model(live)):
        assert change.cause != "bridge"
        assert change.action == "set" or change.field in as_written(before).fields


@given(files(), files(), live_fields())
def test_which_word_the_files_write_makes_no_difference_to_what_is_written(
    was: Declaration, file: Declaration, live: Fields
) -> None:
    """Files that write both words everywhere, and files that write only the stage."""
    before, both = complete(was, BRIDGED), complete(file, BRIDGED)
    by_stage = {a: v for a, v in both.fields.items() if a.key not in ("champion", "challenger")}
    one = complete(replace(both, fields=by_stage, implied={}), BRIDGED)
    there = live_model(live)
    moved = [
        {(c.field, c.after) for c in changed(base_from(before), desired, there)}
        for desired in (one, replace(both, implied={}))
    ]
    assert moved[0] == moved[1]
