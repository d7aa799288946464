"""What a plan must not do, and the consent that lets it: the values that guards and policies share.

A violation says its numbers and the way out; consent names one rule, and where it can the model.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reconciler.errors import ExitCode, Problem

Enforce: TypeAlias = Literal["deny", "warn"]


@dataclass(frozen=True, slots=True)
class Consent:
    """`--accept NAME[=MODEL]`: the named rule may be violated, by that model alone if named."""

    guard: str
    model: str | None = None

    def __str__(self) -> str:
        return self.guard if self.model is None else f"{self.guard}={self.model}"


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that the plan breaks; an accepted one, or one that only warns, does not deny."""

    name: str
    model: str | None
    message: str
    hint: str
    accepted: bool = False
    enforce: Enforce = "deny"

    @property
    def denies(self) -> bool:
        """Return whether nothing may be written because of it."""
        return self.enforce == "deny" and not self.accepted

    @property
    def problem(self) -> Problem:
        """The violation as a complaint that an error carries."""
        message = f"{self.name}: {self.message}"
        return Problem(message, ExitCode.REFUSED, model=self.model, hint=self.hint)

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """Orders by rule, model and message."""
        return (self.name, self.model or "", self.message)


def with_consent(violation: Violation, consents: Collection[Consent]) -> Violation:
    """Return the violation, accepted when a consent names exactly it."""
    accepted = Consent(violation.name, violation.model) in consents
    return replace(violation, accepted=violation.accepted or accepted)
