"""`reconciler promote`: edits a model's file so that a version serves, or takes a stage."""

import click

from reconciler.cli.options import Options, common
from reconciler.cli.proposal import (
    PATIENCE,
    Delivery,
    Look,
    Outcome,
    Proposal,
    declared,
    delivery_options,
    propose,
    slug,
    title_of,
)
from reconciler.cli.session import Session
from reconciler.errors import DeclarationError, UsageError
from reconciler.files.importing import declaration_of
from reconciler.promotion import NO_PINS, Promotion, promoted
from reconciler.rules import Rules
from reconciler.state import ACTIVE_STAGES, DeclaredVersion, Live


@click.command("promote", short_help="edit the file so that a version serves")
@click.argument("model")
@click.argument("version", type=click.IntRange(1))
@click.option("--to", "stage", type=click.Choice(ACTIVE_STAGES), help="[default: what serves]")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="Move an alias to it.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="Tag it.")
@delivery_options
@common()
def command(
    *,
    options: Options,
    model: str,
    version: int,
    stage: str | None,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
    commit: bool,
    branch: str | None,
    push: bool,
    pull_request: bool,
    reason: str | None,
) -> int:
    """Declare that VERSION of MODEL serves; who has its stage now goes to Archived.

    Only the file changes: the registry follows when that is merged and applied.
    """
    asked = Promotion(version, stage, aliases, tuple(_tag(text) for text in tags))
    session = Session(options, timeout=PATIENCE)
    before, rules = declared(session, model), session.desired.rules
    promoted(before, asked, rules)  # what is refused is refused without asking the registry
    look = Look(session, model, (version,))
    after = promoted(before, asked, rules, _pins(look.live, version, rules))
    problems = look.problems(after, version)
    if problems:
        raise DeclarationError(problems)
    change = Proposal(
        before,
        after,
        title=title_of(f"Promote {model} v{version} to {stage or rules.serving}"),
        branch=f"promote/{slug(model)}-v{version}",
        reason=reason,
    )
    outcome = Outcome(model, before.file, requests=look.requests)
    return propose(session, change, Delivery(commit, branch, push, pull_request), outcome)


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"`--tag {text}` is no tag", hint="`--tag KEY=VALUE`")
    return key, value


def _pins(live: Live | None, version: int, rules: Rules) -> DeclaredVersion:
    """Return what tells the live version from another one under its number."""
    if live is None:
        return NO_PINS
    found = declaration_of(live, rules, every_version=False, besides=(version,)).declaration
    return found.versions.get(version, NO_PINS) if found else NO_PINS
