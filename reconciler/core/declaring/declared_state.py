"""A loaded state folder: its settings and the models it declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import Problem


@dataclass(frozen=True, slots=True)
class DeclaredState:
    """A valid state folder; `declarations` are sorted by model name.

    `folder` is its path as messages show it; `warnings` do not stop a run. `ids` has what
    identifies the content of a model's file, where the loader was told how to identify it.
    """

    folder: str
    settings: Settings
    declarations: Mapping[str, Declaration]
    warnings: tuple[Problem, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict, compare=False)
