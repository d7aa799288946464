"""Who has a name, since when, by which merged change; and in which state the model is."""

from dataclasses import replace

import pytest

from reconciler.audit.overview.holders import ModelNames, holders
from reconciler.audit.overview.model_overview import Holder, ModelState
from reconciler.audit.overview.model_states import ModelVerdict, state_of
from reconciler.audit.overview.shown_versions import MOST_VERSIONS, shown_versions
from reconciler.core.changes import Cause, Change
from reconciler.core.plan import ModelPlan
from reconciler.core.state import Field, Identity, LiveVersion
from reconciler.core.violations import Violation
from reconciler.errors import ExitCode, Problem
from tests.unit.audit.overview.world import World, hour

_DENIAL = Violation("closed", "m", "the year has ended", "wait")


def serving(version: int) -> str:
    """Return a file with one version in Production and under the alias."""
    others = ", ".join(f"{v}: {{stage: Archived}}" for v in (3, 4, 5) if v != version)
    here = "{stage: Production, aliases: [champion]}"
    return f"versions: {{{version}: {here}, {others}}}"


def known(world: World, *recorded: str, is_read: bool = True) -> ModelNames:
    """Return what is known of the model, with these commits recorded in the registry."""
    history = world.history()
    place = {files.commit.id: at for at, files in enumerate(world.merged)}
    live = replace(world.live, commit=" ".join(recorded) or None) if is_read else None
    return ModelNames("m", world.settings, world.declared, live, is_read, history, place)


def told(found: tuple[Holder, ...]) -> dict[str, tuple[int | None, int | None, float | None, bool]]:
    return {h.name: (h.version, h.declared, hour(h.since), h.is_applied) for h in found}


def applied(*versions: int) -> World:
    """Return a world in which these versions were merged and applied, one after the other."""
    world = World()
    for version in versions:
        world.merge(serving(version))
        world.apply()
    return world


def test_a_version_is_there_since_its_first_apply_also_when_its_file_changed_later() -> None:
    world = applied(3, 4)
    world.merge(serving(4) + "\ndescription: more")
    found = holders(known(world, "c2"))
    assert told(found) == {
        "Production": (4, 4, 4, True),
        "@champion": (4, 4, 4, True),
    }
    assert [h.serves for h in found] == [True, False]
    assert {h.entry.step.commit.id for h in found if h.entry} == {"c1"}


def test_without_a_record_it_is_the_merge() -> None:
    world = World()
    world.merge(serving(3))
    world.apply(record=False)
    assert told(holders(known(world, "c0")))["Production"] == (3, 3, 1, False)


def test_what_a_commit_of_elsewhere_made_live_is_no_merged_commits_work() -> None:
    found = told(holders(known(applied(3), "f" * 40)))
    assert found["Production"] == (3, 3, None, False)


def test_while_a_merge_waits_what_serves_keeps_the_change_that_put_it_there() -> None:
    world = applied(3)
    world.merge(serving(4))
    found = told(holders(known(world, "c0")))
    assert found["Production"] == (3, 4, 2, True)


def test_what_somebody_put_there_by_hand_has_no_change_even_where_it_served_before() -> None:
    world = applied(3, 4)
    world.by_hand(champion=3)
    found = told(holders(known(world, "c1")))
    assert found["@champion"] == (3, 4, None, False)
    assert found["Production"] == (4, 4, 4, True)


def test_after_an_apply_that_did_not_finish_either_commit_may_have_put_it_there() -> None:
    world = applied(3)
    world.merge(serving(4))
    assert told(holders(known(world, "c0", "c1")))["Production"] == (3, 4, 2, True)


def test_offline_only_the_declared_version_has_a_past_and_none_is_live() -> None:
    found = told(holders(known(applied(3), is_read=False)))
    assert found == {"Production": (None, 3, 2, True), "@champion": (None, 3, 2, True)}
    missing = replace(known(applied(3)), live=None)
    assert told(holders(missing))["Production"] == (None, 3, None, False)


def change(cause: Cause) -> Change:
    return Change("m", Field("alias", None, "champion"), 3, 4, cause)


