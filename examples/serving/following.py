"""Follow what git declares of a model: find the number, have it loaded, swap.

All of it runs in one thread beside the requests. Whatever fails leaves in place what serves; the
log, a metric and `behind` tell why, and the version is tried again, each time later.
"""

import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
from loading import Version, load
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from prometheus_client import Counter, Gauge

_NOT_THERE = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"}  # of an alias, of a model
_LONGEST_PAUSE = 32  # looks, before a version that failed is tried again
_A_DAY = 86400.0  # seconds
_FAILURES = Counter("model_reload_failures", "Failed loads", ["model", "version", "role"])
_IN_STEP = Gauge("model_in_step", "1 where a role has what is declared", ["model", "role"])
_READ = Gauge("model_registry_read_timestamp_seconds", "The registry's last answer", ["model"])
_log = logging.getLogger("uvicorn.error")
_Pause = tuple[float, float, str]  # until when, how long the next one is, why


@dataclass(frozen=True)
class Serving:
    """What answers the requests that begin now: loaded versions, and the share of each."""

    champion: Version
    versions: Mapping[str, Version]
    shares: Mapping[str, float]


@dataclass
class Follower:
    """Keeps `serving` and `shadow` in step with the registry; `behind` says why a role is not."""

    model: str
    follow: str
    candidate: str | None = None
    digests: Path | None = None
    poll_seconds: float = 10.0
    serving: Serving | None = None
    shadow: Version | None = None
    behind: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Follower":
        """Return what the settings of README.md ask for; an empty one counts as not set.

        Raises `ValueError` for one that means nothing.
        """
        environ = {name: value for name, value in environ.items() if value}
        if "MODEL" not in environ:
            raise ValueError("MODEL is not set: it names the registered model")
        if not environ.keys() & {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"}:
            raise ValueError("MLFLOW_TRACKING_URI is not set: it is the address of the registry")
        try:
            poll_seconds = float(pause := environ.get("POLL_SECONDS", "10"))
        except ValueError:
            poll_seconds = 0.0
        if not 0 < poll_seconds < _A_DAY:
            raise ValueError(f"POLL_SECONDS is `{pause}`: it takes seconds, more than 0, like 10")
        return cls(
            environ["MODEL"],
            follow=environ.get("FOLLOW", "alias:champion"),
            candidate=environ.get("CANDIDATE"),
            digests=Path(environ["DIGESTS"]) if "DIGESTS" in environ else None,
            poll_seconds=poll_seconds,
        )

    def __post_init__(self) -> None:
        """Ask nothing yet: the registry may be away when the process starts."""
        client: Any = mlflow.MlflowClient()
        self._search = client.search_model_versions
        self._ask: Mapping[str, Callable[[str, str], ModelVersion]] = {
            "alias": client.get_model_version_by_alias,
            "stage": lambda model, stage: client.get_latest_versions(model, [stage])[0],
            "pinned": client.get_model_version,
        }
        for name, rule in (("FOLLOW", self.follow), ("CANDIDATE", self.candidate)):
            if rule is None:
                continue
            kind, _, value = rule.partition(":")
            if kind not in self._ask or not value or (kind == "pinned" and not value.isdecimal()):
                takes = "alias:NAME, stage:NAME or pinned:NUMBER"
                raise ValueError(f"{name} is `{rule}`: it takes {takes}")
        self._loaded = weakref.WeakValueDictionary[tuple[str, int], Version]()
        self._pauses: dict[tuple[str, str, int], _Pause] = {}

    def run(self, stop: threading.Event) -> None:
        """Look again and again.

        What was replaced is kept until the next look: its last request has gone by then, so that
        this thread frees its memory and files, and no request waits for that.
        """
        while not stop.is_set():
            replaced = self.serving, self.shadow
            self.look()
            stop.wait(self.poll_seconds)
            del replaced

    def look(self) -> None:
        """Read what is declared, and swap where something else can serve now."""
        behind: dict[str, str] = {}
        try:
            self.serving = self._declared(behind) or self.serving
        except Exception as error:  # noqa: BLE001  the registry is away: what serves goes on
            behind["champion"] = str(error)
        try:
            self.shadow = self._candidate(behind)
        except Exception as error:  # noqa: BLE001  as above
            behind["shadow"] = str(error)
        for role in ("champion", "treatment", "shadow"):
            _IN_STEP.labels(self.model, role).set(role not in behind)
            if behind.get(role) not in (None, self.behind.get(role)):
                _log.warning("%s of `%s`: %s", role, self.model, behind[role])
        self.behind = behind

    def _declared(self, behind: dict[str, str]) -> Serving | None:
        declared = self._named(self.follow)
        treatments = self._treatments(declared)
        _READ.labels(self.model).set_to_current_time()
        champion = self._obtain("champion", declared, behind)
        if champion is None:
            return None
        versions, shares = {champion.number: champion}, {champion.number: 1.0}
        for treatment, part in treatments:
            # What cannot be loaded gets nothing: its part stays with the champion.
            if version := self._obtain("treatment", treatment, behind, champion):
                versions[version.number], shares[version.number] = version, part
                shares[champion.number] = max(0.0, shares[champion.number] - part)
        return Serving(champion, versions, shares)

    def _candidate(self, behind: dict[str, str]) -> Version | None:
        if self.candidate is None:
            return None
        try:
            declared = self._named(self.candidate)
        except LookupError as error:  # there is no candidate now
            behind["shadow"] = str(error)
            return None
        return self._obtain("shadow", declared, behind) or self.shadow

    def _named(self, rule: str) -> ModelVersion:
        """Ask which version a setting means: one request, which also tells its tags."""
        kind, _, value = rule.partition(":")
        try:
            return self._ask[kind](self.model, value)
        except (IndexError, MlflowException) as error:
            if isinstance(error, IndexError) or error.error_code in _NOT_THERE:
                raise LookupError(f"`{rule}` names no version of `{self.model}`") from error
            raise

    def _treatments(self, champion: ModelVersion) -> list[tuple[ModelVersion, float]]:
        """Return the other versions of an A/B test, from the tags that `apply` writes."""
        if self.follow.startswith("pinned:") or "ab_test_traffic" not in champion.tags:
            return []
        rule = f"name = '{self.model}' and tags.ab_test_role = 'treatment'"
        found = self._search(rule)
        parts = [(each, float(each.tags.get("ab_test_traffic", 0))) for each in found]
        return [(each, p) for each, p in parts if 0 < p <= 1 and each.version != champion.version]

    def _obtain(
        self,
        role: str,
        declared: ModelVersion,
        behind: dict[str, str],
        beside: Version | None = None,
    ) -> Version | None:
        """Return a version that is loaded, or that loads now; else tell why in `behind`."""
        which = declared.version, declared.creation_timestamp  # a number can be used again
        if version := self._loaded.get(which):
            return version
        pausing = role, *which
        due, pause, why = self._pauses.get(pausing, (0.0, self.poll_seconds, ""))
        if time.monotonic() >= due:
            if beside is None and self.serving is not None:
                beside = self.serving.champion
            try:
                version = load(self.model, declared.version, beside, self.digests)
            except (Exception, SystemExit) as error:  # noqa: BLE001  whatever its code raises
                _FAILURES.labels(self.model, declared.version, role).inc()
                why = f"version {declared.version}: {error}"
                longer = min(2 * pause, _LONGEST_PAUSE * self.poll_seconds)
                self._pauses[pausing] = time.monotonic() + pause, longer, why
            else:
                self._loaded[which] = version
                _log.info("version %s of `%s` is loaded", version.number, self.model)
                return version
        behind[role] = why
        return None
