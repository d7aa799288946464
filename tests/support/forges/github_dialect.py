"""What GitHub's REST API answers, for a repository of `tests.support.forges.forge_server`."""

import re
from typing import Any

from tests.support.forges.forge_server import (
    MISSING,
    REPOSITORY,
    Commit,
    ForgeState,
    Given,
    Grant,
    Pull,
    Remark,
    Route,
    Ticket,
    answer,
    grant_of,
    page,
    parameters,
    sent,
    stamp,
)
from tests.support.registries.servers import Answer, Request

_REPO = f"/api/v3/repos/{REPOSITORY}"

# Which permissions of a job are enough for a path, for reading or else for writing.
_PERMISSIONS = (
    (r"/issues/(\d+/comments|comments/\d+)", ("issues", "pull-requests")),
    (r"/issues(/\d+)?", ("issues",)),
    (r"/pulls(/.*)?|/commits/\w+/pulls", ("pull-requests",)),
    (r"/check-runs|/commits/\w+/check-runs", ("checks",)),
)


def may(grant: Grant, request: Request) -> bool:
    """Return whether a token is good for a request, in a private repository."""
    if grant.permissions is None:
        return True
    path = request.path.partition("?")[0].removeprefix(_REPO)
    for pattern, scopes in _PERMISSIONS:
        if re.fullmatch(pattern, path):
            enough = {"write", "read"} if request.method == "GET" else {"write"}
            return bool(enough & {grant.permissions.get(scope, "none") for scope in scopes})
    return request.method == "GET" or path == "/api/graphql"  # what every token may


def _user(login: str | None) -> dict[str, Any] | None:
    if login is None:
        return None
    return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}


def _pull(pull: Pull) -> dict[str, Any]:
    # Before the merge it is a trial merge that nobody has.
    merge = pull.merge_commit or "7" * 40
    return {
        "number": pull.number,
        "title": pull.title,
        "html_url": f"https://forge.example/{REPOSITORY}/pull/{pull.number}",
        "state": "open" if pull.is_open else "closed",
        "body": pull.body or None,
        "user": _user(pull.author),
        "head": {"ref": pull.branch, "sha": pull.head},
        "base": {"ref": pull.base, "sha": "b" * 40},
        "merged_at": stamp(pull.merged_at),
        "closed_at": stamp(pull.merged_at or pull.closed_at),
        "merge_commit_sha": merge,
    }


def _comment(remark: Remark) -> dict[str, Any]:
    return {
        "id": remark.id,
        "html_url": f"https://forge.example/{REPOSITORY}/comment/{remark.id}",
        "user": _user(remark.author),
        "body": remark.body,
        "performed_via_github_app": None,
    }


def _issue(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": 1000 + ticket.number,
        "number": ticket.number,
        "html_url": f"https://forge.example/{REPOSITORY}/issues/{ticket.number}",
        "user": _user(ticket.author),
        "title": ticket.title,
        "body": ticket.body,
    }


def _run(check: Given) -> dict[str, Any]:
    done = check.conclusion != "pending"
    return {
        "id": check.id,
        "name": check.name,
        "head_sha": check.commit,
        "html_url": f"https://forge.example/{REPOSITORY}/runs/{check.id}",
        "status": "completed" if done else "in_progress",
        "conclusion": check.conclusion if done else None,
        "completed_at": stamp(check.time) if done else None,
        "output": {
            "title": check.title or None,
            "summary": check.summary or None,
            "text": check.text or None,
        },
        "app": {"id": 15368, "slug": check.author.removesuffix("[bot]")},
    }


def _commit(commit: Commit) -> dict[str, Any]:
    signature = {"name": "Somebody", "email": commit.email}
    return {
        "sha": commit.sha,
        "commit": {"author": signature, "committer": signature},
        "author": _user(commit.author),
        "committer": _user(commit.committer) or {},
    }


def _graphql(state: ForgeState, request: Request) -> Answer:
    if "viewer" not in sent(request)["query"]:
        return answer({"errors": [{"message": "unknown field"}]})
    return answer({"data": {"viewer": {"login": state.me}}})


def _get_pull(state: ForgeState, _: Request, number: str) -> Answer:
    pull = state.pulls.get(int(number))
    return answer(_pull(pull)) if pull else MISSING


def _add_pull(state: ForgeState, request: Request) -> Answer:
    new, grant = sent(request), grant_of(state, request)
    if len(new.get("body") or "") > 65_536:
        return _invalid("body is too long (maximum is 65536 characters)")
    asked = {name: new.get(name) or "" for name in ("title", "body", "base")}
    pull = state.opened_by(grant.login if grant else state.me, {**asked, "branch": new["head"]})
    if pull is None:
        return _invalid(f"A pull request already exists for acme:{new['head']}.")
    return answer(_pull(pull), 201)


def _invalid(message: str) -> Answer:
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    return answer({"message": "Validation Failed", "errors": [error]}, 422)


def _list_pulls(state: ForgeState, request: Request) -> Answer:
    asked = parameters(request)
    assert (asked["state"], asked["sort"], asked["direction"]) == ("open", "created", "asc")
    found = [_pull(pull) for pull in state.pulls.values() if pull.is_open]
    return page(state, request, found)


def _pulls_of(state: ForgeState, request: Request, sha: str) -> Answer:
    return page(state, request, [_pull(pull) for pull in state.pulls_of(sha)])


