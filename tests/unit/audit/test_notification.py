"""What a notification says: which models are told of, as JSON exactly, for Slack harmlessly."""

import json
import re
from datetime import datetime, timezone
from typing import Any

import pytest

from reconciler.audit.apply_record import RecordedApproval
from reconciler.audit.notification import Behind, Notification, Occasion, worth_telling
from reconciler.core.changes import Change
from reconciler.core.plan import JudgedPlan, RegistryRef, StateRef
from reconciler.core.report import ApplyReport, ChangeOutcome, ModelReport, Result
from reconciler.core.settings import Settings, Webhook, effective_settings
from reconciler.core.state import Field, Value
from reconciler.errors import ExitCode
from reconciler.render import notification as rendered
from tests import ROOT

_REF = RegistryRef("http://mlflow:5000", "prod-eu")
_STATE = StateRef("registry-state", "c" * 40)
_WHEN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=timezone.utc)
_URL = "https://forge.example/acme/x/actions/runs/7?a=1&b=2"
_HOSTILE = "<!channel> <https://evil.example|click> @here @channel `*_~``` \n::error::x & <@U1>"


def _result(
    outcome: ChangeOutcome = "applied",
    *,
    key: str = "k",
    after: Value = "new",
    error: str | None = None,
) -> Result:
    change = Change("m", Field("tag", 4, key), "old", after, "declared")
    return Result(change, outcome, error)


def _told(
    *results: Result,
    model: str = "m",
    error: str | None = None,
    occasion: Occasion | None = None,
    behind: Behind | None = None,
) -> Notification:
    report = ModelReport(model, results, recorded=error is None, wrote=True, error=error)
    occasion = occasion or Occasion(_WHEN, "ann", _URL)
    return Notification("id-1", _REF, _STATE, report, occasion, behind or Behind())


def _texts(message: dict[str, Any]) -> list[str]:
    """Return every text of a message that Slack reads for markup."""
    return [message["text"], *(block["text"]["text"] for block in message["blocks"])]


@pytest.mark.parametrize(
    ("model", "is_told"),
    [
        (ModelReport("m", (_result(),), recorded=True, wrote=True), True),
        (ModelReport("m", (_result(), _result("failed", key="j")), wrote=True), True),
        (ModelReport("m", (_result("failed"),), wrote=True), True),
        (ModelReport("m", (_result("failed"),), wrote=False), False),
        (ModelReport("m", (_result("stale"),), wrote=False), False),
        (ModelReport("m", (_result("superseded"),), wrote=False), False),
        (ModelReport("m", (), recorded=True, wrote=True), False),
        (ModelReport("m", (), wrote=True, error="lost", code=ExitCode.REGISTRY), True),
        (ModelReport("m", (), wrote=False, error="lost", code=ExitCode.REGISTRY), False),
    ],
)
def test_only_what_was_written_is_told_and_a_record_alone_is_not(
    model: ModelReport,
    is_told: bool,  # noqa: FBT001  a case of the table
) -> None:
    report = ApplyReport(JudgedPlan(_REF, _STATE, (), violations=()), (model,))
    assert list(worth_telling(report)) == ([model] if is_told else [])


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (_told(_result()), "applied"),
        (_told(_result(), _result("failed", key="j")), "partial"),
        (_told(_result(), error="the record was not written"), "partial"),
        (_told(_result("failed")), "failed"),
        (_told(error="lost"), "failed"),
    ],
)
def test_the_outcome_is_that_of_the_whole_model(value: Notification, outcome: str) -> None:
    assert value.outcome == outcome
    assert rendered.document(value)["outcome"] == outcome


def test_the_json_says_what_became_of_each_change_and_who_is_behind_it() -> None:
    approval = RecordedApproval("bob", "a" * 40, "2026-03-14T09:00:00Z", "m" * 40)
    value = _told(
        _result(),
        _result("failed", key="j", error="403: no"),
        behind=Behind(("ann",), (12,), (approval,)),
    )
    assert rendered.document(value) == {
        "format_version": "1",
        "event": "apply",
        "id": "id-1",
        "time": "2026-03-14T09:26:53Z",
        "registry": {"uri": "http://mlflow:5000", "name": "prod-eu", "workspace": None},
        "state": {"path": "registry-state", "commit": "c" * 40, "dirty": False},
        "model": "m",
        "outcome": "partial",
        "recorded": True,
        "changes": [
            {
                "model": "m",
                "version": 4,
                "field": "tag",
                "key": key,
                "before": "old",
                "after": "new",
                "action": "set",
                "cause": "declared",
                "outcome": outcome,
                "error": error,
            }
            for key, outcome, error in (("k", "applied", None), ("j", "failed", "403: no"))
        ],
        "changes_left_out": 0,
        "error": None,
        "messages": [],
        "actor": "ann",
        "run_url": _URL,
        "authors": ["ann"],
        "pull_requests": [12],
        "approvals": [{"login": "bob", "commit": "a" * 40, "time": "2026-03-14T09:00:00Z"}],
    }


