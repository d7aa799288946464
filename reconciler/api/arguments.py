"""Checks what a program hands in against the annotations of the methods: at one door, for all."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, Final, TypeVar

from reconciler.errors import UsageError

_Class = TypeVar("_Class", bound=type)
_Called = TypeVar("_Called", bound=Callable[..., Any])


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_names(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, (bytes, Mapping))


def _are_versions(value: object) -> bool:
    return isinstance(value, Collection) and all(map(_is_whole, value))


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, (*value, *value.values())))


def _are_versions_of_models(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _is_text(model) and (_is_whole(kept) or _are_versions(kept))
        for model, kept in value.items()
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_path(value: object) -> bool:
    return isinstance(value, (str, PathLike))


# The annotation of a parameter → what it takes, in words, and whether a value is that.
KINDS: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "str": ("text", _is_text),
    "int": ("a whole number", _is_whole),
    "float": ("a number of seconds", _is_number),
    "int | str": ("a version's number, a stage or an alias", lambda v: _is_whole(v) or _is_text(v)),
    "Collection[int]": ("a list of versions", _are_versions),
    "Collection[str]": ("a list of names", _are_names),
    "str | Collection[str]": ("a name or a list of names", _are_names),
    "Mapping[str, str]": ("a mapping of text to text", _are_texts),
    "Mapping[str, int | Collection[int]]": (
        "a mapping of models to versions",
        _are_versions_of_models,
    ),
    "BinaryIO": ("a stream of bytes", lambda value: hasattr(value, "read")),
    "str | Path": ("a path", _is_path),
    "datetime": ("a time", lambda value: isinstance(value, datetime)),
}


def checked(called: _Called) -> _Called:
    """Return a function that raises `UsageError` for an argument of another type than it takes."""
    parameters = inspect.signature(called).parameters
    kinds = {
        name: (kind, str(parameter.annotation).endswith(" | None"))
        for name, parameter in parameters.items()
        if (kind := KINDS.get(str(parameter.annotation).removesuffix(" | None"))) is not None
    }
    names = tuple(parameters)

    @functools.wraps(called)
    def wrapper(*positional: object, **named: object) -> object:
        for name, value in [*zip(names, positional, strict=False), *named.items()]:
            if name in kinds and not (value is None and kinds[name][1]):
                (words, takes), _ = kinds[name]
                if not takes(value):
                    raise UsageError(f"`{name}` is {words}, not `{value!r}`")
        return called(*positional, **named)

    return wrapper  # type: ignore[return-value]  # the signature is the same


def checked_methods(cls: _Class) -> _Class:
    """Return a class whose public methods are `checked`, those that it inherits included."""
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_"):
            setattr(cls, name, checked(method))
    return cls
