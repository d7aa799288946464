"""How far a model is on its way from stages to aliases, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.audit.migration.model_migration import ModelMigration
from reconciler.audit.migration.next_steps import overall_steps
from reconciler.audit.migration.stage_loads import StageLoad, found_by_stage
from reconciler.audit.migration.stage_report import MigrationInput, model_migrations
from reconciler.audit.usage.loads import Load, LoadForm
from reconciler.core.declaring.bridge import NO_BRIDGE, Bridge
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, Field, Fields, Identity, Live, LiveVersion, Serving
from reconciler.files.loader import parse_declaration

_BRIDGE = Bridge((("Production", "champion"),))
_BY_STAGE = Settings()
_BRIDGED = Settings(bridge=_BRIDGE)
_BY_ALIAS = Settings(bridge=_BRIDGE, serving=ServingRules(Serving(None, "champion")))
_DROPPED = replace(_BY_ALIAS, bridge=NO_BRIDGE)


def _live(fields: Fields, versions: int = 5, status: str = "READY") -> Live:
    numbers = range(1, versions + 1)
    known = {n: LiveVersion(Identity(None, None, None), status) for n in numbers}
    rest = {Field("stage", n): "None" for n in numbers}
    return Live("m", {**rest, **fields}, known)


def _declared(text: str | None) -> Declaration | None:
    return None if text is None else parse_declaration(text.encode(), "state/m.yaml")


def _migration(
    text: str | None,
    live: Live | None,
    settings: Settings = _BY_STAGE,
    *,
    bridge: Bridge = _BRIDGE,
    found: Sequence[StageLoad] = (),
    refused: str = "",
) -> ModelMigration:
    declaration = _declared(text)
    inputs = MigrationInput(
        settings,
        bridge,
        {"m": declaration} if declaration else {},
        {"m": live} if live else {},
        found,
        {bridge.pairs[0][1]: refused} if refused else {},
    )
    [model] = model_migrations(["m"], inputs)
    return model


def _kinds(model: ModelMigration) -> list[str]:
    return [conflict.kind for conflict in model.conflicts]


_V4 = "versions: {4: {stage: Production}}"
_BOTH = "versions: {4: {stage: Production, aliases: [champion]}}"
_ALIAS = "versions: {4: {aliases: [champion]}}"
_CLEARED = "versions: {4: {stage: None, aliases: [champion]}}"
_STAGE: Fields = {Field("stage", 4): "Production"}
_CHAMPION: Fields = {Field("alias", None, "champion"): 4}
_AT_BOTH: Fields = {**_STAGE, **_CHAMPION}


@pytest.mark.parametrize(
    ("text", "live", "settings", "step"),
    [
        (None, _STAGE, _BY_STAGE, "import"),
        (None, _CHAMPION, _BY_STAGE, None),
        (_V4, _STAGE, _BY_STAGE, "bridge"),
        (_BOTH, _AT_BOTH, _BY_STAGE, "bridge"),
        (_V4, _STAGE, _BRIDGED, "apply"),
        (_BOTH, _CHAMPION, _BRIDGED, "apply"),
        (_V4, _AT_BOTH, _BRIDGED, "serve-by-alias"),
        (_V4, _AT_BOTH, _BY_ALIAS, "drop-stages"),
        (_ALIAS, _AT_BOTH, _BY_ALIAS, "drop-stages"),
        (_ALIAS, _AT_BOTH, _DROPPED, "clear"),
        (_ALIAS, _CHAMPION, _DROPPED, None),
        (_CLEARED, _CHAMPION, _DROPPED, None),
        (_CLEARED, _AT_BOTH, _BY_STAGE, "bridge"),
        ("versions: {4: {stage: Archived}}", {}, _BY_STAGE, None),
        ("tags: {a: b}", _STAGE, _BY_STAGE, "bridge"),
    ],
)
def test_what_comes_next_follows_from_the_file_the_registry_and_the_settings(
    text: str | None, live: Fields, settings: Settings, step: str | None
) -> None:
    model = _migration(text, _live(live), settings)
    assert (model.step, model.conflicts) == (step, ())
    assert bool(model.todo) == (step is not None)


def test_the_alias_that_a_stage_gets_is_said_with_its_version() -> None:
    model = _migration(_V4, _live(_STAGE))
    [proposed] = model.proposed
    assert (proposed.stage, proposed.alias, proposed.version) == ("Production", "champion", 4)
    [sentence] = model.todo
    assert sentence.startswith("`reconciler migrate stages --step bridge` gives what is in a stage")
    assert sentence.endswith("its alias: @champion on v4")


def test_a_version_under_the_alias_in_no_stage_is_the_one_that_gets_the_stage() -> None:
    for text in (_CLEARED, _ALIAS):
        [proposed] = _migration(text, _live(_AT_BOTH)).proposed
        assert proposed.version == 4


def test_two_versions_in_a_stage_are_a_conflict_with_the_command_that_decides_it() -> None:
    two = _live({Field("stage", 3): "Production", Field("stage", 4): "Production"})
    undeclared, unmanaged, declared = (
        _migration(text, two) for text in (None, "tags: {a: b}", _V4)
    )
    for model in (undeclared, unmanaged, declared):
        assert (model.step, _kinds(model)) == ("conflict", ["several-holders"])
        [conflict] = model.conflicts
        assert "v3 and v4 are in `Production`" in conflict.message
        assert "`models:/m/Production` loads v4" in conflict.message
    assert "`reconciler import m --keep 4`" in undeclared.conflicts[0].remedy
    assert "--step bridge --keep m=4`" in unmanaged.conflicts[0].remedy
    assert "`reconciler apply` archives v3" in declared.conflicts[0].remedy
    assert unmanaged.proposed[0].version is None
    assert declared.proposed[0].version == 4


def test_an_alias_on_another_version_is_a_conflict_unless_the_file_moves_it() -> None:
    moved = _live({**_STAGE, Field("alias", None, "champion"): 2})
    assert _kinds(_migration(_V4, moved)) == ["alias-elsewhere"]
    assert _kinds(_migration(None, moved)) == ["alias-elsewhere"]
    assert _migration(_BOTH, moved, _BRIDGED).step == "apply"


def test_a_file_that_contradicts_the_bridge_is_a_conflict_with_its_place() -> None:
    text = "versions:\n  4: {stage: Production}\n  3: {aliases: [champion]}\n"
    model = _migration(text, _live(_STAGE))
    assert _kinds(model) == ["contradiction"]
    assert "state/m.yaml:3" in model.conflicts[0].message
    assert "v4 is in `Production`, and v3 has @champion" in model.conflicts[0].message


@pytest.mark.parametrize(
    ("text", "live", "kinds"),
    [
        (_V4, _live(_STAGE, status="PENDING_REGISTRATION"), ["not-ready"]),
        (_V4, _live({}, versions=3), ["missing-version"]),
        (_V4, None, ["missing-model"]),
        ("versions: {4: {blocked: leaks}}", _live(_STAGE), ["blocked"]),
        ("retired: true", _live(_STAGE), ["retired"]),
    ],
)
def test_what_keeps_an_alias_from_its_version_is_a_conflict(
    text: str, live: Live | None, kinds: list[str]
) -> None:
    model = _migration(text, live)
    assert (model.step, _kinds(model)) == ("conflict", kinds)


def test_an_alias_that_differs_only_in_case_is_said() -> None:
    model = _migration(_V4, _live({**_STAGE, Field("alias", None, "Champion"): 4}))
    assert (model.step, _kinds(model)) == ("bridge", ["alias-case"])


def test_an_alias_that_no_server_takes_is_a_conflict() -> None:
    model = _migration(_V4, _live(_STAGE), bridge=Bridge((("Production", "v3"),)), refused="no")
    assert _kinds(model) == ["alias-refused"]


def test_a_stage_without_an_alias_is_said_and_keeps_nothing_from_the_steps() -> None:
    staging = {**_AT_BOTH, Field("stage", 5): "Staging"}
    model = _migration(_V4, _live(staging), _BRIDGED)
    assert (model.step, _kinds(model)) == ("serve-by-alias", ["no-alias"])
    left = _migration(_ALIAS, _live(staging), _DROPPED)
    assert left.step == "conflict"
    [sentence] = overall_steps([left])
    assert sentence.startswith("1 model: `Staging` has no alias: ")
    assert _migration("versions: {5: {stage: Staging}}", _live({})).step == "conflict"


def test_consumers_come_before_the_stages_go() -> None:
    text = f"{_V4}\nconsumers:\n- {{name: api, loads: Production}}\n- {{name: b, loads: '4'}}\n"
    model = _migration(text, _live(_AT_BOTH), _BRIDGED)
    assert (model.step, [load.name for load in model.loads]) == ("consumers", ["api"])
    [sentence] = model.todo
    assert sentence.startswith('state/m.yaml:3: `api` loads `Production`: write `loads: "@champion')


def test_what_the_code_loads_by_stage_is_counted() -> None:
    def load(form: LoadForm, text: str, loads: str | None, model: str | None = "m") -> Load:
        return Load("app.py", 3, 5, form, text, model, loads, None if loads else "it is computed")

    found = tuple(
        found_by_stage(
            [
                load("uri", "models:/m/production", "Production"),
                load("uri", "models:/m@champion", "@champion"),
                load("uri", "models:/m/latest", "latest"),
                load("uri", "models:/m/3", "3"),
                load("call", "client.get_latest_versions(name)", None, None),
                load("uri", "models:/{name}", None, None),
            ]
        )
    )
    assert [(one.model, one.loads) for one in found] == [("m", "Production"), (None, None)]
    model = _migration(_V4, _live(_AT_BOTH), _BRIDGED, found=found)
    assert (model.step, [one.text for one in model.loads]) == (
        "consumers",
        ["models:/m/production"],
    )
    assert "`reconciler migrate rewrite app.py`" in model.todo[0]


def test_the_most_urgent_models_are_first() -> None:
    two = _live({Field("stage", 3): "Production", Field("stage", 4): "Production"})
    states = {"a": _live({}), "b": _live(_STAGE), "c": two}
    models = model_migrations(states, MigrationInput(_BY_STAGE, _BRIDGE, {}, states))
    assert [(one.model, one.step) for one in models] == [
        ("c", "conflict"),
        ("b", "import"),
        ("a", None),
    ]
