"""Plans and applies of models under a bridge: whose checkout writes, and what is drift."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.apply.executor import apply
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.plan import AdmittedPlan, ModelPlan
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Value
from reconciler.errors import DeclarationError
from reconciler.ports.registry import Capabilities
from tests.support.plans.planner_lab import ASK, Lab
from tests.support.registries.fake_registry import FakeRegistry, Write

BRIDGED = Settings(bridge=Bridge((("Production", "champion"),)))
PLAIN = Settings()
STAGE_1, CHAMPION = Field("stage", 1), Field("alias", None, "champion")
LATE = replace(ASK, planning=False, allow_superseded=True)
OF_SETTINGS = "remove `Production: champion` from `bridge` in the settings, which declares"
LEFT = "@champion came from the bridge and stays as it is"


class Gone(BaseException):
    """The process is gone between two writes."""


def in_production(version: int) -> Declaration:
    fields: dict[Field, Value] = {Field("stage", version): "Production"}
    return Declaration("m", fields, {number: DeclaredVersion() for number in (1, 2)}, file="m.yaml")


def at_rest() -> Declaration:
    return Declaration("m", {}, in_production(1).versions, file="m.yaml")


@pytest.fixture
def lab() -> Lab:
    """Return a lab with an applied model, v1 in Production, and no bridge."""
    lab = Lab()
    lab.apply(in_production(1))
    return lab


def rows(model: ModelPlan) -> dict[str, tuple[Value | None, str]]:
    return {str(change.field): (change.after, change.cause) for change in model.changes}


def apply_at(lab: Lab, commit: str) -> ModelPlan:
    plan = lab.plan(LATE, at=commit)
    apply(AdmittedPlan(plan), lab.registry)
    return plan.models[0]


def live(lab: Lab) -> dict[Field, Value]:
    return dict(lab.registry.read(["m"])["m"].fields)


def test_a_commit_that_only_adds_the_bridge_writes_the_other_word_and_is_recorded(
    lab: Lab,
) -> None:
    lab.settings = BRIDGED
    bridge = lab.commit(in_production(1))
    assert rows(lab.only()) == {"@champion": (1, "bridge")}
    apply_at(lab, bridge)
    assert lab.registry.read(["m"])["m"].recorded == (bridge,)
    assert lab.only().changes == ()


def test_the_job_of_the_commit_before_the_bridge_is_superseded(lab: Lab) -> None:
    before = lab.heads[-1]
    lab.settings = BRIDGED
    apply_at(lab, lab.commit(in_production(1)))
    lab.settings = PLAIN
    late = apply_at(lab, before)
    assert late.outcome == "superseded"
    assert live(lab)[CHAMPION] == 1


def test_a_branch_from_before_the_bridge_is_behind_and_may_not_apply(lab: Lab) -> None:
    fork = lab.heads[-1]
    lab.settings = BRIDGED
    apply_at(lab, lab.commit(in_production(1)))
    main = lab.heads[-1]
    lab.settings = PLAIN
    branch = lab.commits.commit({"m": in_production(1), "n": in_production(2)}, fork)
    assert lab.plan(at=branch).models[0].outcome == "behind"
    assert lab.plan(LATE, at=branch).models[0].outcome == "diverged"
    assert lab.heads[-1] == main


def test_a_revert_of_the_bridge_changes_nothing_and_says_so_once(lab: Lab) -> None:
    lab.settings = BRIDGED
    apply_at(lab, lab.commit(in_production(1)))
    lab.settings = PLAIN
    reverted = lab.commit(in_production(1))
    model = apply_at(lab, reverted)
    assert (model.changes, model.messages) == ((), (LEFT,))
    assert live(lab)[CHAMPION] == 1
    assert lab.only().messages == ()
    assert lab.registry.read(["m"])["m"].recorded == (reverted,)


def test_a_bridge_that_came_and_went_unapplied_is_recorded_against_its_late_job(
    lab: Lab,
) -> None:
    lab.settings = BRIDGED
    bridge = lab.commit(in_production(1))
    lab.settings = PLAIN
    reverted = lab.commit(in_production(1))
    assert apply_at(lab, reverted).changes == ()
    lab.settings = BRIDGED
    assert apply_at(lab, bridge).outcome == "superseded"
    assert CHAMPION not in live(lab)


def test_a_word_that_a_file_drops_under_the_bridge_is_recorded_for_its_revert(lab: Lab) -> None:
    """Then the bridge gave the alias, which stays when the bridge goes."""
    both = replace(in_production(1), fields={STAGE_1: "Production", CHAMPION: 1})
    lab.settings = BRIDGED
    apply_at(lab, lab.commit(both))
    apply_at(lab, lab.commit(in_production(1)))
    lab.settings = PLAIN
    model = apply_at(lab, lab.commit(in_production(1)))
    assert (model.changes, model.messages) == ((), (LEFT,))


@pytest.mark.parametrize("dies_after", range(5))
def test_the_rest_of_an_unfinished_promotion_is_not_drift(lab: Lab, dies_after: int) -> None:
    lab.settings = BRIDGED
    apply_at(lab, lab.commit(in_production(1)))
    promotion = lab.commit(in_production(2))
    written = 0

    def die(_: Write) -> None:
        nonlocal written
        written += 1
        if written > dies_after:
            raise Gone

    lab.registry.before_write = die
    try:
        apply_at(lab, promotion)
    except Gone:
        pass
    finally:
        lab.registry.before_write = FakeRegistry().before_write
    assert "drift" not in {cause for _, cause in rows(lab.only()).values()}
    apply_at(lab, promotion)
    assert lab.only().changes == ()


def test_the_rest_of_an_unfinished_retreat_takes_the_stage_along(lab: Lab) -> None:
    """The alias alone was written; its removal was refused."""
    lab.settings = BRIDGED
    named = replace(in_production(1), fields={CHAMPION: 1}, retired=True)
    apply_at(lab, lab.commit(named))
    gone = lab.commit(replace(at_rest(), retired=True))

    def refuse(write: Write) -> None:
        if write.method == "delete_alias":
            raise Gone

    lab.registry.before_write = refuse
    with pytest.raises(Gone):
        apply_at(lab, gone)
    lab.registry.before_write = FakeRegistry().before_write
    assert rows(lab.only()) == {"@champion": (None, "removed")}
    lab.registry.set_stage("m", 1, "Production")
    assert rows(lab.only()) == {
        "@champion": (None, "removed"),
        "v1 stage": ("Archived", "bridge"),
    }
    apply_at(lab, gone)
    assert lab.only().changes == ()


@pytest.mark.parametrize(
    ("by_hand", "drifted"),
    [
        (lambda r: r.set_alias("m", "champion", 2), {"@champion": (1, "drift")}),
        (lambda r: r.delete_alias("m", "champion"), {"@champion": (1, "drift")}),
        (lambda r: r.set_stage("m", 1, "Archived"), {"v1 stage": ("Production", "drift")}),
        (lambda r: r.set_stage("m", 2, "Production"), {"v2 stage": ("Archived", "drift")}),
    ],
)
@pytest.mark.parametrize("word", [STAGE_1, CHAMPION])
def test_what_a_person_does_to_either_word_is_drift(
    lab: Lab,
    word: Field,
    by_hand: Callable[[FakeRegistry], None],
    drifted: dict[str, tuple[Value | None, str]],
) -> None:
    lab.settings = BRIDGED
    value: Value = "Production" if word == STAGE_1 else 1
    apply_at(lab, lab.commit(replace(in_production(1), fields={word: value})))
    by_hand(lab.registry)
    assert rows(lab.only()) == drifted


@pytest.mark.parametrize(
    ("capabilities", "fields", "told"),
    [
        (
            Capabilities(stages=False, why="databricks-uc"),
            {CHAMPION: 1},
            (
                "databricks-uc has no stages, so v1 stage cannot be declared",
                f"{OF_SETTINGS} it for this model",
            ),
        ),
        (
            Capabilities(aliases=False, why="databricks"),
            {STAGE_1: "Production"},
            (
                "databricks has no aliases, so @champion cannot be declared",
                f"{OF_SETTINGS} it for this model",
            ),
        ),
        (
            Capabilities(aliases=False, why="databricks"),
            {STAGE_1: "Production", CHAMPION: 1},
            (
                "databricks has no aliases, so @champion cannot be declared",
                f"remove the aliases from the file, and {OF_SETTINGS} them, too",
            ),
        ),
    ],
)
def test_a_backend_that_lacks_a_word_is_told_with_the_bridge(
    capabilities: Capabilities, fields: dict[Field, Value], told: tuple[str, str]
) -> None:
    lab = Lab()
    lab.registry.capabilities = lambda **_: capabilities  # type: ignore[method-assign]
    lab.settings = BRIDGED
    lab.commit(replace(in_production(1), fields=fields))
    with pytest.raises(DeclarationError) as caught:
        lab.plan()
    assert [(p.message, p.hint) for p in caught.value.problems] == [told]
    assert lab.registry.writes == []
