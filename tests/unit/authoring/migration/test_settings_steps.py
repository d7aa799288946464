"""What the steps do with the settings: serving, guards, policies, the bridge, exclusive stages."""

from pathlib import Path

import pytest

from reconciler.authoring.draft import StateFiles
from reconciler.authoring.migration.bridging import bridge_of, bridging
from reconciler.authoring.migration.dropping_stages import (
    clearing,
    declares_stage,
    dropping_stages,
)
from reconciler.authoring.migration.serving_by_alias import serving_by_alias, still_by_stage
from reconciler.authoring.migration.step import StepEdits
from reconciler.authoring.migration.step_draft import drafted_step
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.settings import Settings
from reconciler.core.state import Field, Identity, Live, LiveVersion
from reconciler.errors import OutOfStep, UsageError
from reconciler.files.editing.settings_editor import edit_settings, written
from reconciler.files.loader import dump_declaration, load, parse_settings

_MODEL = "versions: {2: {stage: Production}}\n"
_BRIDGE = "bridge: {Production: champion}\n"
_BOTH = "exclusive: [Production, Staging]\nbridge: {Production: champion, Staging: challenger}\n"


def loaded(folder: Path, settings: str, model: str = _MODEL) -> DeclaredState:
    folder.joinpath("reconciler.yaml").write_text(settings)
    folder.joinpath("m.yaml").write_text(model)
    return load(folder, "state")


def text_after(settings: str, step: StepEdits) -> str:
    """Return the settings' file after a step; that it says what the step claims is checked."""
    change = step.settings
    return edit_settings(settings.encode(), change.edits, change.after, "reconciler.yaml").decode()


def switched(folder: Path, settings: str, model: str = _MODEL) -> tuple[str, StepEdits]:
    step = serving_by_alias(loaded(folder, settings, model), written(settings.encode()))
    return text_after(settings, step), step


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "serving: {alias: champion}\n"),
        ("serving: {stage: Production} # us\n", "serving: {alias: champion} # us\n"),
        (
            "serving: {models: {a-*: {alias: x}, b-*: {stage: Production}}}\n",
            "serving: {models: {a-*: {alias: x}, b-*: {alias: champion}}, alias: champion}\n",
        ),
        (
            "serving:\n  stage: Production\nguards: {aliases: [fast]}\n",
            "serving:\n  alias: champion\nguards: {aliases: [fast, champion]}\n",
        ),
        ("serving: {alias: champion}\n", "serving: {alias: champion}\n"),
    ],
)
def test_what_serves_by_a_bridged_stage_serves_by_its_alias(
    tmp_path: Path, before: str, after: str
) -> None:
    text, step = switched(tmp_path, _BRIDGE + before)
    # What a file does not have is added at its end.
    assert text == _BRIDGE + after
    assert bool(step.nothing) == (before == after)
    assert still_by_stage(loaded(tmp_path, text)) == ()
    assert switched(tmp_path, text)[1].nothing


def test_an_alias_that_is_not_guarded_yet_is(tmp_path: Path) -> None:
    text, _ = switched(tmp_path, "bridge: {Production: prod}\n")
    assert text.splitlines()[1:] == [
        "serving: {alias: prod}",
        "guards: {aliases: [champion, prod]}",
    ]
    text, _ = switched(tmp_path, "bridge: {Production: prod}\nguards: {}\n")
    assert "guards: {aliases: [champion, prod]}\n" in text


def test_a_model_that_says_what_serves_says_it_by_alias(tmp_path: Path) -> None:
    settings = _BRIDGE + "serving: {alias: champion}\n"
    model = "serving: {stage: Production}\n" + _MODEL
    ((before, after),) = switched(tmp_path, settings, model)[1].changes
    assert (str(before.serving), str(after.serving)) == ("Production", "@champion")
    assert still_by_stage(loaded(tmp_path, settings, model)) == ("`serving` in state/m.yaml",)


