"""The registry port over MLflow's REST API."""

import re
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any, Final

from reconciler.core.facts import Facts
from reconciler.core.state import Field, Identity, Live
from reconciler.errors import NotFound, RegistryError, Rejected
from reconciler.ports.artifacts import Artifacts
from reconciler.ports.measurements import LoggedRuns
from reconciler.ports.parallel import begun, each
from reconciler.ports.registry import Capabilities, Placed, UserAccess
from reconciler.registries.auth import WORKSPACE_HEADER, access
from reconciler.registries.case_insensitive import Spellings
from reconciler.registries.error_mapping import NO_WORKSPACES_HINT
from reconciler.registries.http_client import Http, TooMuch
from reconciler.registries.permissions import user_access, user_of
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
from reconciler.registries.search_filters import filters_of, name_filter
from reconciler.registries.tracking.found_runs import found_runs
from reconciler.registries.tracking.logged_runs import TrackedRuns
from reconciler.registries.tracking.other_server import Elsewhere, OtherServer
from reconciler.registries.tracking.rest_tracking import RestTracking
from reconciler.registries.tracking.version_facts import gather
from reconciler.registries.tracking.version_folder import registered_files

_API: Final = "api/2.0/mlflow"
_THREADS: Final = 8
_MOST_PAGES: Final = 1000
_FEWEST_ROWS: Final = 10  # rows on a page; a smaller page is never requested
_SLOWEST: Final = 10  # times the limit for one answer: the limit for all pages
_ALIASES_SINCE: Final = (2, 3)
_WORKSPACES_SINCE: Final = (3, 10)
_NAME_LISTS_SINCE: Final = (3, 17)


