"""Semantic versions of model versions: `semver: 2.1.0` in a file, the tag `semver` live."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from reconciler.core.parse_error import ParseError
from reconciler.core.state import Declaration, Field, Value

SEMVER_TAG: Final = "semver"
_FORM: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")


class SemanticVersion(NamedTuple):
    """A semantic version, which compares as semver.org orders it."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """Return it as it is written: `2.1.0`."""
        return f"{self.major}.{self.minor}.{self.patch}"


def parse_semver(text: str) -> SemanticVersion:
    """Return the semantic version of a text; raises `ParseError` for another form."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ParseError(
            "a semantic version is MAJOR.MINOR.PATCH, three numbers without leading zeros",
            "write one like `2.1.0`; a candidate is what an alias says, not a suffix",
        )
    return SemanticVersion(*(int(number) for number in match.groups()))


def semver_tags(declaration: Declaration) -> Mapping[Field, Value]:
    """Return the tag of each version that declares a semantic version."""
    return {
        Field("tag", number, SEMVER_TAG): str(entry.semver)
        for number, entry in declaration.versions.items()
        if entry.semver is not None
    }
