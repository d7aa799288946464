"""`reconciler resolve`: what serves by git and by the registry, for systems that read files."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

import reconciler
from reconciler import DeclarationError, OutOfStep, Refused
from tests.support.repositories.reading_lab import Desk, desk_fixture, shared_fixture  # noqa: F401  fixtures

_DIGEST = "sha256:" + "a" * 64


def _redeclare(desk: Desk, text: str) -> None:
    desk.lab.git.commit({f"registry-state/{desk.model}.yaml": text})


def test_every_format_says_the_same_version(shared: Desk, tmp_path: Path) -> None:
    model, name = shared.model, f"{shared.model}@champion"
    assert shared.command("resolve", name).stdout == f"models:/{model}/2\n"
    document = shared.command("resolve", name, "--format", "json").document
    assert document == {
        **shared.r.resolve(name).to_dict(),
        "artifact_uri": "s3://bucket/2",
        "commit": shared.lab.git.git("rev-parse", "HEAD").strip(),
        "errors": [],
        "exit": {"code": 0, "reason": None},
    }
    told = {
        "MODEL_NAME": model,
        "MODEL_VERSION": "2",
        "MODEL_URI": f"models:/{model}/2",
        "MODEL_ARTIFACT_URI": "s3://bucket/2",
        "MODEL_DIGEST": "",
        "MODEL_RUN_ID": "",
        "MODEL_STAGE": "Production",
    }
    env, dotenv = (tmp_path / kind for kind in ("env", "dotenv"))
    for file in (env, dotenv):
        done = shared.command("resolve", name, "--format", file.name, "--write", str(file))
        assert (done.code, done.stderr) == (0, f"wrote `{file}`\n")
        assert file.read_text() == done.stdout
    printed = subprocess.run(
        ["sh", "-euc", f". {env}; env"], capture_output=True, text=True, check=True
    ).stdout
    assert {f"{key}={value}" for key, value in told.items()} <= set(printed.splitlines())
    assert dotenv_values(dotenv) == told
    service: Any = yaml.safe_load(shared.command("resolve", name, "--format", "kserve").stdout)
    assert service["spec"]["predictor"]["model"]["storageUri"] == "s3://bucket/2"


def test_where_kserve_cannot_read_the_files_nothing_is_printed(shared: Desk) -> None:
    done = shared.command("resolve", f"{shared.model}/1", "--format", "kserve")
    assert (done.code, done.stdout) == (1, "")
    assert "which KServe cannot read" in done.stderr


@pytest.mark.parametrize("by", ["git", "hand"])
def test_while_git_declares_another_version_nothing_is_printed_or_written(
    desk: Desk, by: str, tmp_path: Path
) -> None:
    model = desk.model
    if by == "git":
        _redeclare(
            desk,
            "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Archived}}",
        )
        live, declared = 2, 1
    else:
        desk.lab.hand.alias(model, "champion", 1)
        live, declared = 1, 2
    file = tmp_path / "model.env"
    done = desk.command("resolve", f"{model}@champion", "--format", "env", "--write", str(file))
    assert (done.code, done.stdout, file.exists()) == (5, "", False)
    message = f"`{model}@champion` is v{live} in the registry, and git declares v{declared}"
    assert message in done.stderr
    assert f"`reconciler plan --model {model}`" in done.stderr
    assert f"`reconciler drift {model}`" in done.stderr
    assert desk.r.resolve(f"{model}@champion").version == live, "unless that is asked"
    with pytest.raises(OutOfStep):
        desk.r.resolve(f"{model}@champion", declared=True)
    assert desk.command("resolve", f"{model}/{live}").code == 0, "a number is itself"
    offline = desk.command("resolve", f"{model}@champion", "--offline")
    assert offline.stdout == f"models:/{model}/{declared}\n"


def test_what_no_live_version_is_yet_is_out_of_step_too(desk: Desk) -> None:
    model = desk.model
    _redeclare(desk, "versions: {2: {stage: Production, aliases: [champion, next]}}")
    done = desk.command("resolve", f"{model}@next")
    assert done.code == 5
    assert f"git declares v2 for `{model}@next`" in done.stderr


def test_what_git_does_not_declare_is_told(desk: Desk) -> None:
    model, other = desk.model, desk.lab.model(1)
    desk.lab.hand.alias(model, "shadow", 1)
    desk.lab.hand.stage(other, 1, "Production")
    done = desk.command("resolve", f"{model}@shadow")
    assert (done.code, done.stdout) == (0, f"models:/{model}/1\n")
    assert f"git does not declare `{model}@shadow`: nobody approved v1 there" in done.stderr
    done = desk.command("resolve", other, "-o", "json")
    assert (done.code, done.document["commit"]) == (0, None)
    assert f"git does not declare the model `{other}`: nobody approved v1" in done.stderr
    assert desk.command("resolve", f"{model}@nosuch").code == 1


def test_a_pin_that_fails_and_a_block_refuse(desk: Desk) -> None:
    model = desk.model
    _redeclare(
        desk,
        "versions:\n"
        "  1: {stage: Archived, blocked: it leaks}\n"
        "  2: {stage: Production, aliases: [champion], run_id: another}\n",
    )
    with pytest.raises(DeclarationError, match="1 problem") as pinned:
        desk.r.resolve(model, declared=True)
    assert "its run_id is ``, but the file pins `another`" in pinned.value.problems[0].message
    for offline in (False, True):
        with pytest.raises(Refused, match="v1 is blocked in git: it leaks"):
            desk.r.resolve(f"{model}/1", declared=not offline, offline=offline)
    assert desk.command("resolve", model).code == 3
    assert desk.command("resolve", f"{model}/1").code == 4


def test_offline_the_files_answer_and_no_registry_is_named(desk: Desk) -> None:
    model = desk.model
    _redeclare(
        desk,
        f"versions:\n  3: {{aliases: [champion], run_id: r1, digest: {_DIGEST!r}}}\n"
        "  2: {stage: Production, source: 's3://key:secret@bucket/2'}\n",
    )
    r = reconciler.open(root=desk.lab.git.root, environ={}, warn=desk.warned.append)
    found = r.resolve(f"{model}@champion", offline=True)
    assert (found.version, found.stage, found.status) == (3, "", "")
    assert (found.run_id, found.digest, found.artifact_uri) == ("r1", _DIGEST, None)
    assert found.commit == desk.lab.git.git("rev-parse", "HEAD").strip()
    served = r.resolve(model, offline=True)
    assert (served.version, served.stage, served.artifact_uri) == (2, "Production", "s3://bucket/2")
    (desk.lab.git.root / f"registry-state/{model}.yaml").write_text(
        "versions: {2: {stage: Staging}}"
    )
    edited = r.resolve(f"{model}/2", offline=True)
    assert (edited.stage, edited.commit) == ("Staging", None)
    assert desk.warned == [f"`registry-state/{model}.yaml` is not as the commit has it: commit it"]
    with pytest.raises(reconciler.UsageError, match=f"git declares no model `{model}x`") as caught:
        r.resolve(f"{model}x", offline=True)
    assert caught.value.hint == f"did you mean `{model}`?"
    with pytest.raises(reconciler.UsageError) as caught:
        r.resolve("another", offline=True)
    assert caught.value.hint == "`reconciler import MODEL` declares what is live"


def test_a_file_is_written_where_it_changes_and_compared_without(
    desk: Desk, tmp_path: Path
) -> None:
    model, file = desk.model, tmp_path / "model.json"
    asked = ("resolve", model, "--format", "json")
    missing = desk.command(*asked, "--check", str(file))
    assert (missing.code, missing.document["missing"]) == (2, True)
    assert missing.stderr == f"`{file}` does not exist: `--write` makes it\n"
    assert desk.command(*asked, "--write", str(file)).stderr == f"wrote `{file}`\n"
    before = file.stat()
    desk.lab.git.commit({"README.md": "a commit that changes no model\n"})
    again = desk.command(*asked, "--write", str(file))
    assert (again.stderr, again.document["version"]) == (f"unchanged: `{file}`\n", 2)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert desk.command(*asked, "--check", str(file)).document["exit"]["code"] == 0
    desk.lab.hand.describe(model, 2, "Best")
    differs = desk.command(*asked, "--check", str(file)).document
    assert differs["exit"] == {"code": 2, "reason": "changes"}
    assert '- "description": "Better",\n+ "description": "Best",\n' in differs["difference"]
    assert differs["difference"].startswith(f"--- a/{file}\n+++ b/{file}\n")
    file.write_bytes(f"models:/{model}/2".encode())
    text = desk.command("resolve", model, "--check", str(file))
    assert (text.code, text.stdout.count("\\ No newline")) == (2, 1)
    assert file.read_bytes() == f"models:/{model}/2".encode(), "nothing was written"


def test_a_file_of_the_state_folder_or_of_git_is_never_written(desk: Desk, tmp_path: Path) -> None:
    model, root = desk.model, desk.lab.git.root
    held = (root / f"registry-state/{model}.yaml").read_bytes()
    for place, said in (
        (root / f"registry-state/{model}.yaml", "is in the state folder"),
        (root / ".git" / "config", "is in git's own folder"),
        (tmp_path / "no" / "such", "No such file or directory; nothing was changed"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        done = desk.command("resolve", model, "--write", str(place))
        assert (done.code, done.stdout) == (1, "")
        assert said in done.stderr
    both = desk.command("resolve", model, "--write", "a", "--check", "a")
    assert (both.code, "name one" in both.stderr) == (1, True)
    assert (root / f"registry-state/{model}.yaml").read_bytes() == held
