"""What is installed from this checkout is pinned: a release of somebody else breaks no clone."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import ROOT
from tests.support.workflows.workflow_files import ACTION

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef, import-not-found, unused-ignore]

_LOCK: Final = ROOT / "constraints.txt"
_HOOK_LOCK: Final = ROOT / "constraints-pre-commit.txt"
_PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13")
_SYSTEMS: Final = ("linux", "darwin", "win32")


def _entries(text: str) -> Iterator[str]:
    """Yield each requirement of a lock with what belongs to it, on one line."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line and not line.startswith("#"):
            yield line


def _pins(text: str, python: str, system: str) -> dict[str, str]:
    """Return name → version of what a lock installs on one Python and system."""
    where = {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
    }
    pins: dict[str, str] = {}
    for entry in _entries(text):
        requirement = Requirement(entry.partition(" --hash=")[0])
        if requirement.marker is None or requirement.marker.evaluate(where):
            assert str(requirement.specifier).startswith("=="), entry
            assert requirement.name not in pins, f"{requirement.name} has two pins on {where}"
            pins[requirement.name] = str(requirement.specifier)
    return pins


def _wanted() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for texts in (project["dependencies"], *project["optional-dependencies"].values()):
        for requirement in map(Requirement, texts):
            if canonicalize_name(requirement.name) != project["name"]:
                yield requirement


@pytest.mark.parametrize(("python", "system"), [*product(_PYTHONS, _SYSTEMS)])
def test_everything_that_the_project_asks_for_is_pinned_on_every_python(
    python: str, system: str
) -> None:
    pins = _pins(_LOCK.read_text(), python, system)
    for wanted in _wanted():
        if wanted.marker is None or wanted.marker.evaluate({"python_version": python}):
            pin = pins[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(pin.removeprefix("==")), f"{wanted}: make lock"


def test_every_pin_has_hashes_and_no_line_names_a_package_index() -> None:
    entries = [*_entries(_LOCK.read_text())]
    assert len(entries) > 100
    assert [entry for entry in entries if " --hash=sha256:" not in entry] == []
    for lock in (_LOCK, _HOOK_LOCK):
        assert re.search(r"://|--(extra-)?index-url|--find-links", lock.read_text()) is None


@pytest.mark.parametrize("python", _PYTHONS)
def test_the_hook_installs_the_same_versions(python: str) -> None:
    lock = _pins(_LOCK.read_text(), python, "linux")
    hook = _pins(_HOOK_LOCK.read_text(), python, "linux")
    assert {"pyyaml", "pydantic", "click", "mlflow-skinny"} <= hook.keys()
    assert {name: lock.get(name) for name in hook} == hook


def test_whatever_installs_from_this_checkout_names_the_lock() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["additional_dependencies"] == [f"--constraint={_HOOK_LOCK.name}"]
    for path in (ROOT / "Makefile", ACTION, ROOT / "examples" / "kubernetes" / "Dockerfile"):
        assert _LOCK.name in path.read_text()
