"""A program's mistake is told by the argument's name, before a file or a registry is read."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler import Reconciler, UsageError
from reconciler.api.arguments import KINDS

_package: Any = reconciler
_ASKED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "plan models": (lambda r: r.plan(models=5), "`models` is a list of names, not `5`"),
    "plan bytes": (lambda r: r.plan(models=b"x"), "`models` is a list of names"),
    "plan since": (lambda r: r.plan(since=5), "`since` is text"),
    "apply accept": (lambda r: r.apply(accept=5), "`accept` is a list of names"),
    "apply accept none": (lambda r: r.apply(accept=None), "`accept` is a list of names"),
    "apply timeout": (lambda r: r.apply(timeout="9"), "`timeout` is a number of seconds"),
    "apply parallelism": (lambda r: r.apply(parallelism=True), "`parallelism` is a whole number"),
    "status": (lambda r: r.status(5), "`model` is a name or a list of names, not `5`"),
    "history": (lambda r: r.history(5), "`model` is text, not `5`"),
    "history list": (lambda r: r.history(["a"]), "`model` is text"),
    "history at": (lambda r: r.history("a", at=5), "`5` is not a date"),
    "show": (lambda r: r.show(None), "`name` is text, not `None`"),
    "resolve": (lambda r: r.resolve(name=("a",)), "`name` is text"),
    "compare": (lambda r: r.compare("a", None, 2), "`incumbent` is a version's number, a stage"),
    "compare float": (lambda r: r.compare("a", 1, 2.0), "`candidate` is a version's number"),
    "promote": (lambda r: r.promote(5, 3), "`model` is text"),
    "promote version": (lambda r: r.promote("a", 3.0), "`version` is a whole number"),
    "promote tags": (lambda r: r.promote("a", 3, tags=["b"]), "`tags` is a mapping of text"),
    "promote tag": (lambda r: r.promote("a", 3, tags={"b": 1}), "`tags` is a mapping of text"),
    "migrate keep": (lambda r: r.migrate("bridge", keep=["a"]), "`keep` is a mapping of models"),
    "migrate kept": (
        lambda r: r.migrate("bridge", keep={"a": "3"}),
        "`keep` is a mapping of models to versions",
    ),
    "migrate bridge": (lambda r: r.migrate("bridge", bridge={"a": 1}), "`bridge` is a mapping of"),
    "rewrite nothing": (lambda r: r.rewrite([]), "no code is named"),
    "consumers stdin": (lambda r: r.consumers(stdin="log"), "`stdin` is a stream of bytes"),
    "forget": (lambda r: r.forget(5), "`models` is a name or a list of names"),
    "import keep": (lambda r: r.import_models("a", keep="3"), "`keep` is a list of versions"),
    "load_plan": (lambda r: r.load_plan(5), "`path` is a path"),
    "open": (lambda _: _package.open(5), "`state` is a path"),
    "open root": (lambda _: _package.open(root=5), "`root` is a path"),
    "validate": (lambda _: _package.validate(None), "`state` is a path"),
}


@pytest.mark.parametrize("asked", _ASKED)
def test_an_argument_of_another_type_is_told_by_its_name(asked: str, tmp_path: Path) -> None:
    ask, said = _ASKED[asked]
    with pytest.raises(UsageError) as caught:
        ask(reconciler.open(root=tmp_path, environ={}))
    assert said in caught.value.message


# What is told elsewhere, or where anything is taken.
_ELSEWHERE = {"AskAbout", "BinaryIO", "bool", "DateLike", "Plan", "ReadingDepth", "Stop"}


def test_every_argument_of_every_method_has_a_check() -> None:
    taken = {
        str(parameter.annotation).removesuffix(" | None")
        for name, method in inspect.getmembers(Reconciler, inspect.isfunction)
        if not name.startswith("_")
        for parameter in inspect.signature(method).parameters.values()
        if parameter.name != "self"
    }
    assert {"str", "Collection[str]", "DateLike"} <= taken, "they are found"
    unchecked = {kind for kind in taken - set(KINDS) if not kind.startswith("Callable[")}
    assert unchecked <= _ELSEWHERE
