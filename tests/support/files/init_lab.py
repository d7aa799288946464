"""What the tests of `init` share: running it without a registry, and what it left behind."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.registries.lab import Lab, Result

NOBODY = {"MLFLOW_TRACKING_URI": ""}
SETTINGS = "registry-state/reconciler.yaml"
EXAMPLE = "registry-state/example-model.yaml"
HOOKS = ".pre-commit-config.yaml"


@pytest.fixture(name="empty")
def empty_fixture(tmp_path: Path) -> Path:
    """Make an empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def tree(root: Path) -> dict[str, bytes]:
    """Return every file below a folder that is not git's."""
    found = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    return {n.as_posix(): p.read_bytes() for n, p in found.items() if n.parts[0] != ".git"}


def init(lab: Lab, *arguments: str, cwd: Path | None = None) -> Result:
    """Run `init` with no registry named."""
    return lab.run("init", *arguments, env=NOBODY, cwd=cwd)


def entries_of(text: str) -> list[Any]:
    """Return each matrix and choice of a workflow, and the environments of its expressions."""
    found: list[Any] = []

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            found.extend(value[key] for key in ("include", "options", "matrix") if key in value)
            for one in value.values():
                look(one)

    look(yaml.safe_load(text))
    return [one for one in found if isinstance(one, list)] + re.findall(r"&& '(.*)'", text)


def add(root: Path, step: str) -> None:
    """Do what a step says: add its lines to the files."""
    for block in step.split("\n\n")[1:]:
        place, *lines = block.splitlines()
        file, below, within = re.fullmatch(
            r"([^,]+), (?:below `(.+?)`(?: of `(.+)`)?|at the end):", place
        ).groups()  # type: ignore[union-attr]  # a place that reads otherwise fails the test
        text = (root / file).read_text().splitlines()
        part = [i for i, line in enumerate(text) if within and within in line]
        key = [i for i in part if text[i].strip() == f"{within}:"]
        start = next(iter(key or part), 0)
        at = next((i for i in range(start, len(text)) if below and below in text[i]), len(text) - 1)
        text[at + 1 : at + 1] = lines
        (root / file).write_text("\n".join(text) + "\n")
