"""Drift of bytes: which versions are compared, and what a listing and a reading tell of them."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest

from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.core.artifacts.model_files import HashedFile, ListedFile, ModelFiles, model_files
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import StateRef
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Value
from reconciler.errors import Forbidden
from reconciler.planning.artifacts.approved_bytes import BytesReading
from reconciler.planning.artifacts.bytes_drift import (
    BytesDrift,
    PinnedVersion,
    bytes_compared,
    listings_compared,
    pinned_versions,
)
from reconciler.planning.checks import Compared
from reconciler.planning.planner import Checkout, compare
from reconciler.ports.artifacts import ReadBytes
from tests.support.plans.planner_lab import ASK, OWNER, REF, Lab
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.repositories.fake_history import FakeHistory

FILES = {"MLmodel": b"flavors: {}", "data/model.pkl": b"weights", "requirements.txt": b"sklearn"}


def hashed(files: Mapping[str, bytes]) -> ModelFiles:
    return model_files(
        HashedFile(path, len(data), sha256(data).hexdigest()) for path, data in files.items()
    )


DIGEST = hashed(FILES).digest
APPROVED = ApprovedFiles({("m", 1, DIGEST): hashed(FILES)})


@pytest.fixture
def registry() -> FakeRegistry:
    registry = FakeRegistry()
    registry.create_model("m")
    for version in (1, 2, 3):
        registry.create_version("m")
        registry.set_files("m", version, FILES)
    return registry


def pinned(version: int = 1, digest: str = DIGEST) -> PinnedVersion:
    return PinnedVersion("m", version, digest, "m.yaml", 7)


def knowing(approved: ApprovedFiles, read: ReadBytes) -> BytesReading:
    return BytesReading(read, lambda: approved)


def unread(model: str, version: int) -> ModelFiles:
    raise AssertionError(model, version)


def listed(registry: FakeRegistry, approved: ApprovedFiles) -> BytesDrift:
    def files(model: str, version: int) -> tuple[ListedFile, ...]:
        return registry.artifacts(model, version).listing()

    return listings_compared([pinned()], files, knowing(approved, unread))


def read(registry: FakeRegistry, approved: ApprovedFiles) -> BytesDrift:
    def files(model: str, version: int) -> ModelFiles:
        return registry.artifacts(model, version).read()

    return bytes_compared([pinned()], knowing(approved, files), "serving")


def told(drift: BytesDrift) -> list[str]:
    (row,) = drift.checks
    return [row.check.outcome, *(f"{d.kind} {d.path}" for d in row.check.differences)]


@pytest.mark.parametrize(
    ("now", "by_size", "by_reading"),
    [
        (FILES, [], []),
        ({**FILES, "extra.py": b"import os"}, ["added extra.py"], ["added extra.py"]),
        (
            {path: data for path, data in FILES.items() if path != "MLmodel"},
            ["missing MLmodel"],
            ["missing MLmodel"],
        ),
        ({**FILES, "MLmodel": b"flavors: {x: 1}"}, ["changed MLmodel"], ["changed MLmodel"]),
        ({**FILES, "data/model.pkl": b"Weights"}, [], ["changed data/model.pkl"]),
        ({**FILES, "registered_model_meta": b"MLflow's own"}, [], []),
    ],
)
def test_a_listing_sees_names_and_sizes_and_a_reading_every_byte(
    registry: FakeRegistry, now: Mapping[str, bytes], by_size: list[str], by_reading: list[str]
) -> None:
    registry.set_files("m", 1, now)
    for drift, differences in (
        (listed(registry, APPROVED), by_size),
        (read(registry, APPROVED), by_reading),
    ):
        assert told(drift) == ["different" if differences else "same", *differences]
        assert len(drift.rows) == len(drift.different) == bool(differences)


def test_renamed_files_in_the_same_order_keep_the_digest_and_differ_all_the_same(
    registry: FakeRegistry,
) -> None:
    renamed = {**{p: d for p, d in FILES.items() if p != "requirements.txt"}, "run.sh": b"sklearn"}
    assert hashed(renamed).digest == DIGEST
    registry.set_files("m", 1, renamed)
    assert told(read(registry, APPROVED)) == [
        "different", "missing requirements.txt", "added run.sh",
    ]  # fmt: skip
    assert told(read(registry, ApprovedFiles())) == ["same"], "nobody knows the approved names"


def test_the_files_that_were_approved_under_a_former_name_count(registry: FakeRegistry) -> None:
    elsewhere = ApprovedFiles(of_digests={DIGEST: hashed(FILES)})
    registry.set_files("m", 1, {**FILES, "extra.py": b"import os"})
    assert told(listed(registry, elsewhere)) == ["different", "added extra.py"]
    assert told(read(registry, elsewhere)) == ["different", "added extra.py"]


def test_bytes_differ_also_where_no_record_knows_the_approved_files(registry: FakeRegistry) -> None:
    registry.set_files("m", 1, {"MLmodel": b"other"})
    (row,) = read(registry, ApprovedFiles()).rows
    assert (row.check.outcome, row.check.differences) == ("different", ())
    assert row.check.read == hashed({"MLmodel": b"other"})


def test_a_version_that_no_record_knows_is_not_listed(registry: FakeRegistry) -> None:
    before = registry.requests
    drift = listed(registry, ApprovedFiles())
    assert told(drift) == ["unchecked"]
    assert (drift.rows, registry.requests) == ((), before)


def test_what_cannot_be_read_is_a_problem_where_it_was_to_be_read_and_the_others_go_on(
    registry: FakeRegistry,
) -> None:
    def files(model: str, version: int) -> ModelFiles:
        if version == 2:
            raise Forbidden("no access to s3://bucket", hint="set AWS_PROFILE")
        return registry.artifacts(model, version).read()

    drift = bytes_compared([pinned(1), pinned(2), pinned(3)], knowing(APPROVED, files), "all")
    assert [row.check.outcome for row in drift.checks] == ["same", "unreadable", "same"]
    (problem,) = drift.problems
    assert (problem.file, problem.line, problem.model, int(problem.code)) == ("m.yaml", 7, "m", 6)
    assert problem.message == (
        "whether `m` v2 has the approved bytes is not known: no access to s3://bucket (set "
        "AWS_PROFILE)"
    )
    assert [row.pinned.version for row in drift.rows] == [2]


def test_a_store_that_lets_nobody_in_is_not_asked_for_every_version() -> None:
    versions = [replace(pinned(number), model=f"m{number % 3}") for number in range(100)]
    approved = ApprovedFiles(of_digests={DIGEST: hashed(FILES)})
    asked: list[tuple[str, int]] = []
    open_ones: set[int] = set()

    def files(model: str, version: int) -> tuple[ListedFile, ...]:
        asked.append((model, version))
        if version not in open_ones:
            raise Forbidden("no access to s3://bucket")
        return tuple(ListedFile(path, len(data)) for path, data in sorted(FILES.items()))

    drift = listings_compared(versions, files, knowing(approved, unread))
    assert len(asked) < 10
    assert len(drift.having("unreadable")) == 100
    assert {row.check.why for row in drift.checks} == {
        "no access to s3://bucket",
        f"not tried, because none of {len(asked)} others could be",
    }
    open_ones.add(asked[0][1])
    asked.clear()
    drift = listings_compared(versions, files, knowing(approved, unread))
    assert (len(asked), len(drift.having("same"))) == (100, 1)
    assert [row.pinned.key[:2] for row in drift.checks] == sorted(asked)


def test_a_listing_that_cannot_be_read_is_no_drift(registry: FakeRegistry) -> None:
    def away(_: str) -> None:
        raise Forbidden("no access to s3://bucket")

    registry.before_read = away
    drift = listed(registry, APPROVED)
    assert told(drift) == ["unreadable"]
    assert (drift.rows, drift.problems) == ((), ())


OTHER = "sha256:" + "0" * 64


def declared(fields: Mapping[Field, Value], *versions: int, hold: str | None = None) -> Declaration:
    entries = {number: DeclaredVersion(digest=OTHER, line=number) for number in versions}
    return Declaration("m", fields, entries, hold=hold, file="m.yaml")


def chosen(
    registry: FakeRegistry, declaration: Declaration, *, everything: bool = False
) -> list[int]:
    desired = DeclaredState(OWNER, Settings(), {"m": declaration})
    compared = compare(Checkout(desired, StateRef(OWNER), OWNER), registry, REF, ASK)
    return [found.version for found in pinned_versions(compared, everything=everything)]


STAGED: Mapping[Field, Value] = {Field("stage", 1): "Staging", Field("stage", 2): "Archived"}


def test_what_serves_is_declared_or_live_in_an_active_stage_or_under_an_alias(
    registry: FakeRegistry,
) -> None:
    declaration = declared(STAGED, 1, 2, 3)
    assert chosen(registry, declaration) == [1]
    assert chosen(registry, declaration, everything=True) == [1, 2, 3]
    registry.set_alias("m", "champion", 3)
    assert chosen(registry, declaration) == [1, 3], "somebody put it into use by hand"
    named = declared({**STAGED, Field("alias", None, "canary"): 2}, 1, 2, 3)
    assert chosen(registry, named) == [1, 2, 3]


def test_a_version_without_a_digest_or_without_a_registered_version_is_not_compared(
    registry: FakeRegistry,
) -> None:
    declaration = declared(STAGED, 1, 2)
    without = replace(declaration, versions={**declaration.versions, 1: DeclaredVersion()})
    assert chosen(registry, without, everything=True) == [2]
    registry.delete_version("m", 2)
    assert chosen(registry, declaration, everything=True) == [1]


def test_a_hold_hides_no_bytes(registry: FakeRegistry) -> None:
    assert chosen(registry, declared(STAGED, 1, hold="incident 12")) == [1]


def test_another_owners_model_is_not_compared() -> None:
    lab = Lab()
    lab.apply(replace(declared(STAGED), versions={1: DeclaredVersion()}))
    lab.commit(declared(STAGED, 1))
    (ours,) = pinned_versions(compared_in(lab), everything=False)
    assert ours.version == 1
    lab.owner = "other-state"
    assert pinned_versions(compared_in(lab), everything=True) == ()


def compared_in(lab: Lab) -> Compared:
    desired = DeclaredState(OWNER, lab.settings, lab.commits.trees[lab.heads[-1]])
    history = FakeHistory(lab.commits, lab.heads[-1], lab.heads[-1])
    checkout = Checkout(desired, StateRef(OWNER, lab.heads[-1]), lab.owner, history)
    return compare(checkout, lab.registry, REF, ASK)


def test_what_was_not_reached_before_a_stop_is_not_as_approved() -> None:
    over = threading.Event()
    over.set()
    versions = [pinned(1), pinned(2)]
    reading = replace(knowing(APPROVED, unread), stop=over)
    drift = bytes_compared(versions, reading, "all")
    assert [(row.pinned.version, row.check.outcome) for row in drift.rows] == [
        (1, "unreadable"), (2, "unreadable"),
    ]  # fmt: skip
    assert not drift.is_as_approved

    def files(model: str, version: int) -> tuple[ListedFile, ...]:
        raise AssertionError(model, version)

    sizes = listings_compared(versions, files, reading)
    assert [row.check.outcome for row in sizes.checks] == ["unreadable", "unchecked"]
    assert not sizes.is_as_approved