class MlflowRest:
    """A registry behind an MLflow server."""

    def __init__(
        self,
        uri: str,
        *,
        environ: Mapping[str, str],
        warn: Callable[[str], object] = warnings.warn,
        request_timeout: float = 30.0,
        retry_for: float = 60.0,
        stop: threading.Event | None = None,
        other: Elsewhere | None = None,
    ) -> None:
        carried = access(uri, environ)
        self._selects_workspace = WORKSPACE_HEADER in carried.headers
        self._http = Http(
            uri,
            carried,
            environ=environ,
            warn=warn,
            request_timeout=request_timeout,
            retry_for=retry_for,
            stop=stop,
        )
        self._stop = stop or threading.Event()
        self._own = RestTracking(self._http)
        self._other = None if other is None else OtherServer(other, self._own)
        self._spellings = Spellings(self._is_caseless)
        self._asking = threading.Lock()
        self._answered: str | None = None
        self._takes_lists: bool | None = None
        self._closed = 0

    @property
    def uri(self) -> str:
        """The URI without credentials."""
        return self._http.uri

    @property
    def user(self) -> str | None:
        """The name in the credentials."""
        return self._http.user

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far."""
        return self._http.sent + (self._other.requests if self._other else 0)

    @property
    def pace(self) -> float | None:
        """The seconds of the fastest request so far."""
        return self._http.pace

    def close(self) -> None:
        """Close the connections to the server; a later request opens them again.

        A listing that nobody waits for any more ends with the page under way.
        """
        self._closed += 1
        self._http.close()
        if self._other:
            self._other.close()

    def capabilities(self, *, has_aliases: bool = False) -> Capabilities:
        """Return the capabilities of the server's version, all of them where it is not known."""
        version = None if has_aliases else self._version()
        if version is None or version >= _ALIASES_SINCE:
            return Capabilities()
        shown = ".".join(map(str, version))
        return Capabilities(aliases=False, why=f"the MLflow {shown} server at {self.uri}")

    def read(self, names: Collection[str] | None = None) -> Mapping[str, Live]:
        """Return the models that the two searches find, by name."""
        self._require_workspaces()
        if names is None:
            return self._search([None])
        filters, chunks = filters_of(sorted(set(names)), self._can_list)
        try:
            found = self._search([*filters, *chunks])
        except Rejected:
            if not chunks:
                raise
            self._takes_lists = False
            return self.read(names)
        return {name: found[name] for name in sorted(set(names)) if name in found}

    def confirm(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model by direct reads, None when it does not exist."""
        self._require_workspaces()
        found = self._model_row(model)
        if found is None:
            return None
        listed = [
            version
            for version in chain.from_iterable(self._pages(VersionRow, name_filter(model)))
            if version.name == model
        ]
        return self._with(found, listed, versions)

    def get(self, model: str, versions: Collection[int]) -> Live | None:
        """Return one model with the latest version of each stage, and with these versions."""
        found = self._model_row(model)
        if found is None:
            return None
        return self._with(found, found.latest_versions or [], versions)

    def updated_since(self, model: str, moment: int) -> Live | None:
        """Return the versions that were updated last, None when there may be more of them."""
        path, key, _ = _SEARCHES[VersionRow]
        answer = self._get(
            path, filter=name_filter(model), max_results=RECENT, order_by=LAST_UPDATED_FIRST
        )
        listed = rows(VersionRow, answer, key)
        if not since(listed, moment, are_all=not answer.get("next_page_token")):
            return None
        return versions_alone(model, (version for version in listed if version.name == model))

    def facts(self, model: str, version: int, identity: Identity) -> Facts:
        """Return what is known of a version's run, logged model and `MLmodel` file."""
        return gather(self._other or self._own, model, version, identity)

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Facts]:
        """Return what a search of the runs tells of these."""
        return found_runs(self._other or self._own, run_ids, stop=self._stop)

    def logged_runs(self) -> LoggedRuns:
        """Return the runs of the tracking server, with the last values of their metrics."""
        return TrackedRuns(self._other or self._own)

    def artifacts(self, model: str, version: int) -> Artifacts:
        """Return the files of a version, wherever the server has put them."""
        locate = partial(self._own.artifacts_of, model, version)
        return registered_files(locate, self._own, self._other, self._stop)

    def known_user(self) -> str | None:
        """Return the name that basic-auth has for the user, None for requests without one."""
        return user_of(self._http) if self._http.is_signed_in else None

    def access(self, models: Collection[str]) -> UserAccess:
        """Return what basic-auth lets the user do to these models."""
        return user_access(self._http, models)

    def set_stage(self, model: str, version: int, stage: str) -> Placed:
        """Move a version into a stage, without archiving others; return its present stage."""
        path = "model-versions/transition-stage"
        answer = self._write("POST", path, name=model, version=str(version), stage=stage)
        moved = row(VersionRow, answer, "model_version")
        return Placed(moved.current_stage or "", moved.last_updated_timestamp)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version by one upsert."""
        field = Field("alias", None, alias)
        self._spellings.check_set(model, field, version)
        path = "registered-models/alias"
        self._write("POST", path, name=model, alias=alias, version=str(version))
        self._spellings.wrote(model, field, version)

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; do nothing when it does not exist."""
        if not self._spellings.is_renamed(model, Field("alias", None, alias)):
            self._write("DELETE", "registered-models/alias", name=model, alias=alias)

    def set_tag(self, model: str, version: int | None, key: str, value: str) -> None:
        """Set a tag of the model or of a version."""
        field = Field("tag", version, key)
        self._spellings.check_set(model, field, value)
        self._write_one("POST", "set-tag", model, version, key=key, value=value)
        self._spellings.wrote(model, field, value)

    def delete_tag(self, model: str, version: int | None, key: str) -> None:
        """Remove a tag of the model or of a version; do nothing when it does not exist."""
        if not self._spellings.is_renamed(model, Field("tag", version, key)):
            self._write_one("DELETE", "delete-tag", model, version, key=key)

    def set_description(self, model: str, version: int | None, text: str) -> None:
        """Set the description of the model or of a version; "" clears it."""
        self._write_one("PATCH", "update", model, version, description=text)

    def _write_one(
        self, method: str, action: str, model: str, version: int | None, **body: str
    ) -> None:
        if version is None:
            self._write(method, f"registered-models/{action}", name=model, **body)
        else:
            path = f"model-versions/{action}"
            self._write(method, path, name=model, version=str(version), **body)

    def _write(self, method: str, path: str, **body: str) -> dict[str, Any]:
        return self._http.write(method, f"{_API}/{path}", body)

    def _get(self, path: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401  a query
        return self._http.get(f"{_API}/{path}", params)

    def _version(self) -> tuple[int, ...] | None:
        with self._asking:
            if self._answered is None:
                self._answered = self._http.text("version") or ""
        found = re.match(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", self._answered.strip())
        return tuple(int(part) for part in found.groups() if part) if found else None

    def _require_workspaces(self) -> None:
        """Refuse a server that ignores the header, and would answer for all of its models."""
        if not self._selects_workspace:
            return
        version = self._version()
        if version is not None and version < _WORKSPACES_SINCE:
            shown = ".".join(map(str, version))
            message = f"{self.uri} is an MLflow {shown} server, and workspaces came with 3.10"
            raise RegistryError(message, hint=NO_WORKSPACES_HINT)

    def _is_caseless(self, model: str) -> bool:
        """Return whether the database finds a model by its name with all cases swapped."""
        other = model.swapcase()
        try:
            answer = self._get("registered-models/get", name=other) if other != model else {}
        except Rejected:
            return False
        return bool(answer) and row(ModelRow, answer, "registered_model").name == model

    def _model_row(self, model: str) -> ModelRow | None:
        try:
            answer = self._get("registered-models/get", name=model)
        except NotFound:
            return None
        found = row(ModelRow, answer, "registered_model")
        # The database may compare names without case.
        return found if found.name == model else None

    def _version_row(self, model: str, version: int) -> VersionRow | None:
        try:
            answer = self._get("model-versions/get", name=model, version=str(version))
        except NotFound:
            return None
        found = row(VersionRow, answer, "model_version")
        return found if (found.name, found.version) == (model, version) else None

    def _with(self, model: ModelRow, listed: list[VersionRow], versions: Collection[int]) -> Live:
        """Return a model with the versions that are listed, and of `versions` those that exist."""
        unlisted = sorted(set(versions) - {version.version for version in listed})
        asked = [one for number in unlisted if (one := self._version_row(model.name, number))]
        read = live(model, listed, asked)
        self._spellings.saw({model.name: read})
        return read

    def _search(self, filters: Iterable[str | None]) -> dict[str, Live]:
        models: list[ModelRow] = []
        versions: list[VersionRow] = []
        edges: set[str] = set()

        def search(asked: tuple[str | None, bool]) -> None:
            matching, for_models = asked
            if for_models:
                models.extend(chain.from_iterable(self._pages(ModelRow, matching)))
            else:
                pages = self._pages(VersionRow, matching)
                versions.extend(chain.from_iterable(pages))
                edges.update(torn(pages))

        questions = [(matching, kind) for matching in filters for kind in (False, True)]
        each(search, questions, threads=_THREADS)
        found = assemble(models, versions, edges)
        self._spellings.saw(found)
        return found

    def _pages(self, kind: type[RowT], matching: str | None) -> list[list[RowT]]:
        path, key, question = _SEARCHES[kind]
        params: Mapping[str, Any] = question
        if matching is not None:
            params = {**params, "filter": matching}
        found: list[list[RowT]] = []
        tokens: set[str] = set()
        until, closed = time.monotonic() + self._http.patience * _SLOWEST, self._closed
        answer, params = self._page(path, params)
        while True:
            size, token = params["max_results"], str(answer.get("next_page_token") or "")
            further = None
            if token:
                if token in tokens or len(tokens) >= _MOST_PAGES or time.monotonic() > until:
                    raise RegistryError(f"{self.uri} answers `{path}` with pages that do not end")
                if self._closed != closed:
                    raise RegistryError(f"the listing of {self.uri} was given up")
                tokens.add(token)
                # The next page is under way while the rows of this one are read.
                further = begun(partial(self._page, path, {**params, "page_token": token}))
            page = rows(kind, answer, key)
            if len(page) > size:
                raise RegistryError(f"{self.uri} answers `{path}` with more rows than requested")
            found.append(page)
            if further is None:
                return found
            answer, params = further()

    def _page(
        self, path: str, params: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return a page and the size that was requested, reduced when the rows are too large."""
        while True:
            try:
                return self._get(path, **params), params
            except TooMuch:
                # Repeated outside of the handler, which keeps the large answer alive.
                if params["max_results"] <= _FEWEST_ROWS:
                    raise
            params = {**params, "max_results": params["max_results"] // 10}

    def _can_list(self) -> bool:
        if self._takes_lists is None:
            version = self._version()
            self._takes_lists = version is None or version >= _NAME_LISTS_SINCE
        return self._takes_lists


_SEARCHES: Final[Mapping[type[Any], tuple[str, str, dict[str, Any]]]] = {
    ModelRow: (
        "registered-models/search",
        "registered_models",
        {"max_results": 1000, "order_by": "name ASC"},
    ),
    VersionRow: (
        "model-versions/search",
        "model_versions",
        # Ordered by name and number: a write cannot move a row to another page.
        {"max_results": 10_000, "order_by": ["name ASC", "version_number ASC"]},
    ),
}
