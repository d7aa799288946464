"""A digest in a file goes the whole way, on a server of any age: refused, applied, told, let go."""

import pytest

from tests.support.registries.lab import Lab
from tests.support.registries.model_folders import MODEL, ModelFolders, digest_of

SETTINGS = "registry-state/reconciler.yaml"
PINNED = "policies:\n  - {name: pinned-bytes, on: {stage: Production}, digest: required}\n"


@pytest.fixture(name="folders")
def folders_fixture(lab: Lab) -> ModelFolders:
    return ModelFolders(lab.hand)


def declares(version: int, digest: str | None) -> str:
    """Return a file that puts a version into Production, with its digest where one is given."""
    pin = f", digest: {digest}" if digest else ""
    return f"versions:\n  {version}: {{stage: Production{pin}}}\n"


def test_a_declared_digest_goes_the_whole_way(lab: Lab, folders: ModelFolders) -> None:
    model = lab.model(0)
    file = f"registry-state/{model}.yaml"
    files = {**MODEL, "number": b"2"}
    assert (folders.register(model), folders.register(model, files)) == (1, 2)
    lab.git.commit({file: declares(1, digest_of(MODEL))}, "begin")
    assert lab.run("apply", "--yes").code == 0
    then_archived = "  1: {stage: Archived}\n"

    lab.git.commit({SETTINGS: PINNED, file: declares(2, None) + then_archived})
    refused = lab.run("plan", "--format", "json")
    assert refused.code == 4
    (violation,) = refused.document["violations"]
    assert violation["message"] == f"v2 → Production: v2 declares no `digest` ({file}:2)"
    assert f"`reconciler digest {model}/2`" in violation["hint"]

    lab.git.commit({file: declares(2, digest_of(MODEL)) + then_archived})
    other = lab.run("plan", "--format", "json")
    assert other.code == 3
    assert "does not have the approved bytes" in other.document["errors"][0]["message"]

    printed = lab.run("digest", f"{model}/2").stdout.split()[0]
    assert printed == digest_of(files)
    lab.git.commit({file: declares(2, printed) + then_archived}, "promote")
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model)["v2 stage"] == "Production"
    assert lab.run("drift").code == 0
    told = lab.run("history", model).stdout
    assert "v2 digest changed" in told

    lab.git.commit({file: declares(2, None)}, "leave it out")
    assert lab.run("plan", "--format", "json").document["changes"] == []
    assert lab.run("plan", "--all-policies").code == 4
    assert "v2 digest no longer declared" in lab.run("history", model).stdout
