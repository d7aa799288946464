"""The edits that update a model's file from what is live; what they leave as it is."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.core.declaring.ab_tests import is_ab_tag, parts
from reconciler.core.declaring.forms import in_form
from reconciler.core.declaring.live_pairs import LivePair
from reconciler.core.declaring.moves import enter_stage
from reconciler.core.declaring.semantic_versions import semver_tags
from reconciler.core.settings import Settings
from reconciler.core.state import (
    ACTIVE_STAGES,
    Declaration,
    DeclaredVersion,
    Field,
    Fields,
    Value,
    aliases,
    occupants,
)
from reconciler.files.editing.edits import YamlEdit, edits_between


@dataclass(frozen=True, slots=True)
class LiveAdditions:
    """The edits that update a file; `warnings` say what they leave unchanged."""

    edits: tuple[YamlEdit, ...]
    warnings: tuple[str, ...]


def additions(
    declared: Declaration,
    imported: Declaration,
    settings: Settings,
    pairs: Sequence[LivePair] = (),
) -> LiveAdditions:
    """Return the edits that add the live values to a file; the result is valid.

    Nothing that only the file declares is removed, except an alias from the version that lost it.
    Where a live version takes an exclusive stage, the declared holder goes to its live stage, or
    Archived. A bridged stage and its alias move as one, as `pairs` says where they are live; where
    they are apart, the file keeps what it says of them.
    """
    update = _Update(declared, settings, pairs)
    for address, value in sorted(imported.fields.items(), key=lambda item: item[0].sort_key):
        update.take(address, value)
    update.make_room(imported)
    versions, unlike = _with_pins(declared, imported)
    after = in_form(
        declared,
        replace(declared, fields=update.fields, versions=versions),
        settings,
        live=imported.fields,
    )
    return LiveAdditions(edits_between(declared, after), (*update.warnings, *unlike))


class _Update:
    """The declared fields, one live value after the other."""

    def __init__(
        self, declared: Declaration, settings: Settings, pairs: Sequence[LivePair]
    ) -> None:
        self.fields: dict[Field, Value] = dict(declared.fields)
        self.warnings: list[str] = []
        self._declared = declared
        self._settings = settings
        self._is_tested = bool(parts(declared))  # then `traffic` declares the two tags
        self._numbered = semver_tags(declared)
        self._entered = dict[Field, Value]()
        self._kept = set[Field]()
        self._undecided = set[int]()
        for pair in pairs:
            if pair.is_apart:
                self._keep(pair)
        for pair in pairs:
            self._move(pair)

    def take(self, address: Field, value: Value) -> None:
        """Add a live value, or say why it is not added."""
        version = value if address.name == "alias" else address.version
        is_tag_of_key = address in self._numbered or (self._is_tested and is_ab_tag(address))
        if self.fields.get(address) == value or is_tag_of_key or address in self._kept:
            return
        is_active = address.name == "alias" or value in ACTIVE_STAGES
        if address.name in ("alias", "stage") and is_active and self._is_blocked(version):
            place = f"in {value}" if address.name == "stage" else f"@{address.key}"
            self.warnings.append(f"v{version} is blocked, but live {place}; this is not added")
        elif address.name == "stage" and address.version is not None:
            self._stage(address.version, str(value))
        else:
            self.fields[address] = value

    def make_room(self, imported: Declaration) -> None:
        """Archive each version that is declared in an exclusive stage which a live one takes."""
        live = {**imported.fields, **self._entered}
        for version in tuple(_displaced(self.fields, live, self._settings.exclusive)):
            enter_stage(self.fields, version, "Archived", self._settings)
            self.warnings.append(
                f"v{version} is declared Archived: a live version has its exclusive stage"
            )

    def _keep(self, pair: LivePair) -> None:
        """Leave a pair that is apart, and the stages of the versions in it, as they are declared.

        Moving one of them would make the file declare both words of the pair on two versions.
        """
        holder = aliases(self.fields).get(pair.alias)
        self._undecided |= {*pair.versions, *([] if holder is None else [holder])}
        self._kept |= {Field("alias", None, pair.alias)}
        self._kept |= {Field("stage", version) for version in self._undecided}
        self.warnings.append(
            f"{pair.words}, but `bridge` makes {pair.stage} and @{pair.alias} one: neither is added"
        )

    def _move(self, pair: LivePair) -> None:
        version = pair.version
        if version is None or self._is_blocked(version):
            return
        if version in self._undecided:
            self._kept |= {Field("alias", None, pair.alias)}
        else:
            self._entered[Field("stage", version)] = pair.stage
            enter_stage(self.fields, version, pair.stage, self._settings)

    def _stage(self, version: int, stage: str) -> None:
        address, bridge = Field("stage", version), self._settings.bridge
        alias = bridge.alias_of(str(self.fields.get(address)))
        has_alias = alias is not None and aliases(self.fields).get(alias) == version
        if has_alias and address in self._declared.implied:
            # Only its alias is in the file, and an update takes nothing away.
            if stage != "None":
                place = f"@{alias}, which is {bridge.stage_of(alias)} by `bridge`"
                self.warnings.append(
                    f"v{version} is live in {stage}, but the file gives it {place}; this is not "
                    "added"
                )
            return
        enter_stage(self.fields, version, stage, self._settings)

    def _is_blocked(self, version: Value | None) -> bool:
        entry = self._declared.versions.get(version) if isinstance(version, int) else None
        return entry is not None and entry.blocked is not None


def _displaced(fields: Fields, live: Fields, exclusive: Collection[str]) -> Iterator[int]:
    """Yield the versions that are declared in an exclusive stage which a live version takes."""
    for stage, holders in occupants(fields, exclusive).items():
        for version in holders if len(holders) > 1 else ():
            if live.get(Field("stage", version)) != stage:
                yield version


def _with_pins(
    declared: Declaration, imported: Declaration
) -> tuple[dict[int, DeclaredVersion], tuple[str, ...]]:
    """Return the declared versions with their missing pins, and warnings where a pin differs."""
    versions, unlike = dict(declared.versions), []
    for version, live in imported.versions.items():
        entry = versions.get(version, DeclaredVersion())
        pairs = ((entry.run_id, live.run_id), (entry.source, live.source))
        if any(pin and found and pin != found for pin, found in pairs):
            unlike.append(
                f"v{version} is not the version that was declared: its run_id or source differs, "
                "and a plan refuses the model; its pins are not changed (`--pins` does, which "
                "approves another model under this number)"
            )
        else:
            if entry.digest and live.digest and entry.digest != live.digest:
                unlike.append(
                    f"v{version} does not have the approved bytes: their digest is {live.digest}, "
                    f"and the file pins {entry.digest}; that is not changed "
                    "(`--pins --digests` does, which approves these files)"
                )
            entry = replace(
                entry,
                run_id=entry.run_id or live.run_id,
                source=entry.source or live.source,
                digest=entry.digest or live.digest,
            )
        versions[version] = entry
    return versions, tuple(unlike)
