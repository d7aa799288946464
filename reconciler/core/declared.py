"""What a checkout declares: the rules of its state folder and its models."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import Problem


@dataclass(frozen=True, slots=True)
class DeclaredState:
    """A state folder, loaded and found valid; `declarations` are sorted by model name.

    `folder` is shown to people and names files in messages; `warnings` do not stop anything.
    """

    folder: str
    settings: Settings
    declarations: Mapping[str, Declaration]
    warnings: tuple[Problem, ...] = ()
