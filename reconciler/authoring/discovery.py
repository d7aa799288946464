"""Which registered versions are to go to Staging: newer than all that git ever declared, and good.

What keeps a version out is what would keep it out of a plan: the policies, judged for that move.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from reconciler.audit.merged_changes import Step
from reconciler.authoring.promotion import Promotion, promoted
from reconciler.authoring.proposal import Proposal, slug, title_of
from reconciler.authoring.registry_probe import pins_of
from reconciler.core.changes import Change
from reconciler.core.facts import Facts
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Live, stages
from reconciler.core.transitions import Transition, in_both_words, transitions
from reconciler.core.violations import Consent, Violation, with_consent
from reconciler.policy import evaluation
from reconciler.policy.evaluation import Expressions, PolicyContext, PolicyInput

STAGE: Final = "Staging"
_TO_COME: Final = f"sha256:{'0' * 64}"  # what a version is judged with before its files are read
_NAMED: Final = 8  # characters that tell one set of versions from another in a branch's name

Outcome: TypeAlias = Literal["added", "refused", "older", "waiting"]


@dataclass(frozen=True, slots=True)
class Found:
    """A version that nobody declared yet, and what becomes of it.

    `older` ones give way to a newer one that is added; `waiting` ones are not READY, and `status`
    is what they are. `violations` keep it out, or only warn; `pending` are approvals to come.
    """

    version: int
    outcome: Outcome
    status: str = "READY"
    violations: tuple[Violation, ...] = ()
    pending: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """The versions of one model that may be added; `left` are still to be judged, newest first.

    They are judged as if each had the digest that it is to get, but for those of `undigested`.
    """

    declaration: Declaration
    live: Live
    settings: Settings
    left: tuple[int, ...]
    found: tuple[Found, ...] = ()
    facts: Mapping[int, Facts] = field(default_factory=dict)
    undigested: frozenset[int] = frozenset()

    @property
    def next(self) -> tuple[int, ...]:
        """The versions to judge now: where Staging holds one, the older ones may not matter."""
        return self.left[:1] if self._holds_one else self.left

    @property
    def added(self) -> tuple[int, ...]:
        """The versions that go to Staging, in order."""
        return tuple(
            sorted(candidate.version for candidate in self.found if candidate.outcome == "added")
        )

    def policy_input(self, version: int) -> PolicyInput:
        """Return the move of one version into Staging, with its alias, for the policies."""
        bridged = self.settings.bridge.pairs
        return PolicyInput(
            self._judged_as(version),
            self.live,
            # What a plan will judge: git declared nothing of the pair for a new version.
            in_both_words((self._transition(version),), self.live.fields, {}, bridged),
            (self.settings.serving.of(self.live.model, self.declaration),),
            self.settings.policies,
            bridged=bridged,
        )

    @property
    def _holds_one(self) -> bool:
        return STAGE in self.settings.exclusive

    def _judged_as(self, version: int) -> Declaration:
        if version in self.undigested:
            return self.declaration
        entry = DeclaredVersion(digest=_TO_COME)
        return replace(self.declaration, versions={**self.declaration.versions, version: entry})

    def _transition(self, version: int) -> Transition:
        model, held = self.live.model, stages(self.live.fields)
        enters = Change(model, Field("stage", version), held.get(version), STAGE, "declared")
        leave = [
            Change(model, Field("stage", other), STAGE, "Archived", "replaced")
            for other, stage in held.items()
            if stage == STAGE and self._holds_one
        ]
        made = transitions((enters, *leave), self.live.fields)
        return next(transition for transition in made if transition.version == version)


def ever_declared(declaration: Declaration, steps: Iterable[Step]) -> frozenset[int]:
    """Return every version that a model's file declares, or that its merged history ever did."""
    past = (each for step in steps for each in (step.before, step.after) if each is not None)
    return frozenset(version for each in (declaration, *past) for version in each.versions)


