"""Plans all chosen models: reads base and live, computes the difference, has it judged."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.plan import DraftPlan, JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.settings import Settings, VerifyAt, effective_settings
from reconciler.core.state import Consumer, Declaration, Live, aliases
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.planning.ancestry import NOTHING_BEFORE
from reconciler.planning.checks import Compared, Judging, ModelDraft, judge
from reconciler.planning.consumers import consumers_at, consumers_before, takes_away
from reconciler.planning.live_state import READERS, Listing, read_live
from reconciler.planning.model_plan import Planned, plan_model
from reconciler.planning.ownership import PlanningContext
from reconciler.planning.preconditions import unsupported
from reconciler.planning.renames import Names
from reconciler.policy import guards
from reconciler.ports.history import History
from reconciler.ports.registry import Capabilities, Registry


@dataclass(frozen=True, slots=True)
class Checkout:
    """The declared state to plan, and its history.

    `history` is None outside a repository; the difference is two-way then. `owner` is the name
    that is recorded on the models of this state folder. `base_settings` are those that this
    checkout's own must not loosen, at the commit `base_commit`; None means those before each
    model's change.
    """

    desired: DeclaredState
    state: StateRef
    owner: str
    history: History | None = None
    base_settings: Settings | None = None
    base_commit: str | None = None


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan: with `models` None, every declared and every released model.

    `planning` allows the outcome `behind`, which an apply refuses. `allow_superseded` makes a
    superseded model a warning instead of an error, for a job that a newer one overtook.
    """

    models: frozenset[str] | None = None
    adopt: frozenset[str] = frozenset()
    planning: bool = True
    allow_superseded: bool = False
    parallelism: int = READERS


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan, and the live models by name that it was computed from."""

    plan: JudgedPlan
    live: Mapping[str, Live]


def reconcile(
    checkout: Checkout,
    registry: Registry,
    ref: RegistryRef,
    request: PlanRequest,
    judging: Judging,
    *,
    listing: Listing | None = None,
) -> Reading:
    """Read the registry once and return the judged plan; raises as `compare` does."""
    compared = compare(checkout, registry, ref, request, listing=listing)
    return Reading(judge(compared, registry, judging), compared.live)


def compare(
    checkout: Checkout,
    registry: Registry,
    ref: RegistryRef,
    request: PlanRequest,
    *,
    listing: Listing | None = None,
) -> Compared:
    """Read the registry once and return the difference, not judged.

    `listing` waits for the registry's models, where their listing was begun before.

    Raises `DeclarationError` when the backend does not support what is declared, `RegistryError`
    when the registry cannot be read.
    """
    desired = checkout.desired
    chosen = sorted(request.models if request.models is not None else desired.declarations)
    needed = {
        name: tuple(desired.declarations[name].versions) if name in desired.declarations else ()
        for name in chosen
    }
    models, unreadable = read_live(
        registry,
        needed,
        everything=request.models is None,
        parallelism=request.parallelism,
        listing=listing,
    )
    capabilities = registry.capabilities(has_aliases=_needs_no_proof(desired, chosen, models))
    _refuse_unsupported(desired, chosen, capabilities)
    live = {
        name: model for name, model in models.items() if not desired.settings.ignore.model(name)
    }
    names = Names(desired.declarations, live, checkout.owner, checkout.history)
    if request.models is not None:
        names = _all_names(names, chosen, desired, registry)
    drafts = tuple(
        draft
        for name, context in _contexts(chosen, names, unreadable, checkout, request)
        if (draft := _draft(name, live, unreadable.get(name), checkout, context)) is not None
    )
    declared = [name for name in chosen if name in desired.declarations]
    registry_violations = () if unreadable else guards.check_registry(declared, live, registry.uri)
    plan = DraftPlan(
        registry=ref,
        state=checkout.state,
        models=tuple(draft.planned.plan for draft in drafts),
        warnings=desired.warnings,
        exclusive=_exclusive(drafts, desired.settings),
        notes=tuple(dict.fromkeys(note for draft in drafts for note in draft.notes)),
    )
    return Compared(plan, live, drafts, registry_violations)


def not_read_again(plan: JudgedPlan, checkout: Checkout) -> frozenset[str]:
    """Return the models whose bytes an apply leaves unread, by the settings of this checkout.

    Those count, because a plan that was saved may have been made under other settings: what they
    have a plan read, and that plan did not, the apply reads.
    """
    return frozenset(
        model.model
        for model in plan.models
        if model.bytes and not _is_to_be_read(model, _steps(model, checkout))
    )


def _is_to_be_read(plan: ModelPlan, steps: Collection[VerifyAt]) -> bool:
    was_read = all(check.outcome != "unchecked" for check in plan.bytes)
    return "apply" in steps or ("plan" in steps and not was_read)


def _steps(plan: ModelPlan, checkout: Checkout) -> Collection[VerifyAt]:
    """Return the steps that read a model's bytes, by what its plan saw of its record."""
    commit, owner = (plan.seen.commit, plan.seen.owner) if plan.seen else (None, None)
    seen = Live(plan.model, {}, {}, commit=commit, owner=owner)
    base = _base_settings(seen, checkout)
    return effective_settings(checkout.desired.settings, base).settings.verify


