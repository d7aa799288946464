"""Adds to a promotion the semantic version, which the signatures decide, and its alias."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.api.workspace import Workspace
from reconciler.authoring.promotion import Promotion
from reconciler.core.declaring.major_aliases import with_major_alias
from reconciler.core.declaring.next_semver import (
    AUTO,
    Displaced,
    SemverChoice,
    check_higher,
    check_semver,
    displaced,
    first_number,
    next_number,
    numbered,
)
from reconciler.core.declaring.semver_level import needed_level, unknown_signature
from reconciler.core.facts import NO_FACTS, Facts
from reconciler.core.state import Declaration, Live
from reconciler.errors import RegistryError
from reconciler.planning.live_state import read_facts

_WRITE_IT = "write the number that you know to be right: `--semver X.Y.Z`"


@dataclass(frozen=True, slots=True)
class Numbering:
    """The semantic version that is asked for: a number, `auto`, or None.

    `over` is what the promotion displaces.
    """

    workspace: Workspace
    before: Declaration
    promotion: Promotion
    wanted: str | None
    over: Displaced | int | None

    @property
    def reads_signatures(self) -> bool:
        """Return whether the number depends on signatures, so that the registry has to answer."""
        return self.wanted == AUTO and not self._has_number and isinstance(self.over, Displaced)

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that the registry is asked for."""
        version = self.promotion.version
        if self.reads_signatures and isinstance(self.over, Displaced):
            return version, self.over.version
        return (version,)

    @property
    def _has_number(self) -> bool:
        entry = self.before.versions.get(self.promotion.version)
        return entry is not None and entry.semver is not None

    def added(self, after: Declaration, live: Live | None) -> tuple[Declaration, tuple[str, ...]]:
        """Return the declaration with its number and the alias of that, and why it is that one.

        Raises `RegistryError` where a number is to be proposed and a signature is not known.
        """
        settings, version = self.workspace.desired.settings, self.promotion.version
        told: tuple[str, ...] = ()
        if self.wanted is not None and self._has_number:
            number = self.before.versions[version].semver
            told = (f"v{version} has the semantic version {number} already, which stays",)
        elif self.wanted == AUTO:
            choice = self._proposed(live)
            after = numbered(after, version, str(choice.number), settings)
            told = (f"v{version} semver: {choice.why}",)
        elif self.wanted is not None:
            after = numbered(after, version, self.wanted, settings)
        return with_major_alias(self.before, after, version, settings), told

    def _proposed(self, live: Live | None) -> SemverChoice:
        version, over = self.promotion.version, self.over
        if not isinstance(over, Displaced):
            return first_number(self.before, version, over)
        facts = self._facts(live, (version, over.version))
        own, other = facts.get(version, NO_FACTS), facts.get(over.version, NO_FACTS)
        if own.signature is None or other.signature is None:
            sides = ((version, own), (over.version, other))
            why = [w for number, one in sides if (w := unknown_signature(number, one)) is not None]
            raise RegistryError(
                f"no semantic version can be proposed: {'; '.join(why)}",
                hint="; ".join([*_ways_to_read(own, other), _WRITE_IT]),
            )
        return next_number(self.before, version, over, needed_level(own.signature, other.signature))

    def _facts(self, live: Live | None, versions: tuple[int, ...]) -> dict[int, Facts]:
        known = [(live, v) for v in versions if live is not None and v in live.versions]
        found = read_facts(self.workspace.registry, known, parallelism=len(versions))
        return dict(found.get(self.before.model, {}))


def numbering(
    workspace: Workspace, before: Declaration, promotion: Promotion, wanted: str | None
) -> Numbering:
    """Return what is asked for; raises `UsageError` and `Refused` for what cannot be the number."""
    settings, version = workspace.desired.settings, promotion.version
    over = displaced(before, version, promotion.stage, settings)
    if wanted is not None:
        check_semver(before, version, wanted)
    if wanted not in (None, AUTO) and isinstance(over, Displaced):
        check_higher(before, version, str(wanted), over)
    return Numbering(workspace, before, promotion, wanted, over)


def _ways_to_read(*sides: Facts) -> Iterable[str]:
    unread = (facts.unread["signature"] for facts in sides if "signature" in facts.unread)
    return dict.fromkeys(part.hint for part in unread)
