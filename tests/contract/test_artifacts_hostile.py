"""Stores that lie about a version's files: bounded, refused with file and rule, never obeyed."""

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import socket

import pytest

from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.errors import AnswerLost, NotFound, RegistryError
from reconciler.registries.artifacts.local_folder import LocalFolder
from reconciler.registries.artifacts.version_artifacts import VersionArtifacts
from reconciler.registries.client import MlflowClientRegistry
from reconciler.registries.connect import connect
from tests import ROOT
from tests.support.registries.artifacts_lab import write_files
from tests.support.registries.lying_stores import (
    Download,
    LyingServer,
    lying_server,
    refuses,
    rows,
    sends,
    store_in_mlflow,
)
from tests.support.registries.raw_servers import HEAD, TRICKLES, Serve, for_ever, slowly
from tests.support.registries.servers import Answer, MlflowSeeds, Request, proxy

_SECRET = "s3cret-signature"  # noqa: S105  what must not be told
_WAYS_OUT = ["../x", "/etc/passwd", "a/b", "..", "", "a\0b", "a\\b", "\x1b[2J"]


def _read(
    listing: object, files: dict[str, Serve] | None = None, timeout: float = 5.0
) -> ModelFiles:
    with lying_server(LyingServer(lambda _: listing, files or {})) as server:
        return server.artifacts(timeout).read()


@pytest.mark.parametrize("name", _WAYS_OUT)
def test_a_server_that_lists_a_way_out_is_asked_for_no_file(name: str) -> None:
    with (
        lying_server(LyingServer(lambda _: rows((name, 1)))) as server,
        pytest.raises(RegistryError, match=r"`mlflow-artifacts:/m` lists .* which ") as caught,
    ):
        server.artifacts().read()

    assert ascii(name) in caught.value.message
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "listing",
    [
        *([], "x", 5, None, {"files": 3}, {"files": [1]}, {"files": {"a": "b"}}),
        {"files": [{"is_dir": False}]},
        {"files": [{"path": 5}]},
        {"files": [{"path": "a", "file_size": "much"}]},
        {"files": [{"path": "a", "is_dir": "perhaps"}]},
        {"files": [{"path": "a"}] * 400_000},
    ],
    ids=lambda listing: str(listing)[:40],
)
def test_a_listing_of_another_form_is_refused(listing: object) -> None:
    with pytest.raises(RegistryError):
        _read(listing)


@pytest.mark.parametrize(
    "place", ["mlflow-artifacts:/m/../../../mlflow/users", "mlflow-artifacts:/"]
)
def test_a_place_outside_of_the_artifacts_is_not_asked_for(place: str) -> None:
    """The parts `..` would be taken out of a request, which then names another endpoint."""
    with (
        lying_server(LyingServer(lambda _: rows(("a", 1)), place=place)) as server,
        pytest.raises(RegistryError, match=r"leads out of the artifacts|on another host"),
    ):
        server.artifacts().read()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "place",
    [
        *("http://HOST/api/2.0/mlflow-artifacts/artifacts/m", "mlflow-artifacts://HOST/m"),
        *("ftp://HOST/m", "sftp://ann:pw@HOST/m", "r2://bucket@HOST/m", "https://[::1/m"),
    ],
)
def test_a_place_on_another_host_is_not_asked_for(place: str) -> None:
    with proxy(before=lambda _: Answer(500)) as other:
        place = place.replace("HOST", other.uri.removeprefix("http://"))
        with (
            lying_server(LyingServer(lambda _: rows(("a", 1)), place=place)) as server,
            pytest.raises(RegistryError, match=r"on another host|not the address of a folder"),
        ):
            server.artifacts().read()
        assert not other.requests


@pytest.mark.parametrize("place", ["", "models:/m/1", "relative/folder"])
def test_a_place_that_is_none_is_said(place: str) -> None:
    with (
        lying_server(LyingServer(lambda _: rows(("a", 1)), place=place)) as server,
        pytest.raises(RegistryError, match=r"does not tell where|only its server knows"),
    ):
        server.artifacts().read()


