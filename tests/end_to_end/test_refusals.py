"""Understood and refused: guards, dirty checkouts, other owners, pins, missing permissions."""

import base64
from collections.abc import Callable

import pytest

from tests.support.registries.lab import Lab, rows
from tests.support.registries.servers import Answer, Request, proxy

_V1 = "versions: {1: {stage: Production, aliases: [champion]}}"
_TAGS = "tags: {" + ", ".join(f"t{number}: x" for number in range(12)) + "}\n"
_SETTINGS = "registry-state/reconciler.yaml"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("versions: {1: {stage: Archived, aliases: [champion]}}", "(Production); now it is v1"),
        ("versions: {1: {stage: Production}}", "@champion would be removed"),
    ],
)
def test_a_model_is_not_left_without_what_serves_it_unless_somebody_consents(
    lab: Lab, after: str, said: str
) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, after)
    before = lab.hand.holds(model)

    planned = lab.run("plan", "--detailed-exitcode", "--format", "json")
    assert planned.code == 4
    [violation] = planned.document["violations"]
    assert (violation["name"], violation["model"]) == ("empty-serving", model)
    assert said in violation["message"]
    assert f"--accept empty-serving={model}" in violation["hint"]
    for accept in ([], ["--accept", "removals"], ["--accept", "empty-serving=another"]):
        assert lab.run("apply", "--yes", *accept).code == 4
    assert lab.hand.holds(model) == before

    assert lab.run("apply", "--yes", "--accept", f"empty-serving={model}").code == 0
    assert lab.hand.holds(model) != before
    assert lab.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("kept", ["docs", "docs registry-state/team"])
def test_a_sparse_checkout_that_left_out_models_releases_none_of_them(lab: Lab, kept: str) -> None:
    model, other = lab.model(1), lab.model(1)
    lab.git.commit({"docs/a.md": "x", "registry-state/team/o.yaml": f"model: {other}\n"})
    lab.declare(model, _V1)
    # In cone mode the files beside a folder that is kept are kept, too.
    lab.git.git("sparse-checkout", "set", "--no-cone", *kept.split())
    for command in (["plan"], ["apply", "--yes"], ["drift"], ["status"], ["import", "x"]):
        result = lab.run(*command)
        assert result.code == 5, result.text
        assert "the sparse checkout left out" in result.stderr
        assert "git sparse-checkout add registry-state" in result.stderr
    assert lab.hand.values(model) == {}
    validated = lab.run("validate")
    assert validated.code == (1 if kept == "docs" else 0)
    assert ("git sparse-checkout add registry-state" in validated.stderr) == (kept == "docs")
    lab.git.git("sparse-checkout", "add", "registry-state")
    assert lab.run("apply", "--yes").code == 0


def test_a_retired_model_may_lose_what_serves_it(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, "retired: true\nversions: {1: {stage: Archived}}")
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == {"v1 stage": "Archived"}


def test_many_removals_at_once_want_consent_and_say_their_numbers(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, f"{_TAGS}versions: {{1: {{aliases: [blue]}}}}")
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, "tags: {t0: x}\nversions: {1: {aliases: [blue]}}")

    refused = lab.run("apply", "--yes")
    assert refused.code == 4
    assert "11 of 13 declared aliases and tags would be removed, on 1 model" in refused.stdout
    assert lab.hand.values(model)["tag t11"] == "x"
    assert lab.run("apply", "--yes", "--accept", "removals").code == 0
    assert lab.hand.values(model) == {"tag t0": "x", "@blue": 1}


def test_ten_removals_are_nobodys_accident(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, f"{_TAGS}versions: {{1: {{aliases: [blue]}}}}")
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, "tags: {t0: x, t1: x}\nversions: {1: {aliases: [blue]}}")
    assert lab.run("apply", "--yes").code == 0


@pytest.mark.parametrize("ignored", [False, True])
def test_what_is_not_committed_is_planned_but_not_applied(lab: Lab, *, ignored: bool) -> None:
    model, other = lab.model(1), lab.model(1)
    lab.declare(model, _V1)
    if ignored:
        lab.git.commit({".gitignore": f"{other}.yaml\n"})
    lab.git.write({f"registry-state/{other}.yaml": "versions: {1: {aliases: [blue]}}"})

    planned = lab.run("plan", "--format", "json")
    assert planned.code == 0
    assert planned.document["state"]["dirty"] is True
    refused = lab.run("apply", "--yes", "--format", "json")
    assert refused.code == 4
    [violation] = refused.document["violations"]
    assert violation["name"] == "dirty"
    assert f"registry-state/{other}.yaml" in violation["message"]
    assert lab.run("apply", "--yes", "--accept", "dirty").code == 1, "there is no such consent"
    assert lab.hand.values(model) == {}


