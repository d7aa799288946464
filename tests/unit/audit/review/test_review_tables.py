"""The tables of a review, from histories and records: each row with its evidence, each gap told."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.audit.apply_record import ApplyRecord, RecordedChange
from reconciler.audit.evidence import Records
from reconciler.audit.findings import Finding, Trail
from reconciler.audit.merged_changes import MergeApproval
from reconciler.audit.review.change_tables import changes, segregation
from reconciler.audit.review.exception_tables import drift, exceptions
from reconciler.audit.review.inventory_table import inventory, reviews_due
from reconciler.audit.review.review_evidence import ReviewSources, ReviewTable
from reconciler.core.changes import Change
from reconciler.core.declaring.inventory import Inventory
from reconciler.core.state import Field
from reconciler.errors import ExitCode, Problem
from reconciler.render.review.review_files import table_files, with_sums
from tests.support.page.past import NOW, REGISTRY, SETTINGS, Past, declared


def rows(table: ReviewTable) -> list[dict[str, str]]:
    """Return the rows by column; a row has a cell for each."""
    assert {len(row) for row in table.rows} <= {len(table.columns)}
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def sources(past: Past, made: Sequence[ApplyRecord] = (), **more: object) -> ReviewSources:
    """Return what a review of one model is made from; its last declaration is the current one."""
    after = past.last.step.after
    by_commit: Mapping[str, Sequence[ApplyRecord]] = {
        record.commit: [one for one in made if one.commit == record.commit] for record in made
    }
    trail = Trail(
        histories={past.model: tuple(past.entries)},
        records=Records(by_commit, (), {"registry-state"}),
        on_main=lambda _: True,
    )
    of = ReviewSources(
        trail=trail,
        settings=SETTINGS,
        declared={past.model: after} if after else {},
        commit=past.last.step.commit.id,
        as_of=NOW,
        findings=(),
        registry=REGISTRY,
    )
    return replace(of, **more)  # type: ignore[arg-type]


def story() -> Past:
    """Serve v1, then v2 with an approval."""
    past = Past("fraud")
    past.merge(20, declared("fraud", {1: "Production"}), "Serve v1", "Ada Lovelace", pull_request=1)
    promotion = declared("fraud", {2: "Production", 1: "Archived"}, {"champion": 2})
    past.merge(5, promotion, "Serve v2", "Ada Lovelace", pull_request=2, verified=["bob"])
    return past


@pytest.mark.parametrize(
    ("is_author", "same", "gap"),
    [
        (True, "yes", ""),
        (False, "no", ""),
        (None, "not known", "the record does not tell whether the approver is an author"),
    ],
)
def test_author_and_approver_are_compared_as_the_forge_counts(
    *, is_author: bool | None, same: str, gap: str
) -> None:
    past = story()
    approval = MergeApproval("bob", "verified", is_author)
    past.entries[-1] = replace(past.last, approvals=(approval,))
    alone, approved = rows(segregation(sources(past)))
    assert (alone["approver"], alone["gap"]) == ("", "nobody is known to have approved it")
    assert (approved["same_person"], approved["gap"]) == (same, gap)
    assert (approved["evidence"], approved["pull_request"]) == ("verified", "2")


def test_a_change_names_commit_pull_request_note_and_evidence() -> None:
    past = story()
    _, last = rows(changes(sources(past)))
    commit = past.last.step.commit.id
    assert (last["commit"], last["note"], last["pull_request"]) == (commit, commit, "2")
    assert (last["evidence"], last["approved_verified"]) == ("verified", "bob")
    assert (last["serving_before"], last["serving_after"], last["gap"]) == ("v1", "v2", "")


@pytest.mark.parametrize(
    ("state", "gap"),
    [
        ("unknown", "no apply record tells whether it was applied"),
        ("never", "never applied: a later change replaced it"),
        ("partly", "applied only in part"),
    ],
)
def test_what_is_not_known_to_be_applied_is_a_gap(state: str, gap: str) -> None:
    past = story()
    past.entries[-1] = replace(past.last, apply_state=state, applied=())  # type: ignore[arg-type]
    last = rows(changes(sources(past)))[-1]
    assert (last["applied"], last["applied_at"], last["note"], last["gap"]) == (state, "", "", gap)


def record(past: Past, **more: object) -> ApplyRecord:
    """Return the record of an apply of the newest change, a day ago."""
    commit, then = past.last.step.commit.id, NOW - timedelta(days=1)
    made = ApplyRecord(then, REGISTRY, "registry-state", commit, "ada", models=("fraud",))
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_consent_is_an_exception_of_each_model_that_it_was_for() -> None:
    past = story()
    made = record(past, accepted=("removals", "soak=fraud"))
    found = rows(exceptions(sources(past, [made])))
    assert [(row["kind"], row["model"], row["who"]) for row in found] == [
        ("consent", "fraud", "ada")
    ] * 2
    assert {row["note"] for row in found} == {past.last.step.commit.id}


def test_what_an_apply_healed_was_done_by_hand() -> None:
    past = story()
    moved = RecordedChange("fraud", None, "alias", "champion", 1, 2, "drift", "applied")
    left = RecordedChange("fraud", 1, "stage", None, "Staging", "Archived", "drift", "failed")
    found = sources(past, [record(past, changes=(moved, left))])
    restored, failed = sorted(rows(drift(found)), key=lambda row: row["state"], reverse=True)
    assert (restored["value_found"], restored["value_declared"]) == ("v1", "v2")
    assert failed["state"] == "not restored: failed"
    assert {row["kind"] for row in rows(exceptions(found))} == {"by hand"}


def test_what_is_open_has_its_values_in_their_columns_as_what_was_restored() -> None:
    change = Change("fraud", Field("alias", None, "champion"), 1, 2, "drift")
    message = "@champion is v1, git says v2"
    finding = Finding("drift", message, "fraud", change=change)
    found = sources(story(), findings=(finding,))
    (row,) = rows(drift(found))
    assert (row["what"], row["value_found"], row["value_declared"], row["state"]) == (
        *("@champion", "v1", "v2"),
        "open",
    )
    (exception,) = [one for one in rows(exceptions(found)) if one["kind"] == "by hand"]
    assert exception["what"] == message


def test_what_could_not_be_looked_at_is_a_row() -> None:
    found = sources(
        story(),
        trail=Trail(histories={}),
        registry=None,
        not_compared="no registry is named",
        unreadable=(Problem("not YAML", ExitCode.DECLARATION, file="fraud.yaml@1234567"),),
    )
    gaps = [row["what"] for row in rows(exceptions(found)) if row["kind"] == "gap"]
    assert sorted(gaps) == [
        "fraud.yaml@1234567: not YAML; the file counts as unchanged there",
        "no main line is known",
        "no registry is compared: no registry is named",
        "this clone has no apply records",
    ]
    (unknown,) = rows(drift(found))
    assert unknown["state"] == "not known"
    assert [row["declared"] for row in rows(inventory(found))] == ["not known", "yes"]


def test_the_inventory_tells_what_is_declared_and_what_is_missing() -> None:
    past = story()
    told = Inventory("payments", "Scores", review_by=(NOW - timedelta(days=1)).date())
    past.entries[-1] = replace(
        past.last,
        step=replace(past.last.step, after=replace(past.last.step.after, inventory=told)),  # type: ignore[type-var]
    )
    live = Finding("unmanaged", "v1 serves (Production), and git does not declare it", "churn")
    other, own = rows(inventory(sources(past, findings=(live,))))
    assert (other["model"], other["declared"]) == ("churn", "no")
    assert (own["owner"], own["review"], own["serving"]) == ("payments", "due", "v2")
    assert "no `tier`" in own["gap"]
    (due,) = reviews_due({"fraud": past.last.step.after}, NOW)  # type: ignore[dict-item]
    assert (due.kind, due.model) == ("review-due", "fraud")


def test_a_spreadsheet_can_hold_the_files_and_runs_nothing() -> None:
    hostile = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "x" * 10_000, "a\u202eb")
    table = ReviewTable("drift", "", ("one",), tuple((cell,) for cell in hostile))
    files = with_sums(table_files([table]))
    cells = [row[0] for row in csv.reader(io.StringIO(files["drift.csv"].decode()))][1:]
    assert [cell[0] for cell in cells[:4]] == ["'"] * 4
    assert cells[4].endswith("… (10,000 characters)")
    assert "\u202e" not in cells[5]
    assert files["SHA256SUMS"].decode().endswith("  drift.csv\n")
