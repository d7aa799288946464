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

    @property
    def is_known(self) -> bool:
        """Return whether the source alone tells the model and what is loaded of it."""
        return self.model is not None and self.loads is not None


@dataclass(frozen=True, slots=True)
class SeenLoad:
    """What an access log has of one client that loads one model in one way.

    `client` is the user or the address that the log names, `agent` its user agent where the log has
    one; `first` and `last` are in UTC, and None where the log has no times. `loads` is as in a
    `Load`; None where versions were asked for by stage, or for the latest: MLflow sends which in
    the body of the request, which no access log has. There, `model` is None too unless what the
    client asked for next, or before, tells it. `count` loads worked; `failed` ones asked for what
    does not exist, was forbidden, or met a broken server.
    """

    model: str | None
    loads: str | None
    client: str
    first: datetime | None
    last: datetime | None
    count: int
    failed: int = 0
    agent: str | None = None
