"""`reconciler promote`: edits a model's file so that a version serves, or takes a stage."""

import click

from reconciler.api.edits import PATIENCE, RegistryProbe, declared, propose, slug, title_of
from reconciler.api.git_delivery import Delivery, Outcome, Proposal, delivery_options
from reconciler.api.workspace import Workspace
from reconciler.authoring.promotion import (
    NO_PINS,
    Promotion,
    in_test,
    promoted,
    refuse_broken_test,
    winning,
)
from reconciler.cli.options import Options, common
from reconciler.core.ab_tests import parts
from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES, Declaration, DeclaredVersion, Field, Live, Value
from reconciler.errors import DeclarationError, UsageError
from reconciler.files.from_live import declaration_of
from reconciler.files.loader import dump_declaration, parse_declaration
from reconciler.files.schema.name_rules import quoted

_ANOTHER = "write another, or leave the option out"


@click.command("promote", short_help="edit the file so that a version serves")
@click.argument("model")
@click.argument("version", type=click.IntRange(1), required=False)
@click.option("--to", "stage", type=click.Choice(ACTIVE_STAGES), help="[default: what serves]")
@click.option("--alias", "aliases", metavar="NAME", multiple=True, help="Move an alias to it.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="Tag it.")
@click.option("--winner", is_flag=True, help="It won its A/B test, which is over.")
@delivery_options
@common()
def command(
    *,
    options: Options,
    model: str,
    version: int | None,
    stage: str | None,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
    winner: bool,
    commit: bool,
    branch: str | None,
    push: bool,
    pull_request: bool,
    reason: str | None,
) -> int:
    """Declare that VERSION of MODEL serves; who has its stage now goes to Archived.

    Only the file changes: the registry follows when that is merged and applied.
    """
    workspace = Workspace(options, timeout=PATIENCE)
    before, settings = declared(workspace, model), workspace.desired.settings
    _check_version(before, version, settings, is_winner=winner)
    asked = Promotion(version or 0, stage, aliases, tuple(_tag(text) for text in tags))
    _check(asked, settings)
    if winner and stage is not None:
        raise UsageError("`--winner` is what serves", hint="leave `--to` out")
    make = winning if winner else promoted
    # What is refused is refused without asking the registry.
    refuse_broken_test(before, make(before, asked, settings), settings)
    look = RegistryProbe(workspace, model, (asked.version,))
    after = make(before, asked, settings, pins_of(look.live, asked.version, settings))
    problems = look.problems(after, asked.version)
    if problems:
        raise DeclarationError(problems)
    change = Proposal(
        ((before, after),),
        title=title_of(_title(model, asked, settings, is_winner=winner)),
        branch=f"promote/{slug(model)}-v{version}",
        reason=reason,
    )
    outcome = Outcome(model, before.file, requests=look.requests)
    return propose(workspace, change, Delivery(commit, branch, push, pull_request), outcome)


def _check_version(
    before: Declaration, version: int | None, settings: Settings, *, is_winner: bool
) -> None:
    """Raise `UsageError` where no version is named, with those that may be meant."""
    if version is not None:
        return
    if is_winner and parts(before):
        raise UsageError("which version won?", hint=f"the test has {in_test(before, settings)}")
    if is_winner:
        raise UsageError(f"`{before.model}` has no A/B test: no version carries `traffic`")
    raise UsageError("missing argument VERSION", hint="reconciler promote MODEL VERSION")


def _title(model: str, asked: Promotion, settings: Settings, *, is_winner: bool) -> str:
    end = ", the winner of its test" if is_winner else ""
    return f"Promote {model} v{asked.version} to {asked.stage or settings.serving}{end}"


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"`--tag {text}` is no tag", hint="`--tag KEY=VALUE`")
    return key, value


def _check(asked: Promotion, settings: Settings) -> None:
    """Raise `UsageError` for an option that says what no file may."""
    version, tags = asked.version, dict(asked.tags)
    for name in asked.aliases:
        _check_option(f"--alias {name}", Field("alias", None, name), version, settings)
    for key, value in asked.tags:
        option = f"--tag {key}={value}"
        _check_option(option, Field("tag", version, key), value, settings)
        if tags[key] != value:
            raise UsageError(f"{quoted(option)}: the tag is given twice", hint="choose one value")


def _check_option(option: str, address: Field, value: Value, settings: Settings) -> None:
    if settings.ignore.field(address):
        ours = "`mlflow.*` and `reconciler.*` always are, others by "
        which, why = ("tags", ours) if address.name == "tag" else ("aliases", "")
        raise UsageError(
            f"{quoted(option)} is ignored: {why}`ignore.{which}` in reconciler.yaml", hint=_ANOTHER
        )
    version = address.version or int(value)
    alone = Declaration("model", {address: value}, {version: NO_PINS})
    try:
        option.encode()
        parse_declaration(dump_declaration(alone).encode(), "")
    except UnicodeEncodeError as error:
        raise UsageError(f"{quoted(option)} is not UTF-8 text", hint=_ANOTHER) from error
    except DeclarationError as error:
        message = f"{quoted(option)}: {error.problems[0].message}"
        raise UsageError(message, hint=_ANOTHER) from error


def pins_of(live: Live | None, version: int, settings: Settings) -> DeclaredVersion:
    """Return what tells the live version from another one under its number."""
    if live is None:
        return NO_PINS
    found = declaration_of(live, settings, every_version=False, besides=(version,)).declaration
    return found.versions.get(version, NO_PINS) if found else NO_PINS
