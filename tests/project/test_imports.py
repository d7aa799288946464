"""Who imports whom, and what a package may do: the core is pure, the API prints nothing."""

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from xml.etree import ElementTree as ET

import pytest

from tests import ROOT
from tests.support.package_source import PACKAGE, TREES, imports, ours, outside
from tests.support.registries.lab import Lab

_SUPPORT = ROOT / "tests" / "support" / "registries"

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

# What the pure packages may take from outside of themselves: values, text and arithmetic. Nothing
# there opens a file, a socket or the environment, or asks what time it is. Only `zoneinfo` reads:
# the tables of the time zones, which are the same for everybody.
_PURE = {
    "__future__",
    "bisect",
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
    "operator",
    "re",
    "shlex",
    "statistics",
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
    "planning": _PURE | _WAITING | {"contextlib"},
    "apply": _PURE | _WAITING,
    "audit": _PURE,
    "audit.usage": _PURE | {"ast", "codecs", "pathlib", "warnings"},
    "render": _PURE,
    "render.card": _PURE | {"uuid"},
    "render.page": _PURE | {"base64", "jinja2", "markupsafe"},
    "files.schema": _PURE | _PYDANTIC,
}

# library → the only modules that may import it; a trailing dot means all below
_OWNERS = {
    "cel": {"policy.cel.evaluator"},
    "click": {"cli", "cli."},
    "git": {"repository.command"},
    "jinja2": {"render.page.templating"},
    "markupsafe": {"render.page."},
    "mlflow": {
        "registries.client",
        "registries.client_calls",
        "registries.plugins",
        "registries.artifacts.mlflow_repository",
        "registries.tracking.mlflow_stores",
        "demo.",
    },
    "pydantic": {
        "files.schema.",
        "files.plan_file",
        "forges.github_event",
        "forges.github_responses",
        "forges.plan_in_check",
        "forges.responses",
        "registries.responses",
        "registries.tracking.mlmodel_file",
        "registries.tracking.run_responses",
    },
    "pydantic_core": {"files.schema."},
    "requests": {
        "forges.http_client",
        "registries.http_client",
        "transport.client",
        "transport.webhooks",
    },
    "requests_auth_aws_sigv4": {"registries.plugins"},
    "ruamel": {"files.editing."},
    "sqlalchemy": {"registries.client", "registries.tracking.mlflow_stores"},
    "sqlite3": {"registries.local_store", "demo."},
    "subprocess": {
        "cli.demo_prompt",
        "repository.command",
        "repository.delivery.gh",
        "repository.objects",
        "repository.push_check",
    },
    "tenacity": {"forges.http_client", "registries.http_client"},
    "urllib3": {"transport.client"},
    "yaml": {"files.editing.yaml_dump", "files.yaml_reader", "registries.tracking.mlmodel_file"},
}


def _package(module: str) -> str:
    """Return the floor that a module is on; a nested package has its own where the list has it."""
    parts = module.split(".")
    nested = ".".join(parts[:2])
    return nested if nested in _FLOORS else parts[0]


def _pure_part(module: str) -> str | None:
    """Return the entry of `_OUTSIDE` that holds for a module, None for the edges."""
    parts = module.split(".")
    return next((name for name in (".".join(parts[:2]), parts[0]) if name in _OUTSIDE), None)


_PURE_MODULES = sorted(name for name in TREES if _pure_part(name))


def test_every_module_of_the_lists_exists() -> None:
    owners = {name for names in _OWNERS.values() for name in names}
    wanted = {name.rstrip(".") for name in owners} | set(_FLOORS) | set(_OUTSIDE)
    assert wanted <= set(TREES)


def test_nothing_lies_beside_the_packages() -> None:
    flat = {name for name in TREES if "." not in name and (PACKAGE / f"{name}.py").exists()}
    assert flat | {""} == _FLAT
    assert {_package(name) for name in TREES} - set(_FLOORS) == {"reconciler", "__main__"}


