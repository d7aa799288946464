"""Who imports whom: the core is pure, each outside library has its file, nothing is circular."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import reconciler
from tests import ROOT
from tests.support.registries.lab import Lab

_ROOT = Path(reconciler.__file__).parent
_SUPPORT = ROOT / "tests" / "support" / "registries"
_LONGEST = 400

# The floors, ground first: an import goes to a lower floor, or stays on its own.
_FLOORS = (
    "errors",
    "core",
    "ports",
    "policy",
    "policy.cel",
    "planning",
    "apply",
    "audit",
    "render",
    "files",
    "transport",
    "registries",
    "repository",
    "forges",
    "scaffold",
    "authoring",
    "api",
    "demo",
    "cli",
)
_FLAT = {"", "__main__", "errors"}  # nothing else lies beside the packages
_MOST_IN_A_FOLDER = 18
_EMPTY_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "misc"}

# What the pure packages may take from outside of themselves: values, text and arithmetic. Nothing
# there opens a file, a socket or the environment, or asks what time it is. Only `zoneinfo` reads:
# the tables of the time zones, which are the same for everybody.
_PURE = {
    "__future__",
    "collections",
    "collections.abc",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "html",
    "io",
    "itertools",
    "json",
    "math",
    "re",
    "shlex",
    "types",
    "typing",
    "typing_extensions",
    "unicodedata",
    "urllib.parse",
    "zoneinfo",
}
# The ports, `planning` and `apply` add threads, and a clock to wait with.
_WAITING = {"queue", "random", "threading", "time"}
_PYDANTIC = {"posixpath", "pydantic", "pydantic.json_schema", "pydantic_core"}
_OUTSIDE = {
    "errors": _PURE,
    "core": _PURE,
    "ports": _PURE | _WAITING,
    "policy": _PURE,
    "policy.cel": _PURE | {"cel", "contextlib"},
    "planning": _PURE | _WAITING,
    "apply": _PURE | _WAITING,
    "audit": _PURE,
    "render": _PURE,
    "files.schema": _PURE | _PYDANTIC,
}

# library → the only modules that may import it; a trailing dot means all below
_OWNERS = {
    "cel": {"policy.cel.evaluator"},
    "click": {"cli", "cli."},
    "git": {"repository.command"},
    "mlflow": {"registries.client", "demo."},
    "pydantic": {
        "files.schema.",
        "files.plan_file",
        "forges.github_event",
        "forges.github_responses",
        "forges.plan_in_check",
        "forges.responses",
        "registries.mlmodel_file",
        "registries.responses",
        "registries.run_responses",
    },
    "pydantic_core": {"files.schema."},
    "requests": {
        "forges.http_client",
        "registries.http_client",
        "transport.client",
        "transport.webhooks",
    },
    "ruamel": {"files.editing."},
    "sqlalchemy": {"registries.client"},
    "sqlite3": {"registries.local_store", "demo."},
    "tenacity": {"forges.http_client", "registries.http_client"},
    "urllib3": {"transport.client"},
    "yaml": {"files.editing.yaml_dump", "files.yaml_reader", "registries.mlmodel_file"},
}


def _modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(_ROOT.rglob("*.py")):
        parts = path.relative_to(_ROOT).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or "reconciler"
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


_TREES = _modules()


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield every imported module as it is written; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _ours(tree: ast.AST) -> set[str]:
    """Return the modules of the package that a module imports."""
    inside = {name.removeprefix("reconciler.") for name in _imports(tree)}
    return {name for name in inside if name in _TREES and name != "reconciler"}


def _outside(tree: ast.AST) -> set[str]:
    """Return the modules from elsewhere that a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name for name in found if name.partition(".")[0] != "reconciler"}


def _package(module: str) -> str:
    """Return the floor that a module is on; a nested package has its own where the list has it."""
    parts = module.split(".")
    nested = ".".join(parts[:2])
    return nested if nested in _FLOORS else parts[0]


def _pure_part(module: str) -> str | None:
    """Return the entry of `_OUTSIDE` that holds for a module, None for the edges."""
    parts = module.split(".")
    return next((name for name in (".".join(parts[:2]), parts[0]) if name in _OUTSIDE), None)


_PURE_MODULES = sorted(name for name in _TREES if _pure_part(name))


def test_every_module_of_the_lists_exists() -> None:
    owners = {name for names in _OWNERS.values() for name in names}
    wanted = {name.rstrip(".") for name in owners} | set(_FLOORS) | set(_OUTSIDE)
    assert wanted <= set(_TREES)


def test_nothing_lies_beside_the_packages() -> None:
    flat = {name for name in _TREES if "." not in name and (_ROOT / f"{name}.py").exists()}
    assert flat | {""} == _FLAT
    assert {_package(name) for name in _TREES} - set(_FLOORS) == {"reconciler", "__main__"}


@pytest.mark.parametrize("module", sorted(set(_TREES) - {"reconciler", "__main__"}))
def test_an_import_goes_to_a_lower_floor(module: str) -> None:
    floor = _FLOORS.index(_package(module))
    upward = {name for name in _ours(_TREES[module]) if _FLOORS.index(_package(name)) > floor}
    assert upward == set()


def test_packages_form_no_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in _FLOORS}
    for module in set(_TREES) - {"reconciler", "__main__"}:
        here = _package(module)
        graph[here] |= {_package(name) for name in _ours(_TREES[module])} - {here}
    TopologicalSorter(graph).prepare()


