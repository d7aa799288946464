"""A real MariaDB of a test's own, where this machine has one."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PLACES: Final = (os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")
_NOTHING_IS_KEPT: Final = ("--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite")


def mariadbd() -> Path | None:
    """Return the server's program, None where it is not installed."""
    found = shutil.which("mariadbd", path=os.pathsep.join(_PLACES))
    return Path(found) if found else None


@contextmanager
def mariadb_database() -> Iterator[str]:
    """Run a server without a port on an empty database, and yield its URI."""
    program = mariadbd()
    assert program is not None, "there is no mariadbd on the PATH"
    folder = Path(tempfile.mkdtemp(prefix="my"))  # a socket's path must be short
    options = ["--no-defaults", f"--basedir={program.parents[1]}", f"--datadir={folder}/data"]
    if os.geteuid() == 0:
        options.append("--user=root")
    start = folder / "start.sql"
    start.write_text("CREATE DATABASE registry CHARACTER SET utf8mb4;\n")
    log = folder / "log"
    with log.open("wb") as output:
        subprocess.run(
            [
                program.parents[1] / "bin" / "mariadb-install-db",
                *options,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            stdout=output,
            stderr=output,
            check=True,
        )
        server = subprocess.Popen(
            [
                program,
                *options,
                "--skip-networking",
                *_NOTHING_IS_KEPT,
                f"--socket={folder}/socket",
                f"--init-file={start}",
            ],
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(folder / "socket", server, log)
        yield f"mysql+pymysql://root@localhost/registry?unix_socket={folder}/socket"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder)


def _wait_for(path: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
    raise AssertionError(f"MariaDB did not start:\n{log.read_text()[-3000:]}")
