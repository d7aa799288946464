"""What is done about a model that failed: a pull request, a comment, or the command to type."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.api.ci.job import Job
from reconciler.api.editing.edit import Edit
from reconciler.api.editing.proposing import ProposalPlace, ProposalText, rollback_branch
from reconciler.api.editing.rolling_back import RollbackRequest, roll_back
from reconciler.api.watching.subjects import WatchSubject
from reconciler.audit.dates import parse_moment
from reconciler.errors import Problem, ReconcilerError
from reconciler.forges.error_mapping import Missing
from reconciler.policy.watching.looks import Look, Proposed, WatchMemory
from reconciler.policy.watching.proposals import ProposalDecision, ServingFacts, proposal_of
from reconciler.policy.watching.remembered import of_rule
from reconciler.policy.watching.watched_model import ProposalOutcome, WatchedModel
from reconciler.ports.forge import Forge, PullRequest
from reconciler.render.watching import rollback_proposal as words
from reconciler.render.watching.rollback_proposal import FailedRule, RollbackCase

DEFAULT_STATE = "registry-state"
_MOST_AGAINST = 3  # versions that are told why nobody can go back to them
_KIND = "watch"  # of the hidden lines by which pull request and comment are found again


class Proposer:
    """Proposes rollbacks, one model after the other.

    `new` are the proposals of now, and `problems` what kept others from being made.
    """

    def __init__(self, job: Job, memory: WatchMemory, looks: Sequence[Look], now: datetime) -> None:
        self._job = job
        self._memory = memory
        self._looks = (*memory.looks, *looks)
        self._now = now
        self.new: list[Proposed] = []
        self.problems: list[Problem] = []

    def outcome(self, subject: WatchSubject, model: WatchedModel) -> ProposalOutcome:
        """Return what was done about a model that failed; one that fails costs no other."""
        try:
            return self._outcome(subject, model)
        except ReconcilerError as error:
            self.problems += [replace(one, model=model.model) for one in error.problems]
            return ProposalOutcome("held-back", error.message)

    def _outcome(self, subject: WatchSubject, model: WatchedModel) -> ProposalOutcome:
        pull = self._open_pull(model)
        decision = self._decision(subject, model, pull)
        if decision.action == "comment" and pull is not None:
            return self._commented(subject, model, decision, pull)
        if decision.action != "propose":
            return ProposalOutcome("held-back", decision.why)
        failed = self._failed(model)
        reason = words.reason(failed)
        asked = RollbackRequest(subject.model, block=True, reason=reason, digest=False)
        edit = roll_back(self._job.workspace, asked)
        if edit.refused or edit.target is None:
            return ProposalOutcome("held-back", _without_target(edit))
        case = self._case(subject, model, edit)
        why = self._only_said(decision)
        if why is not None:
            return ProposalOutcome("would-open", why, case.target)
        if self._job.forge is None or self._job.remote is None:
            why = "there is no forge to open a pull request on"
            command = self._command(model.model, reason)
            return ProposalOutcome("would-open", why, case.target, command=command)
        return self._opened(case, edit, self._job.forge, self._job.remote)

    def _open_pull(self, model: WatchedModel) -> PullRequest | None:
        """Return the proposal of an earlier look that nobody has merged or closed."""
        forge = self._job.forge
        marker = self._job.marker(_KIND, model.model)
        pulls = forge.open_pull_requests(marker) if forge is not None else ()
        return pulls[-1] if pulls else None

    def _decision(
        self, subject: WatchSubject, model: WatchedModel, pull: PullRequest | None
    ) -> ProposalDecision:
        facts = ServingFacts(
            subject.model,
            subject.version or 0,
            by_rollback=subject.is_rollback,
            open=self._remembered(model, pull) if pull is not None else None,
            ended=self._ended(subject) if pull is None else None,
        )
        verdicts = [row.verdict for row in model.rules]
        rules = {rule.name: rule for rule in subject.rules}
        return proposal_of(verdicts, rules, facts, self._memory.proposals, self._now)

    def _remembered(self, model: WatchedModel, pull: PullRequest) -> Proposed:
        """Return what is remembered of a pull request; that may have been lost."""
        name, number = model.model, pull.number
        for known in self._memory.proposals:
            if (known.model, known.number) == (name, number):
                return known
        return Proposed(name, model.version or 0, 0, self._now, "", number, pull.url)

    def _ended(self, subject: WatchSubject) -> datetime | None:
        """Return when the last proposal was merged or closed, where the forge tells."""
        forge = self._job.forge
        made = [one for one in self._memory.proposals if one.model == subject.model]
        if forge is None or not made:
            return None
        try:
            ended = forge.pull_request(made[-1].number).ended
        except Missing:  # the repository moved, or somebody else wrote the memory
            return None
        return parse_moment(ended, is_end=False, now=self._now) if ended else None

    def _only_said(self, decision: ProposalDecision) -> str | None:
        """Return why nothing is done that was decided, None where it is done."""
        if decision.mode == "observe":
            return "`mode: observe`"
        return "this is a dry run" if self._job.dry_run else None

    def _commented(
        self,
        subject: WatchSubject,
        model: WatchedModel,
        decision: ProposalDecision,
        pull: PullRequest,
    ) -> ProposalOutcome:
        why = self._only_said(decision)
        if why is not None:
            return ProposalOutcome("held-back", f"{decision.why}; {why}", url=pull.url)
        about = self._remembered(model, pull).version
        case = replace(self._case(subject, model, None), proposed=about)
        self._job.comment(
            f"{_KIND}-look", pull.number, lambda room: words.comment(case, room, self._job.more)
        )
        return ProposalOutcome("commented", decision.why, number=pull.number, url=pull.url)

    def _opened(self, case: RollbackCase, edit: Edit, forge: Forge, remote: str) -> ProposalOutcome:
        line, tip = self._job.workspace.main_line or ("", self._job.commit)
        base = line.removeprefix(f"{remote}/") or self._job.pipeline.base or "main"
        marker = self._job.marker(_KIND, case.model)
        room = forge.comment_limit - len(marker) - 1
        text = ProposalText(
            rollback_branch(case.model, case.version, case.target),
            words.title(case),
            f"{marker}\n{words.body(case, room, self._job.more)}",
            words.trailers(case.failed),
        )
        made = edit.propose(ProposalPlace(forge, remote, tip, base), text)
        if made is None:
            return ProposalOutcome("held-back", "it is declared so already")
        number, url, branch = made.pull.number, made.pull.url, made.branch.name
        new = Proposed(case.model, case.version, case.target, self._now, branch, number, url)
        self.new.append(new)
        return ProposalOutcome("opened", None, case.target, branch=branch, number=number, url=url)

    def _case(self, subject: WatchSubject, model: WatchedModel, edit: Edit | None) -> RollbackCase:
        """Return why the version is to go back, as the pull request or its comment tells it."""
        forge, target = self._job.forge, edit.target if edit is not None else None
        return RollbackCase(
            model=model.model,
            version=model.version or 0,
            target=target.version if target is not None else 0,
            since=model.since,
            failed=self._failed(model),
            now=self._now,
            others=tuple(row.verdict for row in model.rules if row.verdict.verdict != "failed"),
            put_there=subject.put_there,
            changes=edit.meaning if edit is not None else (),
            pull_mark="!" if forge is not None and forge.name == "GitLab" else "#",
        )

    def _failed(self, model: WatchedModel) -> tuple[FailedRule, ...]:
        """Return the rules that failed, each with all that it saw of the model."""
        return tuple(
            FailedRule(row.rule, row.verdict, tuple(of_rule(row.rule, self._looks, model.model)))
            for row in model.rules
            if row.verdict.verdict == "failed"
        )

    def _command(self, model: str, reason: str) -> str:
        state = self._job.workspace.state
        where = ("--state", state) if state != DEFAULT_STATE else ()
        words = ("reconciler", "rollback", model, "--block", "--reason", reason, "--pr", *where)
        return shlex.join(words)


def _without_target(edit: Edit) -> str:
    against = [f"v{one.version}: {one.against}" for one in edit.candidates if one.against]
    return "; ".join([edit.problems[0].message, *against[:_MOST_AGAINST]])
