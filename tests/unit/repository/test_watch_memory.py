"""What a watch remembers in git: one state, whoever else writes, refuses or dies meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import OutOfStep
from reconciler.policy.watching.looks import WatchMemory
from reconciler.repository.notes.watch_memory import (
    WATCH_REF,
    fetch_watch_memory,
    push_watch_memory,
    read_watch_memory,
    watch_notes,
    write_watch_memory,
)
from reconciler.repository.repository import GitRepo
from tests import ROOT
from tests.support.plans.watch_values import LOOK, NOON, PROPOSED
from tests.support.repositories.git_lab import GitLab, opened

# Looks and remembers one time after the other, as jobs that run at once do.
_WATCHER = """
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from reconciler.policy.watching.looks import WatchMemory
from reconciler.repository.notes.watch_memory import push_watch_memory, write_watch_memory
from reconciler.repository.repository import open_checkout
from tests.support.plans.watch_values import LOOK, NOON
name, count = sys.argv[1], int(sys.argv[2])
repo = open_checkout(Path.cwd())
for number in range(count):
    look = replace(LOOK, model=name, time=NOON + timedelta(minutes=number))
    write_watch_memory(repo, WatchMemory((look,)), keep=lambda memory: memory)
    push_watch_memory(repo, "origin", keep=lambda memory: memory)
    print(number, flush=True)
