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
from tests.lab import Lab, lab_fixture  # noqa: F401  a fixture

_ROOT = Path(reconciler.__file__).parent
_LONGEST = 400

# What the core may take from outside of itself: values, text and arithmetic. The doers add
# threads and a clock to wait with; nothing here opens a file, a socket or the environment. Only
# `zoneinfo` reads: the tables of the time zones, which are the same for everybody.
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
_WAITING = {"queue", "random", "threading", "time"}

_CORE = {
    "audit.apply_record",
    "audit.approved_plan",
    "audit.findings",
    "planning.ownership",
    "core.changes",
    "core.comparison",
    "core.declared",
    "core.diff",
    "authoring.discovery",
    "core.durations",
    "errors",
    "audit.evidence",
    "policy.cel",
    "policy.cel.static_checks",
    "policy.cel.rewrite",
    "policy.cel.syntax_errors",
    "policy.cel.references",
    "policy.cel.cost",
    "policy.cel.schema",
    "policy.cel.explanations",
    "policy.cel.tokenizer",
    "policy.cel.formatting",
    "core.facts",
    "ports.forge",
    "policy.freeze_windows",
    "policy.guards",
    "ports.history",
    "planning.model_plan",
    "core.transitions",
    "core.matching",
    "audit.notification",
    "core.plan",
    "core.policies",
    "policy.evaluation",
    "authoring.promotion",
    "planning.preconditions",
    "policy.builtin_rules",
    "ports.registry",
    "scaffold.release",
    "render",
    "render.audit",
    "render.comparison",
    "render.history",
    "render.json_documents",
    "render.escape",
    "render.markdown",
    "render.notification",
    "render.authors",
    "render.version_details",
    "render.table",
    "render.text",
    "render.phrases",
    "render.github_workflow",
    "core.report",
    "authoring.rollback",
    "core.settings",
    "policy.variables",
    "core.signatures",
    "planning.ancestry",
    "scaffold",
    "scaffold.missing_parts",
    "scaffold.next_steps",
    "scaffold.template_set",
    "core.state",
    "planning.status",
    "audit.stage_history",
    "audit.merged_changes",
    "core.ab_tests",
    "core.parse_error",
    "core.uris",
    "core.violations",
}
_DOERS = {
    "apply.executor",
    "apply.staleness",
    "planning.checks",
    "planning.live_state",
    "apply.model_run",
    "ports.parallel",
    "planning.planner",
    "apply.writer",
}
# What a file may say and mean, given its content: as pure as the core, with pydantic's help.
_FILES = {
    "files",
    "files.schema.consent_from_yaml",
    "files.editing.edits",
    "files.schema.cross_checks",
    "files.messages",
    "files.schema.file_schema",
    "files.schema.model_schema",
    "files.schema.from_yaml",
    "files.from_live",
    "files.state_files",
    "files.schema.policy_from_yaml",
    "files.schema.policy_schema",
    "files.editing.scalar_positions",
    "files.schema.scalar_types",
    "files.schema.name_rules",
    "files.schema.ab_test_checks",
}
_LAYERS = {
    **dict.fromkeys(_CORE, (_PURE, _CORE)),
    **dict.fromkeys(_DOERS, (_PURE | _WAITING, _CORE | _DOERS)),
    **dict.fromkeys(
        _FILES,
        (
            _PURE | {"posixpath", "pydantic", "pydantic.json_schema", "pydantic_core"},
            _CORE | _FILES,
        ),
    ),
}

# library → the only modules that may import it; a trailing dot means all below
_OWNERS = {
    "cel": {"policy.cel.evaluator"},
    "click": {"cli", "cli."},
    "git": {"repository.repository"},
    "mlflow": {"registries.client", "demo."},
    "pydantic": {
        "files.schema.file_schema",
        "files.schema.model_schema",
        "files.schema.policy_schema",
        "files.schema.scalar_types",
        "forges.responses",
        "forges.github_event",
        "forges.github_responses",
        "forges.plan_in_check",
        "registries.responses",
        "registries.mlmodel_file",
        "registries.run_responses",
        "files.plan_file",
    },
    "pydantic_core": {"files.schema.file_schema", "files.schema.scalar_types"},
    "requests": {
        "forges.http_client",
        "registries.http_client",
        "transport.client",
        "transport.webhooks",
    },
    "rich": {"cli."},
    "ruamel": {
        "files.editing.yaml_editor",
        "files.editing.yaml_layout",
        "files.editing.yaml_nodes",
    },
    "sqlalchemy": {"registries.client"},
    "sqlite3": {"registries.local_store", "demo."},
    "tenacity": {"forges.http_client", "registries.http_client"},
    "urllib3": {"registries.http_client", "transport.client"},
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


def test_every_module_of_the_lists_exists() -> None:
    owners = {name for names in _OWNERS.values() for name in names if not name.endswith(".")}
    assert _LAYERS.keys() | owners <= set(_TREES)


@pytest.mark.parametrize("module", sorted(_LAYERS))
def test_the_core_imports_nothing_of_the_outside_world(module: str) -> None:
    outside, inside = _LAYERS[module]
    assert _outside(_TREES[module]) <= outside
    assert _ours(_TREES[module]) <= inside


@pytest.mark.parametrize("module", sorted(_LAYERS))
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
        "repository.repository",
        "registries.client",
    }


def test_no_module_logs() -> None:
    strays = {name for name, tree in _TREES.items() if "logging" in _outside(tree)}
    assert {name for name in strays if not name.startswith("demo.")} <= {"registries.client"}


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
    seeds = ast.parse((Path(__file__).parent / "servers.py").read_text(encoding="utf-8"))
    hand = ast.parse((Path(__file__).parent / "lab.py").read_text(encoding="utf-8"))
    assert "delete_model_version" in _said(seeds), "who can is found"
    assert "registered-models/create" in _said(hand)


def test_imports_are_no_circle() -> None:
    # Naming a module below a package names the package, too: that is no import of its file.
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
    assert not validate & {"mlflow", "git", "requests", "urllib3", "rich", "ruamel", "sqlalchemy"}

    plan = _loaded(lab, "core.plan")
    assert {"git", "requests"} <= plan
    assert not plan & {"mlflow", "rich", "ruamel", "sqlalchemy", "sklearn", "numpy", "pandas"}
    assert "mlflow" not in _loaded(lab, "apply.executor", "--yes")
