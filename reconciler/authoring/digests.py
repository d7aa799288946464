"""Which versions enter by an edit or are in use, and the digests that their entries lack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from reconciler.core.state import Declaration, Live, in_use
from reconciler.errors import Problem


@dataclass(frozen=True, slots=True)
class LiveDigests:
    """The digests of live versions that were read, and why others are not known."""

    known: Mapping[int, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


# Gets what is declared of a model, and the live model; reads the versions that are in use.
ReadDigests: TypeAlias = Callable[[Declaration, Live], LiveDigests]


def read_none(_: Declaration, __: Live) -> LiveDigests:
    """Return no digest: nobody asked for them."""
    return LiveDigests()


def entering(before: Declaration, after: Declaration) -> tuple[int, ...]:
    """Return the versions that get an active stage or an alias which they did not have."""
    gained = {
        address: value
        for address, value in after.fields.items()
        if before.fields.get(address) != value
    }
    return tuple(sorted(in_use(gained)))


def with_digests(declaration: Declaration, digests: Mapping[int, str]) -> Declaration:
    """Return a declaration whose entries have these digests where they have none."""
    versions = {
        version: replace(entry, digest=entry.digest or digests.get(version))
        for version, entry in declaration.versions.items()
    }
    return replace(declaration, versions=versions)
