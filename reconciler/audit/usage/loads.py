"""A place in source code that loads a model, and what an access log saw of one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

LoadForm: TypeAlias = Literal["uri", "call"]


@dataclass(frozen=True, slots=True)
class Load:
    """A place in a source file that loads a model.

    `form` is `uri` for a `models:/…` text and `call` for a call of MLflow's client. `model` and
    `loads` (`@ALIAS`, a stage, a number, or `latest`) are None where they are known only when the
    program runs; then `why` says why. `text` is the source that says it: for a `uri` the URI alone,
    which begins at `line` and `column` (both from 1) and, where `is_literal`, stands there
    character for character, so that it can be replaced. `cell` is the number of a notebook's cell,
    from 1.
    """

    file: str
    line: int
    column: int
    form: LoadForm
    text: str
    model: str | None = None
    loads: str | None = None
    why: str | None = None
    is_literal: bool = False
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class SeenLoad:
    """What an access log has of one client that loads one model in one way.

    `client` is the address or the agent that the log names; `first` and `last` are None where the
    log has no times. `loads` is as in a `Load`; None where the log does not tell the alias or stage
    (MLflow sends a stage in the body of the request, which no access log has).
    """

    model: str | None
    loads: str | None
    client: str
    first: datetime | None
    last: datetime | None
    count: int
