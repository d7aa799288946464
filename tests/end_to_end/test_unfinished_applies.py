"""What is told of an apply that did not finish, on a server that refuses some of its writes."""

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.registries.lab import Hand, Lab, rows
from tests.support.registries.restricted_servers import AuthServer
from tests.support.repositories.git_lab import GitLab

V1 = "versions: {1: {stage: Production, aliases: [champion, old]}, 2: {stage: Staging}}"
V2 = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"


@pytest.fixture
def desk(auth_server: AuthServer, tmp_path: Path) -> Lab:
    """Set up a checkout whose user may do everything."""
    user, password = auth_server.credentials().values()
    signed_in = auth_server.uri.replace("://", f"://{quote(user)}:{quote(password)}@")
    environ = dict(auth_server.credentials())
    return Lab(GitLab.new(tmp_path), auth_server.uri, Hand(signed_in), environ)


def test_what_a_user_without_manage_left_to_do_is_pending_and_a_hand_move_after_it_is_drift(
    desk: Lab, auth_server: AuthServer
) -> None:
    model = desk.model(3)
    desk.declare(model, V1)
    assert desk.run("apply", "--yes").code == 0
    auth_server.add_user(f"user-of-{model}", {model: "EDIT"})
    desk.declare(model, V2)
    as_user = auth_server.credentials(f"user-of-{model}")
    ended = desk.run("apply", "--yes", env=as_user)
    assert ended.code == 7, ended.text
    assert "MANAGE" in ended.text
    left = desk.run("drift", "--format", "json").document
    assert (rows(left), rows(left, "pending")) == ([], ["alias old 1→None removed"])

    desk.hand.stage(model, 1, "Production")
    desk.hand.stage(model, 2, "Archived")
    moved = desk.run("drift", "--format", "json").document
    assert rows(moved) == [
        "v2 stage Archived→Production drift",
        "v1 stage Production→Archived drift",
    ]
    assert rows(moved, "pending") == ["alias old 1→None removed"]
    assert desk.run("apply", "--yes").code == 0
    assert desk.run("drift").code == 0


def test_an_off_main_apply_that_wrote_nothing_leaves_the_model_to_the_main_line(
    desk: Lab, auth_server: AuthServer
) -> None:
    desk.git.commit({"registry-state/reconciler.yaml": "branch: main\n"}, "settings")
    model = desk.model(1)
    desk.declare(model, "versions: {1: {aliases: [champion, old]}}")
    assert desk.run("apply", "--yes").code == 0
    auth_server.add_user(f"user-of-{model}", {model: "EDIT"})
    desk.git.branch("urgent")
    desk.declare(model, "versions: {1: {aliases: [champion]}}")
    as_user = auth_server.credentials(f"user-of-{model}")
    ended = desk.run("apply", "--yes", "--accept", "off-main", env=as_user)
    assert ended.code == 6, ended.text
    desk.git.checkout("main")
    in_step = desk.run("plan", "--detailed-exitcode")
    assert in_step.code == 0, in_step.text
    assert len(desk.hand.holds(model)["tag reconciler.commit"].split()) == 1
