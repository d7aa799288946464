"""Edits to a declaration: a path in the file, and the text to put there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from reconciler.core.declaring.ab_tests import as_text
from reconciler.core.declaring.implied import as_written
from reconciler.core.state import Consumer, Declaration, DeclaredVersion, Field, Serving, Value

KeyPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class YamlEdit:
    """The text at a path of a model file; `value` None removes what is there.

    An alias is a path of its own, `("versions", "4", "aliases", "champion")`, with an empty value;
    setting it on a version removes it from any other. A version, `("versions", "4")`, has an empty
    value too: it declares that the version has an entry. So has a consumer,
    `("consumers", "checkout-api", "@champion")`, which is only ever added.
    """

    path: KeyPath
    value: str | None


def parts(declaration: Declaration) -> dict[KeyPath, str]:
    """Return everything that a declaration says, by its path in a file."""
    texts: dict[KeyPath, str | None] = {
        ("model",): declaration.model,
        ("retired",): "true" if declaration.retired else None,
        ("hold",): declaration.hold,
        ("serving", "stage"): declaration.serving.stage if declaration.serving else None,
        ("serving", "alias"): declaration.serving.alias if declaration.serving else None,
    }
    for consumer in declaration.consumers:
        path: KeyPath = ("consumers", *consumer.key)
        texts[path] = ""
        texts[(*path, "owner")] = consumer.owner
        texts[(*path, "code")] = consumer.code
    for number, entry in declaration.versions.items():
        path = ("versions", str(number))
        texts[path] = ""
        texts[(*path, "blocked")] = entry.blocked
        texts[(*path, "traffic")] = None if entry.traffic is None else as_text(entry.traffic)
        texts[(*path, "run_id")] = entry.run_id
        texts[(*path, "source")] = entry.source
        texts[(*path, "digest")] = entry.digest
        texts[(*path, "semver")] = entry.semver
    for address, value in as_written(declaration).fields.items():
        texts[_path(address, value)] = "" if address.name == "alias" else str(value)
    return {path: text for path, text in texts.items() if text is not None}


def edits_between(before: Declaration, after: Declaration) -> tuple[YamlEdit, ...]:
    """Return the edits that lead from one declaration to another, each with an effect."""
    old, new = parts(before), parts(after)
    return (
        *(YamlEdit(path, None) for path in old if path not in new),
        *(YamlEdit(path, text) for path, text in new.items() if old.get(path) != text),
    )


def edited(declaration: Declaration, edits: Sequence[YamlEdit]) -> Declaration:
    """Return the declaration after edits, applied in order."""
    for edit in edits:
        declaration = _edited(declaration, edit)
    return declaration


def _edited(declaration: Declaration, edit: YamlEdit) -> Declaration:
    value = edit.value
    match edit.path:
        case ("model" | "retired" | "hold",) | ("serving", _):
            return _with_own_key(declaration, edit.path, value)
        case ("description",):
            return _with_field(declaration, Field("description"), value)
        case ("tags", key):
            return _with_field(declaration, Field("tag", None, key), value)
        case ("consumers", name, loads, *rest) if value is not None:
            return _with_consumer(declaration, Consumer(name, loads), tuple(rest), value)
        case ("versions", number, *rest):
            return _with_part(declaration, int(number), tuple(rest), value)
        case _:
            raise ValueError(f"no file has {edit!r}")


def _with_own_key(declaration: Declaration, path: KeyPath, value: str | None) -> Declaration:
    """Return a declaration with another value of a key that belongs to the model itself."""
    match path:
        case ("model",):
            return replace(declaration, model=value or declaration.model)
        case ("retired",):
            return replace(declaration, retired=value == "true")
        case ("hold",):
            return replace(declaration, hold=value)
        case _:
            said = declaration.serving or Serving(None, None)
            return replace(declaration, serving=replace(said, **{path[-1]: value}))


def _path(address: Field, value: Value) -> KeyPath:
    if address.name == "alias":
        return ("versions", str(value), "aliases", address.key or "")
    of = () if address.version is None else ("versions", str(address.version))
    return (*of, "tags", address.key or "") if address.name == "tag" else (*of, address.name)


def _with_part(
    declaration: Declaration, number: int, part: KeyPath, value: str | None
) -> Declaration:
    if value is not None or not part:
        declaration = _with_version(declaration, number, exists=value is not None)
    match part:
        case ():
            return declaration
        case ("stage" | "description" as name,):
            return _with_field(declaration, Field(name, number), value)
        case ("tags", key):
            return _with_field(declaration, Field("tag", number, key), value)
        case ("aliases", alias):
            address = Field("alias", None, alias)
            if value is not None:
                return _with_field(declaration, address, number)
            if declaration.fields.get(address) == number:
                return _with_field(declaration, address, None)
            return declaration
        case _:
            versions = dict(declaration.versions)
            if number in versions:
                versions[number] = _with_pin(versions[number], part, value)
            return replace(declaration, versions=versions)


def _with_pin(entry: DeclaredVersion, part: KeyPath, value: str | None) -> DeclaredVersion:
    match part:
        case ("run_id",):
            return replace(entry, run_id=value)
        case ("source",):
            return replace(entry, source=value)
        case ("digest",):
            return replace(entry, digest=value)
        case ("semver",):
            return replace(entry, semver=value)
        case ("blocked",):
            return replace(entry, blocked=value)
        case ("traffic",):
            return replace(entry, traffic=None if value is None else Decimal(value))
        case _:
            raise ValueError(f"no version has {part!r}")


def _with_field(declaration: Declaration, address: Field, value: Value | None) -> Declaration:
    fields = dict(declaration.fields)
    fields.pop(address, None)
    return replace(declaration, fields=fields if value is None else {**fields, address: value})


def _with_consumer(
    declaration: Declaration, new: Consumer, part: KeyPath, value: str
) -> Declaration:
    """Return a declaration that has a consumer, with its owner or code where that is the part."""
    by_key = {consumer.key: consumer for consumer in declaration.consumers}
    consumer = by_key.get(new.key, new)
    match part:
        case ():
            pass
        case ("owner",):
            consumer = replace(consumer, owner=value)
        case ("code",):
            consumer = replace(consumer, code=value)
        case _:
            raise ValueError(f"no consumer has {part!r}")
    return replace(declaration, consumers=tuple((by_key | {new.key: consumer}).values()))


def _with_version(declaration: Declaration, number: int, *, exists: bool) -> Declaration:
    if exists:
        versions = {number: DeclaredVersion(), **declaration.versions}
        return replace(declaration, versions=versions)
    return replace(
        declaration,
        versions={v: entry for v, entry in declaration.versions.items() if v != number},
        fields={
            address: value
            for address, value in declaration.fields.items()
            if address.version != number and not (address.name == "alias" and value == number)
        },
    )
