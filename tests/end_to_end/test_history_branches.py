"""`reconciler history` and `audit` on merges: who wrote and approved a branch, and its applies."""

import csv
import io
from pathlib import Path

import pytest

from tests.support.registries.lab import Lab, Result
from tests.support.repositories.history_lab import (
    FILE,
    V3,
    V4,
    applied,
    changes,
    document,
    offline,
    write_as,
)

_REVIEWED = "Reviewed-by: {0} <{0}@example.com>"


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Set up a checkout where v3 serves, and git without configuration."""
    lab = offline(tmp_path)
    for name in ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, lab.git.env[name])
    lab.git.commit({FILE: V3, "registry-state/reconciler.yaml": "branch: main\n"}, "Serve v3")
    return lab


def _merge(lab: Lab, message: str = "Merge pull request #7 from x/y", branch: str = "topic") -> str:
    """Merge a branch as Mia does, with a merge commit."""
    lab.git.checkout("main")
    write_as(lab, "Mia")
    lab.git.commits += 1
    lab.git.git("merge", "--quiet", "--no-ff", "-m", message, branch)
    return lab.git.git("rev-parse", "HEAD")


def _audit(lab: Lab, *arguments: str) -> Result:
    """Audit git alone."""
    return lab.run("audit", *arguments, env={"MLFLOW_TRACKING_URI": ""})


# --- who approved


def test_who_wrote_a_commit_of_the_branch_approves_nothing_of_it(lab: Lab) -> None:
    lab.git.branch("topic")
    write_as(lab, "Bo")
    lab.git.commit({FILE: V4}, f"Promote\n\n{_REVIEWED.format('Cy')}\n{_REVIEWED.format('Bo')}")
    write_as(lab, "Cy")
    lab.git.commit({"README": "x"}, f"Explain\n\nAcked-by: Other Name <BO@Example.com>\n{_DI}")
    claims = "Approved-by: bo\nReviewed-by: C. Y. <cy@EXAMPLE.com>\nReviewed-by: Ed"
    _merge(lab, f"Merge pull request #7 from x/y\n\n{claims}")
    assert changes(lab)[1]["approvals"]["claimed"] == ["Ed", "Di <di@example.com>"]


_DI = "Reviewed-by: Di <di@example.com>"


def test_who_wrote_together_with_an_author_of_the_branch_approves_nothing(lab: Lab) -> None:
    lab.git.branch("topic")
    lab.git.commit({FILE: V4}, "Promote\n\nCo-authored-by: Di <DI@example.com>")
    _merge(lab, f"Merge\n\n{_DI}")
    assert changes(lab)[1]["approvals"]["claimed"] == []


def test_what_other_merges_brought_says_nothing_of_this_one(lab: Lab) -> None:
    lab.git.branch("other")
    write_as(lab, "Di")
    lab.git.commit({"README": "x"}, f"Explain\n\n{_REVIEWED.format('Ed')}")
    _merge(lab, branch="other")
    lab.git.branch("topic", "main~1")
    write_as(lab, "Bo")
    lab.git.commit({FILE: V4}, f"Promote\n\n{_DI}")
    lab.git.git("merge", "--quiet", "--no-ff", "-m", "Update", "main")
    _merge(lab)
    (row,) = changes(lab)[1:]
    assert row["approvals"]["claimed"] == ["Di <di@example.com>"]
    assert [person["name"] for person in row["authors"]] == ["Bo"]


# --- who wrote


def test_the_authors_are_those_of_the_branch_in_order_and_once_each(lab: Lab) -> None:
    lab.git.branch("topic")
    for name in ("Cy", "Bo", "Cy"):
        write_as(lab, name)
        lab.git.commit({"README": lab.git.git("rev-parse", "HEAD")})
    lab.git.branch("deeper")
    write_as(lab, "Di")
    lab.git.commit({FILE: V4})
    lab.git.checkout("topic")
    lab.git.git("merge", "--quiet", "--no-ff", "-m", "deeper", "deeper")
    merge = _merge(lab)
    first, row = changes(lab)
    assert first["authors"] == [{"name": "Ada", "email": "ada@example.com"}]
    assert (row["commit"], row["author"]) == (merge, "Mia")
    names = ("Cy", "Bo", "Di")
    assert row["authors"] == [{"name": n, "email": f"{n}@example.com"} for n in names]

    remark = "Mia (written by Cy, Bo, Di"
    shown = lab.run("history", "fraud").stdout
    assert f"{remark}; committed by Ada)" in shown
    assert shown.count("written by") == 1
    assert f"{remark})" in _audit(lab).stdout
    for told in (lab.run("history", "fraud", "--format", "csv"), _audit(lab, "--format", "csv")):
        people = [read["authors"] for read in csv.DictReader(io.StringIO(told.stdout))]
        assert people[1] == "; ".join(f"{name} <{name}@example.com>" for name in names)


def test_where_one_person_wrote_and_merged_there_is_nothing_to_add(lab: Lab) -> None:
    lab.git.branch("topic")
    write_as(lab, "Mia")
    lab.git.commit({FILE: V4})
    _merge(lab)
    assert "written by" not in lab.run("history", "fraud").stdout
    assert changes(lab)[1]["authors"] == [{"name": "Mia", "email": "Mia@example.com"}]


def test_a_model_that_came_with_the_first_merge_of_its_folder_has_its_authors(
    tmp_path: Path,
) -> None:
    lab = offline(tmp_path / "new")
    lab.git.commit({"README": "x"})
    lab.git.branch("topic")
    write_as(lab, "Bo")
    lab.git.commit({"old/fraud.yaml": V3})
    _merge(lab)
    lab.git.move("old", "registry-state")
    (row,) = changes(lab)
    assert [person["name"] for person in row["authors"]] == ["Bo"]


def test_all_merges_cost_one_process(lab: Lab, tmp_path: Path) -> None:
    def processes(name: str) -> int:
        trace = tmp_path / name
        lab.run("history", "fraud", env={"GIT_TRACE2_EVENT": str(trace)})
        return trace.read_text().count('"event":"start"')

    few = processes("few")
    for number in range(4, 12):
        lab.git.branch(f"topic{number}")
        lab.git.commit({FILE: f"versions: {{{number}: {{stage: Production}}}}"})
        _merge(lab, branch=f"topic{number}")
    assert processes("many") == few
    assert [len(row["authors"]) for row in changes(lab)] == [1] * 9


# --- what was applied


def test_an_apply_of_the_branch_counts_where_it_declares_what_was_merged(lab: Lab) -> None:
    first = lab.git.git("rev-parse", "HEAD")
    lab.git.branch("topic")
    half = lab.git.commit({FILE: "versions: {4: {stage: Staging}}"}, "Half")
    whole = lab.git.commit({"registry-state/x/fraud.yaml": V4, FILE: None}, "Whole")
    merge = _merge(lab)
    applied(lab, first, 1, "fraud")
    applied(lab, half, 2, "fraud")
    assert [row["standing"] for row in changes(lab)] == ["applied", "not yet"]
    applied(lab, whole, 3, "churn")
    assert [row["standing"] for row in changes(lab)] == ["applied", "not yet"]
    applied(lab, whole, 4, "fraud")
    row = changes(lab)[1]
    (found,) = row["applied"]
    assert (row["commit"], row["standing"]) == (merge, "applied")
    assert (found["commit"], found["time"], found["off_main"]) == (
        whole,
        "2026-05-01T04:00:00Z",
        True,
    )
    told = f"2026-05-01T04:00:00Z from {whole[:12]} (off the main line)"
    for shown in (lab.run("history", "fraud"), _audit(lab)):
        assert told in shown.stdout
    audited = _audit(lab, "--format", "json").document
    last = audited["changes"][-1]
    assert (last["applied"], last["applied_from"]) == ("2026-05-01T04:00:00Z", whole)
    assert last["applied_off_main"] is True
    assert [f["kind"] for f in audited["findings"]] == ["unapproved"] * 2


def test_an_apply_of_a_branch_that_another_merge_brought_counts_while_nothing_changed(
    lab: Lab,
) -> None:
    applied(lab, lab.git.git("rev-parse", "HEAD"), 1, "fraud")
    lab.git.commit({FILE: V4}, "Serve v4")
    lab.git.branch("topic")
    other = lab.git.commit({"registry-state/churn.yaml": "versions: {1: {}}"})
    _merge(lab)
    lab.git.commit({FILE: V3}, "Back")
    applied(lab, other, 2, "churn", "fraud")
    assert [row["standing"] for row in changes(lab)] == ["applied", "applied", "not yet"]


def test_at_a_moment_between_the_apply_of_a_branch_and_its_merge_both_are_told(lab: Lab) -> None:
    lab.git.branch("topic")
    topic = lab.git.commit({FILE: V4})
    lab.git.environ["GIT_COMMITTER_DATE"] = "2026-05-03T00:00:00Z"
    _merge(lab)
    applied(lab, topic, 2, "fraud")
    moment = ("history", "fraud", "--at", "2026-05-02")
    assert document(lab, *moment[2:])["serving"]["version"] == 3
    said = "the next change was live before it was merged: applied 2026-05-01T02:00:00Z"
    assert f"{said} from {topic[:12]}" in lab.run(*moment).stdout
    assert "live already" not in lab.run("history", "fraud", "--at", "2026-05-01T01:00").stdout


def test_what_takes_back_a_change_that_never_was_applied_was_live_all_along(lab: Lab) -> None:
    first = lab.git.git("rev-parse", "HEAD")
    applied(lab, first, 1, "fraud")
    lab.git.commit({FILE: V4})
    lab.git.commit({FILE: V3})
    expected = ["applied", "never", "applied"]
    rows = changes(lab)
    assert [row["standing"] for row in rows] == expected
    assert rows[2]["applied"] == rows[0]["applied"]

    def audited() -> list[tuple[str, str | None]]:
        found = _audit(lab, "--format", "json").document["changes"]
        return [(row["standing"], row["applied_from"]) for row in found]

    assert audited() == [("applied", first), ("never", None), ("applied", first)]
    last = lab.git.commit({FILE: V4})
    assert [row["standing"] for row in changes(lab)] == [*expected, "not yet"]
    applied(lab, last, 2, "fraud")
    assert [row["standing"] for row in changes(lab)] == [*expected, "applied"]
    assert [standing for standing, _ in audited()] == [*expected, "applied"]
