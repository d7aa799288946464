"""Authorises an apply after a merge: a changed model is written as its pull requests showed it.

The others are left out before the rest is judged: what is not written breaks no rule, and must not
keep what is written from it.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reconciler.core.changes import Change
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan
from reconciler.core.settings import Settings
from reconciler.core.state import Live
from reconciler.errors import ExitCode, OutOfStep, Problem, UsageError
from reconciler.planning.ancestry import NOTHING_BEFORE
from reconciler.planning.approved_plan import Approved, not_shown
from reconciler.planning.checks import Compared
from reconciler.planning.planner import Checkout
from reconciler.ports.history import History

_MOST_LISTED: Final = 5  # values that drifted, in a message

Judge: TypeAlias = Callable[[Compared], JudgedPlan]


@dataclass(frozen=True, slots=True)
class MergeEvidence:
    """What an apply after a merge is authorised by.

    `settings` are those that the merge could not loosen. The first apply of a registry needs no
    pull request. `shown` returns what the merged pull requests showed for a model, oldest first;
    it is asked about the models that depend on it. `described` words a change.
    """

    settings: Settings
    is_first_apply: bool
    shown: Callable[[Live], Sequence[Approved]]
    described: Callable[[Change], str]


def judged_as_shown(compared: Compared, evidence: MergeEvidence, judge: Judge) -> JudgedPlan:
    """Return the judged plan that writes the authorised models alone."""
    unapproved = _unapproved(compared, evidence)
    # They are not written: what their rules say does not depend on bytes, which take long to read.
    taken_out = [
        replace(model, bytes=()) for model in compared.plan.models if model.model in unapproved
    ]
    denied = judge(compared.narrowed(taken_out)).denied
    models = []
    for model in compared.plan.models:
        if model.model in unapproved:
            broken = [rule.problem for rule in denied if rule.model == model.model]
            models.append(_refused(model, [unapproved[model.model], *broken]))
        elif model.record is None and not evidence.settings.heal:
            models.append(_without_drift(model, evidence.described))
        else:
            models.append(model)
    return judge(compared.narrowed(models))


def with_digest(plan: DraftPlan, model: str, digest: str) -> ModelPlan:
    """Return the plan of one model, authorised by hand.

    Raises `UsageError` for a model without a plan, `OutOfStep` for a plan of another digest.
    """
    chosen = next((model_plan for model_plan in plan.models if model_plan.model == model), None)
    if chosen is None:
        raise UsageError(f"--model {model}: no file declares that model")
    present = chosen.digest(plan.registry)
    if present != digest:
        raise OutOfStep(
            f"the plan of `{model}` is {present}, not {digest}",
            hint=f"look at `reconciler plan --model {shlex.quote(model)}`, and start again with "
            "that digest",
        )
    return chosen


def is_first_apply(compared: Compared, checkout: Checkout) -> bool:
    """Return whether this repository applied no model before; another one's can have our name."""
    history, declared = checkout.history, checkout.desired.declarations
    return history is None or not any(
        live.owner == checkout.owner
        and _was_applied(live, history, is_declared=live.model in declared)
        for live in compared.live.values()
    )


def _was_applied(live: Live, history: History, *, is_declared: bool) -> bool:
    """Return whether the record of a model tells of an apply before this commit.

    This commit's own record is no "before" where no earlier one declared the model: a first apply
    that was cut off is finished by running its job again.
    """
    if live.recorded == (history.head,):
        earlier = (commit != history.head for commit in history.merged_since(None, live.model))
        return not is_declared or any(earlier)
    before = (commit for commit in live.recorded if commit not in (NOTHING_BEFORE, history.head))
    return any(history.knows(commit) for commit in before)


def _without_drift(model: ModelPlan, described: Callable[[Change], str]) -> ModelPlan:
    """Return a model that nobody changed: what drifted is named, and left as it is."""
    if not model.changes:
        return model
    number = len(model.changes)
    named = [described(change) for change in model.changes[:_MOST_LISTED]]
    named += [f"{number - _MOST_LISTED} more"] if number > _MOST_LISTED else []
    message = (
        f"{number} value{'' if number == 1 else 's'} drifted and are left: no declaration changed "
        f"({'; '.join(named)}). `heal: true` puts them back, and so does an apply by hand"
    )
    return replace(model, changes=(), outcome="in-sync", messages=(*model.messages, message))


def _unapproved(compared: Compared, evidence: MergeEvidence) -> Mapping[str, Problem]:
    """Return the models that are not what their pull requests showed, and why."""
    if evidence.is_first_apply or evidence.settings.fresh:
        return {}
    problems = {}
    for model in compared.plan.models:
        live = compared.live.get(model.model)
        if live is not None and model.record is not None and model.changes and not model.problems:
            digest = model.digest(compared.plan.registry)
            problem = _not_as_shown(model, digest, evidence.shown(live))
            if problem is not None:
                problems[model.model] = problem
    return problems


def _not_as_shown(model: ModelPlan, digest: str, shown: Sequence[Approved]) -> Problem | None:
    contrasts = not_shown(model, digest, shown)
    if not contrasts:
        return None
    numbers = ", ".join(f"#{approved.pull_request}" for approved in shown)
    name = shlex.quote(model.model)
    return Problem(
        f"unapproved: this is not what {numbers} showed"
        if shown
        else "unapproved: no pull request showed this",
        ExitCode.OUT_OF_STEP,
        file=model.file,
        model=model.model,
        hint=f"look at `reconciler plan --model {name}`, then run the apply by hand with "
        f"`--model {name} --digest {digest}`",
        contrasts=contrasts,
    )


def _refused(model: ModelPlan, problems: Sequence[Problem]) -> ModelPlan:
    placed = tuple(replace(problem, file=model.file) for problem in problems)
    return replace(model, outcome="error", changes=(), record=None, problems=placed)
