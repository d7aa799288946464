"""What every forge's adapter does, held against GitHub's API and GitLab's."""

from collections.abc import Iterator

import pytest

from reconciler.errors import ForgeError
from reconciler.ports.forge import CHECK_LIMIT, Conclusion
from tests.support.forges.forge_lab import ForgeLab, github_lab, gitlab_lab
from tests.support.forges.forge_server import Commit, Fault, Given, Ticket
from tests.support.registries.servers import Answer

_MARKER = "<!-- reconciler plan prod -->"
_CHECK = "reconciler/plan"


@pytest.fixture(params=["github", "gitlab"])
def lab(request: pytest.FixtureRequest) -> Iterator[ForgeLab]:
    with github_lab() if request.param == "github" else gitlab_lab() as made:
        yield made


def test_a_pull_request_is_read_as_it_is(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1), author="ann", base="release")
    pull = lab.forge.pull_request(opened.number)

    assert (pull.number, pull.title, pull.author, pull.base) == (1, "Pull 1", "ann", "release")
    assert pull.head == lab.head(1)
    assert pull.url.startswith(lab.forge.url)
    assert not pull.merged
    assert pull.merge_commit is None


def test_a_pull_request_that_is_not_there_is_told(lab: ForgeLab) -> None:
    with pytest.raises(ForgeError, match=r"answered 404 to GET .*/99") as caught:
        lab.forge.pull_request(99)

    assert caught.value.code == 6
    assert caught.value.hint is not None


def test_a_pull_request_is_opened_with_its_text_and_found_by_its_marker(lab: ForgeLab) -> None:
    stranger = lab.state.open(lab.head(1), author="mallory")
    stranger.body = f"{_MARKER}\nlook here"
    other = lab.forge.open_pull_request("other", "main", "Other", f"> {_MARKER}")

    pull = lab.forge.open_pull_request("rollback/x", "main", "Roll back x", f"{_MARKER}\nwhy: é")

    opened = lab.state.pulls[pull.number]
    assert (opened.title, opened.branch, opened.base) == ("Roll back x", "rollback/x", "main")
    assert opened.body == f"{_MARKER}\nwhy: é"
    assert pull.author == lab.forge.user()
    assert pull.url.startswith(lab.forge.url)
    assert lab.forge.open_pull_requests(_MARKER) == (pull,)
    assert [one.number for one in lab.forge.open_pull_requests(">")] == [other.number]


def test_our_pull_request_is_found_behind_a_hundred_others(lab: ForgeLab) -> None:
    for number in range(120):
        lab.state.open(lab.head(number), author=lab.state.me if number % 2 else "ann")
    pull = lab.forge.open_pull_request("rollback/x", "main", "Roll back x", _MARKER)

    assert lab.forge.open_pull_requests(_MARKER) == (pull,)


@pytest.mark.parametrize("is_merged", [True, False])
def test_a_pull_request_that_ended_says_when_and_is_not_open(
    lab: ForgeLab, *, is_merged: bool
) -> None:
    pull = lab.forge.open_pull_request("rollback/x", "main", "Roll back x", _MARKER)
    assert pull.ended is None
    opened = lab.state.pulls[pull.number]
    if is_merged:
        lab.state.merge(opened, lab.head(9))
    else:
        lab.state.close(opened)

    found = lab.forge.pull_request(pull.number)

    assert (found.merged, found.ended) == (is_merged, "2026-01-05T10:02:00Z")
    assert lab.forge.open_pull_requests(_MARKER) == ()


def test_a_second_pull_request_of_a_branch_is_refused_with_what_to_do(lab: ForgeLab) -> None:
    lab.forge.open_pull_request("rollback/x", "main", "Roll back x", "")

    with pytest.raises(ForgeError, match="already exists") as caught:
        lab.forge.open_pull_request("rollback/x", "main", "Roll back x", "")

    assert caught.value.hint == "another job opened one for `rollback/x`: look at it"
    assert len(lab.state.pulls) == 1


def test_a_pull_request_whose_answer_is_lost_is_not_opened_twice(lab: ForgeLab) -> None:
    part = "/pulls" if lab.forge.name == "GitHub" else "/merge_requests"
    lost = Answer(502, b"")
    lab.state.faults.append(Fault("POST", part, lost, times=9, executed=True))

    with pytest.raises(ForgeError, match="answered 502"):
        lab.forge.open_pull_request("rollback/x", "main", "Roll back x", _MARKER)

    (pull,) = lab.forge.open_pull_requests(_MARKER)
    assert list(lab.state.pulls) == [pull.number]


