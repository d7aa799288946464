"""`reconciler validate`: the offline check; imports neither mlflow, git nor requests."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.files import loader
from reconciler.files.state_folder import others_beside
from reconciler.render import github_workflow, json_documents, phrases
from reconciler.repository.locate import find_state_folder, repository_root


@click.command("validate", short_help="check the files, offline")
@common()
def command(*, options: Options) -> int:
    """Check the declared state; every complaint at once, without a registry."""
    cwd = Path.cwd()
    root = repository_root(cwd)
    folder = find_state_folder(options.state, cwd, root)
    try:
        others = others_beside(folder, repository_root(folder.resolve()))
        desired = loader.load(folder, options.state, others=others)
    except DeclarationError as error:
        _annotate(error.problems, "error", options.state, _in_repository(folder, root))
        raise
    if options.json:
        output.document(json_documents.failure((), ExitCode.OK))
    else:
        seconds = options.effort().seconds
        models = phrases.models(len(desired.declarations))
        output.product(f"{options.state}: valid, {models}, {seconds:.2f} s\n", options)
    output.complain(desired.warnings)
    _annotate(desired.warnings, "warning", options.state, _in_repository(folder, root))
    return int(ExitCode.OK)


def _in_repository(folder: Path, root: Path | None) -> str:
    """Return a folder's path as annotations have it: from the repository's root."""
    place, top = folder.resolve(), root.resolve() if root else None
    return place.relative_to(top).as_posix() if top and top in place.parents else folder.as_posix()


def _annotate(
    problems: Sequence[Problem], level: github_workflow.Level, given: str, folder: str
) -> None:
    """Show complaints on their lines, where GitHub Actions listens."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or not problems:
        return
    found = [
        github_workflow.of_problem(
            replace(problem, file=folder + problem.file.removeprefix(given))
            if problem.file
            else problem,
            level,
        )
        for problem in problems
    ]
    output.say(github_workflow.annotations(found).rstrip("\n"))
