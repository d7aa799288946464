"""`reconciler ci drift`: one issue while the registry is not as git says."""

from typing import Literal

import click

from reconciler.cli.model_options import bytes_option
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present


@click.command("drift", short_help="keep one issue while something drifted")
@click.option("--dry-run", is_flag=True, help="Print the issue, and write nothing anywhere.")
@bytes_option
@common()
def command(
    *,
    options: Options,
    dry_run: bool,
    bytes: Literal["serving", "all"] | None,  # noqa: A002  the option's name
) -> int:
    """Compare the registry with git; open, update or close one issue; exit 2 when they differ."""
    ci = opened(options).ci
    found = ci.drift(bytes=bytes, dry_run=dry_run, on_drift=lambda drift: present(drift, options))
    return found.code
