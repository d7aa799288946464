"""Dates on the command line: the type of the options that name a moment."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

import click

from reconciler.audit.dates import parse_moment
from reconciler.errors import UsageError

if TYPE_CHECKING:
    _Type = click.ParamType[datetime]
else:
    _Type = click.ParamType  # older releases of click know no generic one


class MomentOption(_Type):
    """A date, a date and a time, or how long ago; a date alone is its first moment, or its last."""

    name = "DATE"

    def __init__(self, *, is_end: bool) -> None:
        self._is_end = is_end

    def convert(
        self,
        value: str | datetime,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the moment in UTC; fails for what is not a date."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value, is_end=self._is_end, now=now())
        except UsageError as error:
            self.fail("; ".join(filter(None, (error.message, error.hint))), param, ctx)


SINCE: Final = MomentOption(is_end=False)
UNTIL: Final = MomentOption(is_end=True)


def now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(timezone.utc)
