"""Converts between the content of a file and the values of the core."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.implied import as_written
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.settings import Ignore, RegistryPin, ServingRules, Settings, Webhook
from reconciler.core.state import (
    Consumer,
    DatedConsent,
    Declaration,
    DeclaredVersion,
    Field,
    Serving,
    Value,
)
from reconciler.files.schema.consent_from_yaml import consents
from reconciler.files.schema.model_schema import (
    ModelFile,
    ServingEntry,
    VersionEntry,
)
from reconciler.files.schema.policy_from_yaml import policies
from reconciler.files.schema.settings_schema import NotifyEntry, ServingRulesEntry, SettingsFile
from reconciler.files.schema.watch_from_yaml import watch_content, watch_rules

# Numbers of YAML 1.2, which PyYAML reads as text but other readers do not.
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|0[ox][0-9a-fA-F]+")


def declaration(
    file: ModelFile,
    *,
    name: str,
    line: int,
    version_lines: Mapping[str, int],
    consumer_places: Sequence[tuple[int, int]],
    watch_lines: Sequence[int] = (),
) -> Declaration:
    """Return what a model file declares; `name` is the file's name.

    The lines are those of keys, the places those of what each consumer loads.
    """
    versions = {
        int(number): DeclaredVersion(
            run_id=entry.get("run_id"),
            source=entry.get("source"),
            digest=entry.get("digest"),
            blocked=entry.get("blocked"),
            line=version_lines[number],
            traffic=Decimal(entry["traffic"]) if "traffic" in entry else None,
            semver=entry.get("semver"),
        )
        for number, entry in file.get("versions", {}).items()
    }
    return Declaration(
        model=file.get("model", ""),
        fields=MappingProxyType(_fields(file)),
        versions=MappingProxyType(versions),
        retired=file.get("retired", False),
        hold=file.get("hold"),
        serving=_serving(file.get("serving")),
        renamed_from=file.get("renamed_from"),
        accept=consents(file),
        consumers=tuple(
            Consumer(entry["name"], entry["loads"], entry.get("owner"), entry.get("code"), *at)
            for entry, at in zip(file.get("consumers", ()), consumer_places, strict=False)
        ),
        inventory=_inventory(file),
        watch=watch_rules(file.get("watch", ()), watch_lines),
        file=name,
        line=line,
    )


def _inventory(file: ModelFile) -> Inventory | None:
    entry = file.get("inventory")
    if entry is None:
        return None
    day = entry.get("review_by")
    return Inventory(
        owner=entry.get("owner"),
        purpose=entry.get("purpose"),
        tier=entry.get("tier"),
        review_by=None if day is None else date.fromisoformat(day),
        contacts=tuple(entry.get("contacts", ())),
    )


def content(declaration: Declaration, *, stem: str) -> dict[str, object]:
    """Return a declaration as the content of a file, in the usual order of keys.

    The name is left out where `stem` equals it and the file has other content.
    """
    fields = as_written(declaration).fields
    tags: dict[int | None, dict[str, Value]] = defaultdict(dict)
    held: dict[int, list[str]] = defaultdict(list)
    numbers = set(declaration.versions)
    for address in sorted(fields, key=lambda each: each.sort_key):
        if address.name == "alias":
            held[int(fields[address])].append(address.key or "")
        elif address.name == "tag":
            tags[address.version][address.key or ""] = fields[address]
        if address.version is not None:
            numbers.add(address.version)
    versions = {
        number: _entry(
            declaration.versions.get(number, DeclaredVersion()),
            stage=fields.get(Field("stage", number)),
            aliases=held.get(number),
            tags=tags.get(number),
            description=fields.get(Field("description", number)),
        )
        for number in sorted(numbers | set(held), reverse=True)
    }
    rest = _said(
        retired=declaration.retired or None,
        hold=declaration.hold,
        serving=_served_by(declaration.serving),
        renamed_from=declaration.renamed_from,
        accept=[_consent(consent) for consent in declaration.accept] or None,
        consumers=[_consumer(consumer) for consumer in declaration.consumers] or None,
        inventory=_inventoried(declaration.inventory),
        watch=watch_content(declaration.watch) or None,
        description=fields.get(Field("description")),
        tags=tags.get(None),
        versions=versions or None,
    )
    return rest if rest and declaration.model == stem else {"model": declaration.model, **rest}


def _fits_block(text: str) -> bool:
    """Return whether a literal block, which people can edit, preserves a text."""
    lines = text.removesuffix("\n").split("\n")
    return (
        "\n" in text
        and lines[0][:1] not in {"", " "}
        and lines[-1] != ""
        and all(line.isprintable() and not line.endswith(" ") for line in lines)
    )


def _consent(consent: DatedConsent) -> dict[str, object]:
    return {"guard": consent.guard, "until": consent.until, "reason": consent.reason}


def _consumer(consumer: Consumer) -> dict[str, object]:
    return _said(name=consumer.name, owner=consumer.owner, loads=consumer.loads, code=consumer.code)


def _inventoried(inventory: Inventory | None) -> dict[str, object] | None:
    if inventory is None:
        return None
    return _said(
        owner=inventory.owner,
        purpose=inventory.purpose,
        tier=inventory.tier,
        review_by=inventory.review_by and inventory.review_by.isoformat(),
        contacts=list(inventory.contacts) or None,
    )


def _served_by(serving: Serving | None) -> dict[str, object] | None:
    return None if serving is None else _said(stage=serving.stage, alias=serving.alias)


def _entry(pins: DeclaredVersion, **values: object) -> dict[str, object]:
    return _said(
        blocked=pins.blocked,
        traffic=pins.traffic,
        **values,
        run_id=pins.run_id,
        source=pins.source,
        digest=pins.digest,
        semver=pins.semver,
    )


def _said(**values: object) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def style(text: str) -> str | None:
    """Return a readable and safe YAML style for a text; None where a plain scalar may do."""
    if _fits_block(text):
        return "|"
    if not text.isprintable():
        return '"'
    return "'" if _NUMBER.fullmatch(text) else None


def settings(
    file: SettingsFile, *, policy_lines: Sequence[int] = (), watch_lines: Sequence[int] = ()
) -> Settings:
    """Return the settings of a settings file, with defaults for what it leaves out.

    The lines are those of the policies and of the rules of `watch`.
    """
    default, ignore = Settings(), file.get("ignore", {})
    verify = file.get("digests", {}).get("verify", default.verify)
    return Settings(
        registry=_pin(file),
        branch=file.get("branch"),
        exclusive=tuple(file.get("exclusive", default.exclusive)),
        serving=_serving_rules(file.get("serving", {})),
        guarded_aliases=tuple(file.get("guards", {}).get("aliases", default.guarded_aliases)),
        ignore=Ignore(
            models=tuple(ignore.get("models", ())),
            tags=(*default.ignore.tags, *ignore.get("tags", ())),
            aliases=tuple(ignore.get("aliases", ())),
        ),
        policies=policies(file.get("policies", ()), policy_lines),
        fresh=file.get("apply") == "fresh",
        heal=file.get("heal", False),
        notify=tuple(_webhook(entry) for entry in file.get("notify", ())),
        verify=tuple(step for step in default.verify if step in verify),
        bridge=Bridge(tuple(file.get("bridge", {}).items())),
        aliases_from_semver=file.get("aliases_from_semver", False),
        watch=watch_rules(file.get("watch", ()), watch_lines),
    )


def _serving_rules(entry: ServingRulesEntry) -> ServingRules:
    globs = entry.get("models", {}).items()
    return ServingRules(
        _serving(entry) or Serving(),
        tuple((glob, _serving(said) or Serving()) for glob, said in globs),
    )


def _serving(entry: ServingEntry | ServingRulesEntry | None) -> Serving | None:
    """Return what an entry says, None where it names neither a stage nor an alias."""
    said = (entry.get("stage"), entry.get("alias")) if entry else (None, None)
    return Serving(*said) if any(said) else None


def _fields(file: ModelFile) -> dict[Field, Value]:
    fields: dict[Field, Value] = {}
    _add_texts(fields, None, file)
    for number, entry in file.get("versions", {}).items():
        version = int(number)
        _add_texts(fields, version, entry)
        if "stage" in entry:
            fields[Field("stage", version)] = entry["stage"]
        for alias in entry.get("aliases", ()):
            fields[Field("alias", None, alias)] = version
    return fields


def _add_texts(
    fields: dict[Field, Value], version: int | None, part: ModelFile | VersionEntry
) -> None:
    """Add the description and tags, which a model and a version can both have."""
    if "description" in part:
        fields[Field("description", version)] = part["description"]
    for key, value in part.get("tags", {}).items():
        fields[Field("tag", version, key)] = value


def _webhook(entry: NotifyEntry) -> Webhook:
    """Return the webhook of an entry, which has exactly one of the keys."""
    match entry:
        case {"slack": variable}:
            return Webhook("slack", variable)
        case _:
            return Webhook("json", entry["json"])


def _pin(file: SettingsFile) -> RegistryPin | None:
    registry = file.get("registry")
    if registry is None or isinstance(registry, str):
        return None if registry is None else RegistryPin((registry,))
    uri = registry["uri"]
    uris = (uri,) if isinstance(uri, str) else tuple(uri)
    return RegistryPin(uris, registry.get("name"), registry.get("workspace"))