def _draft(
    name: str,
    live: Mapping[str, Live],
    unreadable: Problem | None,
    checkout: Checkout,
    context: PlanningContext,
) -> ModelDraft | None:
    """Return the draft of one model; None for a model that this state folder does not manage."""
    desired = checkout.desired
    declaration, live_model = desired.declarations.get(name), live.get(name)
    if unreadable is not None:
        plan = _unreadable(name, unreadable, checkout)
        effective = effective_settings(desired.settings, None)
        return ModelDraft(
            Planned(plan), declaration, None, effective, effective.servings(name, declaration, ())
        )
    if declaration is None and (live_model is None or live_model.owner != checkout.owner):
        return None  # requested by name, but not managed here
    effective = effective_settings(desired.settings, _base_settings(live_model, checkout))
    context = replace(context, settings=effective.settings)
    planned = plan_model(name, declaration, live_model, context)
    if declaration is None and planned.plan.outcome == "in-sync":
        return None  # released before, or never managed here
    # A model that nothing is written for loses nothing: its past is not read.
    names = (name, *context.other_name.former)
    before = _declared_before(live_model, checkout, names) if planned.plan.changes else ()
    servings = effective.servings(name, declaration, before)
    consumers = _consumers_before(planned.plan, live_model, checkout, names)
    draft = ModelDraft(
        planned, declaration, live_model, effective, servings, consumers_before=consumers
    )
    return draft.planned_as(planned.plan)


def _contexts(
    chosen: Collection[str],
    names: Names,
    unreadable: Collection[str],
    checkout: Checkout,
    request: PlanRequest,
) -> Iterator[tuple[str, PlanningContext]]:
    """Yield the models to plan, those to be released included, each with its context."""
    desired, live = checkout.desired, names.live
    missing = names.of_missing([n for n in names.missing(chosen) if n not in unreadable])
    # What git renamed is not released before the registry renames it, too: its record is the base.
    waiting = {other.waiting for other in missing.values() if other.waiting is not None}
    owned = _owned(live, checkout.owner) if request.models is None else set()
    live_names = tuple(live)
    renamed = names.renamed({*chosen, *owned} - desired.declarations.keys())
    for name in sorted({*chosen, *owned} - waiting - {*renamed}):
        yield (
            name,
            PlanningContext(
                settings=desired.settings,
                owner=checkout.owner,
                history=checkout.history,
                planning=request.planning,
                allow_superseded=request.allow_superseded,
                adopt=request.adopt,
                names=live_names,
                other_name=missing.get(name) or names.of_live(name),
            ),
        )


