"""Converts MLflow's rows, as JSON or as its client's entities, to live models."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Final, TypeAlias, TypeVar

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    PROMPT_TAG,
    Field,
    Identity,
    Live,
    LiveVersion,
    Value,
)
from reconciler.errors import RegistryError


def _tag_pairs(rows: object) -> object:
    if isinstance(rows, list):
        return {row["key"]: row.get("value") or "" for row in rows}
    # Unity Catalog's search rows have methods in place of tags.
    return rows if isinstance(rows, Mapping) else {}


def _alias_pairs(rows: object) -> object:
    if isinstance(rows, list):
        return {row["alias"]: row["version"] for row in rows}
    return rows if isinstance(rows, Mapping) else {}


Tags: TypeAlias = Annotated[dict[str, str], BeforeValidator(_tag_pairs)]
AliasVersions: TypeAlias = Annotated[dict[str, int], BeforeValidator(_alias_pairs)]
# Milliseconds since 1970, up to the last second that a date can have.
Milliseconds: TypeAlias = Annotated[int, pydantic.Field(ge=0, le=253_402_300_799_000)]


class VersionRow(BaseModel):
    """A model version from MLflow; `current_stage` is None where stages do not exist."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    version: int
    current_stage: str | None = "None"
    description: str | None = None
    run_id: str | None = None
    source: str | None = None
    creation_timestamp: Milliseconds | None = None
    last_updated_timestamp: Milliseconds | None = None
    status: str | None = None
    tags: Tags = {}


class ModelRow(BaseModel):
    """A registered model from MLflow; the aliases are those of all its versions."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    description: str | None = None
    tags: Tags = {}
    aliases: AliasVersions = {}
    last_updated_timestamp: Milliseconds | None = None
    latest_versions: list[VersionRow] | None = None


class GrantRow(BaseModel):
    """A permission on a model that a user was granted."""

    name: str
    permission: str


class UserRow(BaseModel):
    """A user of MLflow's basic-auth; newer servers do not list the permissions."""

    username: str
    is_admin: bool = False
    registered_model_permissions: list[GrantRow] = []


class PermissionRow(BaseModel):
    """The permission that counts for a user on a model."""

    permission: str


class FileRow(BaseModel):
    """A file or folder of an artifact listing; MLflow leaves out the size of an empty file."""

    path: str
    is_dir: bool = False
    file_size: int | None = None


_APART: Final = 60_000  # milliseconds
# One page of a search by time. MLflow 2.9 reads the tags of each row by a query of its own.
RECENT: Final = 50
LAST_UPDATED_FIRST: Final = ["last_updated_timestamp DESC"]

RowT = TypeVar("RowT", bound=BaseModel)


def rows(kind: type[RowT], answer: Mapping[str, object], key: str) -> list[RowT]:
    """Return the rows under `key`; MLflow leaves out the key of an empty list."""
    listed = answer.get(key) or []
    if not isinstance(listed, list):
        raise _not_mlflow(key)
    return [_parse(kind, one, key) for one in listed]


def row(kind: type[RowT], answer: Mapping[str, object], key: str) -> RowT:
    """Return the one row under `key`."""
    return _parse(kind, answer.get(key), key)


def assemble(
    models: Iterable[ModelRow], versions: Iterable[VersionRow], torn: Collection[str] = ()
) -> dict[str, Live]:
    """Return live models by name; of duplicate rows the later one counts.

    `torn` are the models whose versions may be on two pages, or missing in between.
    """
    by_model: dict[str, list[VersionRow]] = defaultdict(list)
    for version in versions:
        by_model[version.name].append(version)
    return {
        model.name: replace(
            live(model, by_model[model.name]),
            updated=None if model.name in torn else _proven(model, by_model[model.name]),
        )
        for model in models
    }


def torn(pages: Sequence[Sequence[VersionRow]]) -> frozenset[str]:
    """Return the models at the edges of pages.

    The pages of a listing are not one moment: a version on the first can have changed before the
    second was read, and one that was deleted lets the next page begin too late.
    """
    edges = ((one[-1], other[0]) for one, other in pairwise(filter(None, pages)))
    return frozenset(version.name for edge in edges for version in edge)


def _proven(model: ModelRow, listed: Iterable[VersionRow]) -> int | None:
    """Return when the model was updated, None where its versions may be from before that.

    The two searches are not one moment. A version that has the model's time was listed after it.
    """
    when = model.last_updated_timestamp
    times = ((row.last_updated_timestamp, row.creation_timestamp) for row in listed)
    return when if any(when in pair for pair in times) else None


def live(model: ModelRow, listed: Iterable[VersionRow], asked: Iterable[VersionRow] = ()) -> Live:
    """Return one live model from the versions that a search listed and those read one by one.

    The model was read before its versions.
    """
    listed = list(listed)
    versions = {version.version: version for version in (*listed, *asked)}
    of_versions = versions_alone(model.name, versions.values())
    return Live(
        model=model.name,
        fields={**dict(_model_fields(model)), **of_versions.fields},
        versions=of_versions.versions,
        commit=model.tags.get(COMMIT_TAG),
        owner=model.tags.get(OWNER_TAG),
        is_prompt=model.tags.get(PROMPT_TAG, "").lower() == "true",
        unreadable=None if listed or not model.latest_versions else _HIDDEN,
        updated=model.last_updated_timestamp,
    )


def versions_alone(model: str, rows: Iterable[VersionRow]) -> Live:
    """Return these versions of a model without what belongs to the model itself."""
    fields: dict[Field, Value] = {}
    ordered = sorted(rows, key=lambda row: row.version)
    for version in ordered:
        fields.update(_version_fields(version))
    return Live(model, fields, {version.version: _live_version(version) for version in ordered})


def since(rows: Sequence[VersionRow], moment: int, *, are_all: bool) -> bool:
    """Return whether rows, the last updated first, have every version updated after a moment.

    The times are those of several servers, whose clocks may differ by a minute.
    """
    last = rows[-1].last_updated_timestamp if rows else None
    return are_all or (last is not None and last <= moment - _APART)


_HIDDEN = (
    "it has versions, but the registry lists none of them;"
    f" a tag `{PROMPT_TAG}` on one version hides them all"
)


def _parse(kind: type[RowT], value: object, key: str) -> RowT:
    try:
        return kind.model_validate(value)
    except (ValidationError, KeyError, AttributeError, TypeError) as error:
        raise _not_mlflow(key) from error


def _not_mlflow(key: str) -> RegistryError:
    return RegistryError(f"the answer's `{key}` does not have MLflow's form")


def _model_fields(model: ModelRow) -> Iterable[tuple[Field, Value]]:
    if model.description:
        yield Field("description"), model.description
    for alias, number in model.aliases.items():
        yield Field("alias", None, alias), number
    for key, text in model.tags.items():
        if key not in {COMMIT_TAG, OWNER_TAG}:
            yield Field("tag", None, key), text


def _version_fields(version: VersionRow) -> Iterable[tuple[Field, Value]]:
    if version.current_stage:
        yield Field("stage", version.version), version.current_stage
    if version.description:
        yield Field("description", version.version), version.description
    for key, text in version.tags.items():
        yield Field("tag", version.version, key), text


def _live_version(version: VersionRow) -> LiveVersion:
    identity = Identity(version.run_id or None, version.source or None, version.creation_timestamp)
    return LiveVersion(identity, version.status or "READY")
