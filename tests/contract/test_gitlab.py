"""What only GitLab does: approvals without a commit, and checks whose text is in a comment."""

from collections.abc import Iterator

import pytest

from reconciler.ports.forge import Conclusion
from tests.support.forges.forge_lab import ForgeLab, gitlab_lab
from tests.support.forges.forge_server import Commit
from tests.support.forges.gitlab_dialect import OLD_GITLAB

_CHECK = "reconciler/plan --> prod"


@pytest.fixture
def lab() -> Iterator[ForgeLab]:
    with gitlab_lab() as made:
        yield made


def _put(lab: ForgeLab, commit: str, text: str, conclusion: Conclusion = "success") -> str:
    return lab.forge.put_check(
        commit, _CHECK, conclusion=conclusion, title="Plan", summary="3 changes", text=text
    )


def _texts(lab: ForgeLab, commit: str) -> list[str]:
    return [check.text for check in lab.forge.checks(commit, _CHECK)]


def test_approvals_are_dated_by_gitlabs_own_notes_where_it_does_not_date_them() -> None:
    with gitlab_lab(routes=OLD_GITLAB) as lab:
        opened = lab.state.open(lab.head(1), author="cyd")
        for login in ("ann", "bob"):
            lab.state.remark(opened, login, "approved this merge request", system=True)
            lab.state.review(opened, login)
        lab.state.push(opened, lab.head(2))
        lab.state.remark(opened, "bob", "approved this merge request", system=True)
        lab.state.remark(opened, "ann", "approved this merge request")

        (approval,) = lab.forge.approvals(lab.forge.pull_request(opened.number))

        assert (approval.login, approval.commit) == ("bob", lab.head(2))


def test_an_approval_of_the_same_commit_pushed_again_is_older_than_the_push(
    lab: ForgeLab,
) -> None:
    opened = lab.state.open(lab.head(1))
    lab.state.review(opened, "bob")
    lab.state.push(opened, lab.head(2))
    lab.state.push(opened, lab.head(1))

    assert lab.forge.approvals(lab.forge.pull_request(opened.number)) == ()


def test_a_merge_that_left_no_commit_of_its_own_left_its_head(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    lab.state.merge(opened, "")
    opened.merge_commit = None

    assert lab.forge.pull_request(opened.number).merge_commit == lab.head(1)


def test_every_page_of_people_is_asked_for_once(lab: ForgeLab) -> None:
    commits = [
        Commit(lab.head(at), "ann", f"committer-{at % 120}", "a@acme.example") for at in range(350)
    ]
    opened = lab.state.open(lab.head(349), commits=commits)
    pull = lab.forge.pull_request(opened.number)

    assert len(lab.forge.authors(pull)) == 1 + 120
    assert sum("graphql" in request for request in lab.asked) == 4


def test_the_text_of_a_check_is_shown_in_one_comment(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    for text in ("old", "new"):
        url = _put(lab, lab.head(1), text)

    (note,) = opened.remarks
    assert "**Plan**\n\n3 changes" in note.body
    assert "new" in note.body
    assert url.endswith(f"/-/merge_requests/{opened.number}#note_{note.id}")
    assert note.body.partition("\n")[0].count("-->") == 1


def test_the_text_of_an_older_head_is_gone_and_not_another_ones(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    _put(lab, lab.head(1), "of one")
    lab.state.push(opened, lab.head(2))
    _put(lab, lab.head(2), "of two")
    _put(lab, lab.head(1), "of one, late")

    assert _texts(lab, lab.head(2)) == ["of two"]
    assert _texts(lab, lab.head(1)) == ["", ""]


def test_the_text_for_one_head_is_not_taken_for_the_next(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    _put(lab, lab.head(1), "of one")
    _put(lab, lab.head(2), "too early")
    lab.state.push(opened, lab.head(2))

    assert _texts(lab, lab.head(2)) == [""]


def test_a_text_that_somebody_edited_is_none(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    _put(lab, lab.head(1), '{"after": "Staging"}', "failure")
    opened.remarks[0].body = opened.remarks[0].body.replace("Staging", "Archive")

    assert _texts(lab, lab.head(1)) == [""]


def test_a_text_in_somebody_elses_comment_is_none(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    _put(lab, lab.head(1), "text")
    opened.remarks[0].author = "mallory"

    assert _texts(lab, lab.head(1)) == [""]


def test_a_text_can_quote_another_check(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    _put(lab, lab.head(1), "inner", "failure")
    inner = opened.remarks[0].body
    _put(lab, lab.head(1), f"\n{inner}\n")

    assert _texts(lab, lab.head(1))[0] == f"\n{inner}\n"
    assert lab.forge.checks(lab.head(1), _CHECK)[0].conclusion == "success"


def test_a_check_without_a_merge_request_is_a_status_without_a_text(lab: ForgeLab) -> None:
    url = _put(lab, lab.head(5), "text", "failure")

    (check,) = lab.forge.checks(lab.head(5), _CHECK)
    assert (check.text, check.conclusion, check.url) == ("", "failure", url)
    assert url == f"{lab.forge.url}/-/commit/{lab.head(5)}"


def test_a_merged_merge_request_still_has_the_text_of_its_head(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    _put(lab, lab.head(1), "text")
    lab.state.merge(opened, lab.head(9))

    (pull,) = lab.forge.pull_requests_of(lab.head(9))
    assert _texts(lab, pull.head) == ["text"]
