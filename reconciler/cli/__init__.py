"""The command line: thin commands that parse, call, print and exit.

Here an expected error becomes text and an exit code; a bug keeps its traceback.
"""

import gc
import logging
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import click

from reconciler.cli import output
from reconciler.cli.lazy_group import LazyGroup
from reconciler.cli.options import FORMATS, Options, common
from reconciler.cli.other_names import help_as_option, unknown_command
from reconciler.cli.progress.terminal_line import LINE
from reconciler.errors import ExitCode, Problem, ReconcilerError
from reconciler.render import json_documents

# Name → its module below `commands`, and the line about it in `--help`, which imports none of them.
_COMMANDS = {
    "init": ("init", "make a repository ready: files, workflows, hook"),
    "validate": ("validate", "check the files, offline"),
    "plan": ("plan", "show what would change"),
    "apply": ("apply", "carry out a plan"),
    "drift": ("drift", "find what was changed by hand"),
    "status": ("status", "show where every version stands"),
    "show": ("inspection.show", "show everything known of a version"),
    "card": ("publishing.card", "the model card of a version, as Markdown or CycloneDX"),
    "compare": ("inspection.compare", "show what differs between two versions"),
    "resolve": ("inspection.resolve", "the version that a name means, for what serves it"),
    "digest": ("inspection.digest", "print the digest of a version's files"),
    "import": ("import_live", "write the files from the live registry"),
    "promote": ("editing.promote", "edit the file so that a version serves"),
    "rollback": ("editing.rollback", "edit the file so that the version before serves again"),
    "discover": ("editing.discover", "add new versions that pass the policies, for Staging"),
    "tidy": ("editing.tidy", "take out of the files what the registry no longer has"),
    "watch": ("watch", "propose a rollback where what serves fails"),
    "history": ("inspection.history", "who changed a model, when, approved by whom"),
    "audit": ("audit", "every change, its evidence, and what does not add up"),
    "page": ("publishing.page", "what is live and who put it there, as files to open"),
    "consumers": ("consumers", "who loads which model, and by what"),
    "migrate": ("migrate", "from stages to aliases, in steps that can be reverted"),
    "ci": ("ci", "plan, apply and drift as a CI job runs them"),
    "forget": ("forget", "remove our two tags from models"),
    "schema": ("schema", "print the JSON Schema of the files"),
    "demo": ("demo", "the whole story on a throw-away registry"),
}


class Terminated(BaseException):
    """SIGTERM arrived while nothing was being written; no library may swallow it."""


class Commands(LazyGroup):
    """The commands themselves; their list imports none."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may be meant."""
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            if ctx.resilient_parsing:  # a shell completes a line that makes no sense yet
                return None, None, args
            raise unknown_command(args[0], _COMMANDS)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  whatever the command returns
        """Run the command; the terminal's line is gone before click says a word of Ctrl-C."""
        with LINE.opened():
            return super().invoke(ctx)


@click.group(
    cls=Commands,
    modules={name: f"{__name__}.commands.{module}" for name, (module, _) in _COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="mlflow-reconciler", prog_name="reconciler")
@common((*FORMATS, "csv", "markdown", "cyclonedx", "env", "kserve", "dotenv"))
@click.pass_context
def cli(context: click.Context, *, options: Options) -> None:
    """Git declares what an MLflow Model Registry holds; this closes the difference."""
    context.obj = options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code of the design."""
    # A run makes a million objects and hardly a cycle: looking for them is a third of the time.
    gc.set_threshold(200_000, 50, 100)
    # What MLflow and its migrations log is not for who runs a command, and not complete either.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    code = run(sys.argv[1:] if arguments is None else list(arguments))
    gc.freeze()  # the interpreter would look for cycles once more in all that the run has read
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what it prints is on stdout and stderr."""
    in_json = _wants_json(arguments)
    try:
        _tell_streams()
        signal.signal(signal.SIGTERM, _terminate)
        asked = help_as_option(arguments) or ["--help"]
        code: Any = cli.main(asked, prog_name="reconciler", standalone_mode=False)
        return int(code or 0)
    except ReconcilerError as error:
        return _fail(error.problems, error.code, in_json=in_json)
    except click.UsageError as error:
        hint = f"see `{error.ctx.command_path} --help`" if error.ctx else None
        problem = Problem(error.format_message(), ExitCode.USAGE, hint=hint)
        return _fail((problem,), ExitCode.USAGE, in_json=in_json)
    except click.ClickException as error:
        problem = Problem(error.format_message(), ExitCode.USAGE)
        return _fail((problem,), ExitCode.USAGE, in_json=in_json)
    except click.Abort as error:
        return _stopped(2 if isinstance(error.__context__, KeyboardInterrupt) else None, in_json)
    except Terminated:
        return _stopped(15, in_json)
    except Exception:  # noqa: BLE001  the top: a bug keeps its traceback
        traceback.print_exc()
        problem = Problem("this is a bug: please report it with the traceback", ExitCode.USAGE)
        return _fail((problem,), ExitCode.USAGE, in_json=in_json)


def _fail(problems: Sequence[Problem], code: ExitCode, *, in_json: bool) -> int:
    with suppress(OSError):  # a stream that cannot be written to cannot be complained on
        if in_json:
            output.document(json_documents.failure(problems, code))
        output.complain(problems)
    return int(code)


def _stopped(number: int | None, in_json: bool) -> int:  # noqa: FBT001  told by name nowhere else
    code = 128 + number if number else int(ExitCode.USAGE)
    message = "interrupted" if number else "not confirmed: nothing was written"
    if in_json:
        problem = Problem(message, ExitCode.USAGE)
        document = json_documents.failure((problem,), ExitCode.USAGE)
        document["exit"] = json_documents.ending(code)
        output.document(document)
    output.say(message)
    return code


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether stdout must hold a document even when the arguments cannot be parsed."""
    # `-o` may follow other letters: `-qo json`.
    return (
        re.search(r"(^|\0)(--format[=\0]|-[vq]*o\0?)json(\0|$)", "\0".join(arguments)) is not None
    )


def _tell_streams() -> None:
    """Show a question mark where a terminal has no arrow, instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  signal's signature
    raise Terminated
