"""What a command works with: the declared state, the repository around it, the registry."""

import os
import sys
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

from reconciler import connect, git_repo, past, yaml_files
from reconciler.cli.options import Options
from reconciler.desired import Desired
from reconciler.errors import OutOfStep, UsageError
from reconciler.names import select
from reconciler.plan import RegistryRef, StateRef
from reconciler.reconcile import Checkout, Question, Reading, reconcile
from reconciler.registry import Registry
from reconciler.settings import is_late_job, registry_ref, registry_uri
from reconciler.state_folder import find_state_folder


class Session:
    """Loads each thing when it is first asked for, once."""

    def __init__(self, options: Options, *, timeout: float = 60.0) -> None:
        self.options = options
        self.timeout = timeout
        self.environ: Mapping[str, str] = os.environ
        self.fallback_uri: str | None = None

    @cached_property
    def repo(self) -> git_repo.GitRepo | None:
        """The repository around the working directory, None outside of one."""
        return git_repo.open_checkout(self._start)

    @cached_property
    def folder(self) -> Path:
        """The state folder; raises `UsageError` when there is none."""
        root = self.repo.root if self.repo else None
        return find_state_folder(self.options.state, Path.cwd(), root)

    @cached_property
    def shown(self) -> str:
        """The state folder as messages and records name it: from the repository's root."""
        if self.repo is None:
            return self.options.state
        return self.folder.resolve().relative_to(self.repo.root.resolve()).as_posix()

    @cached_property
    def desired(self) -> Desired:
        """What the checkout declares; raises `DeclarationError` with every complaint."""
        return yaml_files.load(self.folder, self.shown)
