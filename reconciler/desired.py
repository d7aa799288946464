"""What a checkout declares: the rules of its state folder and its models."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.rules import Rules
from reconciler.state import Declaration


@dataclass(frozen=True, slots=True)
class Desired:
    """A state folder, loaded and found valid; `declarations` are sorted by model name.

    `folder` is shown to people and names files in messages; `warnings` do not stop anything.
    """

    folder: str
    rules: Rules
    declarations: Mapping[str, Declaration]
    warnings: tuple[Problem, ...] = ()
