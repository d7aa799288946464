"""Parses a forge's answers into rows, and names the part that is not valid."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Annotated, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

from reconciler.errors import ForgeError


class ForgeRow(BaseModel):
    """A part of an answer; keys that are not read may have any value."""

    model_config = ConfigDict(frozen=True)


ForgeRowT = TypeVar("ForgeRowT", bound=ForgeRow)

# GitHub sends "" or {} in place of null here and there.
Text: TypeAlias = Annotated[str, BeforeValidator(lambda value: value or "")]
Timestamp: TypeAlias = AwareDatetime


def row(kind: type[ForgeRowT], answer: object) -> ForgeRowT:
    """Return one row; raises `ForgeError` when it is not valid."""
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "all of it"
        message = f"the forge's answer is not understood: `{where}` of {kind.__name__}"
        raise ForgeError(message) from error


def rows(kind: type[ForgeRowT], answers: Iterable[object]) -> list[ForgeRowT]:
    """Return every row; raises `ForgeError` when one is not valid."""
    return [row(kind, answer) for answer in answers]


def utc(moment: datetime) -> str:
    """Return a time as the port writes it: sorting the texts sorts the times."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
