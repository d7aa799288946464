"""What GitHub Actions reads from us is what we mean: parsed here as its runner does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.violations import Violation
from reconciler.errors import ExitCode, Problem
from reconciler.render.github_workflow import (
    Annotation,
    annotations,
    of_problem,
    of_violation,
    outputs,
)

_ANYTHING = st.text(st.characters(exclude_categories=["Cs"]))


def _unescaped(text: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def _parsed(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as the runner does: `::name key=value,key=value::message`."""
    found = re.fullmatch(r"::(\w+)(?: ([^\n]*?))?::([^\n]*)", line)
    assert found is not None, line
    pairs = (pair.split("=", 1) for pair in (found[2] or "").split(",") if pair)
    return found[1], {key: _unescaped(value) for key, value in pairs}, _unescaped(found[3])


def _read_outputs(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner does."""
    lines, found = text.split("\n"), {}
    while lines:
        line = lines.pop(0)
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            found[line[:equals]] = line[equals + 1 :]
        elif heredoc >= 0:
            end, held = line[heredoc + 2 :], []
            while (one := lines.pop(0)) != end:
                held.append(one)
            found[line[:heredoc]] = "\n".join(held)
        else:
            assert line == "", line
    return found


def test_a_problem_is_shown_at_its_line() -> None:
    problem = Problem(
        "no such stage",
        ExitCode.DECLARATION,
        file="registry-state/a,b:c.yaml",
        line=3,
        column=9,
        model="fraud",
        hint="write `Production`",
    )

    line = annotations([of_problem(problem)])

    assert line == (
        "::error file=registry-state/a%2Cb%3Ac.yaml,line=3,col=9,title=fraud"
        "::no such stage%0Awrite `Production`\n"
    )


def test_a_violation_that_denies_is_an_error_and_another_a_warning() -> None:
    denied = Violation("owner-tag", "fraud", "100% wrong", "set it")
    told = Violation("owner-tag", None, "odd", "", enforce="warn")
    accepted = Violation("removals", "fraud", "many", "", accepted=True)

    lines = annotations([of_violation(one, "f.yaml", 1) for one in (told, denied, accepted)])

    assert lines.splitlines() == [
        "::error file=f.yaml,line=1,title=owner-tag fraud::100%25 wrong%0Aset it",
        "::warning file=f.yaml,line=1,title=owner-tag::odd",
        "::warning file=f.yaml,line=1,title=removals fraud::many",
    ]


def test_what_has_no_place_is_shown_without_one() -> None:
    assert annotations([Annotation("notice", "hello")]) == "::notice::hello\n"
    assert annotations([]) == ""


@pytest.mark.parametrize(("count", "shown", "rest"), [(10, 10, None), (11, 9, 2), (300, 9, 291)])
def test_what_github_would_drop_is_counted(count: int, shown: int, rest: int | None) -> None:
    found = [Annotation("warning", f"w{at}", file="f.yaml", line=at) for at in range(count)]

    lines = annotations([*found, Annotation("error", "e")]).splitlines()

    assert lines[0] == "::error::e"
    assert lines[1 : shown + 1] == [
        f"::warning file=f.yaml,line={at}::w{at}" for at in range(shown)
    ]
    last = [f"::warning::{rest} more like these: the log and the summary have them all"]
    assert lines[shown + 1 :] == (last if rest else [])


@given(message=_ANYTHING, title=_ANYTHING, file=_ANYTHING.filter(bool))
def test_no_text_can_become_a_command_or_another_key(message: str, title: str, file: str) -> None:
    text = annotations([Annotation("error", message, title, file, 1)])

    assert text.count("\n") == 1
    name, keys, _ = _parsed(text[:-1])
    assert name == "error"
    assert keys.keys() <= {"file", "line", "title"}
    assert keys["line"] == "1"


def test_a_command_in_a_message_is_not_obeyed() -> None:
    evil = "x\n::set-output name=a::b\r\n##[error]c\x1b[31m"

    line = annotations([Annotation("error", evil)])

    assert len(line.splitlines()) == 1
    assert "::set-output" not in line
    assert "##[error]" not in line
    assert "\x1b" not in line


def test_outputs_are_lines_or_are_fenced() -> None:
    assert outputs({"changes": 3, "digest": "sha256:1", "text": "a\nb"}) == (
        "changes=3\ndigest=sha256:1\ntext<<end-of-value\na\nb\nend-of-value\n"
    )


@given(st.lists(st.sampled_from(["end-of-value", "end-of-value-", "a=b", "x<<end-of-value", ""])))
def test_no_value_can_end_its_fence(lines: list[str]) -> None:
    value = "\n".join(lines)

    assert _read_outputs(outputs({"one": value, "two": "2"})) == {"one": value, "two": "2"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_value_is_read_as_it_was(value: str) -> None:
    assert _read_outputs(outputs({"one": value, "two": "2"})) == {"one": value, "two": "2"}


@pytest.mark.parametrize("name", ["", "a=b", "a<<b", "a b", "a\nb", "1"])
def test_a_name_that_is_none_is_a_mistake_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an output"):
        outputs({name: "x"})
