"""`reconciler history` in real repositories; no registry is there to be asked."""

import csv
import io
import subprocess
from pathlib import Path

import pytest

from reconciler.audit.declared_steps import steps
from reconciler.errors import OutOfStep
from reconciler.files.loader import parse_declaration
from reconciler.repository.log import read_log
from tests.support.registries.lab import Lab
from tests.support.repositories.git_lab import opened
from tests.support.repositories.history_lab import (
    FILE,
    V3,
    V4,
    applied,
    changes,
    commits,
    dated,
    document,
    offline,
    write_as,
)


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    return offline(tmp_path)


# --- merged changes


def test_merge_squash_and_rebase_are_one_row_each(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    lab.git.branch("merged")
    write_as(lab, "Bo")
    lab.git.commit({FILE: "versions: {4: {stage: Production}}"}, "half")
    lab.git.commit({FILE: V4}, "whole")
    lab.git.checkout("main")
    write_as(lab, "Mia")
    lab.git.git("merge", "--quiet", "--no-ff", "-m", "Merge pull request #7 from x/y", "merged")
    lab.git.branch("squashed")
    lab.git.commit({FILE: V3})
    lab.git.commit({FILE: "versions: {5: {stage: Production}}"})
    lab.git.checkout("main")
    lab.git.git("merge", "--quiet", "--squash", "squashed")
    write_as(lab, "Cy")
    write_as(lab, "Forge", "COMMITTER")
    lab.git.commit(message="Promote v5 (#8)")
    lab.git.commit({"README": "other"})
    lab.git.branch("rebased")
    lab.git.commit({FILE: "versions: {6: {stage: Production}}"}, "Promote v6")
    lab.git.checkout("main")
    lab.git.git("merge", "--quiet", "--ff-only", "rebased")

    rows = changes(lab)
    assert [(row["pull_request"], row["author"], row["committer"]) for row in rows] == [
        (None, "Ada", "Ada"),
        (7, "Mia", "Ada"),
        (8, "Cy", "Forge"),
        (None, "Cy", "Forge"),
    ]
    assert rows[1]["meaning"] == [
        "v4 Staging → Production",
        "v3 Production → Archived",
        "@champion 3 → 4",
    ]
    assert [row["serving"] for row in rows] == [3, 4, 5, 6]


def test_a_revert_is_a_change_back(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    lab.git.revert(lab.git.commit({FILE: V4}))
    assert [row["serving"] for row in changes(lab)] == [3, 4, 3]


def test_two_models_in_one_commit_have_a_row_each_and_their_own_meaning(lab: Lab) -> None:
    both = {FILE: V3, "registry-state/churn.yaml": "versions: {1: {stage: Production}}"}
    commit = lab.git.commit(both)
    assert commits(lab) == [commit]
    churn = lab.run("history", "churn", "--format", "json").document["changes"]
    assert [(row["commit"], row["meaning"]) for row in churn] == [
        (commit, ["declared", "v1 → Production"])
    ]


def test_a_model_is_followed_through_renamed_files_and_moved_folders(lab: Lab) -> None:
    first = lab.git.commit({"models/fraud.yaml": V3, "models/lost.yaml": "versions: {1: {}}"})
    lab.git.move("models/fraud.yaml", "models/risk/fraud.yaml")
    lab.git.git("mv", "models", "registry-state")
    moved = lab.git.commit({"registry-state/lost.yaml": None}, "move the state")
    lab.git.move("registry-state/risk", "registry-state/teams")
    named = {
        "registry-state/teams/fraud.yaml": None,
        "registry-state/a.yaml": f"model: fraud\n{V3}",
    }
    lab.git.commit(named)
    last = lab.git.commit({"registry-state/a.yaml": f"model: fraud\n{V4}"})
    assert commits(lab) == [first, last]
    lost = lab.run("history", "lost", "--format", "json").document["changes"]
    assert [(row["commit"], row["meaning"]) for row in lost][1:] == [
        (moved, ["no longer declared"])
    ]


def test_a_folder_that_moved_and_was_sorted_anew_at_once_is_followed(lab: Lab) -> None:
    first = lab.git.commit({"old/fraud.yaml": V3})
    lab.git.move("old/fraud.yaml", "registry-state/team/fraud.yaml")
    assert commits(lab) == [first]


def test_the_main_line_is_what_is_told_also_from_a_branch(lab: Lab, tmp_path: Path) -> None:
    merged = lab.git.commit({FILE: V3})
    clone = lab.at(lab.git.clone(tmp_path / "clone"))
    clone.git.branch("promote")
    clone.git.commit({FILE: V4})
    assert commits(clone) == [merged]
    assert "origin/main" in clone.run("history", "fraud", "-v").stderr


def test_limits_choose_rows(lab: Lab) -> None:
    dated(lab, "2026-01-01T12:00:00Z")
    first = lab.git.commit({FILE: "versions: {1: {stage: Production}, 2: {}}"})
    dated(lab, "2026-01-02T12:00:00Z")
    second = lab.git.commit({FILE: "versions: {1: {stage: Production}, 2: {tags: {a: b}}}"})
    assert commits(lab, "--version", "1") == [first]
    assert commits(lab, "--version", "2") == [first, second]
    assert commits(lab, "--since", "2026-01-02") == [second]
    assert commits(lab, "--until", "2026-01-01") == [first]
    assert commits(lab, "--since", "2026-01-03") == []
    assert "no merged change" in lab.run("history", "fraud", "--since", "2026-01-03").stdout


def test_without_a_model_it_is_the_history_of_all_in_the_order_of_the_merges(lab: Lab) -> None:
    first = lab.git.commit({FILE: V3, "registry-state/other.yaml": V3}, "both")
    second = lab.git.commit({"registry-state/other.yaml": V4}, "other")
    third = lab.git.commit({FILE: V4}, "one")
    model = Path(FILE).stem

    def told(*arguments: str) -> list[tuple[str, str]]:
        found = lab.run("history", *arguments, "-o", "json").document
        return [(change["model"], change["commit"]) for change in found["changes"]]

    whole = [(model, first), ("other", first), ("other", second), (model, third)]
    assert sorted(told()[:2]) == sorted(whole[:2])
    assert told()[2:] == whole[2:]
    assert told(model, "other") == told("--model", "*") == told("*") == told()
    assert told("--model", "o*") == told("o*") == whole[1:3]
    assert told("--since", "2100-01-01") == []

    text = lab.run("history", "o*").stdout.splitlines()
    assert text[2].split()[:3] == ["MODEL", "MERGED", "COMMIT"]
    assert text[-1].startswith("history: 2 changes, 1 model, ")
    table = list(csv.reader(io.StringIO(lab.run("history", "-o", "csv").stdout)))
    assert [row[0] for row in table] == ["model", *(name for name, _ in told())]
    assert lab.run("history", "-o", "markdown").stdout.count("<code>other</code>") == 2

    answers = lab.run("history", "--at", "now", "-o", "json").document["answers"]
    assert [(a["model"], a["serving"]["version"]) for a in answers] == [(model, 4), ("other", 4)]
    assert lab.run("history", "--at", "now").stdout.count("serving (Production)") == 2
    lines = lab.run("history", "--at", "now", "-o", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in lines] == ["model", model, model, "other", "other"]


def test_what_a_history_of_several_models_cannot_mean_is_told(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    for arguments, said in (
        (("--version", "3"), "`--version` is of one model"),
        (("nosuch*",), "`nosuch*` matches no model"),
        (("--model", "nosuch"), "`nosuch` matches no model"),
        (("--at", "now", "--since", "2w"), "`--at` asks about one moment"),
    ):
        result = lab.run("history", *arguments)
        assert (result.code, result.stdout) == (1, "")
        assert said in result.stderr


def test_what_a_user_configured_for_git_log_changes_nothing(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    lab.git.move(FILE, "registry-state/team/fraud.yaml")
    lab.git.branch("promote")
    write_as(lab, "Zoë")
    lab.git.commit({"registry-state/team/fraud.yaml": V4})
    lab.git.checkout("main")
    lab.git.commit({"registry-state/other.yaml": "versions: {1: {}}"})
    lab.git.merge("promote")
    before = document(lab)
    assert len(before["changes"]) == 2
    for setting in ("log.follow", "log.showSignature", "log.decorate", "diff.renames"):
        lab.git.git("config", setting, "true")
    for setting in ("log.showRoot", "core.quotePath"):
        lab.git.git("config", setting, "false")
    lab.git.git("config", "color.ui", "always")
    lab.git.git("config", "log.diffMerges", "combined")
    lab.git.git("config", "i18n.logOutputEncoding", "ISO-8859-1")
    assert document(lab) == before


def test_old_files_that_cannot_be_read_count_as_unchanged_and_are_said_once(lab: Lab) -> None:
    first = lab.git.commit({FILE: V3})
    broken = lab.git.commit({FILE: "versions: [", "registry-state/x.yaml": "{"})
    last = lab.git.commit({FILE: V4, "registry-state/x.yaml": None})
    done = lab.run("history", "fraud", "--format", "json")
    assert [row["commit"] for row in done.document["changes"]] == [first, last]
    assert {row["file"] for row in done.document["unreadable"]} == {
        f"{FILE}@{broken[:12]}",
        f"registry-state/x.yaml@{broken[:12]}",
    }
    assert done.stderr.count("cannot be read") == 1


def test_links_declare_nothing(lab: Lab) -> None:
    first = lab.git.commit({FILE: V3})
    (lab.git.root / FILE).unlink()
    (lab.git.root / FILE).symlink_to("elsewhere.yaml")
    linked = lab.git.commit()
    assert commits(lab) == [first, linked]


# --- signatures


def test_signatures_are_told_as_git_judges_them(lab: Lab, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    lab.git.commit({FILE: "versions: {1: {stage: Production}}"}, "unsigned")
    for name, value in {"gpg.format": "ssh", "user.signingKey": f"{key}.pub"}.items():
        lab.git.git("config", name, value)
    for setting in ("commit.gpgSign", "log.showSignature"):
        lab.git.git("config", setting, "true")
    lab.git.commit({FILE: V3}, "signed")
    signed = lab.git.commit({FILE: V4}, "signed")
    forged = lab.git.git("cat-file", "commit", signed).replace("\nsigned", "\nforged") + "\n"
    (tmp_path / "forged").write_text(forged)
    written = lab.git.git("hash-object", "-w", "-t", "commit", str(tmp_path / "forged"))
    lab.git.git("reset", "--quiet", "--hard", written)

    def judged() -> list[str]:
        return [row["signature"] for row in changes(lab)]

    assert judged() == ["none", "cannot be checked", "cannot be checked"]
    public = key.with_suffix(".pub").read_text()
    (tmp_path / "allowed").write_text(f"ada@example.com {public}")
    lab.git.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    assert judged() == ["none", "good", "bad"]


# --- apply records


@pytest.mark.usefixtures("_isolated")
def test_with_apply_records_it_says_what_was_applied_when_and_what_never(lab: Lab) -> None:
    first = lab.git.commit({FILE: V3})
    lab.git.commit({FILE: "versions: {3: {stage: Production}}"})
    lab.git.commit({FILE: V4})
    later = lab.git.commit({"README": "other"})
    applied(lab, first, 1, "fraud")
    applied(lab, later, 2, "fraud")
    rows = changes(lab)
    assert [row["standing"] for row in rows] == ["applied", "never", "applied"]
    assert [[one["time"] for one in row["applied"]] for row in rows] == [
        ["2026-05-01T01:00:00Z"],
        [],
        ["2026-05-01T02:00:00Z"],
    ]
    assert rows[2]["applied"][0]["commit"] == later
    text = lab.run("history", "fraud")
    assert "APPLIED" in text.stdout
    assert "2026-05-01T02:00:00Z" in text.stdout
    assert "not yet live" in lab.run("history", "fraud", "--at", "2026-05-01T01:30").stdout
    assert "not yet live" not in lab.run("history", "fraud", "--at", "2026-05-02").stdout


@pytest.mark.usefixtures("_isolated")
def test_a_plain_clone_says_nothing_on_applying_until_the_records_are_fetched(
    lab: Lab, tmp_path: Path
) -> None:
    applied(lab, lab.git.commit({FILE: V3}), 1, "fraud")
    clone = lab.at(lab.git.clone(tmp_path / "clone"))
    plain = clone.run("history", "fraud")
    assert plain.code == 0
    assert plain.stderr.count("--fetch-notes") == 1
    assert "applied" not in plain.stdout.lower()
    assert changes(clone)[0]["standing"] == "unknown"
    fetched = clone.run("history", "fraud", "--fetch-notes", "origin")
    assert "2026-05-01T01:00:00Z" in fetched.stdout
    assert "--fetch-notes" not in fetched.stderr


@pytest.fixture(name="_isolated")
def isolated_fixture(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, lab.git.env[name])


# --- formats


def test_every_format_has_the_same_rows_and_no_text_becomes_markup(lab: Lab) -> None:
    write_as(lab, "=Evil|<b>\x1b[31m")
    commit = lab.git.commit({FILE: V3}, "Promote (#5)")
    text = lab.run("history", "fraud").stdout
    assert commit[:12] in text
    assert "#5" in text
    assert "\x1b" not in text
    read = list(csv.DictReader(io.StringIO(lab.run("history", "fraud", "--format", "csv").stdout)))
    assert [(row["commit"], row["pull_request"], row["serving"]) for row in read] == [
        (commit, "5", "3")
    ]
    assert read[0]["author"].startswith("'=")
    markdown = lab.run("--format", "markdown", "history", "fraud").stdout
    assert commit[:12] in markdown
    assert "<b>" not in markdown
    held = lab.run("--format", "csv", "history", "fraud", "--at", "2100-01-01").stdout
    assert [(row["what"], row["version"]) for row in csv.DictReader(io.StringIO(held))] == [
        ("serving (Production)", "3"),
        ("'@champion", "3"),
    ]


def test_messages_that_are_no_utf8_are_shown_all_the_same(lab: Lab) -> None:
    (lab.git.root / "message").write_bytes(b"caf\xe9 (#3)")
    lab.git.write({FILE: V3})
    lab.git.git("add", "--all")
    lab.git.git("commit", "--quiet", "-F", "message")
    (row,) = changes(lab)
    assert row["pull_request"] == 3


# --- where there is no answer


def test_a_shallow_clone_is_told_how_to_get_the_rest(lab: Lab, tmp_path: Path) -> None:
    lab.git.commit({FILE: V3})
    lab.git.commit({FILE: V4})
    done = lab.at(lab.git.clone(tmp_path / "clone", depth=1)).run("history", "fraud")
    assert done.code == 5
    assert "fetch-depth: 0" in done.stderr


def test_a_model_that_nobody_declared_is_a_usage_error_with_the_nearest_name(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    done = lab.run("history", "frod")
    assert done.code == 1
    assert "did you mean `fraud`?" in done.stderr


def test_outside_of_a_repository_there_is_no_history(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    (folder / "registry-state").mkdir(parents=True)
    done = lab.run("history", "fraud", cwd=folder)
    assert done.code == 5
    assert "not a git repository" in done.stderr


def test_before_the_first_commit_there_is_no_history(lab: Lab) -> None:
    lab.git.write({FILE: V3})
    assert lab.run("history", "fraud").code == 5
    with opened(lab.git) as repo, pytest.raises(OutOfStep):
        read_log(repo, "registry-state", parse_declaration)


def test_a_work_tree_with_mistakes_does_not_matter(lab: Lab) -> None:
    commit = lab.git.commit({FILE: V3})
    lab.git.write({FILE: "versions: ["})
    assert commits(lab) == [commit]


# --- cost


def test_the_number_of_processes_does_not_grow_with_the_history(lab: Lab, tmp_path: Path) -> None:
    def processes(name: str) -> int:
        trace = tmp_path / name
        done = lab.run("history", "fraud", env={"GIT_TRACE2_EVENT": str(trace)})
        assert done.code == 0
        return trace.read_text().count('"event":"start"')

    lab.git.commit({FILE: V3})
    few = processes("few")
    for number in range(5, 25):
        lab.git.commit({FILE: f"versions: {{{number}: {{stage: Production}}}}"})
        lab.git.commit({f"registry-state/m{number}.yaml": "versions: {1: {}}"})
    assert processes("many") == few
    assert few < 16


def test_the_log_has_all_models_at_once(lab: Lab) -> None:
    lab.git.commit({FILE: V3, "registry-state/b.yaml": "versions: {1: {}}"})
    lab.git.commit({"registry-state/b.yaml": "versions: {2: {}}"})
    with opened(lab.git) as repo:
        found = steps(read_log(repo, "registry-state", parse_declaration).merged)
    assert {model: len(of) for model, of in found.items()} == {"b": 2, "fraud": 1}
