"""What the forge says of a merge: its pull requests, what they showed, and who approved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from reconciler.api.workspace import Workspace
from reconciler.audit.apply_record import RecordedApproval
from reconciler.core.plan import JudgedPlan
from reconciler.core.state import Live
from reconciler.errors import DeclarationError
from reconciler.forges import plan_in_check
from reconciler.planning.ancestry import NOTHING_BEFORE
from reconciler.planning.approved_plan import Approved, ShownPlan
from reconciler.policy.variables import Approval, Commit
from reconciler.ports.forge import Forge, PullRequest, Review

_BROKEN: Final = object()  # a declaration that cannot be read is not like any other


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

    @property
    def recorded(self) -> tuple[RecordedApproval, ...]:
        """The approvals as the apply record has them."""
        return tuple(
            RecordedApproval(
                *(review.login, review.commit, review.time, self.merged),
                is_author=review.login.casefold() in self._writers,
            )
            for review in self.reviews
        )

    @property
    def approvers(self) -> frozenset[str]:
        """Who approved it and did not write it; names count without case."""
        return frozenset(one.login.casefold() for one in self.reviews) - self._writers

    @property
    def _writers(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in (self.pull.author, *self.authors))


@dataclass
class Merges:
    """The merges behind a commit of the main line; the forge is asked once for each."""

    workspace: Workspace
    forge: Forge | None
    check: Callable[[int], str]
    _by_commit: dict[str, Merge | None] = field(default_factory=dict)
    _of_model: dict[str, tuple[Merge | None, ...]] = field(default_factory=dict)
    _begins: bool = False

    def begin(self) -> None:
        """Let the very first apply stand for no more than the commit that it applies."""
        self._begins = True
        self._of_model.clear()

    def of(self, live: Live) -> tuple[Merge, ...]:
        """Return the merges since what is live for a model that touched it, oldest first."""
        by_number = {merge.pull.number: merge for merge in self._each(live) if merge is not None}
        return tuple(by_number.values())

    def _each(self, live: Live) -> tuple[Merge | None, ...]:
        """Return the merge of every commit since then; None for one that was just pushed."""
        if live.model not in self._of_model:
            found = tuple(self._merge(commit) for commit in self._commits(live))
            self._of_model[live.model] = found
        return self._of_model[live.model]

    def approved(self, live: Live) -> tuple[Approved, ...]:
        """Return what those merges showed for the model on this registry, oldest first."""
        ref, owner = self.workspace.ref, self.workspace.owner
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
        if self.forge is None or not self._each(live):
            return here
        if None in self._each(live):
            return replace(here, approvals=())  # nobody approved what was just pushed
        weakest = min(merges, key=lambda merge: (len(merge.approvers), len(merge.reviews)))
        return _commit(weakest.pull, weakest.authors, weakest.reviews)

    def recorded(self, plan: JudgedPlan, lives: Mapping[str, Live]) -> tuple[RecordedApproval, ...]:
        """Return the approvals behind what a plan writes, for the apply record."""
        merges = self._behind(plan, lives)
        return tuple(dict.fromkeys(found for merge in merges for found in merge.recorded))

    def behind(self, plan: JudgedPlan, lives: Mapping[str, Live]) -> tuple[int, ...]:
        """Return the pull requests behind the models that changed, written or refused, sorted."""
        return tuple(sorted({merge.pull.number for merge in self._behind(plan, lives)}))

    def _behind(self, plan: JudgedPlan, lives: Mapping[str, Live]) -> list[Merge]:
        models = (one for one in plan.models if one.record is not None or one.problems)
        lives_of = (lives[one.model] for one in models if one.model in lives)
        return [merge for live in lives_of for merge in self._each(live) if merge is not None]

    @cached_property
    def _app(self) -> str:
        """What the forge calls the author of our own checks: others' do not count."""
        return self.forge.user().removesuffix("[bot]") if self.forge is not None else ""

    def _commits(self, live: Live) -> Sequence[str]:
        history = self.workspace.history
        if history is None:
            return ()
        if self._begins:
            return (history.head,)
        since = next((one for one in live.recorded if one != NOTHING_BEFORE), None)
        knows = since is not None and history.knows(since)
        before = self._declared(since, live.model) if knows else None
        found = []
        for commit in history.merged_since(since, live.model):
            after = self._declared(commit, live.model)
            if after != before or after is _BROKEN:
                found.append(commit)
            before = after
        return found

    def _declared(self, commit: str | None, model: str) -> object:
        history = self.workspace.history
        if history is None or commit is None:
            return None
        try:
            return history.declared(commit, self.workspace.owner, model)
        except DeclarationError:
            return _BROKEN

    def _merge(self, commit: str) -> Merge | None:
        if commit not in self._by_commit:
            self._by_commit[commit] = self._ask(commit)
        return self._by_commit[commit]

    def _ask(self, commit: str) -> Merge | None:
        if self.forge is None:
            return None
        pulls = [pull for pull in self.forge.pull_requests_of(commit) if self._is_ours(pull.base)]
        if not pulls:
            return None
        pull = next((one for one in pulls if one.merge_commit == commit), pulls[0])
        return Merge(
            pull, commit, self.forge.authors(pull), self.forge.approvals(pull), self._shown(pull)
        )

    def _is_ours(self, base: str) -> bool:
        """Return whether a branch is the main line: a merge into another one was not one here."""
        line = self.workspace.main_line
        return line is None or line[0].removeprefix("origin/") == base

    def _shown(self, pull: PullRequest) -> ShownPlan | None:
        """Return what the latest check of the head keeps, None where that is not a plan."""
        if self.forge is None:
            return None
        texts: list[str] = []
        for number in range(1, plan_in_check.MOST_PARTS + 1):
            checks = self.forge.checks(pull.head, self.check(number))
            ours = [one for one in checks if one.app == self._app]
            if not ours or ours[0].conclusion == "failure":
                break
            texts.append(ours[0].text)
            plan = plan_in_check.loads(texts)
            if plan is not None:
                return plan
        return None
