"""The last line of a terminal: one for all, and gone before anything else is said."""

import io
import sys

import pytest

from reconciler.cli import output
from reconciler.cli.options import Options
from reconciler.cli.progress.terminal_line import LINE

_CLEAR = "\r\x1b[2K"


class _Stderr(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def _stderr(patch: pytest.MonkeyPatch, term: str, *, is_terminal: bool = True) -> _Stderr:
    stderr = _Stderr(is_terminal=is_terminal)
    patch.setattr(sys, "stderr", stderr)
    patch.setenv("TERM", term)
    return stderr


def test_what_is_said_meanwhile_stands_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = _stderr(monkeypatch, "xterm")
    with LINE.opened():
        LINE.show("reading", "reading m v1")
        output.note("be warned", Options())
        output.note("twice", Options())
        LINE.show("reading", "reading m v1 still")
    LINE.show("reading", "a thread that outlives its run")
    assert stderr.getvalue() == (
        f"{_CLEAR}reading m v1{_CLEAR}be warned\ntwice\n{_CLEAR}reading m v1 still{_CLEAR}"
    )


def test_an_apply_that_reads_shows_the_reading_and_then_itself_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = _stderr(monkeypatch, "xterm")
    with LINE.opened():
        LINE.show("applying", "applying: 0 of 2")
        LINE.show("reading", "reading m v1")
        LINE.show("applying", "applying: 1 of 2")
        LINE.end("reading")
        LINE.end("reading")
        LINE.end("applying")
    shown = stderr.getvalue().split(_CLEAR)[1:]
    assert shown == ["applying: 0 of 2", "reading m v1", "reading m v1", "applying: 1 of 2", ""]


@pytest.mark.parametrize(("term", "is_terminal"), [("dumb", True), ("xterm", False)])
def test_where_no_line_can_go_again_none_is_shown(
    monkeypatch: pytest.MonkeyPatch, term: str, *, is_terminal: bool
) -> None:
    stderr = _stderr(monkeypatch, term, is_terminal=is_terminal)
    with LINE.opened():
        LINE.show("reading", "reading m v1")
        LINE.end("reading")
    assert stderr.getvalue() == ""
