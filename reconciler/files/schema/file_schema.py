"""Checks the content of a file against its type, and exports the type as JSON Schema."""

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from reconciler.files.messages import MOST, SchemaFault, Within
from reconciler.files.schema.scalar_types import SHAPES

FileT = TypeVar("FileT")
Checked: TypeAlias = tuple[FileT | None, tuple[SchemaFault, ...]]


class FileSchema(Generic[FileT]):
    """The schema of a kind of file.

    It is made from the file's type and the types of its inner mappings, by the key that holds them.
    """

    def __init__(self, top: type[FileT], inner: Mapping[str, type]) -> None:
        self._adapter = TypeAdapter(top)
        self._keys: dict[str | int, tuple[str, ...]] = {
            name: tuple(each.__annotations__) for name, each in inner.items()
        }
        self._top = tuple(top.__annotations__)

    def check(self, content: object) -> Checked[FileT]:
        """Return `content` as its type, None where it does not fit, and every fault in it."""
        try:
            return self._adapter.validate_python(content), ()
        except ValidationError as failure:
            errors = failure.errors(include_url=False)[: MOST + 1]
            return None, tuple(self._fault(error) for error in errors)

    def check_parts(self, content: object) -> Checked[FileT]:
        """Return the part of `content` that fits, None where none does, and every fault.

        Faulty parts are removed from `content`, so that the rest can be checked.
        """
        fitting, found = self.check(content)
        faults = found
        while found:
            if len(faults) > MOST:
                return None, faults
            taken_out = [_take_out(content, fault.path) for fault in found]
            if not any(taken_out):
                return None, faults
            fitting, found = self.check(content)
            faults += found
        return fitting, faults

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema with which an editor checks this kind of file."""
        dialect = "https://json-schema.org/draft/2020-12/schema"
        return {"$schema": dialect, **self._adapter.json_schema()}

    def _fault(self, error: ErrorDetails) -> SchemaFault:
        path = tuple(part for part in error["loc"] if part not in SHAPES)
        at_key = path[-1:] == ("[key]",)
        path = path[:-1] if at_key else path
        facts = error.get("ctx", {})
        choices: tuple[str, ...] = ()
        if error["type"] == "extra_forbidden":
            choices = self._keys_at(path[:-1])
        elif error["type"] == "literal_error":
            choices = tuple(re.findall(r"'(\w+)'", facts["expected"]))
        elif error["type"] == "union_tag_invalid":
            choices = tuple(re.findall(r"\((\w+)\)", facts["expected_tags"]))
        return SchemaFault(
            path,
            error["type"],
            error["input"],
            at_key=at_key or error["type"] == "extra_forbidden",
            choices=choices,
            limit=facts.get("max_length", facts.get("min_length", 0)),
            rule=facts.get("rule", ""),
            hint=facts.get("hint"),
        )

    def _keys_at(self, path: Within) -> tuple[str, ...]:
        """Return the keys that the mapping at a path may have."""
        return next((self._keys[part] for part in reversed(path) if part in self._keys), self._top)


def _take_out(content: object, path: Within) -> bool:
    """Remove the innermost mapping entry on a path; return whether it was still present.

    An item of a list is never removed alone: the list is removed as a whole.
    """
    inside: tuple[dict[str | int, object], str | int] | None = None
    for part in path:
        if isinstance(content, dict):
            if part not in content:
                return False
            inside = (content, part)
            content = content[part]
        else:
            break
    if inside is None:
        return False
    del inside[0][inside[1]]
    return True
