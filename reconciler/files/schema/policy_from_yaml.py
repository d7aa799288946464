"""Reads the entries of `policies:`, and checks rules that concern several keys of an entry."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
from typing import Final

from reconciler.core.durations import parse_duration
from reconciler.core.policies import (
    Approvals,
    DigestRule,
    Expression,
    InventoryRule,
    Lineage,
    On,
    Policy,
    Requirement,
    SemverRule,
    SignatureRule,
    Soak,
    Transitions,
)
from reconciler.core.settings import Ignore
from reconciler.core.state import ACTIVE_STAGES, Field
from reconciler.files.messages import Complaint
from reconciler.files.schema.name_rules import quoted
from reconciler.files.schema.policy_schema import (
    MOST_POLICIES,
    REQUIREMENTS,
    OnEntry,
    PolicyEntry,
)
from reconciler.policy.freeze_windows import parse_freeze


def policies(entries: Sequence[PolicyEntry], lines: Sequence[int]) -> tuple[Policy, ...]:
    """Return the policies of a file, each with the line of its entry where it is known."""
    return tuple(
        Policy(
            entry["name"],
            _on(entry.get("on", {}), entry),
            _requirement(entry),
            entry.get("enforce", "deny"),
            entry.get("message"),
            line,
        )
        for entry, line in zip(entries, chain(lines, repeat(None)), strict=False)
    )


def one_rule_each(entries: object) -> Iterator[Complaint]:
    """Report entries that do not require exactly one thing, and equal names.

    The entries may have any shape: the schema reports a wrong shape.
    """
    names: dict[str, int] = {}
    for index, entry in _mappings(entries):
        name = entry.get("name")
        if isinstance(name, str) and names.setdefault(name, index) != index:
            message = f"there are two policies {quoted(name)}"
            hint = "`--accept` and reports use the name: rename one"
            yield Complaint(("policies", index, "name"), message, hint)
        said = [key for key in REQUIREMENTS if key in entry]
        is_misspelt = any(key not in PolicyEntry.__annotations__ for key in entry)
        if len(said) > 1:
            message = f"one policy requires one thing, and this one has {_listed(said)}"
            yield Complaint(("policies", index), message, "make a policy of each")
        elif not said and not is_misspelt:
            hint = f"add one of {_listed(REQUIREMENTS)}"
            yield Complaint(("policies", index), "this policy requires nothing", hint)


def asked_somewhere(found: Sequence[Policy], ignore: Ignore) -> Iterator[Complaint]:
    """Report policies that are never evaluated: on an ignored alias, or on no stage."""
    for index, policy in enumerate(found):
        if isinstance(policy.requires, Transitions) and not policy.on.stages:
            message = "`transitions` orders stages, and `on` names no stage"
            hint = "write `on: {stage: Production}`, or leave `on` out"
            yield Complaint(("policies", index, "on"), message, hint)
        for alias in policy.on.aliases:
            if ignore.field(Field("alias", None, alias)):
                message = f"alias {quoted(alias)} is ignored by `ignore.aliases`"
                hint = "a policy on it is never evaluated: name another one, or do not ignore it"
                yield Complaint(("policies", index, "on", "alias"), message, hint)


def _mappings(entries: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    listed = entries if isinstance(entries, list) else ()
    for index, entry in enumerate(islice(listed, MOST_POLICIES)):
        if isinstance(entry, dict):
            yield index, entry


def _on(on: OnEntry, entry: PolicyEntry) -> On:
    stages, aliases = _names(on.get("stage", ())), _names(on.get("alias", ()))
    models = tuple(on.get("models", On().models))
    if stages or aliases:
        return On(stages, aliases, models)
    if "transitions" in entry:  # The order covers the way into Staging too.
        return On(ACTIVE_STAGES, (), models)
    return On(models=models, serving=True)


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


# Keys that have one value, and what each requires.
_FLAGS: Final[Mapping[str, Requirement]] = {
    "digest": DigestRule(),
    "semver": SemverRule(),
    "inventory": InventoryRule(),
    "self_approval": Approvals(1),
}


def _requirement(entry: PolicyEntry) -> Requirement:
    """Return the requirement of an entry, which has exactly one of the keys."""
    match entry:
        case {"require": source}:
            return Expression(source)
        case {"transitions": order}:
            return Transitions(tuple(order))
        case {"soak": text}:
            return Soak(parse_duration(text))
        case {"freeze": text}:
            return parse_freeze(text)
        case {"lineage": names}:
            return Lineage(tuple(names))
        case {"signature": level}:
            return SignatureRule(level)
        case {"approvals": count}:
            return Approvals(count)
        case _:
            (flag,) = _FLAGS.keys() & entry.keys()
            return _FLAGS[flag]


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