_ENDLESS = b"x" * 65536
_LIES: dict[str, tuple[Serve, str]] = {
    "longer": (sends(b"123456"), "has more bytes than the 5 that are listed"),
    "shorter": (sends(b"1234"), "has fewer bytes than the 5 that are listed"),
    "endless": (for_ever(HEAD + b"\r\n", _ENDLESS), "has more bytes than the 5"),
    "endless chunks": (
        for_ever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + _ENDLESS + b"\r\n"),
        "has more bytes than the 5",
    ),
    "cut off": (sends(b"123", length=5), "connection to .* broke"),
    "packed by a gateway": (sends(gzip.compress(b"12345"), "Content-Encoding: gzip"), "more bytes"),
    "not packed": (sends(b"1234", "Content-Encoding: gzip"), "fewer bytes"),
    "gone": (refuses(404, body=b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'), "answered 404"),
    "broken": (refuses(500, body=b'{"error_code": "INTERNAL_ERROR", "message": "disk"}'), "disk"),
    "not http": (for_ever(b"", b"\x00\xff"), "connection to .* broke"),
}


@pytest.mark.parametrize("name", _LIES)
def test_a_file_that_is_not_as_listed_is_refused_and_named(name: str) -> None:
    serve, why = _LIES[name]
    begun = time.monotonic()

    with pytest.raises(RegistryError, match=why) as caught:
        _read(
            rows(("MLmodel", 4), ("weights.bin", 5)),
            {"MLmodel": sends(b"abcd"), "weights.bin": serve},
        )

    assert "mlflow-artifacts:/m/weights.bin`" in caught.value.message
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("size", [None, 0])
def test_an_endless_file_without_a_size_ends_at_once_beside_others_that_have_one(
    size: int | None,
) -> None:
    endless = for_ever(HEAD + b"\r\n", _ENDLESS)
    with pytest.raises(RegistryError, match=r"`mlflow-artifacts:/m/b` has more bytes than the 0"):
        _read(rows(("a", 1), ("b", size)), {"a": sends(b"1"), "b": endless})


def test_a_listing_without_any_sizes_is_read() -> None:
    assert _read(rows(("a", None)), {"a": sends(b"12345")}).size == 5


@pytest.mark.parametrize("serve", TRICKLES.values(), ids=TRICKLES)
def test_a_file_that_trickles_in_is_given_up(serve: Serve) -> None:
    begun = time.monotonic()
    with pytest.raises(
        AnswerLost, match=r"`mlflow-artifacts:/m/a`: .* (less than|not finish|broke)"
    ):
        _read(rows(("a", 10_000_000)), {"a": serve}, timeout=0.4)
    assert time.monotonic() - begun < 12


def test_a_slow_answer_that_goes_on_is_read_to_its_end() -> None:
    """Longer than the limit as a whole, but never silent for that long."""
    pieces = iter([b"x" * 1_048_576] * 4)

    def serve(peer: socket) -> None:
        sends(b"", length=4 * 1_048_576)(peer)
        for piece in pieces:
            time.sleep(0.6)
            peer.sendall(piece)

    assert _read(rows(("a", 4 * 1_048_576)), {"a": serve}, timeout=0.5).size == 4 * 1_048_576


def test_nobody_waits_for_the_other_files_when_one_is_wrong() -> None:
    begun = time.monotonic()
    with pytest.raises(RegistryError, match="`mlflow-artifacts:/m/b` has more bytes than the 5"):
        _read(
            rows(("a", 10_000_000), ("b", 5)), {"a": TRICKLES["body"], "b": sends(b"123456")}, 30.0
        )
    assert time.monotonic() - begun < 10


def test_a_wrong_file_is_named_alone_though_it_ends_the_reading_of_others() -> None:
    def wait_for_the_other(peer: socket) -> None:
        peer.sendall(HEAD + b"Content-Length: 3000000\r\n\r\n")
        pause = threading.Event()
        for _ in range(30):
            pause.wait(0.05)
            peer.sendall(bytes(100_000))

    files: dict[str, Serve] = dict.fromkeys("abc", wait_for_the_other)
    files["wrong"] = refuses(404)
    listing = rows(*((name, 3_000_000) for name in files))
    with pytest.raises(RegistryError) as caught:
        _read(listing, files)
    pause = threading.Event()
    pause.wait(1.5)  # the readings of the others end with the same error

    assert caught.value.message.count("mlflow-artifacts:/m/") == 1


def test_a_folder_that_is_refused_is_named() -> None:
    with proxy(before=_refuse_the_second_listing) as server:
        registry = connect(server.uri, {}, timeout=5.0)
        with pytest.raises(RegistryError, match=r"^`mlflow-artifacts:/m/a#b`: .* Invalid path"):
            registry.artifacts("m", 1).listing()


def _refuse_the_second_listing(request: Request) -> Answer:
    if "get-download-uri" in request.path:
        return Answer(200, b'{"artifact_uri": "mlflow-artifacts:/m"}')
    if request.path.endswith("path=m"):
        return Answer(200, b'{"files": [{"path": "a#b", "is_dir": true}]}')
    return Answer(400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid path"}')


@pytest.mark.parametrize("name", ["50%20off", "a%2Fb", "%2e%2e", "%252e"])
def test_a_name_that_a_server_would_take_for_another_one_is_refused(name: str) -> None:
    """MLflow decodes what it is asked for until nothing changes any more: `a%20b` reads `a b`."""
    served: dict[str, Serve] = {name: sends(b"12345"), "100%": sends(b"12345")}
    with pytest.raises(RegistryError, match=r"would read .* instead") as caught:
        _read(rows((name, 5)), served)
    assert f"/m/{name}`" in caught.value.message
    with pytest.raises(RegistryError, match=r"would read .* instead"):
        _read({"files": [{"path": name, "is_dir": True}]}, served)
    assert _read(rows(("100%", 5)), served).size == 5


def test_a_refusal_that_trickles_in_is_given_up() -> None:
    serve = slowly(b"HTTP/1.1 500 No\r\nContent-Length: 10000\r\n\r\n", b" ")
    with pytest.raises(RegistryError):
        _read(rows(("a", 5)), {"a": serve}, timeout=0.4)


def test_a_redirect_takes_no_request_to_another_host() -> None:
    with proxy(before=lambda _: Answer(200, b"12345")) as other:
        to = f"Location: {other.uri}/a?X-Amz-Signature={_SECRET}"
        with pytest.raises(RegistryError, match="redirects are never followed") as caught:
            _read(rows(("a", 5)), {"a": refuses(302, to)})
        assert not other.requests
    assert _SECRET not in f"{caught.value.message} {caught.value.hint}"


def test_a_file_whose_answer_breaks_is_read_again_from_its_start_and_counted_once() -> None:
    breaks = sends(b"12345678", length=10)
    answers = iter([breaks, breaks, sends(b"1234567890")])
    counted: list[int] = []

    def serve(peer: socket) -> None:
        next(answers)(peer)

    with lying_server(LyingServer(lambda _: rows(("a", 10)), {"a": serve})) as server:
        read = server.artifacts().read(counted.append)

    assert read.files[0].sha256 == hashlib.sha256(b"1234567890").hexdigest()
    assert sum(counted) == 10


def test_a_file_whose_answer_always_breaks_is_given_up_after_three_readings() -> None:
    breaks = sends(b"12345678", length=10)
    with (
        lying_server(LyingServer(lambda _: rows(("a", 10)), {"a": breaks})) as server,
        pytest.raises(AnswerLost, match=r"`mlflow-artifacts:/m/a`: the connection to .* broke"),
    ):
        server.artifacts().read()

    assert sum(target.endswith("/m/a") for target in server.asked) == 3


def test_what_fails_in_counting_is_not_taken_for_a_broken_connection() -> None:
    def count(_: int) -> None:
        raise BrokenPipeError

    with (
        lying_server(LyingServer(lambda _: rows(("a", 5)), {"a": sends(b"12345")})) as server,
        pytest.raises(BrokenPipeError),
    ):
        server.artifacts().read(count)


def test_a_server_that_is_busy_is_asked_again() -> None:
    answers = iter([refuses(503), refuses(429, "Retry-After: 0"), sends(b"12345")])

    def serve(peer: socket) -> None:
        next(answers)(peer)

    assert _read(rows(("a", 5)), {"a": serve}).size == 5


def _local(folder: Path) -> VersionArtifacts:
    return VersionArtifacts(lambda: LocalFolder(folder), threading.Event(), str)


def _swap_for_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _swap_for_link(path: Path) -> None:
    target = path.rename(path.with_name("moved"))
    path.symlink_to(target)


def _swap_folder_for_link(path: Path) -> None:
    target = path.parent.rename(path.parent.parent.parent / "elsewhere")
    path.parent.symlink_to(target)


_SWAPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (_swap_for_pipe, "is a pipe or a device"),
    "link": (_swap_for_link, "is a symbolic link"),
    "folder": (_swap_folder_for_link, "cannot be read"),
    "gone": (Path.unlink, "no such file"),
    "longer": (lambda path: path.write_bytes(b"123456"), "more bytes than the 5"),
    "shorter": (lambda path: path.write_bytes(b"1"), "fewer bytes than the 5"),
}


@pytest.mark.parametrize("swap", _SWAPS)
def test_a_local_file_that_changes_between_listing_and_reading_is_refused(
    swap: str, tmp_path: Path
) -> None:
    change, why = _SWAPS[swap]
    folder = write_files(tmp_path / "model", {"MLmodel": b"a", "code/x.py": b"12345"})
    artifacts = _local(folder)
    assert len(artifacts.listing()) == 2
    change(folder / "code" / "x.py")

    with pytest.raises(RegistryError, match=rf"/model/code/x\.py` .*{why}"):
        artifacts.read()


@pytest.mark.parametrize("kind", ["link", "link to a folder", "dangling", "loop", "pipe"])
def test_what_is_no_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "model", {"MLmodel": b"a"})
    (tmp_path / "secret").write_bytes(b"x")
    odd = folder / "odd"
    match kind:
        case "link":
            odd.symlink_to(tmp_path / "secret")
        case "link to a folder":
            odd.symlink_to(tmp_path)
        case "dangling":
            odd.symlink_to(tmp_path / "nowhere")
        case "loop":
            odd.symlink_to(folder)
        case _:
            os.mkfifo(odd)

    with pytest.raises(RegistryError, match=r"/odd` is a .*: a model's files are regular files"):
        _local(folder).read()


