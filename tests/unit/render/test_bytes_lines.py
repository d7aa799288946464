"""How a plan and a report tell what became of the bytes, in text, Markdown and HTML."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from reconciler.core.artifacts.bytes_check import ApprovedFiles, BytesCheck, checked, unreadable
from reconciler.core.artifacts.model_files import HashedFile, ModelFiles
from reconciler.core.artifacts.sizes import in_bytes
from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.report import ApplyReport, ModelReport, Result
from reconciler.core.state import Field
from reconciler.errors import ExitCode, RegistryError
from reconciler.render import forge_comment, html, markdown, text
from reconciler.render.text import Effort

NOW = datetime(2026, 11, 29, tzinfo=timezone.utc)
EFFORT = Effort(3, 0.1)
HOSTILE = "<b>`x`</b>\x1b[2J|y"
FILES = ModelFiles((HashedFile("MLmodel", 3_400_000, "0" * 64), HashedFile("a", 1, "1" * 64)))
SAME = checked("fraud", 4, FILES.digest, FILES, ApprovedFiles())
NOT_READ = BytesCheck(4, FILES.digest, "unchecked", why="the settings say so")
CHANGE = Change("fraud", Field("stage", 4), "Staging", "Production", "declared")


def _plan(check: BytesCheck) -> JudgedPlan:
    model = ModelPlan("fraud", "changes", changes=(CHANGE,), bytes=(check,))
    return JudgedPlan(RegistryRef("http://r"), StateRef("s"), (model,), violations=())


def _report(check: BytesCheck) -> ApplyReport:
    failed = Result(CHANGE, "failed", "nothing was written", ExitCode.DECLARATION)
    return ApplyReport(_plan(check), (ModelReport("fraud", (failed,), bytes=(check,)),))


def _differing() -> BytesCheck:
    now = replace(FILES, files=(*FILES.files, HashedFile(HOSTILE, 12, "2" * 64)))
    return checked("fraud", 4, FILES.digest, now, ApprovedFiles(of_digests={FILES.digest: FILES}))


SHOWN: list[Callable[[BytesCheck], str]] = [
    lambda check: text.plan(_plan(check), EFFORT, NOW),
    lambda check: markdown.plan(_plan(check), NOW),
    lambda check: forge_comment.plan(_plan(check), NOW, room=10_000, more=""),
    lambda check: html.plan(_plan(check)),
    lambda check: text.report(_report(check), EFFORT),
    lambda check: forge_comment.outcome(_report(check), room=10_000, more=""),
    lambda check: html.report(_report(check)),
]


@pytest.mark.parametrize("shown", SHOWN)
def test_what_is_as_approved_and_what_nobody_read_is_a_line_everywhere(
    shown: Callable[[BytesCheck], str],
) -> None:
    assert "v4 as approved, 2 files, 3.4 MB" in shown(SAME)
    assert "v4 not read" in shown(NOT_READ)
    assert "the settings say so" in shown(NOT_READ)


@pytest.mark.parametrize("shown", SHOWN[4:])
def test_a_report_lists_the_files_that_differ_and_none_of_it_is_markup(
    shown: Callable[[BytesCheck], str],
) -> None:
    told = shown(_differing())
    assert "no such file" in told
    assert "12 bytes" in told
    assert "\x1b" not in told
    if shown is not SHOWN[4]:
        assert "<b>`" not in told


@pytest.mark.parametrize("shown", SHOWN)
def test_what_could_not_be_read_is_told_by_its_problem_alone(
    shown: Callable[[BytesCheck], str],
) -> None:
    check = unreadable(4, FILES.digest, RegistryError("AccessDenied"))
    assert "approved" not in shown(check)


@pytest.mark.parametrize(
    "shown",
    [
        lambda report: text.report(report, EFFORT),
        lambda report: forge_comment.outcome(report, room=10_000, more=""),
        html.report,
    ],
)
def test_a_reason_that_all_changes_of_a_model_share_is_told_once(
    shown: Callable[[ApplyReport], str],
) -> None:
    why = "nothing was written"
    others = [replace(CHANGE, field=Field("stage", version)) for version in (5, 6)]
    results = tuple(
        Result(change, "failed", why, ExitCode.DECLARATION) for change in (CHANGE, *others)
    )
    last = Result(replace(CHANGE, field=Field("stage", 7)), "skipped", "interrupted")
    report = replace(_report(SAME), models=(ModelReport("fraud", (*results, last)),))
    told = shown(report)
    assert (told.count(why), told.count("the same"), told.count("interrupted")) == (1, 2, 1)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (2_000_000_000, "2.0 GB"),
        (5_000_000_000_000_000, "5,000.0 TB"),
    ],
)
def test_sizes_have_the_unit_that_fits(size: int, words: str) -> None:
    assert in_bytes(size) == words