def _all_names(
    names: Names, chosen: Collection[str], desired: DeclaredState, registry: Registry
) -> Names:
    """Return the names with those of the whole registry, where a chosen model may have another."""
    if not names.missing(chosen) and not any(map(names.is_unsettled, chosen)):
        return names
    ignore = desired.settings.ignore
    others = {name: model for name, model in registry.read().items() if not ignore.model(name)}
    return replace(names, live={**others, **names.live})


def _base_settings(live: Live | None, checkout: Checkout) -> Settings | None:
    """Return the settings that a change to this model must not loosen; None without any."""
    history = checkout.history
    if checkout.base_settings is not None or live is None or history is None:
        return checkout.base_settings
    # Without a known record, the settings before this commit apply.
    since = _known_record(live, history) or history.head
    return history.base_settings(since, live.owner or checkout.owner, live.model)


def _declared_before(
    live: Live | None, checkout: Checkout, names: Sequence[str]
) -> Iterable[Declaration | None]:
    """Yield what declared a model before its change: by the record, and by `base_commit`.

    `names` are those that the model has and had.
    """
    history = checkout.history
    if live is None or history is None:
        return
    recorded = _known_record(live, history) or history.parent
    named = dict.fromkeys(commit for commit in (recorded, checkout.base_commit) if commit)
    for commit in named or (None,):  # before the first commit nothing was declared
        owner = live.owner or checkout.owner
        try:
            found = (history.declared(commit, owner, name) for name in names if commit)
            yield from tuple(filter(None, found)) or (None,)
        except DeclarationError:  # the settings alone count; the model's own plan refuses it
            yield None


def _consumers_before(
    plan: ModelPlan, live: Live | None, checkout: Checkout, names: Sequence[str]
) -> tuple[Consumer, ...]:
    """Return the consumers of a model before its change, where that may take something from them.

    That is by the record, and by `base_commit`.
    """
    history = checkout.history
    if live is None or history is None or not takes_away(plan.changes):
        return ()
    owner, found = live.owner or checkout.owner, dict[Consumer, None]()
    if (recorded := _known_record(live, history)) is not None:
        found |= dict.fromkeys(consumers_before(history, recorded, owner, names))
    if checkout.base_commit is not None:
        found |= dict.fromkeys(consumers_at(history, checkout.base_commit, owner, names))
    return tuple(found)


def _known_record(live: Live, history: History) -> str | None:
    """Return the first recorded commit that this clone has, None without any."""
    known = (c for c in live.recorded if c != NOTHING_BEFORE and history.knows(c))
    return next(known, None)


def _exclusive(drafts: Iterable[ModelDraft], settings: Settings) -> tuple[str, ...]:
    stages = (stage for draft in drafts for stage in draft.effective.settings.exclusive)
    return tuple(dict.fromkeys((*settings.exclusive, *stages)))


def _needs_no_proof(
    desired: DeclaredState, chosen: Iterable[str], live: Mapping[str, Live]
) -> bool:
    """Return whether aliases were seen in the registry, or none is declared."""
    declared = (desired.declarations[name] for name in chosen if name in desired.declarations)
    seen = any(aliases(model.fields) for model in live.values())
    return seen or not any(aliases(declaration.fields) for declaration in declared)


def _refuse_unsupported(
    desired: DeclaredState, chosen: Collection[str], capabilities: Capabilities
) -> None:
    problems = [
        problem
        for name in chosen
        if name in desired.declarations
        for problem in unsupported(desired.declarations[name], capabilities)
    ]
    if problems:
        raise DeclarationError(problems)


def _owned(live: Mapping[str, Live], owner: str) -> set[str]:
    """Return the models that this state folder manages, declared or not."""
    return {name for name, model in live.items() if model.owner == owner and model.recorded}


def _unreadable(name: str, problem: Problem, checkout: Checkout) -> ModelPlan:
    declaration = checkout.desired.declarations.get(name)
    file, line = (declaration.file, declaration.line) if declaration else (None, None)
    shown = Problem(
        problem.message, ExitCode.REGISTRY, file=file, line=line, model=name, hint=problem.hint
    )
    return ModelPlan(name, "error", file=file, problems=(shown,))