"""


def all_of_it(memory: WatchMemory) -> WatchMemory:
    """Keep everything."""
    return memory


def latest(count: int) -> Callable[[WatchMemory], WatchMemory]:
    """Keep that many looks."""
    return lambda memory: replace(memory, looks=memory.looks[-count:])


def seen(*minutes: int, model: str = "fraud") -> WatchMemory:
    """Return the memory of looks at a model at those minutes past noon."""
    times = (NOON + timedelta(minutes=minute) for minute in minutes)
    return WatchMemory(tuple(replace(LOOK, model=model, time=time) for time in times))


def minutes(memory: WatchMemory) -> list[int]:
    return [round((look.time - NOON).total_seconds() / 60) for look in memory.looks]


def write(repo: GitRepo, memory: WatchMemory) -> None:
    write_watch_memory(repo, memory, keep=all_of_it)


def push(repo: GitRepo, remote: str = "origin") -> None:
    push_watch_memory(repo, remote, keep=all_of_it)


def bare(lab: GitLab, folder: Path) -> GitLab:
    """Make the repository that everybody pushes to, and name it `origin` in the lab."""
    far = GitLab.new(folder / "far", "--bare")
    lab.git("remote", "add", "origin", str(far.root))
    lab.git("push", "--quiet", "origin", "HEAD:main")
    return far


def watcher(lab: GitLab, name: str, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _WATCHER, name, str(count)],
        cwd=lab.root,
        env={**lab.env, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_clone_that_never_looked_remembers_nothing(lab: GitLab) -> None:
    with opened(lab) as repo:
        assert read_watch_memory(repo) == WatchMemory()


def test_a_write_adds_to_what_is_there_and_leaves_one_commit_and_no_log(lab: GitLab) -> None:
    lab.commit()
    with opened(lab) as repo:
        write(repo, seen(1, 2))
        write(repo, replace(seen(3), proposals=(PROPOSED,)))
        write(repo, WatchMemory())
        assert read_watch_memory(repo) == replace(seen(1, 2, 3), proposals=(PROPOSED,))
    assert lab.git("rev-list", "--count", WATCH_REF) == "1"
    assert lab.git("for-each-ref", "--format=%(refname)", "refs/notes") == WATCH_REF
    assert not (lab.root / ".git" / "logs" / WATCH_REF).exists()
    empty = lab.git("hash-object", "-t", "tree", "/dev/null")
    assert len(lab.git("notes", f"--ref={WATCH_REF}", "show", empty).splitlines()) == 5


def test_what_is_not_kept_is_gone_from_the_clone_and_does_not_come_back_from_a_remote(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    far = bare(lab, tmp_path)
    other = far.clone(tmp_path / "other")
    with opened(lab) as repo, opened(other) as late:
        write(repo, seen(*range(900)))
        push(repo)
        fetch_watch_memory(late, "origin")
        write_watch_memory(repo, seen(900), keep=latest(3))
        push_watch_memory(repo, "origin", keep=latest(3))
        write_watch_memory(late, seen(901), keep=latest(3))
        push_watch_memory(late, "origin", keep=latest(3))
        fetch_watch_memory(repo, "origin")
        assert minutes(latest(3)(read_watch_memory(repo))) == [899, 900, 901]
        write_watch_memory(repo, seen(*range(902, 1500)), keep=latest(500))
        assert minutes(read_watch_memory(repo)) == [*range(1000, 1500)]
    assert lab.git("rev-list", "--count", WATCH_REF) == "1"


def test_a_push_leaves_out_of_the_remotes_memory_what_is_not_kept(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    far = bare(lab, tmp_path)
    with opened(lab) as repo, opened(far.clone(tmp_path / "other")) as late:
        write(repo, seen(*range(10)))
        push(repo)
        write_watch_memory(repo, seen(10), keep=latest(3))
        push_watch_memory(repo, "origin", keep=latest(3))
        fetch_watch_memory(late, "origin")
        assert minutes(read_watch_memory(late)) == [8, 9, 10]


def test_the_bulk_is_not_written_at_every_look(lab: GitLab) -> None:
    lab.commit()
    bulk = f"{WATCH_REF}:{lab.git('hash-object', '-t', 'blob', '/dev/null')}"
    recent = f"{WATCH_REF}:{lab.git('hash-object', '-t', 'tree', '/dev/null')}"
    with opened(lab) as repo:
        write(repo, seen(*range(1000)))
        before = lab.git("rev-parse", bulk)
        write(repo, seen(1000))
        assert lab.git("rev-parse", bulk) == before
        assert len(lab.git("show", recent).splitlines()) == 2
        assert minutes(read_watch_memory(repo)) == [*range(1001)]
        write(repo, seen(*range(1001, 1500)))
        assert lab.git("rev-parse", bulk) != before
        assert minutes(read_watch_memory(repo)) == [*range(1500)]


def test_it_is_found_from_a_shallow_clone_and_from_one_without_files(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit({"x": "1"})
    lab.commit({"x": "2"})
    far = bare(lab, tmp_path)
    far.git("config", "uploadpack.allowFilter", "true")
    with opened(lab) as repo:
        write(repo, seen(1))
        push(repo)
    for at, options in enumerate((("--depth=1",), ("--filter=blob:none",))):
        clone = far.clone(tmp_path / str(at), options=options)
        with opened(clone) as repo:
            fetch_watch_memory(repo, "origin")
            assert minutes(read_watch_memory(repo)) == [*range(1, at + 2)]
            write(repo, seen(at + 2))
            push(repo)
    with opened(lab) as repo:
        fetch_watch_memory(repo, "origin")
        assert minutes(read_watch_memory(repo)) == [1, 2, 3]


def test_a_repository_with_long_ids_remembers_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    lab = GitLab(tmp_path / "repo", tmp_path / "home", {"GIT_DEFAULT_HASH": "sha256"})
    lab.root.mkdir()
    lab.git("init", "--quiet", "--initial-branch=main")
    lab.commit()
    with opened(lab) as repo:
        write(repo, seen(1))
        assert minutes(read_watch_memory(repo)) == [1]


def test_where_nothing_is_new_nothing_is_written_or_pushed(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit()
    far = bare(lab, tmp_path)
    other = far.clone(tmp_path / "other")
    with opened(lab) as repo, opened(other) as late:
        with monkeypatch.context() as earlier:  # a commit made anew has another time and id
            earlier.setenv("GIT_COMMITTER_DATE", "2026-01-05T10:00:00Z")
            write(repo, seen(1, 2))
        push(repo)
        tip = far.git("rev-parse", WATCH_REF)
        write(repo, seen(1))
        assert lab.git("rev-parse", WATCH_REF) == tip
        write(late, seen(2))
        push(late)
        assert far.git("rev-parse", WATCH_REF) == tip
        assert other.git("rev-parse", WATCH_REF) == tip
        fetch_watch_memory(late, "origin")
        assert minutes(read_watch_memory(late)) == [1, 2]


def test_a_ref_that_another_process_has_locked_is_waited_for(lab: GitLab) -> None:
    lab.commit()
    lock = lab.root / ".git" / f"{WATCH_REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    release = threading.Timer(0.3, lock.unlink)
    release.start()
    with opened(lab) as repo:
        write(repo, seen(1))
        assert minutes(read_watch_memory(repo)) == [1]
    release.join()


@pytest.mark.parametrize("is_shared", [True, False])
def test_two_jobs_at_once_lose_no_look(lab: GitLab, tmp_path: Path, *, is_shared: bool) -> None:
    lab.commit()
    far = bare(lab, tmp_path)
    jobs = [watcher(lab, "ada", 4)]
    jobs += [watcher(lab if is_shared else far.clone(tmp_path / "other"), "bob", 4)]
    for job in jobs:
        _, complaints = job.communicate(timeout=120)
        assert job.returncode == 0, complaints
    with opened(lab) as repo:
        fetch_watch_memory(repo, "origin")
        found = [look.model for look in read_watch_memory(repo).looks]
    assert sorted(found) == ["ada"] * 4 + ["bob"] * 4
    assert far.git("rev-list", "--count", WATCH_REF) == "1"


def test_a_job_that_is_killed_in_the_middle_loses_nothing_and_stops_nobody(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    far = bare(lab, tmp_path)
    victim = watcher(lab, "victim", 1000)
    assert victim.stdout is not None
    said = [victim.stdout.readline() for _ in range(2)]
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    assert said == ["0\n", "1\n"]
    other = far.clone(tmp_path / "other")
    for clone in (lab, other):
        with opened(clone) as repo:
            write(repo, seen(5))
            push(repo)
            found = [look.model for look in read_watch_memory(repo).looks]
        assert found.count("victim") >= len(said)
        assert found.count("fraud") == 1


def test_a_remote_that_refuses_is_told_with_its_reason_and_the_look_stays_here(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    far = bare(lab, tmp_path)
    hook = far.root / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with opened(lab) as repo:
        write(repo, seen(1))
        with pytest.raises(OutOfStep, match="pre-receive hook declined") as refusal:
            push(repo)
        assert refusal.value.hint == f"git push origin {WATCH_REF}"
        assert minutes(read_watch_memory(repo)) == [1]
        hook.unlink()
        push(repo)
    assert far.git("rev-list", "--count", WATCH_REF) == "1"


def test_a_remote_without_a_memory_or_out_of_reach_leaves_the_clones_own(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    with opened(lab) as repo:
        write(repo, seen(1))
        with pytest.raises(OutOfStep, match="cannot be fetched") as gone:
            fetch_watch_memory(repo, "http://ada:secret@127.0.0.1:9/x.git")
        assert "secret" not in f"{gone.value.message} {gone.value.hint}"
        bare(lab, tmp_path)
        fetch_watch_memory(repo, "origin")
        assert minutes(read_watch_memory(repo)) == [1]


def test_a_broken_ref_is_told_with_the_way_out_here_and_there(lab: GitLab, tmp_path: Path) -> None:
    lab.commit({"x": "1"})
    far = bare(lab, tmp_path)
    blob = lab.git("rev-parse", "HEAD:x")
    lab.git("update-ref", WATCH_REF, blob)
    with opened(lab) as repo:
        for ask in (read_watch_memory, lambda repo: write(repo, seen(1)), push):
            with pytest.raises(OutOfStep, match="of this clone is broken") as error:
                ask(repo)
            assert f"`git update-ref -d {WATCH_REF}`" in str(error.value.hint)
        lab.git("update-ref", "-d", WATCH_REF)
        far.git("update-ref", WATCH_REF, blob)
        write(repo, seen(1))
        with pytest.raises(OutOfStep, match="of `origin` is broken"):
            push(repo)
        assert minutes(read_watch_memory(repo)) == [1]


def test_a_line_that_somebody_broke_is_counted_and_gone_after_the_next_look(lab: GitLab) -> None:
    lab.commit()
    bulk = lab.git("hash-object", "-t", "blob", "/dev/null")
    with opened(lab) as repo:
        write(repo, seen(*range(500)))
        lab.git("notes", f"--ref={WATCH_REF}", "append", "-m", "looks good to me", bulk)
        assert read_watch_memory(repo) == replace(seen(*range(500)), unreadable=1)
        write(repo, seen(500))
        assert read_watch_memory(repo) == seen(*range(501))
    assert lab.git("rev-list", "--count", WATCH_REF) == "1"


def test_a_memory_of_a_newer_release_is_neither_read_nor_overwritten(lab: GitLab) -> None:
    lab.commit()
    empty = lab.git("hash-object", "-t", "tree", "/dev/null")
    lab.git("notes", f"--ref={WATCH_REF}", "add", "-m", '{"format_version": "2"}', empty)
    tip = lab.git("rev-parse", WATCH_REF)
    with opened(lab) as repo:
        for ask in (read_watch_memory, lambda repo: write(repo, seen(1))):
            with pytest.raises(OutOfStep, match="has the format 2, of a newer release") as error:
                ask(repo)
            assert "upgrade" in str(error.value.hint)
    assert lab.git("rev-parse", WATCH_REF) == tip


def test_two_states_of_a_repository_forget_nothing_of_each_other(tmp_path: Path) -> None:
    lab = GitLab.new(tmp_path / "repo")
    lab.commit({"a": "a"})
    far = GitLab.new(tmp_path / "far", "--bare")
    lab.git("remote", "add", "origin", str(far.root))
    other = watch_notes("state-eu → prod-eu")
    with opened(lab) as repo:
        for minute in (1, 2):
            write_watch_memory(repo, seen(minute), keep=all_of_it)
            write_watch_memory(repo, seen(minute + 10), keep=latest(1), notes=other)
            push_watch_memory(repo, "origin", keep=all_of_it)
            push_watch_memory(repo, "origin", keep=latest(1), notes=other)
        assert read_watch_memory(repo) == seen(1, 2)
        assert read_watch_memory(repo, other) == seen(12)
        lab.git("update-ref", "-d", other.name)
        fetch_watch_memory(repo, "origin", notes=other)
        assert read_watch_memory(repo, other) == seen(12)
