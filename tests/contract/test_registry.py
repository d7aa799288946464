"""What every registry must do alike: the one in memory, and the real ones."""

import time
from collections.abc import Callable, Mapping

import pytest

from reconciler.core.state import COMMIT_TAG, OWNER_TAG, PROMPT_TAG, Field, aliases, stages
from reconciler.errors import NotFound, Rejected
from reconciler.ports.registry import Registry
from reconciler.registries.responses import RECENT
from tests.support.registries.backends import Backend


def test_a_new_version_has_no_stage_but_none_and_nothing_else(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = backend.model(name(), versions=1)

    assert backend.live(model).fields == {Field("stage", 1): "None"}


def test_everything_that_is_written_is_read_back(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=2), backend.registry

    registry.set_description(model, None, "of the model\nin two lines")
    registry.set_description(model, 2, "of the version")
    registry.set_tag(model, None, "team", "größe ✓")
    registry.set_tag(model, 2, "a/b.c d e-f", "'; DROP TABLE x; --")
    registry.set_alias(model, "champion", 1)
    registry.set_alias(model, "日本", 2)
    assert registry.set_stage(model, 2, "Production").stage == "Production"

    assert backend.live(model).fields == {
        Field("description"): "of the model\nin two lines",
        Field("description", 2): "of the version",
        Field("tag", None, "team"): "größe ✓",
        Field("tag", 2, "a/b.c d e-f"): "'; DROP TABLE x; --",
        Field("alias", None, "champion"): 1,
        Field("alias", None, "日本"): 2,
        Field("stage", 1): "None",
        Field("stage", 2): "Production",
    }


def test_an_empty_tag_is_a_value_and_an_empty_description_is_none(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=1), backend.registry
    registry.set_tag(model, None, "empty", "")
    registry.set_tag(model, 1, "empty", "")
    registry.set_description(model, None, "soon gone")
    registry.set_description(model, 1, "soon gone")

    registry.set_description(model, None, "")
    registry.set_description(model, 1, "")

    assert backend.live(model).fields == {
        Field("tag", None, "empty"): "",
        Field("tag", 1, "empty"): "",
        Field("stage", 1): "None",
    }


def test_removals_remove_and_removing_again_is_fine(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=1), backend.registry
    registry.set_alias(model, "champion", 1)
    registry.set_tag(model, None, "k", "v")
    registry.set_tag(model, 1, "k", "v")

    for _ in range(2):
        registry.delete_alias(model, "champion")
        registry.delete_tag(model, None, "k")
        registry.delete_tag(model, 1, "k")

    assert backend.live(model).fields == {Field("stage", 1): "None"}


def test_an_alias_moves_by_one_write(backend: Backend, name: Callable[..., str]) -> None:
    model, registry = backend.model(name(), versions=2), backend.registry
    registry.set_alias(model, "champion", 1)
    before = registry.requests

    registry.set_alias(model, "champion", 2)

    assert registry.requests == before + 1
    assert aliases(backend.live(model).fields) == {"champion": 2}


def test_a_stage_change_touches_no_other_version(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=3), backend.registry

    for stage, version in (("Production", 1), ("Production", 2), ("Staging", 3), ("Archived", 3)):
        assert registry.set_stage(model, version, stage).stage == stage

    assert stages(backend.live(model).fields) == {1: "Production", 2: "Production", 3: "Archived"}


def test_a_stage_is_answered_in_mlflows_own_spelling(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = backend.model(name(), versions=1)

    assert backend.registry.set_stage(model, 1, "production").stage == "Production"


def test_an_unknown_stage_is_rejected_and_changes_nothing(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = backend.model(name(), versions=1)

    with pytest.raises(Rejected):
        backend.registry.set_stage(model, 1, "Prod")

    assert stages(backend.live(model).fields) == {1: "None"}


_WRITES_TO_A_VERSION: Mapping[str, Callable[[Registry, str, int], object]] = {
    "stage": lambda registry, model, version: registry.set_stage(model, version, "Staging"),
    "alias": lambda registry, model, version: registry.set_alias(model, "a", version),
    "tag": lambda registry, model, version: registry.set_tag(model, version, "k", "v"),
    "no tag": lambda registry, model, version: registry.delete_tag(model, version, "k"),
    "description": lambda registry, model, version: registry.set_description(model, version, "d"),
}
_WRITES_TO_A_MODEL: Mapping[str, Callable[[Registry, str], object]] = {
    "tag": lambda registry, model: registry.set_tag(model, None, "k", "v"),
    "no tag": lambda registry, model: registry.delete_tag(model, None, "k"),
    "no alias": lambda registry, model: registry.delete_alias(model, "a"),
    "description": lambda registry, model: registry.set_description(model, None, "d"),
}


@pytest.mark.parametrize("write", _WRITES_TO_A_VERSION)
def test_a_write_to_a_missing_version_says_so(
    backend: Backend, name: Callable[..., str], write: str
) -> None:
    model = backend.model(name(), versions=1)

    with pytest.raises(NotFound):
        _WRITES_TO_A_VERSION[write](backend.registry, model, 2)
    with pytest.raises(NotFound):
        _WRITES_TO_A_VERSION[write](backend.registry, name("-missing"), 1)

    assert backend.live(model).fields == {Field("stage", 1): "None"}


@pytest.mark.parametrize("write", _WRITES_TO_A_MODEL)
def test_a_write_to_a_missing_model_says_so(
    backend: Backend, name: Callable[..., str], write: str
) -> None:
    with pytest.raises(NotFound):
        _WRITES_TO_A_MODEL[write](backend.registry, name())


def test_a_missing_model_is_absent_from_a_search_and_confirmed_as_missing(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = backend.model(name(), versions=1)
    missing = name("-missing")

    assert list(backend.registry.read([model, missing])) == [model]
    assert backend.registry.confirm(missing, [1]) is None


def test_a_missing_version_is_absent_and_a_deleted_one_too(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = backend.model(name(), versions=2)
    backend.registry.set_alias(model, "champion", 1)

    backend.seeds.delete_version(model, 2)

    confirmed = backend.registry.confirm(model, [1, 2, 3])
    assert confirmed is not None
    assert set(confirmed.versions) == {1}
    assert confirmed.fields == {Field("alias", None, "champion"): 1, Field("stage", 1): "None"}


def test_a_model_without_versions_is_readable(backend: Backend, name: Callable[..., str]) -> None:
    live = backend.live(backend.model(name()))

    assert (live.fields, live.versions, live.unreadable) == ({}, {}, None)


def test_a_version_is_told_from_another_one_of_the_same_number(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = name()
    backend.seeds.create_model(model)
    backend.seeds.create_version(model, run_id="run1", source="s3://bucket/first")
    first = backend.live(model).versions[1]
    backend.seeds.delete_model(model)
    backend.seeds.create_model(model)
    backend.seeds.create_version(model, source="s3://bucket/second")
    second = backend.live(model).versions[1]

    assert (first.identity.run_id, first.identity.source) == ("run1", "s3://bucket/first")
    assert (second.identity.run_id, second.identity.source) == (None, "s3://bucket/second")
    assert first.identity.created is not None
    assert second.identity.created is not None
    assert first.identity.created < second.identity.created
    assert first.status == second.status == "READY"


def test_our_own_tags_are_apart_from_the_fields(backend: Backend, name: Callable[..., str]) -> None:
    model = backend.model(name())
    backend.registry.set_tag(model, None, COMMIT_TAG, "- abc")
    backend.registry.set_tag(model, None, OWNER_TAG, "registry-state")

    live = backend.live(model)

    assert (live.commit, live.recorded, live.owner) == ("- abc", ("-", "abc"), "registry-state")
    assert live.fields == {}


def test_a_prompt_is_flagged(backend: Backend, name: Callable[..., str]) -> None:
    prompt = name()
    backend.seeds.create_model(prompt, tags={PROMPT_TAG: "true"})

    confirmed = backend.registry.confirm(prompt, ())

    assert confirmed is not None
    assert confirmed.is_prompt
    assert not backend.live(backend.model(name("-model"))).is_prompt


@pytest.mark.needs_mlflow("2.21", "prompts")
def test_versions_that_a_search_hides_make_a_model_unreadable_but_not_those_asked_for(
    backend: Backend, name: Callable[..., str]
) -> None:
    model = backend.model(name(), versions=2)
    backend.registry.set_tag(model, 1, PROMPT_TAG, "true")

    found = backend.registry.read([model])[model]
    confirmed = backend.registry.confirm(model, [2])

    assert found.unreadable
    assert not found.versions
    assert confirmed is not None
    assert confirmed.unreadable
    assert set(confirmed.versions) == {2}


_ODD_NAMES = (
    *(
        "with space",
        " leading",
        "trailing ",
        "it's",
        'say "x"',
        'it\'s "both"',
        "100%",
        "_",
        "ü✓日本",
    ),
    *(
        "a\\",
        "a\\nb",
        "tab\there",
        "line\nbreak",
        "a--b",
        "x;y",
        "a,b",
        "(p)",
        "name IN ('a')",
        "`b`",
    ),
    *("?q&r+=@#f", "LIKE", "None", "$1 {x} [y]", "a" * 256),
)


def test_models_are_found_by_whatever_name_they_have(
    backend: Backend, name: Callable[..., str]
) -> None:
    models = [(odd + name())[-256:] if len(odd) < 256 else odd for odd in _ODD_NAMES]
    for number, model in enumerate(models):
        backend.model(model, versions=1)
        backend.registry.set_tag(model, None, "number", str(number))

    found = backend.registry.read(models)

    assert {model: found[model].fields[Field("tag", None, "number")] for model in found} == {
        model: str(number) for number, model in enumerate(models)
    }
    for model in models:
        assert backend.live(model) == found[model]


def test_reading_everything_and_reading_by_name_agree(
    backend: Backend, name: Callable[..., str]
) -> None:
    models = sorted(backend.model(name(f"-{number}"), versions=2) for number in range(3))
    backend.registry.set_alias(models[0], "champion", 2)
    backend.registry.set_stage(models[1], 1, "Staging")

    everything = backend.registry.read()

    assert {model: everything[model] for model in models} == backend.registry.read(models)
    assert backend.registry.read([]) == {}


def test_requests_are_counted(backend: Backend, name: Callable[..., str]) -> None:
    model = backend.model(name(), versions=1)
    backend.registry.read([model])  # opens the registry
    before = backend.registry.requests

    backend.registry.read([model])
    backend.registry.confirm(model, [1])
    backend.registry.set_tag(model, 1, "k", "v")

    assert backend.registry.requests == before + 5


def test_one_read_has_the_model_the_latest_of_each_stage_and_the_versions_asked_for(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=5), backend.registry
    registry.set_alias(model, "champion", 1)
    registry.set_tag(model, None, COMMIT_TAG, "abc")
    registry.set_tag(model, 2, "k", "v")
    for version in (3, 4):
        registry.set_stage(model, version, "Production")
    full = registry.confirm(model, ())
    before = registry.requests

    found = registry.get(model, [2, 4, 9])

    assert registry.requests <= before + 3, "the model, v2, and v9 which does not exist"
    assert full is not None
    assert found is not None
    assert found.commit == "abc"
    assert set(found.versions) == {2, 4, 5}
    here = {None, *found.versions}
    assert found.fields == {at: value for at, value in full.fields.items() if at.version in here}
    assert registry.get(name("-missing"), [1]) is None


def test_a_models_time_changes_with_its_stages_and_versions_and_with_nothing_else_of_them(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=3), backend.registry

    def updated() -> int:
        read = registry.get(model, ())
        assert read is not None
        assert read.updated is not None
        confirmed = registry.confirm(model, ())
        assert confirmed is not None
        assert confirmed.updated == read.updated
        time.sleep(0.002)  # it has milliseconds
        return read.updated

    times = [updated()]
    assert registry.read([model])[model].updated == times[0]
    registry.set_alias(model, "a", 1)
    registry.set_tag(model, 1, "k", "v")
    registry.set_tag(model, None, "k", "v")
    registry.set_description(model, 1, "d")
    registry.delete_alias(model, "a")
    assert updated() == times[0]
    placed = registry.set_stage(model, 2, "Production")
    times.append(updated())
    assert placed.updated == times[-1], "the answer has the same time"
    assert registry.read([model])[model].updated == times[-1]
    backend.seeds.create_version(model)
    times.append(updated())
    backend.seeds.delete_version(model, 1)
    times.append(updated())
    assert times == sorted(set(times))


def test_who_changed_stage_since_a_time_is_told_by_one_request_or_not_at_all(
    backend: Backend, name: Callable[..., str]
) -> None:
    model, registry = backend.model(name(), versions=RECENT + 5), backend.registry
    read = registry.get(model, ())
    assert read is not None
    assert read.updated is not None
    time.sleep(0.002)
    registry.set_stage(model, 1, "Production")
    before = registry.requests

    found = registry.updated_since(model, read.updated + 60_000)

    assert registry.requests == before + 1
    assert found is not None
    assert stages(found.fields)[1] == "Production"
    assert all(field.version for field in found.fields)
    assert registry.updated_since(model, 0) is None, "an earlier one may be on another page"
