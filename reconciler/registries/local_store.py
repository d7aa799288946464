"""Checks that a local registry exists before a client opens it: opening would create it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from reconciler.core.uris import safe_uri, scheme_of
from reconciler.errors import RegistryError

MISSING_HINT: Final = "a registry is never created here: check the URI, or register a model first"


def require_local(uri: str) -> None:
    """Raise `RegistryError` when a sqlite or file registry does not exist; create nothing."""
    require_database(uri)
    if scheme_of(uri) in {"", "file"} and not (_folder(uri) / "models").is_dir():
        raise RegistryError(f"`{safe_uri(uri)}` holds no MLflow registry", hint=MISSING_HINT)


def require_database(uri: str) -> None:
    """Raise `RegistryError` when a sqlite database does not exist: opening it would create it."""
    if scheme_of(uri) == "sqlite":
        _require_tables(uri)


def require_runs(uri: str) -> None:
    """Raise `RegistryError` when a folder has no runs yet: opening it would write there."""
    if scheme_of(uri) in {"", "file"} and not (_folder(uri) / ".trash").is_dir():
        raise RegistryError(f"`{safe_uri(uri)}` holds no runs")


def _require_tables(uri: str) -> None:
    path = uri.partition("://")[2].partition("?")[0].removeprefix("/")
    if path in {"", ":memory:"} or not Path(path).is_file():
        raise RegistryError(f"there is no database file at `{safe_uri(uri)}`", hint=MISSING_HINT)
    read_only = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    tables = (
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'registered_models'"
    )
    try:
        with closing(sqlite3.connect(read_only, uri=True)) as database:
            (found,) = database.execute(tables).fetchone()
    except sqlite3.Error as error:
        raise RegistryError(f"`{safe_uri(uri)}` cannot be read as a database: {error}") from error
    if not found:
        raise RegistryError(f"`{safe_uri(uri)}` holds no MLflow registry", hint=MISSING_HINT)


def _folder(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file:") else Path(uri)
