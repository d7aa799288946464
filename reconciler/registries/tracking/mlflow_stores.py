"""Opens MLflow's stores of runs and artifacts; creates none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.core.uris import DATABASES, safe_uri, scheme_of
from reconciler.errors import RegistryError
from reconciler.registries.local_store import require_database, require_runs

if TYPE_CHECKING:
    from mlflow.tracking._tracking_service.client import TrackingServiceClient
    from sqlalchemy.engine import Engine


def open_runs(uri: str) -> "TrackingServiceClient":
    """Return a client for the runs; raises `RegistryError` where it would create a store."""
    from mlflow.tracking._tracking_service.client import (  # noqa: PLC0415  1.1 s, only where needed
        TrackingServiceClient,
    )

    if scheme_of(uri) == "uc":
        raise RegistryError("open-source Unity Catalog has no runs")
    require_database(uri)
    require_runs(uri)
    if scheme_of(uri) in DATABASES:
        _require_experiment(uri)
    return TrackingServiceClient(uri)  # type: ignore[no-untyped-call]


@contextmanager
def database(uri: str) -> "Iterator[Engine]":
    """Yield a connection pool of our own, and close it also where the database cannot be read."""
    from mlflow.store.db import utils  # noqa: PLC0415  needs sqlalchemy, which skinny lacks

    engine: Any = utils.create_sqlalchemy_engine(uri)  # type: ignore[no-untyped-call]
    try:
        yield engine
    finally:
        engine.dispose()


def _require_experiment(uri: str) -> None:
    """Refuse a database in which MLflow would create its first experiment."""
    from sqlalchemy import text  # noqa: PLC0415  needs sqlalchemy, which skinny lacks
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  the same

    try:
        with database(uri) as engine, engine.connect() as connection:
            first = text("SELECT count(*) FROM experiments WHERE experiment_id = 0")
            found = connection.execute(first).scalar()
    except SQLAlchemyError as error:
        raise RegistryError("its experiments cannot be read") from error
    if not found:
        raise RegistryError(f"`{safe_uri(uri)}` holds no experiments")
