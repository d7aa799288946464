"""Builds the declaration of a live model, and of a declared one with the pins that are live."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, TypeAlias

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.declaring.live_pairs import live_pairs
from reconciler.core.settings import Settings
from reconciler.core.state import (
    ACTIVE_STAGES,
    Declaration,
    DeclaredVersion,
    Field,
    Fields,
    Identity,
    Live,
    LiveVersion,
    aliases,
    in_use,
    occupants,
)
from reconciler.files.messages import worded
from reconciler.files.schema.model_schema import MODEL
from reconciler.files.schema.name_rules import quoted

# What no file can contain, not even escaped: NUL and lone surrogates.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_LONGEST_STEM = 200
_RESERVED_STEM = re.compile(r"(?i)reconciler|(con|prn|aux|nul|(com|lpt)\d)(\..*)?")

PINS: Final = ("run_id", "source", "digest")
_NO_DIGESTS: Final[Mapping[int, str]] = {}

_LEFT = "it is not declared, and a plan does not change it"

_Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """The declaration of a live model; None when no file can name the model.

    `warnings` say which live values are left out, and what a plan does with them.
    """

    declaration: Declaration | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewPin:
    """A pin of a declared version that the live version replaces; None is no value."""

    model: str
    version: int
    pin: str
    before: str | None
    after: str | None


def declaration_of(
    live: Live, settings: Settings, *, every_version: bool, besides: Collection[int] = ()
) -> Imported:
    """Return the declaration for which a plan makes no changes to a live model.

    It has the versions in an active stage, those with an alias, and those in `besides`, or all
    versions. What a valid file cannot express is left out, with a warning, and so is the stage and
    the alias of a version that a plan would refuse to let serve. A version that has only the alias
    of a bridged pair has no stage, so that a plan gives it the pair's.
    """
    fields = settings.ignore.without(live.fields)
    unready = dict(_not_ready(fields, live))
    used = in_use({address: value for address, value in fields.items() if address not in unready})
    kept = set(live.versions) & (set(live.versions) if every_version else {*used, *besides})
    fields = {a: v for a, v in fields.items() if a.version is None or a.version in kept}
    name, out = _undeclarable(live.model, fields)
    if name is not None:
        return Imported(None, (f"{name}: the model is not imported",))
    out |= unready | dict(_dangling(fields, live, settings.bridge))
    out |= dict(_second_holders(fields, settings.exclusive))
    left = {address: value for address, value in fields.items() if address not in out}
    pairs = live_pairs(left, settings.bridge)
    implied = {Field("stage", pair.version) for pair in pairs if not pair.holders}
    return Imported(
        Declaration(
            live.model,
            {address: value for address, value in left.items() if address not in implied},
            {v: _pins(live.versions[v].identity) for v in sorted(kept, reverse=True)},
        ),
        tuple(dict.fromkeys(out[a] for a in sorted(out, key=lambda address: address.sort_key))),
    )


def repinned(
    declared: Declaration,
    live: Mapping[int, LiveVersion],
    digests: Mapping[int, str] = _NO_DIGESTS,
) -> tuple[Declaration, tuple[NewPin, ...]]:
    """Return a declaration whose pins are those of the live versions, and each that is new.

    Only a pin that differs is replaced: one that is missing stays missing. `digests` are those of
    the versions whose files were read. The digest of a version whose other pins are new, and whose
    files were not read, is taken out: it approved the files of another model.
    """
    versions, pins = dict(declared.versions), []
    for version, entry in declared.versions.items():
        if version not in live:
            continue
        now = _live_pins(entry, live[version].identity, digests.get(version))
        for pin in PINS:
            before, after = getattr(entry, pin), getattr(now, pin)
            if before != after:
                pins.append(NewPin(declared.model, version, pin, before, after))
        versions[version] = now
    return replace(declared, versions=versions), tuple(pins)


def _live_pins(entry: DeclaredVersion, identity: Identity, read: str | None) -> DeclaredVersion:
    """Return an entry with the live value of each of its pins; `read` is the live digest."""
    live = _pins(identity)
    run_id = None if entry.run_id is None else live.run_id
    source = None if entry.source is None else live.source
    is_another = (run_id, source) != (entry.run_id, entry.source)
    digest = entry.digest
    if digest is not None:
        digest = read or (None if is_another else digest)
    return replace(entry, run_id=run_id, source=source, digest=digest)


def file_stem(model: str) -> str:
    """Return the name of a model's file without its suffix: portable and unique.

    Letters, digits, `_`, `-`, `.` and space are kept, other characters are percent-encoded, and a
    long name is cut.
    """
    stem = re.sub(r"[^\w.\- ]", lambda found: _percent(found[0]), model)
    if stem[:1] in (".", " ") or _RESERVED_STEM.fullmatch(stem):
        stem = _percent(stem[:1]) + stem[1:]
    if stem[-1:] in (".", " "):
        stem = stem[:-1] + _percent(stem[-1])
    if len(stem.encode()) <= _LONGEST_STEM:
        return stem
    # No other stem contains a tilde: it would be encoded.
    digest = f"~{sha256(model.encode(errors='surrogatepass')).hexdigest()[:16]}"
    return stem.encode()[: _LONGEST_STEM - len(digest)].decode(errors="ignore") + digest


def _pins(identity: Identity) -> DeclaredVersion:
    texts = (identity.run_id, identity.source)
    run_id, source = (text if text and not _NO_TEXT.search(text) else None for text in texts)
    return DeclaredVersion(run_id, source)


def _undeclarable(model: str, fields: Fields) -> tuple[str | None, dict[Field, str]]:
    """Return why a model's name is not valid, and a reason for every field that is not valid."""
    content, places = _content(model, fields)
    wrong_name = "its name is not text" if _NO_TEXT.search(model) else None
    wrong = {
        address: "not text"
        for address, value in fields.items()
        if _NO_TEXT.search(f"{address.key}{value}")
    }
    for fault in MODEL.check(content)[1]:
        message = worded(fault).message
        if fault.path == ("model",):
            wrong_name = message
        for place, address in places.items():
            if place[: len(fault.path)] == fault.path:
                wrong[address] = message
    return wrong_name, {
        address: f"{_named(address)}: {message}; {_LEFT}" for address, message in wrong.items()
    }


