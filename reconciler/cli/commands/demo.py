"""`reconciler demo`: one model's life on an embedded registry, every command and answer real."""

import io
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from code import InteractiveInterpreter
from contextlib import redirect_stderr
from importlib.util import find_spec

import click

from reconciler.cli import output, run
from reconciler.cli.options import Options, common
from reconciler.demo.sandbox import end_if_asked, sandbox
from reconciler.demo.story import tell
from reconciler.errors import ReconcilerError, UsageError

_PACKAGES = {
    "mlflow": "mlflow",
    "sklearn": "scikit-learn",
    "sqlalchemy": "sqlalchemy",
    "alembic": "alembic",
}
_INTERRUPTED = (130, 143)
_WIDTH = 80
_OPENING = """\
One model's life, in a temporary folder: its registry, its git repository, and
every command and answer below are real.
"""
_CLOSING = """
Done: the temporary folder is gone, and nothing else was touched.

Next, with a registry of your own (README.md has the details):
  export MLFLOW_REGISTRY_URI=http://your-mlflow-server:5000
  reconciler init      in a repository or an empty folder: what is live as files
  reconciler plan      no changes: you start from where you are
Then commit it, change a file in a pull request, and let CI plan and apply.
"""


@click.command("demo", short_help="the whole story on a throw-away registry")
@common(("text",))
def command(*, options: Options) -> int:
    """Play the whole story on a registry of its own, in a temporary folder."""
    _require_packages()
    _require_git()
    prompt = Terminal(painted=output.colours(options, sys.stdout.isatty()))
    output.product(_OPENING, options)
    with sandbox():
        if options.color is False:
            os.environ["NO_COLOR"] = "1"
        tell(prompt)
    output.product(_CLOSING, options)
    return 0


def _require_packages() -> None:
    missing = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"the demo trains and registers models, and lacks {', '.join(missing)}",
            hint='pip install "mlflow-reconciler[local]"',
        )


def _require_git() -> None:
    if shutil.which("git") is None:
        raise UsageError(
            "the demo makes a git repository, and git is not installed or not on the PATH",
            hint="apt-get install git",
        )


class Terminal:
    """Shows what is typed, runs it, and shows its answer as it comes."""

    def __init__(self, *, painted: bool) -> None:
        self._painted = painted
        self._python = _Python()

    def title(self, text: str) -> None:
        """Begin a part."""
        self._line(f"\n{text}", bold=True)

    def say(self, text: str) -> None:
        """Tell what comes next, as a comment in a shell."""
        lines = textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        self._line("\n" + "\n".join(lines), dim=True)

    def shell(self, line: str, *, code: int = 0) -> None:
        """Run a command; another exit code than `code` ends the demo."""
        self._line(f"$ {line}", bold=True)
        words = shlex.split(line)
        ended = 0
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            os.environ[name] = value
        elif words[0] == "reconciler":
            ended = run(words[1:])
        else:
            ended = self._run(words)
        if ended in _INTERRUPTED:
            raise click.exceptions.Exit(ended)
        if ended != code:
            raise ReconcilerError(f"the demo ends here: `{line}` exited with {ended}, not {code}")

    def python(self, *lines: str) -> None:
        """Run lines in the one Python session of the demo."""
        for line in lines:
            self._line(f">>> {line}", bold=True)
            self._python.runsource(line)

    def register_versions(self) -> None:
        """Train and register the versions; MLflow's own messages are not shown."""
        with redirect_stderr(io.StringIO()):
            from reconciler.demo import models  # noqa: PLC0415  its imports take two seconds

            for line in models.register_versions():
                click.echo(line)

    def _run(self, words: list[str]) -> int:
        painting = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "color.ui",
            "GIT_CONFIG_VALUE_0": "always" if self._painted else "never",
        }
        done = subprocess.run(  # noqa: S603  the story's own words
            words,
            env={**os.environ, **painting},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        click.echo(done.stdout, nl=False, color=True)
        return done.returncode

    def _line(self, text: str, *, bold: bool | None = None, dim: bool | None = None) -> None:
        end_if_asked()
        styled = click.style(text, bold=bold, dim=dim) if self._painted else text
        click.echo(styled, color=True)


class _Python(InteractiveInterpreter):
    """Python's own prompt, except that a failure is one."""

    def showtraceback(self) -> None:
        raise  # noqa: PLE0704  it is called while the failure is handled
