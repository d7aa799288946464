"""The words of a proposed rollback: why, what was measured, how to refuse; nothing is markup."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from reconciler.audit.evidence import Entry
from reconciler.audit.merged_changes import MergedCommit, Step
from reconciler.core.declaring.watch import PrometheusQuery, WatchRule
from reconciler.policy.watching.looks import RuleVerdict
from reconciler.render.watching import rollback_proposal
from reconciler.render.watching.rollback_proposal import FailedRule, RollbackCase
from tests.support.plans.watch_values import LOOK, NOON

_RULE = WatchRule("error-rate", PrometheusQuery("http://p", "q"), "value > baseline + 0.02")
_LOOKS = tuple(
    replace(LOOK, time=NOON + timedelta(minutes=at), version=2 if at < 30 else 3)
    for at in range(60)
)
_WHY = "3 of the last 5 looks failed: value 0.1, baseline 0.02"
_FAILED = FailedRule(_RULE, RuleVerdict("error-rate", "failed", _WHY, 3, _LOOKS[-5:]), _LOOKS)
_COMMIT = MergedCommit(
    "c" * 40, (), NOON, "Ann", "ann@x", "GitHub", "n@x", "Merge pull request #12 from acme/v3"
)
_ENTRY = Entry(Step(_COMMIT, "fraud", None, None), (), 3, {}, 12, (), "applied")
_CASE = RollbackCase(
    model="fraud",
    version=3,
    target=2,
    since=NOON + timedelta(minutes=30),
    failed=(_FAILED,),
    now=NOON + timedelta(hours=1),
    others=(RuleVerdict("latency", "inconclusive", "no data for 2 h", 0, ()),),
    put_there=_ENTRY,
    changes=("v2 Archived → Production",),
)
_ROOM, _MORE = 65_000, "see the job"
_HOSTILE = (
    "<img src=x>@ann #1 ![x](//e.example) | a `b` ``` *c* a www.e.example \x1b[31m\n# ::error::"
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.add(tag)


def tags(markdown: str) -> set[str]:
    """Return the HTML elements that a forge makes of a text."""
    parser = _Tags()
    parser.feed(MarkdownIt("gfm-like", {"linkify": False}).render(markdown))
    return parser.tags


def test_the_pull_request_says_why_since_when_what_it_changes_and_how_to_refuse() -> None:
    text = rollback_proposal.body(_CASE, _ROOM, _MORE)

    assert rollback_proposal.title(_CASE) == "Roll back fraud v3 → v2: error-rate fails"
    for part in (
        "<code>fraud</code> v3, which serves since 2026-11-30 12:30:00 UTC.\n",
        "**v2 serve again**",
        "v3 came with #12, commit cccccccccccc by Ann on 2026-11-30 12:00:00 UTC",
        "The rule: <code>value &#62; baseline + 0.02</code> in 3 of the last 5 looks",
        "; here 3 of 5, the first at 2026-11-30 11:59:45 UTC.\n",
        "```text\n",
        "| 2026-11-30 11:59:45 UTC | v3 | 0.1 | 0.02 | 812 | ❌ failing |\n",
        "… and 48 earlier looks\n",
        "- v2 Archived → Production\n",
        "- <code>latency</code>: inconclusive, no data for 2 h\n",
        "Close the pull request. Nothing is proposed for <code>fraud</code> within 24 h",
    ):
        assert part in text
    assert tags(text) <= {
        *("p", "code", "strong", "h4", "pre", "ul", "li"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }


def test_on_gitlab_a_merge_request_has_its_own_mark() -> None:
    text = rollback_proposal.body(replace(_CASE, pull_mark="!"), _ROOM, _MORE)

    assert "v3 came with !12, commit" in text


def test_a_comment_has_the_latest_and_not_the_way_to_refuse() -> None:
    text = rollback_proposal.comment(_CASE, _ROOM, _MORE)

    assert text.startswith("As of 2026-11-30 13:00:00 UTC: <code>error-rate</code> still fails")
    assert "```text" in text
    assert "Close the pull request" not in text


def test_the_reason_and_the_trailers_are_a_line_each() -> None:
    assert rollback_proposal.reason((_FAILED,)) == f"watch: error-rate: {_WHY}"
    assert rollback_proposal.trailers((_FAILED,)) == ("Reconciler-Watch: error-rate",)


def test_no_text_from_elsewhere_becomes_markup_a_mention_or_a_line() -> None:
    verdict = replace(_FAILED.verdict, why=_HOSTILE, rule=_HOSTILE)
    looks = (*_LOOKS[:-1], replace(_LOOKS[-1], outcome="unknown", why=_HOSTILE))
    failed = FailedRule(replace(_RULE, fail=_HOSTILE, name=_HOSTILE), verdict, looks)
    commit = replace(_COMMIT, author=_HOSTILE, subject=_HOSTILE)
    entry = replace(_ENTRY, step=replace(_ENTRY.step, commit=commit))
    case = replace(
        _CASE,
        model=_HOSTILE,
        failed=(failed,),
        others=(verdict,),
        put_there=entry,
        changes=(_HOSTILE,),
    )

    for text in (
        rollback_proposal.body(case, _ROOM, _MORE),
        rollback_proposal.comment(case, _ROOM, _MORE),
    ):
        assert tags(text) <= tags(rollback_proposal.body(_CASE, _ROOM, _MORE)) | {"code"}
        assert not re.search(r"@ann|[^&]#1\b|\x1b|www\.|!\[", text)
    lines = (
        rollback_proposal.title(case),
        rollback_proposal.reason((failed,)),
        *rollback_proposal.trailers((failed,)),
    )
    assert all(line.isprintable() and " ::" not in line for line in lines)


def test_it_has_room_in_a_pull_request_however_much_there_is_to_tell() -> None:
    long = replace(_LOOKS[0], outcome="unknown", why="&" * 5000)
    verdict = replace(_FAILED.verdict, why="|" * 5000, looks=(long,) * 50)
    failed = FailedRule(replace(_RULE, fail="value > 1 || " * 800), verdict, (long,) * 500)
    case = replace(_CASE, model="m" * 256, failed=(failed,) * 20, changes=("#" * 5000,) * 20)

    assert len(rollback_proposal.title(case)) <= 250
    assert len(rollback_proposal.reason(case.failed)) <= 500
    for room in (65_536, 20_000, 3_000):
        for words in (rollback_proposal.body, rollback_proposal.comment):
            text = words(case, room, _MORE)
            assert len(text) <= room
            assert text.count("```") % 2 == 0
    small = replace(_CASE, failed=(_FAILED,) * 5)
    assert rollback_proposal.body(small, 12_000, _MORE).count("```text") == 5
