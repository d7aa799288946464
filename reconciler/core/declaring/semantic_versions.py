"""Semantic versions of model versions: `semver: 2.1.0` in a file, the tag `semver` live."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from reconciler.core.parse_error import ParseError
from reconciler.core.state import Base, Declaration, Field, Fields, Value, in_use

SemverLevel: TypeAlias = Literal["MAJOR", "MINOR", "PATCH"]

SEMVER_TAG: Final = "semver"
FIRST_SEMVER: Final = "1.0.0"
_FORM: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_MAJOR_ALIAS: Final = re.compile(r"major-(0|[1-9][0-9]{0,8})")


class SemanticVersion(NamedTuple):
    """A semantic version, which compares as semver.org orders it."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """Return it as it is written: `2.1.0`."""
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def alias(self) -> str:
        """The alias of its major version: `major-2`."""
        return f"major-{self.major}"

    def following(self, level: SemverLevel) -> "SemanticVersion":
        """Return the next version of a level."""
        match level:
            case "MAJOR":
                return SemanticVersion(self.major + 1, 0, 0)
            case "MINOR":
                return SemanticVersion(self.major, self.minor + 1, 0)
            case "PATCH":
                return SemanticVersion(self.major, self.minor, self.patch + 1)

    def level_over(self, other: "SemanticVersion") -> SemverLevel | None:
        """Return by which level it is higher than another one, None where it is not higher."""
        if self <= other:
            return None
        if self.major != other.major:
            return "MAJOR"
        return "MINOR" if self.minor != other.minor else "PATCH"


@dataclass(frozen=True, slots=True)
class DeclaredSemvers:
    """The semantic versions that git declares for the versions of one model.

    `now` are those of this checkout, `merged` those of the recorded commits, which are live;
    `at_rest` are the versions that no recorded commit had in use.
    """

    now: Mapping[int, str] = field(default_factory=dict)
    merged: Mapping[int, frozenset[str]] = field(default_factory=dict)
    at_rest: frozenset[int] = frozenset()

    def of(self, version: int) -> SemanticVersion | None:
        """Return the number of a version; one that this checkout takes away still counts."""
        if version in self.now:
            return parse_semver(self.now[version])
        return max(map(parse_semver, self.merged.get(version, ())), default=None)

    def free(self, over: SemanticVersion, level: SemverLevel, version: int) -> SemanticVersion:
        """Return the next number of a level over another one that no other version has."""
        taken = {text for number, text in self.now.items() if number != version}
        number = over.following(level)
        while str(number) in taken:
            number = number.following(level)
        return number

    def goes_back(self, version: int, incumbent: int) -> bool:
        """Return whether a version looks as if it had served before another one.

        It is older, it rests, and its number was merged with an earlier change.
        """
        was_merged = self.now.get(version) in self.merged.get(version, ())
        return was_merged and version < incumbent and version in self.at_rest


NO_SEMVERS: Final = DeclaredSemvers()


def parse_semver(text: str) -> SemanticVersion:
    """Return the semantic version of a text; raises `ParseError` for another form."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ParseError(
            "a semantic version is MAJOR.MINOR.PATCH, three numbers without leading zeros",
            "write one like `2.1.0`; a candidate is what an alias says, not a suffix",
        )
    return SemanticVersion(*(int(number) for number in match.groups()))


def live_semver(fields: Fields, version: int) -> str | None:
    """Return the semantic version in a version's tag; None where that holds another text."""
    text = str(fields.get(Field("tag", version, SEMVER_TAG), ""))
    return text if _FORM.fullmatch(text) else None


def semver_tags(declaration: Declaration) -> Mapping[Field, Value]:
    """Return the tag of each version that declares a semantic version."""
    return {Field("tag", number, SEMVER_TAG): text for number, text in semvers(declaration).items()}


def semvers(declaration: Declaration | None) -> Mapping[int, str]:
    """Return the semantic version of each version that declares one."""
    entries = declaration.versions.items() if declaration is not None else ()
    return {number: entry.semver for number, entry in entries if entry.semver is not None}


def declared_semvers(declaration: Declaration | None, base: Base) -> DeclaredSemvers:
    """Return the semantic versions of a model, here and in the recorded commits.

    What a recorded commit declared for another version under a number does not count.
    """
    merged: dict[int, frozenset[str]] = {}
    for number, entries in base.entries.items():
        pins = declaration.versions.get(number) if declaration is not None else None
        texts = frozenset(
            entry.semver
            for entry in entries
            if entry.semver is not None and not (pins is not None and pins.is_another(entry))
        )
        if texts:
            merged[number] = texts
    # The alias of a major stays on versions at rest.
    counted = {
        a: v for a, v in base.first.items() if a.name != "alias" or not is_major_alias(a.key)
    }
    return DeclaredSemvers(semvers(declaration), merged, frozenset(base.versions - in_use(counted)))


def is_major_alias(alias: str | None) -> bool:
    """Return whether an alias is that of a major version: `major-2`."""
    return _MAJOR_ALIAS.fullmatch(alias or "") is not None


def names_major(alias: str, text: str | None) -> bool:
    """Return whether an alias like `major-2` is that of a semantic version's text."""
    return text is not None and parse_semver(text).alias == alias