def _reviews(state: ForgeState, request: Request, number: str) -> Answer:
    rows = [
        {
            "user": _user(verdict.author or None),
            "state": verdict.state,
            "commit_id": verdict.commit,
            "submitted_at": None if verdict.state == "PENDING" else stamp(verdict.time),
        }
        for verdict in state.pulls[int(number)].verdicts
    ]
    return page(state, request, rows)


def _commits(state: ForgeState, request: Request, number: str) -> Answer:
    commits = state.pulls[int(number)].commits[:250]
    return page(state, request, [_commit(one) for one in commits])


def _permission(state: ForgeState, _: Request, login: str) -> Answer:
    if login.endswith("[bot]"):
        return MISSING
    return answer({"permission": "write" if login in state.writers else "read"})


def _holder(state: ForgeState, number: str) -> Pull | Ticket:
    return state.pulls.get(int(number)) or state.issues[int(number)]


def _comments(state: ForgeState, request: Request, number: str) -> Answer:
    return page(state, request, [_comment(one) for one in _holder(state, number).remarks])


def _add_comment(state: ForgeState, request: Request, number: str) -> Answer:
    body = sent(request)["body"]
    if len(body) > 65_536:
        return answer({"message": "Validation Failed", "errors": [{"code": "too_long"}]}, 422)
    remark = Remark(state.number(), state.me, body, state.tick())
    _holder(state, number).remarks.append(remark)
    return answer(_comment(remark), 201)


def _change_comment(state: ForgeState, request: Request, number: str) -> Answer:
    found = state.with_remark(int(number))
    if found is None:
        return MISSING
    if request.method == "DELETE":
        found[0].remove(found[1])
        return Answer(204, b"")
    found[1].body = sent(request)["body"]
    return answer(_comment(found[1]))


def _add_run(state: ForgeState, request: Request) -> Answer:
    run = sent(request)
    output = run["output"]
    if max(len(output["text"]), len(output["summary"])) > 65_535:
        return answer({"message": "Validation Failed"}, 422)
    state.checks.append(
        Given(
            state.number(),
            run["head_sha"],
            run["name"],
            run["conclusion"],
            state.me,
            state.tick(),
            **output,
        )
    )
    return answer(_run(state.checks[-1]), 201)


def _runs(state: ForgeState, request: Request, sha: str) -> Answer:
    # Without `filter=all` only the latest of each app would be listed.
    assert parameters(request)["filter"] == "all"
    name = parameters(request)["check_name"]
    found = [one for one in state.checks if one.commit == sha and one.name == name]
    return page(state, request, [_run(one) for one in found], "check_runs")


def _issues(state: ForgeState, request: Request) -> Answer:
    creator = parameters(request).get("creator")
    found = [one for one in state.issues.values() if one.is_open and one.author == creator]
    pulls = [{**_issue_of(pull), "pull_request": {}} for pull in state.pulls.values()]
    return page(state, request, [*pulls, *(_issue(one) for one in found)])


def _issue_of(pull: Pull) -> dict[str, Any]:
    return _issue(Ticket(pull.number, pull.title, pull.title, pull.author))


def _add_issue(state: ForgeState, request: Request) -> Answer:
    new = sent(request)
    ticket = Ticket(state.number(), new["title"], new["body"], state.me)
    state.issues[ticket.number] = ticket
    return answer(_issue(ticket), 201)


def _change_issue(state: ForgeState, request: Request, number: str) -> Answer:
    ticket, change = state.issues[int(number)], sent(request)
    ticket.title = change.get("title", ticket.title)
    ticket.body = change.get("body", ticket.body)
    ticket.is_open = change.get("state", "open") == "open"
    return answer(_issue(ticket))


def _repository(state: ForgeState, _: Request) -> Answer:
    is_private = state.visibility != "public"
    return answer({"id": 7, "private": is_private, "visibility": state.visibility})


GITHUB: tuple[Route, ...] = (
    ("GET", _REPO, _repository),
    ("POST", "/api/graphql", _graphql),
    ("POST", f"{_REPO}/pulls", _add_pull),
    ("GET", f"{_REPO}/pulls", _list_pulls),
    ("GET", rf"{_REPO}/pulls/(\d+)", _get_pull),
    ("GET", rf"{_REPO}/commits/(\w+)/pulls", _pulls_of),
    ("GET", rf"{_REPO}/pulls/(\d+)/reviews", _reviews),
    ("GET", rf"{_REPO}/pulls/(\d+)/commits", _commits),
    ("GET", rf"{_REPO}/collaborators/(.+)/permission", _permission),
    ("GET", rf"{_REPO}/issues/(\d+)/comments", _comments),
    ("POST", rf"{_REPO}/issues/(\d+)/comments", _add_comment),
    ("PATCH", rf"{_REPO}/issues/comments/(\d+)", _change_comment),
    ("DELETE", rf"{_REPO}/issues/comments/(\d+)", _change_comment),
    ("POST", f"{_REPO}/check-runs", _add_run),
    ("GET", rf"{_REPO}/commits/(\w+)/check-runs", _runs),
    ("GET", f"{_REPO}/issues", _issues),
    ("POST", f"{_REPO}/issues", _add_issue),
    ("PATCH", rf"{_REPO}/issues/(\d+)", _change_issue),
)