def search(
    declaration: Declaration, live: Live, ever: Collection[int], settings: Settings
) -> Search:
    """Begin with the versions in stage None that are newer than all of `ever`."""
    last, where = max(ever, default=0), stages(live.fields)
    newer = [v for v in live.versions if v > last and where.get(v, "None") == "None"]
    status = {version: live.versions[version].status for version in sorted(newer, reverse=True)}
    return Search(
        declaration,
        live,
        settings,
        left=tuple(version for version, state in status.items() if state == "READY"),
        found=tuple(Found(v, "waiting", state) for v, state in status.items() if state != "READY"),
    )


def judged_again(search: Search, undigested: Collection[int]) -> Search:
    """Return a search that begins anew, where versions that were added get no digest after all."""
    if not {*undigested} & {*search.added}:
        return search
    waiting = tuple(each for each in search.found if each.outcome == "waiting")
    versions = {each.version for each in search.found} - {each.version for each in waiting}
    return replace(
        search,
        left=tuple(sorted(versions, reverse=True)),
        found=waiting,
        undigested=search.undigested | {*undigested},
    )


def versions_to_know(search: Search, expressions: Expressions) -> tuple[int, ...]:
    """Return the versions whose facts the next judgement asks for, and that are not known yet."""
    needed = {
        version
        for candidate in search.next
        for version in evaluation.versions_to_know(search.policy_input(candidate), expressions)
    }
    return tuple(sorted(v for v in needed if v in search.live.versions and v not in search.facts))


def judged(search: Search, facts: Mapping[int, Facts], context: PolicyContext) -> Search:
    """Return the search after its next versions were judged, with more facts known."""
    known = {**search.facts, **facts}
    verdicts = [_judged(search, version, known, context) for version in search.next]
    left = search.left[len(verdicts) :]
    if any(each.outcome == "added" for each in verdicts):
        verdicts += [Found(version, "older") for version in left]
        left = ()
    return replace(search, facts=known, found=(*search.found, *verdicts), left=left)


def _judged(
    search: Search, version: int, facts: Mapping[int, Facts], context: PolicyContext
) -> Found:
    consents = frozenset(
        Consent(consent.guard, search.live.model)
        for consent in search.declaration.accept
        if context.now.date() <= consent.until
    )
    verdict = evaluation.check_policies(search.policy_input(version), facts, context)
    violations = tuple(with_consent(each, consents) for each in verdict.violations)
    outcome: Outcome = "refused" if any(each.denies for each in violations) else "added"
    return Found(version, outcome, violations=violations, pending=verdict.pending)


def proposed(
    searches: Sequence[Search], reason: str | None, digests: Mapping[tuple[str, int], str]
) -> Proposal | None:
    """Return the change that declares every added version for Staging, None without any."""
    adding = [search for search in searches if search.added]
    if not adding:
        return None
    names = [f"{search.live.model} v{version}" for search in adding for version in search.added]
    what = f"{len(names)} new versions" if names[1:] else names[0]
    return Proposal(
        tuple((search.declaration, _extended(search, digests)) for search in adding),
        title=title_of(f"Declare {what} for {STAGE}"),
        branch=_branch(names),
        reason=reason,
    )


def _branch(names: Sequence[str]) -> str:
    """Return a name that the same versions always get, so that they are proposed once."""
    first, *others = names
    if not others:
        model, _, version = first.rpartition(" ")
        return f"discover/{slug(model)}-{version}"
    digest = sha256("\n".join(names).encode()).hexdigest()[:_NAMED]
    return f"discover/{len(names)}-versions-{digest}"


def _extended(search: Search, digests: Mapping[tuple[str, int], str]) -> Declaration:
    """Return what is declared once the added versions are in Staging, each with its pins."""
    declaration = search.declaration
    for version in search.added:
        pins = pins_of(search.live, version, search.settings)
        pins = replace(pins, digest=digests.get((search.live.model, version)))
        declaration = promoted(declaration, Promotion(version, STAGE), search.settings, pins)
    return declaration
