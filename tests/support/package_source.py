"""The source of the package: each module's syntax tree, and what it imports."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import reconciler

PACKAGE: Final = Path(reconciler.__file__).parent


def _modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or "reconciler"
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


TREES: Final = _modules()


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every imported module as it is written; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(tree: ast.AST) -> set[str]:
    """Return the modules of the package that a module imports."""
    inside = {name.removeprefix("reconciler.") for name in imports(tree)}
    return {name for name in inside if name in TREES and name != "reconciler"}


def outside(tree: ast.AST) -> set[str]:
    """Return the modules from elsewhere that a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name for name in found if name.partition(".")[0] != "reconciler"}
