"""Apply records in git notes: kept, merged and pushed, whoever else writes or dies meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.audit.apply_record import ApplyRecord, RecordedApproval, RecordedChange
from reconciler.errors import OutOfStep, UsageError
from reconciler.repository.notes.apply_records import (
    REF,
    fetch_notes,
    push_notes,
    read_notes,
    records_of,
    write_record,
)
from reconciler.repository.notes.notes_ref import check_remote
from tests import ROOT
from tests.support.repositories.git_lab import GitLab, opened

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone.utc)

# Writes records one after the other and pushes each: one of several writers at once.
_WRITER = """
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from reconciler.audit.apply_record import ApplyRecord
from reconciler.repository.notes.apply_records import push_notes, write_record
from reconciler.repository.repository import open_checkout
commit, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
repo = open_checkout(Path.cwd())
noon = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
for number in range(count):
    record = ApplyRecord(noon + timedelta(seconds=number), "prod", "s", commit, actor=name)
    write_record(repo, record)
    push_notes(repo, "origin")
    print(number, flush=True)
"""


def record(commit: str, actor: str = "ada", minutes: int = 0) -> ApplyRecord:
    return ApplyRecord(NOON + timedelta(minutes=minutes), "prod", "state", commit, actor=actor)


def bare(lab: GitLab, folder: Path) -> Path:
    """Make the bare repository that everybody pushes to, and name it `origin` in the lab."""
    path = folder / "origin.git"
    lab.git("clone", "--quiet", "--bare", str(lab.root), str(path))
    lab.git("remote", "add", "origin", str(path))
    return path


def writer(lab: GitLab, commit: str, name: str, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, commit, name, str(count)],
        cwd=lab.root,
        env={**lab.env, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_clone_without_notes_has_none_rather_than_no_records(lab: GitLab) -> None:
    lab.commit()
    with opened(lab) as repo:
        assert records_of(repo) is None


BOB = RecordedApproval("bob", "h" * 40, "2026-01-31T09:00:00Z", "m" * 40)


def test_a_record_is_read_back_as_it_was_written(lab: GitLab) -> None:
    commit = lab.commit()
    row = RecordedChange("fraud", 4, "stage", None, "None", "Production", "declared", "applied")
    written = replace(record(commit), changes=(row,), approvals=(BOB,))
    with opened(lab) as repo:
        write_record(repo, written)
        assert records_of(repo) == {commit: (written,)}


def test_a_second_apply_of_a_commit_is_added_to_its_note_in_order(lab: GitLab) -> None:
    commit = lab.commit()
    later, earlier = record(commit, minutes=5), record(commit, minutes=1)
    with opened(lab) as repo:
        write_record(repo, later)
        write_record(repo, earlier)
        assert records_of(repo) == {commit: (earlier, later)}
    note = lab.git("notes", f"--ref={REF}", "show", commit).splitlines()
    assert [line[:38] for line in note] == [
        '{"time":"2026-01-05T12:01:00.000000Z",',
        '{"time":"2026-01-05T12:05:00.000000Z",',
    ]


def test_a_record_longer_than_an_argument_may_be_is_kept(lab: GitLab) -> None:
    commit = lab.commit()
    long = replace(record(commit), models=tuple(f"model-{n}" for n in range(20_000)))
    with opened(lab) as repo:
        write_record(repo, long)
        assert records_of(repo) == {commit: (long,)}


def test_where_git_knows_no_name_the_actor_signs_and_the_configuration_is_left(
    lab: GitLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = lab.commit()
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    with opened(lab) as repo:
        write_record(repo, record(commit, actor="deploy-bot"))
    signed = lab.git("log", "-1", "--format=%an <%ae>", REF)
    assert signed == "deploy-bot <mlflow-reconciler@localhost>"
    assert not (lab.home / "gitconfig").exists()
    assert "user" not in lab.git("config", "--local", "--list")


def test_where_git_knows_a_name_that_one_signs(lab: GitLab) -> None:
    commit = lab.commit()
    lab.git("config", "user.name", "Grace")
    lab.git("config", "user.email", "grace@example.com")
    with opened(lab) as repo:
        write_record(repo, record(commit, actor="deploy-bot"))
    assert lab.git("log", "-1", "--format=%an <%ae>", REF) == "Grace <grace@example.com>"


def test_nothing_but_the_one_ref_is_left_behind(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.commit()
    bare(lab, tmp_path)
    with opened(lab) as repo:
        write_record(repo, record(commit))
        push_notes(repo, "origin")
        fetch_notes(repo, "origin")
    refs = lab.git("for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/heads/main", "refs/notes/reconciler"]
    assert not (lab.root / ".git" / "FETCH_HEAD").exists()
    assert lab.git("status", "--porcelain") == ""


def test_a_line_that_is_no_record_is_named_and_hides_no_other(lab: GitLab) -> None:
    commit, other = lab.commit(), lab.commit()
    with opened(lab) as repo:
        write_record(repo, record(commit))
        write_record(repo, record(other))
    lab.git("notes", f"--ref={REF}", "append", "-m", "looks good to me", commit)
    with opened(lab) as repo:
        notes = read_notes(repo)
        assert notes is not None
        assert notes.records == {commit: (record(commit),), other: (record(other),)}
        assert notes.unreadable == (commit,)


def test_a_record_that_was_copied_to_another_commit_is_none_of_that_one(lab: GitLab) -> None:
    commit, other = lab.commit(), lab.commit()
    with opened(lab) as repo:
        write_record(repo, record(commit))
    lab.git("notes", f"--ref={REF}", "copy", commit, other)
    with opened(lab) as repo:
        notes = read_notes(repo)
        assert notes is not None
        assert notes.records[other] == ()
        assert notes.unreadable == (other,)


def test_records_travel_through_a_remote(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.commit()
    origin = bare(lab, tmp_path)
    with opened(lab) as repo:
        write_record(repo, record(commit))
        push_notes(repo, "origin")
    clone = lab.clone(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", str(origin))
    with opened(clone) as repo:
        assert records_of(repo) is None, "a plain clone brings no notes"
        fetch_notes(repo, "origin")
        assert records_of(repo) == {commit: (record(commit),)}


def test_a_remote_without_records_leaves_the_clone_as_it_was(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.commit()
    bare(lab, tmp_path)
    with opened(lab) as repo:
        fetch_notes(repo, "origin")
        assert records_of(repo) is None
        write_record(repo, record(commit))
        fetch_notes(repo, "origin")
        assert records_of(repo) == {commit: (record(commit),)}


def test_what_two_clones_wrote_on_one_commit_is_merged_in_the_order_of_time(
    lab: GitLab, tmp_path: Path
) -> None:
    commit = lab.commit()
    origin = bare(lab, tmp_path)
    clone = lab.clone(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", str(origin))
    with opened(lab) as one, opened(clone) as other:
        write_record(one, record(commit, "ada", minutes=1))
        write_record(one, record(commit, "ada", minutes=3))
        write_record(other, record(commit, "bob", minutes=2))
        push_notes(one, "origin")
        push_notes(other, "origin")
        fetch_notes(one, "origin")
        for repo in (one, other):
            records = records_of(repo)
            assert records is not None
            assert [found.actor for found in records[commit]] == ["ada", "bob", "ada"]


def test_two_processes_that_push_at_once_lose_no_record(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.commit()
    origin = bare(lab, tmp_path)
    clone = lab.clone(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", str(origin))
    writers = [writer(lab, commit, "ada", 6), writer(clone, commit, "bob", 6)]
    for process in writers:
        _, complaints = process.communicate(timeout=120)
        assert process.returncode == 0, complaints
    with opened(lab) as repo:
        fetch_notes(repo, "origin")
        records = records_of(repo)
    assert records is not None
    assert sorted(str(found.actor) for found in records[commit]) == ["ada"] * 6 + ["bob"] * 6


def test_two_processes_in_one_clone_lose_no_record(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.commit()
    bare(lab, tmp_path)
    writers = [writer(lab, commit, "ada", 5), writer(lab, commit, "bob", 5)]
    for process in writers:
        _, complaints = process.communicate(timeout=120)
        assert process.returncode == 0, complaints
    with opened(lab) as repo:
        records = records_of(repo)
    assert records is not None
    assert sorted(str(found.actor) for found in records[commit]) == ["ada"] * 5 + ["bob"] * 5


def test_a_writer_that_is_killed_in_the_middle_loses_nothing_and_stops_nobody(
    lab: GitLab, tmp_path: Path
) -> None:
    commit = lab.commit()
    origin = bare(lab, tmp_path)
    clone = lab.clone(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", str(origin))
    victim, survivor = writer(lab, commit, "victim", 1000), writer(clone, commit, "survivor", 4)
    assert victim.stdout is not None
    said = [victim.stdout.readline() for _ in range(2)]
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    _, complaints = survivor.communicate(timeout=120)
    assert survivor.returncode == 0, complaints
    assert said == ["0\n", "1\n"]
    with opened(lab) as repo:
        write_record(repo, record(commit, "after", minutes=9))
        push_notes(repo, "origin")
        records = records_of(repo)
    assert records is not None
    actors = [found.actor for found in records[commit]]
    assert actors.count("survivor") == 4
    assert actors.count("victim") >= len(said)
    assert actors.count("after") == 1


def test_a_remote_that_refuses_is_told_with_its_reason_and_the_record_stays_here(
    lab: GitLab, tmp_path: Path
) -> None:
    commit = lab.commit()
    origin = bare(lab, tmp_path)
    hook = origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with opened(lab) as repo:
        write_record(repo, record(commit))
        with pytest.raises(OutOfStep, match="pre-receive hook declined") as refusal:
            push_notes(repo, "origin")
        assert refusal.value.hint == f"git push origin {REF}"
        assert records_of(repo) == {commit: (record(commit),)}


def test_a_remote_that_cannot_be_reached_is_told_without_its_password(lab: GitLab) -> None:
    commit = lab.commit()
    with opened(lab) as repo:
        write_record(repo, record(commit))
        with pytest.raises(OutOfStep) as refusal:
            push_notes(repo, "http://ada:secret@127.0.0.1:9/x.git")
        assert "127.0.0.1" in refusal.value.message
        assert "secret" not in f"{refusal.value.message} {refusal.value.hint}"


def test_a_remote_that_does_not_answer_is_waited_for_only_so_long(lab: GitLab) -> None:
    commit = lab.commit()
    with socket.create_server(("127.0.0.1", 0)) as silent, opened(lab) as repo:
        write_record(repo, record(commit))
        remote = f"git://127.0.0.1:{silent.getsockname()[1]}/x.git"
        for ask in (fetch_notes, push_notes):
            start = time.monotonic()
            with pytest.raises(OutOfStep, match=r"no answer within 0\.5 s"):
                ask(repo, remote, patience=0.5)
            assert time.monotonic() - start < 10
        assert records_of(repo) == {commit: (record(commit),)}
    assert lab.git("for-each-ref", "--format=%(refname)", "refs/notes").split() == [REF]


def test_a_push_that_does_not_end_is_not_tried_again(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.commit()
    origin = bare(lab, tmp_path)
    busy, began = tmp_path / "busy", tmp_path / "began"
    busy.touch()
    hook = origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    # Meanwhile the remote moves on, which a push that was refused would try again for.
    moves = f"env -u GIT_QUARANTINE_PATH git update-ref {REF} refs/heads/main"
    waits = f"{moves}; echo x >> '{began}'; while [ -e '{busy}' ]; do sleep 0.1; done; exit 1"
    hook.write_text(f"#!/bin/sh\n{waits}\n")
    hook.chmod(0o755)
    with opened(lab) as repo:
        write_record(repo, record(commit))
        try:
            with pytest.raises(OutOfStep, match="not pushed to `origin`: no answer within 3 s"):
                push_notes(repo, "origin", patience=3)
        finally:
            busy.unlink()
    assert began.read_text() == "x\n"


def test_what_killed_writers_left_behind_long_ago_is_cleaned_up(lab: GitLab) -> None:
    commit = lab.commit()
    now = int(time.time())
    names = {age: f"{REF}-of-a-run/{now - age}-1-abc" for age in (0, 3600, 90_000, 9_000_000)}
    for name in names.values():
        lab.git("update-ref", name, commit)
    with opened(lab) as repo:
        write_record(repo, record(commit))
    assert lab.git("for-each-ref", "--format=%(refname)", "refs/notes").split() == [
        REF,
        names[3600],
        names[0],
    ]


def test_a_remote_that_is_none_is_an_error_that_names_the_one_meant(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    bare(lab, tmp_path)
    with opened(lab) as repo:
        with pytest.raises(UsageError, match="`orign` is not a remote") as error:
            check_remote(repo, "orign")
        assert error.value.hint == "did you mean `origin`?"
        check_remote(repo, "origin")
        check_remote(repo, "https://example.com/x.git")


def test_a_remote_that_git_would_read_as_an_option_is_refused(lab: GitLab) -> None:
    lab.commit()
    with opened(lab) as repo, pytest.raises(UsageError, match="is not a remote"):
        check_remote(repo, "--upload-pack=touch ran;:/x")


def test_a_remotes_ref_that_holds_no_notes_does_not_come_into_the_clone(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit({"x": "1"})
    origin = bare(lab, tmp_path)
    lab.git("-C", str(origin), "update-ref", REF, lab.git("rev-parse", "HEAD:x"))
    with opened(lab) as repo:
        with pytest.raises(OutOfStep, match="of `origin` is broken: it holds no notes"):
            fetch_notes(repo, "origin")
        assert records_of(repo) is None
    assert lab.git("for-each-ref", "refs/notes") == ""


def test_a_ref_that_holds_no_notes_is_told_with_the_way_out(lab: GitLab) -> None:
    lab.commit({"x": "1"})
    lab.git("update-ref", REF, lab.git("rev-parse", "HEAD:x"))
    with opened(lab) as repo, pytest.raises(OutOfStep, match="holds no notes") as error:
        records_of(repo)
    assert error.value.hint is not None
    assert f"`git update-ref -d {REF}`" in error.value.hint