def test_another_state_folders_model_is_not_touched(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    before = lab.hand.holds(model)
    lab.git.commit({f"team-b/{model}.yaml": "versions: {2: {stage: Production}}"})
    for command in (["plan"], ["apply", "--yes"]):
        refused = lab.run(*command, "--state", "team-b")
        assert refused.code == 4
        assert (
            f"`{model}` is managed by state folder `registry-state`, not `team-b`" in refused.stderr
        )
    assert lab.hand.holds(model) == before


def test_another_registry_than_the_pinned_one_is_refused_before_any_request(lab: Lab) -> None:
    lab.declare(lab.model(1), _V1)
    lab.git.commit({_SETTINGS: "registry: https://mlflow.example.com\n"})
    with proxy() as server:
        for command in (["plan"], ["apply", "--yes"], ["drift"], ["status"]):
            refused = lab.run(*command, env={"MLFLOW_TRACKING_URI": server.uri})
            assert refused.code == 4
            assert "pinned to https://mlflow.example.com" in refused.stderr
        assert server.log == []


def test_the_pin_is_what_is_talked_to_when_nothing_else_is_said(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    lab.git.commit({_SETTINGS: f"registry: {{uri: [{lab.uri}, http://mlflow], name: prod}}\n"})
    done = lab.run("apply", "--yes", "--format", "json", env={"MLFLOW_TRACKING_URI": " "})
    assert done.code == 0
    assert done.document["registry"] == {"uri": lab.uri, "name": "prod", "workspace": None}
    assert lab.hand.values(model)["@champion"] == 1


def test_a_model_on_hold_is_written_by_nobody_until_the_key_goes(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, f'hold: "incident 42"\n{_V1}')
    done = lab.run("apply", "--yes")
    assert done.code == 0
    assert "held: incident 42; 2 changes pending" in done.stdout
    assert lab.hand.holds(model) == {"v1 stage": "None"}
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model)["@champion"] == 1


_ADA = base64.b64encode(b"ada:s3cret").decode()
_LOGIN = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "s3cret"}


def _denied(status: int) -> Answer:
    words = b"You are not authenticated." if status == 401 else b"Permission denied"
    return Answer(status, words, {"Content-Type": "text/plain"})


def _wants_login(request: Request) -> Answer | None:
    right = request.headers.get("Authorization") == f"Basic {_ADA}"
    return None if right else _denied(401)


def _takes_no(method: str, end: str, *, of: str = "") -> Callable[[Request], Answer | None]:
    def before(request: Request) -> Answer | None:
        path, _, query = request.path.partition("?")
        fits = request.method == method and path.endswith(end) and of in query
        return _denied(403) if fits else None

    return before


def test_without_the_right_login_nothing_is_read_and_the_variables_are_named(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    with proxy(lab.uri, before=_wants_login) as server:
        at = {"MLFLOW_TRACKING_URI": server.uri}
        for login in ({}, _LOGIN | {"MLFLOW_TRACKING_PASSWORD": "wr0ng-secret"}):
            refused = lab.run("apply", "--yes", "--format", "json", env=at | login)
            assert refused.code == 6
            [error] = refused.document["errors"]
            assert "401" in error["message"]
            assert "MLFLOW_TRACKING_USERNAME" in error["hint"]
            assert "wr0ng-secret" not in refused.text
        assert server.writes == []
        done = lab.run("apply", "--yes", env=at | _LOGIN)
        assert done.code == 0
        assert "s3cret" not in done.text
    assert lab.hand.values(model)["@champion"] == 1


def test_a_model_that_may_not_be_read_is_not_called_missing(lab: Lab) -> None:
    hidden, model = "lab-hidden-by-the-server", lab.model(1)
    lab.declare(hidden, _V1)
    lab.declare(model, _V1)
    # The apply of the other model asks the same of that one.
    denied = _takes_no("GET", "registered-models/get", of=hidden)
    with proxy(lab.uri, before=denied) as server:
        done = lab.run(
            "apply", "--yes", "--format", "json", env={"MLFLOW_TRACKING_URI": server.uri}
        )
    assert done.code == 7
    [error] = done.document["errors"]
    assert error["model"] == hidden
    assert "cannot be read" in error["message"]
    assert "not in the registry" not in error["message"]
    assert lab.hand.values(model)["@champion"] == 1


def test_a_removal_that_is_denied_says_that_it_needs_manage(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, "versions: {1: {aliases: [blue, green]}}")
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, "versions: {1: {aliases: [green]}}")
    with proxy(lab.uri, before=_takes_no("DELETE", "/alias")) as server:
        at = {"MLFLOW_TRACKING_URI": server.uri}
        refused = lab.run("apply", "--yes", "--format", "json", env=at)
    assert refused.code == 6
    [change] = refused.document["changes"]
    assert change["outcome"] == "failed"
    assert "MANAGE" in change["error"]
    assert lab.hand.values(model)["@blue"] == 1
    assert rows(lab.run("plan", "--format", "json").document) == ["alias blue 1→None removed"]
