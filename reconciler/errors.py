"""The one tree of expected failures: each carries its exit code and what to do.

ReconcilerError
├── UsageError              1  the command line is wrong
├── DeclarationError        3  the declared state is wrong: fix the file
├── Refused                 4  understood and refused
├── OutOfStep               5  git or the registry is not where this run needs it
└── RegistryError           6  the registry could not be read or understood, or refused us
    ├── Unavailable            nothing was executed; sending again is safe
    ├── AnswerLost             it may have been executed; read before sending again
    └── Rejected               the server understood and said no; never sent again
        ├── NotFound
        ├── Conflict           a unique violation: somebody wrote the same row first
        └── Forbidden

Anything else that reaches the top is a bug and keeps its traceback.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """One per remedy, the same for every output format."""

    OK = 0
    USAGE = 1
    CHANGES = 2
    DECLARATION = 3
    REFUSED = 4
    OUT_OF_STEP = 5
    REGISTRY = 6
    PARTIAL = 7


class Contrast(NamedTuple):
    """One value as it was approved, beside what it is or would become now."""

    value: str
    approved: str
    now: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint: what is wrong, where, and what to do; `code` says which remedy it needs.

    `contrasts` are the values that it is about, where they are not what was approved.
    """

    message: str
    code: ExitCode
    file: str | None = None
    line: int | None = None
    column: int | None = None
    model: str | None = None
    hint: str | None = None
    contrasts: tuple[Contrast, ...] = ()

    @property
    def where(self) -> str:
        """The position as `path:line:column`, as far as it is known; empty when it is not."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Orders by file, line and column, then by model and message."""
        return (self.file or "", self.line or 0, self.column or 0, self.model or "", self.message)


# Of several reasons the one whose remedy comes first: see who you are talking to, then the files,
# then consent, then step.
_PRECEDENCE = (
    ExitCode.REGISTRY,
    ExitCode.DECLARATION,
    ExitCode.REFUSED,
    ExitCode.OUT_OF_STEP,
)


def first_code(codes: Sequence[ExitCode]) -> ExitCode:
    """Return the code that decides the exit when several apply; OK when there is none."""
    return next((code for code in _PRECEDENCE if code in codes), ExitCode.OK)


class ReconcilerError(Exception):
    """An expected failure: it is shown as its message and hint, never as a traceback."""

    code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, for the `errors` of the JSON document."""
        return (Problem(self.message, self.code, hint=self.hint),)


class UsageError(ReconcilerError):
    """The command line cannot be carried out as it was typed."""


class DeclarationError(ReconcilerError):
    """The declared state is wrong; carries every complaint about it."""

    code = ExitCode.DECLARATION

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the declared state")
        self._problems = tuple(sorted(problems, key=lambda problem: problem.sort_key))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every complaint, sorted by place."""
        return self._problems


class Refused(ReconcilerError):
    """What was asked is understood and not done; `problems` has every reason."""

    code = ExitCode.REFUSED

    def __init__(
        self, message: str, *, hint: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every reason."""
        return self._problems or super().problems


class OutOfStep(ReconcilerError):
    """Git or the registry is not where this run needs it."""

    code = ExitCode.OUT_OF_STEP


class RegistryError(ReconcilerError):
    """The registry could not be read or understood, or refused us."""

    code = ExitCode.REGISTRY


class Unavailable(RegistryError):
    """The request was not executed; `retry_after` is what the server asked for, in seconds."""

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class AnswerLost(RegistryError):
    """The request may or may not have been executed: timeout, reset, 502, 504."""


class Rejected(RegistryError):
    """The server understood the request and said no; the message is its own."""


class NotFound(Rejected):
    """The model, version or endpoint does not exist."""


class Conflict(Rejected):
    """A unique violation: two writers raced on a first alias or a first tag."""


class Forbidden(Rejected):
    """These credentials may not do this (401 or 403)."""
