"""`reconciler migrate`: from MLflow's stages to aliases, in reviewed steps."""

import click

from reconciler.cli.lazy_group import LazyGroup
from reconciler.cli.options import Command, Options, common
from reconciler.errors import UsageError

_MODULES = {name: f"{__name__}.{name}" for name in ("stages", "rewrite")}


@click.group(
    "migrate",
    cls=LazyGroup,
    modules=_MODULES,
    short_help="from stages to aliases, in steps that can be reverted",
    no_args_is_help=False,  # click would raise the page as an error, which is told in one line
)
@common(("text", "json", "markdown"))
@click.pass_context
def command(context: click.Context, *, options: Options) -> None:
    """Move a registry and its consumers from stages, which MLflow deprecated, to aliases."""
    context.obj = options


def bridge_option(command: Command) -> Command:
    """Add `--bridge`; the command gets a mapping of stages to aliases, empty for none."""
    option = click.option(
        "--bridge",
        metavar="STAGE=ALIAS",
        multiple=True,
        callback=_pairs,
        help="The alias of a stage.  [default: `bridge` of the settings; Production=champion]",
    )
    return option(command)


def _pairs(
    context: click.Context,  # noqa: ARG001  click's signature
    param: click.Parameter,  # noqa: ARG001  as above
    value: tuple[str, ...],
) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in value:
        stage, equals, alias = text.partition("=")
        if not stage or not equals or not alias:
            raise UsageError(f"`--bridge {text}` is not a pair", hint="`--bridge STAGE=ALIAS`")
        if found.setdefault(stage, alias) != alias:
            raise UsageError(f"`--bridge` gives `{stage}` two aliases", hint="choose one")
    return found
