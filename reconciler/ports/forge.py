"""The port to a forge: pull requests, who approved them, and what is said about them there."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from reconciler.errors import ExitCode, ReconcilerError

Conclusion: TypeAlias = Literal["success", "failure", "neutral", "action_required"]

CHECK_LIMIT = 65_535  # characters of a check's summary, and of its text


class ForgeError(ReconcilerError):
    """The forge could not be reached or understood, or refused us."""

    # As for the registry, the remedy is to see whom one is talking to, and with which credentials.
    code = ExitCode.REGISTRY


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request (GitLab: a merge request); `head` is a commit, `base` a branch.

    `merge_commit` is the commit that the merge left on the branch, None before it.
    """

    number: int
    title: str
    url: str
    head: str
    base: str
    author: str
    merged: bool
    merge_commit: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """An approval of a commit; `time` is UTC as `YYYY-MM-DDTHH:MM:SSZ`."""

    login: str
    commit: str
    time: str


@dataclass(frozen=True, slots=True)
class Check:
    """A finished check of a commit; `app` is who wrote it, as the forge knows it.

    On GitHub that is the slug of a GitHub App, `github-actions` for a job's own token; on GitLab
    a user name. `text` is empty where it is not known to be as it was written.
    """

    name: str
    commit: str
    text: str
    conclusion: str
    url: str
    time: str
    app: str


class Forge(Protocol):
    """A repository on a forge; every method raises `ForgeError`."""

    @property
    def name(self) -> str:
        """What people call it: GitHub or GitLab."""
        ...

    @property
    def url(self) -> str:
        """The repository's page."""
        ...

    @property
    def comment_limit(self) -> int:
        """How many characters a comment or an issue can hold."""
        ...

    def user(self) -> str:
        """Return the login of whom our token belongs to; an app's ends in `[bot]` on GitHub."""
        ...

    def pull_request(self, number: int) -> PullRequest:
        """Return one pull request."""
        ...

    def pull_requests_of(self, commit: str) -> tuple[PullRequest, ...]:
        """Return the merged pull requests that brought a commit, newest merge first."""
        ...

    def approvals(self, pull: PullRequest) -> tuple[Review, ...]:
        """Return the approvals that hold for the pull request's head, oldest first.

        Of each person who may write to the repository the latest verdict counts; a comment is no
        verdict. An approval that is not known to be of the head is left out.
        """
        ...

    def authors(self, pull: PullRequest) -> frozenset[str]:
        """Return who opened it and who wrote or committed its commits, by login.

        Whom the forge does not know as a user is named by the e-mail address in the commit. The
        forge itself, as the committer of what was done on its pages, is left out.
        """
        ...

    def put_comment(self, number: int, marker: str, body: str) -> str:
        """Write our one comment that begins with `marker`, and return its URL.

        A comment of somebody else is never taken for ours, whatever it says.
        """
        ...

    def put_check(
        self, commit: str, name: str, *, conclusion: Conclusion, title: str, summary: str, text: str
    ) -> str:
        """Write a finished check of a commit, and return its URL."""
        ...

    def checks(self, commit: str, name: str) -> tuple[Check, ...]:
        """Return the finished checks of that name, newest first, whoever wrote them."""
        ...

    def put_issue(self, marker: str, title: str, body: str) -> str:
        """Write our one open issue that begins with `marker`, and return its URL."""
        ...

    def close_issue(self, marker: str, comment: str) -> str | None:
        """Comment on our open issue that begins with `marker` and close it; None without one."""
        ...
