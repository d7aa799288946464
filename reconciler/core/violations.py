"""Violations of guards and policies, and the consent that allows them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reconciler.errors import ExitCode, Problem

Enforce: TypeAlias = Literal["deny", "warn"]


@dataclass(frozen=True, slots=True)
class Consent:
    """`--accept NAME[=MODEL]`: consent to violate one rule, by one model where it is named."""

    guard: str
    model: str | None = None

    def __str__(self) -> str:
        return self.guard if self.model is None else f"{self.guard}={self.model}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that the plan breaks; it denies the plan unless it is accepted or only warns.

    >>> [violation.name for violation in r.plan().violations]
    []
    """

    name: str
    model: str | None
    message: str
    hint: str
    accepted: bool = False
    enforce: Enforce = "deny"

    @property
    def denies(self) -> bool:
        """Return whether it forbids every write of the plan."""
        return self.enforce == "deny" and not self.accepted

    @property
    def problem(self) -> Problem:
        """The violation as a problem of an error."""
        message = f"{self.name}: {self.message}"
        return Problem(message, ExitCode.REFUSED, model=self.model, hint=self.hint)

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """Order by rule, model and message."""
        return (self.name, self.model or "", self.message)


def with_consent(violation: Violation, consents: Collection[Consent]) -> Violation:
    """Return the violation, accepted when a consent names its rule and model."""
    accepted = Consent(violation.name, violation.model) in consents
    return replace(violation, accepted=violation.accepted or accepted)
