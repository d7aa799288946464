"""The port to a forge: pull requests, approvals, comments, checks and issues."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Conclusion: TypeAlias = Literal["success", "failure", "neutral", "action_required"]

CHECK_LIMIT = 65_535  # characters of a check's summary, and of its text


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request (GitLab: a merge request); `head` is a commit, `base` a branch.

    `merge_commit` is the commit that the merge made on `base`; None before the merge. `ended` is
    when it was merged or closed, as the time of a `Review`; None while it is open.
    """

    number: int
    title: str
    url: str
    head: str
    base: str
    author: str
    merged: bool
    merge_commit: str | None
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """An approval of a commit; `time` is UTC as `YYYY-MM-DDTHH:MM:SSZ`."""

    login: str
    commit: str
    time: str


@dataclass(frozen=True, slots=True)
class Check:
    """A finished check of a commit; `app` identifies its author, `time` is as in `Review`.

    On GitHub `app` is the slug of a GitHub App, `github-actions` for a job's own token; on GitLab a
    user name. `text` is empty when the forge cannot prove that it is unchanged.
    """

    name: str
    commit: str
    text: str
    conclusion: str
    url: str
    time: str
    app: str


class Forge(Protocol):
    """A repository on a forge; every method may raise `ForgeError`."""

    @property
    def name(self) -> str:
        """The forge's name: GitHub or GitLab."""
        ...

    @property
    def url(self) -> str:
        """The URL of the repository's page."""
        ...

    @property
    def comment_limit(self) -> int:
        """The longest comment, issue or body of a pull request, in characters."""
        ...

    def user(self) -> str:
        """Return the login that our token belongs to; an app's ends in `[bot]` on GitHub."""
        ...

    def pull_request(self, number: int) -> PullRequest:
        """Return one pull request."""
        ...

    def pull_requests_of(self, commit: str) -> tuple[PullRequest, ...]:
        """Return the merged pull requests that contain a commit, newest merge first."""
        ...

    def open_pull_request(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open the pull request of a branch of this repository, to be merged into `base`.

        Raises `ForgeError` where the forge does not take it, also where one is open already.
        """
        ...

    def open_pull_requests(self, marker: str) -> tuple[PullRequest, ...]:
        """Return our open pull requests whose body begins with `marker`, oldest first."""
        ...

    def approvals(self, pull: PullRequest) -> tuple[Review, ...]:
        """Return the approvals of the pull request's head, oldest first.

        The latest review of each person with write access counts; a comment is not a review. An
        approval that may be of another commit is left out.
        """
        ...

    def authors(self, pull: PullRequest) -> frozenset[str]:
        """Return the logins of the opener and of every author and committer of its commits.

        A person who is not a user of the forge is identified by e-mail address. The forge itself,
        the committer of edits on its web pages, is left out.
        """
        ...

    def put_comment(self, number: int, marker: str, body: str) -> str:
        """Create or update our comment that begins with `marker`, and return its URL.

        Comments by other users are never changed, whatever their text.
        """
        ...

    def put_check(
        self, commit: str, name: str, *, conclusion: Conclusion, title: str, summary: str, text: str
    ) -> str:
        """Write a finished check of a commit, and return its URL."""
        ...

    def checks(self, commit: str, name: str) -> tuple[Check, ...]:
        """Return the finished checks with that name by any author, newest first."""
        ...

    def put_issue(self, marker: str, title: str, body: str) -> str:
        """Create or update our open issue that begins with `marker`, and return its URL."""
        ...

    def close_issue(self, marker: str, comment: str) -> str | None:
        """Close our open issue that begins with `marker`, with a comment.

        Return the issue's URL, or None when there is no such issue.
        """
        ...
