"""What is live becomes a declaration that a plan has nothing to do for."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.declaring.implied import complete
from reconciler.core.diff import diff
from reconciler.core.settings import Ignore, Settings
from reconciler.core.state import (
    NO_BASE,
    Declaration,
    DeclaredVersion,
    Field,
    Identity,
    Live,
    LiveVersion,
    Value,
    occupants,
)
from reconciler.files.additions import additions
from reconciler.files.editing.edits import edited
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.from_live import NewPin, declaration_of, file_stem, repinned
from reconciler.files.loader import dump_declaration, parse_declaration
from tests.support.plans.strategies import (
    EXCLUSIVE,
    declaration,
    declared_fields,
    live_fields,
    live_model,
    named,
)

RULES = Settings(exclusive=EXCLUSIVE)
FILE = "registry-state/m.yaml"
DIGEST = f"sha256:{'0f' * 32}"
ANOTHER = f"sha256:{'1e' * 32}"


def imported(live: Live, rules: Settings = RULES, *, every_version: bool = False) -> Declaration:
    found = declaration_of(live, rules, every_version=every_version).declaration
    assert found is not None
    return found


def live_with(*values: tuple[Field, Value]) -> Live:
    stages = {Field("stage", version): "None" for version in (1, 2, 3, 4)}
    return live_model({**stages, **dict(values)})


def stage(version: int, name: str) -> tuple[Field, str]:
    return Field("stage", version), name


def alias(name: str, version: int) -> tuple[Field, int]:
    return Field("alias", None, name), version


@given(fields=live_fields(), every=st.booleans())
def test_a_plan_after_an_import_is_empty_but_for_announced_archivings(
    *, fields: dict[Field, Value], every: bool
) -> None:
    live = live_model(fields)
    result = declaration_of(live, RULES, every_version=every)
    assert result.declaration is not None
    changes = diff(NO_BASE, result.declaration, live, exclusive=EXCLUSIVE).changes
    assert {change.after for change in changes} <= {"Archived"}
    said = [f"a plan archives v{change.field.version}" for change in changes]
    assert sorted(said) == sorted(message.partition("; ")[2] for message in result.warnings)


@given(fields=live_fields(), every=st.booleans())
def test_what_was_imported_reads_back_the_same_from_its_file(
    *, fields: dict[Field, Value], every: bool
) -> None:
    before = imported(live_model(fields), every_version=every)
    assert parse_declaration(dump_declaration(before).encode(), FILE) == before


@given(live_fields())
def test_every_version_with_an_active_stage_or_an_alias_is_imported_and_no_other(
    fields: dict[Field, Value],
) -> None:
    live = live_model(fields)
    in_use = {v for a, v in fields.items() if a.name == "alias"}
    in_use |= {a.version for a, v in fields.items() if v in ("Staging", "Production") and a.version}
    assert set(imported(live).versions) == in_use
    assert set(imported(live, every_version=True).versions) == set(live.versions)


def test_an_imported_version_has_its_pins_stage_aliases_tags_and_description() -> None:
    live = live_with(
        stage(4, "Production"),
        alias("champion", 4),
        (Field("tag", 4, "risk"), "high"),
        (Field("description", 4), "Adds features"),
        (Field("tag", None, "owner"), "payments"),
        (Field("description"), "Scores cards"),
    )
    assert imported(live) == Declaration(
        "m",
        {
            Field("stage", 4): "Production",
            Field("alias", None, "champion"): 4,
            Field("tag", 4, "risk"): "high",
            Field("description", 4): "Adds features",
            Field("tag", None, "owner"): "payments",
            Field("description"): "Scores cards",
        },
        {4: DeclaredVersion("run-4", "models:/m-4")},
    )


def test_a_version_without_run_is_pinned_by_its_source_alone() -> None:
    version = LiveVersion(Identity("", "s3://models/1", 1))
    live = Live("m", {Field("stage", 1): "Production"}, {1: version})
    assert imported(live).versions == {1: DeclaredVersion(None, "s3://models/1")}


def test_what_is_ignored_is_not_imported() -> None:
    rules = Settings(ignore=Ignore(tags=("mlflow.*",), aliases=("ci-*",)))
    live = live_with(
        stage(4, "Production"), alias("ci-1", 3), (Field("tag", 4, "mlflow.user"), "somebody")
    )
    assert imported(live, rules).fields == {Field("stage", 4): "Production"}


def test_of_two_versions_in_an_exclusive_stage_the_one_that_serves_is_declared() -> None:
    live = live_with(stage(2, "Production"), stage(3, "Production"))
    result = declaration_of(live, Settings(), every_version=False)
    assert result.declaration is not None
    assert result.declaration.fields == {Field("stage", 3): "Production"}
    assert set(result.declaration.versions) == {2, 3}
    assert result.warnings == (
        "v2 is in Production as well as v3, which serves; a plan archives v2",
    )


def test_several_versions_in_a_stage_that_is_not_exclusive_are_all_declared() -> None:
    live = live_with(stage(2, "Staging"), stage(3, "Staging"))
    assert declaration_of(live, Settings(), every_version=False).warnings == ()
    assert occupants(imported(live, Settings()).fields, ["Staging"]) == {"Staging": (2, 3)}


def test_what_no_file_can_say_is_left_out_with_a_reason() -> None:
    result = declaration_of(
        live_with(
            stage(4, "Production"),
            alias("gone", 9),
            alias("latest", 4),
            alias("champion", 4),
            (Field("tag", 4, "a@b"), "x"),
            (Field("tag", 4, "long"), "x" * 100_001),
            (Field("tag", None, "long"), "x" * 5_001),
            (Field("tag", None, "half"), "\ud800"),
            (Field("description", 4), "x" * 5_001),
            (Field("tag", 1, "c@d"), "a version that is not imported"),
        ),
        Settings(),
        every_version=False,
    )
    assert result.declaration is not None
    assert set(result.declaration.fields) == {
        Field("stage", 4),
        Field("alias", None, "champion"),
    }
    left = "it is not declared, and a plan does not change it"
    assert [
        message.removesuffix(f"; {left}").partition(": ")[0] for message in result.warnings
    ] == [
        "@gone names v9, which does not exist",
        "@`latest`",
        "tag `half`",
        "tag `long`",
        "v4 description",
        "v4 tag `a@b`",
        "v4 tag `long`",
    ]


def test_a_model_that_no_file_can_name_is_not_imported() -> None:
    live = Live("a/b", {Field("stage", 1): "Production"}, {})
    result = declaration_of(live, Settings(), every_version=True)
    assert result.declaration is None
    assert len(result.warnings) == 1


@st.composite
def declared_models(draw: st.DrawFn) -> Declaration:
    fields = draw(declared_fields())
    held = {value for address, value in fields.items() if address.name == "alias"}
    versions = named(fields) | {v for v in held if isinstance(v, int)}
    found = declaration(fields, frozenset(versions))
    at_rest = {
        version
        for version in versions - held
        if fields.get(Field("stage", version)) not in ("Staging", "Production")
    }
    blocked = draw(st.sets(st.sampled_from(sorted(at_rest)))) if at_rest else set()
    pins = st.sampled_from((None, "run-1", "run-2"))
    return Declaration(
        "m",
        found.fields,
        {
            v: DeclaredVersion(
                draw(pins),
                digest=draw(st.sampled_from((None, DIGEST))),
                blocked="bad" if v in blocked else None,
            )
            for v in versions
        },
    )


@given(declared=declared_models(), fields=live_fields(), every=st.booleans())
def test_an_update_says_all_that_is_live_and_drops_nothing_else(
    *, declared: Declaration, fields: dict[Field, Value], every: bool
) -> None:
    found = declaration_of(
        live_model(fields), RULES, every_version=every, besides=declared.versions
    ).declaration
    assert found is not None
    update = additions(declared, found, RULES)
    after = edited(declared, update.edits)
    blocked = {version for version, entry in declared.versions.items() if entry.blocked}
    for address, value in found.fields.items():
        version = value if address.name == "alias" else address.version
        assert after.fields.get(address) == value or version in blocked
    assert set(declared.fields) <= set(after.fields)
    assert set(after.versions) == set(declared.versions) | set(found.versions)
    for version, entry in declared.versions.items():
        assert (entry.run_id or after.versions[version].run_id) == after.versions[version].run_id
        assert entry.digest == after.versions[version].digest
    assert all(len(there) <= 1 for there in occupants(after.fields, EXCLUSIVE).values())


@given(declared_models(), live_fields())
def test_an_updated_file_is_valid_and_a_second_update_finds_nothing(
    declared: Declaration, fields: dict[Field, Value]
) -> None:
    found = imported(live_model(fields))
    update = additions(declared, found, RULES)
    data = apply_edits(dump_declaration(declared).encode(), update.edits, FILE)
    after = parse_declaration(data, FILE)
    assert after == edited(declared, update.edits)
    assert additions(after, found, RULES).edits == ()


def test_an_alias_that_moved_moves_in_the_file() -> None:
    declared = declaration({Field("alias", None, "champion"): 3}, frozenset({3}))
    found = imported(live_with(alias("champion", 4)))
    after = edited(declared, additions(declared, found, RULES).edits)
    assert after.fields[Field("alias", None, "champion")] == 4


def test_the_declared_holder_of_an_exclusive_stage_goes_where_it_is_live() -> None:
    declared = declaration({Field("stage", 3): "Production"}, frozenset({3}))
    live = live_with(stage(4, "Production"), stage(3, "None"))
    found = declaration_of(live, RULES, every_version=False, besides=declared.versions)
    assert found.declaration is not None
    update = additions(declared, found.declaration, RULES)
    assert edited(declared, update.edits).fields[Field("stage", 3)] == "None"
    assert update.warnings == ()


def test_a_declared_holder_that_is_gone_makes_room_for_the_live_one() -> None:
    declared = declaration({Field("stage", 9): "Production"}, frozenset({9}))
    found = imported(live_with(stage(4, "Production")))
    update = additions(declared, found, RULES)
    assert edited(declared, update.edits).fields[Field("stage", 9)] == "Archived"
    assert len(update.warnings) == 1


def test_a_blocked_version_that_is_live_is_not_added() -> None:
    declared = Declaration("m", {}, {4: DeclaredVersion(blocked="leaks data")})
    found = imported(live_with(stage(4, "Production"), alias("champion", 4)))
    update = additions(declared, found, RULES)
    assert edited(declared, update.edits).fields == {}
    assert sorted(update.warnings) == [
        "v4 is blocked, but live @champion; this is not added",
        "v4 is blocked, but live in Production; this is not added",
    ]


def test_a_pin_that_differs_is_left_and_said() -> None:
    declared = Declaration("m", {}, {4: DeclaredVersion(run_id="another")})
    found = imported(live_with(stage(4, "Production")))
    update = additions(declared, found, RULES)
    assert edited(declared, update.edits).versions == declared.versions
    assert len(update.warnings) == 1


def with_digest(found: Declaration, version: int, digest: str) -> Declaration:
    entry = replace(found.versions[version], digest=digest)
    return replace(found, versions={**found.versions, version: entry})


def test_a_digest_that_was_read_is_added_where_there_is_none() -> None:
    declared = Declaration("m", {}, {4: DeclaredVersion("run-4", "models:/m-4")})
    found = with_digest(imported(live_with(stage(4, "Production"))), 4, DIGEST)
    update = additions(declared, found, RULES)
    assert update.warnings == ()
    assert edited(declared, update.edits).versions[4].digest == DIGEST


def test_a_digest_that_differs_is_left_and_said() -> None:
    declared = Declaration("m", {}, {4: DeclaredVersion("run-4", "models:/m-4", ANOTHER)})
    found = with_digest(imported(live_with(stage(4, "Production"))), 4, DIGEST)
    update = additions(declared, found, RULES)
    assert edited(declared, update.edits).versions == declared.versions
    (warning,) = update.warnings
    assert warning == (
        f"v4 does not have the approved bytes: their digest is {DIGEST}, and the file pins "
        f"{ANOTHER}; that is not changed (`--pins --digests` does, which approves these files)"
    )


def repinned_digest(
    digests: dict[int, str], run: str = "run-4"
) -> tuple[str | None, tuple[NewPin, ...]]:
    """Return the digest and the new pins of a version of another run, or of the declared one."""
    entry = DeclaredVersion(run, digest=DIGEST)
    declared = Declaration("m", {}, {4: entry, 9: DeclaredVersion(digest=DIGEST)})
    after, pins = repinned(declared, live_with().versions, digests)
    assert after.versions[9] == declared.versions[9]  # it is not live
    return after.versions[4].digest, pins


def test_a_digest_of_another_run_is_taken_out_with_its_pins_and_said() -> None:
    digest, pins = repinned_digest({}, "another")
    assert digest is None
    run, lost = pins
    assert run == NewPin("m", 4, "run_id", "another", "run-4")
    assert lost == NewPin("m", 4, "digest", DIGEST, None)


def test_a_digest_of_another_run_is_replaced_where_the_new_one_was_read() -> None:
    digest, pins = repinned_digest({4: ANOTHER}, "another")
    assert digest == ANOTHER
    assert pins[1:] == (NewPin("m", 4, "digest", DIGEST, ANOTHER),)


def test_a_digest_stays_where_the_run_is_the_declared_one_or_the_bytes_are_the_same() -> None:
    assert repinned_digest({}) == (DIGEST, ())
    assert repinned_digest({4: DIGEST}) == (DIGEST, ())
    assert repinned_digest({4: DIGEST}, "another")[0] == DIGEST
    assert repinned_digest({4: ANOTHER})[1] == (NewPin("m", 4, "digest", DIGEST, ANOTHER),)


def test_a_digest_that_is_missing_is_not_added_with_new_pins() -> None:
    declared = Declaration("m", {}, {4: DeclaredVersion("another")})
    after, pins = repinned(declared, live_with().versions, {4: DIGEST})
    assert after.versions[4] == DeclaredVersion("run-4")
    assert [pin.pin for pin in pins] == ["run_id"]


@given(st.sets(st.text(max_size=300), max_size=5))
@example({"a/b", "a%2Fb", "a%252Fb"})
@example({"x" * 300, "x" * 301})
@example({"reconciler", "Reconciler", "%72econciler"})
@example({".", "..", "...", " ", "", "a.", "a "})
def test_every_model_has_a_portable_file_name_of_its_own(models: set[str]) -> None:
    stems = {file_stem(model) for model in models}
    assert len(stems) == len(models)
    for stem in stems:
        assert len(stem.encode()) <= 200
        assert not stem.startswith((".", " "))
        assert not stem.endswith((".", " "))
        assert stem.casefold() not in ("reconciler", "con", "nul", "aux")
        assert not set(stem) & set('/\\:*?"<>|\0\n')


def test_an_ordinary_name_is_its_file_name() -> None:
    for model in ("fraud-detection", "Churn v2", "modèle_1", "日本", "a.b"):
        assert file_stem(model) == model
    assert file_stem("50% off") == "50%25 off"
    assert file_stem("con.v2") == "%63on.v2"


def test_what_is_not_ready_is_left_out_of_stages_and_aliases() -> None:
    live = live_with(stage(2, "Production"), alias("champion", 2), stage(1, "Staging"))
    live = replace(
        live, versions={**live.versions, 2: LiveVersion(Identity("r", "s", 1), "FAILED")}
    )
    result = declaration_of(live, RULES, every_version=False)
    assert result.declaration is not None
    assert set(result.declaration.versions) == {1}
    left = "v2 is FAILED, not READY; it is not declared, and a plan does not change it"
    assert result.warnings == (left,)
    every = imported(live, every_version=True)
    assert set(every.versions) == {1, 2, 3, 4}
    assert Field("stage", 2) not in every.fields


def test_the_tag_of_a_semantic_version_that_was_changed_by_hand_is_not_added() -> None:
    text = "versions: {1: {stage: Production, semver: 2.1.0}}\n"
    declared = complete(parse_declaration(text.encode(), "m.yaml"), RULES)
    live = live_with(stage(1, "Production"), (Field("tag", 1, "semver"), "9.9.9"))
    found = additions(declared, imported(live), RULES)
    assert [edit.path for edit in found.edits if "semver" in edit.path] == []
