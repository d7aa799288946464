"""`reconciler migrate rewrite`: a patch that loads by alias what source code loads by stage."""

import click

from reconciler.cli import output
from reconciler.cli.commands.migrate import bridge_option
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("rewrite", short_help="a patch that loads by alias what code loads by stage")
@click.argument("more", metavar="[PATH]...", nargs=-1, type=click.Path())
@click.option(
    "--path",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(),
    help="A folder or file of code.",
)
@bridge_option
@common()
def command(
    *, options: Options, more: tuple[str, ...], paths: tuple[str, ...], bridge: dict[str, str]
) -> int:
    """Print a patch that turns `models:/X/Production` below PATH into `models:/X@champion`.

    What it cannot decide goes to stderr, with file and line. It edits no file:
    `reconciler migrate rewrite app | git apply` does, from the repository's root.
    """
    answer = opened(options).rewrite((*paths, *more), bridge=bridge or None)
    if options.json:
        return present(answer, options)
    output.patch(answer.patch)
    output.complain(() if options.quiet else answer.problems)
    output.note(answer.headline, options)
    return answer.code