def test_the_merged_pull_requests_of_a_commit_come_newest_first(lab: ForgeLab) -> None:
    shared = Commit(lab.head(7), "ann", "ann", "ann@acme.example")
    older, newer, still_open = (lab.state.open(lab.head(at), commits=[shared]) for at in (1, 2, 3))
    lab.state.merge(newer, lab.head(20))
    lab.state.merge(older, lab.head(10))

    found = lab.forge.pull_requests_of(lab.head(7))

    assert [(pull.number, pull.merged) for pull in found] == [
        (older.number, True),
        (newer.number, True),
    ]
    assert [pull.merge_commit for pull in found] == [lab.head(10), lab.head(20)]
    assert lab.forge.pull_requests_of(lab.head(20)) == found[1:]
    assert lab.forge.pull_requests_of(lab.head(99)) == ()
    assert still_open.number not in {pull.number for pull in found}


def test_an_approval_counts_for_the_head_that_was_approved(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    lab.state.review(opened, "bob")
    (approval,) = lab.forge.approvals(lab.forge.pull_request(opened.number))
    assert (approval.login, approval.commit) == ("bob", lab.head(1))
    assert approval.time == "2026-01-05T10:02:00Z"

    lab.state.push(opened, lab.head(2))
    assert lab.forge.approvals(lab.forge.pull_request(opened.number)) == ()

    lab.state.review(opened, "bob")
    (approval,) = lab.forge.approvals(lab.forge.pull_request(opened.number))
    assert approval.commit == lab.head(2)


def test_an_approval_of_another_head_than_the_one_asked_about_counts_nothing(
    lab: ForgeLab,
) -> None:
    opened = lab.state.open(lab.head(1))
    seen = lab.forge.pull_request(opened.number)
    lab.state.push(opened, lab.head(2))
    lab.state.review(opened, "bob")

    assert lab.forge.approvals(seen) == ()


def test_approvals_come_oldest_first_and_from_people_who_may_write(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1), author="cyd")
    for login in ("bob", "stranger", "ann"):
        lab.state.review(opened, login)
    pull = lab.forge.pull_request(opened.number)

    assert [review.login for review in lab.forge.approvals(pull)] == ["bob", "ann"]


def test_the_authors_are_who_opened_it_and_who_made_its_commits(lab: ForgeLab) -> None:
    commits = [
        Commit(lab.head(1), "bob", "cyd", "bob@acme.example"),
        Commit(lab.head(2), None, None, "nobody@elsewhere.example"),
    ]
    opened = lab.state.open(lab.head(2), author="ann", commits=commits)

    authors = lab.forge.authors(lab.forge.pull_request(opened.number))

    assert authors == {"ann", "bob", "cyd", "nobody@elsewhere.example"}


def test_all_authors_of_many_commits_are_found(lab: ForgeLab) -> None:
    commits = [
        Commit(lab.head(at), f"author-{at}", f"committer-{at % 120}", "x@acme.example")
        for at in range(240)
    ]
    opened = lab.state.open(lab.head(239), author="ann", commits=commits)

    authors = lab.forge.authors(lab.forge.pull_request(opened.number))

    assert len(authors) == 1 + 240 + 120


def test_a_comment_is_written_once_and_then_changed(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))

    first = lab.forge.put_comment(opened.number, _MARKER, "one")
    second = lab.forge.put_comment(opened.number, _MARKER, "two")
    other = lab.forge.put_comment(opened.number, "<!-- reconciler plan staging -->", "three")

    assert first == second != other
    assert [remark.body for remark in opened.remarks] == [
        f"{_MARKER}\ntwo",
        "<!-- reconciler plan staging -->\nthree",
    ]


