"""A lesson: the console blocks of a Markdown page, run in a real shell and compared with it.

A line that begins with `$ ` is a command; it goes on below while it ends with a backslash, and to
the end of its here-document. What is below a command is what it prints: `…` stands for anything
in a line, and on a line of its own for any lines. A command with nothing below is only run.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HERE: Final = re.compile(r"<<'?(\w+)'?")
_MARK: Final = "--- end of a command:"


@dataclass(frozen=True)
class Step:
    """A command as a page has it, and what the page shows below it."""

    command: str
    shown: tuple[str, ...]


def steps_of(page: str) -> tuple[Step, ...]:
    """Return the commands of a page, in order."""
    return tuple(step for block in _BLOCK.findall(page) for step in _steps(block.splitlines()))


def _steps(lines: Sequence[str]) -> Iterator[Step]:
    rest = list(lines)
    while rest:
        first = rest.pop(0)
        assert first.startswith("$ "), f"a block begins with a command, not with: {first}"
        command = [first.removeprefix("$ ")]
        here = _HERE.search(command[0])
        while command[-1].endswith("\\") or (here and command[-1] != here[1]):
            command.append(rest.pop(0))
        shown = []
        while rest and not rest[0].startswith("$ "):
            shown.append(rest.pop(0))
        yield Step("\n".join(command), tuple(shown))


def differs(step: Step, printed: str) -> str:
    """Return what a command printed beside what its page shows; empty where they agree."""
    if not step.shown or re.fullmatch(_pattern(step.shown), printed.rstrip() + "\n"):
        return ""
    return "\n".join(
        unified_diff(step.shown, printed.splitlines(), "on the page", "printed", lineterm="", n=100)
    )


def _pattern(shown: Sequence[str]) -> str:
    return "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r" *\n"
        for line in shown
    )


def run(page: str, folder: Path, environ: Mapping[str, str], seconds: float = 120) -> list[str]:
    """Run a page's commands in one shell in a folder; return what failed or printed otherwise."""
    steps = steps_of(page)
    script = folder.with_suffix(".sh")
    script.write_text(
        "\n".join(f"{step.command}\nprintf '\\n%s %s\\n' '{_MARK}' $?" for step in steps)
    )
    out = folder.with_suffix(".out")  # to a pipe, a server that it starts would keep us waiting
    with out.open("w") as output, suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["bash", str(script)],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=seconds,
            check=False,
        )
    text = out.read_text(encoding="utf-8")
    parts = re.split(rf"\n{_MARK} (\d+)\n", text)
    assert len(parts) == 2 * len(steps) + 1, f"the shell ended early: {text[-2000:]}"
    problems = []
    for step, printed, code in zip(steps, parts[::2], parts[1::2], strict=False):
        if code != "0":
            problems.append(f"$ {step.command}\nexit code {code}: {printed}")
        elif difference := differs(step, printed):
            problems.append(f"$ {step.command}\n{difference}")
    return problems
