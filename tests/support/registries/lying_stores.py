"""Artifact stores that lie: a server whose answers are bytes of our own, and one inside MLflow."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from reconciler.ports.artifacts import Artifacts
from reconciler.registries.connect import connect
from tests.support.registries.raw_servers import HEAD, Serve

Download = Callable[[str, str], object]  # from a path in the store to one on this machine

_FILES = "/api/2.0/mlflow-artifacts/artifacts"


def sends(body: bytes, *headers: str, length: int | None = None) -> Serve:
    """Answer with a body, and with a length that may be wrong."""
    said = len(body) if length is None else length
    head = HEAD + "".join(f"{line}\r\n" for line in headers).encode()
    return lambda peer: peer.sendall(head + f"Content-Length: {said}\r\n\r\n".encode() + body)


def refuses(status: int, *headers: str, body: bytes = b"") -> Serve:
    """Answer with a status and a body."""
    head = f"HTTP/1.1 {status} No\r\n" + "".join(f"{line}\r\n" for line in headers)
    return lambda peer: peer.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


@dataclass
class LyingServer:
    """A registry with one version; `listing` answers for each folder, `files` for each file."""

    listing: Callable[[str], object]
    files: Mapping[str, Serve] = field(default_factory=dict)
    place: str = "mlflow-artifacts:/m"
    uri: str = ""
    asked: list[str] = field(default_factory=list)

    def artifacts(self, timeout: float = 5.0) -> Artifacts:
        registry = connect(self.uri, {}, timeout=timeout)
        return registry.artifacts("m", 1)

    def serve(self, peer: socket.socket, target: str) -> None:
        parts = urlsplit(target)
        self.asked.append(target)
        if parts.path.endswith("/get-download-uri"):
            self._json(peer, {"artifact_uri": self.place})
        elif parts.path == _FILES:
            path = parse_qs(parts.query)["path"][0].removeprefix("m").removeprefix("/")
            self._json(peer, self.listing(path))
        else:
            self.files[unquote(parts.path).removeprefix(f"{_FILES}/m/")](peer)

    def _json(self, peer: socket.socket, answer: object) -> None:
        sends(json.dumps(answer).encode(), "Content-Type: application/json", "Connection: close")(
            peer
        )


def rows(*files: tuple[str, int | None], folders: Sequence[str] = ()) -> object:
    """Return a listing in MLflow's form."""
    listed: list[dict[str, object]] = [{"path": name, "is_dir": True} for name in folders]
    for name, size in files:
        listed.append(
            {"path": name, "is_dir": False} | ({} if size is None else {"file_size": size})
        )
    return {"files": listed}


@contextmanager
def lying_server(server: LyingServer) -> Iterator[LyingServer]:
    """Run a server; every connection gets one answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.uri = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def answer(peer: socket.socket) -> None:
            with peer, suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request and (more := peer.recv(65536)):
                    request += more
                server.serve(peer, request.split(b" ")[1].decode())

        def accept() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    threading.Thread(target=answer, args=(peer,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def store_in_mlflow(
    listing: Callable[[str], Sequence[tuple[str, bool, int | None]]],
    download: Download,
) -> Iterator[str]:
    """Give MLflow's client a store of its own scheme, as a plugin does; yield a folder in it."""
    from mlflow.entities import FileInfo  # noqa: PLC0415  1.1 s, for who needs it
    from mlflow.store.artifact import artifact_repository_registry  # noqa: PLC0415  as above
    from mlflow.store.artifact.artifact_repo import ArtifactRepository  # noqa: PLC0415  as above

    class Repository(ArtifactRepository):
        def list_artifacts(self, path: str | None = None) -> list[Any]:
            return [FileInfo(*row) for row in listing(path or "")]

        def _download_file(self, remote_file_path: str, local_path: str) -> None:
            download(remote_file_path, local_path)

    registered: Any = artifact_repository_registry._artifact_repository_registry  # noqa: SLF001  its plugins' place
    registered.register("lying", Repository)
    try:
        yield "lying://store/model"
    finally:
        del registered._registry["lying"]  # noqa: SLF001  as above