@pytest.mark.parametrize(
    ("plan", "refusals", "state"),
    [
        (ModelPlan("m", "in-sync"), (), "in sync"),
        (ModelPlan("m", "changes", changes=(change("declared"),)), (), "pending"),
        (ModelPlan("m", "changes", changes=(change("removed"),)), (), "pending"),
        (ModelPlan("m", "changes", changes=(change("removed"), change("drift"))), (), "drifted"),
        (ModelPlan("m", "in-sync", deleted=(3,)), (), "drifted"),
        (ModelPlan("m", "changes", changes=(change("declared"),)), (_DENIAL,), "refused"),
        (ModelPlan("m", "held"), (_DENIAL,), "held"),
        (ModelPlan("m", "superseded"), (), "blocked"),
        (ModelPlan("m", "behind"), (), "blocked"),
        (ModelPlan("m", "diverged"), (), "blocked"),
        (ModelPlan("m", "released"), (), "unmanaged"),
        (ModelPlan("m", "error", problems=(Problem("x", ExitCode.DECLARATION),)), (), "blocked"),
        (ModelPlan("m", "error", problems=(Problem("403", ExitCode.REGISTRY),)), (), "blocked"),
    ],
)
def test_the_first_reason_decides_the_state(
    plan: ModelPlan, refusals: tuple[Violation, ...], state: ModelState
) -> None:
    found, why = state_of(known(applied(3), "c0"), ModelVerdict(plan, refusals))
    assert found == state
    assert len(why) == len((*plan.problems, *refusals, *plan.changes))


def test_of_a_held_model_it_is_told_which_names_are_not_as_declared() -> None:
    world = applied(3, 4)
    world.by_hand(champion=3)
    held = ModelPlan("m", "held", messages=("held: incident; 1 change pending",))
    state, why = state_of(known(world, "c1"), ModelVerdict(held))
    assert (state, why) == (
        "held",
        ("held: incident; 1 change pending", "@champion: v3 is live, and git declares v4"),
    )


def test_the_first_sentence_is_about_the_state_and_not_what_is_said_besides() -> None:
    plan = ModelPlan("m", "changes", changes=(change("drift"),), messages=("v2 stays",))
    state, why = state_of(known(applied(3), "c0"), ModelVerdict(plan))
    assert (state, len(why), why[-1]) == ("drifted", 2, "v2 stays")


def test_a_model_that_the_registry_did_not_show_is_not_read_and_says_why() -> None:
    hidden = known(applied(3), is_read=False)
    plan = ModelPlan("m", "error", problems=(Problem("403", ExitCode.REGISTRY),))
    assert state_of(hidden, ModelVerdict(plan)) == ("not read", ("403",))
    assert state_of(hidden, ModelVerdict(unread="no list")) == ("not read", ("no list",))
    assert state_of(hidden, ModelVerdict()) == ("not read", ("the registry was not read",))


def test_what_serves_and_git_does_not_declare_is_unmanaged() -> None:
    world = World()
    world.merge("versions: {1: {tags: {a: b}}}")
    world.by_hand(v2="Production")
    plan = ModelPlan("m", "in-sync", unmanaged=(Field("stage", 2),))
    state, why = state_of(known(world), ModelVerdict(plan))
    assert (state, why) == (
        "unmanaged",
        ("v2 is in Production, which git does not declare",),
    )
    owned = ModelVerdict(managed_by="team-b")
    assert state_of(known(world), owned)[1][0] == "the state folder `team-b` manages it"


def test_a_long_value_in_a_sentence_is_cut_and_its_length_is_told() -> None:
    long = Change("m", Field("description"), "x" * 10_000_000, "y", "drift")
    plan = ModelPlan("m", "changes", changes=(long,))
    [sentence] = state_of(known(applied(3)), ModelVerdict(plan))[1]
    assert "(10,000,000 characters)" in sentence
    assert len(sentence) < len("x") * 300


def test_the_versions_to_tell_of_are_bounded_and_what_is_left_out_is_told() -> None:
    world = applied(3, 4)
    world.by_hand(v6="Staging", **{f"a{n}": n for n in range(1, 30)})
    of = known(world)
    assert of.live is not None
    every = {n: LiveVersion(Identity(None, None, None)) for n in range(1, 30)}
    shown = shown_versions(replace(of, live=replace(of.live, versions=every)), None)
    assert (shown.incumbent, shown.candidate, shown.compared) == (4, 6, (6, 4))
    assert shown.versions == (4, 6, *range(29, 29 - MOST_VERSIONS + 2, -1))
    assert shown.unread == ("17 more versions: their runs were not read",)
    assert replace(shown, left_out=1).unread == ("1 more version: its run was not read",)
    coming = Change("m", Field("stage", 5), "None", "Production", "declared")
    plan = ModelPlan("m", "changes", changes=(coming,))
    assert shown_versions(of, plan).compared == (5, 4)
