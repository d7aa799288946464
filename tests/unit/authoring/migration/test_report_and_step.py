"""The report and the step `bridge` agree: what the step refuses, the report tells as a conflict."""

from itertools import product

from reconciler.audit.migration.stage_report import MigrationInput, model_migrations
from reconciler.authoring.migration.bridging import bridging, undecided
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.settings import Settings
from reconciler.core.state import (
    Declaration,
    DeclaredVersion,
    Field,
    Identity,
    Live,
    LiveVersion,
    Value,
)

_BRIDGE = Bridge((("Production", "champion"),))
_STAGES = ("None", "Production", "Archived")
_VERSIONS = (1, 2)


def _fields(placed: tuple[str | None, ...], named: int | None) -> dict[Field, Value]:
    fields: dict[Field, Value] = {
        Field("stage", version): stage
        for version, stage in zip(_VERSIONS, placed, strict=True)
        if stage is not None
    }
    return fields if named is None else {**fields, Field("alias", None, "champion"): named}


def test_what_the_step_refuses_is_a_conflict_in_the_report() -> None:
    known = {version: LiveVersion(Identity(None, "s", None)) for version in _VERSIONS}
    entries = {version: DeclaredVersion() for version in _VERSIONS}
    refused = 0
    for placed, named, declared, alias in product(
        product(_STAGES, repeat=2), (None, 1, 2), product((None, *_STAGES), repeat=2), (None, 1, 2)
    ):
        if declared.count("Production") > 1:
            continue
        live = {"m": Live("m", _fields(placed, named), known)}
        declaration = Declaration("m", _fields(declared, alias), entries, file="state/m.yaml")
        desired = DeclaredState("state", Settings(), {"m": declaration})
        if not bridging(desired, live, _BRIDGE, {}).refusals:
            continue
        inputs = MigrationInput(
            Settings(),
            _BRIDGE,
            {"m": declaration},
            live,
            undecided=undecided(desired, live, _BRIDGE),
        )
        [model] = model_migrations(["m"], inputs)
        assert model.step == "conflict", (placed, named, declared, alias)
        refused += 1
    assert refused > 100, "the step refuses much of this"
