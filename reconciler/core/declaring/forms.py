"""The form in which a file declares a bridged pair: by the stage, by the alias, or by both."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field, FieldName, Fields, Serving, Value

_AT_REST: Final = ("None", "Archived")
_NOTHING: Final[Fields] = MappingProxyType({})


def in_form(
    before: Declaration, after: Declaration, settings: Settings, *, live: Fields = _NOTHING
) -> Declaration:
    """Return what a file declares after moves, complete, with the words that it wrote before.

    Both declarations have both words of each pair. A pair that the file did not write gets the
    words that are live, else the one that `serving` has. A version that had a stage written keeps
    one; one that makes room is Archived where the file writes stages, and is not named otherwise.
    """
    written = as_written(before).fields
    fields = dict(as_written(after).fields)
    serving = settings.serving.of(after.model, after)
    for stage, alias in settings.bridge.pairs:
        address = Field("alias", None, alias)
        if address not in after.fields:
            continue
        words = _words(stage, address, written) or _words(stage, address, live) or _usual(serving)
        place = Field("stage", int(after.fields[address]))
        if "alias" not in words:
            fields.pop(address, None)
        elif "stage" not in words and place not in written:
            fields.pop(place, None)
    if not any(address.name == "stage" for address in written):
        for address in _left_at_rest(before, fields):
            if live.get(address) != fields[address]:
                del fields[address]
    return complete(
        replace(after, fields=MappingProxyType(fields), implied=MappingProxyType({})), settings
    )


def _words(stage: str, alias: Field, fields: Fields) -> Collection[FieldName]:
    """Return by which words some fields declare a pair."""
    has_stage = any(a.name == "stage" and value == stage for a, value in fields.items())
    words: list[FieldName] = ["alias"] if alias in fields else []
    return [*words, "stage"] if has_stage else words


def _usual(serving: Serving) -> Collection[FieldName]:
    return ["stage" if serving.alias is None else "alias"]


def _left_at_rest(before: Declaration, fields: Mapping[Field, Value]) -> Collection[Field]:
    """Return the stages of versions that left a stage which only their alias declared."""
    return [
        address
        for address, value in fields.items()
        if address.name == "stage" and address in before.implied and value in _AT_REST
    ]
