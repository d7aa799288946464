"""Guards against databases that compare names without case, such as MySQL and MariaDB.

In such a database a write to one spelling of a name overwrites and renames the other one.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeAlias

from reconciler.core.state import Field, Live, Value
from reconciler.errors import Rejected

_Alike: TypeAlias = dict[Field, dict[Field, Value]]


class Spellings:
    """Remembers the names that were read and written, and checks names that differ in case.

    `is_caseless` returns whether the database of a model compares without case. A model is written
    by one thread at a time.
    """

    def __init__(self, is_caseless: Callable[[str], bool]) -> None:
        self._ask = is_caseless
        self._answers: dict[str, bool] = {}
        self._read: dict[str, Mapping[Field, Value]] = {}
        self._known: dict[str, _Alike] = {}
        self._written: set[tuple[str, Field]] = set()

    def saw(self, lives: Mapping[str, Live]) -> None:
        """Remember models that were read."""
        for model, live in lives.items():
            self._read[model] = live.fields
            self._known.pop(model, None)

    def check_set(self, model: str, field: Field, value: Value) -> None:
        """Refuse to overwrite another spelling; one with the same value may be renamed."""
        alike = self._alike(model, field)
        others = sorted(other for other, held in alike.items() if held != value)
        if others and field not in alike and self._is_caseless(model):
            message = "the registry's database compares names without case"
            raise Rejected(
                f"{message}: {field} would overwrite {others[0]}, which is `{alike[others[0]]}`",
                hint="declare only one of the spellings",
            )

    def wrote(self, model: str, field: Field, value: Value) -> None:
        """Remember a value that was written."""
        self._alike(model, field)[field] = value
        self._written.add((model, field))

    def is_renamed(self, model: str, field: Field) -> bool:
        """Return whether a field vanished because another spelling, which must stay, was set."""
        others = self._alike(model, field).keys() - {field}
        renamed = any((model, other) in self._written for other in others)
        return renamed and self._is_caseless(model)

    def _alike(self, model: str, field: Field) -> dict[Field, Value]:
        """Return the fields that differ from a field at most in the case of the key."""
        if model not in self._known:
            known: _Alike = defaultdict(dict)
            for read, value in self._read.get(model, {}).items():
                if read.key is not None:
                    known[_folded(read)][read] = value
            self._known[model] = known
        return self._known[model][_folded(field)]

    def _is_caseless(self, model: str) -> bool:
        if model not in self._answers:
            self._answers[model] = self._ask(model)
        return self._answers[model]


def _folded(field: Field) -> Field:
    return field._replace(key=(field.key or "").casefold())