@pytest.mark.parametrize("module", sorted(set(TREES) - {"reconciler", "__main__"}))
def test_an_import_goes_to_a_lower_floor(module: str) -> None:
    floor = _FLOORS.index(_package(module))
    upward = {name for name in ours(TREES[module]) if _FLOORS.index(_package(name)) > floor}
    assert upward == set()


def test_the_picture_of_the_packages_has_each_floor_from_the_top_left() -> None:
    picture = ET.parse(ROOT / "docs" / "architecture.svg")  # noqa: S314  our own
    texts = picture.iter("{http://www.w3.org/2000/svg}text")
    drawn = [text.text for text in texts if text.get("class") == "name"]
    assert drawn == [name for name in reversed(_FLOORS) if "." not in name]


def test_packages_form_no_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in _FLOORS}
    for module in set(TREES) - {"reconciler", "__main__"}:
        here = _package(module)
        graph[here] |= {_package(name) for name in ours(TREES[module])} - {here}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", _PURE_MODULES)
def test_the_core_imports_nothing_of_the_outside_world(module: str) -> None:
    part = _pure_part(module)
    assert part is not None
    assert outside(TREES[module]) <= _OUTSIDE[part]


@pytest.mark.parametrize("module", _PURE_MODULES)
def test_the_core_neither_prints_nor_opens_anything(module: str) -> None:
    called = {
        node.func.id
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"print", "open", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("library", sorted(_OWNERS))
def test_each_outside_library_has_its_files(library: str) -> None:
    importers = {
        name
        for name, tree in TREES.items()
        if any(found.partition(".")[0] == library for found in outside(tree))
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
        name.partition(".")[0] for module, tree in TREES.items() for name in outside(tree)
    } - set(sys.stdlib_module_names)
    assert found - {"typing_extensions", "sklearn"} <= set(_OWNERS)


def test_the_environment_is_read_at_the_edges_only() -> None:
    readers = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv")
        if isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert {name for name in readers if not name.startswith(("cli.", "demo."))} <= {
        "api.reconciler",  # the default of `open`
        "repository.command",
        "registries.lent_environment",
    }


# The default of `root`; everything else is looked up from the folder that is passed.
_IN_WORKING_DIRECTORY = {"api.reconciler", "api.validation"}
_API = sorted(name for name in TREES if _package(name) == "api")


@pytest.mark.parametrize("module", _API)
def test_the_api_leaves_the_terminal_and_the_working_directory_to_its_callers(module: str) -> None:
    called = {
        node.func.id
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"print", "input"}
    used = {
        (node.value.id, node.attr)
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not used & {("sys", name) for name in ("stdin", "stdout", "stderr", "argv")}
    reads = bool(used & {("Path", "cwd"), ("os", "getcwd"), ("os", "chdir")})
    reads |= "working_directory" in called
    assert reads == (module in _IN_WORKING_DIRECTORY)


def test_what_serves_is_asked_of_a_model_and_never_of_the_settings_alone() -> None:
    """Files and messages alone look at the rules themselves, and name them otherwise."""
    parts = {
        node.attr
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("settings.serving")
    }
    assert parts == {"of"}


def test_no_module_logs() -> None:
    strays = {name for name, tree in TREES.items() if "logging" in outside(tree)}
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
    strays = {name: _said(tree) for name, tree in TREES.items() if not name.startswith("demo.")}
    assert {name: said for name, said in strays.items() if said} == {}
    seeds = ast.parse((_SUPPORT / "servers.py").read_text(encoding="utf-8"))
    hand = ast.parse((_SUPPORT / "lab.py").read_text(encoding="utf-8"))
    assert "delete_model_version" in _said(seeds), "who can is found"
    assert "registered-models/create" in _said(hand)


def test_imports_form_no_circle() -> None:
    # Naming a module below a package names the package, too: that is not an import of its file.
    graph = {name: ours(tree) - {name, name.partition(".")[0]} for name, tree in TREES.items()}
    TopologicalSorter(graph).prepare()


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
        for name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")
    ]
    assert strays == []
