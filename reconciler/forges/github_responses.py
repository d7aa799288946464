"""The parts of GitHub's answers that we read."""

from typing import Annotated

from pydantic import BeforeValidator

from reconciler.forges.responses import ForgeRow, Text, Timestamp


class GitHubUser(ForgeRow):
    """A person, a bot or an app's bot."""

    login: str


# null or {} for a commit whose author has no account.
Somebody = Annotated[GitHubUser | None, BeforeValidator(lambda value: value or None)]


class PullSide(ForgeRow):
    """One side of a pull request."""

    sha: str
    ref: str


class Pull(ForgeRow):
    """A pull request; `merge_commit_sha` is a trial merge until it is merged."""

    number: int
    title: Text = ""
    html_url: str
    head: PullSide
    base: PullSide
    user: Somebody = None
    merged_at: Timestamp | None = None
    closed_at: Timestamp | None = None
    merge_commit_sha: str | None = None
    body: Text = ""

    @property
    def writer(self) -> str:
        """The opener's login."""
        return self.user.login if self.user else ""


class PullReview(ForgeRow):
    """A review; `commit_id` was the head when it was submitted."""

    user: Somebody = None
    state: str
    commit_id: str | None = None
    submitted_at: Timestamp | None = None


class Permission(ForgeRow):
    """A person's permission in a repository: admin, write, read or none."""

    permission: str


class GitPerson(ForgeRow):
    """An author or a committer as stored in git."""

    email: Text = ""


class GitCommit(ForgeRow):
    """The git data of a commit."""

    author: GitPerson | None = None
    committer: GitPerson | None = None


class PullCommit(ForgeRow):
    """A commit with the accounts of its author and its committer."""

    commit: GitCommit
    author: Somebody = None
    committer: Somebody = None


class Comment(ForgeRow):
    """A comment on a pull request or an issue."""

    id: int
    html_url: str
    body: Text = ""
    user: Somebody = None

    @property
    def writer(self) -> str:
        """The author's login."""
        return self.user.login if self.user else ""


class GitHubIssue(Comment):
    """An issue; the listing also contains pull requests."""

    number: int
    pull_request: object = None


class Output(ForgeRow):
    """The text of a check run."""

    text: Text = ""


class App(ForgeRow):
    """The GitHub App that wrote a check run."""

    slug: Text = ""


class CheckRun(ForgeRow):
    """A check run; without a conclusion it is not completed."""

    id: int
    name: str
    head_sha: str
    html_url: Text = ""
    conclusion: str | None = None
    completed_at: Timestamp | None = None
    output: Output = Output()
    app: App | None = None


class RepositoryRow(ForgeRow):
    """A repository; an old GitHub Enterprise Server does not tell its `visibility`."""

    private: bool
    visibility: Text = ""


class Viewer(ForgeRow):
    """The account of a token."""

    viewer: GitHubUser
