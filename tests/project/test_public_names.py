"""The public names: both lists of them agree, and no error of a public method is left out."""

import ast
import inspect
import re
from pathlib import Path

import reconciler
from reconciler import errors
from tests import ROOT

_INIT = ast.parse(Path(reconciler.__file__).read_text(encoding="utf-8"))
_PAGE = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")


def _checked() -> dict[str, str]:
    """Return what type checkers import: each name with its module."""
    block = next(node for node in _INIT.body if isinstance(node, ast.If))
    return {
        alias.asname or "open": f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_what_type_checkers_import_is_what_there_is() -> None:
    checked = _checked()
    assert sorted(checked) == sorted(reconciler.__all__)
    for name, place in checked.items():
        value = getattr(reconciler, name)
        assert f"{value.__module__}.{value.__name__}" == place


def test_a_star_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from reconciler import *", names)  # noqa: S102  the statement of a user
    assert set(reconciler.__all__) == set(names) - {"__builtins__"}
    assert len(set(reconciler.__all__)) == len(reconciler.__all__)


def _tree(cls: type[errors.ReconcilerError]) -> list[str]:
    """Return the classes of errors.py below one, each before those below it."""
    below = [kind for kind in cls.__subclasses__() if kind.__module__ == errors.__name__]
    return [cls.__name__, *(name for kind in below for name in _tree(kind))]


def test_the_tree_that_is_drawn_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"^(?:[│ ]*[├└]── )?([A-Z]\w+)(?=  |$)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(_tree(errors.ReconcilerError))
    codes = dict(re.findall(r"── (\w+) +(\d)  ", errors.__doc__ or ""))
    assert codes == {name: str(int(getattr(errors, name).code)) for name in codes}
    assert "ForgeError" in codes


def test_every_error_of_a_public_method_is_public_and_on_the_page() -> None:
    documented = [
        value.__doc__ or ""
        for public in (reconciler.Reconciler, reconciler.CiJobs)
        for _, value in inspect.getmembers(public, inspect.isfunction)
    ]
    raised = {
        name
        for text in documented
        for name in re.findall(r"`([A-Z]\w+)`", text.partition("Raises ")[2])
    }
    assert {"UsageError", "ForgeError", "RegistryError"} <= raised
    assert raised <= set(reconciler.__all__)
    table = _PAGE.partition("## Errors")[2].partition("## ")[0]
    assert raised - {"ApplyInterrupted"} <= set(re.findall(r"`([A-Z]\w+)`", table))
