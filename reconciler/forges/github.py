"""The forge port over GitHub's REST API, for github.com and GitHub Enterprise."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final
from urllib.parse import quote

from reconciler.errors import ForgeError
from reconciler.forges.comment_markers import marked, ours
from reconciler.forges.error_mapping import AlreadyOpen, Missing
from reconciler.forges.github_responses import (
    CheckRun,
    Comment,
    GitHubIssue,
    GitHubUser,
    GitPerson,
    Permission,
    Pull,
    PullCommit,
    PullReview,
    RepositoryRow,
    Viewer,
)
from reconciler.forges.http_client import Address, ForgeHttp
from reconciler.forges.responses import row, rows, utc
from reconciler.ports.forge import CHECK_LIMIT, Check, Conclusion, PullRequest, Review

_VERSION: Final = "2022-11-28"
_MOST_COMMITS: Final = 250  # GitHub lists at most this many commits
_VERDICTS: Final = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_MAY_WRITE: Final = frozenset({"admin", "maintain", "write"})
_OF_THE_PAGES: Final = "web-flow"  # commits merges and edits made in GitHub's UI

_READ_PULLS: Final = "`pull-requests: read` and `contents: read`"
_WRITE_PULLS: Final = "`pull-requests: write`"
_WRITE_ISSUES: Final = "`issues: write`"
_ALLOW_ACTIONS: Final = (
    "allow it in Settings → Actions → General → Workflow permissions (of the organization, too), "
    "or set RECONCILER_FORGE_TOKEN to the token of an app"
)


class GitHub:
    """A repository on GitHub, `repository` as `owner/name`."""

    name = "GitHub"
    comment_limit = 65_536

    def __init__(
        self,
        *,
        api: str,
        server: str,
        repository: str,
        token: str,
        environ: Mapping[str, str],
        patience: float = 30.0,
    ) -> None:
        self.url = f"{server.rstrip('/')}/{repository}"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": _VERSION}
        address = Address(self.name, api, token, headers, environ=environ)
        self._http = ForgeHttp(address, patience=patience)
        self._repo = f"repos/{quote(repository)}"

    def user(self) -> str:
        """Return the login of our token's account; an app's login ends in `[bot]`."""
        return self._login

    @cached_property
    def _login(self) -> str:
        # GET /user is refused for the token of a job or an app.
        answer = self._http.query("query { viewer { login } }", {}, needs="a valid token")
        return row(Viewer, answer).viewer.login

    def visibility(self) -> str:
        """Return who may read the repository: `public`, `internal` or `private`."""
        answer = row(RepositoryRow, self._http.get(self._repo, needs="`metadata: read`"))
        return answer.visibility or ("private" if answer.private else "public")

    def pull_request(self, number: int) -> PullRequest:
        """Return one pull request."""
        answer = self._http.get(f"{self._repo}/pulls/{number}", needs=_READ_PULLS)
        return _pull_request(row(Pull, answer))

    def pull_requests_of(self, commit: str) -> tuple[PullRequest, ...]:
        """Return the merged pull requests that contain a commit, newest merge first."""
        listed = self._http.rows(f"{self._repo}/commits/{quote(commit)}/pulls", needs=_READ_PULLS)
        merged = [(pull.merged_at, pull) for pull in rows(Pull, listed)]
        dated = [(moment, pull.number, pull) for moment, pull in merged if moment is not None]
        dated.sort(key=lambda found: found[:2], reverse=True)
        return tuple(_pull_request(pull) for _, _, pull in dated)

    def open_pull_request(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open the pull request of a branch of this repository."""
        new = {"head": branch, "base": base, "title": title, "body": body}
        try:
            answer = self._http.write("POST", f"{self._repo}/pulls", new, needs=_WRITE_PULLS)
        except ForgeError as error:
            raise _with_remedy(error, branch) from error
        return _pull_request(row(Pull, answer))

    def open_pull_requests(self, marker: str) -> tuple[PullRequest, ...]:
        """Return our open pull requests whose body begins with `marker`, oldest first."""
        listed = self._http.rows(
            f"{self._repo}/pulls",
            needs=_READ_PULLS,
            params={"state": "open", "sort": "created", "direction": "asc"},
        )
        return tuple(map(_pull_request, ours(rows(Pull, listed), marker, self.user())))

    def approvals(self, pull: PullRequest) -> tuple[Review, ...]:
        """Return the valid approvals of the head by people with write access, oldest first."""
        listed = self._http.rows(f"{self._repo}/pulls/{pull.number}/reviews", needs=_READ_PULLS)
        latest: dict[str, PullReview] = {}
        for review in rows(PullReview, listed):  # oldest first
            if review.user is not None and review.state in _VERDICTS:
                latest[review.user.login] = review
        approved = [
            Review(login, pull.head, utc(review.submitted_at))
            for login, review in latest.items()
            if review.state == "APPROVED" and review.commit_id == pull.head
            if review.submitted_at is not None and self._may_write(login)
        ]
        return tuple(sorted(approved, key=lambda review: (review.time, review.login)))

    def authors(self, pull: PullRequest) -> frozenset[str]:
        """Return who opened it and who wrote or committed its commits, by login or e-mail."""
        listed = self._http.rows(f"{self._repo}/pulls/{pull.number}/commits", needs=_READ_PULLS)
        if len(listed) >= _MOST_COMMITS:
            raise ForgeError(
                f"who wrote pull request {pull.number} cannot be known: "
                f"GitHub lists {_MOST_COMMITS} commits at most",
                hint="squash its commits, or split it",
            )
        found = {name for commit in rows(PullCommit, listed) for name in _people(commit)}
        return frozenset(found | {pull.author})

    def put_comment(self, number: int, marker: str, body: str) -> str:
        """Write our one comment that begins with `marker`; return its URL."""
        text = {"body": marked(marker, body)}
        listing = f"{self._repo}/issues/{number}/comments"
        listed = rows(Comment, self._http.rows(listing, needs=_WRITE_PULLS))
        found = ours(listed, marker, self.user())
        for extra in found[1:]:  # another job wrote at the same time
            self._http.delete(f"{self._repo}/issues/comments/{extra.id}", needs=_WRITE_PULLS)
        if found:
            path = f"{self._repo}/issues/comments/{found[0].id}"
            answer = self._http.write("PATCH", path, text, needs=_WRITE_PULLS)
        else:
            answer = self._http.write("POST", listing, text, needs=_WRITE_PULLS)
        return row(Comment, answer).html_url

    def put_check(
        self, commit: str, name: str, *, conclusion: Conclusion, title: str, summary: str, text: str
    ) -> str:
        """Write a completed check run for a commit; return its URL."""
        if max(len(summary), len(text)) > CHECK_LIMIT:
            raise ForgeError(f"a check's summary and text have {CHECK_LIMIT:,} characters at most")
        run = {
            "name": name,
            "head_sha": commit,
            "status": "completed",
            "conclusion": conclusion,
            "output": {"title": title, "summary": summary, "text": text},
        }
        path = f"{self._repo}/check-runs"
        answer = self._http.write("POST", path, run, needs="`checks: write`")
        return row(CheckRun, answer).html_url

    def checks(self, commit: str, name: str) -> tuple[Check, ...]:
        """Return the completed check runs of that name by any author, newest first."""
        listed = self._http.rows(
            f"{self._repo}/commits/{quote(commit)}/check-runs",
            needs="`checks: read`",
            params={"check_name": name, "filter": "all"},
            key="check_runs",
        )
        runs = [run for run in rows(CheckRun, listed) if run.name == name]
        done = [(run.completed_at, run.id, run) for run in runs if run.completed_at is not None]
        done.sort(key=lambda found: found[:2], reverse=True)
        return tuple(
            Check(
                name=run.name,
                commit=run.head_sha,
                text=run.output.text,
                conclusion=run.conclusion or "",
                url=run.html_url,
                time=utc(moment),
                app=run.app.slug if run.app else "",
            )
            for moment, _, run in done
        )

    def put_issue(self, marker: str, title: str, body: str) -> str:
        """Write our one open issue that begins with `marker`; return its URL."""
        issue = {"title": title, "body": marked(marker, body)}
        found = self._open_issue(marker)
        if found is None:
            answer = self._http.write("POST", f"{self._repo}/issues", issue, needs=_WRITE_ISSUES)
        else:
            path = f"{self._repo}/issues/{found.number}"
            answer = self._http.write("PATCH", path, issue, needs=_WRITE_ISSUES)
        return row(GitHubIssue, answer).html_url

    def close_issue(self, marker: str, comment: str) -> str | None:
        """Comment on and close our open issue that begins with `marker`; None without one."""
        found = self._open_issue(marker)
        if found is None:
            return None
        path = f"{self._repo}/issues/{found.number}"
        self._http.write("POST", f"{path}/comments", {"body": comment}, needs=_WRITE_ISSUES)
        closed = {"state": "closed", "state_reason": "completed"}
        self._http.write("PATCH", path, closed, needs=_WRITE_ISSUES)
        return found.html_url

    def _open_issue(self, marker: str) -> GitHubIssue | None:
        listed = self._http.rows(
            f"{self._repo}/issues",
            needs=_WRITE_ISSUES,
            params={"state": "open", "creator": self.user(), "sort": "created", "direction": "asc"},
        )
        issues = [issue for issue in rows(GitHubIssue, listed) if issue.pull_request is None]
        return next(iter(ours(issues, marker, self.user())), None)

    def _may_write(self, login: str) -> bool:
        # Anybody may approve a pull request of a public repository; so may an app's bot, which the
        # endpoint does not know.
        path = f"{self._repo}/collaborators/{quote(login)}/permission"
        try:
            answer = self._http.get(path, needs="`metadata: read`, which every token has")
        except Missing:
            return False
        return row(Permission, answer).permission in _MAY_WRITE


