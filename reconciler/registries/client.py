"""The registry port over MLflow's Python client: sqlite, PostgreSQL and every other scheme.

Databricks' schemes use this adapter too; they were not tested with a real workspace.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.facts import Facts
from reconciler.core.state import Identity, Live
from reconciler.core.uris import DATABASES, safe_uri, scheme_of
from reconciler.errors import NotFound, RegistryError, Unavailable
from reconciler.ports.artifacts import Artifacts
from reconciler.ports.measurements import LoggedRuns
from reconciler.ports.registry import Capabilities, Placed, UserAccess
from reconciler.registries.artifacts.version_artifacts import VersionArtifacts
from reconciler.registries.client_calls import ClientCalls
from reconciler.registries.lent_environment import require_same
from reconciler.registries.local_store import MISSING_HINT, require_local
from reconciler.registries.responses import (
    LAST_UPDATED_FIRST,
    RECENT,
    ModelRow,
    RowT,
    VersionRow,
    assemble,
    live,
    row,
    rows,
    since,
    torn,
    versions_alone,
)
from reconciler.registries.search_filters import name_filter
from reconciler.registries.tracking.client_tracking import OwnTracking, dispose
from reconciler.registries.tracking.found_runs import found_runs
from reconciler.registries.tracking.logged_runs import TrackedRuns
from reconciler.registries.tracking.mlflow_stores import database
from reconciler.registries.tracking.other_server import Elsewhere, OtherServer
from reconciler.registries.tracking.version_facts import gather
from reconciler.registries.tracking.version_folder import registered_files

if TYPE_CHECKING:
    from mlflow.tracking._model_registry.client import ModelRegistryClient

_DATABRICKS_VARIABLES: Final = (
    "DATABRICKS_HOST",
    "DATABRICKS_CONFIG_PROFILE",
    "DATABRICKS_CONFIG_FILE",
)
_UNITY_CATALOG: Final = frozenset({"databricks-uc", "uc"})
_CAPABILITIES: Final = {
    "databricks-uc": Capabilities(stages=False, why="Unity Catalog on Databricks"),
    "databricks": Capabilities(aliases=False, why="a Databricks workspace registry"),
    "uc": Capabilities(stages=False, aliases=False, why="open-source Unity Catalog"),
}
_ALL: Final = Capabilities()


class MlflowClientRegistry:
    """A registry behind MLflow's client, which reads credentials from the environment."""

    def __init__(
        self,
        uri: str,
        environ: Mapping[str, str],
        *,
        stop: threading.Event | None = None,
        other: Elsewhere | None = None,
    ) -> None:
        self._given = uri
        self._stop = stop or threading.Event()
        self._scheme = scheme_of(uri)
        self._environ = environ
        self._calls = ClientCalls(uri, environ)
        self._opening = threading.Lock()
        # sqlite allows one writer at a time; the others must poll.
        self._writing: AbstractContextManager[Any] = (
            threading.Lock() if self._scheme == "sqlite" else nullcontext()
        )
        self._opened: ModelRegistryClient | None = None
        self._own = OwnTracking(uri, self._ask, self._artifacts_of)
        self._other = None if other is None else OtherServer(other, self._own)

    @property
    def uri(self) -> str:
        """The URI without credentials."""
        return safe_uri(self._given)

    @property
    def user(self) -> str | None:
        """None: the client's stores have users of their own, or none."""
        return None

    @property
    def requests(self) -> int:
        """The number of calls to the client so far."""
        return self._calls.sent + (self._other.requests if self._other else 0)

    @property
    def pace(self) -> float | None:
        """Return None: a database answers at once."""
        return None

    def close(self) -> None:
        """Close the connections to a database; a later call opens them again."""
        with self._opening:
            opened = self._opened
        dispose(opened)
        self._own.close()
        if self._other:
            self._other.close()

    def capabilities(self, *, has_aliases: bool = False) -> Capabilities:  # noqa: ARG002  the scheme tells
        """Return the capabilities of the scheme: asking the backend can hang for minutes."""
        return _CAPABILITIES.get(self._scheme, _ALL)

    def read(self, names: Collection[str] | None = None) -> Mapping[str, Live]:
        """Return the models that the client's searches find, by name."""
        if self._scheme in _UNITY_CATALOG:
            return self._read_each(names)
        if names is None:
            models = list(chain.from_iterable(self._pages(ModelRow, None)))
            return self._assembled(models, self._pages(VersionRow, None))
        found: dict[str, Live] = {}
        for name in sorted(set(names)):
            matching = name_filter(name)
            listed = chain.from_iterable(self._pages(ModelRow, matching))
            models = [model for model in listed if model.name == name]
            found.update(self._assembled(models, self._pages(VersionRow, matching)))
        return found

    def confirm(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model by direct reads, None when it does not exist."""
        found = self._model_row(model)
        if found is None:
            return None
        pages = self._pages(VersionRow, name_filter(model))
        listed = [one for one in chain.from_iterable(pages) if one.name == model]
        unread = set(versions)
        if self._scheme in _UNITY_CATALOG:
            # Its searches return no tags or aliases.
            unread |= {version.version for version in listed}
        else:
            unread -= {version.version for version in listed}
        asked = [one for number in sorted(unread) if (one := self._version(model, number))]
        return self._dated(live(found, listed, asked))

    def get(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model with the latest version of each stage, and with these versions."""
        found = self._model_row(model)
        if found is None:
            return None
        latest = found.latest_versions or []
        missing = sorted(set(versions) - {version.version for version in latest})
        asked = [one for number in missing if (one := self._version(model, number))]
        return self._dated(live(found, latest, asked))

    def updated_since(self, model: str, moment: int) -> Live | None:
        """Return the versions that were updated last, None when there may be more of them."""
        search, *_ = _SEARCHES[VersionRow]
        page = self._call(search, name_filter(model), RECENT, LAST_UPDATED_FIRST, None)
        listed = rows(VersionRow, {search: list(page)}, search)
        if not since(listed, moment, are_all=not page.token):
            return None
        return versions_alone(model, (version for version in listed if version.name == model))

    def facts(self, model: str, version: int, identity: Identity) -> Facts:
        """Return what the tracking server knows about a version."""
        return gather(self._other or self._own, model, version, identity)

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Facts]:
        """Return what a search of the runs tells of these."""
        return found_runs(self._other or self._own, run_ids, stop=self._stop)

    def logged_runs(self) -> LoggedRuns:
        """Return the runs of the tracking server, with the last values of their metrics."""
        return TrackedRuns(self._other or self._own)

    def artifacts(self, model: str, version: int) -> Artifacts:
        """Return the files of a version, wherever the registry says that they are."""
        locate = partial(self._artifacts_of, model, version)
        files = registered_files(locate, self._own, self._other, self._stop)
        if not self._scheme.startswith("databricks"):
            return files
        # The workspace signs the address of each file; the place of the folder is not enough.
        folder = partial(self._own.folder_by_client, f"models:/{model}/{version}")
        return VersionArtifacts(folder, self._stop, files.address)

    def known_user(self) -> str | None:
        """Return None: the client's store does not tell who it writes as."""
        return None

    def access(self, models: Collection[str]) -> UserAccess:
        """Return that a database knows no users, and that other stores do not tell."""
        if self._scheme in DATABASES or self._scheme in {"", "file"}:
            return UserAccess(None, is_managed=False)
        return UserAccess(None, permissions=dict.fromkeys(sorted(models)))

    def set_stage(self, model: str, version: int, stage: str) -> Placed:
        """Move a version into a stage, without archiving others; return its present stage."""
        answer = self._write("transition_model_version_stage", model, str(version), stage)
        moved = row(VersionRow, {"version": answer}, "version")
        updated = moved.last_updated_timestamp if self._dates_models else None
        return Placed(moved.current_stage or "", updated)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version by one upsert."""
        self._write("set_registered_model_alias", model, alias, str(version))

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; do nothing when it does not exist."""
        self._write("delete_registered_model_alias", model, alias)

    def set_tag(self, model: str, version: int | None, key: str, value: str) -> None:
        """Set a tag of the model or of a version."""
        if version is None:
            self._write("set_registered_model_tag", model, key, value)
        else:
            number = str(version)
            self._write("set_model_version_tag", model, number, key, value)

    def delete_tag(self, model: str, version: int | None, key: str) -> None:
        """Remove a tag of the model or of a version; do nothing when it does not exist."""
        if version is None:
            self._write("delete_registered_model_tag", model, key)
        else:
            number = str(version)
            self._write("delete_model_version_tag", model, number, key)

    def set_description(self, model: str, version: int | None, text: str) -> None:
        """Set the description of the model or of a version; "" clears it."""
        if version is None:
            self._write("update_registered_model", model, text)
        else:
            self._write("update_model_version", model, str(version), text)

    def _read_each(self, names: Collection[str] | None) -> dict[str, Live]:
        if names is None:
            names = [model.name for page in self._pages(ModelRow, None) for model in page]
        confirmed = ((name, self.confirm(name, ())) for name in sorted(set(names)))
        return {name: found for name, found in confirmed if found is not None}

    @property
    def _dates_models(self) -> bool:
        """Whether the store is known to update a model's time with every change of a stage."""
        return self._scheme in DATABASES

    def _dated(self, found: Live) -> Live:
        return found if self._dates_models else replace(found, updated=None)

    def _assembled(
        self, models: Iterable[ModelRow], pages: Sequence[Sequence[VersionRow]]
    ) -> dict[str, Live]:
        found = assemble(models, chain.from_iterable(pages), torn(pages))
        return {name: self._dated(model) for name, model in found.items()}

    def _model_row(self, model: str) -> ModelRow | None:
        try:
            found = self._call("get_registered_model", model)
        except NotFound:
            return None
        model_row = row(ModelRow, {"model": found}, "model")
        # The entity's `tags` leave out the tag that marks a prompt.
        tags = vars(found).get("_tags", model_row.tags)
        return model_row.model_copy(update={"tags": dict(tags)})

    def _version(self, model: str, version: int) -> VersionRow | None:
        try:
            found = self._call("get_model_version", model, str(version))
        except NotFound:
            return None
        return row(VersionRow, {"version": found}, "version")

    def _artifacts_of(self, model: str, version: int) -> str:
        return str(self._call("get_model_version_download_uri", model, str(version)))

    def _pages(self, kind: type[RowT], matching: str | None) -> list[list[RowT]]:
        search, size, order = _SEARCHES[kind]
        order_by = None if self._scheme in _UNITY_CATALOG else order
        found: list[list[RowT]] = []
        token = None
        while True:
            page = self._call(search, matching, size, order_by, token)
            found.append(rows(kind, {search: list(page)}, search))
            token = page.token
            if not token:
                return found

    def _write(self, method: str, *arguments: str) -> Any:  # noqa: ANN401  MLflow's own entities
        with self._writing:
            return self._call(method, *arguments)

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401  MLflow's own entities
        client = self._client()
        # The client's search hides all models of a server older than 2.21; the store's does not.
        target = client.store if method.startswith("search_") else client
        return self._ask(lambda: getattr(target, method)(*arguments))

    def _ask(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401  as above
        self._client()  # report a missing store before anything can create it
        return self._calls.ask(question)

    def _client(self) -> "ModelRegistryClient":
        with self._opening:
            if self._opened is None:
                require_local(self._given)
                require_same(self._environ, self._selected_outside())
                with self._calls.translated():
                    self._opened = self._open()
            return self._opened

    def _selected_outside(self) -> tuple[str, ...]:
        """Return the variables that select a registry, and can only be read from the process."""
        return _DATABRICKS_VARIABLES if self._scheme.startswith("databricks") else ()

    def _open(self) -> "ModelRegistryClient":
        # Not MlflowClient: it also opens the tracking store, which writes to a new database.
        from mlflow.tracking._model_registry.client import (  # noqa: PLC0415  1.1 s, only where needed
            ModelRegistryClient,
        )

        if self._scheme in DATABASES:
            self._require_schema()
        return ModelRegistryClient(self._given, self._given)  # type: ignore[no-untyped-call]

    def _require_schema(self) -> None:
        """Refuse a database that MLflow's client would create or upgrade by opening it."""
        from mlflow.store.db import utils  # noqa: PLC0415  needs sqlalchemy, which skinny lacks
        from sqlalchemy import inspect  # noqa: PLC0415  the same
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  the same

        try:
            with database(self._given) as engine:
                tables = inspect(engine).get_table_names()
                if "registered_models" in tables:
                    # The query of a server at its start.
                    utils._verify_schema(engine)  # type: ignore[no-untyped-call]  # noqa: SLF001
        except SQLAlchemyError as error:
            raise Unavailable(self._calls.message(str(error))) from error
        if "registered_models" not in tables:
            raise RegistryError(f"`{self.uri}` holds no MLflow registry", hint=MISSING_HINT)


_SEARCHES: Final[Mapping[type[Any], tuple[str, int, list[str]]]] = {
    ModelRow: ("search_registered_models", 1000, ["name ASC"]),
    VersionRow: ("search_model_versions", 10000, ["name ASC", "version_number ASC"]),
}
