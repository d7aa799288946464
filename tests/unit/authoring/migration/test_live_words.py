"""A stage and its alias in a file and in the registry: what is written, what a person decides."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from reconciler.authoring.migration.live_words import WordConflict, with_live_words
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.settings import Ignore
from reconciler.core.state import Declaration, Field, Identity, Live, LiveVersion, Value
from reconciler.files.loader import dump_declaration, parse_declaration

_ONE = Bridge((("Production", "champion"),))
_TWO = Bridge((("Production", "champion"), ("Staging", "challenger")))


def declared(text: str) -> Declaration:
    return parse_declaration(text.encode(), "m.yaml")


def live(*production: int, champion: int | None = None, **others: int) -> Live:
    """Return a live model of five versions: these in Production, and `Staging=2` in that."""
    fields: dict[Field, Value] = {Field("stage", v): "None" for v in range(1, 6)}
    fields |= {Field("stage", v): "Production" for v in production}
    for word, version in others.items():
        is_stage = word in ("Staging", "Archived")
        address = Field("stage", version) if is_stage else Field("alias", None, word)
        fields[address] = word if is_stage else version
    if champion is not None:
        fields[Field("alias", None, "champion")] = champion
    versions = {v: LiveVersion(Identity(f"run{v}", None, v)) for v in range(1, 6)}
    return Live("m", fields, versions)


def settled(
    text: str, model: Live, *keep: int, bridge: Bridge = _ONE
) -> tuple[str, tuple[WordConflict, ...], Collection[int]]:
    after, conflicts, unused = with_live_words(declared(text), model, bridge, keep, Ignore())
    return dump_declaration(after, stem="m"), conflicts, unused


def same(text: str) -> str:
    return dump_declaration(declared(text), stem="m")


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        # Either word in the file: the other one follows it.
        ("versions: {2: {stage: Production}}", live(2), None),
        ("versions: {2: {stage: Production}}", live(2, champion=2), None),
        ("versions: {2: {aliases: [champion]}}", live(champion=2), None),
        ("versions: {2: {aliases: [champion]}}", live(2, champion=2), None),
        ("versions: {2: {stage: Production, aliases: [champion]}}", live(2, champion=2), None),
        # A move that is not applied yet takes both along.
        ("versions: {3: {stage: Production}}", live(2, champion=2), None),
        ("versions: {3: {aliases: [champion]}}", live(2, champion=2), None),
        # Nothing is live, so nothing is written.
        ("versions: {2: {stage: Archived}}", live(), None),
        ("description: x", live(), None),
        # Neither word in the file: it gets the stage, and the bridge adds the alias.
        ("versions: {2: {}}", live(2), "versions: {2: {stage: Production}}"),
        ("versions: {2: {}}", live(champion=2), "versions: {2: {stage: Production}}"),
        ("versions: {2: {}}", live(2, champion=2), "versions: {2: {stage: Production}}"),
        (
            "description: x",
            live(2),
            "{description: x, versions: {2: {stage: Production, run_id: run2}}}",
        ),
        # What an import writes of a champion without a stage.
        (
            "versions: {2: {stage: None, aliases: [champion]}}",
            live(champion=2),
            "versions: {2: {stage: Production, aliases: [champion]}}",
        ),
        # The file takes the live holder out of the stage.
        ("versions: {2: {stage: Archived}}", live(2), None),
        # The file decides which of two stays.
        ("versions: {2: {stage: Production}}", live(1, 2), None),
    ],
)
def test_a_file_gets_the_stage_of_what_is_live_and_not_declared(
    text: str, model: Live, expected: str | None
) -> None:
    assert settled(text, model) == (same(expected or text), (), ())


@pytest.mark.parametrize(
    ("text", "model", "why"),
    [
        (
            "versions: {4: {stage: Production}, 3: {aliases: [champion]}}",
            live(4, champion=3),
            "v4 is declared in Production, @champion is declared on v3",
        ),
        (
            "versions: {4: {stage: Production}}",
            live(4, champion=3),
            "v4 is declared in Production, @champion names v3",
        ),
        (
            "versions: {3: {aliases: [champion]}}",
            live(4, champion=3),
            "v4 is in Production, @champion is declared on v3",
        ),
        ("description: x", live(4, champion=3), "v4 is in Production, @champion names v3"),
        ("description: x", live(4, 3), "v3 is in Production, v4 is in Production"),
        (
            "versions: {4: {stage: Production}, 3: {stage: Archived, aliases: [champion]}}",
            live(4, champion=3),
            "v4 is declared in Production, @champion is declared on v3, v3 is declared in Archived",
        ),
    ],
)
def test_of_two_versions_a_person_decides(text: str, model: Live, why: str) -> None:
    after, (conflict,), unused = settled(text, model)
    assert (after, conflict.why, conflict.versions, unused) == (same(text), why, (3, 4), ())
    assert conflict.problem().hint == (
        "decide which version has both: `--keep m=VERSION`, with 3 or 4"
    )
    for kept, other in ((3, 4), (4, 3)):
        after, conflicts, unused = settled(text, model, kept)
        assert (conflicts, unused) == ((), ())
        found = parse_declaration(after.encode(), "m.yaml").fields
        assert found[Field("stage", kept)] == "Production"
        alias = Field("alias", None, "champion")
        assert found.get(alias) == (kept if alias in declared(text).fields else None)
        assert found.get(Field("stage", other)) in (None, "Archived")
        if Field("stage", other) in model.fields and model.fields[Field("stage", other)] != "None":
            assert found[Field("stage", other)] == "Archived"


def test_one_version_that_is_declared_elsewhere_is_to_be_decided_too() -> None:
    text = "versions: {3: {stage: Archived, aliases: [champion]}}"
    _, (conflict,), _ = settled(text, live(champion=3, Archived=3))
    assert conflict.versions == (3,)
    after, conflicts, _ = settled(text, live(champion=3, Archived=3), 3)
    assert conflicts == ()
    assert after == same("versions: {3: {stage: Production, aliases: [champion]}}")


def test_a_version_with_the_aliases_of_two_stages_is_no_decision() -> None:
    text = "versions: {3: {stage: Production, aliases: [champion, challenger]}}"
    _, (conflict,), _ = settled(text, live(3, champion=3, challenger=3), bridge=_TWO)
    assert conflict.versions == ()
    assert conflict.problem().hint == (
        "take @challenger off v3, or bridge Staging to another alias"
    )


def test_two_stages_are_two_decisions() -> None:
    model = live(4, champion=3, Staging=2, challenger=1)
    _, conflicts, _ = settled("description: x", model, bridge=_TWO)
    assert [one.versions for one in conflicts] == [(3, 4), (1, 2)]
    after, conflicts, unused = settled("description: x", model, 4, 1, bridge=_TWO)
    assert (conflicts, unused) == ((), ())
    found = parse_declaration(after.encode(), "m.yaml").fields
    assert found == {
        Field("description"): "x",
        Field("stage", 4): "Production",
        Field("stage", 1): "Staging",
        Field("stage", 2): "Archived",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("versions: {2: {blocked: leaks}}", "v2 has Production or @champion and is blocked"),
        ("retired: true", "v2 has Production or @champion and the model is retired"),
    ],
)
def test_what_no_file_may_declare_is_refused_with_a_remedy(text: str, why: str) -> None:
    after, (conflict,), _ = settled(text, live(2))
    assert (after, conflict.why, conflict.versions) == (same(text), why, ())
    assert conflict.remedy


def test_a_version_that_is_not_ready_is_not_declared_to_serve() -> None:
    model = live(2)
    pending = {**model.versions, 2: LiveVersion(Identity("run2", None, 2), "FAILED_REGISTRATION")}
    after, (conflict,), _ = settled("description: x", replace(model, versions=pending))
    assert (after, conflict.versions) == (same("description: x"), ())
    assert conflict.why == "v2 has Production or @champion and is FAILED_REGISTRATION, not READY"


def test_a_decision_that_decides_nothing_is_told() -> None:
    assert settled("versions: {2: {stage: Production}}", live(2), 2)[2] == (2,)
    assert settled("description: x", live(4, champion=3), 5)[2] == (5,)


def test_an_alias_that_names_a_deleted_version_does_not_count() -> None:
    assert settled("versions: {2: {stage: Production}}", live(2, champion=9))[1] == ()
