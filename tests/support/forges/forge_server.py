"""A forge for tests: the state of one repository, served over HTTP as GitHub or as GitLab does.

It stands for somebody else's service. `github_dialect` and `gitlab_dialect` beside it say it in
each forge's own words, field by field as its documentation has them.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.registries.servers import Answer, Proxy, Request, proxy

REPOSITORY = "acme/registry"
TOKEN = "job-token-0123456789"  # noqa: S105  of a server that lives for a test


@dataclass
class Commit:
    """A commit; a login is None where the e-mail address is nobody's account."""

    sha: str
    author: str | None
    committer: str | None
    email: str


@dataclass
class Remark:
    """A comment; `system` ones are the forge's own."""

    id: int
    author: str
    body: str
    time: datetime
    system: bool = False


@dataclass
class Verdict:
    """A review; on GitLab only approvals exist."""

    author: str
    state: str
    commit: str
    time: datetime


@dataclass
class Pull:
    """A pull request; `pushes` are its heads so far and when they came, `landed` what it became."""

    number: int
    title: str
    author: str
    base: str
    commits: list[Commit]
    pushes: list[tuple[str, datetime]]
    remarks: list[Remark] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    merged_at: datetime | None = None
    merge_commit: str | None = None
    landed: list[str] = field(default_factory=list)
    branch: str = "topic"
    body: str = ""
    closed_at: datetime | None = None

    @property
    def head(self) -> str:
        return self.pushes[-1][0]

    @property
    def is_open(self) -> bool:
        return self.merged_at is None and self.closed_at is None


@dataclass
class Ticket:
    """An issue."""

    number: int
    title: str
    body: str
    author: str
    is_open: bool = True
    remarks: list[Remark] = field(default_factory=list)


@dataclass
class Given:
    """A check as it was written; on GitLab without a text."""

    id: int
    commit: str
    name: str
    conclusion: str
    author: str
    time: datetime
    title: str = ""
    summary: str = ""
    text: str = ""
    url: str = ""


@dataclass
class Fault:
    """What to answer to the next request of that kind; `executed` does first what was asked."""

    method: str
    part: str
    answer: Answer
    times: int = 1
    executed: bool = False


@dataclass(frozen=True)
class Grant:
    """Whose token it is, and what it may; None for everything."""

    login: str
    permissions: Mapping[str, str] | None = None


Handler = Callable[..., Answer]
Route = tuple[str, str, Handler]


@dataclass
class ForgeState:
    """Everything a test may look at or change; `me` is whom the token belongs to."""

    me: str
    writers: set[str] = field(default_factory=lambda: {"ann", "bob"})
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, Ticket] = field(default_factory=dict)
    checks: list[Given] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)  # parts of paths, as "POST check-runs"
    tokens: dict[str, Grant] = field(default_factory=dict)  # besides TOKEN
    may: Callable[[Grant, Request], bool] = lambda *_: True
    pushed: Callable[[str, int], list[Commit]] = lambda *_: []  # a branch's, for a new pull request
    now: datetime = datetime(2026, 1, 5, 10, 0, 0, tzinfo=timezone.utc)
    used: int = 0
    visibility: str = "private"
    uri: str = ""

    def tick(self) -> datetime:
        """Return the time, which goes on by a minute each time."""
        self.now += timedelta(minutes=1)
        return self.now

    def number(self) -> int:
        """Return an id that nothing else has."""
        self.used += 1
        return self.used

    def open(
        self, head: str, *, author: str = "ann", base: str = "main", commits: Sequence[Commit] = ()
    ) -> Pull:
        number = self.number()
        brought = list(commits) or [Commit(head, author, author, f"{author}@acme.example")]
        pushes = [(head, self.tick())]
        self.pulls[number] = Pull(number, f"Pull {number}", author, base, brought, pushes)
        return self.pulls[number]

    def push(self, pull: Pull, head: str) -> None:
        pull.pushes.append((head, self.tick()))
        pull.commits.append(Commit(head, pull.author, pull.author, f"{pull.author}@acme.example"))

    def merge(self, pull: Pull, commit: str) -> None:
        pull.merged_at, pull.merge_commit = self.tick(), commit

    def close(self, pull: Pull) -> None:
        pull.closed_at = self.tick()

    def review(self, pull: Pull, author: str, state: str = "APPROVED") -> None:
        pull.verdicts.append(Verdict(author, state, pull.head, self.tick()))

    def remark(self, pull: Pull, author: str, body: str, *, system: bool = False) -> Remark:
        pull.remarks.append(Remark(self.number(), author, body, self.tick(), system))
        return pull.remarks[-1]

    def opened_by(self, login: str, new: Mapping[str, str]) -> Pull | None:
        """Open the pull request that was asked for: title, body, branch and base.

        None where one of that branch is open already.
        """
        if any(pull.is_open and pull.branch == new["branch"] for pull in self.pulls.values()):
            return None
        # What a branch brings is asked of the repository, where the test has one.
        commits = self.pushed(new["branch"], self.used + 1)
        head = commits[-1].sha if commits else f"{self.used + 1:040x}"
        pull = self.open(head, author=login, base=new["base"], commits=commits)
        pull.title, pull.body, pull.branch = new["title"], new["body"], new["branch"]
        return pull

    def pulls_of(self, commit: str) -> list[Pull]:
        return [
            pull
            for pull in self.pulls.values()
            if commit in {pull.merge_commit, *pull.landed, *(one.sha for one in pull.commits)}
        ]

    def with_remark(self, number: int) -> tuple[list[Remark], Remark] | None:
        holders = [
            *(pull.remarks for pull in self.pulls.values()),
            *(issue.remarks for issue in self.issues.values()),
        ]
        return next(((held, one) for held in holders for one in held if one.id == number), None)


