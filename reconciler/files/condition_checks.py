"""Checks the conditions of a file: the `require` of its policies, the `fail` of its watch."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from reconciler.files.messages import Complaint
from reconciler.files.schema.policy_schema import MOST_POLICIES
from reconciler.files.schema.watch_schema import MOST_RULES

if TYPE_CHECKING:
    from reconciler.policy.cel.static_checks import ExpressionProblem

_MOST_CHARACTERS: Final = 50_000  # in a file, each of up to 40 µs
_LONGEST: Final = 2_000  # a longer one is refused without parsing it

_HINTS: Final = {
    "policies": "replace some by built-in rules: `reconciler schema settings` lists them",
    "watch": "take out some",
}


def condition_faults(plain: object) -> Iterator[Complaint]:
    """Report what is wrong with the conditions in a file of any shape.

    The schema reports a wrong shape.
    """
    room = _MOST_CHARACTERS
    for path, text, entry in _conditions(plain):
        room -= min(len(text), _LONGEST)
        if room < 0:
            message = f"the expressions have more than {_MOST_CHARACTERS:,} characters in total"
            yield Complaint(path, message, _HINTS[str(path[0])])
            return
        for fault in _policy_faults(text) if path[0] == "policies" else _watch_faults(text, entry):
            place = (fault.line, fault.column)
            yield Complaint(path, fault.message, fault.hint, inside=place)


def _conditions(
    plain: object,
) -> Iterator[tuple[tuple[str, int, str], str, Mapping[str, object]]]:
    for key, inner, most in (("policies", "require", MOST_POLICIES), ("watch", "fail", MOST_RULES)):
        entries = plain.get(key) if isinstance(plain, dict) else None
        for index, entry in enumerate(islice(entries if isinstance(entries, list) else (), most)):
            text = entry.get(inner) if isinstance(entry, dict) else None
            if isinstance(text, str) and text:
                yield (key, index, inner), text, entry


def _policy_faults(text: str) -> Sequence["ExpressionProblem"]:
    from reconciler.policy.cel.evaluator import expression_problems  # noqa: PLC0415  few have any

    return expression_problems(text)


def _watch_faults(text: str, entry: Mapping[str, object]) -> Sequence["ExpressionProblem"]:
    from reconciler.policy.cel.watch_conditions import watch_problems  # noqa: PLC0415  few have any

    source = entry.get("source")
    return watch_problems(text, tells_samples=not isinstance(source, dict) or "samples" in source)
