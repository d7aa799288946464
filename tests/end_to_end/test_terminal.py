"""At a real terminal: the question, colours, and a late commit that is not an accident there."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.render.table import width
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.raw_servers import slow_model
from tests.support.repositories.git_lab import GitLab

_V1 = "versions: {1: {stage: Production, aliases: [blue]}}"
_V2 = "versions: {2: {stage: Production, aliases: [blue]}}"


def _typed(
    lab: Lab,
    *arguments: str,
    answer: str = "",
    columns: int = 0,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a command at a terminal, type an answer, and return the code and what was shown.

    A terminal with 0 columns does not say how wide it is.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=lab.git.root,
        env={**lab.git.env, "MLFLOW_TRACKING_URI": lab.uri, "TERM": "xterm", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass  # Linux says so when the last process at the terminal is gone
    finally:
        os.close(ours)
    return process.wait(30), shown.decode()


def test_a_no_writes_nothing_and_a_yes_does(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    code, shown = _typed(lab, "apply", answer="n")
    assert code == 1
    assert "Write 2 changes" in shown
    assert "nothing was written" in shown
    assert lab.hand.values(model) == {}

    code, shown = _typed(lab, "apply", answer="y")
    assert code == 0
    assert "2 of 2 changes applied" in shown
    assert lab.hand.values(model) == {"v1 stage": "Production", "@blue": 1}


def test_forget_asks_and_tells_that_the_file_takes_the_model_back(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    code, shown = _typed(lab, "forget", model, answer="n")
    assert code == 1
    assert f"Stop managing 1 model ({model})?" in shown
    told = " ".join(shown.split())  # it goes on at a word where the terminal ends
    assert f"remove registry-state/{model}.yaml and merge that first" in told
    assert lab.hand.recorded(model) is not None
    assert _typed(lab, "forget", model, answer="y")[0] == 0
    assert lab.hand.recorded(model) is None


def test_a_takeover_is_asked_for_with_its_owners(lab: Lab) -> None:
    models = [lab.model(1), lab.model(1)]
    for model in models:
        lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    lab.git.move("registry-state", "models")
    code, shown = _typed(lab, "apply", "--state", "models", "--adopt", "lab-*", answer="n")
    assert code == 1
    assert "Take over 2 models from `registry-state`. Record this commit on 2 models in" in shown


@pytest.mark.parametrize(("term", "is_told"), [("xterm", True), ("dumb", False)])
def test_how_far_an_apply_is_goes_again_when_it_is_done(
    lab: Lab, term: str, *, is_told: bool
) -> None:
    lab.declare(lab.model(1), _V1)
    code, shown = _typed(lab, "apply", "--yes", env={"TERM": term})
    assert code == 0
    steps = [f"\r\x1b[2Kapplying: {done} of 2 changes" for done in range(3)]
    assert ("".join(steps) + "\r\x1b[2K" in shown) is is_told
    assert ("\x1b[2K" in shown) is is_told


@pytest.mark.parametrize(("term", "is_told"), [("xterm", True), ("dumb", False)])
def test_how_far_a_reading_is_goes_again_before_its_digest_is_printed(
    tmp_path: Path, term: str, *, is_told: bool
) -> None:
    with slow_model(2_000_000, threading.Event()) as uri:
        lab = Lab(GitLab.new(tmp_path), uri, Hand(uri))
        code, shown = _typed(lab, "digest", "m", columns=80, env={"TERM": term})
    assert code == 0
    *steps, last = shown.replace("\r\n", "\n").split("\r\x1b[2K")
    steps = [step for step in steps if step.strip()]  # what was typed
    if is_told:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}  m/1\n", last)
        assert all(re.fullmatch(r"(reading|listing) m v1  .*", step) for step in steps)
        assert re.search(r"reading m v1  █+░+ +1\.\d of 2\.0 MB +\d\.\d MB/s", "\n".join(steps))
        assert max(map(width, steps)) < 80
    else:
        assert not steps
        assert re.search(r"\nread m v1: 1 file, 2\.0 MB in \d\.\d s\nsha256:", last)


def test_a_late_commit_is_an_error_for_who_looks_on(lab: Lab) -> None:
    model = lab.model(2)
    older = lab.declare(model, _V1)
    lab.declare(model, _V2)
    assert lab.run("apply", "--yes").code == 0
    before = lab.hand.holds(model)
    lab.git.checkout(older)
    code, shown = _typed(lab, "apply", "--yes")
    assert code == 5
    assert "rollback" in shown
    assert lab.hand.holds(model) == before


@pytest.mark.parametrize(
    ("arguments", "env", "coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    lab: Lab, arguments: list[str], env: dict[str, str], *, coloured: bool
) -> None:
    lab.declare(lab.model(1), _V1)
    code, shown = _typed(lab, "plan", *arguments, env=env)
    assert code == 0
    assert ("\x1b[33m" in shown or "\x1b[32m" in shown) is coloured


@pytest.mark.parametrize("arguments", [("validate",), ("validate", "--format", "json")])
def test_a_full_disk_behind_stdout_is_said_and_is_no_bug(
    lab: Lab, arguments: tuple[str, ...]
) -> None:
    lab.declare("m", _V1)
    with open("/dev/full", "w") as full:  # noqa: PTH123  a device, and not a file
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=lab.git.root,
            env=lab.git.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "stdout cannot be written to: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("columns", "least"), [(60, 60), (0, 80)])
def test_tables_have_the_terminals_width_and_a_pipe_has_everything(
    lab: Lab, columns: int, least: int
) -> None:
    model = f"{lab.model(0)}-不正検知-{'long-' * 20}v2"
    lab.hand.register(model, 1)
    for alias in ("an-alias-of-some-length", "and-another-one-of-its-kind"):
        lab.hand.alias(model, alias, 1)
    lab.git.commit({"registry-state/m.yaml": f"model: {model}\n{_V1}\n"}, "Promote it")
    for arguments in (("status", model), ("history", model)):
        code, shown = _typed(lab, *arguments, columns=columns)
        assert code == 0
        begins = ("MODEL", "MERGED", "not shown here")
        rows = [row for row in shown.splitlines() if row.startswith(begins) or "…" in row]
        assert len(rows) >= 2, "the header, and one line for each row"
        assert max(map(width, rows)) <= least
        piped = lab.run(*arguments).stdout
        assert model in piped
        assert "…" not in piped


def test_status_is_drawn_again_until_somebody_has_seen_enough(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "status", model, "--watch", "--interval", "1"],
        cwd=lab.git.root,
        env={**lab.git.env, "MLFLOW_TRACKING_URI": lab.uri, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while b"out of sync" not in shown:
            shown += os.read(ours, 4096)
        lab.hand.stage(model, 1, "Production")
        lab.hand.alias(model, "blue", 1)
        while b"Production  @blue    in sync" not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        os.close(ours)
    assert shown.count(b"\x1b[2J") >= 2
    assert b"Traceback" not in shown


def test_which_version_stays_in_a_stage_is_asked(lab: Lab) -> None:
    model = lab.model(2)
    for version in (1, 2):
        lab.hand.stage(model, version, "Production")
    lab.hand.alias(model, "champion", 1)
    file = lab.git.root / f"registry-state/{model}.yaml"
    code, shown = _typed(lab, "import", model, answer="")
    assert code == 4
    assert "1  @champion, created " in shown
    assert not file.exists()
    code, shown = _typed(lab, "import", model, answer="1")
    assert code == 0
    assert f"`{model}` has several versions in Production. Which one stays? (2, 1, none)" in shown
    assert "1:\n    stage: Production" in file.read_text()
    assert "2:\n    stage: Archived" in file.read_text()