def _content(model: str, fields: Fields) -> tuple[dict[str, object], dict[_Place, Field]]:
    """Return fields as the content of a file, and the field at each of its paths."""
    content: dict[str, Any] = {"model": model, "versions": {}}
    places: dict[_Place, Field] = {}
    for address, value in fields.items():
        version = value if address.name == "alias" else address.version
        of = () if version is None else ("versions", str(version))
        part = content if version is None else content["versions"].setdefault(str(version), {})
        if address.name == "alias":
            held = part.setdefault("aliases", [])
            places[(*of, "aliases", len(held))] = address
            held.append(address.key)
        elif address.name == "tag":
            places[(*of, "tags", address.key or "")] = address
            part.setdefault("tags", {})[address.key] = value
        else:
            places[(*of, address.name)] = address
            part[address.name] = value
    return content, places


def _not_ready(fields: Fields, live: Live) -> Iterator[tuple[Field, str]]:
    for address, value in fields.items():
        version = value if address.name == "alias" else address.version
        found = live.versions.get(version) if isinstance(version, int) else None
        is_active = address.name == "alias" or (address.name == "stage" and value in ACTIVE_STAGES)
        if found is not None and found.status != "READY" and is_active:
            yield address, f"v{version} is {found.status}, not READY; {_LEFT}"


def _dangling(fields: Fields, live: Live, bridge: Bridge) -> Iterator[tuple[Field, str]]:
    for alias, version in aliases(fields).items():
        if version not in live.versions:
            stage = bridge.stage_of(alias)
            then = _LEFT if stage is None else f"it follows {stage}, by `bridge`"
            message = f"@{alias} names v{version}, which does not exist"
            yield Field("alias", None, alias), f"{message}; {then}"


def _second_holders(fields: Fields, exclusive: Sequence[str]) -> Iterator[tuple[Field, str]]:
    """Yield the versions that share an exclusive stage with a higher, serving version."""
    for stage, holders in occupants(fields, exclusive).items():
        for version in holders[:-1]:
            message = f"v{version} is in {stage} as well as v{holders[-1]}, which serves"
            yield Field("stage", version), f"{message}; a plan archives v{version}"


def _named(address: Field) -> str:
    return str(address) if address.key is None else str(address._replace(key=quoted(address.key)))


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode(errors="surrogatepass"))
