"""The files of `audit --report`: each fact with its evidence, each gap a row."""

import csv
import io
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import reconciler
from tests.support.registries.lab import Lab
from tests.support.repositories.approvals import approve

NOW = "2100-01-01T00:00:00Z"
V1 = "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Staging}}"
V2 = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"
BOB = "Bob <bob@example.com>"
ENTRY = """\
inventory:
  owner: payments
  purpose: =SUM(A1)
  tier: high
  review_by: 2027-03-31
consumers: [{{name: checkout, loads: "@champion"}}]
accept: [{{guard: empty-serving, until: {until}, reason: moved}}]
"""


@dataclass(frozen=True)
class Told:
    """A model with two merged promotions, and an alias that was moved by hand and healed."""

    model: str
    first: str
    second: str


@pytest.fixture
def story(lab: Lab) -> Told:
    lab.git.commit({"registry-state/reconciler.yaml": "branch: main\n"}, "settings")
    name = lab.model(2)
    soon = datetime.now(timezone.utc).date() + timedelta(days=9)
    entry = ENTRY.format(until=soon)
    first = lab.declare(name, f"{entry}{V1}\n", "Serve v1 (#1)")
    assert lab.run("apply", "--yes", "--record").code == 0
    approve(lab, first, "bob")
    second = lab.declare(name, f"{entry}{V2}\n", f"Serve v2 (#2)\n\nReviewed-by: {BOB}")
    assert lab.run("apply", "--yes", "--record").code == 0
    lab.hand.alias(name, "champion", 1)
    assert lab.run("apply", "--yes", "--record").code == 0
    return Told(name, first, second)


def rows(folder: Path, name: str, model: str | None = None) -> list[dict[str, str]]:
    """Return the rows of a table, as a spreadsheet reads them."""
    text = (folder / f"{name}.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text)))
    return [row for row in found if model is None or row["model"] == model]


def test_the_files_answer_a_reviewer_and_are_the_same_twice(lab: Lab, story: Told) -> None:
    asked = ("audit", "--report", "--from", "2020-01-01", "--now", NOW, "--format", "json")
    result = lab.run(*asked, "--out", "first")
    out = lab.git.root / "first"
    model, first, second = story.model, story.first, story.second
    (told,) = [one for one in rows(out, "inventory") if one["model"] == model]
    assert (told["owner"], told["tier"], told["serving"]) == ("payments", "high", "v2")
    assert told["purpose"] == "'=SUM(A1)", "a spreadsheet does not run it"
    assert (told["review"], told["commit"], told["evidence"]) == ("due", second, "claimed")
    assert (told["consumers"], told["pull_request"]) == ("checkout (@champion)", "2")
    due = [row for row in result.document["findings"] if row["kind"] == "review-due"]
    assert [row["model"] for row in due] == [model]

    one, two = rows(out, "changes", model)
    assert (one["commit"], one["approved_verified"], one["evidence"]) == (first, "bob", "verified")
    assert (two["serving_before"], two["serving_after"], two["note"]) == ("v1", "v2", second)
    assert (one["applied"], one["gap"]) == ("applied", "")

    (apart, claimed) = rows(out, "segregation", model)
    assert (apart["approver"], apart["same_person"]) == ("bob", "not known")
    assert apart["gap"] == "the record does not tell whether the approver is an author"
    assert (claimed["approver"], claimed["same_person"]) == (BOB, "no")

    (healed,) = [row for row in rows(out, "drift", model) if row["state"] == "restored"]
    assert (healed["value_found"], healed["value_declared"]) == ("v1", "v2")
    assert (healed["note"], healed["gap"]) == (second, "since when, and by whom")

    kinds = {row["kind"] for row in rows(out, "exceptions", model)}
    assert kinds >= {"by hand", "consent in a file", "unapproved", "review-due"}

    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=True)
    again = lab.run(*asked, "--out", "second")
    assert again.document["report"]["files"] == result.document["report"]["files"]
    assert (out / "index.html").read_bytes() == (lab.git.root / "second/index.html").read_bytes()


def test_every_gap_is_a_row(lab: Lab, story: Told) -> None:
    lab.git.git("update-ref", "-d", "refs/notes/reconciler")
    asked = ("audit", "--report", "--out", "report", "--to", "2099-01-01", "--now", NOW)
    assert lab.run(*asked).code == 2
    out = lab.git.root / "report"
    gaps = [row["what"] for row in rows(out, "exceptions") if row["kind"] == "gap"]
    assert "this clone has no apply records" in gaps
    why = "the period ended in the past, and a registry only knows what is so now"
    assert f"no registry is compared: {why}" in gaps
    (unknown,) = rows(out, "drift")
    assert (unknown["state"], unknown["gap"]) == ("not known", why)
    assert {row["gap"] for row in rows(out, "changes", story.model)} == {
        "no apply record tells whether it was applied"
    }
    (last,) = [row for row in rows(out, "inventory") if row["declared"] == "not known"]
    assert why in last["gap"]


def test_a_report_is_of_its_period(lab: Lab, story: Told) -> None:
    lab.run("audit", "--report", "--out", "report", "--to", "2020-01-01")
    out = lab.git.root / "report"
    assert [rows(out, name, story.model) for name in ("inventory", "changes", "segregation")] == [
        []
    ] * 3


def test_a_folder_of_somebody_else_is_left_alone(lab: Lab) -> None:
    lab.declare(lab.model(1), "versions: {1: {stage: Staging}}\n")
    mine = lab.git.root / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("x", encoding="utf-8")
    result = lab.run("audit", "--report", "--out", "mine")
    assert (result.code, result.stderr.count("notes.txt")) == (4, 1)
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--report",), "`--out DIR` names their folder"),
        (("--out", "x"), "are for `--report`"),
        (("--report", "--out", "x", "--format", "csv"), "`--report` prints text or json"),
    ],
)
def test_options_that_belong_together(lab: Lab, arguments: tuple[str, ...], told: str) -> None:
    result = lab.run("audit", *arguments)
    assert result.code == 1
    assert told in result.stderr


def test_a_program_gets_the_same(lab: Lab, story: Told) -> None:
    r = reconciler.open(root=lab.git.root, registry_uri=lab.uri, environ=lab.git.env)
    found = r.review("report", now=NOW)
    assert found.to_text(1.0).startswith("wrote 7 files to report: open report/index.html\n")
    assert "\x1b" not in r.review("report\x1b[31m", now=NOW).to_text()
    (row,) = [row for row in found.tables[0].rows if row[0] == story.model]
    assert row[1] == "yes"


def test_an_inventory_says_where_the_registry_is_not_as_the_row_tells(
    lab: Lab, story: Told
) -> None:
    lab.hand.alias(story.model, "champion", 1)
    entry = "inventory: {owner: payments, purpose: p, tier: high, review_by: 2999-01-01}\n"
    lab.declare(story.model, f"{entry}versions: {{1: {{stage: Production}}}}\n", "Back to v1")
    assert lab.run("audit", "--report", "--out", "report").code == 2
    (row,) = rows(lab.git.root / "report", "inventory", story.model)
    assert (row["serving"], row["note"]) == ("v1", "")
    assert row["gap"].split("; ")[0] == "no record says that it was applied"
    assert "live: v1 stage is Archived, git says Production" in row["gap"]
