"""A user who may not write: told once and counted, before an apply and by it."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.restricted_servers import AuthServer
from tests.support.repositories.git_lab import GitLab

_MODELS = 6
_TAGGED = "tags: {team: payments}\n"


@pytest.fixture(name="desk")
def desk_fixture(auth_server: AuthServer, tmp_path: Path) -> Lab:
    """Set up a checkout whose user is the server's admin."""
    user, password = auth_server.credentials().values()
    signed_in = auth_server.uri.replace("://", f"://{quote(user)}:{quote(password)}@")
    environ = dict(auth_server.credentials())
    return Lab(GitLab.new(tmp_path), auth_server.uri, Hand(signed_in), environ)


def _declared(desk: Lab, contents: Mapping[str, str]) -> None:
    desk.git.commit({f"registry-state/{model}.yaml": text for model, text in contents.items()})


def test_a_user_who_may_write_nothing_is_told_in_one_line_before_an_apply_and_by_it(
    desk: Lab, auth_server: AuthServer
) -> None:
    models = sorted(desk.model(0) for _ in range(_MODELS))
    _declared(desk, dict.fromkeys(models, _TAGGED))
    user = f"reads-{models[0]}"
    auth_server.add_user(user)
    as_user = auth_server.credentials(user)
    missing = f"user `{user}` lacks EDIT on 6 models: `{models[0]}`, "

    planned = desk.run("plan", "--check-permissions", env=as_user)
    assert planned.code == 6
    assert planned.stderr.count(missing) == 1
    assert planned.stderr.count(" and 1 more\n") == 1

    applied = desk.run("apply", "--yes", env=as_user)
    assert applied.code == 6
    assert f"\n\n✗ {missing}" in applied.stdout
    assert applied.text.count(" 403") == 0, "not once for each model"


def test_what_a_plan_needs_is_compared_with_what_the_registry_grants(
    desk: Lab, auth_server: AuthServer
) -> None:
    model, other = sorted((desk.model(1), desk.model(1)))
    _declared(desk, dict.fromkeys((model, other), "versions: {1: {aliases: [champion, fast]}}\n"))
    assert desk.run("apply", "--yes", "--record").code == 0
    [merged] = desk.run("history", model, "--format", "json").document["changes"]
    assert merged["applied"][0]["registry_user"] == "admin"
    _declared(desk, dict.fromkeys((model, other), "versions: {1: {aliases: [champion]}}\n"))
    user = f"edits-{model}"
    auth_server.add_user(user, {model: "EDIT", other: "EDIT"})

    as_admin = desk.run("plan", "--check-permissions")
    assert as_admin.code == 0
    assert "permissions: user `admin` may write all of it" in as_admin.stdout

    as_user = auth_server.credentials(user)
    document = desk.run("plan", "--check-permissions", "--format", "json", env=as_user).document
    missing = [{"model": name, "needs": "MANAGE", "has": "EDIT"} for name in (model, other)]
    assert document["permissions"] == {
        "user": user,
        "managed": True,
        "missing": missing,
        "unknown": [],
    }
    (error,) = document["errors"]
    assert error["message"] == f"user `{user}` lacks MANAGE on 2 models: `{model}`, `{other}`"
    assert document["exit"]["code"] == 6


def test_a_registry_without_users_lets_everybody_write(lab: Lab) -> None:
    model = lab.model(0)
    lab.declare(model, _TAGGED)

    plan = opened(lab).plan(models=[model], check_permissions=True)

    assert plan.code == 0
    assert "permissions: not managed by this registry: everybody may write" in plan.to_text()
    assert plan.permissions is not None
    assert not plan.permissions.is_managed


def test_a_page_says_which_model_its_reader_may_not_see(desk: Lab, auth_server: AuthServer) -> None:
    seen, hidden = (desk.model(1) for _ in range(2))
    serves = "versions: {1: {stage: Production}}\n"
    _declared(desk, {seen: serves, hidden: serves})
    assert desk.run("apply", "--yes").code == 0
    user = f"reads-{seen}"
    auth_server.add_user(user, {hidden: "DENY"})

    page = desk.run(
        "page", "--out", "public", "--format", "json", env=auth_server.credentials(user)
    )
    assert page.code == 6
    [environment] = page.document["environments"]
    models = {row["model"]: row for row in environment["models"]}
    assert models[seen]["state"] == "in sync"
    assert models[hidden]["state"] == "not read"
    assert "cannot be read" in models[hidden]["why"][0]
    assert models[hidden]["serving"]["version"] is None
    assert [error["model"] for error in page.document["errors"]] == [hidden]
