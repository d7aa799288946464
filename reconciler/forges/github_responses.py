"""The parts of GitHub's answers that are read."""

from typing import Annotated

from pydantic import BeforeValidator

from reconciler.forges.responses import ForgeRow, Text, Timestamp


class GitHubUser(ForgeRow):
    """A person, a bot or an app's bot."""

    login: str


# A commit whose author is nobody's account has null there, or {}.
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
    merge_commit_sha: str | None = None


class PullReview(ForgeRow):
    """A review; `commit_id` is what was the head when it was submitted."""

    user: Somebody = None
    state: str
    commit_id: str | None = None
    submitted_at: Timestamp | None = None


class Permission(ForgeRow):
    """What a person may do in a repository: admin, write, read or none."""

    permission: str


class GitPerson(ForgeRow):
    """An author or a committer as git says it."""

    email: Text = ""


class GitCommit(ForgeRow):
    """The git side of a commit."""

    author: GitPerson | None = None
    committer: GitPerson | None = None


class PullCommit(ForgeRow):
    """A commit, and whose accounts its author and its committer are."""

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
        """The login of who wrote it."""
        return self.user.login if self.user else ""


class GitHubIssue(Comment):
    """An issue; the listing has pull requests, too."""

    number: int
    pull_request: object = None


class Output(ForgeRow):
    """What a check run says."""

    text: Text = ""


class App(ForgeRow):
    """The GitHub App that wrote a check run."""

    slug: Text = ""


class CheckRun(ForgeRow):
    """A check run; without a conclusion it is not finished."""

    id: int
    name: str
    head_sha: str
    html_url: Text = ""
    conclusion: str | None = None
    completed_at: Timestamp | None = None
    output: Output = Output()
    app: App | None = None


class Viewer(ForgeRow):
    """Whom a token belongs to."""

    viewer: GitHubUser
