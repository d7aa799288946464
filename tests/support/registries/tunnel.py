"""A proxy for encrypted connections: it answers CONNECT and passes on what it cannot read."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def tunnel(status: str = "200 OK") -> Iterator[tuple[str, list[str]]]:
    """Run a proxy, and yield its URL and the requests that it got."""
    heads: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, status, heads)
        threading.Thread(target=_accept, args=arguments, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, status: str, heads: list[str]) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_connect, args=(near, status, heads), daemon=True).start()


def _connect(near: socket.socket, status: str, heads: list[str]) -> None:
    with near, suppress(OSError):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += near.recv(1)
        heads.append(head.decode())
        near.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("200"):
            return
        host, _, port = heads[-1].split()[1].rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
            back.start()
            _pass_on(near, far)
            back.join()


def _pass_on(origin: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := origin.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
