"""Makes the edits of `migrate stages --step` and `--clear`: from stages to aliases, in steps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.api.editing.edit import Edit
from reconciler.api.editing.lookups import state_files
from reconciler.api.migration.live_models import live_models
from reconciler.api.migration.plan_proof import PlansOfStep, pending_bridge, plans_of_step
from reconciler.api.migration.stage_users import stage_users
from reconciler.api.workspace import Workspace
from reconciler.authoring.draft import Draft
from reconciler.authoring.migration.bridging import bridge_of, bridging
from reconciler.authoring.migration.dropping_stages import (
    clearing,
    declares_stage,
    dropping_stages,
)
from reconciler.authoring.migration.serving_by_alias import serving_by_alias, still_by_stage
from reconciler.authoring.migration.step import (
    BRIDGE,
    DROP_STAGES,
    SERVE_BY_ALIAS,
    STEPS,
    StepEdits,
    nothing_left,
)
from reconciler.authoring.migration.step_draft import (
    declared_after,
    drafted_step,
    written_settings,
)
from reconciler.authoring.proposal import check_text
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.matching import nearest
from reconciler.errors import ExitCode, Problem, Refused, UsageError
from reconciler.render import phrases
from reconciler.render.json_documents import Document

_COMMAND: Final = "reconciler migrate stages"


@dataclass(frozen=True, slots=True)
class StepRequest:
    """What is asked for; `keep` has the versions that stay, by model, `scan` paths to code."""

    step: str
    keep: Mapping[str, Collection[int]]
    bridge: Mapping[str, str]
    scan: Collection[str]
    reason: str | None
    clear: bool = False


class Migration(Edit):
    """A step from stages to aliases, as an edit of the settings and of models' files.

    `step` is its name. `notes` say what it leaves as it is, and what a plan before and after it
    proves. Where it is `refused`, `problems` have every conflict with what to do.

    >>> r.migrate("bridge").step
    'bridge'
    """

    def __init__(
        self,
        workspace: Workspace,
        step: StepEdits,
        draft: Draft | None = None,
        *,
        proof: str = "",
        refusals: Sequence[Problem] = (),
    ) -> None:
        super().__init__(workspace, draft, problems=refusals, refused=bool(refusals))
        self.step = step.name
        self.bridge = dict(step.settings.after.bridge.pairs)
        self._proof = proof
        self._looked_at = len(workspace.desired.declarations)
        if step.nothing and not refusals:
            self.next = f"nothing is left to do: {step.nothing}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the change leaves as it is, and what was proven of it."""
        return (*super().notes, *((self._proof,) if self._proof else ()))

    def document(self) -> Document:
        """Return the document of `migrate stages --step`, its `exit` included."""
        return self._document({"step": self.step, "bridge": self.bridge})

    def to_text(self, seconds: float | None = None) -> str:
        """Return what the command prints; `seconds` replaces the time in its last line."""
        return self._text((), self._looked_at, seconds)


def migrate(workspace: Workspace, request: StepRequest) -> Migration:
    """Return the edit; the arguments are those of `Reconciler.migrate`."""
    check_text("--reason", request.reason)
    _check(request)
    if request.clear:
        return _clear(workspace, request)
    match request.step:
        case "bridge":
            return _bridge(workspace, request)
        case "serve-by-alias":
            return _serve_by_alias(workspace, request)
        case _:
            return _drop_stages(workspace, request)


def _check(request: StepRequest) -> None:
    """Raise `UsageError` for what cannot be meant."""
    if request.clear and request.step not in ("", DROP_STAGES):
        raise UsageError(f"`--clear` comes after `{DROP_STAGES}`", hint=f"`{_COMMAND} --clear`")
    if not request.clear and request.step not in STEPS:
        steps = ", ".join(f"`{step}`" for step in STEPS)
        hint = nearest(request.step, STEPS) or f"there are {steps}"
        raise UsageError(f"`{request.step}` is not a step", hint=hint)
    for option, given in (("--keep", request.keep), ("--bridge", request.bridge)):
        if given and (request.clear or request.step != BRIDGE):
            raise UsageError(f"`{option}` belongs to the step `{BRIDGE}`", hint="leave it out")


def _bridge(workspace: Workspace, request: StepRequest) -> Migration:
    desired = workspace.desired
    bridge = bridge_of(desired.settings, request.bridge)
    if not (request.bridge or desired.settings.bridge or _needs_bridge(desired)):
        nothing = "no file declares a stage, and what serves, serves by an alias"
        return Migration(workspace, nothing_left(BRIDGE, desired.settings, nothing))
    _require_both_words(workspace)
    live, unread = live_models(workspace, everything=False)
    step = bridging(desired, live, bridge, request.keep)
    return _answer(workspace, step, request, refusals=(*step.refusals, *unread))


def _require_both_words(workspace: Workspace) -> None:
    """Raise `Refused` for a registry whose plan could not hold a bridge."""
    features = workspace.registry.capabilities()
    lacking = "aliases" if not features.aliases else "stages" if not features.stages else None
    if lacking is not None:
        raise Refused(f"{features.why} has no {lacking}: a bridge needs both")


