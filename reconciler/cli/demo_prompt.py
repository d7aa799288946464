"""Where the demonstration types: shows each line, runs it, and shows its answer as it comes."""

import io
import os
import shlex
import subprocess
import textwrap
from code import InteractiveInterpreter
from contextlib import redirect_stderr

import click

from reconciler.cli import run
from reconciler.demo.sandbox import end_if_asked
from reconciler.errors import ReconcilerError

_INTERRUPTED = (130, 143)
_WIDTH = 80


class DemoPrompt:
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
