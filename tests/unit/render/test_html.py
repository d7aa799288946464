"""Plans and reports as tables for a notebook: all that the text says, and nothing of it as HTML."""

from html.parser import HTMLParser

from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, ModelPlan, RegistryRef, StateRef
from reconciler.core.report import ApplyReport, ModelReport, Result
from reconciler.core.state import Field
from reconciler.core.violations import Violation
from reconciler.errors import Contrast, ExitCode, Problem
from reconciler.render import html

_HOSTILE = "<script>alert(1)</script>\x1b[2J"
_CHANGE = Change("fraud", Field("alias", None, "champion"), 1, 2, "declared")


def _plan(
    *models: ModelPlan,
    violations: tuple[Violation, ...] = (),
    pending: tuple[Violation, ...] = (),
) -> JudgedPlan:
    ref, state = RegistryRef("http://r"), StateRef("registry-state", "c" * 40, ())
    return JudgedPlan(ref, state, models, violations=violations, pending=pending)


class _Table(HTMLParser):
    """Reads the rows of cells, and each tag that occurs."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in_cell = False
        self.feed(shown)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the parser's own
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


_TAGS = {"div", "p", "b", "table", "tr", "td", "th", "span", "br"}


def test_a_plan_shows_why_a_model_is_excluded_and_which_rule_waits_for_an_approval() -> None:
    problem = Problem("v7 does not exist", ExitCode.DECLARATION, "m/credit.yaml", 3, 5, "credit")
    excluded = ModelPlan("credit", "error", problems=(problem,))
    denied = Violation("removals", None, "2 values are removed", "--accept removals")
    waiting = Violation("four-eyes", "fraud", "one approval is required", "ask a colleague")
    shown = html.plan(
        _plan(
            excluded,
            ModelPlan("fraud", "changes", changes=(_CHANGE,)),
            violations=(denied,),
            pending=(waiting,),
        )
    )
    table = _Table(shown)
    assert table.rows == [
        ["model", "what", "before", "after", "cause"],
        ["fraud", "~ @champion", "v1", "v2", ""],
        ["", "rule", "model", "message", "hint"],
        ["error", "", "credit", "m/credit.yaml:3:5: v7 does not exist", ""],
        ["refused", "removals", "", "2 values are removed", "--accept removals"],
        ["waits", "four-eyes", "fraud", "one approval is required", "ask a colleague"],
    ]


def test_what_was_approved_and_what_is_now_are_beside_each_other() -> None:
    contrast = Contrast("alias champion", "v1", "v2")
    problem = Problem(
        "not as it was approved", ExitCode.OUT_OF_STEP, model="fraud", contrasts=(contrast,)
    )
    shown = html.plan(_plan(ModelPlan("fraud", "error", problems=(problem,))))
    [_, row] = _Table(shown).rows
    assert row[3] == "not as it was approvedalias champion: approved v1, now v2"


def test_a_violation_that_is_accepted_needs_no_hint() -> None:
    accepted = Violation("removals", None, "2 values", "--accept removals", accepted=True)
    [_, row] = _Table(html.plan(_plan(violations=(accepted,)))).rows
    assert row == ["accepted", "removals", "", "2 values", ""]


def test_a_report_shows_why_a_record_was_not_completed_and_who_was_excluded() -> None:
    problem = Problem("v7 does not exist", ExitCode.DECLARATION, model="credit")
    plan = _plan(
        ModelPlan("credit", "error", problems=(problem,)),
        ModelPlan("fraud", "changes", changes=(_CHANGE,)),
    )
    result = Result(_CHANGE, "applied")
    model = ModelReport("fraud", (result,), error="the record was refused")
    table = _Table(html.report(ApplyReport(plan, (model,))))
    assert table.rows == [
        ["model", "what", "before", "after", "outcome", "error"],
        ["fraud", "~ @champion", "v1", "v2", "applied", ""],
        ["", "rule", "model", "message", "hint"],
        ["failed", "", "fraud", "the record was refused", ""],
        ["error", "", "credit", "v7 does not exist", ""],
    ]


def test_hostile_text_is_only_text() -> None:
    violation = Violation("four-eyes", _HOSTILE, _HOSTILE, _HOSTILE)
    contrast = Contrast(_HOSTILE, _HOSTILE, _HOSTILE)
    problem = Problem(
        _HOSTILE,
        ExitCode.DECLARATION,
        _HOSTILE,
        model=_HOSTILE,
        hint=_HOSTILE,
        contrasts=(contrast,),
    )
    plan = _plan(
        ModelPlan(_HOSTILE, "error", problems=(problem,)),
        violations=(violation,),
        pending=(violation,),
    )
    report = ApplyReport(plan, (ModelReport(_HOSTILE, (), error=_HOSTILE),))
    for shown in (html.plan(plan), html.report(report)):
        assert _Table(shown).tags <= _TAGS
        assert "\x1b" not in shown
        assert shown.count("&lt;script&gt;") >= 11
