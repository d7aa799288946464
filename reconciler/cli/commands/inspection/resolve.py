"""`reconciler resolve`: the version that a name means, for systems that read git and not MLflow."""

import click

from reconciler.cli import output
from reconciler.cli.model_options import declared_models
from reconciler.cli.opened import opened
from reconciler.cli.options import Options, common
from reconciler.render.json_documents import ending


@click.command("resolve", short_help="the version that a name means, for what serves it")
@click.argument("name", metavar="MODEL[/VERSION|/STAGE|@ALIAS]", shell_complete=declared_models)
@click.option("--write", "write", metavar="FILE", help="Write it to FILE, too, where that changes.")
@click.option("--check", "check", metavar="FILE", help="Exit 2 unless FILE is as --write makes it.")
@click.option("--offline", is_flag=True, help="Ask no registry: answer from the files alone.")
@common(("text", "json", "env", "kserve", "dotenv"))
def command(
    *, options: Options, name: str, write: str | None, check: str | None, offline: bool
) -> int:
    """Print the version that a name means, if the registry and git agree on it.

    MODEL alone means the version that serves. Where git declares another version than the live
    one, nothing is printed or written, and the exit code is 5.
    """
    if write is not None and check is not None:
        raise click.UsageError("`--write` and `--check` contradict each other: name one")
    found = opened(options).resolve(name, declared=True, offline=offline)
    if check is not None:
        answer = found.check(check, options.format)
        output.note(answer.headline, options)
        if options.json:
            output.document(answer.document())
        else:
            output.patch(answer.difference)
        return answer.code
    content = found.content(options.format)
    if write is not None:
        is_written = found.write(write, options.format)
        output.note(f"{'wrote' if is_written else 'unchanged:'} `{write}`", options)
    if options.json:
        output.document(found.to_dict() | {"errors": [], "exit": ending(0)})
    else:
        output.patch(content)
    return 0
