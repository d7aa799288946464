"""What GitLab's REST API answers, for a repository of `tests.support.forges.forge_server`."""

from typing import Any
from urllib.parse import quote

from tests.support.forges.forge_server import (
    MISSING,
    REPOSITORY,
    ForgeState,
    Given,
    Pull,
    Remark,
    Route,
    Ticket,
    answer,
    page,
    parameters,
    sent,
    stamp,
)
from tests.support.registries.servers import Answer, Request

_PROJECT = f"/api/v4/projects/{quote(REPOSITORY, safe='')}"
_STATES = {"success": "success", "failure": "failed", "pending": "pending"}
_GRAPHQL_PAGE = 100


def _user(login: str) -> dict[str, Any]:
    return {"id": 7, "username": login, "name": login.title()}


def _merge(pull: Pull) -> dict[str, Any]:
    return {
        "iid": pull.number,
        "title": pull.title,
        "web_url": f"https://forge.example/{REPOSITORY}/-/merge_requests/{pull.number}",
        "state": "opened" if pull.is_open else "merged" if pull.merged_at else "closed",
        "description": pull.body or None,
        "source_branch": pull.branch,
        "author": _user(pull.author),
        "sha": pull.head,
        "target_branch": pull.base,
        "merged_at": stamp(pull.merged_at),
        "closed_at": stamp(pull.closed_at),
        "merge_commit_sha": pull.merge_commit,
        "squash_commit_sha": None,
    }


def _note(remark: Remark) -> dict[str, Any]:
    return {
        "id": remark.id,
        "body": remark.body,
        "author": _user(remark.author),
        "system": remark.system,
        "created_at": stamp(remark.time),
    }


def _issue(ticket: Ticket) -> dict[str, Any]:
    return {
        "iid": ticket.number,
        "web_url": f"https://forge.example/{REPOSITORY}/-/issues/{ticket.number}",
        "title": ticket.title,
        "description": ticket.body,
        "author": _user(ticket.author),
    }


def _me(state: ForgeState, _: Request) -> Answer:
    return answer(_user(state.me))


def _get_merge(state: ForgeState, _: Request, number: str) -> Answer:
    pull = state.pulls.get(int(number))
    return answer(_merge(pull)) if pull else MISSING


def _add_merge(state: ForgeState, request: Request) -> Answer:
    new = sent(request)
    asked = {"title": new["title"], "body": new["description"], "base": new["target_branch"]}
    pull = state.opened_by(state.me, {**asked, "branch": new["source_branch"]})
    if pull is None:
        said = "Another open merge request already exists for this source branch: !1"
        return answer({"message": [said]}, 409)
    assert new["remove_source_branch"] is True
    return answer(_merge(pull), 201)


def _list_merges(state: ForgeState, request: Request) -> Answer:
    asked = parameters(request)
    # Newest first, and of everybody, is what GitLab answers without these.
    assert (asked["state"], asked["scope"]) == ("opened", "created_by_me")
    assert (asked["order_by"], asked["sort"]) == ("created_at", "asc")
    found = [pull for pull in state.pulls.values() if pull.is_open and pull.author == state.me]
    return page(state, request, [_merge(pull) for pull in found])


def _merges_of(state: ForgeState, request: Request, sha: str) -> Answer:
    return page(state, request, [_merge(pull) for pull in state.pulls_of(sha)])


def _versions(state: ForgeState, request: Request, number: str) -> Answer:
    pushes = state.pulls[int(number)].pushes
    rows = [
        {"id": at, "head_commit_sha": sha, "created_at": stamp(time), "state": "collected"}
        for at, (sha, time) in enumerate(pushes, 100)
    ]
    return page(state, request, rows[::-1])


def _approvals(state: ForgeState, _: Request, number: str) -> Answer:
    # One by somebody who may not write is not taken, and none is dropped by a push.
    latest = {one.author: one for one in state.pulls[int(number)].verdicts if one.author}
    given = [
        {"user": _user(one.author), "approved_at": stamp(one.time)}
        for one in latest.values()
        if one.state == "APPROVED" and one.author in state.writers
    ]
    return answer({"approved": bool(given), "approved_by": given})


def _approvals_without_times(state: ForgeState, request: Request, number: str) -> Answer:
    with_times = _approvals(state, request, number)
    return Answer(200, with_times.body.replace(b"approved_at", b"unknown"), with_times.headers)


def _notes(state: ForgeState, request: Request, number: str) -> Answer:
    rows = [_note(one) for one in state.pulls[int(number)].remarks]
    newest_first = parameters(request).get("sort") != "asc"
    return page(state, request, rows[::-1] if newest_first else rows)


def _add_note(state: ForgeState, request: Request, number: str) -> Answer:
    remark = Remark(state.number(), state.me, sent(request)["body"], state.tick())
    (state.pulls.get(int(number)) or state.issues[int(number)]).remarks.append(remark)
    return answer(_note(remark), 201)


