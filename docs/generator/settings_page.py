"""The page of the files' keys, from the JSON Schema that the files are read by."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from docs.generator.markdown_text import either, github_anchor, page, prose, table
from reconciler.api.validation import json_schema

_Schema: TypeAlias = Mapping[str, Any]
_SCALAR = {"string", "number", "boolean"}  # YAML's 1, true and text, each taken as the text
_WORDS = {
    "boolean": "true or false",
    "date": "date",
    "integer": "whole number",
    "number": "number",
    "string": "text",
}


def settings_page() -> str:
    """Return the page: the keys of a model's file, then those of reconciler.yaml."""
    return page(
        "# Settings",
        "Look up a key of a model's file or of `reconciler.yaml`. A key that is not here is an "
        "error, with the key that may be meant. `reconciler schema` prints the same as a JSON "
        "Schema, which editors take from the first line of a file.",
        "## A model's file",
        *_file(json_schema("model"), "of a model"),
        "## `reconciler.yaml`",
        *_file(json_schema("settings"), "of the settings"),
    )


def _file(schema: _Schema, of: str) -> Iterator[str]:
    """Yield the keys of a file, then the keys of the entries below them, each kind once."""
    homes: dict[str, str] = {}  # definition → the heading above its keys
    for path, name in _entries(schema, schema["$defs"], ""):
        homes.setdefault(name, f"`{path}` {of}")
    yield prose(schema["description"])
    yield _keys(schema, homes)
    for name, title in homes.items():
        entry = schema["$defs"][name]
        yield f"### {title}"
        yield prose(entry["description"])
        if one_of := [one["required"][0] for one in entry.get("oneOf", ()) if "required" in one]:
            yield f"Exactly one of {', '.join(f'`{key}`' for key in one_of)}."
        yield _keys(entry, homes)


def _entries(owner: _Schema, defined: _Schema, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the definition of every nested entry, in the order of the keys."""
    for key, value in owner["properties"].items():
        for suffix, name in _references(value):
            here = f"{path}.{key}{suffix}".removeprefix(".")
            yield here, name
            yield from _entries(defined[name], defined, here)


def _references(value: _Schema) -> Iterator[tuple[str, str]]:
    """Yield the definitions that a value may be, `[]` before those in a list, `.*` in a mapping."""
    if "$ref" in value:
        yield "", _name(value)
    for one in value.get("oneOf", ()):
        yield from _references(one)
    if "items" in value:
        yield from (("[]" + suffix, name) for suffix, name in _references(value["items"]))
    for inner in _values(value):
        yield from ((".*" + suffix, name) for suffix, name in _references(inner))


def _name(value: _Schema) -> str:
    return str(value["$ref"]).rpartition("/")[2]


def _values(value: _Schema) -> list[_Schema]:
    """Return what the values of a mapping with free keys may be."""
    free = [*value.get("patternProperties", {}).values(), value.get("additionalProperties")]
    return [inner for inner in free if isinstance(inner, Mapping)]


def _keys(owner: _Schema, homes: Mapping[str, str]) -> str:
    required = owner.get("required", ())
    return table(
        ("key", "takes", "default", "meaning"),
        (
            (
                f"`{key}`" + (", required" if key in required else ""),
                _type(value, homes),
                _literal(value["default"]) if "default" in value else "",
                prose(value["description"]),
            )
            for key, value in owner["properties"].items()
        ),
    )


def _type(value: _Schema, homes: Mapping[str, str]) -> str:
    """Return what a key takes, in words, with a link to the keys of an entry."""
    if "$ref" in value:
        title = homes[_name(value)]
        return f"[{title.partition(' ')[0]}](#{github_anchor(title)})"
    if "const" in value:
        return _literal(value["const"])
    if "enum" in value:
        return either([_literal(choice) for choice in value["enum"]])
    if "oneOf" in value:
        return either([_type(one, homes) for one in value["oneOf"]])
    if "items" in value:
        return f"list of {_type(value['items'], homes)}"
    if inner := _values(value):
        keys = value.get("propertyNames", {}).get("enum", ())
        names = f" by {either([_literal(key) for key in keys])}" if keys else ""
        return f"mapping{names} to {_type(inner[0], homes)}"
    return _scalar(value)


def _scalar(value: _Schema) -> str:
    types = value["type"] if isinstance(value["type"], list) else [value["type"]]
    name = "string" if set(types) == _SCALAR else types[0]
    words = _WORDS[value.get("format", name)]
    low, high = value.get("minimum"), value.get("maximum")
    if low is None:
        return words
    return f"{words}, at least {low}" if high is None else f"{words}, {low} to {high}"


def _literal(value: object) -> str:
    """Return a value as YAML has it; JSON's form of a list is YAML, too."""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
