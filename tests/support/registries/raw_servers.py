"""Servers that answer with bytes of their own: too slowly, without end, or not HTTP at all."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[[socket.socket], None]
_Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """Run a server that answers with bytes of its own, whatever it is asked, and yield its URI."""
    with _server(lambda connection, _: serve(connection)) as uri:
        yield uri


@contextmanager
def slow_model(size: int, asked: threading.Event) -> Iterator[str]:
    """Run a registry of one model, `m`, whose one file comes 100 KB at a time; yield its URI.

    Its first version is in Production. `asked` is set when the file is asked for.
    """

    def answer(connection: socket.socket, request: bytes) -> None:
        path = request.split(b" ", 2)[1].decode()
        known = next((body for route, body in _of_one_model(size).items() if route in path), None)
        if known is not None:
            body = json.dumps(known).encode()
            connection.sendall(HEAD + _LAST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            return
        connection.sendall(HEAD + _LAST + b"Content-Length: %d\r\n\r\n" % size)
        asked.set()
        pause = threading.Event()
        for begin in range(0, size, _PIECE):
            pause.wait(0.05)
            connection.sendall(bytes(min(_PIECE, size - begin)))

    with _server(answer) as uri:
        yield uri


_LAST = b"Connection: close\r\n"
_PIECE = 100_000


def _of_one_model(size: int) -> dict[str, object]:
    version = {"name": "m", "version": "1", "current_stage": "Production", "status": "READY"}
    return {
        "registered-models/search": {"registered_models": [{"name": "m"}]},
        "model-versions/search": {"model_versions": [version]},
        "model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/m"},
        "artifacts?path=": {"files": [{"path": "weights", "is_dir": False, "file_size": size}]},
    }


@contextmanager
def _server(answer: _Answer) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, answer), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, answer: _Answer) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: _Answer) -> None:
    with connection, suppress(OSError):
        answer(connection, connection.recv(65536))


def slowly(first: bytes, again: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.sendall(first)
        pause = threading.Event()
        while not pause.wait(0.05):
            connection.sendall(again)

    return serve


def for_ever(first: bytes, again: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(again)

    return serve


TRICKLES = {
    "body": slowly(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "no length": slowly(HEAD + b"\r\n", b" "),
    "chunks": slowly(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "header": slowly(HEAD + b"X: ", b"a"),
    "continue": slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "continue at once": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
}