def _pull_request(pull: Pull) -> PullRequest:
    merged = pull.merged_at is not None
    return PullRequest(
        number=pull.number,
        title=pull.title,
        url=pull.html_url,
        head=pull.head.sha,
        base=pull.base.ref,
        author=pull.user.login if pull.user else "",
        merged=merged,
        merge_commit=pull.merge_commit_sha if merged else None,
        ended=utc(pull.closed_at) if pull.closed_at else None,
    )


def _with_remedy(error: ForgeError, branch: str) -> ForgeError:
    """Return a refusal to open a pull request with the remedy that GitHub's words ask for."""
    said = error.message
    if "pull request already exists" in said:
        return AlreadyOpen(said, hint=f"another job opened one for `{branch}`: look at it")
    if "not permitted to create" in said:
        hint = _ALLOW_ACTIONS
    elif "No commits between" in said:
        hint = "it is merged already, or its branch was changed"
    else:
        return error
    return ForgeError(said, hint=hint)


def _people(commit: PullCommit) -> Iterator[str]:
    yield from _person(commit.author, commit.commit.author)
    if commit.committer is None or commit.committer.login != _OF_THE_PAGES:
        yield from _person(commit.committer, commit.commit.committer)


def _person(user: GitHubUser | None, signature: GitPerson | None) -> Iterator[str]:
    if user is not None:
        yield user.login
    elif signature is not None and signature.email:
        yield signature.email
