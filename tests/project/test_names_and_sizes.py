"""A folder, a module and a command can be read at once, and a name means one thing."""

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.package_source import PACKAGE, TREES, ours

_LONGEST = 400
_MOST_IN_A_FOLDER = 18
_EMPTY_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "misc"}


def test_a_folder_can_be_read_at_a_glance() -> None:
    folders = [
        folder for folder in (PACKAGE, *PACKAGE.rglob("*")) if (folder / "__init__.py").exists()
    ]
    rooms = {
        folder.relative_to(PACKAGE).as_posix(): [
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
    assert [name for name in TREES if _EMPTY_NAMES & set(name.split("."))] == []


@pytest.mark.parametrize("module", sorted(TREES))
def test_no_module_is_longer_than_can_be_read_at_once(module: str) -> None:
    path = PACKAGE.joinpath(*module.split(".")) if module != "reconciler" else PACKAGE
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(file.read_text(encoding="utf-8").splitlines()) <= _LONGEST


_LONGEST_COMMAND = 110
_MEDIAN_COMMAND = 75


def _command_modules() -> dict[str, int]:
    """Return the modules that have a command each, with their lines."""
    folder = PACKAGE / "cli" / "commands"
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): len(
            path.read_text(encoding="utf-8").splitlines()
        )
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }


def test_a_command_is_a_thin_caller_of_the_api() -> None:
    lengths = _command_modules()
    assert {name: lines for name, lines in lengths.items() if lines > _LONGEST_COMMAND} == {}
    assert statistics.median(lengths.values()) < _MEDIAN_COMMAND


def test_no_command_imports_another_one() -> None:
    commands = set(_command_modules())
    assert len(commands) > 15, "the commands are found"
    assert [name for name in commands if ours(TREES[name]) & (commands - {name})] == []


def _public_types(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the public classes and type aliases that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        else:
            continue
        yield from (name for name in names if name[0].isupper() and name != name.upper())


def test_a_public_class_has_a_name_of_its_own() -> None:
    uses = Counter(name for tree in TREES.values() for name in set(_public_types(tree)))
    assert {"Reconciler", "Change", "Requirement"} <= set(uses), "classes and aliases are found"
    assert [name for name, times in uses.items() if times > 1] == []


# Names that were replaced by the field's own terms.
_REPLACED = re.compile(
    r"(^|_)(court|chronicle|tenure|portrait|crowd|intruder|ready_?made|standing)s?(_|$)"
)


def _identifiers(tree: ast.AST) -> Iterator[str]:
    """Yield every name that a module defines, passes or reads, with `_` between its words."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname", "module"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace(".", "_")


@pytest.mark.parametrize("module", sorted(TREES))
def test_a_replaced_word_does_not_come_back(module: str) -> None:
    names = {*_identifiers(TREES[module]), *module.split(".")}
    assert sorted(name for name in names if _REPLACED.search(name)) == []
