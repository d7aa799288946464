"""`reconciler discover`: adds new versions that pass the policies to the files, for Staging."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import click

from reconciler.api.edits import carry_out, declared, ending_of, lines_of, slug, title_of
from reconciler.api.git_delivery import Delivery, Outcome, Proposal, delivery_options
from reconciler.api.merged_history import open_merged
from reconciler.api.policy_context import context
from reconciler.api.workspace import Workspace
from reconciler.audit.merged_changes import Step
from reconciler.authoring import discovery
from reconciler.authoring.discovery import STAGE, Found, Search
from reconciler.cli import output
from reconciler.cli.commands.promote import pins_of
from reconciler.cli.options import Options, common
from reconciler.core.matching import select
from reconciler.core.state import Declaration, Live
from reconciler.core.violations import Violation
from reconciler.errors import Problem, Refused
from reconciler.planning import preconditions
from reconciler.planning.live_state import read_facts, read_live
from reconciler.policy.evaluation import PolicyContext
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.repository import commits

_READERS = 8
_NAMED = 8  # characters that tell one set of versions from another in a branch's name


@dataclass
class _Looked:
    """What was found: `skipped` says why a model is not looked at, `problems` what is wrong."""

    searches: list[Search] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@click.command("discover", short_help="add new versions that pass the policies, for Staging")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--model", "globs", metavar="GLOB", multiple=True, help="Only these models.")
@delivery_options
@common()
def command(
    *,
    options: Options,
    models: tuple[str, ...],
    globs: tuple[str, ...],
    commit: bool,
    branch: str | None,
    push: bool,
    pull_request: bool,
    reason: str | None,
) -> int:
    """Declare registered versions that nobody declared yet as Staging, where the policies let them.

    These are the versions of declared models in stage None that are newer than every version which
    the model's file, or its merged history, ever had. Only the files change.
    """
    workspace = Workspace(options)
    looked = _look(workspace, _chosen(workspace, models, globs))
    outcome = Outcome("", "", requests=workspace.registry.requests)
    adding = [one for one in looked.searches if one.added]
    delivery = Delivery(commit, branch, push, pull_request)
    if not adding:
        outcome.next = "nothing to add"
    elif _is_proposed(workspace, delivery, _branch(adding)):
        outcome.branch = _branch(adding)
        outcome.next = f"it is proposed already: the remote has the branch `{outcome.branch}`"
    else:
        change = Proposal(
            tuple((one.declaration, _extended(one)) for one in adding),
            title=title_of(_title(adding)),
            branch=_branch(adding),
            reason=reason,
        )
        carry_out(workspace, change, delivery, outcome)
    outcome.errors = (*looked.problems, *outcome.errors)
    return _conclude(workspace, looked, outcome)


def _chosen(
    workspace: Workspace, models: Sequence[str], globs: Sequence[str]
) -> Mapping[str, Declaration]:
    """Return the declarations that are meant; raises `UsageError` for names of none."""
    named = {model: declared(workspace, model) for model in models}
    known = workspace.desired.declarations
    names = select(globs, known, "--model") if globs else frozenset(() if named else known)
    return dict(sorted({**named, **{name: known[name] for name in names}}.items()))


def _look(workspace: Workspace, chosen: Mapping[str, Declaration]) -> _Looked:
    """Search the registry for new versions, and judge them."""
    capabilities = workspace.registry.capabilities()
    if not capabilities.stages:
        raise Refused(f"{capabilities.why} has no stages: no version can go to {STAGE}")
    looked = _Looked()
    for name, declaration in chosen.items():
        if declaration.hold is not None:
            looked.skipped[name] = f"on hold: {declaration.hold}"
        elif declaration.retired:
            looked.skipped[name] = "retired"
    asked = {name: one for name, one in chosen.items() if name not in looked.skipped}
    needed = {name: tuple(one.versions) for name, one in asked.items()}
    found, unreadable = read_live(
        workspace.registry, needed, everything=False, parallelism=_READERS
    )
    steps = _steps(workspace) if asked else {}
    for name, declaration in asked.items():
        problems = _problems(declaration, found, unreadable)
        looked.problems += problems
        if not problems:
            ever = discovery.ever_declared(declaration, steps.get(name, ()))
            settings = workspace.desired.settings
            looked.searches.append(discovery.search(declaration, found[name], ever, settings))
    looked.searches = _judged(workspace, looked.searches)
    return looked


def _problems(
    declaration: Declaration, found: Mapping[str, Live], unreadable: Mapping[str, Problem]
) -> tuple[Problem, ...]:
    name = declaration.model
    if name in unreadable:
        return (replace(unreadable[name], file=declaration.file, line=declaration.line),)
    return preconditions.problems(declaration, found.get(name), names=tuple(found))


def _steps(workspace: Workspace) -> Mapping[str, Sequence[Step]]:
    """Return the merged history; outside a repository there is none, and that is said."""
    if workspace.history is None:
        why = "there is no commit yet" if workspace.repo else "this is not a git repository"
        output.say(f"{why}: what was declared before is not known, the files alone count")
        return {}
    return open_merged(workspace, quiet=True).steps


def _judged(workspace: Workspace, searches: Sequence[Search]) -> list[Search]:
    """Judge all models together, a version of each at a time, with the facts that are asked for."""
    if not any(one.next for one in searches):
        return list(searches)
    judging: PolicyContext = context(workspace, planning=True)
    done = list(searches)
    while any(one.next for one in done):
        asked = [
            (one.live, version)
            for one in done
            for version in discovery.versions_to_know(one, judging.expressions)
        ]
        facts = read_facts(workspace.registry, asked, parallelism=_READERS)
        done = [
            discovery.judged(one, facts.get(one.live.model, {}), judging) if one.next else one
            for one in done
        ]
    return done


def _extended(one: Search) -> Declaration:
    pins = {version: pins_of(one.live, version, one.settings) for version in one.added}
    return discovery.extended(one, pins)


def _names(adding: Sequence[Search]) -> list[str]:
    return [f"{one.live.model} v{version}" for one in adding for version in one.added]


def _title(adding: Sequence[Search]) -> str:
    names = _names(adding)
    what = f"{len(names)} new versions" if names[1:] else names[0]
    return f"Declare {what} for {STAGE}"


def _branch(adding: Sequence[Search]) -> str:
    """Return a name that the same versions always get, so that they are proposed once."""
    first, *others = _names(adding)
    if not others:
        model, _, version = first.rpartition(" ")
        return f"discover/{slug(model)}-{version}"
    digest = sha256("\n".join((first, *others)).encode()).hexdigest()[:_NAMED]
    return f"discover/{1 + len(others)}-versions-{digest}"


def _is_proposed(workspace: Workspace, delivery: Delivery, name: str) -> bool:
    """Return whether another run has pushed the same versions, and nobody merged them yet."""
    is_own = delivery.branch == "" or (delivery.pull_request and delivery.branch is None)
    if workspace.repo is None or not (is_own and (delivery.push or delivery.pull_request)):
        return False
    remote = commits.remote_for(workspace.repo, None)
    return commits.is_pushed(workspace.repo, remote, name)


def _conclude(workspace: Workspace, looked: _Looked, outcome: Outcome) -> int:
    """Print what was found and what became of it; return the exit code."""
    code = ending_of(outcome)
    if workspace.options.json:
        output.document(_document(looked, outcome, int(code)))
    else:
        outcome.listing = _listing(looked)
        lines = lines_of(outcome)
        count = len(looked.searches) + len(looked.skipped)
        effort = workspace.options.effort(workspace.registry.requests)
        requests = phrases.count(effort.requests, "request")
        changes = phrases.count(len(outcome.meaning), "change")
        lines.append(f"{changes}, {phrases.models(count)}, {requests}, {effort.seconds:.2f} s")
        output.product("\n".join(lines) + "\n", workspace.options)
    output.complain(outcome.errors)
    return int(code)


def _listing(looked: _Looked) -> list[str]:
    lines = []
    for one in looked.searches:
        lines += [visible(one.live.model)] if one.found else []
        for found in _in_order(one):
            lines += [visible(line) for line in _about(found)]
    skipped = (f"{name} is not looked at: {why}" for name, why in looked.skipped.items())
    return [*lines, *(visible(line) for line in skipped)]


def _in_order(one: Search) -> list[Found]:
    return sorted(one.found, key=lambda found: -found.version)


def _about(found: Found) -> list[str]:
    """Return what became of a version, and under it every rule that had something to say."""
    name = f"v{found.version}"
    match found.outcome:
        case "added":
            first = f"  + {name}  None → {STAGE}"
        case "refused":
            first = f"  ✗ {name}  not added"
        case "older":
            first = f"    {name}  not added: a newer one is"
        case "waiting":
            first = f"    {name}  waits: it is {found.status}, not READY"
    said = [(phrases.judged(each), each) for each in found.violations]
    said += [("pending", each) for each in found.pending]
    return [first, *(f"      {word} {each.name}: {_reason(found, each)}" for word, each in said)]


def _reason(found: Found, violation: Violation) -> str:
    return violation.message.removeprefix(f"v{found.version} → {STAGE}: ")


def _document(looked: _Looked, outcome: Outcome, code: int) -> json_documents.Document:
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "versions": [_row(one, found) for one in looked.searches for found in _in_order(one)],
        "skipped": [{"model": name, "reason": why} for name, why in looked.skipped.items()],
        "diff": outcome.diff,
        "meaning": list(outcome.meaning),
        "commit": outcome.commit,
        "branch": outcome.branch,
        "pull_request": outcome.pull_request,
        "errors": [json_documents.error(problem) for problem in outcome.errors],
        "exit": json_documents.ending(code),
    }


def _row(one: Search, found: Found) -> json_documents.Document:
    return {
        "model": one.live.model,
        "file": one.declaration.file,
        "version": found.version,
        "outcome": found.outcome,
        "status": found.status,
        "violations": [
            {
                "name": each.name,
                "message": _reason(found, each),
                "enforce": each.enforce,
                "accepted": each.accepted,
            }
            for each in found.violations
        ],
        "pending_approvals": [
            {"name": each.name, "message": _reason(found, each)} for each in found.pending
        ],
    }
