"""The files of a version that an MLflow server passes on, and the plainest way to their bytes."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import raw
from benchmarks.raw import Call

_ROUTE: Final = "/api/2.0/mlflow-artifacts/artifacts"
_GET: Final = (
    "import sys, shutil, urllib.request\n"
    "for url in sys.argv[1:]:\n"
    "    shutil.copyfileobj(urllib.request.urlopen(url), sys.stdout.buffer, 1 << 20)\n"
)
_SUMS: Final = (("sha256sum",), ("shasum", "-a", "256"), ("openssl", "dgst", "-sha256"))
_FAST_SUM: Final = ("openssl", "dgst", "-sha256")  # uses what the processor has for it


@dataclass(frozen=True)
class ServedFiles:
    """Files below a folder of the artifact root of a server."""

    folder: str
    names: Sequence[str]

    @property
    def place(self) -> str:
        """The address that a registry tells for them."""
        return f"mlflow-artifacts:/{self.folder}"

    def calls(self) -> Sequence[Call]:
        """Return a request for each file."""
        return [Call("GET", f"{_ROUTE}/{self.folder}/{name}") for name in self.names]

    def piped(self, uri: str, *, fast: bool = False) -> None:
        """Get one file after the other, and pipe all bytes into the sum of the system."""
        curl = shutil.which("curl")
        get = (curl, "--silent", "--fail") if curl else (sys.executable, "-c", _GET)
        digest = _FAST_SUM if fast else next(one for one in _SUMS if shutil.which(one[0]))
        urls = [f"{uri}{call.path}" for call in self.calls()]
        with subprocess.Popen([*get, *urls], stdout=subprocess.PIPE) as getting:  # noqa: S603  our own commands
            subprocess.run(digest, stdin=getting.stdout, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  as above
        if getting.returncode:
            raise RuntimeError(f"{get[0]} ended with {getting.returncode}")

    def spread(self, uri: str, *, threads: int) -> None:
        """Get the files in threads."""
        raw.spread(uri, self.calls(), threads=threads)


def one_large(served: Path, size: int) -> ServedFiles:
    """Make a file of so many zeros; a sparse one, which is read like any other."""
    made = _made(served, f"one-{size}")
    with (made / "weights.bin").open("wb") as file:
        file.truncate(size)
    return ServedFiles(made.name, ["weights.bin"])


def many_small(served: Path, count: int, size: int) -> ServedFiles:
    """Make files in ten folders, each with other bytes."""
    made = _made(served, f"many-{count}")
    names = [f"part-{number % 10}/{number:04}.bin" for number in range(count)]
    for number, name in enumerate(names):
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_bytes(number.to_bytes(4, "big") * (size // 4))
    return ServedFiles(made.name, names)


def _made(served: Path, name: str) -> Path:
    folder = served / name
    folder.mkdir(parents=True)
    return folder
