"""`python`, `reconciler` and `uvicorn` for a lesson's shell, forked from one that has imported all.

To import MLflow and scikit-learn takes three seconds, and the lessons do it thirty times. So one
process imports them, and each command is a fork of it: a process of its own, with the shell's
folder, environment, arguments and streams. Run as a script, this file is that process; the files
that `warm_python` writes connect to it.
"""

import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import reconciler

_PROGRAMS: Final = ("python", "reconciler", "uvicorn")
_IMPORTED: Final = (
    *("fastapi", "git", "mlflow.pyfunc.scoring_server", "mlflow.sklearn", "ruamel.yaml"),
    *("sklearn.datasets", "sklearn.linear_model", "skops.io"),
    *(["cel"] if sys.version_info >= (3, 11) else []),
    *(
        found.name
        for found in pkgutil.walk_packages(reconciler.__path__, "reconciler.")
        if not found.name.endswith("__main__")
    ),
)
_CLIENT: Final = """\
#!{python} -IS
import json, os, signal, socket, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([{program!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(asked)
    answers = server.makefile("r")
    process = int(answers.readline())
    signal.signal(signal.SIGTERM, lambda *_: os.kill(process, signal.SIGTERM))
    sys.exit(int(answers.readline() or 1))
"""


@contextmanager
def warm_python(folder: Path) -> Iterator[Path]:
    """Run the process that has imported all; yield a folder for PATH with its commands."""
    address = str(folder / "socket")
    commands = folder / "bin"
    commands.mkdir()
    for program in _PROGRAMS:
        client = commands / program
        client.write_text(_CLIENT.format(python=sys.executable, address=address, program=program))
        client.chmod(0o755)
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS")}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()  # who comes before all is imported waits
        process = subprocess.Popen(
            [sys.executable, __file__, str(listening.fileno())],
            env={**os.environ, **one_thread},
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
    try:
        yield commands
    finally:
        # Its forks, such as a server that a lesson left running, are in its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _serve(listening: socket.socket) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _IMPORTED:
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork but its client
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _be_what_is_asked(client)
        client.close()


def _be_what_is_asked(client: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, *_ = socket.recv_fds(client, 4, 3)
    asked = client.makefile("rb").read(int.from_bytes(size, "big"))
    program, arguments, folder, environ = json.loads(asked)
    client.sendall(b"%d\n" % os.getpid())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # New ones: those of the parent believe to be where its own streams are.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    code = 1
    try:
        code = _exit_code(program, arguments)
    except BaseException:  # noqa: BLE001  as the interpreter does
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        client.sendall(b"%d\n" % code)
        os._exit(code)


def _exit_code(program: str, arguments: list[str]) -> int:
    try:
        _run(program, arguments)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    return 0


def _run(program: str, arguments: list[str]) -> None:
    sys.argv = [program, *arguments]
    if program == "reconciler":
        importlib.import_module("reconciler.cli").main()
    elif program == "uvicorn":
        runpy.run_module("uvicorn", run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