@pytest.mark.parametrize(
    ("on", "requires", "expected"),
    [
        ("on: {stage: Production}", "digest: required", "on: {alias: champion}"),
        (
            "on: {stage: [Production, Staging]}",
            "digest: required",
            "on: {alias: [champion, challenger]}",
        ),
        ("on: {stage: Production, alias: champion}", "approvals: 1", "on: {alias: champion}"),
        (
            "on: {models: [a-*], stage: Staging}",
            "approvals: 1",
            "on: {models: [a-*], alias: challenger}",
        ),
        ("on: {alias: fast}", "digest: required", None),
        pytest.param(
            "on: {stage: Production}",
            "require: metrics.auc > 0.5",
            "on: {alias: champion}",
            marks=pytest.mark.needs_cel,
        ),
    ],
)
def test_a_policy_on_a_bridged_stage_is_on_its_alias(
    tmp_path: Path, on: str, requires: str, expected: str | None
) -> None:
    settings = f"{_BOTH}policies:\n- name: a\n  {on}\n  {requires}\n"
    text, step = switched(tmp_path, settings)
    assert f"  {expected or on}\n" in text
    assert step.notes == ()


@pytest.mark.parametrize(
    ("on", "requires", "why"),
    [
        ("on: {stage: Production}", "soak: 24h", "`soak` counts the time in a stage"),
        ("on: {stage: Production}", "transitions: [None, Staging, Production]", "`transitions`"),
        pytest.param(
            "on: {stage: Production}",
            'require: version.stage == "Staging"',
            "`version.stage`",
            marks=pytest.mark.needs_cel,
        ),
        pytest.param(
            "on: {stage: Production}",
            'require: change.from == "Staging"',
            "`change.from`",
            marks=pytest.mark.needs_cel,
        ),
        ("on: {stage: [Production, Staging]}", "digest: required", "not each of them is bridged"),
        ("on: {stage: Production, alias: fast}", "digest: required", "a stage and other aliases"),
        ("enforce: warn", "soak: 24h", "`soak`"),
    ],
)
def test_a_policy_that_means_something_else_by_alias_is_left_and_told(
    tmp_path: Path, on: str, requires: str, why: str
) -> None:
    policy = f"policies:\n- name: a\n  {on}\n  {requires}\n"
    text, step = switched(tmp_path, _BRIDGE + policy)
    assert policy in text
    (note,) = step.notes
    assert note.startswith("policy `a` is left as it is: ")
    assert why in note


def test_the_usual_bridge_is_of_exclusive_stages() -> None:
    assert bridge_of(Settings(), {}).pairs == (("Production", "champion"),)
    both = Settings(exclusive=("Production", "Staging"))
    assert bridge_of(both, {}).pairs == (("Production", "champion"), ("Staging", "challenger"))
    assert bridge_of(both, {"Production": "prod"}).pairs == (("Production", "prod"),)
    has = Settings(exclusive=("Production", "Staging"), bridge=Bridge((("Production", "prod"),)))
    assert bridge_of(has, {}).pairs == (("Production", "prod"),)
    with pytest.raises(UsageError, match="@prod is that of `Production`"):
        bridge_of(has, {"Staging": "prod"})
    assert bridge_of(has, {"Staging": "next"}).pairs == (
        ("Production", "prod"),
        ("Staging", "next"),
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"Staging": "next"}, "`Staging` is not exclusive"),
        ({"production": "champion"}, "`production` cannot be bridged"),
        ({"Archived": "old"}, "`Archived` cannot be bridged"),
        ({"Production": "latest"}, "latest"),
        ({"Production": "a b"}, "only letters"),
        ({"Production": "champion"}, "is bridged to @prod"),
    ],
)
def test_a_bridge_that_cannot_be_is_refused(asked: dict[str, str], message: str) -> None:
    settings = Settings(
        bridge=Bridge((("Production", "prod"),))
        if "champion" in asked.values()
        else Settings().bridge
    )
    with pytest.raises(UsageError, match=message):
        bridge_of(settings, asked)


