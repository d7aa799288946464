"""Dates on the command line: UTC unless they say otherwise, and a day is all of it."""

from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    _Type = click.ParamType[datetime]
else:
    _Type = click.ParamType  # older releases of click know no generic one


class Moment(_Type):
    """A date, or a date and a time; a date alone is its first moment, or its last."""

    name = "DATE"

    def __init__(self, *, end: bool) -> None:
        self._of_day = time.max if end else time.min

    def convert(
        self,
        value: str | datetime,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the moment in UTC; fails for what is no ISO 8601 date."""
        if isinstance(value, datetime):
            return value
        text = f"{value[:-1]}+00:00" if value.endswith(("Z", "z")) else value
        try:
            moment = datetime.combine(date.fromisoformat(text), self._of_day)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                example = "write `2026-01-31`, `2026-01-31T17:00` or `2026-01-31T17:00+01:00`"
                self.fail(f"`{value}` is no date; {example}", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        try:
            return moment.astimezone(timezone.utc)
        except OverflowError:
            self.fail(f"`{value}` is out of range", param, ctx)


SINCE: Final = Moment(end=False)
UNTIL: Final = Moment(end=True)


def now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(timezone.utc)
