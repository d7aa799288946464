"""The forge port over GitLab's REST API, for gitlab.com and self-managed servers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import quote

from reconciler.errors import ForgeError
from reconciler.forges.checks_in_comments import (
    KeptCheck,
    check_comment,
    check_marker,
    kept_check,
)
from reconciler.forges.comment_markers import marked, ours
from reconciler.forges.error_mapping import AlreadyOpen
from reconciler.forges.gitlab_responses import (
    AuthoredCommit,
    CommitStatus,
    GitLabApprovals,
    GitLabIssue,
    GitLabUser,
    MergeAnswer,
    MergeRequest,
    Note,
    Project,
    PushedVersion,
)
from reconciler.forges.http_client import Address, ForgeHttp
from reconciler.forges.responses import row, rows, utc
from reconciler.ports.forge import CHECK_LIMIT, Check, Conclusion, PullRequest, Review

_NEEDS: Final = "a token with the scope `api` and the role Developer (a job's own cannot comment)"
_LONGEST_DESCRIPTION: Final = 255
_MOST_PEOPLE: Final = 50  # pages of 100
_STATES: Final[Mapping[Conclusion, str]] = {
    "success": "success",
    "neutral": "success",
    "failure": "failed",
    "action_required": "failed",
}
_CONCLUSIONS: Final = {"success": "success", "failed": "failure"}
_APPROVED: Final = "approved this merge request"  # the text of GitLab's own note

_PEOPLE: Final = """
query($path: ID!, $iid: String!, $commits: String, $committers: String) {
  project(fullPath: $path) {
    mergeRequest(iid: $iid) {
      commits(first: 100, after: $commits) {
        nodes { author { username } authorEmail }
        pageInfo { hasNextPage endCursor }
      }
      committers(first: 100, after: $committers) {
        nodes { username }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""


class GitLab:
    """A project on GitLab, `repository` as its full path.

    GitLab's commit statuses have no text: the text of a check is kept in our comment on the merge
    request whose head is the commit. Its maintainers can edit the comment; an edited text is
    ignored, unless they recompute its digest.
    """

    name = "GitLab"
    comment_limit = 1_000_000

    def __init__(
        self,
        *,
        api: str,
        server: str,
        repository: str,
        token: str,
        environ: Mapping[str, str],
        authorities: str | None = None,
        patience: float = 30.0,
    ) -> None:
        self.url = f"{server.rstrip('/')}/{repository}"
        address = Address(self.name, api, token, authorities=authorities, environ=environ)
        self._http = ForgeHttp(address, patience=patience)
        self._path = repository
        self._project = f"projects/{quote(repository, safe='')}"

    def user(self) -> str:
        """Return the user name of our token's account."""
        return self._login

    @cached_property
    def _login(self) -> str:
        return row(GitLabUser, self._http.get("user", needs=_NEEDS)).username

    def visibility(self) -> str:
        """Return who may read the project: `public`, `internal` or `private`."""
        return row(Project, self._http.get(self._project, needs=_NEEDS)).visibility

    def pull_request(self, number: int) -> PullRequest:
        """Return one merge request."""
        answer = self._http.get(self._merge_request(number), needs=_NEEDS)
        return _pull_request(row(MergeRequest, answer))

    def pull_requests_of(self, commit: str) -> tuple[PullRequest, ...]:
        """Return the merged merge requests that contain a commit, newest merge first."""
        dated = [
            (merge.merged_at, merge.iid, merge)
            for merge in self._merges_of(commit)
            if merge.state == "merged" and merge.merged_at is not None
        ]
        dated.sort(key=lambda found: found[:2], reverse=True)
        return tuple(_pull_request(merge) for _, _, merge in dated)

    def open_pull_request(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open the merge request of a branch of this project; merging it removes the branch."""
        new = {
            "source_branch": branch,
            "target_branch": base,
            "title": title,
            "description": body,
            "remove_source_branch": True,
        }
        path = f"{self._project}/merge_requests"
        try:
            answer = self._http.write("POST", path, new, needs=_NEEDS)
        except ForgeError as error:
            if "already exists for this source branch" not in error.message:
                raise
            hint = f"another job opened one for `{branch}`: look at it"
            raise AlreadyOpen(error.message, hint=hint) from error
        return _pull_request(row(MergeRequest, answer))

    def open_pull_requests(self, marker: str) -> tuple[PullRequest, ...]:
        """Return our open merge requests whose text begins with `marker`, oldest first."""
        open_ = {"state": "opened", "scope": "created_by_me", "order_by": "created_at"}
        path = f"{self._project}/merge_requests"
        listed = self._http.rows(path, needs=_NEEDS, params={**open_, "sort": "asc"})
        return tuple(map(_pull_request, ours(rows(MergeRequest, listed), marker, self.user())))

    def approvals(self, pull: PullRequest) -> tuple[Review, ...]:
        """Return the approvals since the head was pushed, oldest first.

        GitLab does not tell which commit was approved, and keeps approvals after a push unless the
        project is configured otherwise.
        """
        path = self._merge_request(pull.number)
        versions = rows(PushedVersion, self._http.rows(f"{path}/versions", needs=_NEEDS))
        newest = max(versions, key=lambda version: version.id, default=None)
        if newest is None or newest.head_commit_sha != pull.head:
            return ()
        answer = self._http.get(f"{path}/approvals", needs=_NEEDS)
        given = row(GitLabApprovals, answer).approved_by
        times = {one.user.username: one.approved_at for one in given}
        if None in times.values():
            noted = _noted_approvals(self._notes(pull.number))
            times = {login: time or noted.get(login) for login, time in times.items()}
        since = [
            Review(login, pull.head, utc(time))
            for login, time in times.items()
            if time is not None and time > newest.created_at
        ]
        return tuple(sorted(since, key=lambda review: (review.time, review.login)))

    def authors(self, pull: PullRequest) -> frozenset[str]:
        """Return who opened it and who wrote or committed its commits, by user name or e-mail."""
        found = {pull.author}
        after: dict[str, object] = {"path": self._path, "iid": str(pull.number)}
        for _ in range(_MOST_PEOPLE):
            answer = row(MergeAnswer, self._http.query(_PEOPLE, after, needs=_NEEDS))
            people = answer.project.mergeRequest
            found |= {_author(commit) for commit in people.commits.nodes}
            found |= {user.username for user in people.committers.nodes}
            pages = {"commits": people.commits.pageInfo, "committers": people.committers.pageInfo}
            if not any(page.hasNextPage for page in pages.values()):
                return frozenset(found - {""})
            # After its end a listing has no cursor; without a cursor it would restart.
            after |= {name: page.endCursor or after.get(name) for name, page in pages.items()}
        raise ForgeError(
            f"merge request {pull.number} has too many commits to determine their authors"
        )

    def put_comment(self, number: int, marker: str, body: str) -> str:
        """Write our one note that begins with `marker`; return its URL."""
        text = {"body": marked(marker, body)}
        listing = f"{self._merge_request(number)}/notes"
        found = ours(self._notes(number), marker, self.user())
        for extra in found[1:]:  # another job wrote at the same time
            self._http.delete(f"{listing}/{extra.id}", needs=_NEEDS)
        if found:
            answer = self._http.write("PUT", f"{listing}/{found[0].id}", text, needs=_NEEDS)
        else:
            answer = self._http.write("POST", listing, text, needs=_NEEDS)
        return f"{self.url}/-/merge_requests/{number}#note_{row(Note, answer).id}"

    def put_check(
        self, commit: str, name: str, *, conclusion: Conclusion, title: str, summary: str, text: str
    ) -> str:
        """Write a commit status, and its text to the merge requests whose head is the commit."""
        if max(len(summary), len(text)) > CHECK_LIMIT:
            raise ForgeError(f"a check's summary and text have {CHECK_LIMIT:,} characters at most")
        body = check_comment(KeptCheck(commit, conclusion, text), title, summary)
        url = f"{self.url}/-/commit/{commit}"
        for merge in self._merges_of(commit):
            if merge.sha == commit:
                url = self.put_comment(merge.iid, check_marker(name), body)
        status = {
            "state": _STATES[conclusion],
            "name": name,
            "description": title[:_LONGEST_DESCRIPTION],
            "target_url": url,
        }
        path = f"{self._project}/statuses/{quote(commit)}"
        self._http.write("POST", path, status, needs=_NEEDS)
        return url

    def checks(self, commit: str, name: str) -> tuple[Check, ...]:
        """Return the completed statuses of that name, newest first; ours have their text.

        Only our newest status has a text, and only while the commit is the head of a merge request.
        """
        listed = self._http.rows(
            f"{self._project}/repository/commits/{quote(commit)}/statuses",
            needs=_NEEDS,
            params={"name": name, "all": "true"},
        )
        found = [one for one in rows(CommitStatus, listed) if one.name == name]
        done = [one for one in found if one.status in _CONCLUSIONS]
        done.sort(key=lambda one: one.id, reverse=True)
        newest = next((one.id for one in done if _writer(one) == self.user()), None)
        kept = self._kept(commit, name) if newest is not None else None
        return tuple(_check(one, commit, kept if one.id == newest else None) for one in done)

    def put_issue(self, marker: str, title: str, body: str) -> str:
        """Write our one open issue that begins with `marker`; return its URL."""
        issue = {"title": title, "description": marked(marker, body)}
        found = self._open_issue(marker)
        if found is None:
            answer = self._http.write("POST", f"{self._project}/issues", issue, needs=_NEEDS)
        else:
            path = f"{self._project}/issues/{found.iid}"
            answer = self._http.write("PUT", path, issue, needs=_NEEDS)
        return row(GitLabIssue, answer).web_url

    def close_issue(self, marker: str, comment: str) -> str | None:
        """Comment on and close our open issue that begins with `marker`; None without one."""
        found = self._open_issue(marker)
        if found is None:
            return None
        path = f"{self._project}/issues/{found.iid}"
        self._http.write("POST", f"{path}/notes", {"body": comment}, needs=_NEEDS)
        self._http.write("PUT", path, {"state_event": "close"}, needs=_NEEDS)
        return found.web_url

    def _merge_request(self, number: int) -> str:
        return f"{self._project}/merge_requests/{number}"

    def _merges_of(self, commit: str) -> list[MergeRequest]:
        path = f"{self._project}/repository/commits/{quote(commit)}/merge_requests"
        return rows(MergeRequest, self._http.rows(path, needs=_NEEDS))

    def _notes(self, number: int) -> list[Note]:
        oldest_first = {"sort": "asc", "order_by": "created_at"}
        path = f"{self._merge_request(number)}/notes"
        return rows(Note, self._http.rows(path, needs=_NEEDS, params=oldest_first))

    def _open_issue(self, marker: str) -> GitLabIssue | None:
        open_ = {"state": "opened", "scope": "created_by_me", "order_by": "created_at"}
        listed = self._http.rows(
            f"{self._project}/issues", needs=_NEEDS, params={**open_, "sort": "asc"}
        )
        return next(iter(ours(rows(GitLabIssue, listed), marker, self.user())), None)

    def _kept(self, commit: str, name: str) -> KeptCheck | None:
        for merge in self._merges_of(commit):
            if merge.sha == commit:
                for note in ours(self._notes(merge.iid), check_marker(name), self.user()):
                    kept = kept_check(note.body)
                    if kept is not None and kept.commit == commit:
                        return kept
        return None


def _pull_request(merge: MergeRequest) -> PullRequest:
    merged = merge.state == "merged"
    # A fast-forward merge creates no commit.
    left = merge.merge_commit_sha or merge.squash_commit_sha or merge.sha
    return PullRequest(
        number=merge.iid,
        title=merge.title,
        url=merge.web_url,
        head=merge.sha,
        base=merge.target_branch,
        author=merge.author.username if merge.author else "",
        merged=merged,
        merge_commit=left if merged else None,
        ended=utc(ended) if (ended := merge.merged_at or merge.closed_at) else None,
    )


def _author(commit: AuthoredCommit) -> str:
    return commit.author.username if commit.author else commit.authorEmail


def _noted_approvals(notes: Iterable[Note]) -> dict[str, datetime]:
    """Return each person's last approval time from GitLab's own notes, oldest first."""
    return {
        note.author.username: note.created_at
        for note in notes
        if note.system and note.author is not None and note.body == _APPROVED
    }


def _writer(status: CommitStatus) -> str:
    return status.author.username if status.author else ""


def _check(status: CommitStatus, commit: str, kept: KeptCheck | None) -> Check:
    return Check(
        name=status.name,
        commit=commit,
        text=kept.text if kept else "",
        conclusion=kept.conclusion if kept else _CONCLUSIONS[status.status],
        url=status.target_url,
        time=utc(status.finished_at or status.created_at),
        app=_writer(status),
    )
