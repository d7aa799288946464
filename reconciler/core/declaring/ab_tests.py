"""A/B tests: turns declared traffic parts into two tags, and checks them.

The version that is declared as serving is the control; the other versions with traffic are
treatments. The reconciler routes no traffic: a router reads the two tags.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reconciler.core.state import Declaration, Field, Serving, Value, aliases

ROLE_TAG: Final = "ab_test_role"
TRAFFIC_TAG: Final = "ab_test_traffic"
AB_TAGS: Final = (ROLE_TAG, TRAFFIC_TAG)


@dataclass(frozen=True, slots=True)
class TrafficProblem:
    """A problem with the traffic of a version, or with `tag`, one of its two A/B tags."""

    version: int
    message: str
    hint: str
    tag: str | None = None


def parts(declaration: Declaration) -> Mapping[int, Decimal]:
    """Return the traffic part (0 to 1) of each version that declares one, in file order."""
    return {v: e.traffic for v, e in declaration.versions.items() if e.traffic is not None}


def as_text(part: Decimal) -> str:
    """Return a traffic part as text without an exponent."""
    return format(part, "f")


def is_ab_tag(address: Field) -> bool:
    """Return whether a field is one of the two A/B tags of a version."""
    return address.name == "tag" and address.version is not None and address.key in AB_TAGS


def test_tags(declaration: Declaration, control: Collection[int]) -> Mapping[Field, Value]:
    """Return the A/B tags of a declaration's traffic; `control` are the versions that serve."""
    tags: dict[Field, Value] = {}
    for version, part in parts(declaration).items():
        role = "control" if version in control else "treatment"
        tags[Field("tag", version, ROLE_TAG)] = role
        tags[Field("tag", version, TRAFFIC_TAG)] = as_text(part)
    return tags


def traffic_problems(declaration: Declaration, serving: Serving | None) -> Iterator[TrafficProblem]:
    """Yield the problems of a test, from the file alone; `serving` is None where unknown."""
    carried = parts(declaration)
    if not carried:
        return
    yield from _blocked(declaration, carried)
    yield from _declared_beside(declaration)
    yield from _sums(carried)
    if serving is not None:
        yield from _without_control(declaration, carried, serving)


def traffic_warnings(declaration: Declaration) -> Iterator[TrafficProblem]:
    """Yield what is valid but probably a mistake: traffic for an archived version."""
    named = set(aliases(declaration.fields).values())
    for version, part in parts(declaration).items():
        is_archived = declaration.fields.get(Field("stage", version)) == "Archived"
        if part and is_archived and version not in named:
            message = f"version {version} is declared `Archived` but has traffic"
            yield TrafficProblem(
                version, message, "end the test (remove every `traffic`), or move its part"
            )


def _blocked(declaration: Declaration, carried: Mapping[int, Decimal]) -> Iterator[TrafficProblem]:
    for version, part in carried.items():
        if part and declaration.versions[version].blocked is not None:
            message = f"version {version} is blocked and may not have traffic"
            hint = "move its part to another version, or remove `blocked` when the reason is gone"
            yield TrafficProblem(version, message, hint)


def _declared_beside(declaration: Declaration) -> Iterator[TrafficProblem]:
    for address in declaration.fields.keys() - declaration.implied.keys():
        if is_ab_tag(address) and address.version is not None:
            message = f"tag `{address.key}` is written by `traffic`"
            hint = "remove the tag: `traffic` sets it for this model"
            yield TrafficProblem(address.version, message, hint, address.key)


def _sums(carried: Mapping[int, Decimal]) -> Iterator[TrafficProblem]:
    first, total = next(iter(carried)), sum(carried.values())
    if len(carried) == 1:
        hint = "give another version a part, or remove `traffic`"
        yield TrafficProblem(
            first, f"only version {first} has `traffic`; a test needs two or more versions", hint
        )
    elif total != 1:
        which = _listed(carried)
        hint = "the parts of a test must sum to exactly 1"
        yield TrafficProblem(
            first, f"the `traffic` of versions {which} sums to {total:f}, not 1", hint
        )


def _without_control(
    declaration: Declaration, carried: Mapping[int, Decimal], serving: Serving
) -> Iterator[TrafficProblem]:
    """Yield a problem when no control has traffic; two controls are rejected elsewhere."""
    serves = sorted(serving.versions(declaration.fields))
    if set(serves) & carried.keys():
        return
    if serves:
        which = "version" if len(serves) == 1 else "versions"
        message = f"{which} {_listed(serves)}, declared as serving ({serving}), has no `traffic`"
        hint = "it is the control of the test: give it a part"
    else:
        message = f"no version is declared as serving ({serving}): a test needs one as its control"
        hint = "declare the version that serves, or remove `traffic`"
    yield TrafficProblem(next(iter(carried)), message, hint)


def _listed(versions: Mapping[int, Decimal] | list[int]) -> str:
    *others, last = [str(version) for version in versions]
    return f"{', '.join(others)} and {last}" if others else last
