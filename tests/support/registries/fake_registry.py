"""A registry in memory that keeps the same contract as the real ones, for simulations."""

import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

from reconciler.core.artifacts.model_files import (
    HashedFile,
    ListedFile,
    ModelFiles,
    listing,
    model_files,
)
from reconciler.core.facts import NO_FACTS, Facts, Run, Signature
from reconciler.core.state import (
    COMMIT_TAG,
    OWNER_TAG,
    PROMPT_TAG,
    STAGES,
    Field,
    Identity,
    Live,
    LiveVersion,
    Value,
)
from reconciler.errors import Forbidden, NotFound, RegistryError, Rejected
from reconciler.ports.artifacts import Artifacts, OnBytes, ignore_bytes
from reconciler.ports.measurements import LoggedMetric, LoggedRun, LoggedRuns
from reconciler.ports.registry import Capabilities, Placed, UserAccess
from reconciler.registries.responses import RECENT

_STAGES = {stage.lower(): stage for stage in STAGES}
_FIRST_MOMENT = 1_700_000_000_000


class Write(NamedTuple):
    """One write: the port's method, what it addressed, and the value (None for a removal)."""

    method: str
    model: str
    version: int | None
    key: str | None
    value: Value | None


@dataclass
class _Version:
    identity: Identity
    status: str
    stage: str = "None"
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    facts: Facts | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    updated: int = 0


@dataclass
class _Model:
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    versions: dict[int, _Version] = field(default_factory=dict)
    next_version: int = 1
    updated: int = 0


@dataclass(frozen=True)
class _LoggedRuns:
    """The runs of the versions; they have no experiment, and a metric has no time."""

    registry: "FakeRegistry"

    def logged_run(self, run_id: str) -> LoggedRun:
        facts = self.registry.runs([run_id]).get(run_id)
        if facts is None or facts.run is None:
            raise NotFound(f"run {run_id} not found")
        metrics = {} if facts.run.deleted else facts.metrics
        logged = {key: LoggedMetric(value) for key, value in metrics.items()}
        return LoggedRun(run_id, logged, facts.run.deleted)

    def newest_run(self, experiment: str, tags: Mapping[str, str]) -> LoggedRun | None:  # noqa: ARG002  as above
        return None


class _Files:
    def __init__(self, registry: "FakeRegistry", model: str, version: int) -> None:
        self._of = registry, model, version

    def address(self) -> str:
        _, model, version = self._of
        return f"s3://fake/{model}/{version}"

    def listing(self) -> tuple[ListedFile, ...]:
        return listing(ListedFile(path, len(data)) for path, data in self._now().items())

    def read(self, on_bytes: OnBytes = ignore_bytes) -> ModelFiles:
        files = self._now()
        on_bytes(sum(map(len, files.values())))
        return model_files(
            HashedFile(path, len(data), sha256(data).hexdigest()) for path, data in files.items()
        )

    def _now(self) -> Mapping[str, bytes]:
        registry, model, version = self._of
        return registry.files_of(model, version)


