"""Access logs from files and a pipe: packed or not, broken, huge, or no logs at all."""

import gzip
import io
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from reconciler.api.usage.access_logs import LONGEST_LINE, STEP, AccessLogs, read
from reconciler.errors import ExitCode, UsageError
from tests.support.registries.access_log_formats import FORMATS, Line

_ALIAS = Line("/api/2.0/mlflow/registered-models/alias?name=m&alias=champion")
_LINE = FORMATS["gunicorn, nginx combined"].write(_ALIAS).encode() + b"\n"
_OTHER = FORMATS["envoy"].write(Line("/health")).encode() + b"\n"


@pytest.fixture(name="log")
def log_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(_LINE * 3)
    return path


def count(logs: AccessLogs) -> int:
    return sum(load.count for load in logs.seen)


def test_several_files_add_up_and_each_is_read_once(log: Path) -> None:
    (log.parent / "access.log.1").write_bytes(_OTHER + _LINE)
    (log.parent / "access.log.2.gz").write_bytes(gzip.compress(_LINE * 5))
    names = ["access.log", "access.log.1", "access.log.2.gz", "access.log"]
    logs = read(names, root=log.parent)
    assert count(logs) == 9
    assert logs.warnings == ()


def test_a_pipe_is_read_and_stays_open(log: Path) -> None:
    stdin = io.BytesIO(log.read_bytes())
    assert count(read(["-"], root=log.parent, stdin=stdin)) == 3
    assert not stdin.closed
    packed = io.BytesIO(gzip.compress(_LINE))
    assert count(read(["-", str(log)], root=Path("/"), stdin=packed)) == 4


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[gzip.compress(_LINE * 2)])
    writer.start()
    assert count(read(["pipe"], root=tmp_path)) == 2
    writer.join()


def test_gzip_is_known_by_its_bytes_and_may_have_several_members(log: Path) -> None:
    log.write_bytes(gzip.compress(_LINE[:40]) + gzip.compress(_LINE[40:] + _LINE) + b"\0" * 64)
    assert count(read([log.name], root=log.parent)) == 2


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_the_last_line_counts_whether_or_not_it_ends(log: Path, end: bytes) -> None:
    log.write_bytes(_LINE + _LINE.rstrip() + end)
    assert count(read([log.name], root=log.parent)) == 2


@pytest.mark.parametrize("before", [0, 1, 2, 100, len(_LINE) - 1, len(_LINE), len(_LINE) + 1])
def test_a_line_is_whole_wherever_the_steps_of_reading_part_it(log: Path, before: int) -> None:
    filler = b"x" * ((STEP - before) % 100) + b"\n" + (b"x" * 99 + b"\n") * (STEP // 100)
    log.write_bytes(filler[: STEP - before - 1] + b"\n" + _LINE * 2)
    assert log.read_bytes()[STEP - before :] == _LINE * 2
    assert count(read([log.name], root=log.parent)) == 2


def test_an_empty_log_says_nothing_and_is_told(log: Path) -> None:
    log.write_bytes(b"")
    assert read([log.name], root=log.parent) == AccessLogs((), ("access.log is empty",))


def test_a_log_without_a_load_is_a_log(log: Path) -> None:
    log.write_bytes(b"[INFO] Booting worker with pid: 7\n" + _OTHER)
    assert read([log.name], root=log.parent) == AccessLogs(())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"model: fraud\nversions: {1: {stage: Production}}\n", "none of its 2 lines"),
        (b"SQLite format 3\0" + bytes(range(256)) * 50, "none of its "),
        (_LINE.decode().encode("utf-16"), "none of its 2 lines"),
        (gzip.compress(b"nothing\n", mtime=0), "none of its 1 lines"),
        (gzip.compress(_LINE * 50, mtime=0)[:20], "broken gzip: "),
        (b"\x1f\x8b and no more", "broken gzip: "),
    ],
)
def test_what_is_no_access_log_is_refused_with_what_was_expected(
    log: Path, content: bytes, reason: str
) -> None:
    log.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read([log.name], root=log.parent)
    assert caught.value.message.startswith(f"access log access.log: {reason}")
    assert "uvicorn" in (caught.value.hint or "")
    assert caught.value.code == ExitCode.USAGE


def test_all_files_that_cannot_be_read_are_told_at_once(log: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(["gone.log", log.name, ".", "a\0b", "-"], root=log.parent)
    assert [problem.message for problem in caught.value.problems] == [
        "access log gone.log: No such file or directory",
        "access log .: Is a directory",
        "access log a\0b: not a path",
        "access log standard input: there is none",
    ]


def test_a_log_that_was_cut_counts_as_far_as_it_goes(log: Path) -> None:
    line = _LINE.replace(b"10.0.3.7", b"10.0.3.%d")
    lines = b"".join(line % (n * n % 250) for n in range(20_000))
    packed = gzip.compress(lines)
    log.write_bytes(packed[: len(packed) * 2 // 3])
    logs = read([log.name], root=log.parent)
    assert 0 < count(logs) < 20_000
    assert logs.warnings[0].startswith("access.log is broken after line ")


def test_lines_that_are_too_long_are_told_and_take_no_memory(log: Path) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(_LINE)
        for _ in range(30):
            file.write(b"\0" * 1_000_000)
        file.write(b"\n" + _LINE + b"z" * (LONGEST_LINE + 1) + b"\n" + b"z" * LONGEST_LINE + b"\n")
        file.write(_LINE + b"y" * 10_000_000)
    log.write_bytes(packed.getvalue())
    tracemalloc.start()
    logs = read([log.name], root=log.parent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count(logs) == 3
    assert logs.warnings == ("access.log: 3 lines have over 65,536 bytes, and were not read",)
    assert peak < 5_000_000


def test_lines_of_another_form_are_told_with_the_first(log: Path) -> None:
    odd = f"GET {_ALIAS.target} HTTP/1.1 from 10.0.0.1: 200\n".encode()
    log.write_bytes(_OTHER + odd + odd)
    (warning,) = read([log.name], root=log.parent).warnings
    assert warning.startswith("access.log: 2 lines name a request for a model")
    assert warning.endswith("line 2 is the first")
