"""A/B tests: what the declared parts of the traffic mean for the registry, and what they may not.

The version that is declared as serving is the control, the others that carry traffic are
treatments. Nobody routes by it here: the two tags say it to whoever does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from reconciler.core.settings import Serving
from reconciler.core.state import Declaration, Field, aliases

ROLE_TAG: Final = "ab_test_role"
TRAFFIC_TAG: Final = "ab_test_traffic"
AB_TAGS: Final = (ROLE_TAG, TRAFFIC_TAG)


@dataclass(frozen=True, slots=True)
class TrafficProblem:
    """What is wrong with an A/B test, at the traffic of a version, or at one of its tags."""

    version: int
    message: str
    hint: str
    tag: str | None = None


def parts(declaration: Declaration) -> Mapping[int, Decimal]:
    """Return the versions that carry traffic, in the order of the file."""
    return {v: e.traffic for v, e in declaration.versions.items() if e.traffic is not None}


def as_written(part: Decimal) -> str:
    """Return a part of the traffic as its text, never with an exponent."""
    return format(part, "f")


def is_ab_tag(address: Field) -> bool:
    """Return whether a field is one of the two tags of a version."""
    return address.name == "tag" and address.version is not None and address.key in AB_TAGS


def with_test_tags(declaration: Declaration, serving: Serving) -> Declaration:
    """Return a declaration with the tags that its traffic stands for; without any, the same one."""
    carried = parts(declaration)
    if not carried:
        return declaration
    control = serving.versions(declaration.fields)
    fields = dict(declaration.fields)
    for version, part in carried.items():
        role = "control" if version in control else "treatment"
        fields[Field("tag", version, ROLE_TAG)] = role
        fields[Field("tag", version, TRAFFIC_TAG)] = as_written(part)
    return replace(declaration, fields=MappingProxyType(fields))


def without_test_tags(declaration: Declaration) -> Declaration:
    """Return a declaration as its file says it: the tags that its traffic stands for are gone."""
    carried = parts(declaration)
    if not carried:
        return declaration
    fields = {
        address: value
        for address, value in declaration.fields.items()
        if not (is_ab_tag(address) and address.version in carried)
    }
    return replace(declaration, fields=MappingProxyType(fields))


def traffic_problems(declaration: Declaration, serving: Serving | None) -> Iterator[TrafficProblem]:
    """Yield what is wrong with a test, as its file says it; `serving` is None where unknown."""
    carried = parts(declaration)
    if not carried:
        return
    yield from _blocked(declaration, carried)
    yield from _declared_beside(declaration)
    yield from _sums(carried)
    if serving is not None:
        yield from _without_control(declaration, carried, serving)


def traffic_warnings(declaration: Declaration) -> Iterator[TrafficProblem]:
    """Yield what is legal and hardly meant: traffic for a version that is put away."""
    named = set(aliases(declaration.fields).values())
    for version, part in parts(declaration).items():
        is_away = declaration.fields.get(Field("stage", version)) == "Archived"
        if part and is_away and version not in named:
            message = f"version {version} is declared `Archived`, and carries traffic"
            yield TrafficProblem(
                version, message, "end the test (remove every `traffic`), or move its part"
            )


def _blocked(declaration: Declaration, carried: Mapping[int, Decimal]) -> Iterator[TrafficProblem]:
    for version, part in carried.items():
        if part and declaration.versions[version].blocked is not None:
            message = f"version {version} is blocked and may not carry traffic"
            hint = "move its part to another version, or remove `blocked` when the reason is gone"
            yield TrafficProblem(version, message, hint)


def _declared_beside(declaration: Declaration) -> Iterator[TrafficProblem]:
    for address in declaration.fields:
        if is_ab_tag(address) and address.version is not None:
            message = f"tag `{address.key}` is what `traffic` writes"
            hint = "remove the tag: this model says it with `traffic`"
            yield TrafficProblem(address.version, message, hint, address.key)


def _sums(carried: Mapping[int, Decimal]) -> Iterator[TrafficProblem]:
    first, total = next(iter(carried)), sum(carried.values())
    if len(carried) == 1:
        hint = "give another version its part, or remove `traffic`"
        yield TrafficProblem(
            first, f"only version {first} carries `traffic`; a test has two or more", hint
        )
    elif total != 1:
        which = _listed(carried)
        hint = "the parts of a test sum to exactly 1"
        yield TrafficProblem(
            first, f"the `traffic` of versions {which} sums to {total:f}, not 1", hint
        )


def _without_control(
    declaration: Declaration, carried: Mapping[int, Decimal], serving: Serving
) -> Iterator[TrafficProblem]:
    """Yield that the control is missing; two of them are a stage with two versions already."""
    serves = sorted(serving.versions(declaration.fields))
    if set(serves) & carried.keys():
        return
    if serves:
        which = "version" if len(serves) == 1 else "versions"
        message = (
            f"{which} {_listed(serves)}, declared as serving ({serving}), carries no `traffic`"
        )
        hint = "it is the control of the test: give it its part"
    else:
        message = f"no version is declared as serving ({serving}): a test needs one as its control"
        hint = "declare the version that serves, or remove `traffic`"
    yield TrafficProblem(next(iter(carried)), message, hint)


def _listed(versions: Mapping[int, Decimal] | list[int]) -> str:
    *others, last = [str(version) for version in versions]
    return f"{', '.join(others)} and {last}" if others else last
