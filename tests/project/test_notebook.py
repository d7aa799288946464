"""The example notebook is the script beside it, and the script works on a real server."""

import json
import os
import re
import subprocess
import sys

from tests import ROOT
from tests.support.registries.lab import Lab

_SCRIPT = ROOT / "examples" / "notebook" / "promote.py"
_NOTEBOOK = _SCRIPT.with_suffix(".ipynb")


def test_the_notebook_has_the_cells_of_the_script_and_no_output() -> None:
    _, *parts = re.split(r"^# %%( \[markdown\])?\n", _SCRIPT.read_text(), flags=re.MULTILINE)
    kinds, bodies = parts[::2], [body.strip("\n") for body in parts[1::2]]
    texts = [
        re.sub(r"^# ?", "", body, flags=re.MULTILINE) if kind else body
        for kind, body in zip(kinds, bodies, strict=True)
    ]
    cells = json.loads(_NOTEBOOK.read_text())["cells"]
    assert ["".join(cell["source"]) for cell in cells] == texts
    assert [cell["cell_type"] == "markdown" for cell in cells] == [bool(kind) for kind in kinds]
    assert [cell for cell in cells if cell.get("outputs")] == []


def test_the_script_plans_applies_and_promotes_on_a_branch(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, "versions: {1: {stage: Production, aliases: [champion]}}")
    done = subprocess.run(
        [sys.executable, str(_SCRIPT)],
        cwd=lab.git.root,
        env={"PATH": os.environ["PATH"], **lab.git.env, "MLFLOW_REGISTRY_URI": lab.uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\+.*\b2:", done.stdout, re.MULTILINE)
    values = lab.hand.values(model)
    assert (values["v1 stage"], values["@champion"]) == ("Production", 1)
    assert lab.git.git("branch", "--show-current") == f"promote/{model}-v2"
