"""Reads the workflow files of this repository, and runs the shell that they hold."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import ROOT

ACTION = ROOT / "action.yml"
OURS = tuple(sorted((ROOT / ".github" / "workflows").glob("*.yml")))
EXAMPLES = tuple(sorted((ROOT / "examples" / "github").glob("*.yml")))
GITLAB = ROOT / "examples" / "gitlab" / ".gitlab-ci.yml"
GITLAB_WITH_PAGE = ROOT / "examples" / "gitlab" / "with-page.gitlab-ci.yml"
WORKFLOWS = (*OURS, *EXAMPLES)

# Writes down what it is told and as which process, as the command that a step ends in.
_RECORDER = """\
#!{python} -I
import json, os, pathlib, sys
told = {{"arguments": sys.argv[1:], "process": os.getpid()}}
pathlib.Path(__file__).with_name("told.json").write_text(json.dumps(told))
"""


@dataclass(frozen=True)
class Step:
    """One step of a job, as its file has it."""

    file: Path
    job: str
    keys: Mapping[str, Any]

    @property
    def uses(self) -> str:
        """The action that it uses, empty for none."""
        return str(self.keys.get("uses", ""))

    @property
    def run(self) -> str:
        """The shell that it runs, empty for none."""
        return str(self.keys.get("run", ""))

    @property
    def options(self) -> Mapping[str, Any]:
        """What it hands to its action."""
        options: Mapping[str, Any] = self.keys.get("with", {})
        return options


def name_of(path: Path) -> str:
    """Return a file's path in the repository, as the name of a test's case."""
    return path.relative_to(ROOT).as_posix()


def load(path: Path) -> dict[str, Any]:
    """Read a workflow; YAML takes its key `on` for a yes, which is undone."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in found.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Return a workflow's jobs."""
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def steps(*paths: Path) -> Iterator[Step]:
    """Return the steps of workflows and of the action, in order."""
    for path in paths:
        if path == ACTION:
            yield from (Step(path, "action", keys) for keys in load(path)["runs"]["steps"])
            continue
        for name, job in jobs(path).items():
            yield from (Step(path, name, keys) for keys in job["steps"])


def step_of(path: Path, identity: str) -> Step:
    """Return the step of a file that has an id."""
    return next(step for step in steps(path) if step.keys.get("id") == identity)


def script_of(step: Step, folder: Path) -> list[str]:
    """Write a step's shell into a file, and return the command that GitHub runs it with."""
    script = folder / "step.sh"
    script.write_text(step.run, encoding="utf-8")
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]


def run_step(step: Step, folder: Path, cwd: Path, env: Mapping[str, str]) -> str:
    """Run a step's shell in `cwd`, and return its outputs file; AssertionError when it fails."""
    outputs = folder / "outputs"
    outputs.touch()
    files = {
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "RUNNER_TEMP": str(folder),
    }
    done = subprocess.run(
        script_of(step, folder),
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **files, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return outputs.read_text(encoding="utf-8")


def recorder(folder: Path) -> Path:
    """Put a `reconciler` into `folder/bin` that writes `told.json` beside it; return `bin`."""
    script = folder / "bin" / "reconciler"
    script.parent.mkdir(exist_ok=True)
    script.write_text(_RECORDER.format(python=sys.executable))
    script.chmod(0o755)
    return script.parent


def mentions(paths: tuple[Path, ...], kind: str) -> set[str]:
    """Return the names of a context's values that the files use, such as of `secrets`."""
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    return set(re.findall(rf"\b{kind}\.(\w+)", text))
