"""What the forge says of a merge: its pull requests, what they showed, and who approved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconciler import kept_plan
from reconciler.apply_record import RecordedApproval
from reconciler.approved import Approved, ShownPlan
from reconciler.cli.session import Session
from reconciler.forge import Forge, PullRequest, Review
from reconciler.plan import Plan
from reconciler.scope import Approval, Commit
from reconciler.standing import NOTHING_BEFORE
from reconciler.state import Live

_MOST_PARTS = 50


def commit_of_pull(forge: Forge, pull: PullRequest) -> Commit:
    """Return a pull request's head with the approvals of it that the forge confirms."""
    return _commit(pull, forge.authors(pull), forge.approvals(pull))


def _commit(pull: PullRequest, authors: frozenset[str], reviews: Sequence[Review]) -> Commit:
    return Commit(
        id=pull.head,
        author=pull.author,
        authors=authors,
        approvals=tuple(Approval(one.login, one.commit, one.time) for one in reviews),
    )


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged pull request: the commit of the main line that it became, and its evidence."""

    pull: PullRequest
    merged: str
    authors: frozenset[str]
    reviews: tuple[Review, ...]
    shown: ShownPlan | None


@dataclass
class Merges:
    """The merges behind a commit of the main line; the forge is asked once for each."""

    session: Session
    forge: Forge | None
    check: Callable[[int], str]
    _by_commit: dict[str, Merge | None] = field(default_factory=dict)
    _of_model: dict[str, tuple[Merge, ...]] = field(default_factory=dict)

    def of(self, live: Live) -> tuple[Merge, ...]:
        """Return the merges since what is live for a model that touched it, oldest first."""
        if live.model not in self._of_model:
            found = [self._merge(commit) for commit in self._commits(live)]
            by_number = {merge.pull.number: merge for merge in found if merge is not None}
            self._of_model[live.model] = tuple(by_number.values())
        return self._of_model[live.model]

    def approved(self, live: Live) -> tuple[Approved, ...]:
        """Return what those merges showed for the model on this registry, oldest first."""
        ref, owner = self.session.ref, self.session.owner
        return tuple(
            Approved(merge.pull.number, shown)
            for merge in self.of(live)
            if merge.shown is not None
            and (merge.shown.registry, merge.shown.state) == (ref.key, owner)
            and merge.shown.commit == merge.pull.head
            and (shown := merge.shown.of(live.model)) is not None
        )

    def commit_of(self, live: Live, here: Commit) -> Commit:
        """Return what a model is judged for: of its merges the one with the fewest approvals."""
        merges = self.of(live)
        if self.forge is None or not merges:
            return here
        weakest = min(merges, key=lambda merge: len({one.login for one in merge.reviews}))
        return _commit(weakest.pull, weakest.authors, weakest.reviews)

    def recorded(self, plan: Plan, lives: Mapping[str, Live]) -> tuple[RecordedApproval, ...]:
        """Return the approvals behind what a plan writes, for the apply record."""
        found = {
            RecordedApproval(one.login, one.commit, one.time, merge.merged): None
            for merge in self._behind(plan, lives)
            for one in merge.reviews
        }
        return tuple(found)

    def behind(self, plan: Plan, lives: Mapping[str, Live]) -> tuple[int, ...]:
        """Return the pull requests behind the models that changed, written or refused, sorted."""
        return tuple(sorted({merge.pull.number for merge in self._behind(plan, lives)}))

    def _behind(self, plan: Plan, lives: Mapping[str, Live]) -> list[Merge]:
        models = (one for one in plan.models if one.record is not None or one.problems)
        return [
            merge for one in models if one.model in lives for merge in self.of(lives[one.model])
        ]

    @cached_property
    def _app(self) -> str:
        """What the forge calls the author of our own checks: others' do not count."""
        return self.forge.user().removesuffix("[bot]") if self.forge is not None else ""

    def _commits(self, live: Live) -> Sequence[str]:
        history = self.session.history
        if history is None:
            return ()
        since = next((one for one in live.recorded if one != NOTHING_BEFORE), None)
        return history.merged_since(since, live.model)

    def _merge(self, commit: str) -> Merge | None:
        if commit not in self._by_commit:
            self._by_commit[commit] = self._ask(commit)
        return self._by_commit[commit]

    def _ask(self, commit: str) -> Merge | None:
        if self.forge is None:
            return None
        pulls = self.forge.pull_requests_of(commit)
        if not pulls:
            return None
        pull = pulls[0]
        return Merge(
            pull, commit, self.forge.authors(pull), self.forge.approvals(pull), self._shown(pull)
        )

    def _shown(self, pull: PullRequest) -> ShownPlan | None:
        """Return what the latest check of the head keeps, None where it is no plan to approve."""
        if self.forge is None:
            return None
        texts: list[str] = []
        for number in range(1, _MOST_PARTS):
            checks = self.forge.checks(pull.head, self.check(number))
            ours = [one for one in checks if one.app == self._app]
            if not ours or ours[0].conclusion == "failure":
                break
            texts.append(ours[0].text)
            plan = kept_plan.loads(texts)
            if plan is not None:
                return plan
        return None