def test_every_member_of_the_json_is_documented() -> None:
    page = ROOT.joinpath("docs", "ci.md").read_text(encoding="utf-8")
    section = page.partition("\n## Notifications\n")[2].partition("\n## ")[0]
    assert not {key for key in rendered.document(_told()) if f"`{key}`" not in section}


def test_who_is_told_is_no_rule_that_a_change_is_judged_by() -> None:
    before, own = Settings(heal=True), Settings(heal=True, notify=(Webhook("json", "URL"),))
    for one, other in ((own, before), (before, own)):
        effective = effective_settings(one, other)
        assert effective.settings == one
        assert effective.base is None
        assert effective.deferred == ()


def test_a_slack_message_reads_well() -> None:
    approval = RecordedApproval("bob", "a" * 40, "2026-03-14T09:00:00Z", "m" * 40)
    change = Change("fraud", Field("stage", 4), "Staging", "Production", "declared")
    alias = Change("fraud", Field("alias", None, "champion"), 3, 4, "drift")
    value = _told(
        Result(change, "applied"),
        Result(alias, "failed", "403: no"),
        model="fraud",
        occasion=Occasion(_WHEN, "cyd", "https://forge.example/x/7?a=1&b=2"),
        behind=Behind(("ann",), (12,), (approval, approval)),
    )
    around = (
        f"commit `{'c' * 12}` · pull request `#12` · by `ann` · approved by `bob` · run by `cyd` · "
        "<https://forge.example/x/7?a=1&amp;b=2|log>"
    )
    assert rendered.slack(value)["text"].replace("\u200b", "").splitlines() == [
        "⚠️ `fraud` on `prod-eu`: 1 of 2 changes applied",
        "```",
        "✅ v4 stage  Staging → Production",
        "❌ @champion  v3 → v4  drift: 403: no",
        "```",
        around,
    ]


def test_nothing_from_outside_calls_anybody_or_leads_anywhere_in_slack() -> None:
    approval = RecordedApproval(_HOSTILE, _HOSTILE, _HOSTILE, _HOSTILE)
    value = _told(
        _result(key=_HOSTILE, after=_HOSTILE, error=_HOSTILE),
        model=_HOSTILE,
        error=_HOSTILE,
        occasion=Occasion(_WHEN, _HOSTILE, f"https://x/{_HOSTILE}"),
        behind=Behind((_HOSTILE,), (1,), (approval,)),
    )
    message = rendered.slack(value)
    for text in _texts(message):
        assert not re.search("[<>]", text)
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)
        assert not re.search(r"@(?!\u200b)", text)
        # What stands outside of code is ours.
        outside = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        assert "`" not in outside
        assert "channel" not in outside
        assert "click" not in outside
    assert all(block["text"]["verbatim"] for block in message["blocks"])
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)


def test_only_a_plain_address_becomes_a_link() -> None:
    for url in ("javascript:alert(1)", "https://x/|evil>", "https://x/ y", "https://x/\u202e"):
        said = rendered.slack(_told(_result(), occasion=Occasion(_WHEN, None, url)))["text"]
        assert "|log>" not in said


@pytest.mark.parametrize("letter", ["x", "&", "<", "@", "`", "\u202e", "😀"])
def test_a_message_is_bounded_whatever_was_written(letter: str) -> None:
    long = letter * 50_000
    rows = [_result(key=long[:250], after=long, error=long[:1_000]) for _ in range(300)]
    url = "https://x/" + "&" * 190
    value = _told(
        *rows,
        model=long[:256],
        error=long,
        occasion=Occasion(_WHEN, long, url),
        behind=Behind((long,) * 99, (1_000_000,) * 99, (RecordedApproval(long, "", "", ""),) * 99),
    )

    message = rendered.slack(value)
    assert len(message["text"]) < 40_000
    assert all(len(block["text"]["text"]) <= 3_000 for block in message["blocks"])
    assert re.search(r"… and \d+ more\n```", message["text"])
    assert len(message["blocks"]) == 4

    document = rendered.document(value)
    assert len(document["changes"]) == 100
    assert document["changes_left_out"] == 200
    assert document["changes"][0]["after"].endswith("… (50,000 characters)")
    assert document["changes"][0]["before"] == "old"


def test_half_characters_are_no_obstacle() -> None:
    value = _told(_result(after="\ud800"), model="m\udfff")
    for message in (rendered.slack(value), rendered.document(value)):
        assert json.dumps(message).encode()