@pytest.mark.skipif(os.name == "nt", reason="such files are not there")
@pytest.mark.parametrize("place", ["/dev", "/proc/self"])
def test_folders_of_the_system_end_with_an_error(place: str) -> None:
    with pytest.raises(RegistryError):
        _local(Path(place)).read()


def test_a_local_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"MLmodel": b"a"})
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).touch()

    with pytest.raises(RegistryError, match=r"lists '\\udcff' which nobody can read"):
        _local(tmp_path).read()


def test_what_mlflow_has_not_stored_completely_does_not_count(tmp_path: Path) -> None:
    write_files(tmp_path, {"MLmodel": b"a", "data/.artifact.uploading.x": b"half"})
    assert [file.path for file in _local(tmp_path).read().files] == ["MLmodel"]


def test_a_folder_that_is_elsewhere_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file or directory") as caught:
        _local(tmp_path / "away").read()
    assert caught.value.hint == "is it on the disk of another machine?"


@pytest.fixture(name="temporary")
def temporary_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _through_mlflow(uri: str, place: str) -> VersionArtifacts:
    seeds = MlflowSeeds(uri)
    seeds.create_model("m")
    number = seeds.create_version("m", source=place)
    found = MlflowClientRegistry(uri, {}).artifacts("m", number)
    assert isinstance(found, VersionArtifacts)
    return found


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", "other/x", "a//x", "a/", "a/b/c"]
)
def test_a_path_outside_of_the_folder_is_refused_of_mlflows_stores_too(
    sqlite_uri: str, temporary: Path, path: str
) -> None:
    def listing(of: str) -> Sequence[tuple[str, bool, int | None]]:
        return [(path, False, 1)] if of else [("a", True, None)]

    def download(*_: str) -> None:
        raise AssertionError("no file is asked for")

    with (
        store_in_mlflow(listing, download) as place,
        pytest.raises(RegistryError, match=r"`lying://store/model` lists "),
    ):
        _through_mlflow(sqlite_uri, place).read()
    assert not list(temporary.iterdir())


