"""What a program hands in, and what it needs: the rest is found by the workspace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from reconciler.ports.artifacts import BytesProgress

# What has to be declared: "all" that the checkout is to hold, every serving version pinned where
# that is asked for; "anything" may be missing; "pins" are what the caller fills in; of "settings"
# alone nothing else is read, so that a mistake in a model's file does not matter.
Needs: TypeAlias = Literal["all", "anything", "pins", "settings"]


@dataclass(frozen=True, slots=True)
class Caller:
    """What the calling program hands in, because this package reads nothing of it by itself.

    `root` is the folder that the state folder is looked up from. `warn` gets each sentence that
    the command line prints to stderr. `is_interactive` says that a person waits for the answer:
    a run that a newer commit superseded is then an error. `on_reading` is told how far the reading
    of a version's bytes is.
    """

    root: Path
    environ: Mapping[str, str]
    warn: Callable[[str], None]
    is_interactive: bool = False
    is_verbose: bool = False
    on_reading: Callable[[BytesProgress], None] = lambda _: None
