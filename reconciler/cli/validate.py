"""`reconciler validate`: the offline check; imports neither mlflow, git nor requests."""

from pathlib import Path

import click

from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.errors import ExitCode
from reconciler.files import yaml_files
from reconciler.render import documents, words
from reconciler.repository.locate import find_state_folder, repository_root


@click.command("validate", short_help="check the files, offline")
@common()
def command(*, options: Options) -> int:
    """Check the declared state; every complaint at once, without a registry."""
    cwd = Path.cwd()
    folder = find_state_folder(options.state, cwd, repository_root(cwd))
    desired = yaml_files.load(folder, options.state)
    if options.json:
        output.document(documents.failure((), ExitCode.OK))
    else:
        seconds = options.effort().seconds
        models = words.models(len(desired.declarations))
        output.product(f"{options.state}: valid, {models}, {seconds:.2f} s\n", options)
    output.complain(desired.warnings)
    return int(ExitCode.OK)