def _writes(content: bytes) -> Download:
    def download(_: str, to: str) -> None:
        Path(to).write_bytes(content)

    return download


def _raises(_: str, to: str) -> None:
    Path(to).write_bytes(b"half")
    message = f"403 GET https://ann:pw-2@store.example/a?X-Amz-Signature={_SECRET}&b=c: not yours"
    raise ValueError(message)


_DOWNLOADS: dict[str, tuple[Download, str | None]] = {
    "as listed": (_writes(b"12345"), None),
    "longer": (_writes(b"123456"), "has more bytes than the 5"),
    "shorter": (_writes(b"1"), "has fewer bytes than the 5"),
    "nothing": (lambda *_: None, "cannot be read"),
    "an error": (_raises, r"ValueError: 403 GET https://store\.example/a not yours"),
    "no package": (lambda *_: __import__("no_such_package"), "package that is not installed"),
    "no folder": (lambda _, to: (Path(to) / "x").write_bytes(b""), "cannot be read"),
}


@pytest.mark.parametrize("name", _DOWNLOADS)
def test_a_copy_is_gone_whatever_happens(sqlite_uri: str, temporary: Path, name: str) -> None:
    download, why = _DOWNLOADS[name]
    with store_in_mlflow(lambda of: [] if of else [("a.bin", False, 5)], download) as place:
        artifacts = _through_mlflow(sqlite_uri, place)
        if why is None:
            assert artifacts.read().size == 5
        else:
            with pytest.raises(
                RegistryError, match=rf"`lying://store/model/a\.bin` .*{why}"
            ) as caught:
                artifacts.read()
            assert _SECRET not in caught.value.message
            assert "pw-2" not in caught.value.message

    assert not list(temporary.iterdir())


