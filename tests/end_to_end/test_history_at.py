"""`reconciler history --at`: what served at a moment, and which commit had brought it."""

from pathlib import Path

import pytest

from tests.support.registries.lab import Lab
from tests.support.repositories.history_lab import (
    FILE,
    V3,
    V4,
    changes,
    commits,
    dated,
    document,
    offline,
)


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    return offline(tmp_path)


def _served(lab: Lab, moment: str) -> tuple[int | None, str] | None:
    serving = document(lab, "--at", moment)["serving"]
    return None if serving is None else (serving["version"], serving["since"]["commit"])


def test_a_date_means_the_end_of_that_day_and_utc_unless_it_says_otherwise(lab: Lab) -> None:
    dated(lab, "2026-01-01T12:00:00Z")
    first = lab.git.commit({FILE: V3})
    dated(lab, "2026-01-02T12:00:00Z")
    second = lab.git.commit({FILE: V4})
    assert _served(lab, "2025-12-31") is None
    assert _served(lab, "2026-01-01") == (3, first)
    assert _served(lab, "2026-01-02") == (4, second)
    assert _served(lab, "2026-01-02T11:59:59") == (3, first)
    assert _served(lab, "2026-01-02T12:00:00Z") == (4, second)
    assert _served(lab, "2026-01-02T12:30:00+01:00") == (3, first)
    said = lab.run("history", "fraud", "--at", "2025-12-31").stdout
    assert f"first declared 2026-01-01T12:00:00Z by {first[:12]}" in said
    assert "history: no changes, " in said


def test_an_answer_has_who_merged_and_who_claims_to_have_approved(lab: Lab) -> None:
    message = "Promote (#9)\n\nReviewed-by: Bo <bo@example.com>\nReviewed-by: Ada <a@example.com>"
    commit = lab.git.commit({FILE: V3}, message)
    lab.git.commit({FILE: f"description: new\n{V3}"})
    found = document(lab, "--at", "2100-01-01")
    for held in (found["serving"], found["aliases"]["champion"]):
        assert held["version"] == 3
        assert held["since"]["commit"] == commit
        assert held["since"]["pull_request"] == 9
        assert held["since"]["approvals"] == {"verified": [], "claimed": ["Bo <bo@example.com>"]}


def test_the_order_of_the_line_decides_where_dates_lie(lab: Lab) -> None:
    dated(lab, "2026-01-05T12:00:00Z")
    first = lab.git.commit({FILE: V3})
    dated(lab, "2001-01-01T12:00:00Z")
    second = lab.git.commit({FILE: V4})
    assert commits(lab) == [first, second]
    assert _served(lab, "2001-06-01") is None
    assert _served(lab, "2026-01-05") == (4, second)
    row = changes(lab)[1]
    assert (row["merged"], row["dated"]) == ("2026-01-05T12:00:00Z", "2001-01-01T12:00:00Z")
    assert f"{second[:12]} has the date 2001-01-01" in lab.run("history", "fraud").stdout


def test_a_model_whose_file_is_gone_is_no_longer_declared(lab: Lab) -> None:
    lab.git.commit({FILE: V3, "registry-state/other.yaml": "versions: {1: {}}"})
    gone = lab.git.commit({FILE: None})
    found = document(lab, "--at", "2100-01-01")
    assert (found["declared"], found["serving"], found["aliases"]) == (False, None, {})
    said = lab.run("history", "fraud", "--at", "2100-01-01").stdout
    assert f"by {gone[:12]}" in said


def test_where_an_alias_serves_history_follows_it(lab: Lab) -> None:
    settings = {"registry-state/reconciler.yaml": "serving: {alias: live}\n"}
    lab.git.commit({FILE: "versions: {1: {aliases: [live]}, 2: {stage: Production}}", **settings})
    moved = lab.git.commit({FILE: "versions: {1: {}, 2: {aliases: [live]}}"})
    assert [row["serving"] for row in changes(lab)] == [1, 2]
    assert _served(lab, "2100-01-01") == (2, moved)
    assert "serving (@live)" in lab.run("history", "fraud", "--at", "2100-01-01").stdout


def test_at_takes_no_other_limit(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    assert lab.run("history", "fraud", "--at", "2026-01-01", "--since", "2026-01-01").code == 1
    assert lab.run("history", "fraud", "--at", "the other day").code == 1
