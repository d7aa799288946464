"""`reconciler validate`: the offline check; imports neither mlflow, git nor requests."""

import os
from dataclasses import replace
from pathlib import Path

import click

from reconciler.api.validation import Validation, validated
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.cli.present import present
from reconciler.render import github_workflow
from reconciler.repository.locate import repository_root, working_directory


@click.command("validate", short_help="check the files, offline")
@common()
def command(*, options: Options) -> int:
    """Check the declared state; every complaint at once, without a registry."""
    validation = validated(options.state, working_directory())
    _annotate(validation)
    return present(validation, options)


def _annotate(validation: Validation) -> None:
    """Show complaints on their lines, where GitHub Actions listens."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or not validation.problems:
        return
    place = _in_repository(validation.folder)
    level: github_workflow.Level = "error" if validation.code else "warning"
    annotations = [
        github_workflow.of_problem(
            replace(problem, file=place + problem.file.removeprefix(validation.state))
            if problem.file
            else problem,
            level,
        )
        for problem in validation.problems
    ]
    output.say(github_workflow.annotations(annotations).rstrip("\n"))


def _in_repository(folder: Path) -> str:
    """Return a folder's path as annotations have it: from the repository's root."""
    root = repository_root(working_directory())
    place, top = folder.resolve(), root.resolve() if root else None
    return place.relative_to(top).as_posix() if top and top in place.parents else folder.as_posix()
