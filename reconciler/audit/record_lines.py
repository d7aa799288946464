"""An apply record as one line of JSON, as a git note keeps it.

The time comes first in the line, so that notes of two concurrent writers can be merged by sorting
their lines.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Final, get_args

from reconciler.audit.apply_record import (
    ApplyRecord,
    RecordedApproval,
    RecordedChange,
    RecordedVersion,
)
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.artifacts.model_files import DIGEST, HashedFile
from reconciler.core.changes import Cause
from reconciler.core.report import ChangeOutcome
from reconciler.core.state import FieldName, Value

_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"  # fixed width: sorting the texts sorts the times
_OUTCOMES: Final = get_args(ChangeOutcome)
_CAUSES: Final = get_args(Cause)
_FIELDS: Final = get_args(FieldName)


def dumps(record: ApplyRecord) -> str:
    """Return the record as one line of JSON, its time first."""
    document = asdict(record)
    document["time"] = record.time.strftime(_TIME)
    return json.dumps(document, separators=(",", ":")) + "\n"


def loads(line: str) -> ApplyRecord | None:
    """Return the record in a line, None when it is not a record; unknown members are ignored."""
    try:
        return _record(json.loads(line))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _record(document: dict[str, Any]) -> ApplyRecord:
    time = datetime.strptime(_text(document["time"]), _TIME).replace(tzinfo=timezone.utc)
    return ApplyRecord(
        time=time,
        registry=_text(document["registry"]),
        state=_text(document["state"]),
        commit=_text(document["commit"]),
        actor=_optional(document.get("actor")),
        run_url=_optional(document.get("run_url")),
        accepted=_texts(document.get("accepted", ())),
        approvals=tuple(_approval(row) for row in document.get("approvals", ())),
        models=_texts(document.get("models", ())),
        changes=tuple(_change(row) for row in document.get("changes", ())),
        versions=tuple(_version(row) for row in document.get("versions", ())),
        registry_user=_optional(document.get("registry_user")),
        bytes=tuple(_bytes(row) for row in document.get("bytes", ())),
    )


def _change(row: Mapping[str, Any]) -> RecordedChange:
    return RecordedChange(
        model=_text(row["model"]),
        version=_number(row["version"]),
        field=_one_of(row["field"], _FIELDS),
        key=_optional(row["key"]),
        before=_value(row["before"]),
        after=_value(row["after"]),
        cause=_one_of(row["cause"], _CAUSES),
        outcome=_one_of(row["outcome"], _OUTCOMES),
    )


def _approval(row: Mapping[str, Any]) -> RecordedApproval:
    return RecordedApproval(
        login=_text(row["login"]),
        commit=_text(row["commit"]),
        time=_text(row["time"]),
        merged=_text(row["merged"]),
        is_author=_truth(row.get("is_author")),
    )


def _version(row: Mapping[str, Any]) -> RecordedVersion:
    return RecordedVersion(
        model=_text(row["model"]),
        version=_whole(row["version"]),
        run_id=_optional(row["run_id"]),
        source=_optional(row["source"]),
        created=_number(row["created"]),
    )


def _bytes(row: Mapping[str, Any]) -> RecordedBytes:
    listing = row["listing"]
    read = RecordedBytes(
        model=_text(row["model"]),
        version=_whole(row["version"]),
        digest=_digest(row["digest"]),
        files=_whole(row["files"]),
        size=_whole(row["size"]),
        listing=None if listing is None else tuple(map(_file, listing)),
    )
    read.require_proof()
    return read


def _file(row: Sequence[Any]) -> HashedFile:
    path, size, sha256 = row
    _digest(f"sha256:{_text(sha256)}")
    return HashedFile(_text(path), _whole(size), sha256)


def _digest(value: object) -> str:
    if DIGEST.fullmatch(_text(value)) is None:
        raise ValueError(value)
    return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _truth(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(value)
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(value)
    return tuple(_text(item) for item in value)


def _number(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(value)
    return value


def _whole(value: object) -> int:
    number = _number(value)
    if number is None or number < 0:
        raise ValueError(value)
    return number


def _value(value: object) -> Value | None:
    return value if isinstance(value, str) else _number(value)


def _one_of(value: object, known: Sequence[Any]) -> Any:  # noqa: ANN401  one of the literals
    if value not in known:
        raise ValueError(value)
    return value
