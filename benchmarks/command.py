"""Runs the command as its users do, a whole process, and says what that cost."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

_LAST_LINE: Final = re.compile(r"^(\d+) changes?, .*, (\d+) requests?, [\d.]+ s$", re.MULTILINE)
_KIB: Final = 1024


@dataclass(frozen=True)
class Cost:
    """What a run of the command cost; `changes` and `requests` are from its own last line."""

    seconds: float
    memory: float
    changes: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Reconciler:
    """The command in a checkout, with nothing in its environment that names a registry."""

    checkout: Path

    def run(self, *arguments: str, uri: str | None = None) -> Cost:
        """Run the command once; raises `RuntimeError` with what it said when it fails."""
        environ = _environ(self.checkout, uri)
        begin = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.checkout,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            said = process.stdout.read().decode() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{said[-3000:]}")
        # An apply shows its plan first, with a last line of its own.
        lines = _LAST_LINE.findall(said) or [(0, 0)]
        changes, requests = map(int, lines[-1])
        return Cost(seconds, usage.ru_maxrss / _KIB, changes, requests)


def typical(costs: Sequence[Cost]) -> Cost:
    """Return the median time and the worst memory of runs that sent the same."""
    last = costs[-1]
    seconds = median(cost.seconds for cost in costs)
    return Cost(seconds, max(cost.memory for cost in costs), last.changes, last.requests)


def _environ(home: Path, uri: str | None) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    named = {} if uri is None else {"MLFLOW_REGISTRY_URI": uri}
    return {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **named}
