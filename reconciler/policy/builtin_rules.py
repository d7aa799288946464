"""The built-in rules: whether one transition meets each of them, with numbers and a hint."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from shlex import quote
from typing import Final, Literal

from typing_extensions import assert_never

from reconciler.core.artifacts.signatures import incompatibilities
from reconciler.core.declaring.semantic_versions import NO_SEMVERS, DeclaredSemvers
from reconciler.core.durations import in_words
from reconciler.core.facts import Facts
from reconciler.core.policies import (
    Approvals,
    BuiltinRule,
    DatedFreeze,
    DigestRule,
    Expression,
    InventoryRule,
    Lineage,
    Requirement,
    SemverRule,
    SignatureRule,
    Soak,
    Transitions,
    WeeklyFreeze,
)
from reconciler.core.state import ACTIVE_STAGES, Declaration
from reconciler.core.transitions import Transition
from reconciler.policy.freeze_windows import closed, frozen_until
from reconciler.policy.semver_rule import too_low

_MAX_LISTED: Final = 10  # names in a message
_SHORT: Final = 8  # characters of a commit id in a message


@dataclass(frozen=True, slots=True)
class StageEntry:
    """When a version entered the stage that it leaves, with the source and commit of the date."""

    when: datetime
    source: Literal["apply record", "main line"]
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class RuleInput:
    """One transition, and everything that a built-in rule may read.

    `tags` are the version's live tags. `entered` is about its live stage; None when unknown.
    `approvers` is None when no forge was asked; `authors` wrote the change. `declaration` is that
    of the model, None where this checkout does not declare it, and `semvers` its numbers.
    """

    transition: Transition
    facts: Facts
    incumbent_facts: Facts | None
    tags: Mapping[str, str]
    rollback: bool
    entered: StageEntry | None
    now: datetime
    approvers: frozenset[str] | None
    authors: frozenset[str]
    declaration: Declaration | None = None
    semvers: DeclaredSemvers = NO_SEMVERS


def unmet(requirement: BuiltinRule, inputs: RuleInput) -> str | None:
    """Return why a transition does not meet a requirement, as a sentence; None when it does."""
    if inputs.rollback and exempts_rollback(requirement):
        return None
    match requirement:
        case Transitions():
            return _transition(requirement, inputs.transition)
        case Soak():
            return _soak(requirement, inputs)
        case WeeklyFreeze() | DatedFreeze():
            return _freeze(requirement, inputs)
        case Lineage():
            return _lineage(requirement, inputs)
        case SignatureRule():
            return _signature(requirement, inputs)
        case DigestRule() | SemverRule() | InventoryRule():
            return _not_declared(requirement, inputs)
        case Approvals():
            return _approvals(requirement, inputs)
        case _:
            assert_never(requirement)


def exempts_rollback(requirement: BuiltinRule) -> bool:
    """Return whether a version that served before passes, so that a rollback is quick."""
    quick = Transitions | Soak | WeeklyFreeze | DatedFreeze | SemverRule | InventoryRule
    return isinstance(requirement, quick)


def reads_history(requirement: BuiltinRule) -> bool:
    """Return whether a requirement reads history: past serving, or the time in a stage."""
    return exempts_rollback(requirement)


def reads_facts(requirement: BuiltinRule) -> bool:
    """Return whether a requirement reads runs or signatures, which costs requests."""
    if isinstance(requirement, Lineage):
        return any(not name.startswith("tags.") for name in requirement.names)
    return isinstance(requirement, SignatureRule | SemverRule)


def way_out(requirement: Requirement, transition: Transition) -> str:
    """Return the hint for an unmet requirement; a policy's own message replaces it."""
    match requirement:
        case Expression():
            return "change what the condition checks, and plan again"
        case Transitions():
            return "declare the next stage in the order, apply it, and continue from there"
        case Soak():
            return "wait, and plan again"
        case WeeklyFreeze() | DatedFreeze():
            return "wait until the freeze ends, and run it again"
        case Lineage():
            return "log it in the run that trains the model, or set the tag on the version"
        case SignatureRule(level="required"):
            return "log the model with a signature (`infer_signature`), and register that version"
        case SignatureRule():
            return "register a version that accepts what callers send, or change the callers first"
        case DigestRule() | SemverRule() | InventoryRule():
            return _way_to_a_value(requirement, transition)
        case Approvals():
            return "ask a person who did not write the change to approve it"
        case _:
            assert_never(requirement)


