"""`reconciler digest`: what the files of versions hash to now, and what git declares for them."""

import hashlib
import json
import re
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import reconciler
from reconciler.core.facts import Signature
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.raw_servers import slow_model
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab

_SOON = 2.0  # seconds: it takes one, and another one where the machine is busy
_FILES = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\0" * 1234, "empty": b""}
_OTHER = {"MLmodel": b"flavors: {}\n", "data/weights.bin": b"\1" * 1234}


def _digest(files: Mapping[str, bytes]) -> str:
    """Return the digest by the format's own words, for files whose names sort as their paths."""
    raw = b"".join(hashlib.sha256(files[name]).digest() for name in sorted(files))
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _folder(lab: Lab, model: str, version: int) -> Path:
    path = "model-versions/get-download-uri"
    uri = lab.hand.call("GET", path, name=model, version=str(version))["artifact_uri"]
    return Path(urlsplit(uri).path)


def _log(lab: Lab, model: str, files: Mapping[str, bytes]) -> int:
    """Register a version that has these files, and none where there are none."""
    version = MlflowSeeds(lab.uri).log_version(model, signature=Signature())
    folder = _folder(lab, model, version)
    (folder / "MLmodel").unlink()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return version


@pytest.fixture(name="model")
def _model(lab: Lab) -> str:
    """Register a model with two versions; the first serves, the second is in Staging."""
    model = lab.model(0)
    for files in (_FILES, _OTHER):
        _log(lab, model, files)
    lab.hand.stage(model, 1, "Production")
    lab.hand.stage(model, 2, "Staging")
    lab.hand.alias(model, "champion", 1)
    return model


