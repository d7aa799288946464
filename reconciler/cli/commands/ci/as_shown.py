"""Which models an apply after a merge writes: those that changed, as their pull requests showed.

The others are left out before the rest is judged: what is not written breaks no rule, and must not
keep what is written from it.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.api.merge_approvals import Merges
from reconciler.api.workspace import Workspace
from reconciler.audit.approved_plan import not_shown
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan
from reconciler.core.settings import effective_settings
from reconciler.core.state import Live
from reconciler.errors import ExitCode, OutOfStep, Problem, UsageError
from reconciler.planning.ancestry import NOTHING_BEFORE
from reconciler.planning.checks import Compared, Judging
from reconciler.render import phrases

_SHOWN = 5  # values that drifted, in a message


def expected(plan: DraftPlan, model: str, digest: str | None) -> ModelPlan:
    """Return the plan of a model; raises `OutOfStep` where it is not the one with that digest."""
    found = next((one for one in plan.models if one.model == model), None)
    if found is None:
        raise UsageError(f"--model {model}: no file declares that model")
    if found.digest(plan.registry) != digest:
        raise OutOfStep(
            f"the plan of `{model}` is {found.digest(plan.registry)}, not {digest}",
            hint=f"look at `reconciler plan --model {shlex.quote(model)}`, and start again with "
            "that digest",
        )
    return found


def judged_as_shown(
    compared: Compared, workspace: Workspace, merges: Merges, gate: Judging
) -> JudgedPlan:
    """Return the judged plan with those models alone to write that may be written."""
    is_first = not any(_is_ours(live, workspace) for live in compared.live.values())
    settings = effective_settings(
        workspace.desired.settings, workspace.settings_one_commit_ago
    ).settings
    unapproved = {} if is_first or settings.fresh else _unapproved(compared, merges)
    taken_out = [one for one in compared.plan.models if one.model in unapproved]
    broken = workspace.judge(compared.narrowed(taken_out), gate).denied
    models = []
    for one in compared.plan.models:
        if one.model in unapproved:
            rules_of_it = [rule.problem for rule in broken if rule.model == one.model]
            models.append(_refused(one, [unapproved[one.model], *rules_of_it]))
        elif one.record is None and not settings.heal:
            models.append(_left(one))
        else:
            models.append(one)
    plan = workspace.judge(compared.narrowed(models), gate)
    if is_first:
        merges.begin()
    return plan


def _is_ours(live: Live, workspace: Workspace) -> bool:
    """Return whether this repository applied a model before; another one's can have our name.

    This commit's own record is no "before" where no earlier one declared the model: a first apply
    that was cut off is finished by running its job again.
    """
    history = workspace.history
    if live.owner != workspace.owner or history is None:
        return False
    if live.recorded == (history.head,):
        is_gone = live.model not in workspace.desired.declarations
        return is_gone or any(one != history.head for one in history.merged_since(None, live.model))
    before = (one for one in live.recorded if one not in (NOTHING_BEFORE, history.head))
    return any(history.knows(one) for one in before)


def _left(model: ModelPlan) -> ModelPlan:
    """Return a model that nobody changed: what drifted is shown, and left as it is."""
    if not model.changes:
        return model
    shown = [f"{phrases.subject(one.field)}, {phrases.move(one)}" for one in model.changes[:_SHOWN]]
    shown += [f"{len(model.changes) - _SHOWN} more"] if len(model.changes) > _SHOWN else []
    said = f"{phrases.count(len(model.changes), 'value')} drifted and are left: no declaration"
    way = "`heal: true` puts them back, and so does an apply by hand"
    message = f"{said} changed ({'; '.join(shown)}). {way}"
    return replace(model, changes=(), outcome="in-sync", messages=(*model.messages, message))


def _unapproved(compared: Compared, merges: Merges) -> Mapping[str, Problem]:
    """Return the models that are not what their pull requests showed, and why."""
    found = {}
    for model in compared.plan.models:
        live = compared.live.get(model.model)
        if live is not None and model.record is not None and model.changes and not model.problems:
            problem = _not_as_shown(model, model.digest(compared.plan.registry), merges, live)
            if problem is not None:
                found[model.model] = problem
    return found


def _not_as_shown(model: ModelPlan, digest: str, merges: Merges, live: Live) -> Problem | None:
    by = merges.approved(live)
    contrasts = not_shown(model, digest, by)
    if not contrasts:
        return None
    numbers = ", ".join(f"#{one.pull_request}" for one in by)
    name = shlex.quote(model.model)
    return Problem(
        f"unapproved: this is not what {numbers} showed"
        if by
        else "unapproved: no pull request showed this",
        ExitCode.OUT_OF_STEP,
        file=model.file,
        model=model.model,
        hint=f"look at `reconciler plan --model {name}`, then run the apply by hand with "
        f"`--model {name} --digest {digest}`",
        contrasts=contrasts,
    )


def _refused(model: ModelPlan, problems: Sequence[Problem]) -> ModelPlan:
    there = tuple(replace(problem, file=model.file) for problem in problems)
    return replace(model, outcome="error", changes=(), record=None, problems=there)
