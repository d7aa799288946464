"""Makes the edit of `discover`: searches the registry for new versions, and judges them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.api.artifacts.entering import Digests, Entering, entering_digests
from reconciler.api.editing.discovery import Discovery
from reconciler.api.editing.lookups import declared, draft
from reconciler.api.merged.merged_history import open_merged
from reconciler.api.planning.judging import policy_context
from reconciler.api.workspace import Workspace
from reconciler.audit.merged_changes import Step
from reconciler.authoring import discovery
from reconciler.authoring.discovery import STAGE, Search
from reconciler.authoring.proposal import check_text
from reconciler.core.matching import select
from reconciler.core.state import Declaration, Live
from reconciler.errors import Problem, Refused
from reconciler.planning import preconditions
from reconciler.planning.live_state import read_facts, read_live
from reconciler.policy.evaluation import PolicyContext


@dataclass(frozen=True, slots=True)
class _Found:
    """The searches of the models that could be read, and what is wrong with the others."""

    searches: tuple[Search, ...]
    problems: tuple[Problem, ...]


def discover(
    workspace: Workspace,
    models: Collection[str],
    globs: Collection[str],
    reason: str | None,
    *,
    digest: bool | None,
) -> Discovery:
    """Return the edit; the arguments are those of `Reconciler.discover`."""
    check_text("--reason", reason)
    chosen = _chosen(workspace, models, globs)
    capabilities = workspace.registry.capabilities()
    if not capabilities.stages:
        raise Refused(f"{capabilities.why} has no stages: no version can go to {STAGE}")
    alias = workspace.desired.settings.bridge.alias_of(STAGE)
    if alias is not None and not capabilities.aliases:
        what = f"no version can go to {STAGE}, which `bridge` makes one with @{alias}"
        raise Refused(f"{capabilities.why} has no aliases: {what}")
    skipped = {name: why for name, one in chosen.items() if (why := _why_skipped(one))}
    asked = {name: one for name, one in chosen.items() if name not in skipped}
    found = _search(workspace, asked)
    searches, digests = _with_digests(workspace, found.searches, wanted=digest)
    proposal = discovery.proposed(searches, reason, digests)
    return Discovery(
        workspace,
        draft(workspace, proposal) if proposal else None,
        searches=searches,
        skipped=skipped,
        problems=found.problems,
    )


def _chosen(
    workspace: Workspace, models: Collection[str], globs: Collection[str]
) -> Mapping[str, Declaration]:
    """Return the declarations that are meant; raises `UsageError` for names of none."""
    named = {model: declared(workspace, model) for model in models}
    known = workspace.desired.declarations
    every = frozenset(() if named else known)
    names = select(tuple(globs), known) if globs else every
    return dict(sorted({**named, **{name: known[name] for name in names}}.items()))


def _why_skipped(declaration: Declaration) -> str | None:
    if declaration.hold is not None:
        return f"on hold: {declaration.hold}"
    return "retired" if declaration.retired else None


def _search(workspace: Workspace, asked: Mapping[str, Declaration]) -> _Found:
    """Return what is to be judged of each model that the registry holds as it is declared."""
    needed = {name: tuple(one.versions) for name, one in asked.items()}
    live, unreadable = read_live(workspace.registry, needed, everything=False)
    steps = _steps(workspace) if asked else {}
    searches: list[Search] = []
    problems: list[Problem] = []
    for name, declaration in asked.items():
        wrong = _problems(declaration, live, unreadable)
        problems += wrong
        if not wrong:
            ever = discovery.ever_declared(declaration, steps.get(name, ()))
            settings = workspace.desired.settings
            searches.append(discovery.search(declaration, live[name], ever, settings))
    return _Found(tuple(searches), tuple(problems))


def _problems(
    declaration: Declaration, live: Mapping[str, Live], unreadable: Mapping[str, Problem]
) -> tuple[Problem, ...]:
    name = declaration.model
    if name in unreadable:
        return (replace(unreadable[name], file=declaration.file, line=declaration.line),)
    return preconditions.problems(declaration, live.get(name), names=tuple(live))


def _steps(workspace: Workspace) -> Mapping[str, Sequence[Step]]:
    """Return the merged history; where there is none, the caller is told."""
    if workspace.missing_history is not None:
        workspace.warn(
            f"{workspace.missing_history}: what was declared before is not known, the files alone "
            "count"
        )
        return {}
    return open_merged(workspace, quiet=True).steps


def _with_digests(
    workspace: Workspace, searches: Sequence[Search], *, wanted: bool | None
) -> tuple[tuple[Search, ...], Digests]:
    """Judge all models, and read the files of what is added, which the policies may ask for.

    A version whose digest is not known is judged again without one; an older one may take its
    place, and is read then.
    """
    done, digests, tried = tuple(searches), dict[tuple[str, int], str](), set[tuple[str, int]]()
    if not any(one.next for one in done):
        return done, digests
    context = policy_context(workspace, planning=True)
    while True:
        done = _judged(workspace, done, context)
        added = [
            Entering(one.declaration, version, one.live)
            for one in done
            for version in one.added
            if (one.live.model, version) not in tried
        ]
        if not added:
            return done, digests
        proposal = discovery.proposed(done, None, digests)
        _ = draft(workspace, proposal) if proposal else None  # what is refused reads nothing
        read = entering_digests(workspace, added, wanted=wanted)
        digests.update(read)
        tried.update((one.live.model, one.version) for one in added)
        done = tuple(
            discovery.judged_again(
                one, [v for model, v in tried - digests.keys() if model == one.live.model]
            )
            for one in done
        )


def _judged(
    workspace: Workspace, searches: Sequence[Search], context: PolicyContext
) -> tuple[Search, ...]:
    """Judge all models together, a version of each at a time, with the facts that are asked for."""
    done = list(searches)
    while any(one.next for one in done):
        asked = [
            (one.live, version)
            for one in done
            for version in discovery.versions_to_know(one, context.expressions)
        ]
        facts = read_facts(workspace.registry, asked)
        done = [
            discovery.judged(one, facts.get(one.live.model, {}), context) if one.next else one
            for one in done
        ]
    return tuple(done)
