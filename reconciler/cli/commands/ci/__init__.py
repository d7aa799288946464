"""`reconciler ci`: plan, apply and drift as a CI job runs them, with the forge around it."""

import click

from reconciler.cli.lazy_group import LazyGroup
from reconciler.cli.options import Options, common

_MODULES = {name: f"{__name__}.{name}" for name in ("plan", "apply", "drift")}


@click.group(
    "ci",
    cls=LazyGroup,
    modules=_MODULES,
    short_help="plan, apply and drift as a CI job runs them",
    no_args_is_help=False,  # click would raise the page as an error, which is told in one line
)
@common()
@click.pass_context
def command(context: click.Context, *, options: Options) -> None:
    """Plan a pull request, apply what was merged, watch for drift: for GitHub and GitLab jobs."""
    context.obj = options
