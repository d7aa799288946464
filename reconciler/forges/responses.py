"""Parses what a forge answers into rows, and says which part is not understood."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Annotated, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

from reconciler.ports.forge import ForgeError


class ForgeRow(BaseModel):
    """A part of an answer; keys that are not read may say anything."""

    model_config = ConfigDict(frozen=True)


ForgeRowT = TypeVar("ForgeRowT", bound=ForgeRow)

# GitHub writes null as "" or as {} in places.
Text: TypeAlias = Annotated[str, BeforeValidator(lambda value: value or "")]
Timestamp: TypeAlias = AwareDatetime


def row(kind: type[ForgeRowT], answer: object) -> ForgeRowT:
    """Return one row."""
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "all of it"
        message = f"an answer of the forge is not understood: `{where}` of {kind.__name__}"
        raise ForgeError(message) from error


def rows(kind: type[ForgeRowT], answers: Iterable[object]) -> list[ForgeRowT]:
    """Return every row."""
    return [row(kind, answer) for answer in answers]


def utc(moment: datetime) -> str:
    """Return a moment as the port writes it: sorting the texts sorts the moments."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
