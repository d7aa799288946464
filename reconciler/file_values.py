"""Between the content of a file and the values that the core works with."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from reconciler.file_models import ModelFile, SettingsFile, VersionEntry
from reconciler.rules import Ignore, RegistryPin, Rules, Serving
from reconciler.state import Declaration, DeclaredVersion, Field, Value


def declaration(
    file: ModelFile, *, name: str, line: int, version_lines: Mapping[str, int]
) -> Declaration:
    """Return what a model file declares; `name` is the file's, the lines are those of its keys."""
    versions = {
        int(number): DeclaredVersion(
            entry.get("run_id"), entry.get("source"), entry.get("blocked"), version_lines[number]
        )
        for number, entry in file.get("versions", {}).items()
    }
    return Declaration(
        model=file["model"],
        fields=MappingProxyType(dict(_fields(file))),
        versions=MappingProxyType(versions),
        retired=file.get("retired", False),
        hold=file.get("hold"),
        file=name,
        line=line,
    )


def content(declaration: Declaration, *, stem: str) -> dict[str, object]:
    """Return a declaration as the content of a file, in the order in which people read it."""
    numbers = {address.version for address in declaration.fields} | set(declaration.versions)
    held = aliases(declaration.fields)
    numbers.update(held.values())
    versions = {
        number: _version(declaration, number)
        for number in sorted((each for each in numbers if each is not None), reverse=True)
    }
    described = {
        "retired": declaration.retired or None,
        "hold": declaration.hold,
        **_described(declaration, None),
        "versions": versions or None,
    }
    rest = {key: value for key, value in described.items() if value is not None}
    is_needed = declaration.model != stem or not rest
    return {"model": declaration.model, **rest} if is_needed else rest


def rules(file: SettingsFile) -> Rules:
    """Return what a settings file says; what it leaves out is as without a file."""
    default, ignore = Rules(), file.get("ignore", {})
    serving = file.get("serving")
    return Rules(
        registry=_pin(file),
        branch=file.get("branch"),
        exclusive=tuple(file.get("exclusive", default.exclusive)),
        serving=Serving(serving.get("stage"), serving.get("alias")) if serving else Serving(),
        guarded_aliases=tuple(file.get("guards", {}).get("aliases", default.guarded_aliases)),
        ignore=Ignore(
            models=tuple(ignore.get("models", ())),
            tags=(*default.ignore.tags, *ignore.get("tags", ())),
            aliases=tuple(ignore.get("aliases", ())),
        ),
    )


def _fields(file: ModelFile) -> Iterator[tuple[Field, Value]]:
    yield from _texts(None, file)
    for number, entry in file.get("versions", {}).items():
        version = int(number)
        yield from _texts(version, entry)
        if "stage" in entry:
            yield Field("stage", version), entry["stage"]
        for alias in entry.get("aliases", ()):
            yield Field("alias", None, alias), version


def _texts(version: int | None, part: ModelFile | VersionEntry) -> Iterator[tuple[Field, str]]:
    """Return what a model and a version both have: a description and tags."""
    if "description" in part:
        yield Field("description", version), part["description"]
    for key, value in part.get("tags", {}).items():
        yield Field("tag", version, key), value


def _version(declaration: Declaration, number: int) -> dict[str, object]:
    pins = declaration.versions.get(number, DeclaredVersion())
    names = sorted(name for name, version in aliases(declaration.fields).items() if version == number)
    entry = {
        "blocked": pins.blocked,
        "stage": declaration.fields.get(Field("stage", number)),
        "aliases": names or None,
        **_described(declaration, number),
        "run_id": pins.run_id,
        "source": pins.source,
    }
    return {key: value for key, value in entry.items() if value is not None}


def _described(declaration: Declaration, version: int | None) -> dict[str, object]:
    """Return the tags and the description of a model or a version, where they are declared."""
    tags = {
        address.key: value
        for address, value in sorted(declaration.fields.items(), key=lambda each: each[0].sort_key)
        if address.name == "tag" and address.version == version
    }
    return {"tags": tags or None, "description": declaration.fields.get(Field("description", version))}


def _pin(file: SettingsFile) -> RegistryPin | None:
    registry = file.get("registry")
    if registry is None or isinstance(registry, str):
        return None if registry is None else RegistryPin((registry,))
    uri = registry["uri"]
    return RegistryPin((uri,) if isinstance(uri, str) else tuple(uri), registry.get("name"))
