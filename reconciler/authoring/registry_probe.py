"""What the registry adds to an edit: whether a version is there, and what pins it."""

from collections.abc import Callable

from reconciler.authoring.promotion import NO_PINS, alone
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Live
from reconciler.errors import Problem, RegistryError, UsageError
from reconciler.files.from_live import declaration_of
from reconciler.planning import preconditions
from reconciler.planning.live_state import read_live
from reconciler.ports.registry import Registry
from reconciler.render.escape import visible


class RegistryProbe:
    """Best-effort registry read: a failure is reported once and does not stop the command.

    `live` is the model, None where it could not be read. `connect` returns the registry, or raises
    `Refused` for another one than the pinned one. Where an answer is `required`, a failure is
    raised instead.
    """

    def __init__(
        self,
        connect: Callable[[], Registry],
        model: str,
        versions: tuple[int, ...],
        warn: Callable[[str], None],
        *,
        required: bool = False,
    ) -> None:
        self.live: Live | None = None
        self.is_missing = False
        try:
            self._read(connect(), model, versions)
        except (UsageError, RegistryError) as error:
            if required:
                raise
            warn(f"not checked against a registry: {visible(error.message)}")

    def problems(self, after: Declaration, version: int) -> tuple[Problem, ...]:
        """Return what keeps a version from being what a declaration says of it."""
        if self.live is None and not self.is_missing:
            return ()
        return preconditions.problems(alone(after, version), self.live, names=())

    def pins(self, version: int, settings: Settings) -> DeclaredVersion:
        """Return what tells the live version from another one under its number."""
        return NO_PINS if self.live is None else pins_of(self.live, version, settings)

    def _read(self, registry: Registry, model: str, versions: tuple[int, ...]) -> None:
        needed = {model: versions}
        found, problems = read_live(registry, needed, everything=False, parallelism=1)
        live = found.get(model)
        if model in problems:
            raise RegistryError(problems[model].message)
        if live is not None and live.unreadable is not None:
            raise RegistryError(f"the versions cannot be listed: {live.unreadable}")
        self.live, self.is_missing = live, live is None


def pins_of(live: Live, version: int, settings: Settings) -> DeclaredVersion:
    """Return what tells a live version from another one under its number."""
    found = declaration_of(live, settings, every_version=False, besides=(version,)).declaration
    return found.versions.get(version, NO_PINS) if found else NO_PINS
