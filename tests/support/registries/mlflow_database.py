"""The sqlite file behind a server of our own: models are copied, read and watched in it.

Watched by triggers, every state that was ever committed counts: no reader polls that often.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# Parents before children, and the aliases last: a model's copy must not be seen half made.
_TABLES: Final = (
    "registered_models",
    "model_versions",
    "registered_model_tags",
    "model_version_tags",
    "registered_model_aliases",
)
_WATCHED: Final = (
    ("model_versions", "UPDATE OF current_stage", "NEW"),
    ("registered_model_aliases", "INSERT", "NEW"),
    ("registered_model_aliases", "UPDATE", "NEW"),
    ("registered_model_aliases", "DELETE", "OLD"),
)
_LOOK: Final = """
INSERT INTO looks (name, serving, champion) SELECT {row}.name,
  (SELECT group_concat(version) FROM model_versions
   WHERE name = {row}.name AND current_stage = 'Production'),
  (SELECT v.version FROM registered_model_aliases a
   JOIN model_versions v ON v.name = a.name AND v.version = a.version
   WHERE a.name = {row}.name AND a.alias = 'champion')
"""


@dataclass(frozen=True)
class MlflowDatabase:
    """A sqlite file that a server has made its tables in."""

    path: Path

    def copy(self, model: str, names: Collection[str]) -> None:
        """Make models that are as one is now, all at once: over HTTP each takes a second."""
        with self._opened() as database:
            for table in _TABLES:
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                values = ", ".join(":to" if column == "name" else column for column in columns)
                names_of = ", ".join(columns)
                statement = f"INSERT INTO {table} ({names_of}) SELECT {values} FROM {table}"  # noqa: S608  the names are MLflow's own
                database.executemany(
                    f"{statement} WHERE name = :from", [{"from": model, "to": to} for to in names]
                )

    def models(self) -> frozenset[str]:
        """Return the names of the models that there are."""
        with self._opened() as database:
            return frozenset(row[0] for row in database.execute(f"SELECT name FROM {_TABLES[0]}"))  # noqa: S608  a name of our own

    def keep(self, models: Collection[str]) -> None:
        """Remove every other model, all at once: over HTTP each takes a request."""
        gone = [(name,) for name in self.models() - frozenset(models)]
        if not gone:
            return
        with self._opened() as database:
            for table in reversed(_TABLES):
                database.executemany(f"DELETE FROM {table} WHERE name = ?", gone)  # noqa: S608  as above

    def watch(self) -> None:
        """Look at Production and `champion` after each write from now on."""
        with self._opened() as database:
            database.execute(
                "CREATE TABLE looks (number INTEGER PRIMARY KEY, name, serving, champion)"
            )
            for number, (table, event, row) in enumerate(_WATCHED):
                look = _LOOK.format(row=row)
                database.execute(
                    f"CREATE TRIGGER look{number} AFTER {event} ON {table} BEGIN {look}; END"
                )

    def seen(self, model: str) -> list[tuple[tuple[int, ...], int | None]]:
        """Return who was in Production and who `champion` was after each write, in order."""
        asked = "SELECT serving, champion FROM looks WHERE name = ? ORDER BY number"
        with self._opened() as database:
            return [
                (tuple(sorted(int(one) for one in (serving or "").split(",") if one)), champion)
                for serving, champion in database.execute(asked, [model])
            ]

    def missed(self, model: str) -> list[str]:
        """Return a sentence for each write that left nobody in Production, or no champion."""
        found = []
        for number, (serving, champion) in enumerate(self.seen(model), start=1):
            if not serving:
                found.append(f"{model}: nothing in Production after write {number}")
            if champion is None:
                found.append(f"{model}: no champion after write {number}")
        return found

    def holds(self, model: str) -> dict[str, Any]:
        """Return what there is of a model, one flat mapping, our two tags included."""
        with self._opened() as database:

            def ask(columns: str, table: str) -> Iterator[Any]:
                statement = f"SELECT {columns} FROM {table} WHERE name = ?"  # noqa: S608  names of our own
                return iter(database.execute(statement, [model]).fetchall())

            held = {f"tag {key}": value for key, value in ask("key, value", _TABLES[2])}
            held |= {f"@{alias}": version for alias, version in ask("alias, version", _TABLES[4])}
            [[held["description"]]] = ask("description", _TABLES[0])
            for version, stage, text in ask("version, current_stage, description", _TABLES[1]):
                held |= {f"v{version} stage": stage, f"v{version} description": text}
            for version, key, value in ask("version, key, value", _TABLES[3]):
                held[f"v{version} tag {key}"] = value
        return {name: value for name, value in held.items() if value not in ("", None)}

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=60)) as database, database:
            yield database