def test_a_folder_can_be_read_at_a_glance() -> None:
    folders = [folder for folder in (_ROOT, *_ROOT.rglob("*")) if (folder / "__init__.py").exists()]
    rooms = {
        folder.relative_to(_ROOT).as_posix(): [
            path
            for path in folder.iterdir()
            if path.suffix == ".py" or (path / "__init__.py").exists()
            if path.name not in ("__init__.py", "__main__.py")
        ]
        for folder in folders
    }
    assert {
        name: len(found) for name, found in rooms.items() if len(found) > _MOST_IN_A_FOLDER
    } == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name for name in _TREES if _EMPTY_NAMES & set(name.split("."))] == []


@pytest.mark.parametrize("module", _PURE_MODULES)
def test_the_core_imports_nothing_of_the_outside_world(module: str) -> None:
    part = _pure_part(module)
    assert part is not None
    assert _outside(_TREES[module]) <= _OUTSIDE[part]


@pytest.mark.parametrize("module", _PURE_MODULES)
def test_the_core_neither_prints_nor_opens_anything(module: str) -> None:
    called = {
        node.func.id
        for node in ast.walk(_TREES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"print", "open", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("library", sorted(_OWNERS))
def test_each_outside_library_has_its_files(library: str) -> None:
    importers = {
        name
        for name, tree in _TREES.items()
        if any(found.partition(".")[0] == library for found in _outside(tree))
    }
    strays = {
        name
        for name in importers
        if name not in _OWNERS[library]
        and not any(o.endswith(".") and name.startswith(o) for o in _OWNERS[library])
    }
    assert importers
    assert not strays


def test_every_third_party_library_is_on_the_list() -> None:
    found = {
        name.partition(".")[0] for module, tree in _TREES.items() for name in _outside(tree)
    } - set(sys.stdlib_module_names)
    assert found - {"typing_extensions", "sklearn"} <= set(_OWNERS)


def test_the_environment_is_read_at_the_edges_only() -> None:
    readers = {
        name
        for name, tree in _TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv")
        if isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert {name for name in readers if not name.startswith(("cli.", "demo."))} <= {
        "api.reconciler",  # the default of `open`
        "repository.command",
        "registries.lent_environment",
    }


def test_no_module_logs() -> None:
    strays = {name for name, tree in _TREES.items() if "logging" in _outside(tree)}
    assert {name for name in strays if not name.startswith("demo.")} == {"cli"}


# What a registry and a tracking server know besides: no module but the demo's may say it.
_NEVER = re.compile(
    r"(create|delete|rename|copy)_(registered_model|model_version|run|experiment|logged_model)"
    r"|(log|delete)_(artifacts?|model)"
    r"|.*/(create|delete|rename)"
)


def _said(tree: ast.AST) -> set[str]:
    """Return the names and texts in a module that make, remove or rename what MLflow keeps."""
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    said = {text for text in texts if isinstance(text, str)} | names
    return {text for text in said if _NEVER.fullmatch(text)}


def test_nothing_can_make_remove_or_rename_a_model_a_version_a_run_or_an_artifact() -> None:
    strays = {name: _said(tree) for name, tree in _TREES.items() if not name.startswith("demo.")}
    assert {name: said for name, said in strays.items() if said} == {}
    seeds = ast.parse((_SUPPORT / "servers.py").read_text(encoding="utf-8"))
    hand = ast.parse((_SUPPORT / "lab.py").read_text(encoding="utf-8"))
    assert "delete_model_version" in _said(seeds), "who can is found"
    assert "registered-models/create" in _said(hand)


def test_imports_form_no_circle() -> None:
    # Naming a module below a package names the package, too: that is not an import of its file.
    graph = {name: _ours(tree) - {name, name.partition(".")[0]} for name, tree in _TREES.items()}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", sorted(_TREES))
def test_no_module_is_longer_than_can_be_read_at_once(module: str) -> None:
    path = _ROOT.joinpath(*module.split(".")) if module != "reconciler" else _ROOT
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(file.read_text(encoding="utf-8").splitlines()) <= _LONGEST


_SPY = """
import sys
from reconciler.cli import run
code = run(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def _loaded(lab: Lab, *arguments: str) -> set[str]:
    """Return the libraries that one run of the command loads."""
    done = subprocess.run(
        [sys.executable, "-c", _SPY, *arguments],
        cwd=lab.git.root,
        env={**os.environ, **lab.git.env, "MLFLOW_TRACKING_URI": lab.uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_a_command_loads_only_what_it_uses(lab: Lab) -> None:
    lab.declare(lab.model(1), "versions: {1: {stage: Production}}")
    validate = _loaded(lab, "validate")
    assert {"yaml", "pydantic"} <= validate
    assert not validate & {"mlflow", "git", "requests", "urllib3", "ruamel", "sqlalchemy"}

    plan = _loaded(lab, "plan")
    assert {"git", "requests"} <= plan
    assert not plan & {"mlflow", "ruamel", "sqlalchemy", "sklearn", "numpy", "pandas"}
    assert "mlflow" not in _loaded(lab, "apply", "--yes")


def test_no_test_module_imports_another_one() -> None:
    tests = ROOT / "tests"
    strays = [
        path.relative_to(tests).as_posix()
        for path in tests.rglob("*.py")
        for name in _imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")
    ]
    assert strays == []
