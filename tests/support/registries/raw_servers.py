"""Servers that answer with bytes of their own: too slowly, without end, or not HTTP at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[[socket.socket], None]


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """Run a server that answers with bytes of its own, whatever it is asked, and yield its URI."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, serve), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, serve: Serve) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, serve), daemon=True).start()


def _answer(connection: socket.socket, serve: Serve) -> None:
    with connection, suppress(OSError):
        connection.recv(65536)
        serve(connection)


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
