"""What the API works with: the declared state, the repository around it, the registry."""

import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

from typing_extensions import Self

from reconciler.api.artifacts.reading_progress import read_and_tell
from reconciler.api.caller import Caller, Needs
from reconciler.api.merged.merged_pin import HELD, merged_pin
from reconciler.apply.executor import Stop, no_stop
from reconciler.core.artifacts.model_files import ModelFiles
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import RegistryRef, StateRef
from reconciler.core.settings import RegistryPin, Settings
from reconciler.core.uris import is_http
from reconciler.errors import OutOfStep, Problem, ReconcilerError, UsageError
from reconciler.files import loader
from reconciler.files.loader import ReadSettings
from reconciler.files.shared_name import require_own_models
from reconciler.files.state_folder import SETTINGS_FILE, contents, others_beside
from reconciler.planning.live_state import Listing
from reconciler.planning.planner import Checkout
from reconciler.ports.parallel import begun
from reconciler.ports.registry import Registry
from reconciler.registries.connect import connect
from reconciler.registries.registry_uri import (
    RegistryAddress,
    is_late_job,
    named_registry,
    registry_address,
    registry_environ,
    registry_ref,
)
from reconciler.render import phrases
from reconciler.repository.declared_history import Parsers, Past
from reconciler.repository.locate import find_state_folder, repository_root
from reconciler.repository.objects import blob_id
from reconciler.repository.place import Place
from reconciler.repository.repository import GitRepo, open_checkout

_SHORTEST = 1.0  # seconds for the requests about one model

PARSERS = Parsers(loader.parse_declaration, loader.parse_settings)


