"""`reconciler ci plan`: what merging a pull request would change, shown and kept on the forge."""

import click

from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("plan", short_help="plan a pull request")
@click.option("--pr", metavar="N", type=click.IntRange(1), help="The pull request, by hand.")
@click.option("--dry-run", is_flag=True, help="Print the comment, and write nothing anywhere.")
@click.option("--digests", is_flag=True, help="Show the digest of what enters without one.")
@common()
def command(*, options: Options, pr: int | None, dry_run: bool, digests: bool) -> int:
    """Plan what is checked out against its base; comment, and keep the plan in a check."""
    ci = opened(options).ci
    return ci.plan(
        pr, dry_run=dry_run, digests=digests, on_plan=lambda plan: present(plan, options)
    ).code
