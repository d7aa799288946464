"""What only GitHub does: verdicts, whose token it is, and its own limits."""

from collections.abc import Callable, Iterator

import pytest

from reconciler.errors import ForgeError
from reconciler.ports.forge import Check
from tests.support.forges.forge_lab import ForgeLab, github_lab
from tests.support.forges.forge_server import Commit, Fault, answer

_MARKER = "<!-- reconciler plan -->"


@pytest.fixture
def lab() -> Iterator[ForgeLab]:
    with github_lab() as made:
        yield made


@pytest.mark.parametrize(
    ("verdicts", "approvers"),
    [
        (["APPROVED"], ["bob"]),
        (["APPROVED", "COMMENTED"], ["bob"]),
        (["APPROVED", "PENDING"], ["bob"]),
        (["CHANGES_REQUESTED", "APPROVED"], ["bob"]),
        (["APPROVED", "CHANGES_REQUESTED"], []),
        (["APPROVED", "DISMISSED"], []),
        (["APPROVED", "CHANGES_REQUESTED", "COMMENTED"], []),
        (["COMMENTED"], []),
        ([], []),
    ],
)
def test_the_latest_verdict_of_a_person_decides(
    lab: ForgeLab, verdicts: list[str], approvers: list[str]
) -> None:
    opened = lab.state.open(lab.head(1))
    for verdict in verdicts:
        lab.state.review(opened, "bob", verdict)
    lab.state.review(opened, "ann", "CHANGES_REQUESTED")

    found = lab.forge.approvals(lab.forge.pull_request(opened.number))

    assert [review.login for review in found] == approvers


def test_a_verdict_on_an_older_head_does_not_bring_back_an_earlier_approval(
    lab: ForgeLab,
) -> None:
    opened = lab.state.open(lab.head(1))
    lab.state.review(opened, "bob")
    lab.state.push(opened, lab.head(2))
    lab.state.review(opened, "bob", "CHANGES_REQUESTED")
    lab.state.push(opened, lab.head(1))

    assert lab.forge.approvals(lab.forge.pull_request(opened.number)) == ()


def test_approvals_by_bots_and_by_accounts_that_are_gone_do_not_count(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    lab.state.review(opened, "approver[bot]")
    lab.state.review(opened, "")

    assert lab.forge.approvals(lab.forge.pull_request(opened.number)) == ()


def test_the_latest_verdict_is_found_behind_a_hundred_reviews(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    for _ in range(120):
        lab.state.review(opened, "bob", "COMMENTED")
    lab.state.review(opened, "bob")

    assert len(lab.forge.approvals(lab.forge.pull_request(opened.number))) == 1


def test_what_was_done_on_the_forges_pages_has_one_author(lab: ForgeLab) -> None:
    commit = Commit(lab.head(1), "bob", "web-flow", "bob@acme.example")
    opened = lab.state.open(lab.head(1), author="ann", commits=[commit])

    assert lab.forge.authors(lab.forge.pull_request(opened.number)) == {"ann", "bob"}


def test_authors_that_cannot_all_be_listed_are_not_guessed(lab: ForgeLab) -> None:
    commits = [Commit(lab.head(at), "ann", "ann", "a@acme.example") for at in range(251)]
    opened = lab.state.open(lab.head(250), commits=commits)

    with pytest.raises(ForgeError, match="250 commits at most"):
        lab.forge.authors(lab.forge.pull_request(opened.number))


def test_a_pull_request_of_ours_is_no_issue(lab: ForgeLab) -> None:
    lab.state.open(lab.head(1), author=lab.state.me).title = f"{_MARKER} is its body, too"

    assert lab.forge.close_issue(_MARKER, "done") is None
    assert lab.forge.put_issue(_MARKER, "Drift", "one row").endswith("/issues/2")


@pytest.mark.parametrize("me", ["github-actions[bot]", "registry-app[bot]", "ann"])
def test_a_comment_is_ours_whoever_the_token_belongs_to(me: str) -> None:
    with github_lab(me=me) as lab:
        opened = lab.state.open(lab.head(1))
        someone = lab.state.remark(opened, me.removesuffix("[bot]") + "x", _MARKER)
        for text in ("one", "two"):
            lab.forge.put_comment(opened.number, _MARKER, text)

        assert lab.forge.user() == me
        assert [one.body for one in opened.remarks] == [someone.body, f"{_MARKER}\ntwo"]


def test_a_person_named_like_the_app_is_not_the_app(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    person = lab.state.remark(opened, "github-actions", f"{_MARKER}\nall is well")

    lab.forge.put_comment(opened.number, _MARKER, "one")

    assert person.body == f"{_MARKER}\nall is well"
    assert len(opened.remarks) == 2


def test_whose_token_it_is_is_asked_once(lab: ForgeLab) -> None:
    opened = lab.state.open(lab.head(1))
    for text in ("one", "two"):
        lab.forge.put_comment(opened.number, _MARKER, text)

    assert sum("graphql" in request for request in lab.asked) == 1


def test_a_check_has_the_slug_of_its_app(lab: ForgeLab) -> None:
    url = lab.forge.put_check(
        lab.head(1), "plan", conclusion="success", title="t", summary="s", text="é\n" * 9
    )

    assert lab.forge.checks(lab.head(1), "plan") == (
        Check(
            name="plan",
            commit=lab.head(1),
            text="é\n" * 9,
            conclusion="success",
            url=url,
            time="2026-01-05T10:01:00Z",
            app="github-actions",
        ),
    )


@pytest.mark.parametrize(
    ("refused", "permission"),
    [
        ("POST check-runs", "`checks: write`"),
        ("GET check-runs", "`checks: read`"),
        ("POST /issues", "`issues: write`"),
        ("GET /reviews", "`pull-requests: read`"),
        ("POST /pulls", "`pull-requests: write`"),
    ],
)
def test_a_refusal_names_the_permission(lab: ForgeLab, refused: str, permission: str) -> None:
    opened = lab.state.open(lab.head(1))
    pull = lab.forge.pull_request(opened.number)
    lab.state.refused.add(refused)

    asked: dict[str, Callable[[], object]] = {
        "POST check-runs": lambda: lab.forge.put_check(
            pull.head, "plan", conclusion="success", title="", summary="", text=""
        ),
        "GET check-runs": lambda: lab.forge.checks(pull.head, "plan"),
        "POST /issues": lambda: lab.forge.put_issue(_MARKER, "Drift", ""),
        "GET /reviews": lambda: lab.forge.approvals(pull),
        "POST /pulls": lambda: lab.forge.open_pull_request("b", "main", "t", ""),
    }
    with pytest.raises(ForgeError) as caught:
        asked[refused]()

    assert permission in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            "GitHub Actions is not permitted to create or approve pull requests.",
            "RECONCILER_FORGE_TOKEN",
        ),
        ("No commits between main and rollback/x", "it is merged already"),
    ],
)
def test_a_pull_request_that_github_does_not_take_is_told_with_the_remedy(
    lab: ForgeLab, said: str, remedy: str
) -> None:
    errors = [{"resource": "PullRequest", "code": "custom", "message": said}]
    told = {"message": said} if "permitted" in said else {"message": "Invalid", "errors": errors}
    status = 403 if "permitted" in said else 422
    lab.state.faults.append(Fault("POST", "/pulls", answer(told, status)))

    with pytest.raises(ForgeError, match=said) as caught:
        lab.forge.open_pull_request("rollback/x", "main", "Roll back x", "")

    assert remedy in str(caught.value.hint)
