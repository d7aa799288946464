"""What a step changes: settings, declarations, what it cannot decide and what forbids it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import Problem
from reconciler.files.editing.settings_editor import SettingsEdit

BRIDGE: Final = "bridge"
SERVE_BY_ALIAS: Final = "serve-by-alias"
DROP_STAGES: Final = "drop-stages"
CLEAR: Final = "clear"
STEPS: Final = (BRIDGE, SERVE_BY_ALIAS, DROP_STAGES)


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """The settings after a step, the edits of their file, and a sentence for each."""

    after: Settings
    edits: tuple[SettingsEdit, ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepEdits:
    """A step, before anything is written; with `refusals` nothing is.

    `changes` are declarations before and after, as their files write them. `notes` say what the
    step leaves as it is. `nothing` is why there is nothing to do, where that is so.
    """

    name: str
    title: str
    settings: SettingsChange
    changes: tuple[tuple[Declaration, Declaration], ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[Problem, ...] = ()
    nothing: str = ""


def changed(
    pairs: Sequence[tuple[Declaration, Declaration]],
) -> tuple[tuple[Declaration, Declaration], ...]:
    """Return the declarations that a step changes."""
    return tuple((before, after) for before, after in pairs if before != after)


def nothing_left(name: str, settings: Settings, why: str) -> StepEdits:
    """Return a step that has nothing to do, and why."""
    return StepEdits(name, "", SettingsChange(settings), nothing=why)
