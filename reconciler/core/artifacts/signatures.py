"""Compares two signatures by MLflow's rules, to find what breaks callers.

MLflow ignores columns and params that a model does not know, and fills in params that are not
sent, so removing either does not break callers.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from reconciler.core.facts import Column, Signature

# The conversions that MLflow makes: (type that is sent, type that the model declares).
_SAFE_FOR_INPUTS: Final = frozenset(
    {("integer", "long"), ("integer", "double"), ("float", "double")}
)
_SAFE_FOR_PARAMS: Final = _SAFE_FOR_INPUTS | {
    ("integer", "float"),
    ("long", "float"),
    ("long", "double"),
}
_TENSOR = re.compile(r"tensor\((?P<dtype>[^,]+), \[(?P<shape>[^\]]*)\]\)")


def incompatibilities(candidate: Signature, incumbent: Signature) -> tuple[str, ...]:
    """Return a sentence for each input or param on which callers of the incumbent may fail.

    Nested types (array, object, map) must be equal.
    """
    return (*_inputs(candidate.inputs, incumbent.inputs), *_params(candidate, incumbent))


def differences(candidate: Signature, incumbent: Signature) -> tuple[str, ...]:
    """Return a sentence for each difference between two signatures, compatible or not."""
    return (
        *_changed("input", candidate.inputs, incumbent.inputs),
        *_changed("output", candidate.outputs, incumbent.outputs),
        *_changed("param", candidate.params, incumbent.params),
    )


class SignatureChange(NamedTuple):
    """One difference between two signatures; `breaks` says whether callers may fail on it."""

    breaks: bool
    sentence: str


def contract_changes(candidate: Signature, incumbent: Signature) -> tuple[SignatureChange, ...]:
    """Return each difference for the programs that send inputs and read outputs.

    Stricter than `incompatibilities`: a column or a param that is gone breaks, too, because what
    callers send for it is ignored without a word. A type may change as MLflow converts it. A new
    output breaks nobody who reads outputs by name.
    """
    return (
        *_contract("input", candidate.inputs, incumbent.inputs),
        *_contract("output", candidate.outputs, incumbent.outputs),
        *_contract("param", candidate.params, incumbent.params),
    )


def _contract(
    kind: str, candidate: Sequence[Column], incumbent: Sequence[Column]
) -> Iterator[SignatureChange]:
    if candidate and incumbent and _named(candidate) != _named(incumbent):
        verb = "have" if _named(candidate) else "lost their"
        yield SignatureChange(breaks=True, sentence=f"the {kind}s {verb} names")
        return
    before, after = _by_label(incumbent), _by_label(candidate)
    for label in before:
        if label not in after:
            yield SignatureChange(breaks=True, sentence=f"{kind} {label} is gone")
    for label, column in after.items():
        if label in before:
            yield from _altered(kind, label, before[label], column)
        elif kind == "input":
            how = "required" if column.required else "optional"
            breaks = column.required or column.name is None
            yield SignatureChange(breaks, f"input {label} is new and {how}")
        else:
            yield SignatureChange(column.name is None, f"{kind} {label} is new")


def _altered(kind: str, label: str, was: Column, now: Column) -> Iterator[SignatureChange]:
    if was.type != now.type:
        fits = {
            "input": _takes(now.type, was.type),
            "output": _takes(was.type, now.type),
            "param": (was.type, now.type) in _SAFE_FOR_PARAMS,
        }[kind]
        yield SignatureChange(not fits, f"{kind} {label} was {was.type} and is {now.type}")
    if kind != "param" and was.required != now.required:
        words = ("optional", "required")
        sentence = f"{kind} {label} was {words[was.required]} and is {words[now.required]}"
        yield SignatureChange(now.required == (kind == "input"), sentence)


def _inputs(candidate: Sequence[Column], incumbent: Sequence[Column]) -> Iterator[str]:
    if candidate and incumbent and _named(candidate) != _named(incumbent):
        # Callers of unnamed columns rely on the order, callers of named columns on the names.
        yield f"the inputs {'have' if _named(candidate) else 'lost their'} names"
        return
    before = _by_label(incumbent)
    for label, column in _by_label(candidate).items():
        if label not in before:
            if column.required:
                yield f"input {label} is new and required"
            continue
        sent = before[label]
        if not _takes(column.type, sent.type):
            yield f"input {label} was {sent.type} and is {column.type}"
        if column.required and not sent.required:
            yield f"input {label} was optional and is required"


def _params(candidate: Signature, incumbent: Signature) -> Iterator[str]:
    before = _by_label(incumbent.params)
    for label, column in _by_label(candidate.params).items():
        sent = before.get(label, column).type
        if sent != column.type and (sent, column.type) not in _SAFE_FOR_PARAMS:
            yield f"param {label} was {sent} and is {column.type}"


def _takes(declared: str, sent: str) -> bool:
    if declared == sent or (sent, declared) in _SAFE_FOR_INPUTS:
        return True
    to, of = _TENSOR.fullmatch(declared), _TENSOR.fullmatch(sent)
    if to is None or of is None:
        return False
    return to["dtype"] == of["dtype"] and _fits(to["shape"], of["shape"])


def _fits(declared: str, sent: str) -> bool:
    """Return whether every tensor of shape `sent` has shape `declared`; -1 is any length."""
    to, of = ([size.strip() for size in shape.split(",")] for shape in (declared, sent))
    return len(to) == len(of) and all(
        size in ("-1", given) for size, given in zip(to, of, strict=True)
    )


def _changed(kind: str, candidate: Sequence[Column], incumbent: Sequence[Column]) -> Iterator[str]:
    before, after = _by_label(incumbent), _by_label(candidate)
    for label, column in after.items():
        if label not in before:
            yield f"{kind} {label} added ({_described(kind, column)})"
        elif (was := _described(kind, before[label])) != (now := _described(kind, column)):
            yield f"{kind} {label}: {was} → {now}"
    for label, column in before.items():
        if label not in after:
            yield f"{kind} {label} removed ({_described(kind, column)})"


def _described(kind: str, column: Column) -> str:
    """Return a column's type, with `, optional` where that is not implied (as for params)."""
    return column.type if column.required or kind == "param" else f"{column.type}, optional"


def _named(columns: Sequence[Column]) -> bool:
    return all(column.name is not None for column in columns)


def _by_label(columns: Sequence[Column]) -> dict[str, Column]:
    """Return the columns by name, unnamed ones by position from 1."""
    return {
        f"`{column.name}`" if column.name is not None else str(place): column
        for place, column in enumerate(columns, start=1)
    }
