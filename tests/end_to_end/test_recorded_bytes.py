"""What an apply read of the approved bytes: in the record, and wherever people look for it."""

import csv
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.core.facts import Signature
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab
from tests.support.registries.servers import MlflowSeeds

REF = "refs/notes/reconciler"
OLD = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\0" * 4_000}
NEW = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\1" * 5_000}


def folder_of(lab: Lab, model: str, version: int) -> Path:
    path = "model-versions/get-download-uri"
    uri = lab.hand.call("GET", path, name=model, version=str(version))["artifact_uri"]
    return Path(urlsplit(uri).path)


def log(lab: Lab, model: str, files: Mapping[str, bytes]) -> str:
    """Register the next version, with these files, and return its digest."""
    version = MlflowSeeds(lab.uri).log_version(model, signature=Signature())
    folder = folder_of(lab, model, version)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return lab.run("digest", f"{model}/{version}").stdout.split()[0]


@pytest.fixture(name="desk")
def _desk(lab: Lab) -> tuple[Lab, str, str, str]:
    """Serve v1, then v2, each with its digest; both applies are recorded. v3 is a copy of v2."""
    lab.git.commit({"registry-state/reconciler.yaml": "branch: main\n"}, "settings")
    model = lab.model(0)
    old, new, copy = (log(lab, model, files) for files in (OLD, NEW, NEW))
    assert old != new == copy
    one = f"  1: {{stage: Production, aliases: [champion], digest: '{old}'}}\n"
    two = f"  2: {{stage: Production, aliases: [champion], digest: '{new}'}}\n"
    archived = one.replace("Production, aliases: [champion]", "Archived")
    lab.declare(model, f"versions:\n{one}", "Serve v1 (#1)")
    assert lab.run("apply", "--yes", "--record").code == 0
    lab.declare(model, f"versions:\n{two}{archived}", "Serve v2 (#2)")
    assert lab.run("apply", "--yes", "--record").code == 0
    return lab, model, old, new


def test_what_an_apply_read_is_in_its_record_and_in_every_answer(
    desk: tuple[Lab, str, str, str],
) -> None:
    lab, model, old, new = desk
    [record] = [json.loads(lab.git.git("notes", f"--ref={REF}", "show", "HEAD"))]
    [read] = lab.run("digest", f"{model}/2", "--files", "--format", "json").document["digests"]
    listing = [[file["path"], file["size"], file["sha256"]] for file in read["listing"]]
    entered = {"version": 2, "digest": new, "files": 2, "size": 5_012}
    assert record["bytes"] == [{"model": model, **entered, "listing": listing}], "v1 only left"

    # history
    done = lab.run("history", model, "--format", "json").document["changes"][1]
    assert (done["bytes"], done["applied"][0]["bytes"]) == ([entered], [entered])
    text = lab.run("history", model).stdout
    assert f"v2 {new[:15]}… (2 files, 5.0 KB)" in text
    [*_, last] = csv.DictReader(io.StringIO(lab.run("history", model, "--format", "csv").stdout))
    assert last["bytes"] == f"v2 {new}"
    at = opened(lab).history(model, at="2100-01-01")
    assert at.to_dict()["serving"]["digest"] == new
    assert f"{new[:15]}… (2 files, 5.0 KB)" in at.to_text()
    at.columns = 80
    assert max(map(len, at.to_text().splitlines())) <= 80

    # show
    shown = lab.run("show", f"{model}/2").stdout.splitlines()
    [digest] = [line.split() for line in shown if line.startswith("  digest ")]
    [what] = [line for line in shown if line.startswith("  bytes ")]
    assert digest == ["digest", new]
    assert "2 files, 5.0 KB, as the apply of 20" in what
    version = lab.run("show", f"{model}/1", "--format", "json").document["version"]
    assert (version["digest"], version["bytes"]["declared"]) == (old, old)
    assert version["bytes"]["read"]["size"] == 4_012
    assert lab.run("show", f"{model}/3", "--format", "json").document["version"]["bytes"] == {
        "declared": None,
        "read": None,
    }

    # audit: the registry is shared with other tests, so git is asked alone
    audit = lab.run("audit", "--format", "json", env={"MLFLOW_TRACKING_URI": ""}).document
    assert [row["bytes"] for row in audit["changes"]][1] == [entered]
    assert {found["kind"] for found in audit["findings"]} == {"unapproved"}


def test_an_audit_finds_the_file_that_was_swapped_under_what_serves(
    desk: tuple[Lab, str, str, str],
) -> None:
    lab, model, *_ = desk
    file = folder_of(lab, model, 2) / "data/weights.bin"

    def found(*arguments: str) -> list[str]:
        done = lab.run("audit", "--format", "json", *arguments)
        assert done.code == 2, done.text
        rows = [row for row in done.document["findings"] if row["model"] == model]
        return [row["message"] for row in rows if row["kind"] == "other-bytes"]

    assert found("--bytes") == []
    file.write_bytes(b"\2" * 5_000)
    swapped = f"`{model}` v2 does not have the approved bytes: `data/weights.bin` changed"
    assert (found(), found("--bytes")) == ([], [swapped]), "sizes tell nothing of it"
    file.write_bytes(b"\2" * 5_001)
    assert found() == [swapped]
    file.unlink()
    assert found() == [swapped.replace("changed", "missing")]
    shutil.rmtree(file.parents[1])
    unread = lab.run("audit", "--bytes", "--format", "json")
    assert unread.code == 6, "what could not be read is never fine"
    [problem] = [row for row in unread.document["errors"] if row["model"] == model]
    assert f"whether `{model}` v2 has the approved bytes is not known" in problem["message"]


def test_versions_are_compared_by_what_git_knows_of_their_bytes(
    desk: tuple[Lab, str, str, str],
) -> None:
    lab, model, old, new = desk

    def compared(one: int, other: int) -> tuple[str | None, str]:
        document = lab.run("compare", model, str(one), str(other), "--format", "json").document
        text = lab.run("compare", model, str(one), str(other)).stdout
        rows = [line for line in text.splitlines() if line.startswith("    digest ")]
        return document["comparison"]["bytes"], " ".join(rows[0].split()) if rows else ""

    short, shorter = old[:15], new[:15]
    assert compared(1, 2) == ("other", f"digest {short} {shorter} other bytes")
    assert compared(2, 3) == (None, f"digest {shorter} -"), "nobody declared or applied v3"
    lab.declare(model, f"versions: {{3: {{digest: '{new}', stage: Production}}}}", "Serve v3")
    assert compared(2, 3) == ("same", f"digest {shorter} {shorter} the same bytes"), (
        "the record knows v2"
    )


def test_a_version_that_was_registered_again_was_never_read(
    desk: tuple[Lab, str, str, str],
) -> None:
    lab, model, *_ = desk
    assert lab.run("show", f"{model}/2", "--format", "json").document["version"]["bytes"]["read"]
    lab.hand.call("DELETE", "registered-models/delete", name=model)
    lab.hand.register(model, 3)
    assert not lab.run("show", f"{model}/2", "--format", "json").document["version"]["bytes"][
        "read"
    ]