class Workspace:
    """Loads each part when it is first asked for, once.

    `needs` says what has to be declared. `timeout` is in seconds, for the requests about one
    model. `base_ref` names a commit whose settings also judge the plan. `planned_for` is the
    registry of a saved plan, used where no other one is named.
    """

    def __init__(
        self,
        caller: Caller,
        state: str,
        registry_uri: str | None = None,
        *,
        needs: Needs = "all",
        timeout: float = 60.0,
        base_ref: str | None = None,
        planned_for: RegistryRef | None = None,
        stop: Stop | None = None,
    ) -> None:
        self.caller = caller
        self.environ = caller.environ
        self.warn = caller.warn
        self.state = state
        if timeout < _SHORTEST:
            raise UsageError(f"timeout is at least {_SHORTEST:g} s, not {timeout:g}")
        self.timeout = timeout
        self.base_ref = base_ref
        self.stop = stop or no_stop()
        self._registry_uri = registry_uri
        self._needs = needs
        self._planned_for = planned_for
        self.started = time.monotonic()
        self._derived: list[Workspace] = []
        self._read_settings: ReadSettings | None = None
        self._listing: Listing | None = None

    def judged_from(self, base_ref: str | None) -> Self:
        """Return a workspace of the same checkout whose plans are also judged by `base_ref`."""
        other = type(self)(
            self.caller,
            self.state,
            self._registry_uri,
            needs=self._needs,
            timeout=self.timeout,
            base_ref=base_ref,
            planned_for=self._planned_for,
            stop=self.stop,
        )
        other.started = self.started
        shared = ("_around", "folder", "repo")
        vars(other).update({part: vars(self)[part] for part in shared if part in vars(self)})
        self._derived.append(other)
        return other

    def declaring(self, desired: DeclaredState) -> Self:
        """Return a workspace of the same checkout and registry that declares something else."""
        other = self.judged_from(self.base_ref)
        shared = {"_address": self._address, "pin": self.pin, "registry": self.registry}
        vars(other).update({**shared, "desired": desired})
        return other

    def warn_after_writing(self, sentence: str) -> None:
        """Warn where an exception must not cost the caller the report of what was written."""
        with suppress(Exception):
            self.warn(sentence)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End git's process and the registry's connections; a later question starts them again."""
        for name in ("repo", "_around", "registry"):
            part = vars(self).get(name)
            if part is not None:
                part.close()
        for workspace in self._derived:
            workspace.__exit__()

    @cached_property
    def repo(self) -> GitRepo | None:
        """The repository that the state folder is in, None outside of one."""
        around = self._around
        if around is not None and repository_root(self.folder.resolve()) == around.root.resolve():
            return around
        return open_checkout(self.folder, self.environ)

    @cached_property
    def _around(self) -> GitRepo | None:
        return open_checkout(self.caller.root, self.environ)

    @cached_property
    def folder(self) -> Path:
        """The state folder; raises `UsageError` when there is none, unless it may be missing."""
        root = self._around.root if self._around else None
        try:
            return find_state_folder(self.state, self.caller.root, root)
        except UsageError:
            new = (root or self.caller.root) / self.state
            if self._may_be_empty and not new.exists():
                return new
            with suppress(UsageError):  # a folder outside of the repository
                if self._around is not None:
                    self._around.require_whole(new)
            raise

    @property
    def missing_folder(self) -> UsageError | None:
        """Why there is no state folder, None where there is one."""
        root = self._around.root if self._around else None
        try:
            find_state_folder(self.state, self.caller.root, root)
        except UsageError as error:
            return error
        return None

    @cached_property
    def shown(self) -> str:
        """The state folder as messages and records name it: relative to the repository's root."""
        return self.repo.path_of(self.folder) if self.repo else self.state

    @cached_property
    def desired(self) -> DeclaredState:
        """What the checkout declares; raises `DeclarationError` with every complaint."""
        if self.repo is not None:
            self.repo.require_whole(self.folder)
        if self._needs == "settings" or (self._may_be_empty and self._is_empty):
            return DeclaredState(self.shown, self._settings_alone(), {})
        head = self.repo.head if self.repo else None
        desired = loader.load_contents(
            contents(str(self.folder), self.shown),
            self.shown,
            others=() if self._needs == "pins" else self.others,
            read=self._read_settings,
            identify=partial(blob_id, like=head) if head else None,
        )
        require_own_models(self.folder, desired, self.others)
        return desired

    @property
    def settings(self) -> Settings:
        """The settings of the checkout; raises `DeclarationError` with every complaint.

        Where the registry is read ahead they are known before the models' files.
        """
        if "desired" not in vars(self) and self._read_settings and self._read_settings.settings:
            return self._read_settings.settings
        return self.desired.settings

    def read_ahead(self) -> None:
        """Begin to list the registry, before the models' files are read.

        For what only reads, and all of the registry: where a file is wrong the answer is thrown
        away, and nobody waits for it. What fails here fails again in its turn.
        """
        with suppress(ReconcilerError):
            if self.repo is not None:
                self.repo.require_whole(self.folder)
            self._read_settings = loader.read_settings(contents(str(self.folder), self.shown))
            # MLflow's client is not for several threads at once.
            if self._read_settings.settings is not None and is_http(self._address.uri):
                self._listing = begun(self.registry.read)

    @property
    def listing(self) -> Listing | None:
        """The listing that was begun; git is read while the registry is still at it."""
        if self._listing is not None and self.history is not None:
            self.history.read_ahead()
        return self._listing

    @property
    def others(self) -> tuple[str, ...]:
        """The other states that lie beside this one in the repository."""
        return others_beside(self.folder, self.repo.root if self.repo else None)

    @property
    def _may_be_empty(self) -> bool:
        return self._needs != "all"

    @property
    def _is_empty(self) -> bool:
        """Return whether the state folder has no model yet, and no file that does not belong."""
        if not self.folder.exists():
            return True
        found = contents(str(self.folder), self.shown)
        return not (found.models or found.problems)

    def _settings_alone(self) -> Settings:
        settings = self.folder / SETTINGS_FILE
        if not settings.exists():
            return Settings()
        return loader.parse_settings(settings.read_bytes(), f"{self.shown}/{SETTINGS_FILE}")

    def warn_of(self, problems: Iterable[Problem]) -> None:
        """Tell the caller of problems that do not end the run."""
        for sentence in phrases.complaints(problems):
            self.warn(sentence)

    @cached_property
    def history(self) -> Past | None:
        """The history of the checkout, None without a repository or a first commit."""
        if self.repo is None or self.repo.head is None:
            return None
        place = Place(self.shown, self.settings, lambda: self.desired)
        main = self.main_line[1] if self.main_line else None
        self.complete_history(*filter(None, (self.repo.head, main)))
        return Past(self.repo, PARSERS, place, head=self.repo.head, main=main)

    def complete_history(self, *tips: str) -> None:
        """Fetch at once what a partial clone lacks of the folder's history up to some commits."""
        told = self.repo.complete(self.shown, *tips) if self.repo else None
        if told:
            self.warn(told)

    @property
    def missing_history(self) -> str | None:
        """Why there is no history, None where there is one."""
        if self.history is not None:
            return None
        return "there is no commit yet" if self.repo else "this is not a git repository"

    @cached_property
    def main_line(self) -> tuple[str, str] | None:
        """The main line's name and tip, None where it is not known."""
        return self.repo.main_line(self.settings.branch) if self.repo else None

    @cached_property
    def dirty(self) -> tuple[str, ...]:
        """The model files that are not as the commit has them."""
        return self.repo.dirty(self.folder) if self.repo else ()

    @cached_property
    def owner(self) -> str:
        """The name under which this state folder manages models."""
        pin = self.settings.registry
        return (pin.name if pin else None) or self.shown

    @cached_property
    def checkout(self) -> Checkout:
        """What plans are made from."""
        commit = self.repo.head if self.repo else None
        state = StateRef(self.shown, commit, self.dirty)
        return Checkout(
            self.desired,
            state,
            self.owner,
            self.history,
            base_settings=self.base_settings,
            base_commit=self.base_commit,
        )

    @cached_property
    def base_commit(self) -> str | None:
        """The tip of `base_ref`, None where none is named; raises as `base_settings`."""
        if self.base_ref is None:
            return None
        if self.repo is None or self.history is None:
            raise OutOfStep("--rules-from reads a commit, and there is none", hint="git commit")
        return self.repo.resolve(self.base_ref)

    @cached_property
    def base_settings(self) -> Settings | None:
        """The settings at the tip of `base_ref`; None where none is named, or it has no folder.

        Raises `UsageError` for a name that is not a commit, `OutOfStep` without a history.
        """
        if self.base_commit is None or self.history is None:
            return None
        return self.history.settings(self.base_commit, self.owner)

    @cached_property
    def pin(self) -> RegistryPin | None:
        """The registry that this run may talk to: a new pin counts once it is on the main line."""
        if self.repo is None or self.history is None:
            return self.settings.registry
        held = merged_pin(self.repo, self.history, self.owner, self.settings, self.base_settings)
        if held != self.settings.registry:
            self.warn(HELD)
        return held

    @cached_property
    def settings_one_commit_ago(self) -> Settings | None:
        """The settings before the commit that is checked out, None where there were none."""
        if self.repo is None or self.repo.head is None or self.history is None:
            return None
        return self.history.earlier_settings(self.repo.head, self.owner)

    @cached_property
    def _address(self) -> RegistryAddress:
        """Where the registry is, credentials included.

        Raises `UsageError` where none is named, `Refused` for another one than is pinned.
        """
        named, fallback = (self._registry_uri, self.environ, self.pin), self._planned_for
        return registry_address(*named, root=self.caller.root, fallback=fallback)

    @property
    def named(self) -> RegistryAddress | None:
        """The registry that is named anywhere, as it is named; None for none."""
        return named_registry(self._registry_uri, self.environ, self.desired.settings.registry)

    @cached_property
    def registry(self) -> Registry:
        """The live registry."""
        environ = registry_environ(self.environ, self._address, self.caller.root)
        uri, stop = self._address.uri, self.stop.event
        return connect(uri, environ, timeout=self.timeout, stop=stop, warn=self.warn)

    def read_bytes(self, model: str, version: int) -> ModelFiles:
        """Read every file of a version, and tell the caller how far that is."""
        artifacts = self.registry.artifacts(model, version)
        return read_and_tell(artifacts, model, version, self.caller.on_reading)

    @property
    def requests(self) -> int:
        """How many requests the registry was sent."""
        return self.registry.requests if "registry" in vars(self) else 0

    @cached_property
    def ref(self) -> RegistryRef:
        """How plans name the registry."""
        return registry_ref(self._address, self.pin, self.caller.root)

    @property
    def allow_superseded(self) -> bool:
        """Whether a superseded run may be a job that a newer one overtook."""
        return is_late_job(self.environ, terminal=self.caller.is_interactive)

    def is_superseded_by(self, commit: str, than: str | None) -> bool:
        """Return whether a commit that another run recorded contains `than`, and is not it."""
        if self.history is None or than is None or commit == than:
            return False
        try:
            return self.history.is_ancestor(than, commit)
        except OutOfStep:
            return False  # git cannot tell, and the run that asks must not end with it
