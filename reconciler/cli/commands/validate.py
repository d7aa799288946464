"""`reconciler validate`: the offline check; imports neither mlflow, git nor requests."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconciler.api.validation import declared, state_folder
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.render import github_workflow, json_documents, phrases
from reconciler.repository.locate import repository_root


@click.command("validate", short_help="check the files, offline")
@common()
def command(*, options: Options) -> int:
    """Check the declared state; every complaint at once, without a registry."""
    folder = state_folder(options.state, Path.cwd())
    try:
        desired = declared(folder, options.state)
    except DeclarationError as error:
        _annotate(error.problems, "error", options.state, folder)
        raise
    if options.json:
        output.document(json_documents.failure((), ExitCode.OK))
    else:
        models = phrases.models(len(desired.declarations))
        output.product(f"{options.state}: valid, {models}, {options.seconds:.2f} s\n", options)
    output.complain(desired.warnings)
    _annotate(desired.warnings, "warning", options.state, folder)
    return int(ExitCode.OK)


def _annotate(
    problems: Sequence[Problem], level: github_workflow.Level, given: str, folder: Path
) -> None:
    """Show complaints on their lines, where GitHub Actions listens."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or not problems:
        return
    place = _in_repository(folder)
    annotations = [
        github_workflow.of_problem(
            replace(problem, file=place + problem.file.removeprefix(given))
            if problem.file
            else problem,
            level,
        )
        for problem in problems
    ]
    output.say(github_workflow.annotations(annotations).rstrip("\n"))


def _in_repository(folder: Path) -> str:
    """Return a folder's path as annotations have it: from the repository's root."""
    root = repository_root(Path.cwd())
    place, top = folder.resolve(), root.resolve() if root else None
    return place.relative_to(top).as_posix() if top and top in place.parents else folder.as_posix()
