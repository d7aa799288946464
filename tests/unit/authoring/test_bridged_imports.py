"""Imports under a bridge: a pair that is live apart is a decision, half of one is not."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.authoring.importing import content_of
from reconciler.authoring.new_declarations import FirstImport, NewDeclarations, declared_anew
from reconciler.authoring.questions import OpenQuestion
from reconciler.authoring.serving_choice import serving_choice
from reconciler.authoring.stage_conflicts import declarable_pairs
from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.diff import diff
from reconciler.core.settings import Settings
from reconciler.core.state import NO_BASE, Field, Live, Value, in_use
from reconciler.errors import ExitCode, UsageError
from reconciler.files.additions import additions
from reconciler.files.from_live import declaration_of
from tests.support.files.bridged_files import (
    PAIRS,
    BridgedFile,
    bridged_files,
    form,
    holder,
    read,
)
from tests.support.plans.strategies import live_fields, live_model

BOTH = Settings(exclusive=("Production", "Staging"), bridge=Bridge(PAIRS))
ONE = Settings(bridge=Bridge(PAIRS[:1]))
VERSIONS = (1, 2, 3, 4)


def live(stages: Mapping[int, str], **aliases: int) -> Live:
    fields: dict[Field, Value] = {Field("stage", v): stages.get(v, "None") for v in VERSIONS}
    return live_model(fields | {Field("alias", None, name): v for name, v in aliases.items()})


def imported(model: Live, settings: Settings = BOTH, *keep: int) -> NewDeclarations:
    how = FirstImport(keep=keep, named=True)
    return declared_anew([model], settings, how, registry=[model])


def written(new: NewDeclarations) -> dict[str, Value]:
    fields = as_written(new.declarations["m"]).fields
    return {str(address): value for address, value in fields.items()}


@pytest.mark.parametrize(
    ("model", "sentence", "versions"),
    [
        (
            live({4: "Production"}, champion=3),
            (
                "`m`: v4 is in Production, and v3 has @champion, but `bridge` makes Production and "
                "@champion one: v4 (Production, created "
            ),
            [4, 3],
        ),
        (
            live({3: "Staging"}, champion=3),
            "`m`: v3, which is in Staging, has @champion, but",
            [],
        ),
        (live({3: "Archived"}, champion=3), "v3, which is in Archived, has @champion", [3]),
        (
            live({4: "Production", 2: "Production"}, champion=3),
            "`m`: v2 and v4 are in Production, and v3 has @champion, but",
            [4, 3, 2],
        ),
        (
            live({4: "Production", 2: "Production"}, champion=2),
            "`m` has 2 versions in Production, which holds one: v4 (",
            [4, 2],
        ),
    ],
)
def test_what_is_apart_is_told_and_not_declared(
    model: Live, sentence: str, versions: list[int]
) -> None:
    new = imported(model)
    assert new.declarations == {}
    (conflict,) = new.conflicts
    assert sentence in conflict.sentence
    assert conflict.to_dict()["versions"] == versions
    problem = conflict.problem(ExitCode.REFUSED)
    assert "it is not declared" in problem.message
    command = "`reconciler import m --keep VERSION`" if versions else "move @champion"
    assert command in str(problem.hint)


@pytest.mark.parametrize(
    ("model", "keep", "declared"),
    [
        (
            live({4: "Production"}, champion=3),
            (3,),
            {"v3 stage": "Production", "v4 stage": "Archived", "@champion": 3},
        ),
        (live({4: "Production"}, champion=3), (4,), {"v4 stage": "Production", "@champion": 4}),
        (
            live({4: "Production", 2: "Production"}, champion=3),
            (2,),
            {"v2 stage": "Production", "v4 stage": "Archived", "@champion": 2},
        ),
        (  # the two pairs crossed: one decision settles both
            live({4: "Production", 3: "Staging"}, champion=3, challenger=4),
            (3,),
            {
                "v3 stage": "Production",
                "v4 stage": "Staging",
                "@champion": 3,
                "@challenger": 4,
            },
        ),
        (
            live({4: "Production", 3: "Staging"}, champion=3, challenger=4),
            (4,),
            {"v4 stage": "Production", "v3 stage": "Staging", "@champion": 4},
        ),
        (
            live({4: "Production", 2: "Staging"}, champion=3, challenger=1),
            (4, 1),
            {
                "v4 stage": "Production",
                "v2 stage": "Archived",
                "v1 stage": "Staging",
                "@champion": 4,
                "@challenger": 1,
            },
        ),
    ],
)
def test_a_version_to_keep_gets_both(
    model: Live, keep: tuple[int, ...], declared: Mapping[str, Value]
) -> None:
    new = imported(model, BOTH, *keep)
    assert not new.conflicts
    assert written(new) == declared


def test_at_a_terminal_it_is_asked_and_an_archived_version_may_be_the_answer() -> None:
    asked: list[OpenQuestion] = []

    def ask(question: OpenQuestion) -> str:
        asked.append(question)
        return "3"

    model = live({4: "Production", 3: "Archived"}, champion=3)
    new = declared_anew([model], ONE, FirstImport(ask=ask, named=True), registry=[model])
    assert [question.text for question in asked] == [
        (
            "`m`: v4 is in Production, and v3, which is in Archived, has @champion. Which version "
            "gets Production and @champion, which `bridge` makes one?"
        )
    ]
    assert list(asked[0].choices) == ["4", "3"]
    assert written(new) == {"v3 stage": "Production", "v4 stage": "Archived", "@champion": 3}


def test_only_a_version_of_the_conflict_can_be_kept() -> None:
    with pytest.raises(UsageError, match="--keep 2"):
        imported(live({4: "Production"}, champion=3), BOTH, 2)
    with pytest.raises(UsageError, match="`--keep` one of them"):
        imported(live({4: "Production"}, champion=3), BOTH, 3, 4)
    pending = live({4: "Production"}, champion=3)
    unready = replace(pending.versions[3], status="PENDING_REGISTRATION")
    pending = replace(pending, versions={**pending.versions, 3: unready})
    assert imported(pending, BOTH, 3).conflicts


@pytest.mark.parametrize(
    ("model", "declared", "told"),
    [
        (
            live({4: "Production"}),
            {"v4 stage": "Production"},
            (
                "`m`: in Production, without @champion; `bridge` makes Production and @champion "
                "one, and a plan adds the alias"
            ),
        ),
        (
            live({}, champion=4),
            {"@champion": 4},
            (
                "`m`: under @champion, not in Production; `bridge` makes Production and @champion "
                "one, and a plan adds the stage"
            ),
        ),
        (live({4: "Production"}, champion=4), {"v4 stage": "Production", "@champion": 4}, None),
    ],
)
def test_half_a_pair_is_imported_as_it_is_and_the_plan_adds_the_rest(
    model: Live, declared: Mapping[str, Value], told: str | None
) -> None:
    new = imported(model, ONE)
    assert written(new) == declared
    assert [problem.message for problem in new.warnings] == ([told] if told else [])
    assert new.declarations["m"].serving is None
    changes = diff(NO_BASE, new.declarations["m"], model, exclusive=ONE.exclusive).changes
    assert {change.cause for change in changes} == ({"bridge"} if told else set())


def test_an_alias_of_no_version_follows_its_stage() -> None:
    model = live({4: "Production"}, champion=9)
    new = imported(model, ONE)
    assert written(new) == {"v4 stage": "Production"}
    assert "it follows Production, by `bridge`" in new.warnings[0].message


def test_the_alias_of_a_bridged_stage_serves_already() -> None:
    models = [replace(live({}, champion=1), model=name) for name in ("a", "b")]
    assert serving_choice(models, Settings(), lambda question: question.default) is not None
    assert serving_choice(models, ONE, lambda question: question.default) is None
    new = declared_anew(models, ONE, FirstImport(), registry=models)
    assert [each.serving for each in new.declarations.values()] == [None, None]
    assert [problem.message[:8] for problem in new.warnings] == ["`a`, `b`"]


@given(live_fields(), st.sampled_from((BOTH, ONE)), st.sets(st.sampled_from(VERSIONS), max_size=2))
def test_what_is_imported_is_valid_whichever_version_a_person_chooses(
    fields: Mapping[Field, Value], settings: Settings, answers: set[int]
) -> None:
    model, chosen = live_model(fields), iter(sorted(answers))

    def ask(question: OpenQuestion) -> str | None:
        choice = str(next(chosen, ""))
        return choice if choice in question.choices else next(iter(question.choices), None)

    new = declared_anew([model], settings, FirstImport(ask=ask), registry=[model])
    for declaration in new.declarations.values():
        found = read(content_of(declaration)[1].encode(), settings)
        assert found.fields == declaration.fields
    undecided = declared_anew([model], settings, FirstImport(), registry=[model])
    for declaration in undecided.declarations.values():
        changes = diff(NO_BASE, declaration, model, exclusive=settings.exclusive).changes
        assert {change.cause for change in changes} <= {"bridge"}


def updated(file: BridgedFile, model: Live) -> tuple[BridgedFile, tuple[str, ...]]:
    found = declaration_of(
        model, file.settings, every_version=False, besides=file.declaration.versions
    ).declaration
    assert found is not None
    pairs = declarable_pairs(model, file.settings)
    added = additions(file.declaration, found, file.settings, pairs)
    return file.with_edits(added.edits), added.warnings


@given(bridged_files(with_blocked=True), live_fields())
def test_an_update_of_any_file_from_any_registry_is_valid(
    file: BridgedFile, fields: Mapping[Field, Value]
) -> None:
    model = live_model(fields)
    after, warnings = updated(file, model)
    for pair in declarable_pairs(model, file.settings):
        was, now = holder(file.declaration, pair.stage), holder(after.declaration, pair.stage)
        if pair.is_apart:
            assert now in (was, None)
            assert any(pair.words in each for each in warnings)
        before = form(file.declaration, pair.stage, pair.alias)
        if before is not None and now is not None:
            assert form(after.declaration, pair.stage, pair.alias) in (before, "both")
    used = in_use(after.declaration.fields)
    assert not [v for v, entry in after.declaration.versions.items() if entry.blocked and v in used]
    again, _ = updated(after, model)
    assert again.declaration.fields == after.declaration.fields


@pytest.mark.parametrize(
    ("text", "model", "update"),
    [
        (
            "versions: {4: {stage: Production}}\n",
            live({3: "Production", 4: "Archived"}, champion=3),
            {"v3 stage": "Production", "v4 stage": "Archived"},
        ),
        (
            "versions: {4: {aliases: [champion]}}\n",
            live({3: "Production", 4: "Archived"}, champion=3),
            {"@champion": 3, "v4 stage": "Archived"},
        ),
        (
            "versions: {4: {stage: Production, aliases: [champion]}}\n",
            live({3: "Production", 4: "Archived"}),
            {"v3 stage": "Production", "v4 stage": "Archived", "@champion": 3},
        ),
        (  # of a pair that the file does not write, the words that are live
            "versions: {3: {}}\n",
            live({}, champion=3),
            {"@champion": 3},
        ),
        (  # what is apart changes nothing
            "versions: {4: {aliases: [champion]}, 3: {}}\n",
            live({4: "Production"}, champion=3),
            {"@champion": 4},
        ),
        (  # half of it is live elsewhere
            "versions: {4: {stage: Production}, 3: {}}\n",
            live({}, champion=3),
            {"v3 stage": "Production", "v4 stage": "None"},
        ),
    ],
)
def test_an_update_keeps_the_form_of_the_file(
    text: str, model: Live, update: Mapping[str, Value]
) -> None:
    file = BridgedFile(ONE, text.encode(), complete(read(text.encode(), ONE), ONE))
    after, _ = updated(file, model)
    fields = as_written(after.declaration).fields
    assert {str(address): value for address, value in fields.items()} == update
