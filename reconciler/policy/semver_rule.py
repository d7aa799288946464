"""The built-in rule `semver`: a number rises as far as the signatures need it to."""

from reconciler.core.declaring.semantic_versions import DeclaredSemvers, SemanticVersion
from reconciler.core.declaring.semver_level import needed_level, unknown_signature
from reconciler.core.facts import NO_FACTS, Facts
from reconciler.core.transitions import Transition


def compares_signatures(transition: Transition, semvers: DeclaredSemvers) -> bool:
    """Return whether signatures decide: a higher MAJOR is enough whatever they are."""
    own, other = _numbers(transition, semvers)
    return own is not None and other is not None and own.level_over(other) in ("MINOR", "PATCH")


def too_low(
    transition: Transition, semvers: DeclaredSemvers, facts: Facts, incumbent: Facts | None
) -> str | None:
    """Return why the number of a version does not rise enough over its incumbent's.

    None where it does, and where one of the two has no number.
    """
    own, other = _numbers(transition, semvers)
    version, before = transition.version, transition.incumbent
    if own is None or other is None or before is None or semvers.goes_back(version, before):
        return None
    level = own.level_over(other)
    if level == "MAJOR":
        return None
    has = f"v{version} has the semantic version {own}"
    told = f"{has}, and v{before}, which it displaces, {other}"
    known = facts.signature, (incumbent or NO_FACTS).signature
    if known[0] is None or known[1] is None:
        if level is None:
            return f"{told}: it has to be higher"
        sides = ((version, facts), (before, incumbent or NO_FACTS))
        why = [w for number, one in sides if (w := unknown_signature(number, one)) is not None]
        major = semvers.free(other, "MAJOR", version)
        return (
            f"{told}: nothing proves that a {level} is enough, only a higher MAJOR is in any case, "
            f"{major}; {'; '.join(why)}"
        )
    needed = needed_level(known[0], known[1])
    if needed.is_met_by(level):
        return None
    least = semvers.free(other, needed.level, version)
    how = "a higher MAJOR" if needed.level == "MAJOR" else f"at least a higher {needed.level}"
    return f"{told}: it needs {how}, {least}, because {needed.why}"


def _numbers(
    transition: Transition, semvers: DeclaredSemvers
) -> tuple[SemanticVersion | None, SemanticVersion | None]:
    incumbent = transition.incumbent
    own = semvers.of(transition.version) if transition.version in semvers.now else None
    return own, None if incumbent is None else semvers.of(incumbent)
