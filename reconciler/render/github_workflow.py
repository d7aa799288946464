"""Renders problems and results as workflow commands and outputs of GitHub Actions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.core.violations import Violation
from reconciler.errors import Problem
from reconciler.render import phrases
from reconciler.render.escape import visible

Level: TypeAlias = Literal["error", "warning", "notice"]

SUMMARY_LIMIT: Final = 1024 * 1024  # bytes of a step's summary
_SHOWN: Final = 10  # of each level, by GitHub, for a step
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message at a place in a file; the path is relative to the repository's root."""

    level: Level
    message: str
    title: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None


def of_problem(problem: Problem, level: Level = "error") -> Annotation:
    """Return the annotation for a problem, its hint on a line of its own."""
    lines = [problem.message, *phrases.contrasted(problem.contrasts)]
    return Annotation(
        level,
        _with_hint("\n".join(lines), problem.hint),
        problem.model or "",
        problem.file,
        problem.line,
        problem.column,
    )


def of_violation(violation: Violation, file: str | None, line: int | None = None) -> Annotation:
    """Return the annotation for a violation in its model's file, an error where it denies."""
    title = " ".join(part for part in (violation.name, violation.model) if part)
    level: Level = "error" if violation.denies else "warning"
    return Annotation(level, _with_hint(violation.message, violation.hint), title, file, line)


def annotations(found: Sequence[Annotation]) -> str:
    """Return one workflow command a line; the last one counts those that GitHub would drop."""
    levels: tuple[Level, ...] = ("error", "warning", "notice")
    return "".join(
        f"{_command(one)}\n"
        for level in levels
        for one in _counted([one for one in found if one.level == level])
    )


def outputs(values: Mapping[str, str | int]) -> str:
    """Return the lines that set a step's outputs, for the file that GITHUB_OUTPUT names."""
    return "".join(_output(name, str(value)) for name, value in values.items())


def _counted(found: Sequence[Annotation]) -> Iterator[Annotation]:
    if len(found) <= _SHOWN:
        yield from found
        return
    yield from found[: _SHOWN - 1]
    rest = len(found) - _SHOWN + 1
    message = f"{rest} more like these: the log and the summary have them all"
    yield Annotation(found[0].level, message)


def _command(one: Annotation) -> str:
    places = {"file": one.file, "line": one.line, "col": one.column, "title": one.title or None}
    given = ",".join(
        f"{name}={_property(str(at))}" for name, at in places.items() if at is not None
    )
    return f"::{one.level}{' ' if given else ''}{given}::{_data(_lines(one.message))}"


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.splitlines())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _output(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{name}` cannot name an output")
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    end = _delimiter(value)
    return f"{name}<<{end}\n{value}\n{end}\n"


def _delimiter(value: str) -> str:
    """Return a line that does not occur in `value`, the same for the same value."""
    lines = set(re.split(r"[\r\n]+", value))
    end = "end-of-value"
    while end in lines:
        end += "-"
    return end


def _with_hint(message: str, hint: str | None) -> str:
    return f"{message}\n{hint}" if hint else message
