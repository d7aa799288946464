"""What a record keeps of the bytes that an apply read, and which of it counts as approved."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.audit.apply_record import (
    ApplyRecord,
    Circumstances,
    apply_record,
    approved_files,
)
from reconciler.audit.record_lines import dumps, loads
from reconciler.audit.recorded_bytes import MOST_LISTED, RecordedBytes, recorded_bytes
from reconciler.core.artifacts.bytes_check import ApprovedFiles, BytesCheck
from reconciler.core.artifacts.model_files import HashedFile, ModelFiles, model_files
from reconciler.core.report import ApplyReport
from reconciler.errors import Rejected
from tests.support.plans.executor_lab import Lab, always

NOON = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)


def files(**contents: bytes) -> ModelFiles:
    return model_files(
        HashedFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in contents.items()
    )


SMALL = files(MLmodel=b"flavors: {}", model=b"weights")


def row(found: ModelFiles = SMALL, model: str = "m", version: int = 2) -> RecordedBytes:
    return RecordedBytes(
        *(model, version, found.digest, len(found.files), found.size), listing=found.files
    )


def record(*rows: RecordedBytes, hours: int = 0) -> ApplyRecord:
    time = NOON + timedelta(hours=hours)
    return ApplyRecord(time, "prod", "registry-state", "c" * 40, bytes=rows)


def checked(report: ApplyReport, *checks: BytesCheck) -> ApplyReport:
    """Return a report whose models had these checks."""
    models = tuple(replace(model, bytes=checks) for model in report.models)
    return replace(report, models=models)


def same(version: int = 2, found: ModelFiles = SMALL) -> BytesCheck:
    return BytesCheck(version, found.digest, "same", found)


def test_the_bytes_that_entered_are_in_the_record_with_their_files() -> None:
    done = checked(Lab("m").apply(), same())
    kept = apply_record(done, Circumstances(NOON, "registry-state"))
    assert kept is not None
    assert json.loads(dumps(kept))["bytes"] == [
        {
            "model": "m",
            "version": 2,
            "digest": SMALL.digest,
            "files": 2,
            "size": 18,
            "listing": [list(file) for file in SMALL.files],
        }
    ]
    assert loads(dumps(kept)) == kept


def test_what_was_not_read_or_did_not_enter_is_not_kept() -> None:
    report = Lab("m").apply()
    unread = BytesCheck(2, SMALL.digest, "unchecked", why="`verify: [plan]`")
    changed = BytesCheck(2, SMALL.digest, "different", SMALL)
    assert recorded_bytes(checked(report, unread, changed, same(version=1))) == ()


def test_a_version_whose_stage_and_alias_were_refused_did_not_enter() -> None:
    desk = Lab("m")
    desk.registry.before_write = always(Rejected("no"), lambda write: write.method == "set_stage")
    assert recorded_bytes(checked(desk.apply(), same())) == ()


def test_a_version_that_took_one_place_of_two_entered() -> None:
    desk = Lab("m")
    desk.registry.before_write = always(Rejected("no"), lambda write: write.method == "set_alias")
    [kept] = recorded_bytes(checked(desk.apply(), same()))
    assert kept.version == 2


def test_bytes_that_drift_was_reverted_to_are_kept() -> None:
    desk = Lab("m")
    desk.apply()
    desk.registry.set_alias("m", "champion", 1)
    [kept] = recorded_bytes(checked(desk.apply(), same()))
    assert kept.digest == SMALL.digest


def test_of_very_many_files_the_number_is_kept_and_no_list() -> None:
    many = model_files(HashedFile(f"f{n:04}", 1, "0" * 64) for n in range(MOST_LISTED + 1))
    [kept] = recorded_bytes(checked(Lab("m").apply(), same(found=many)))
    assert (kept.files, kept.size, kept.listing) == (1_001, 1_001, None)
    assert approved_files([record(kept)]) == ApprovedFiles()


def test_approved_files_are_found_by_version_and_by_digest() -> None:
    other = files(MLmodel=b"flavors: {}")
    found = approved_files([record(row(), row(other, version=3)), record(row(model="n"))])
    assert found == ApprovedFiles(
        {
            ("m", row().version, SMALL.digest): SMALL,
            ("m", 3, other.digest): other,
            ("n", row().version, SMALL.digest): SMALL,
        },
        {SMALL.digest: SMALL, other.digest: other},
    )


def test_of_two_lists_with_one_digest_the_first_apply_has_the_approved_names() -> None:
    renamed = files(MLmodel=b"flavors: {}", model2=b"weights")
    assert renamed.digest == SMALL.digest
    records = [record(row(renamed), hours=1), record(row())]
    assert approved_files(records).of_versions["m", row().version, SMALL.digest] == SMALL
    assert approved_files(records).of_digests[SMALL.digest] == SMALL


def test_a_record_from_before_digests_has_no_bytes() -> None:
    document = json.loads(dumps(record()))
    del document["bytes"]
    assert loads(json.dumps(document)) == record()


def test_a_member_that_a_later_release_adds_to_a_row_does_no_harm() -> None:
    assert loads(_edited({"signature": "…"})) == record(row())


_PICKLE = list(SMALL.files[1])


@pytest.mark.parametrize(
    "edit",
    [
        {"digest": "sha256:" + "0" * 64},
        {"digest": SMALL.digest.upper()},
        {"digest": SMALL.digest + "\n"},
        {"digest": None},
        {"files": 3},
        {"files": True},
        {"size": -1},
        {"size": 10**400},
        {"size": 18.0},
        {"version": None},
        {"version": "2"},
        {"model": 7},
        {"listing": []},
        {"listing": "abc"},
        {"listing": {}},
        {"listing": 7},
        {"listing": [[None] * 3] * 2},
        {"listing": [list(SMALL.files[0]), ["../model", *_PICKLE[1:]]]},
        {"listing": [list(SMALL.files[0]), ["model/../../x", *_PICKLE[1:]]]},
        {"listing": [list(SMALL.files[0]), ["/model", *_PICKLE[1:]]]},
        {"listing": [list(SMALL.files[0]), ["model\0", *_PICKLE[1:]]]},
        {"listing": [list(SMALL.files[0]), ["MLmodel", *_PICKLE[1:]]]},
        {"listing": [list(SMALL.files[0]), [*_PICKLE, "more"]]},
        {"listing": [list(SMALL.files[0]), [*_PICKLE[:2], "z" * 64]]},
        {"listing": [list(SMALL.files[0]), [*_PICKLE[:2], "0" * 64]]},
        {"listing": [_PICKLE, list(SMALL.files[0])]},
        {"listing": [list(file) for file in SMALL.files] + [[".git", 0, "0" * 64]]},
        {"listing": [["a", 1, "0" * 64]] * 100_000},
    ],
)
def test_a_row_that_contradicts_itself_makes_the_line_no_record(edit: Mapping[str, Any]) -> None:
    assert loads(_edited(edit)) is None


@pytest.mark.parametrize("rows", [None, 7, "abc", [None], [[]], [{}], {"a": 1}])
def test_bytes_of_another_type_make_the_line_no_record(rows: object) -> None:
    document = json.loads(dumps(record(row())))
    assert loads(json.dumps({**document, "bytes": rows})) is None


def _edited(edit: Mapping[str, Any]) -> str:
    document = json.loads(dumps(record(row())))
    document["bytes"] = [{**document["bytes"][0], **edit}]
    return json.dumps(document)