def _transition(rule: Transitions, transition: Transition) -> str | None:
    """Check the stage order; aliases, and transitions to None or Archived, always pass."""
    if transition.stage not in ACTIVE_STAGES or transition.in_place:
        return None
    before = transition.before or "None"
    if transition.stage in rule.order:
        position = rule.order.index(transition.stage)
        if position == 0 or rule.order[position - 1] == before:
            return None
    order = " → ".join(rule.order)
    return f"v{transition.version} goes {before} → {transition.stage}; the order is {order}"


def _soak(rule: Soak, inputs: RuleInput) -> str | None:
    """Check the time in the active stage that it leaves; for an alias, in its live stage."""
    transition, required = inputs.transition, f"the policy requires {in_words(rule.at_least)}"
    if transition.in_place:
        return None
    before = transition.before or "None"
    if transition.alias is None and before not in ACTIVE_STAGES:
        origin = "is not in a stage" if before == "None" else f"comes from {before}"
        return f"v{transition.version} {origin}; {required} in {' or '.join(ACTIVE_STAGES)}"
    since = inputs.entered
    if since is None:
        return (
            f"it is not known when v{transition.version} entered {before}; {required}, counted "
            f"from the merge that declares `stage: {before}`, or from its apply"
        )
    if inputs.now - since.when >= rule.at_least:
        return None
    commit = f" of {since.commit[:_SHORT]}" if since.commit else ""
    return (
        f"v{transition.version} entered {before} at {_utc(since.when)} ({since.source}{commit}), "
        f"{in_words(inputs.now - since.when, parts=2)} ago; {required}, "
        f"reached at {_utc(since.when + rule.at_least)}"
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def _freeze(rule: WeeklyFreeze | DatedFreeze, inputs: RuleInput) -> str | None:
    opening = None if inputs.transition.in_place else closed(rule, inputs.now)
    return None if opening is None else frozen_until(rule, opening)


def _lineage(rule: Lineage, inputs: RuleInput) -> str | None:
    """Check that every name has a value; blanks do not count as one."""
    families = {
        "params": inputs.facts.params,
        "run.tags": inputs.facts.run.tags if inputs.facts.run else {},
        "tags": inputs.tags,
    }
    lacking: list[str] = []
    looked_at: list[str] = []
    for name in rule.names:
        family = next(family for family in families if name.startswith(f"{family}."))
        value = families[family].get(name.removeprefix(f"{family}."))
        if value is None or not value.strip():
            lacking.append(f"no `{name}`" if value is None else f"`{name}` is empty")
            looked_at += [family] if family not in looked_at else []
    if not lacking:
        return None
    existing = [f"{family}: {_listed(families[family])}" for family in looked_at]
    unread = inputs.facts.missing if reads_facts(rule) else ()
    return "; ".join([f"v{inputs.transition.version}: {', '.join(lacking)}", *existing, *unread])


def _listed(names: Collection[str]) -> str:
    shown = [f"`{name}`" for name in sorted(names)[:_MAX_LISTED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") or "none"


def _signature(rule: SignatureRule, inputs: RuleInput) -> str | None:
    """Check a signature; without an incumbent signature `compatible` means `required`."""
    version, signature = f"v{inputs.transition.version}", inputs.facts.signature
    if signature is None:
        return "; ".join([f"{version} has no signature", *inputs.facts.missing])
    if not signature.inputs:
        return f"the signature of {version} has no inputs"
    incumbent = inputs.incumbent_facts
    if rule.level == "required" or incumbent is None:
        return None
    if "signature" in incumbent.unread:
        unread = f"the signature of the incumbent v{inputs.transition.incumbent} cannot be read"
        return "; ".join([unread, *incumbent.missing])
    before = incumbent.signature
    if before is None or not before.inputs:
        return None
    broken = "; ".join(incompatibilities(signature, before))
    return (
        f"{version} breaks callers of v{inputs.transition.incumbent}: {broken}" if broken else None
    )


def _not_declared(rule: DigestRule | SemverRule | InventoryRule, inputs: RuleInput) -> str | None:
    match rule:
        case DigestRule():
            return _undeclared(inputs, "digest")
        case SemverRule():
            return _undeclared(inputs, "semver") or too_low(
                inputs.transition, inputs.semvers, inputs.facts, inputs.incumbent_facts
            )
        case InventoryRule():
            return _inventory(inputs)
        case _:
            assert_never(rule)


def _undeclared(inputs: RuleInput, key: Literal["digest", "semver"]) -> str | None:
    """Check that the entry of a version has a key; a later step compares files with a digest."""
    declaration, version = inputs.declaration, inputs.transition.version
    entry = declaration.versions.get(version) if declaration is not None else None
    if entry is not None and getattr(entry, key) is not None:
        return None
    told = f"v{version} declares no `{key}`"
    if declaration is None:
        return told
    line = f":{entry.line}" if entry is not None and entry.line is not None else ""
    return f"{told} ({declaration.file}{line})"


def _inventory(inputs: RuleInput) -> str | None:
    """Check the model's entry for the inventory; its day is one in UTC, and still holds on it."""
    declaration = inputs.declaration
    if declaration is None or declaration.inventory is None:
        return f"`{inputs.transition.model}` declares no `inventory`"
    if missing := declaration.inventory.missing:
        keys = ", ".join(f"`{key}`" for key in missing)
        return f"the `inventory` of `{declaration.model}` has no {keys} ({declaration.file})"
    if declaration.inventory.is_due(inputs.now.astimezone(timezone.utc).date()):
        return f"the review of `{declaration.model}` was due on {declaration.inventory.review_by}"
    return None


def _way_to_a_value(rule: DigestRule | SemverRule | InventoryRule, transition: Transition) -> str:
    if isinstance(rule, InventoryRule):
        return "write `inventory:` into its file; a review that took place moves `review_by`"
    if isinstance(rule, SemverRule):
        name = f"{quote(transition.model)} {transition.version}"
        return (
            f"write `semver:` in its entry; `reconciler promote {name} --semver auto` proposes the "
            "number, and one that is merged stays: another number needs another version"
        )
    name = quote(f"{transition.model}/{transition.version}")
    writes = "`promote` and `rollback` write it with `--digest`"
    if transition.in_place:
        model = quote(transition.model)
        writes = f"`reconciler import --update --digests {model}` writes those of what is in use"
    return f"add `digest: sha256:…` to its entry, as `reconciler digest {name}` prints it; {writes}"


def _approvals(rule: Approvals, inputs: RuleInput) -> str | None:
    """Count verified approvals by login, ignoring case; those of authors do not count."""
    if inputs.approvers is None:
        return "approvals are not known here: no forge was asked"
    authors = {name.casefold() for name in inputs.authors}
    others = {name.casefold(): name for name in sorted(inputs.approvers)}
    count = [name for folded, name in others.items() if folded not in authors]
    if len(count) >= rule.at_least:
        return None
    return "; ".join([f"{len(count)} of {rule.at_least} approvals", *_who(count, inputs, authors)])


def _who(count: Collection[str], inputs: RuleInput, authors: Collection[str]) -> Iterator[str]:
    if count:
        yield f"by {', '.join(count)}"
    own = sorted(name for name in inputs.approvers or () if name.casefold() in authors)
    if own:
        yield f"the approval of {', '.join(own)} does not count: they wrote the change"
