"""The parts of GitLab's answers that we read."""

from reconciler.forges.responses import ForgeRow, Text, Timestamp


class GitLabUser(ForgeRow):
    """A person, or the bot of a token."""

    username: str


class MergeRequest(ForgeRow):
    """A merge request; `sha` is its head."""

    iid: int
    title: Text = ""
    web_url: str
    sha: Text = ""
    target_branch: str
    author: GitLabUser | None = None
    state: str
    merged_at: Timestamp | None = None
    closed_at: Timestamp | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    description: Text = ""

    @property
    def body(self) -> str:
        """The text."""
        return self.description

    @property
    def writer(self) -> str:
        """The opener's user name."""
        return self.author.username if self.author else ""


class PushedVersion(ForgeRow):
    """The version of a merge request after a push."""

    id: int
    head_commit_sha: str
    created_at: Timestamp


class GitLabApproval(ForgeRow):
    """An approval; before version 18 GitLab sends no time."""

    user: GitLabUser
    approved_at: Timestamp | None = None


class GitLabApprovals(ForgeRow):
    """The present approvals of a merge request."""

    approved_by: tuple[GitLabApproval, ...] = ()


class Note(ForgeRow):
    """A comment; `system` marks GitLab's own."""

    id: int
    body: Text = ""
    author: GitLabUser | None = None
    system: bool = False
    created_at: Timestamp

    @property
    def writer(self) -> str:
        """The author's user name; empty for GitLab's own notes."""
        return self.author.username if self.author and not self.system else ""


class CommitStatus(ForgeRow):
    """A commit status."""

    id: int
    name: str
    status: str
    target_url: Text = ""
    author: GitLabUser | None = None
    created_at: Timestamp
    finished_at: Timestamp | None = None


class GitLabIssue(ForgeRow):
    """An issue."""

    iid: int
    web_url: str
    description: Text = ""
    author: GitLabUser | None = None

    @property
    def body(self) -> str:
        """The text."""
        return self.description

    @property
    def writer(self) -> str:
        """The author's user name."""
        return self.author.username if self.author else ""


class PageInfo(ForgeRow):
    """The cursor at the end of a GraphQL page, and whether another page follows."""

    hasNextPage: bool  # noqa: N815  as GitLab writes it
    endCursor: str | None = None  # noqa: N815  as GitLab writes it


class AuthoredCommit(ForgeRow):
    """A commit with its author's account."""

    author: GitLabUser | None = None
    authorEmail: Text = ""  # noqa: N815  as GitLab writes it


class Commits(ForgeRow):
    """A page of a merge request's commits."""

    nodes: tuple[AuthoredCommit, ...] = ()
    pageInfo: PageInfo  # noqa: N815  as GitLab writes it


class Committers(ForgeRow):
    """A page of the accounts that committed."""

    nodes: tuple[GitLabUser, ...] = ()
    pageInfo: PageInfo  # noqa: N815  as GitLab writes it


class MergePeople(ForgeRow):
    """A page of the authors and committers of a merge request."""

    commits: Commits
    committers: Committers


class Project(ForgeRow):
    """A project."""

    visibility: str


class MergeProject(ForgeRow):
    """The project of a merge request, as GraphQL nests it."""

    mergeRequest: MergePeople  # noqa: N815  as GitLab writes it


class MergeAnswer(ForgeRow):
    """The answer to the query for people."""

    project: MergeProject