def test_a_pair_is_added_to_the_bridge_that_is_there(tmp_path: Path) -> None:
    settings = "exclusive: [Production, Staging]\nbridge: {Production: champion} # one\n"
    desired = loaded(tmp_path, settings)
    step = bridging(desired, {}, bridge_of(desired.settings, {"Staging": "next"}), {})
    assert text_after(settings, step).endswith("{Production: champion, Staging: next} # one\n")
    for keep, message in (
        ({"n": [1]}, "not declared"),
        ({"m": [1]}, "`--keep m=1` decides nothing"),
    ):
        with pytest.raises(UsageError, match=message):
            bridging(desired, {}, desired.settings.bridge, keep)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_BRIDGE, ""),
        ("branch: main\n" + _BRIDGE, "branch: main\n"),
        (_BOTH, ""),
        ("exclusive: [Production]\n" + _BRIDGE, ""),
        ("exclusive: [Staging, Production]\n" + _BRIDGE, "exclusive: [Staging]\n"),
    ],
)
def test_without_stages_the_settings_have_no_bridge(
    tmp_path: Path, before: str, after: str
) -> None:
    serving = "serving: {alias: champion}\n"
    step = dropping_stages(loaded(tmp_path, serving + before), written((serving + before).encode()))
    assert text_after(serving + before, step) == serving + after


def test_without_stages_a_file_has_the_aliases_that_they_stood_for(tmp_path: Path) -> None:
    model = (
        "versions:\n  5: {stage: Staging}\n  4: {stage: Production, aliases: [fast]}\n"
        "  3: {stage: Archived}\n  2: {stage: None}\n  1: {}\n"
    )
    desired = loaded(tmp_path, _BRIDGE + "serving: {alias: champion}\n", model)
    step = dropping_stages(desired, frozenset())
    ((_, after),) = step.changes
    assert not declares_stage(
        loaded(tmp_path, "{}", "versions: {3: {stage: Archived}}").declarations["m"]
    )
    assert dump_declaration(after, stem="m") == dump_declaration(
        loaded(
            tmp_path,
            "serving: {alias: champion}\n",
            "versions: {5: {stage: Staging}, 4: {aliases: [fast, champion]}, 3: {}, "
            "2: {stage: None}, 1: {}}",
        ).declarations["m"],
        stem="m",
    )
    assert step.notes == (
        "`m` still declares a stage that is not bridged: bridge it first, or take it out by hand",
    )


def test_clearing_declares_no_stage_for_what_has_one_live(tmp_path: Path) -> None:
    model = "versions: {4: {stage: Archived}, 2: {aliases: [champion]}, 1: {stage: None}}"
    desired = loaded(tmp_path, "{}", model)
    held = {1: "None", 2: "Production", 3: "Archived", 4: "None"}
    live = Live(
        "m",
        {Field("stage", version): stage for version, stage in held.items()},
        {version: LiveVersion(Identity(None, None, version)) for version in held},
    )
    ((_, after),) = clearing(desired, {"m": live}).changes
    expected = (
        "versions: {4: {stage: None}, 3: {stage: None}, 2: {stage: None, aliases: [champion]}, "
        "1: {stage: None}}"
    )
    declared = loaded(tmp_path, "{}", expected).declarations["m"]
    assert dump_declaration(after, stem="m") == dump_declaration(declared, stem="m")
    at_rest = Live("m", dict.fromkeys(live.fields, "None"), live.versions)
    assert clearing(loaded(tmp_path, "{}", expected), {"m": at_rest}).nothing


def test_the_settings_after_a_step_are_what_their_file_says(tmp_path: Path) -> None:
    settings = _BOTH + "policies:\n- {name: a, on: {stage: [Staging, Production]}, approvals: 2}\n"
    text, step = switched(tmp_path, settings)
    assert parse_settings(text.encode(), "reconciler.yaml") == step.settings.after


def test_a_step_is_not_written_over_settings_that_changed_meanwhile(tmp_path: Path) -> None:
    desired = loaded(tmp_path, "exclusive: [Production]\n")
    step = bridging(desired, {}, bridge_of(desired.settings, {}), {})
    tmp_path.joinpath("reconciler.yaml").write_text(_BRIDGE)  # the same step, from elsewhere
    with pytest.raises(OutOfStep, match="changed since it was read"):
        drafted_step(step, desired.settings, StateFiles(tmp_path, "state", ()), None)