def _change_note(state: ForgeState, request: Request, _: str, number: str) -> Answer:
    found = state.with_remark(int(number))
    if found is None:
        return MISSING
    if request.method == "DELETE":
        found[0].remove(found[1])
        return Answer(204, b"")
    found[1].body = sent(request)["body"]
    return answer(_note(found[1]))


def _add_status(state: ForgeState, request: Request, sha: str) -> Answer:
    status = sent(request)
    if len(status["description"]) > 255:
        return answer({"message": {"description": ["is too long"]}}, 400)
    conclusion = {text: name for name, text in _STATES.items()}[status["state"]]
    check = Given(state.number(), sha, status["name"], conclusion, state.me, state.tick())
    check.title, check.url = status["description"], status["target_url"]
    state.checks.append(check)
    return answer(_status(check), 201)


def _status(check: Given) -> dict[str, Any]:
    return {
        "id": check.id,
        "sha": check.commit,
        "name": check.name,
        "status": _STATES[check.conclusion],
        "description": check.title,
        "target_url": check.url or None,
        "author": _user(check.author),
        "created_at": stamp(check.time),
        "finished_at": None,
    }


def _statuses(state: ForgeState, request: Request, sha: str) -> Answer:
    name = parameters(request)["name"]
    found = [one for one in state.checks if one.commit == sha and one.name == name]
    return page(state, request, [_status(one) for one in found])


def _issues(state: ForgeState, request: Request) -> Answer:
    assert parameters(request)["scope"] == "created_by_me"
    found = [one for one in state.issues.values() if one.is_open and one.author == state.me]
    return page(state, request, [_issue(one) for one in found])


def _add_issue(state: ForgeState, request: Request) -> Answer:
    new = sent(request)
    ticket = Ticket(state.number(), new["title"], new["description"], state.me)
    state.issues[ticket.number] = ticket
    return answer(_issue(ticket), 201)


def _change_issue(state: ForgeState, request: Request, number: str) -> Answer:
    ticket, change = state.issues[int(number)], sent(request)
    ticket.title = change.get("title", ticket.title)
    ticket.body = change.get("description", ticket.body)
    ticket.is_open = change.get("state_event") != "close"
    return answer(_issue(ticket))


def _graphql(state: ForgeState, request: Request) -> Answer:
    asked = sent(request)["variables"]
    if asked["path"] != REPOSITORY:
        return answer({"data": {"project": None}})
    pull = state.pulls[int(asked["iid"])]
    commits = [
        {"author": {"username": one.author} if one.author else None, "authorEmail": one.email}
        for one in pull.commits
    ]
    names = sorted({one.committer for one in pull.commits if one.committer})
    people = {
        "commits": _connection(commits, asked.get("commits")),
        "committers": _connection([{"username": name} for name in names], asked.get("committers")),
    }
    return answer({"data": {"project": {"mergeRequest": people}}})


def _connection(nodes: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    start = int(after or 0)
    end = min(start + _GRAPHQL_PAGE, len(nodes))
    shown = nodes[start:end]
    cursor = str(end) if shown else None
    return {"nodes": shown, "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": cursor}}


def _project(state: ForgeState, _: Request) -> Answer:
    return answer({"id": 7, "visibility": state.visibility})


_MERGE = rf"{_PROJECT}/merge_requests/(\d+)"

GITLAB: tuple[Route, ...] = (
    ("POST", "/api/graphql", _graphql),
    ("GET", "/api/v4/user", _me),
    ("GET", _PROJECT, _project),
    ("GET", _MERGE, _get_merge),
    ("POST", f"{_PROJECT}/merge_requests", _add_merge),
    ("GET", f"{_PROJECT}/merge_requests", _list_merges),
    ("GET", rf"{_PROJECT}/repository/commits/(\w+)/merge_requests", _merges_of),
    ("GET", rf"{_MERGE}/versions", _versions),
    ("GET", rf"{_MERGE}/approvals", _approvals),
    ("GET", rf"{_MERGE}/notes", _notes),
    ("POST", rf"{_MERGE}/notes", _add_note),
    ("PUT", rf"{_MERGE}/notes/(\d+)", _change_note),
    ("DELETE", rf"{_MERGE}/notes/(\d+)", _change_note),
    ("POST", rf"{_PROJECT}/statuses/(\w+)", _add_status),
    ("GET", rf"{_PROJECT}/repository/commits/(\w+)/statuses", _statuses),
    ("GET", f"{_PROJECT}/issues", _issues),
    ("POST", f"{_PROJECT}/issues", _add_issue),
    ("PUT", rf"{_PROJECT}/issues/(\d+)", _change_issue),
    ("POST", rf"{_PROJECT}/issues/(\d+)/notes", _add_note),
)
OLD_GITLAB: tuple[Route, ...] = (("GET", rf"{_MERGE}/approvals", _approvals_without_times), *GITLAB)