def stamp(moment: datetime | None) -> str | None:
    """Return a moment as both forges write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def answer(value: object, status: int = 200) -> Answer:
    """Return a value as JSON."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


MISSING = answer({"message": "Not Found"}, 404)


def parameters(request: Request) -> Mapping[str, str]:
    """Return the query of a request."""
    return dict(parse_qsl(urlsplit(request.path).query))


def sent(request: Request) -> Any:
    """Return the JSON that a request carries."""
    return json.loads(request.body)


def page(state: ForgeState, request: Request, found: Sequence[object], key: str = "") -> Answer:
    """Return a page of rows, and a link to the next where there is one."""
    query = dict(parameters(request))
    size, number = min(int(query.get("per_page", "20")), 100), int(query.get("page", "1"))
    rows = list(found[(number - 1) * size : number * size])
    shown = answer({"total_count": len(found), key: rows} if key else rows)
    if number * size >= len(found):
        return shown
    following = urlencode({**query, "page": str(number + 1)})
    link = f'<{state.uri}{urlsplit(request.path).path}?{following}>; rel="next"'
    last = f'<{state.uri}/elsewhere?page=99>; rel="last"'
    return Answer(200, shown.body, {**shown.headers, "Link": f"{link}, {last}"})


def respond(state: ForgeState, routes: Sequence[Route], request: Request) -> Answer:
    """Answer one request: a fault that waits for it, a refusal, or what the state says."""
    for fault in state.faults:
        if fault.times and fault.method == request.method and fault.part in request.path:
            fault.times -= 1
            if fault.executed:
                _carried_out(state, routes, request)
            return fault.answer
    grant = grant_of(state, request)
    if grant is None:
        return answer({"message": "Bad credentials"}, 401)
    if not state.may(grant, request):
        return answer({"message": "Resource not accessible by integration"}, 403)
    for refused in state.refused:
        method, _, part = refused.partition(" ")
        if method == request.method and part in request.path:
            return answer({"message": "Resource not accessible by integration"}, 403)
    return _carried_out(state, routes, request)


def grant_of(state: ForgeState, request: Request) -> Grant | None:
    """Return what the token of a request is good for, None for nothing."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return {TOKEN: Grant(state.me), **state.tokens}.get(token)


def _carried_out(state: ForgeState, routes: Sequence[Route], request: Request) -> Answer:
    path = urlsplit(request.path).path
    for method, pattern, handler in routes:
        found = re.fullmatch(pattern, path)
        if method == request.method and found:
            return handler(state, request, *found.groups())
    return MISSING


@contextmanager
def serve(state: ForgeState, routes: Sequence[Route]) -> Iterator[Proxy]:
    """Serve a forge on a free port of this machine, and record what it is asked."""
    with proxy(before=lambda request: respond(state, routes, request)) as server:
        state.uri = server.uri
        yield server