def test_one_version_is_one_line_that_needs_neither_files_nor_git(
    lab: Lab, model: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    for name in ("", "/1", "/v1", "/Production", "@champion"):
        done = lab.run("digest", model + name, cwd=outside)
        assert (done.code, done.stdout) == (0, f"{_digest(_FILES)}  {model}/1\n")
    assert lab.run("digest", f"models:/{model}/2", cwd=outside).stdout.startswith(_digest(_OTHER))
    assert not list(outside.iterdir())


def test_a_version_that_is_named_twice_is_read_once(lab: Lab, model: str) -> None:
    lab.git.commit()
    names = (f"{model}/Staging", model, f"{model}/2", f"{model}@champion", f"{model}/2")
    once = lab.run("digest", f"{model}/2", "--format", "json").document
    done = lab.run("digest", *names, "--format", "json")
    assert done.code == 0
    told = [line.partition(" in ")[0] for line in sorted(done.stderr.splitlines())]
    assert told == [f"read {model} v1: 3 files, 1.2 KB", f"read {model} v2: 2 files, 1.2 KB"]
    assert lab.run("digest", *names, "-q").stderr == ""
    assert [(row["version"], row["digest"]) for row in done.document["digests"]] == [
        (2, _digest(_OTHER)),
        (1, _digest(_FILES)),
    ]
    assert done.document["digests"][0] == once["digests"][0]
    assert done.document == opened(lab).digest(names).to_dict() | {
        "exit": {"code": 0, "reason": None}
    }


def test_a_program_is_told_how_far_it_is(lab: Lab, model: str) -> None:
    told: list[reconciler.BytesProgress] = []
    r = reconciler.open(root=lab.git.root, registry_uri=lab.uri, on_reading=told.append)
    assert r.digest(f"{model}/1").code == 0
    last = reconciler.BytesProgress(model, 1, 1246, 1246, is_over=True, files=3, is_read=True)
    assert told[-1] == last
    assert [state.done for state in told] == sorted(state.done for state in told)


def test_every_file_is_listed_with_its_size_and_digest(lab: Lab, model: str) -> None:
    lab.git.commit()
    done = lab.run("digest", model, "--files", "--format", "json").document
    [row] = done["digests"]
    assert (row["files"], row["size"], row["declared"]) == (3, 1246, None)
    assert row["listing"] == [
        {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(_FILES.items())
    ]
    assert row == opened(lab).digest(model, files=True).to_dict()["digests"][0]
    text = lab.run("digest", model, "--files").stdout.splitlines()
    assert text[0] == f"{_digest(_FILES)}  {model}/1"
    assert [line.split()[1:] for line in text[1:]] == [
        ["BYTES", "FILE"],
        ["12", "MLmodel"],
        ["1,234", "data/weights.bin"],
        ["0", "empty"],
    ]
    assert "listing" not in lab.run("digest", model, "-o", "json").document["digests"][0]


def test_it_says_whether_git_declares_that_digest_and_judges_nothing(lab: Lab, model: str) -> None:
    lab.declare(
        model,
        "versions:\n"
        f"  1: {{stage: Production, digest: {_digest(_FILES)!r}}}\n"
        f"  2: {{stage: Staging, digest: {_digest(_FILES)!r}}}\n",
    )
    done = lab.run("digest", model, f"{model}/2")
    assert done.code == 0
    assert done.stdout.splitlines() == [
        f"{_digest(_FILES)}  {model}/1",
        f"  ✓ as declared in registry-state/{model}.yaml",
        f"{_digest(_OTHER)}  {model}/2",
        f"  ✗ registry-state/{model}.yaml declares",
        f"    {_digest(_FILES)}",
    ]
    rows = lab.run("digest", model, f"{model}/2", "-o", "json").document["digests"]
    assert [row["declared"] for row in rows] == [_digest(_FILES)] * 2


def test_what_could_be_read_is_printed_and_the_rest_are_errors(lab: Lab, model: str) -> None:
    lab.git.commit()
    gone, _ = _folder(lab, model, _log(lab, model, {})), _log(lab, model, {})
    gone.rmdir()
    names = (f"{model}/{version}" for version in (3, 4, 1))
    done = lab.run("digest", *names, "--format", "json")
    assert done.code == 6
    assert done.document["exit"] == {"code": 6, "reason": "registry"}
    assert [row["version"] for row in done.document["digests"]] == [1]
    messages = [error["message"] for error in done.document["errors"]]
    unread = f"the files of `{model}` v{{}} cannot be read: "
    assert messages[0].startswith(f"{unread.format(3)}`{gone}` cannot be read: no such file")
    assert re.match(unread.format(4) + ".* holds no file of a model", messages[1])
    assert {error["model"] for error in done.document["errors"]} == {model}
    text = lab.run("digest", f"{model}/3", model)
    assert (text.code, text.stdout) == (6, f"{_digest(_FILES)}  {model}/1\n")
    assert unread.format(3) in text.stderr
    r = opened(lab)
    assert repr(r.digest(f"{model}/3")) == (
        "<reconciler.VersionDigests: no versions read, 1 cannot be read>"
    )
    assert repr(r.digest(model, files=True)) == "<reconciler.VersionDigests: 1 version read>"


def test_names_that_mean_nothing_are_told_at_once_and_nothing_is_read(lab: Lab, model: str) -> None:
    lab.git.commit()
    other = lab.model(1)
    done = lab.run("digest", model, f"{model}/9", other, "--format", "json")
    assert done.code == 1
    assert list(done.document) == ["format_version", "errors", "exit"]
    assert [error["message"] for error in done.document["errors"]] == [
        f"`{model}` has no version 9",
        f"no version of `{other}` serves (Production)",
    ]
    for name in (f"{model}/9", f"{model}@champoin", model[1:]):
        shown, digested = (lab.run(command, name, "-o", "json") for command in ("show", "digest"))
        assert (digested.code, digested.document) == (shown.code, shown.document)
    assert lab.run("digest").code == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_signal_ends_a_reading_at_once_and_nothing_of_it_is_printed(
    tmp_path: Path, number: int, format_: str
) -> None:
    asked = threading.Event()
    with slow_model(1_000_000_000, asked) as uri:
        lab = Lab(GitLab.new(tmp_path), uri, Hand(uri))
        with lab.started("digest", "m", "--format", format_) as process:
            assert asked.wait(60), "the file was not asked for"
            begun = time.monotonic()
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=60)
            took = time.monotonic() - begun
    assert took < _SOON
    assert process.returncode == 128 + number
    assert stderr.strip() == "interrupted"
    if format_ == "json":
        document = json.loads(stdout)
        assert [error["message"] for error in document["errors"]] == ["interrupted"]
        assert document["exit"]["code"] == 128 + number
    else:
        assert stdout == ""