class FakeRegistry:
    """A registry in memory.

    `before_write` may raise to refuse a write, `after_write` to lose its answer, `before_read` to
    fail a read; `writes` are those that were executed, in order. Models in `hidden` are missing
    from searches, those in `forbidden` may not be read at all.
    """

    def __init__(
        self, *, uri: str = "http://fake", capabilities: Capabilities | None = None
    ) -> None:
        self.writes: list[Write] = []
        self.before_write: Callable[[Write], None] = _ignore
        self.after_write: Callable[[Write], None] = _ignore
        self.before_read: Callable[[str], None] = _ignore
        self.hidden: set[str] = set()
        self.forbidden: set[str] = set()
        self._uri = uri
        self._capabilities = capabilities or Capabilities()
        self._models: dict[str, _Model] = {}
        self._requests = 0
        self._moments = itertools.count(_FIRST_MOMENT)
        self._lock = threading.RLock()

    def create_model(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> None:
        self._models[name] = _Model(description, dict(tags or {}))

    def create_version(
        self,
        name: str,
        *,
        run_id: str | None = None,
        source: str = "s3://bucket/model",
        description: str = "",
        tags: Mapping[str, str] | None = None,
        status: str = "READY",
    ) -> int:
        model = self._models[name]
        number, model.next_version = model.next_version, model.next_version + 1
        identity = Identity(run_id, source, next(self._moments))
        model.versions[number] = _Version(
            identity, status, description=description, tags=dict(tags or {})
        )
        model.updated = model.versions[number].updated = identity.created or 0
        return number

    def set_facts(self, name: str, version: int, facts: Facts) -> None:
        self._version(name, version).facts = facts

    def log_version(
        self,
        name: str,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        run_tags: Mapping[str, str] | None = None,
        model_metrics: Mapping[str, float] | None = None,
        signature: Signature | None = None,
        tags: Mapping[str, str] | None = None,
        user: str = "ann",
    ) -> int:
        """Create a version with a run, as `MlflowSeeds` does on a real server."""
        moment = next(self._moments)
        run_id = f"{moment:032x}"
        self._models.setdefault(name, _Model())
        number = self.create_version(name, run_id=run_id, source=f"runs:/{run_id}", tags=tags)
        all_tags = {**(run_tags or {}), "mlflow.user": user, "mlflow.runName": "trained"}
        run = Run(run_id, "trained", "FINISHED", user, moment, all_tags)
        known = signature if signature != Signature() else None
        lacks = (
            "has no MLmodel file"
            if signature is None
            else "has an MLmodel file without a signature"
        )
        self._version(name, number).facts = Facts(
            metrics={**(model_metrics or {}), **(metrics or {})},
            params=dict(params or {}),
            run=run,
            signature=known,
            missing=() if known else (f"v{number} {lacks}",),
        )
        return number

    def delete_run_of(self, name: str, version: int) -> None:
        found = self._version(name, version)
        facts = found.facts or NO_FACTS
        if facts.run is not None:
            run = replace(facts.run, tags={}, deleted=True)
            missing = (f"run {run.id[:8]}… is deleted", *facts.missing)
            found.facts = Facts(run=run, signature=facts.signature, missing=missing)

    def delete_version(self, name: str, version: int) -> None:
        model = self._models[name]
        del model.versions[version]
        model.updated = next(self._moments)
        model.aliases = {alias: at for alias, at in model.aliases.items() if at != version}

    def rename_models(self, names: Mapping[str, str]) -> None:
        """Rename models, those that take each other's names as well."""
        moved = {new: self._models.pop(old) for old, new in names.items()}
        for model in moved.values():
            model.updated = next(self._moments)
        self._models |= moved

    def delete_model(self, name: str) -> None:
        del self._models[name]

    @property
    def uri(self) -> str:
        return self._uri

    @property
    def user(self) -> str | None:
        return "ann"

    @property
    def requests(self) -> int:
        return self._requests

    @property
    def pace(self) -> float | None:
        return None

    def close(self) -> None:
        """Do nothing: memory holds no connection."""

    def capabilities(self, *, has_aliases: bool = False) -> Capabilities:  # noqa: ARG002  it is told
        return self._capabilities

    def read(self, names: Collection[str] | None = None) -> Mapping[str, Live]:
        with self._lock:
            self._requests += 2
            self.before_read("read")
            return {
                name: _live(name, model, searched=True)
                for name, model in self._models.items()
                if (names is None or name in names)
                and name not in self.hidden | self.forbidden
                and not _is_prompt(model.tags)
            }

    def confirm(self, model: str, versions: Collection[int]) -> Live | None:
        with self._lock:
            self._requests += 2
            self.before_read("confirm")
            if model in self.forbidden:
                raise Forbidden(f"permission denied on {model}")
            found = self._models.get(model)
            return None if found is None else _live(model, found, searched=False, asked=versions)

    def get(self, model: str, versions: Collection[int]) -> Live | None:
        with self._lock:
            self._requests += 1
            self.before_read("get")
            if model in self.forbidden:
                raise Forbidden(f"permission denied on {model}")
            found = self._models.get(model)
            if found is None:
                return None
            latest = {version.stage: number for number, version in sorted(found.versions.items())}
            missing = (set(versions) - set(latest.values())) & set(found.versions)
            self._requests += len(missing)
            return _live(model, found, only={*latest.values(), *missing})

    def updated_since(self, model: str, moment: int) -> Live | None:
        with self._lock:
            self._requests += 1
            self.before_read("updated_since")
            found = self._models.get(model, _Model())
            page = sorted(found.versions, key=lambda n: -found.versions[n].updated)[:RECENT]
            last = found.versions[page[-1]].updated if page else None
            if len(page) < len(found.versions) and (last is None or last > moment):
                return None
            only = _live(model, found, only=page)
            return Live(model, {f: v for f, v in only.fields.items() if f.version}, only.versions)

    def facts(self, model: str, version: int, identity: Identity) -> Facts:
        with self._lock:
            self._requests += 1
            try:
                self.before_read("facts")
                found = self._version(model, version)
            except RegistryError as error:
                return Facts(missing=(f"v{version} cannot be read: {error.message}",))
            if found.facts is None:
                run = f"run {identity.run_id} cannot be read: not found"
                without = run if identity.run_id else f"v{version} names no run"
                return Facts(missing=(without, f"v{version} has no MLmodel file"))
            return found.facts

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Facts]:
        with self._lock:
            self._requests += 1
            self.before_read("runs")
            known = (v.facts for model in self._models.values() for v in model.versions.values())
            found = [facts for facts in known if facts is not None and facts.run is not None]
            return {
                facts.run.id: replace(facts, signature=None)
                for facts in found
                if facts.run is not None and facts.run.id in run_ids
            }

    def logged_runs(self) -> LoggedRuns:
        return _LoggedRuns(self)

    def set_files(self, name: str, version: int, files: Mapping[str, bytes]) -> None:
        self._version(name, version).files = dict(files)

    def artifacts(self, model: str, version: int) -> Artifacts:
        return _Files(self, model, version)

    def files_of(self, model: str, version: int) -> Mapping[str, bytes]:
        with self._lock:
            self._requests += 1
            self.before_read("artifacts")
            files = self._version(model, version).files
            if not files:
                raise RegistryError(f"`{model}` v{version} holds no file")
            return dict(files)

    def known_user(self) -> str | None:
        return None

    def access(self, models: Collection[str]) -> UserAccess:  # noqa: ARG002  it knows no users
        return UserAccess(None, is_managed=False)

    def set_stage(self, model: str, version: int, stage: str) -> Placed:
        with self._write(Write("set_stage", model, version, None, stage)):
            if stage.lower() not in _STAGES:
                raise Rejected(f"invalid stage {stage}")
            found = self._version(model, version)
            found.stage = _STAGES[stage.lower()]
            found.updated = self._model(model).updated = next(self._moments)
            return Placed(found.stage, found.updated)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        with self._write(Write("set_alias", model, None, alias, version)):
            self._version(model, version)
            self._model(model).aliases[alias] = version

    def delete_alias(self, model: str, alias: str) -> None:
        with self._write(Write("delete_alias", model, None, alias, None)):
            self._model(model).aliases.pop(alias, None)

    def set_tag(self, model: str, version: int | None, key: str, value: str) -> None:
        with self._write(Write("set_tag", model, version, key, value)):
            self._holder(model, version).tags[key] = value

    def delete_tag(self, model: str, version: int | None, key: str) -> None:
        with self._write(Write("delete_tag", model, version, key, None)):
            self._holder(model, version).tags.pop(key, None)

    def set_description(self, model: str, version: int | None, text: str) -> None:
        with self._write(Write("set_description", model, version, None, text)):
            holder = self._holder(model, version)
            holder.description, holder.updated = text, next(self._moments)

    @contextmanager
    def _write(self, write: Write) -> Iterator[None]:
        with self._lock:
            self._requests += 1
            self.before_write(write)
            yield
            self.writes.append(write)
            self.after_write(write)

    def _model(self, name: str) -> _Model:
        if name not in self._models:
            raise NotFound(f"Registered Model with name={name} not found")
        return self._models[name]

    def _version(self, name: str, version: int) -> _Version:
        found = self._models[name].versions.get(version) if name in self._models else None
        if found is None:
            raise NotFound(f"Model Version (name={name}, version={version}) not found")
        return found

    def _holder(self, name: str, version: int | None) -> _Model | _Version:
        return self._model(name) if version is None else self._version(name, version)