def test_a_comment_is_found_among_hundreds(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    for number in range(150):
        lab.state.remark(opened, "ann", f"remark {number}")
    lab.forge.put_comment(opened.number, _MARKER, "one")
    for number in range(150):
        lab.state.remark(opened, "ann", f"another {number}")

    lab.forge.put_comment(opened.number, _MARKER, "two")

    assert len(opened.remarks) == 301
    assert opened.remarks[150].body.endswith("two")


def test_a_comment_of_somebody_else_is_never_taken_for_ours(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    forged = lab.state.remark(opened, "mallory", f"{_MARKER}\nall is approved")
    quoting = lab.state.remark(opened, lab.state.me, f"they said {_MARKER}")

    for text in ("one", "two"):
        lab.forge.put_comment(opened.number, _MARKER, text)

    assert forged.body == f"{_MARKER}\nall is approved"
    assert quoting.body == f"they said {_MARKER}"
    assert [one.body for one in opened.remarks[2:]] == [f"{_MARKER}\ntwo"]


def test_of_two_comments_that_were_written_at_once_one_is_left(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    older = lab.state.remark(opened, lab.state.me, f"{_MARKER}\nfirst")
    lab.state.remark(opened, lab.state.me, f"{_MARKER}\nsecond")

    lab.forge.put_comment(opened.number, _MARKER, "third")

    assert opened.remarks == [older]
    assert older.body == f"{_MARKER}\nthird"


def test_a_check_says_what_was_written_newest_first(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    for text in ("old", '{"digest": "sha256:1"}\n\n</details>\n<!-- é -->'):
        lab.forge.put_check(
            opened.head, _CHECK, conclusion="success", title="t", summary="s", text=text
        )
    lab.forge.put_check(
        opened.head, "another", conclusion="success", title="t", summary="s", text="x"
    )

    newest, older = lab.forge.checks(opened.head, _CHECK)

    assert newest.text == '{"digest": "sha256:1"}\n\n</details>\n<!-- é -->'
    assert newest.time > older.time
    assert (newest.name, newest.commit, newest.conclusion) == (_CHECK, opened.head, "success")
    assert newest.app == lab.forge.user().removesuffix("[bot]")
    assert newest.url.startswith(lab.forge.url)
    assert lab.forge.checks(lab.head(9), _CHECK) == ()


def test_a_check_that_failed_says_so(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    conclusions: tuple[Conclusion, ...] = ("failure", "action_required", "neutral")
    for conclusion in conclusions:
        lab.forge.put_check(
            opened.head,
            _CHECK,
            conclusion=conclusion,
            title="t" * 300,
            summary="",
            text="x" * CHECK_LIMIT,
        )
        assert lab.forge.checks(opened.head, _CHECK)[0].conclusion == conclusion


def test_a_check_of_somebody_else_is_known_by_who_wrote_it(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    lab.forge.put_check(opened.head, _CHECK, conclusion="success", title="", summary="", text="a")
    ours = lab.state.checks[0]
    forged = Given(lab.state.number(), opened.head, _CHECK, "success", "mallory", ours.time)
    pending = Given(lab.state.number(), opened.head, _CHECK, "pending", "mallory", ours.time)
    lab.state.checks += [forged, pending]

    assert [(check.app, check.text) for check in lab.forge.checks(opened.head, _CHECK)] == [
        ("mallory", ""),
        (lab.forge.user().removesuffix("[bot]"), "a"),
    ]


def test_a_check_that_is_too_long_is_refused_before_it_is_sent(lab: ForgeLab) -> None:
    with pytest.raises(ForgeError, match="65,535"):
        lab.forge.put_check(
            lab.head(1), _CHECK, conclusion="success", title="", summary="", text="x" * 65_536
        )

    assert lab.server.requests == []


def test_an_issue_is_opened_once_then_changed_then_closed(lab: ForgeLab) -> None:
    lab.state.open(lab.head(1))
    forged = lab.state.issues[500] = Ticket(500, "Drift", _MARKER, "mallory")

    first = lab.forge.put_issue(_MARKER, "Drift", "one row")
    second = lab.forge.put_issue(_MARKER, "Drift again", "two rows")

    (issue,) = [one for one in lab.state.issues.values() if one is not forged]
    assert first == second
    assert (issue.title, issue.body) == ("Drift again", f"{_MARKER}\ntwo rows")
    assert lab.forge.close_issue(_MARKER, "all is as declared") == first
    assert [remark.body for remark in issue.remarks] == ["all is as declared"]
    assert not issue.is_open
    assert forged.is_open

    assert lab.forge.close_issue(_MARKER, "once more") is None
    assert lab.forge.put_issue(_MARKER, "Drift", "three rows") != first


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_refusal_names_what_the_job_needs(lab: ForgeLab, method: str) -> None:
    opened = lab.state.open(lab.head(1))
    lab.state.refused.add(f"{method} s/{opened.number}/")

    with pytest.raises(ForgeError, match="answered 403") as caught:
        lab.forge.put_comment(opened.number, _MARKER, "one")

    assert caught.value.hint is not None
    assert "pull-requests: write" in caught.value.hint or "`api`" in caught.value.hint
    assert opened.remarks == []
