"""What an interruption, a thread and a fork leave of a repository: right answers, no process."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from reconciler.errors import OutOfStep
from reconciler.repository.repository import GitRepo
from tests.support.repositories.git_lab import GitLab, opened

STATE = "registry-state"
FILE = f"{STATE}/fraud.yaml"
LARGE = 32 * 2**20  # bytes: git needs many times longer to send it than the longest pause
STARTED = 30.0  # seconds within which a process has begun, also on a busy machine


class Interrupted(BaseException):
    """What arrives in the middle, as KeyboardInterrupt does."""


def reader(lab: GitLab) -> int:
    """Return the id of the process that reads the objects of a repository for this one."""
    words = ["git", "-C", str(lab.root), "cat-file", "--batch", ""]
    command = "\0".join(words).encode()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            if Path(f"/proc/{child}/cmdline").read_bytes() == command:
                return int(child)
    raise AssertionError("there is no such process")


@contextmanager
def interrupted(process: int, *, after: float) -> Iterator[None]:
    """Let a process pause after so many seconds, and raise `Interrupted` in who waits for it."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        os.kill(process, signal.SIGCONT)
        raise Interrupted

    def pause() -> None:
        time.sleep(after)
        os.kill(process, signal.SIGSTOP)
        ready.set()
        time.sleep(0.1)  # the main thread waits for an answer by then
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    ready = threading.Event()
    pausing = threading.Thread(target=pause)
    pausing.start()
    if not after:
        ready.wait()
    try:
        yield
    finally:
        pausing.join()
        signal.signal(signal.SIGUSR1, before)


def sleeping(repo: GitRepo, mark: Path) -> None:
    """Run a git command that takes a minute, and leaves the ids of its processes in a file."""
    shell = f"!echo $PPID $$ > '{mark}.new'; mv '{mark}.new' '{mark}'; exec sleep 60"
    repo.run("-c", f"alias.wait={shell}", "wait")


def begun(mark: Path) -> tuple[int, int]:
    """Return the process ids of git and of what it waits for, once they are there."""
    until = time.monotonic() + STARTED
    while not mark.exists():
        assert time.monotonic() < until, "the command did not start"
        time.sleep(0.01)
    git, sleep = map(int, mark.read_text().split())
    return git, sleep


@pytest.mark.parametrize("after", [0, 0.002, 0.01], ids=["before", "early", "in the middle"])
def test_after_an_interruption_a_file_has_its_own_content(lab: GitLab, after: float) -> None:
    large = random.Random(0).randbytes(LARGE)  # noqa: S311  no secret
    commit = lab.commit({"large": large, FILE: "fraud", f"{STATE}/churn.yaml": "churn"})
    with opened(lab) as repo:
        assert repo.knows(commit)
        with pytest.raises(Interrupted), interrupted(reader(lab), after=after):
            repo.find(commit, "large")
        found = [repo.find(commit, path) for path in (FILE, f"{STATE}/churn.yaml", FILE)]
        assert [file.data for file in found if file] == [b"fraud", b"churn", b"fraud"]


def test_a_reader_that_was_killed_is_told_once_and_replaced(lab: GitLab) -> None:
    commit = lab.commit({FILE: "fraud"})
    with opened(lab) as repo:
        assert repo.find(commit, FILE) is not None
        os.kill(reader(lab), signal.SIGKILL)
        with pytest.raises(OutOfStep, match="ended early"):
            repo.find(commit, FILE)
        found = repo.find(commit, FILE)
        assert found is not None
        assert found.data == b"fraud"


def _reads(repo: GitRepo, commit: str, path: str, wrong: "multiprocessing.Queue[int]") -> None:
    found = [repo.find(commit, path) for _ in range(200)]
    wrong.put(sum(file is None or file.data != path.encode() * 50 for file in found))


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # of Python 3.12
def test_a_forked_process_does_not_read_its_parents_answers(lab: GitLab) -> None:
    paths = [f"{STATE}/{name}.yaml" for name in ("a", "b")]
    commit = lab.commit({path: path * 50 for path in paths})
    fork = multiprocessing.get_context("fork")
    wrong: multiprocessing.Queue[int] = fork.Queue()
    with opened(lab) as repo:
        assert repo.knows(commit)  # the reader is running
        child = fork.Process(target=_reads, args=(repo, commit, paths[0], wrong))
        child.start()
        _reads(repo, commit, paths[1], wrong)
        child.join(STARTED)
        if child.is_alive():
            child.kill()
        assert child.exitcode == 0
        assert wrong.get(timeout=5) + wrong.get(timeout=5) == 0


def test_a_command_that_is_interrupted_ends_at_once_and_leaves_no_process(
    lab: GitLab, tmp_path: Path
) -> None:
    lab.commit()
    mark = tmp_path / "mark"

    def interrupt() -> None:
        begun(mark)
        os.kill(os.getpid(), signal.SIGINT)

    with opened(lab) as repo:
        threading.Thread(target=interrupt, daemon=True).start()
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            sleeping(repo, mark)
        assert time.monotonic() - begin < STARTED
        with pytest.raises(ProcessLookupError):
            os.kill(begun(mark)[0], 0)  # it was ended, and its end was waited for
        assert repo.run("rev-parse", "HEAD")[0] == 0


def test_a_command_that_takes_long_holds_up_no_other_one(lab: GitLab, tmp_path: Path) -> None:
    head = lab.commit({FILE: "x"})
    mark = tmp_path / "mark"
    with opened(lab) as slow, ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(sleeping, slow, mark)
        _, sleep = begun(mark)
        try:
            assert threads.submit(slow.resolve, "HEAD").result(STARTED) == head
            assert not waiting.done()
        finally:
            os.kill(sleep, signal.SIGTERM)
        waiting.result(STARTED)


def test_the_environment_of_the_process_stays_as_it_is_while_git_runs(
    lab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = lab.commit({FILE: "x"})
    other = GitLab.new(tmp_path / "other")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(other.root / ".git"))
    before = dict(os.environ)
    mark = tmp_path / "mark"
    with opened(lab) as repo, ThreadPoolExecutor(1) as threads:
        # In a thread that is not the main one, too, git sees the repository around the path.
        waiting = threads.submit(sleeping, repo, mark)
        _, sleep = begun(mark)
        try:
            assert dict(os.environ) == before
            assert repo.resolve("HEAD") == head
        finally:
            os.kill(sleep, signal.SIGTERM)
        waiting.result(STARTED)
