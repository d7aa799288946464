"""What a saved plan keeps of the bytes that were approved, and that nobody takes it out."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.apply.executor import apply
from reconciler.core.plan import AdmittedPlan
from reconciler.errors import ExitCode, OutOfStep
from reconciler.files.plan_file import dumps, loads
from tests.support.plans.bytes_lab import PinnedLab, digest_of, files_of, pinned
from tests.support.plans.planner_lab import serving

PROMOTES = pinned({2: "Production", 1: "Archived"}, {"champion": 2})
Document = dict[str, Any]


def saved(lab: PinnedLab) -> str:
    return dumps(lab.plan(), ExitCode.OK)


def sealed(document: Document) -> str:
    """Return a document with the checksum of its content, as anybody can compute it."""
    document.pop("checksum", None)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["checksum"] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(document)


@pytest.fixture
def lab() -> PinnedLab:
    lab = PinnedLab()
    lab.commit(PROMOTES)
    return lab


def test_the_checks_travel_in_a_saved_plan_and_its_apply_reads_again(lab: PinnedLab) -> None:
    plan = lab.plan()
    again = loads(saved(lab), "plan.json")
    assert again == plan
    assert again.digest == plan.digest
    lab.swap(2)
    lab.registry.writes.clear()
    report = apply(AdmittedPlan(again), lab.registry)
    assert (report.exit_code(), lab.registry.writes) == (ExitCode.DECLARATION, [])
    lab.registry.set_files("m", 2, files_of(2))
    assert apply(AdmittedPlan(again), lab.registry).exit_code() == 0


def test_the_readable_rows_have_what_was_agreed(lab: PinnedLab) -> None:
    (model,) = json.loads(saved(lab))["models"]
    assert model["bytes"] == [
        {
            "version": 2,
            "digest": digest_of(2),
            "outcome": "same",
            "files": 3,
            "size": sum(map(len, files_of(2).values())),
            "differences": [],
            "why": None,
        }
    ]


def _without_rows(document: Document) -> None:
    document["models"][0]["bytes"] = []


def _without_key(document: Document) -> None:
    del document["models"][0]["bytes"]


def _without_saved(document: Document) -> None:
    document["saved"]["models"][0]["bytes"] = []


def _without_both(document: Document) -> None:
    _without_key(document)
    _without_saved(document)


def _another_digest(document: Document) -> None:
    for row in (document["models"][0]["bytes"], document["saved"]["models"][0]["bytes"]):
        row[0]["digest"] = digest_of(3)


@pytest.mark.parametrize(
    "edit", [_without_rows, _without_key, _without_saved, _without_both, _another_digest]
)
def test_a_plan_whose_approved_bytes_were_edited_is_refused(
    lab: PinnedLab, edit: Callable[[Document], None]
) -> None:
    document = json.loads(saved(lab))
    edit(document)
    with pytest.raises(OutOfStep, match="was edited"):
        loads(sealed(document), "plan.json")


def test_a_plan_that_was_saved_before_there_were_digests_still_loads() -> None:
    lab = PinnedLab()
    lab.commit(serving(1))
    document = json.loads(saved(lab))
    for models in (document["models"], document["saved"]["models"]):
        for model in models:
            del model["bytes"]
    assert loads(sealed(document), "plan.json") == lab.plan()
