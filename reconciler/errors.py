"""Expected failures as one tree of exceptions; each carries its exit code and a hint.

ReconcilerError
├── UsageError              1  the command line is wrong
├── DeclarationError        3  the declared state is wrong: fix the file
├── Refused                 4  a rule forbids it, or consent is missing
├── OutOfStep               5  git or the registry changed, or lacks what this run needs
├── ForgeError              6  the forge could not be read, or refused the request
└── RegistryError           6  the registry could not be read, or refused the request
    ├── Unavailable            the request was not executed; sending it again is safe
    ├── AnswerLost             the request may have been executed; read before sending again
    └── Rejected               the server refused the request; it is not sent again
        ├── NotFound
        ├── Conflict           a unique violation: another writer created the row first
        └── Forbidden

Any other exception that reaches the top is a bug and keeps its traceback.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """Exit codes: one per remedy, the same for every output format.

    >>> int(reconciler.ExitCode.REFUSED)
    4
    """

    OK = 0
    USAGE = 1
    CHANGES = 2
    DECLARATION = 3
    REFUSED = 4
    OUT_OF_STEP = 5
    REGISTRY = 6
    PARTIAL = 7


class Contrast(NamedTuple):
    """A value as it was approved, and as it is or would become now."""

    value: str
    approved: str
    now: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: what is wrong, where, and what to do about it.

    `code` is the exit code for its remedy; `line` and `column` count from 1. `contrasts` are the
    values that differ from what was approved.

    >>> reconciler.Problem("wrong", reconciler.ExitCode.DECLARATION, file="m.yaml", line=1).where
    'm.yaml:1'
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
        """The position as `path:line:column`, without the parts that are not known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by file, line and column, then by model and message."""
        return (self.file or "", self.line or 0, self.column or 0, self.model or "", self.message)


# The remedies in the order in which a user needs them: reach the registry, correct the files, give
# consent, then synchronise.
_PRECEDENCE = (
    ExitCode.REGISTRY,
    ExitCode.DECLARATION,
    ExitCode.REFUSED,
    ExitCode.OUT_OF_STEP,
)


def first_code(codes: Sequence[ExitCode]) -> ExitCode:
    """Return the code with the highest precedence; OK when `codes` is empty."""
    return next((code for code in _PRECEDENCE if code in codes), ExitCode.OK)


class ReconcilerError(Exception):
    """An expected failure, shown as its message and hint without a traceback.

    >>> try:
    ...     r.status("frud")
    ... except reconciler.ReconcilerError as error:
    ...     error.problems[0].hint
    'did you mean `fraud`?'
    """

    code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(
        self, message: str, *, hint: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self._problems = tuple(problems)

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error travel between processes, whatever its class was made from."""
        return _restored, (type(self), self.args, vars(self))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem, for the `errors` of the JSON document."""
        return self._problems or (Problem(self.message, self.code, hint=self.hint),)


def _restored(
    kind: type[ReconcilerError], args: tuple[object, ...], state: dict[str, object]
) -> ReconcilerError:
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error


class UsageError(ReconcilerError):
    """An argument, or the command line, cannot be meant as it is.

    >>> r.plan(models=["none"])
    Traceback (most recent call last):
    reconciler.errors.UsageError: `none` matches no model
    """


class DeclarationError(ReconcilerError):
    """The declared state is wrong; `problems` has every problem in it.

    >>> int(reconciler.DeclarationError.code)
    3
    """

    code = ExitCode.DECLARATION

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        by_place = sorted(problems, key=lambda problem: problem.sort_key)
        message = f"{count} problem{'s' if count != 1 else ''} in the declared state"
        super().__init__(message, problems=by_place)


def without_places(error: DeclarationError) -> DeclarationError:
    """Return an error without lines: nobody has the text of an edit that is not written."""
    return DeclarationError([replace(p, line=None, column=None) for p in error.problems])


class Refused(ReconcilerError):
    """The request is valid but refused; `problems` has every reason.

    >>> int(reconciler.Refused.code)
    4
    """

    code = ExitCode.REFUSED


class OutOfStep(ReconcilerError):
    """Git or the registry changed, or lacks what this run needs.

    >>> r.apply(expect="sha256:0")
    Traceback (most recent call last):
    reconciler.errors.OutOfStep: this plan is sha256:..., not sha256:0
    """

    code = ExitCode.OUT_OF_STEP


class ForgeError(ReconcilerError):
    """The forge could not be read, or refused the request.

    >>> int(reconciler.ForgeError.code)
    6
    """

    # The remedy is that of a registry error: check the address and the credentials.
    code = ExitCode.REGISTRY


class RegistryError(ReconcilerError):
    """The registry could not be read, or refused the request.

    >>> int(reconciler.RegistryError.code)
    6
    """

    code = ExitCode.REGISTRY


class Unavailable(RegistryError):
    """The request was not executed; `retry_after` is the pause the server asked for, in seconds."""

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class AnswerLost(RegistryError):
    """The request may or may not have been executed: timeout, reset, 502, 504."""


class Rejected(RegistryError):
    """The server refused the request; the message is the server's own."""


class NotFound(Rejected):
    """The model, version or endpoint does not exist."""


class Conflict(Rejected):
    """A unique violation: two writers created the same alias or tag at once."""


class Forbidden(Rejected):
    """These credentials may not do this; `is_known`: the registry knows whose they are."""

    def __init__(self, message: str, *, hint: str | None = None, is_known: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.is_known = is_known