def _needs_bridge(desired: DeclaredState) -> bool:
    """Return whether anything of the folder is said in stages."""
    return _serves_by_stage(desired) or any(map(declares_stage, desired.declarations.values()))


def _serves_by_stage(desired: DeclaredState) -> bool:
    rules = desired.settings.serving
    servings = [rules.of(name, one) for name, one in desired.declarations.items()]
    return any(serving.alias is None for serving in (rules.default, *servings))


def _serve_by_alias(workspace: Workspace, request: StepRequest) -> Migration:
    desired = workspace.desired
    if not desired.settings.bridge:
        if not _needs_bridge(desired):
            nothing = "what serves, serves by an alias"
            return Migration(workspace, nothing_left(SERVE_BY_ALIAS, desired.settings, nothing))
        raise _without_bridge(SERVE_BY_ALIAS)
    step = serving_by_alias(desired, written_settings(state_files(workspace)))
    return _proven(workspace, step, request)


def _drop_stages(workspace: Workspace, request: StepRequest) -> Migration:
    desired = workspace.desired
    if not desired.settings.bridge and any(map(declares_stage, desired.declarations.values())):
        raise _unbridged(desired, DROP_STAGES)
    if places := still_by_stage(desired):
        raise Refused(
            f"`{DROP_STAGES}` comes after `{SERVE_BY_ALIAS}`: {phrases.some(places, 3)} says that "
            "a stage serves",
            hint=f"`{_COMMAND} --step {SERVE_BY_ALIAS}`",
        )
    step = dropping_stages(desired, written_settings(state_files(workspace)))
    if not step.nothing and (users := stage_users(workspace, request.scan)):
        return Migration(workspace, step, refusals=users)
    return _proven(workspace, step, request)


def _clear(workspace: Workspace, request: StepRequest) -> Migration:
    desired = workspace.desired
    staged = any(map(declares_stage, desired.declarations.values()))
    if desired.settings.bridge or (staged and _serves_by_stage(desired)):
        raise Refused(
            f"`--clear` comes after `{DROP_STAGES}`",
            hint=f"`{_COMMAND} --step {DROP_STAGES}`, and apply it",
        )
    if staged:
        raise _unbridged(desired, "--clear")
    live, unread = live_models(workspace, everything=False)
    step = clearing(desired, live)
    users = () if step.nothing else stage_users(workspace, request.scan)
    return _answer(workspace, step, request, refusals=(*users, *unread))


def _unbridged(desired: DeclaredState, step: str) -> Refused:
    """Return why a step cannot take the stages that no bridge has."""
    if _serves_by_stage(desired):
        return _without_bridge(step)
    staged = [one.model for one in desired.declarations.values() if declares_stage(one)]
    return Refused(
        f"{phrases.some_models(staged)} {'declares' if len(staged) == 1 else 'declare'} a stage "
        f"that is not bridged: `{step}` leaves it no alias",
        hint="take the stage out by hand, or add it to `exclusive` and bridge it: "
        f"`{_COMMAND} --step {BRIDGE} --bridge STAGE=ALIAS`",
    )


def _without_bridge(step: str) -> Refused:
    return Refused(
        f"`{step}` comes after `{BRIDGE}`: the settings bridge no stage",
        hint=f"`{_COMMAND} --step {BRIDGE}`, and apply it",
    )


def _proven(workspace: Workspace, step: StepEdits, request: StepRequest) -> Migration:
    """Return the answer for a step that has nothing written, as two plans prove."""
    if step.nothing:
        return Migration(workspace, step)
    state = state_files(workspace)
    draft = drafted_step(step, workspace.desired.settings, state, request.reason)
    plans = plans_of_step(workspace, declared_after(draft.files, state))
    if refusals := [*_unapplied(plans, step)] or [*plans.differences()]:
        return Migration(workspace, step, refusals=refusals)
    proof = f"the same plan before and after it: {_counted(plans)}; the step writes nothing"
    return Migration(workspace, step, draft, proof=proof)


def _counted(plans: PlansOfStep) -> str:
    changes = len(plans.before.changes)
    on = phrases.models(len(plans.before.models))
    return f"{phrases.count(changes, 'change') if changes else 'no change'} on {on}"


def _unapplied(plans: PlansOfStep, step: StepEdits) -> Iterator[Problem]:
    """Yield what the bridge still has to write: then readers by alias do not have all of it."""
    pending = pending_bridge(plans.before)
    if pending:
        yield Problem(
            "the registry does not have all that the bridge adds yet: "
            f"{phrases.some([str(one) for one in pending], 3)}",
            ExitCode.OUT_OF_STEP,
            hint=f"merge what is open and apply it, then take `{step.name}`",
        )


def _answer(
    workspace: Workspace, step: StepEdits, request: StepRequest, *, refusals: Sequence[Problem]
) -> Migration:
    if refusals or step.nothing:
        return Migration(workspace, step, refusals=refusals)
    state = state_files(workspace)
    draft = drafted_step(step, workspace.desired.settings, state, request.reason)
    declared_after(draft.files, state)
    return Migration(workspace, step, draft)
