"""Runs the command many times in one process of its own, where time and memory are measured."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 2.0
MEGABYTES = 500

# The limits of the process keep a failing test from harming the machine.
_SCRIPT = """
import gc, io, json, os, resource, sys, time
from contextlib import redirect_stderr, redirect_stdout

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
import reconciler.cli.commands.plan, reconciler.cli.commands.validate
from reconciler.cli import run
gc.set_threshold(200_000, 50, 100)  # as the command does

def megabytes():
    # Where there is no such file: a number that begins with the memory of who started us.
    if not os.path.exists("/proc/self/status"):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

for folder, arguments, environ in json.load(sys.stdin):
    os.chdir(folder)
    os.environ.update(environ)
    out, err = io.StringIO(), io.StringIO()
    begun, cpu = time.monotonic(), time.process_time()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    print(json.dumps({
        "code": code,
        "stdout": out.getvalue()[:20_000],
        "stderr": err.getvalue()[:20_000],
        "printed": len(out.getvalue()) + len(err.getvalue()),
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - begun,
        "megabytes": megabytes(),
    }), flush=True)
"""


@dataclass(frozen=True)
class Call:
    """One command in a folder, with what the environment has besides."""

    folder: Path
    arguments: Sequence[str]
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Measured:
    """What one command left behind; `megabytes` is the most that the process ever had."""

    code: int
    stdout: str
    stderr: str
    printed: int
    cpu: float
    wall: float
    megabytes: float

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


def measured(calls: Sequence[Call]) -> list[Measured]:
    """Run the commands one after the other, and return what each of them took."""
    kept = ("PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
    todo = [(str(call.folder), list(call.arguments), dict(call.environ)) for call in calls]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps(todo),
        capture_output=True,
        text=True,
        check=False,
        env={name: os.environ[name] for name in kept if name in os.environ},
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [Measured(**json.loads(line)) for line in done.stdout.splitlines()]