def _ignore(_: object) -> None:
    pass


def _is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(PROMPT_TAG, "").lower() == "true"


def _live(
    name: str,
    model: _Model,
    *,
    searched: bool = False,
    asked: Collection[int] = (),
    only: Collection[int] | None = None,
) -> Live:
    # As on a real server: one version tagged as a prompt hides all of them from the search.
    hides = any(_is_prompt(version.tags) for version in model.versions.values())
    listed = {
        number: version
        for number, version in sorted(model.versions.items())
        if (not hides or (not searched and number in asked)) and (only is None or number in only)
    }
    return Live(
        model=name,
        fields=dict(_fields(model, listed)),
        versions={
            number: LiveVersion(version.identity, version.status)
            for number, version in listed.items()
        },
        commit=model.tags.get(COMMIT_TAG),
        owner=model.tags.get(OWNER_TAG),
        is_prompt=_is_prompt(model.tags),
        unreadable="a version tagged as a prompt hides all of them" if hides else None,
        updated=model.updated,
    )


def _fields(model: _Model, versions: Mapping[int, _Version]) -> Iterator[tuple[Field, Value]]:
    if model.description:
        yield Field("description"), model.description
    for alias, number in model.aliases.items():
        yield Field("alias", None, alias), number
    for key, text in model.tags.items():
        if key not in {COMMIT_TAG, OWNER_TAG}:
            yield Field("tag", None, key), text
    for number, version in versions.items():
        yield Field("stage", number), version.stage
        if version.description:
            yield Field("description", number), version.description
        for key, text in version.tags.items():
            yield Field("tag", number, key), text
