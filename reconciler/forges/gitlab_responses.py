"""The parts of GitLab's answers that are read."""

from reconciler.forges.responses import Moment, Row, Text


class User(Row):
    """A person or a token's bot."""

    username: str


class Merge(Row):
    """A merge request; `sha` is its head."""

    iid: int
    title: Text = ""
    web_url: str
    sha: Text = ""
    target_branch: str
    author: User | None = None
    state: str
    merged_at: Moment | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None


class Version(Row):
    """What a push made of a merge request."""

    id: int
    head_commit_sha: str
    created_at: Moment


class Approval(Row):
    """An approval; GitLab before 18 does not say when."""

    user: User
    approved_at: Moment | None = None


class Approvals(Row):
    """The approvals that a merge request has now."""

    approved_by: tuple[Approval, ...] = ()


class Note(Row):
    """A comment; GitLab writes those with `system` itself."""

    id: int
    body: Text = ""
    author: User | None = None
    system: bool = False
    created_at: Moment

    @property
    def writer(self) -> str:
        """The login of who wrote it; empty for what GitLab wrote."""
        return self.author.username if self.author and not self.system else ""


class Status(Row):
    """A commit status."""

    id: int
    name: str
    status: str
    target_url: Text = ""
    author: User | None = None
    created_at: Moment
    finished_at: Moment | None = None


class Issue(Row):
    """An issue."""

    iid: int
    web_url: str
    description: Text = ""
    author: User | None = None

    @property
    def body(self) -> str:
        """What it says."""
        return self.description

    @property
    def writer(self) -> str:
        """The login of who wrote it."""
        return self.author.username if self.author else ""


class PageInfo(Row):
    """Where a page of a GraphQL listing ends, and whether another follows."""

    hasNextPage: bool  # noqa: N815  as GitLab writes it
    endCursor: str | None = None  # noqa: N815  as GitLab writes it


class Authored(Row):
    """A commit, and whose account its author is."""

    author: User | None = None
    authorEmail: Text = ""  # noqa: N815  as GitLab writes it


class Commits(Row):
    """A page of a merge request's commits."""

    nodes: tuple[Authored, ...] = ()
    pageInfo: PageInfo  # noqa: N815  as GitLab writes it


class Committers(Row):
    """A page of the accounts that committed them."""

    nodes: tuple[User, ...] = ()
    pageInfo: PageInfo  # noqa: N815  as GitLab writes it


class MergePeople(Row):
    """A page of who made the commits of a merge request."""

    commits: Commits
    committers: Committers


class MergeProject(Row):
    """The project of a merge request, as GraphQL nests it."""

    mergeRequest: MergePeople  # noqa: N815  as GitLab writes it


class MergeAnswer(Row):
    """What the query for people is answered with."""

    project: MergeProject
