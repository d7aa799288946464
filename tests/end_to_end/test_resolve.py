"""Which version a name resolves to, as `Reconciler.resolve` returns it."""

from dataclasses import FrozenInstanceError

import pytest

import reconciler
from reconciler import DeclarationError, UsageError
from tests.support.repositories.reading_lab import Desk, desk_fixture, shared_fixture  # noqa: F401  fixtures


@pytest.mark.parametrize(
    "name", ["{}", "{}/2", "{}/v2", "{}/Production", "{}@champion", "models:/{}@champion"]
)
def test_every_spelling_resolves_to_the_version(shared: Desk, name: str) -> None:
    model = shared.model
    found = shared.r.resolve(name.format(model))
    assert found == reconciler.ResolvedVersion(
        model=model,
        version=2,
        stage="Production",
        aliases=("champion",),
        source="s3://bucket/2",
        run_id=None,
        tags={"risk": "low"},
        description="Better",
        status="READY",
    )
    assert found.uri == f"models:/{model}/2"
    assert found.to_text() == f"models:/{model}/2\n"
    assert shared.r.resolve(found.uri) == found


def test_a_resolved_version_is_a_frozen_value_and_a_document(shared: Desk) -> None:
    model = shared.model
    found = shared.r.resolve(f"{model}/1")
    run_id = found.run_id
    assert run_id
    assert found.source
    assert found.source.endswith("/model")
    assert found.to_dict() == {
        "format_version": "1",
        "model": model,
        "version": 1,
        "stage": "Archived",
        "aliases": [],
        "source": found.source,
        "run_id": run_id,
        "tags": {"risk": "high"},
        "description": "",
        "status": "READY",
        "digest": None,
        "artifact_uri": None,
        "commit": None,
        "uri": f"models:/{model}/1",
    }
    assert len({found, shared.r.resolve(f"{model}/1"), shared.r.resolve(model)}) == 2
    with pytest.raises(FrozenInstanceError):
        found.version = 2  # type: ignore[misc]  # what must not be


def test_what_serves_is_what_the_settings_say_whatever_the_models_files_say(desk: Desk) -> None:
    model = desk.model
    settings = {"registry-state/reconciler.yaml": "serving: {alias: shadow}\n"}
    desk.lab.git.commit(settings | {f"registry-state/{model}.yaml": "versions: ["})
    with pytest.raises(UsageError) as caught:
        desk.r.resolve(model)
    assert caught.value.message == f"no version of `{model}` serves (@shadow)"
    assert caught.value.hint == f"it has Archived v1; Production v2; name one: `{model}/2`"
    desk.lab.hand.alias(model, "shadow", 1)
    assert desk.r.resolve(model).version == 1
    with pytest.raises(DeclarationError):
        desk.r.show(model)


def test_of_several_versions_in_a_stage_the_highest_is_taken_with_a_warning(desk: Desk) -> None:
    model = desk.model
    desk.lab.hand.stage(model, 1, "Production")
    assert desk.r.resolve(f"{model}/Production").version == 2
    assert desk.warned == ["Production holds more than one version: v2 is taken, not v1"]
    desk.warned.clear()
    desk.r.compare(model, "Production", 1)
    assert desk.warned == ["Production holds more than one version: v2 is shown, not v1"]
