"""The page of the Python API: every public name, with its signature and what its source says."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from inspect import getdoc, isclass
from typing import Any

import reconciler
from docs.generator.api_source import Member, aliases, function, members
from docs.generator.markdown_text import github_anchor, page, prose, table
from reconciler.api.editing.methods import EditingMethods
from reconciler.api.inspection.methods import InspectionMethods
from reconciler.api.publishing.methods import PublishingMethods
from reconciler.api.watching.methods import WatchingMethods

_GROUPS = {
    "Plan and apply": reconciler.Reconciler,
    "Look up, and forget": InspectionMethods,
    "Edit the files": EditingMethods,
    "Make what others read": PublishingMethods,
    "Watch what serves": WatchingMethods,
}
_FUNCTIONS = ("open", "validate", "json_schema")
_NAME = re.compile(r"\b[A-Z]\w+\b")


def api_page() -> str:
    """Return the page: how to open, the methods by what they do, then what they give and raise."""
    public = {name: getattr(reconciler, name) for name in reconciler.__all__}
    classes = {name: value for name, value in public.items() if isclass(value)}
    errors = [c for c in classes.values() if issubclass(c, BaseException)]
    answers = [c for c in classes.values() if issubclass(c, reconciler.Answer)]
    callers = [reconciler.Reconciler, reconciler.CiJobs]
    values = [c for c in classes.values() if c not in (*errors, *answers, *callers)]
    body = [
        "## Functions",
        *(
            block
            for name in _FUNCTIONS
            for block in _call(function(public[name]), f"reconciler.{name}")
        ),
        *_methods(),
        "## Answers",
        *_classes(answers),
        "## Values",
        *_classes(values),
        "## Errors",
        _exit_codes(errors),
        *_classes(errors),
    ]
    return page(
        "# Python API",
        "Look up a public name of `reconciler`: how it is called, what it returns and raises. "
        "[The Python API](../python-api.md) is the way in, and has each method beside its command.",
        *body,
        *_types("\n".join(body), public.values()),
    )


def _methods() -> Iterator[str]:
    yield "## Reconciler"
    yield from _doc(getdoc(reconciler.Reconciler) or "")
    for title, cls in _GROUPS.items():
        yield f"## {title}"
        for name, member in members(cls).items():
            if member.parameters is not None:
                yield from _call(member, f"r.{name}")
    yield "## CI jobs"
    yield from _doc(getdoc(reconciler.CiJobs) or "")
    for name, member in members(reconciler.CiJobs).items():
        yield from _call(member, f"r.ci.{name}")


def _call(member: Member, shown: str) -> Iterator[str]:
    yield f"### `{shown}`"
    yield f"```python\n{member.signature(shown)}\n```"
    yield from _doc(member.doc)


def _classes(classes: Iterable[type]) -> Iterator[str]:
    # A class stands before those that are made of it.
    for cls in sorted(classes, key=lambda cls: sum(map(_is_public, cls.__mro__))):
        yield f"### `{cls.__name__}`"
        if parents := [base for base in cls.__mro__[1:] if _is_public(base)]:
            yield f"Has what {_link(parents[0])} has."
        yield from _doc(getdoc(cls) or "")
        found = _own(cls)
        in_short = [each for each in found if each.parameters is None or "\n\n" not in each.doc]
        yield table(
            ("name", "value" if issubclass(cls, Enum) else "type", "is"), map(_row, in_short)
        )
        for each in found:
            if each not in in_short:
                yield f"```python\n{each.signature(each.name)}\n```"
                yield from _doc(each.doc)


def _row(member: Member) -> tuple[str, str, str]:
    called = "" if member.parameters is None else f"({', '.join(member.parameters)})"
    return (f"`{member.name}{called}`", f"`{member.type}`", _cell(member.doc))


def _own(cls: type) -> list[Member]:
    """Return what a class has beyond the public classes above it."""
    above = {name for base in cls.__mro__[1:] if _is_public(base) for name in members(base)}
    return [member for name, member in members(cls).items() if name not in above]


def _is_public(cls: type) -> bool:
    return cls.__name__ in reconciler.__all__ and getattr(reconciler, cls.__name__) is cls


def _link(cls: type) -> str:
    return f"[`{cls.__name__}`](#{github_anchor(cls.__name__)})"


def _doc(text: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring; its example becomes a block of code."""
    for block in text.split("\n\n"):
        if block.startswith(">>>"):
            yield f"```pycon\n{block}\n```"
        elif block:
            yield prose(" ".join(block.split()))


def _cell(doc: str) -> str:
    return prose(" ".join(doc.partition("\n\n")[0].split()))


def _exit_codes(errors: Iterable[type]) -> str:
    rows = (
        (_link(cls), f"`{int(cls.code)}`", _cell(getdoc(cls) or ""))
        for cls in errors
        if issubclass(cls, reconciler.ReconcilerError)
    )
    return table(("error", "exit code", "means"), rows)


def _types(shown: str, public: Iterable[Any]) -> Iterator[str]:
    """Yield what the aliases in the signatures stand for."""
    modules = {value.__module__ for value in (*public, *_GROUPS.values())}
    known = dict(pair for module in sorted(modules) for pair in aliases(module).items())
    used = sorted(set(_NAME.findall(shown)) & set(known))
    yield "## Types in the signatures"
    yield table(("type", "stands for"), ((f"`{name}`", f"`{known[name]}`") for name in used))
