"""The 1,000 models that are measured: their files, their git history, their registry."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

MODELS: Final = 1000
VERSIONS: Final = 10
PROMOTED: Final = 200
COMMITS: Final = 200  # after the first; each declares another part of the models anew
ONE: Final = 500  # the model that is promoted alone

_FOLDER: Final = "registry-state"
_SETTINGS: Final = "branch: main\n"
_CREATED: Final = 1_700_000_000_000


def name(number: int) -> str:
    """Return a model's name."""
    return f"model-{number:04}"


def declaration(number: int, *, revision: int = 1, promoted: bool = False) -> str:
    """Return the file of a model: version 9 serves, or version 10 once it is promoted."""
    newest, serving = ("Production", "Archived") if promoted else ("Staging", "Production")
    aliases = ("    aliases: [champion]\n", "") if promoted else ("", "    aliases: [champion]\n")
    return (
        f"description: {_description(number, revision)}\n"
        f"tags: {{owner: team-{number % 20}}}\n"
        "versions:\n"
        "  10:\n"
        f"    stage: {newest}\n"
        f"{aliases[0]}"
        "    tags: {risk_tier: high, data_version: 2.10}\n"
        "    description: Adds merchant-risk features\n"
        f"    run_id: {_run(number, 10)}\n"
        "  9:\n"
        f"    stage: {serving}\n"
        f"{aliases[1]}"
        "    tags: {risk_tier: high, data_version: 2.9}\n"
        f"    run_id: {_run(number, 9)}\n"
    )


class Repository:
    """A repository whose `main` can stand on the tags `steady`, `one` and `many`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("fast-import", "--quiet", stdin="".join(_history()).encode())
        self.stand_on("steady")
        self.commits: Sequence[str] = self.git("rev-list", "--reverse", "steady").split()

    def stand_on(self, tag: str) -> str:
        """Let `main` be what a tag names, in the work tree too, and return its commit."""
        self.git("reset", "--quiet", "--hard", tag)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the repository and return what it prints."""
        done = subprocess.run(  # noqa: S603  git, with arguments of our own
            [shutil.which("git") or "git", *arguments],
            cwd=self.root,
            input=stdin,
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode().strip()


class Database:
    """The sqlite file behind a server that has made its tables; it can be as it was any time."""

    def __init__(self, path: Path, commits: Sequence[str]) -> None:
        self._path = path
        self._pristine = path.with_suffix(".pristine")
        self._commits = commits
        with closing(sqlite3.connect(path)) as database, database:
            _fill(database, commits[-1])
            with closing(sqlite3.connect(self._pristine)) as copy:
                database.commit()
                database.backup(copy)

    def restore(self, *, scattered: bool = False) -> None:
        """Put every row back; `scattered`: recorded is the commit that touched a model last."""
        with (
            closing(sqlite3.connect(self._pristine)) as copy,
            closing(sqlite3.connect(self._path, timeout=60)) as database,
        ):
            copy.backup(database)
            if scattered:
                last = ((self._commits[_touched_by(n)], name(n)) for n in range(MODELS))
                database.executemany(
                    "UPDATE registered_model_tags SET value = ?"
                    " WHERE key = 'reconciler.commit' AND name = ?",
                    last,
                )
                database.commit()


def _description(number: int, revision: int) -> str:
    return f"Scores card transactions of region {number}, revision {revision}"


def _run(number: int, version: int) -> str:
    return f"{number * VERSIONS + version:032x}"


def _touched_by(number: int) -> int:
    """Return which commit declared a model last, counted from the first."""
    return 1 + number % COMMITS


def _history() -> Iterator[str]:
    """Yield what `git fast-import` reads."""
    first = {f"{name(n)}.yaml": declaration(n, revision=0) for n in range(MODELS)}
    yield from _commit("refs/heads/main", {"reconciler.yaml": _SETTINGS, **first})
    for commit in range(1, COMMITS + 1):
        touched = (n for n in range(MODELS) if _touched_by(n) == commit)
        yield from _commit("refs/heads/main", {f"{name(n)}.yaml": declaration(n) for n in touched})
    yield "reset refs/tags/steady\nfrom refs/heads/main\n\n"
    for tag, promoted in (("one", (ONE,)), ("many", tuple(range(PROMOTED)))):
        yield f"reset refs/tags/{tag}\nfrom refs/heads/main\n\n"
        files = {f"{name(n)}.yaml": declaration(n, promoted=True) for n in promoted}
        yield from _commit(f"refs/tags/{tag}", files)


def _commit(ref: str, files: dict[str, str]) -> Iterator[str]:
    yield f"commit {ref}\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 7\ndeclare\n"
    for path, text in files.items():
        yield f"M 100644 inline {_FOLDER}/{path}\ndata {len(text)}\n{text}\n"


def _fill(database: sqlite3.Connection, commit: str) -> None:
    """Write the rows that MLflow would: creating 10,000 versions through it takes minutes."""
    versions = [(n, v) for n in range(MODELS) for v in range(1, VERSIONS + 1)]
    _insert(
        database,
        "registered_models (name, creation_time, last_updated_time, description)",
        ((name(n), _CREATED, _CREATED, _description(n, 1)) for n in range(MODELS)),
    )
    _insert(
        database,
        "model_versions (name, version, creation_time, last_updated_time, description,"
        " current_stage, source, run_id, status, storage_location)",
        (
            (name(n), v, _CREATED, _CREATED, _features(v), _stage(v), *_artifact(n, v))
            for n, v in versions
        ),
    )
    _insert(database, "registered_model_tags (name, key, value)", _model_tags(commit))
    _insert(
        database,
        "model_version_tags (name, version, key, value)",
        (
            (name(n), v, key, value)
            for n, v in versions
            for key, value in (("risk_tier", "high"), ("data_version", f"2.{v}"))
        ),
    )
    _insert(
        database,
        "registered_model_aliases (name, alias, version)",
        ((name(n), "champion", 9) for n in range(MODELS)),
    )


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    places = ", ".join("?" * (table.count(",") + 1))
    database.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608  our own text


def _model_tags(commit: str) -> Iterator[tuple[str, str, str]]:
    for n in range(MODELS):
        yield name(n), "owner", f"team-{n % 20}"
        yield name(n), "reconciler.commit", commit
        yield name(n), "reconciler.owner", _FOLDER


def _features(version: int) -> str:
    return "Adds merchant-risk features" if version == VERSIONS else ""


def _stage(version: int) -> str:
    return {VERSIONS: "Staging", VERSIONS - 1: "Production"}.get(version, "Archived")


def _artifact(number: int, version: int) -> tuple[str, str, str, str]:
    place = f"s3://models/{number}/{version}"
    return place, _run(number, version), "READY", place
