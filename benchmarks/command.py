"""Runs the command as its users do, a whole process, and says what that cost."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import launch

_LAST_LINE: Final = re.compile(r"^(\d+) changes?, .*, (\d+) requests?, [\d.]+ s$", re.MULTILINE)
_KIB: Final = 1024


@dataclass(frozen=True)
class Cost:
    """What a run of a command cost; `changes` and `requests` are from the last line of ours.

    `processor` is the time that it and the processes it started had one; MB of `memory`. `before`
    is what the same cost with another version of the package.
    """

    seconds: float
    processor: float
    memory: float
    changes: int = 0
    requests: int = 0
    before: "Cost | None" = None


@dataclass(frozen=True)
class Reconciler:
    """The command in a checkout, with nothing in its environment that names a registry.

    `package` is a folder with another version of the package, None for the installed one.
    """

    checkout: Path
    package: Path | None = None

    def run(self, *arguments: str, uri: str | None = None) -> Cost:
        """Run the command once; raises `RuntimeError` with what it said when it fails."""
        return self.python("-m", "reconciler", *arguments, uri=uri)

    def python(self, *arguments: str, uri: str | None = None) -> Cost:
        """Run Python once in the checkout; raises `RuntimeError` when that fails."""
        with tempfile.NamedTemporaryFile(suffix=".json") as cost:
            done = subprocess.run(  # noqa: S603  our own commands
                [sys.executable, launch.__file__, cost.name, sys.executable, *arguments],
                cwd=self.checkout,
                env=_environ(self.checkout, uri, self.package),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            said = done.stdout.decode()
            if done.returncode:
                raise RuntimeError(f"{arguments} ended with {done.returncode}:\n{said[-3000:]}")
            usage = json.load(cost)
        # An apply shows its plan first, with a last line of its own.
        lines = _LAST_LINE.findall(said) or [(0, 0)]
        changes, requests = map(int, lines[-1])
        memory = usage["memory"] / _KIB
        return Cost(usage["seconds"], usage["processor"], memory, changes, requests)


def typical(costs: Sequence[Cost]) -> Cost:
    """Return the median times and the worst memory of runs that sent the same."""
    last = costs[-1]
    seconds = median(cost.seconds for cost in costs)
    processor = median(cost.processor for cost in costs)
    memory = max(cost.memory for cost in costs)
    return Cost(seconds, processor, memory, last.changes, last.requests)


def _environ(home: Path, uri: str | None, package: Path | None) -> Mapping[str, str]:
    unwanted = ("MLFLOW_", "PYTHONDONTWRITEBYTECODE")  # an installed package is compiled
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    named = {} if uri is None else {"MLFLOW_REGISTRY_URI": uri}
    path = {} if package is None else {"PYTHONPATH": str(package)}
    return {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **path, **named}
