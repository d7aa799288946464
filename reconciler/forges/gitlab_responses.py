"""The parts of GitLab's answers that are read."""

from reconciler.forges.responses import ForgeRow, Text, Timestamp


class GitLabUser(ForgeRow):
    """A person or a token's bot."""

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
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None


class PushedVersion(ForgeRow):
    """What a push made of a merge request."""

    id: int
    head_commit_sha: str
    created_at: Timestamp


class GitLabApproval(ForgeRow):
    """An approval; GitLab before 18 does not say when."""

    user: GitLabUser
    approved_at: Timestamp | None = None


class GitLabApprovals(ForgeRow):
    """The approvals that a merge request has now."""

    approved_by: tuple[GitLabApproval, ...] = ()


class Note(ForgeRow):
    """A comment; GitLab writes those with `system` itself."""

    id: int
    body: Text = ""
    author: GitLabUser | None = None
    system: bool = False
    created_at: Timestamp

    @property
    def writer(self) -> str:
        """The login of who wrote it; empty for what GitLab wrote."""
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
        """What it says."""
        return self.description

    @property
    def writer(self) -> str:
        """The login of who wrote it."""
        return self.author.username if self.author else ""


class PageInfo(ForgeRow):
    """Where a page of a GraphQL listing ends, and whether another follows."""

    hasNextPage: bool  # noqa: N815  as GitLab writes it
    endCursor: str | None = None  # noqa: N815  as GitLab writes it


class AuthoredCommit(ForgeRow):
    """A commit, and whose account its author is."""

    author: GitLabUser | None = None
    authorEmail: Text = ""  # noqa: N815  as GitLab writes it


class Commits(ForgeRow):
    """A page of a merge request's commits."""

    nodes: tuple[AuthoredCommit, ...] = ()
    pageInfo: PageInfo  # noqa: N815  as GitLab writes it


class Committers(ForgeRow):
    """A page of the accounts that committed them."""

    nodes: tuple[GitLabUser, ...] = ()
    pageInfo: PageInfo  # noqa: N815  as GitLab writes it


class MergePeople(ForgeRow):
    """A page of who made the commits of a merge request."""

    commits: Commits
    committers: Committers


class MergeProject(ForgeRow):
    """The project of a merge request, as GraphQL nests it."""

    mergeRequest: MergePeople  # noqa: N815  as GitLab writes it


class MergeAnswer(ForgeRow):
    """What the query for people is answered with."""

    project: MergeProject
