"""`reconciler init`: makes a repository ready; overwrites nothing, commits nothing."""

import click

from reconciler.cli import output
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.cli.present import present
from reconciler.cli.questions import asking


@click.command("init", short_help="make a repository ready: files, workflows, hook")
@click.option("--gitlab", is_flag=True, help="A pipeline for GitLab instead of GitHub workflows.")
@click.option("--pages", is_flag=True, help="A workflow that publishes the page, too.")
@click.option("--public-page", is_flag=True, help="Agree that everybody may read that page.")
@common()
def command(*, options: Options, gitlab: bool, pages: bool, public_page: bool) -> int:
    """Write what a repository needs, and say what to do next.

    Settings, the models that are live or an example, workflows, CODEOWNERS and a pre-commit hook.
    A file that is there is left as it is. An empty folder becomes a git repository.
    """
    files = opened(options).init(
        gitlab=gitlab, pages=pages, public_page=public_page, ask=asking(options)
    )
    if not files.obstacles:
        return present(files.write(), options)
    code = present(files, options)
    output.note("nothing was written", options)
    return code
