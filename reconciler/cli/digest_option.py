"""The option that says whether an edit pins the files of the versions that enter."""

import click

digest_option = click.option(
    "--digest/--no-digest",
    default=None,
    help="Pin the version's files, whatever their size, or not.  [default: up to 2 GB, where they "
    "can be read]",
)
