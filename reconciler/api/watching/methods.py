"""The methods of `Reconciler` that watch what is measured of versions that serve."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.answers import timed
from reconciler.core.matching import as_names

if TYPE_CHECKING:
    from reconciler.api.caller import Needs
    from reconciler.api.watching.answers import Replay, Watched
    from reconciler.api.workspace import Workspace


class WatchingMethods(ABC):
    """What `Reconciler` sees of versions that serve; it never writes to the registry.

    Each method imports what it calls: a plan must not wait for what measures.
    """

    def watch(
        self,
        models: Collection[str] | None = None,
        *,
        dry_run: bool = False,
        fetch_notes: str | None = None,
        now: datetime | None = None,
        on_watched: Callable[[Watched], object] | None = None,
    ) -> Watched:
        """Look once at every model that has a rule in `watch:`, and propose the way back.

        `models` are globs; without them all are looked at. What is measured is added to what the
        git notes remember. In a CI job the notes come from the remote and go back there, and for a
        model that failed a pull request is opened, or the open one gets a comment; elsewhere the
        answer has the command to type. `fetch_notes` names a remote whose notes are fetched first.
        With `dry_run` nothing else is written, and what is not merged can be tried. `now` is the
        time of the look. `on_watched` gets the answer before a job's outputs are written.

        Raises `UsageError` for a glob without a match, `DeclarationError` where no model has a
        rule, `Refused` for files that are not committed, `OutOfStep` off the main line or behind
        it, `RegistryError` where the registry cannot be read.

        >>> r.watch(["nosuch"])
        Traceback (most recent call last):
        reconciler.errors.UsageError: `nosuch` matches no model
        """
        from reconciler.api.ci.job import Job  # noqa: PLC0415  as the class says
        from reconciler.api.watching.watch import WatchRequest, watch  # noqa: PLC0415  as the class says

        asked = WatchRequest(None if models is None else as_names(models), fetch_notes, now)
        with self._workspace() as workspace:
            return watch(Job(workspace, dry_run), asked, on_watched or _ignore)

    def replay(
        self, series: str | Path, models: Collection[str] | None = None, *, rule: str | None = None
    ) -> Replay:
        """Return what the rules of a model say of a recorded series; asks nothing of any server.

        `series` is a file: CSV or JSON lines with `time` and `value`, and if they are known
        `samples` and `version`. `models` are globs that match one declared model, or only one has
        rules. `rule` is the name of one of them; without it each rule sees the series.

        Raises `UsageError` for a file that cannot be read, for several models, and for a rule that
        does not exist.

        >>> r.replay("errors.csv", ["fraud"])
        Traceback (most recent call last):
        reconciler.errors.UsageError: no model has a rule in `watch:`
        """
        from reconciler.api.watching.replaying import replayed  # noqa: PLC0415  as the class says

        with self._workspace() as workspace:
            chosen = None if models is None else as_names(models)
            return timed(replayed(workspace, Path(series), chosen, rule), workspace.started)

    @abstractmethod
    def _workspace(self, *, needs: Needs = "all", timeout: float = 60.0) -> Workspace: ...


def _ignore(_: object) -> None:
    """Do nothing with what a caller did not ask for."""
