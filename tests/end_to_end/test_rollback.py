"""`reconciler rollback` in real repositories: which version it goes back to, and which never."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit.apply_record import ApplyRecord
from reconciler.repository.notes.apply_records import write_record
from tests.support.registries.lab import Hand, Lab, Result
from tests.support.repositories.git_lab import GitLab, opened

_NOWHERE = "http://127.0.0.1:9"
_FILE = "registry-state/fraud.yaml"
_ALIAS = {"registry-state/reconciler.yaml": "serving: {alias: champion}\n"}
_OFFLINE = "http://127.0.0.1:9"


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    """Set up a checkout without any registry named."""
    git = GitLab.new(tmp_path)
    git.git("config", "user.name", "Ada")
    git.git("config", "user.email", "ada@example.com")
    return Lab(git, "", Hand(_NOWHERE))


def declared(serving: int | None, **parts: str) -> str:
    """Return a file with versions 1 to 5, of which one serves as the champion."""
    lines = ["versions:"]
    for number in range(5, 0, -1):
        held = ["stage: Production", "aliases: [champion]"] if number == serving else []
        held = held or ["stage: Archived"]
        held += [parts[f"v{number}"]] if f"v{number}" in parts else []
        lines.append(f"  {number}: {{{', '.join(held)}}}")
    return "\n".join(lines) + "\n"


def serve(lab: Lab, *versions: int | None) -> list[str]:
    """Merge one change after the other, each of the serving version."""
    return [lab.git.commit({_FILE: declared(number)}, f"Serve {number}") for number in versions]


def rollback(lab: Lab, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = lab.run("rollback", "fraud", "--format", "json", *arguments)
    assert done.code == code, done.text
    return done.document


def back(lab: Lab, *arguments: str) -> int | None:
    """Roll back in a commit, and return which version serves then; None: there is nothing."""
    done = lab.run("rollback", "fraud", "--commit", "--format", "json", *arguments)
    assert done.code in (0, 4), done.text
    chosen = [row["version"] for row in done.document["candidates"] if row["chosen"]]
    assert (done.code == 0) == bool(chosen)
    return chosen[0] if chosen else None


def against(document: dict[str, Any]) -> dict[int, str | None]:
    return {row["version"]: row["against"] for row in document["candidates"]}


def text(lab: Lab) -> str:
    return (lab.git.root / _FILE).read_text()


# --- which version


def test_the_version_that_served_before_serves_again(lab: Lab) -> None:
    commits = serve(lab, 3, 1, 4)
    done = rollback(lab)
    assert [(row["version"], row["commit"], row["chosen"]) for row in done["candidates"]] == [
        (1, commits[1], True),
        (3, commits[0], False),
    ]
    assert done["meaning"] == [
        "v1 Archived → Production",
        "v4 Production → Archived",
        "@champion 4 → 1",
    ]
    assert text(lab) == declared(1).replace("[champion]", "[champion]")


def test_a_second_rollback_goes_further_back_and_never_to_the_bad_version(lab: Lab) -> None:
    serve(lab, 1, 2, 3)
    assert [back(lab), back(lab), back(lab)] == [2, 1, None]


def test_changes_in_between_that_serve_the_same_version_do_not_count(lab: Lab) -> None:
    serve(lab, 1, 2)
    lab.git.commit({_FILE: f"description: new\n{declared(2)}"})
    assert back(lab) == 1


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ((1, 2, 1), None),  # 2 was displaced by going back to 1
        ((1, 2, 1, 2), 1),  # and promoted again
        ((1, 2, 1, 2, 3), 2),
        ((1, 2, 1, 3), 1),
        ((1, 2, 3, 2, 4), 2),
        ((1, 2, 3, 1), None),
        ((1, 2, 3, 1, 4), 1),
        ((1,), None),
        ((None, 1), None),
        ((1, None, 2), 1),
        ((1, 2, None), 2),
        ((1, 2, None, 2), 1),
    ],
)
def test_going_back_by_hand_counts_as_a_rollback(
    lab: Lab, history: tuple[int | None, ...], expected: int | None
) -> None:
    serve(lab, *history)
    assert back(lab) == expected


def test_a_plain_git_revert_counts_as_a_rollback(lab: Lab) -> None:
    *_, bad = serve(lab, 1, 2, 3)
    lab.git.revert(bad)
    found = rollback(lab)
    assert against(found) == {3: "a rollback displaced it", 1: None}


def test_a_merge_commit_that_says_nothing_of_its_rollback_is_one(lab: Lab) -> None:
    serve(lab, 1, 2, 3)
    lab.git.branch("back")
    assert back(lab) == 2
    lab.git.checkout("main")
    lab.git.merge("back")
    assert back(lab) == 1


def test_a_commit_that_calls_itself_a_rollback_displaces_what_served(lab: Lab) -> None:
    serve(lab, 1, 2)
    message = "Back\n\nReconciler-Rollback: fraud v2 → v5"
    lab.git.commit({_FILE: declared(5)}, message)
    assert against(rollback(lab)) == {2: "a rollback displaced it", 1: None}


def test_a_rollback_is_known_by_its_branch_also_when_it_was_merged(lab: Lab) -> None:
    serve(lab, 1, 2, 3, 4, 5)
    for number, target in enumerate(("4", "5")):
        rollback(lab, "--to", target, "--branch", f"back-{number}")
        lab.git.checkout("main")
        lab.git.merge(f"back-{number}")
    done = rollback(lab)
    assert against(done)[4] == "a rollback displaced it"
    assert [row["version"] for row in done["candidates"] if row["chosen"]] == [3]


def test_a_rollback_is_known_also_behind_the_lines_that_a_forge_adds(lab: Lab) -> None:
    serve(lab, 1, 2, 3)
    assert back(lab) == 2
    rollback(lab, "--to", "3", "--commit")
    body = lab.git.git("log", "-1", "--format=%B").strip()
    squashed = f"{body}\n\nCo-authored-by: Ada <ada@example.org>"
    lab.git.git("commit", "--quiet", "--amend", "-m", squashed)
    assert against(rollback(lab))[2] == "a rollback displaced it"


def test_the_trailer_of_another_model_says_nothing_of_this_one(lab: Lab) -> None:
    serve(lab, 1, 2)
    lab.git.commit({_FILE: declared(5)}, "Go on\n\nReconciler-Rollback: other v2 → v5")
    assert back(lab) == 2


def test_a_rollback_that_is_not_committed_counts_as_one(lab: Lab) -> None:
    serve(lab, 1, 2, 3)
    rollback(lab)
    assert [row["version"] for row in rollback(lab)["candidates"] if row["chosen"]] == [1]


def test_what_was_never_merged_is_no_candidate(lab: Lab) -> None:
    lab.git.commit({"registry-state/reconciler.yaml": "branch: main\n"})
    serve(lab, 1)
    lab.git.branch("work")
    serve(lab, 2, 3)
    assert back(lab) == 1


def test_a_checkout_that_lags_behind_is_told_to_merge(lab: Lab) -> None:
    lab.git.commit({"registry-state/reconciler.yaml": "branch: main\n"})
    serve(lab, 1, 2)
    lab.git.branch("work")
    lab.git.checkout("main")
    serve(lab, 3)
    lab.git.checkout("work")
    done = lab.run("rollback", "fraud")
    assert done.code == 5
    assert "git merge main" in done.stderr


def test_a_blocked_version_is_passed_over_and_refused_when_asked_for(lab: Lab) -> None:
    serve(lab, 1, 2)
    lab.git.commit({_FILE: declared(3, v2="blocked: leaks")})
    assert against(rollback(lab)) == {2: "blocked: leaks", 1: None}
    lab.git.git("checkout", "--", _FILE)
    done = lab.run("rollback", "fraud", "--to", "2")
    assert (done.code, text(lab)) == (4, declared(3, v2="blocked: leaks"))
    assert "leaks" in done.stderr


def test_nothing_to_roll_back_to_is_said_and_nothing_is_written(lab: Lab) -> None:
    serve(lab, 1)
    done = rollback(lab, code=4)
    assert [error["message"] for error in done["errors"]] == [
        "there is nothing to roll `fraud` back to"
    ]
    assert text(lab) == declared(1)


def test_to_names_a_version_that_served(lab: Lab) -> None:
    serve(lab, 1, 2, 3)
    assert back(lab, "--to", "1") == 1
    assert back(lab, "--to", "3") == 3
    assert "promote fraud 5" in lab.run("rollback", "fraud", "--to", "5").stderr
    assert rollback(lab, "--to", "5", code=4)["diff"] == ""
    assert rollback(lab, "--to", "3", code=4)["diff"] == ""


def test_a_model_that_is_not_declared_is_an_error_that_names_import(lab: Lab) -> None:
    serve(lab, 1)
    done = lab.run("rollback", "other")
    assert done.code == 1
    assert "reconciler import other" in done.stderr


def test_a_shallow_clone_is_told_so(lab: Lab, tmp_path: Path) -> None:
    serve(lab, 1, 2)
    clone = lab.at(lab.git.clone(tmp_path / "clone", depth=1))
    done = clone.run("rollback", "fraud")
    assert done.code == 5
    assert "--unshallow" in done.stderr


# --- what comes back


def test_aliases_come_back_as_they_were_when_it_served_last(lab: Lab) -> None:
    lab.git.commit({_FILE: "versions: {1: {}, 2: {stage: Production}}"})
    last = "versions: {1: {aliases: [old]}, 2: {stage: Production, aliases: [champion, eu]}}\n"
    lab.git.commit({_FILE: last})
    bad = "{stage: Production, aliases: [champion, eu, old, new]}"
    lab.git.commit({_FILE: f"versions: {{1: {{}}, 2: {{stage: Archived}}, 3: {bad}}}\n"})
    assert rollback(lab)["meaning"] == [
        "v2 Archived → Production",
        "v3 Production → Archived",
        "@champion 3 → 2",
        "@eu 3 → 2",
        "@new 3 → removed",
        "@old 3 → 1",
    ]


def test_a_guarded_alias_never_ends_on_no_version(lab: Lab) -> None:
    lab.git.commit({_FILE: "versions: {1: {stage: Production}}"})
    later = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"
    lab.git.commit({_FILE: later})
    assert "@champion 2 → 1" in rollback(lab)["meaning"]


def test_a_version_whose_entry_is_gone_comes_back_with_its_pins(lab: Lab) -> None:
    pins = f"run_id: abc, source: s3://x, digest: sha256:{'0' * 64}"
    lab.git.commit({_FILE: f"versions: {{1: {{stage: Production, {pins}}}}}"})
    lab.git.commit({_FILE: "versions: {2: {stage: Production}}"})
    rollback(lab)
    assert pins in text(lab)


def test_a_version_that_was_registered_again_does_not_get_the_pins_of_the_one_before(
    lab: Lab,
) -> None:
    old = f"run_id: old, source: s3://old, digest: sha256:{'0' * 64}"
    lab.git.commit({_FILE: f"versions: {{1: {{stage: Production, {old}}}}}"})
    anew = "1: {stage: Archived, run_id: new}"
    lab.git.commit({_FILE: f"versions: {{2: {{stage: Production}}, {anew}}}"})
    rollback(lab)
    assert "1: {stage: Production, run_id: new}" in text(lab)


def test_where_an_alias_serves_its_history_decides(lab: Lab) -> None:
    lab.git.commit(_ALIAS)
    for number in (1, 2, 3):
        lab.git.commit({_FILE: f"versions: {{{number}: {{aliases: [champion]}}, 4: {{}}}}\n"})
    assert rollback(lab)["meaning"][0] == "@champion 3 → 2"
    assert rollback(lab)["meaning"][0] == "@champion 2 → 1"


def test_a_version_serves_again_by_the_settings_of_now(lab: Lab) -> None:
    lab.git.commit({_FILE: "versions: {1: {aliases: [champion]}}\n", **_ALIAS})
    lab.git.commit({_FILE: "versions: {1: {}, 2: {stage: Production}}\n", next(iter(_ALIAS)): None})
    assert rollback(lab)["meaning"][:2] == ["v1 → Production", "v2 Production → Archived"]


def test_where_an_alias_serves_now_it_moves_and_no_stage_comes_back(lab: Lab) -> None:
    lab.git.commit({_FILE: "versions: {1: {stage: Production}, 3: {aliases: [champion]}}\n"})
    lab.git.commit({_FILE: "versions: {1: {}, 2: {aliases: [champion]}, 3: {}}\n", **_ALIAS})
    assert rollback(lab)["meaning"] == ["@champion 2 → 1"]


def test_block_keeps_the_bad_version_from_coming_back(lab: Lab) -> None:
    serve(lab, 1, 2)
    assert lab.run("rollback", "fraud", "--block").code == 1
    done = rollback(lab, "--block", "--reason", "leaks: the label", "--commit")
    assert "v2 blocked: leaks: the label" in done["meaning"]
    assert "blocked: 'leaks: the label'" in text(lab)
    assert lab.run("promote", "fraud", "2").code == 4
    assert lab.run("validate").code == 0


def test_a_blocked_version_holds_nothing_where_an_alias_serves(lab: Lab) -> None:
    held = "{stage: Staging, aliases: [champion, x]}"
    lab.git.commit({_FILE: "versions: {1: {aliases: [champion]}, 2: {aliases: [x]}}", **_ALIAS})
    lab.git.commit({_FILE: f"versions: {{1: {{}}, 2: {held}}}"})
    rollback(lab, "--block", "--reason", "bad")
    assert lab.run("validate").code == 0
    assert text(lab) == "versions: {1: {aliases: [champion]}, 2: {blocked: bad, stage: Archived}}"


def test_a_commit_says_what_was_rolled_back(lab: Lab) -> None:
    serve(lab, 1, 2)
    done = rollback(lab, "--branch", "--reason", "Too slow.")
    assert done["branch"] == "rollback/fraud-v1"
    assert lab.git.git("log", "-1", "--format=%s%n%(trailers)").strip().splitlines() == [
        "Roll back fraud v2 → v1",
        "Reconciler-Rollback: fraud v2 → v1",
    ]


def test_the_candidates_are_shown_with_the_chosen_one_marked(lab: Lab) -> None:
    first, second, _ = serve(lab, 1, 2, 3)
    lines: Result = lab.run("rollback", "fraud")
    shown = [line.split() for line in lines.stdout.splitlines()[1:3]]
    assert shown[0][:2] == ["→", "v2"]
    assert shown[0][3] == second[:12]
    assert shown[1][0] == "v1"
    assert shown[1][2] == first[:12]
    assert lines.stdout.count("merged, not proven applied") == 2


# --- records, and the registry


def record(lab: Lab, commit: str) -> None:
    time = datetime(2030, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=next(_minutes))
    with opened(lab.git) as repo:
        write_record(repo, ApplyRecord(time, "prod", "registry-state", commit, models=("fraud",)))


_minutes = itertools.count()


def test_a_version_that_was_never_applied_is_passed_over(lab: Lab) -> None:
    first, _, third = serve(lab, 1, 2, 3)
    record(lab, first)
    record(lab, third)
    found = rollback(lab)
    assert [(row["version"], row["proof"], row["chosen"]) for row in found["candidates"]] == [
        (2, "never applied", False),
        (1, "applied", True),
    ]


def test_the_records_of_a_remote_are_fetched_first(lab: Lab, tmp_path: Path) -> None:
    for commit in serve(lab, 1, 2, 3)[::2]:
        record(lab, commit)
    clone = lab.at(lab.git.clone(tmp_path / "clone"))
    assert [row["proof"] for row in rollback(clone)["candidates"]] == 2 * [
        "merged, not proven applied"
    ]
    clone.git.git("checkout", "--quiet", "--", ".")
    assert against(rollback(clone, "--fetch-notes", "origin")) == {
        2: "it was merged, and never applied",
        1: None,
    }


@pytest.fixture(name="live")
def live_fixture(mlflow_uri: str, tmp_path: Path) -> Callable[[str, str], Lab]:
    """Make a lab in front of a live server whose model has two versions and a third one."""

    def make(before: str, after: str) -> Lab:
        lab = Lab(GitLab.new(tmp_path), mlflow_uri, Hand(mlflow_uri))
        lab.environ["MODEL"] = lab.model(4)
        for content in (before, after):
            lab.declare(lab.environ["MODEL"], content)
        return lab

    return make


def test_a_version_that_is_gone_or_another_one_is_passed_over(
    live: Callable[[str, str], Lab],
) -> None:
    lab = live("versions: {1: {stage: Production}}\n", "versions: {9: {stage: Production}}\n")
    model = lab.environ["MODEL"]
    lab.declare(model, "versions: {2: {stage: Production, source: s3://elsewhere}}\n")
    lab.declare(model, "versions: {3: {stage: Production}}\n")
    done = lab.run("rollback", model, "--format", "json")
    assert done.code == 0, done.text
    assert {v: bool(why) for v, why in against(done.document).items()} == {
        2: True,
        9: True,
        1: False,
    }
    assert lab.run("rollback", model, "--to", "9").code == 3