def test_a_file_that_does_not_fit_on_the_disk_is_not_downloaded(
    sqlite_uri: str, temporary: Path
) -> None:
    def download(*_: str) -> None:
        raise AssertionError("no file is asked for")

    with (
        store_in_mlflow(lambda of: [] if of else [("a.bin", False, 10**17)], download) as place,
        pytest.raises(RegistryError, match=r"a\.bin`: a file of 100,0.* does not fit") as caught,
    ):
        _through_mlflow(sqlite_uri, place).read()
    assert "TMPDIR" in str(caught.value.hint)
    assert not list(temporary.iterdir())


_SCRIPT = """
import os, threading, time
from pathlib import Path
from reconciler.registries.artifacts.mlflow_folder import MlflowFolder
from reconciler.registries.artifacts.version_artifacts import VersionArtifacts
from tests.support.registries.lying_stores import store_in_mlflow

def download(_, to):
    Path(to).write_bytes(b"half")
    os.write(1, f"{Path(to).parent}\\n".encode())  # one line at once
    time.sleep(60)

files = [(f"{number}.bin", False, 5) for number in range(3)]
with store_in_mlflow(lambda of: [] if of else files, download) as place:
    folder = MlflowFolder(place, lambda question: question(), "", "")
    VersionArtifacts(lambda: folder, threading.Event(), str).read()
"""


def test_a_copy_is_gone_when_the_program_is_interrupted(temporary: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        copies = [program.stdout.readline().decode().strip() for _ in range(3)]
        assert {str(copy) for copy in temporary.iterdir()} == set(copies)
        begun = time.monotonic()
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=30)

    assert time.monotonic() - begun < 3
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    assert not list(temporary.iterdir())
