"""Two workspaces of one server are two registries, and nothing takes one for the other."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.registries.lab import Hand, Lab, Result
from tests.support.registries.restricted_servers import WorkspacesServer
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab

_TEXT = "description: From git\ntags: {owner: payments}\n"
_numbers = itertools.count(1)


@dataclass
class Teams:
    """A checkout before two workspaces, which have a model of the same name."""

    lab: Lab
    a: str
    b: str
    model: str

    def run(self, command: str, *arguments: str, workspace: str = "") -> Result:
        """Run a command with that workspace in the environment."""
        return self.lab.run(command, *arguments, env={"MLFLOW_WORKSPACE": workspace})

    def hand(self, workspace: str) -> Hand:
        return Hand(self.lab.uri, workspace=workspace)

    def key(self, workspace: str) -> str:
        return f"{self.lab.uri}, workspace {workspace}"

    def settle(self, registry: str, state: str = "registry-state") -> None:
        """Commit the settings of a state."""
        self.lab.git.commit({f"{state}/reconciler.yaml": f"branch: main\nregistry: {registry}\n"})

    def pinned(self, workspace: str) -> str:
        return f"{{uri: {self.lab.uri}, workspace: {workspace}}}"


@pytest.fixture(name="teams")
def teams_fixture(workspaces_server: WorkspacesServer, tmp_path: Path) -> Teams:
    number = next(_numbers)
    names = f"team-a{number}", f"team-b{number}"
    for name in names:
        workspaces_server.add_workspace(name)
        hand = Hand(workspaces_server.uri, workspace=name)
        hand.register("fraud", 2)
    lab = Lab(GitLab.new(tmp_path), workspaces_server.uri, Hand(workspaces_server.uri))
    lab.declare("fraud", _TEXT)
    return Teams(lab, *names, "fraud")


def test_a_plan_of_one_workspace_is_not_carried_out_in_another(teams: Teams) -> None:
    assert teams.run("plan", "--out", "plan.json", workspace=teams.a).code == 0
    for other in (teams.b, ""):
        refused = teams.run("apply", "plan.json", workspace=other)
        assert refused.code == 5, refused.text
        assert teams.key(teams.a) in refused.stderr
    assert teams.hand(teams.b).values("fraud") == {}
    applied = teams.run("apply", "plan.json", workspace=teams.a)
    assert applied.code == 0, applied.text
    assert teams.hand(teams.a).values("fraud") == {
        "description": "From git",
        "tag owner": "payments",
    }
    assert teams.hand(teams.b).holds("fraud") == {"v1 stage": "None", "v2 stage": "None"}


def test_a_saved_plan_knows_its_workspace(teams: Teams) -> None:
    assert teams.run("plan", "--out", "plan.json", workspace=teams.a).code == 0
    nothing = {"MLFLOW_TRACKING_URI": "", "MLFLOW_WORKSPACE": ""}
    assert teams.lab.run("apply", "plan.json", env=nothing).code == 0
    assert teams.hand(teams.a).values("fraud")["tag owner"] == "payments"


def test_the_workspace_is_in_the_head_line_the_digest_and_the_documents(teams: Teams) -> None:
    first, second, none = (
        teams.run("plan", "--format", "json", workspace=name).document
        for name in (teams.a, teams.b, teams.a)
    )
    assert first["registry"] == {"uri": teams.lab.uri, "name": None, "workspace": teams.a}
    assert first["digest"] == none["digest"] != second["digest"]
    assert first["models"][0]["digest"] != second["models"][0]["digest"]
    for form, words in (("text", teams.a), ("markdown", f"<code>{teams.a}</code>")):
        shown = teams.run("plan", "--format", form, workspace=teams.a).stdout
        assert f", workspace {words}" in shown
    for command in (("status",), ("drift",), ("show", "fraud"), ("compare", "fraud", "1", "2")):
        answer = teams.run(*command, "--format", "json", workspace=teams.a).document
        assert answer["registry"] == first["registry"], command
    refused = teams.run("apply", "--yes", "--expect", first["digest"], workspace=teams.b)
    assert refused.code == 5
    assert teams.hand(teams.b).values("fraud") == {}


def test_a_pinned_workspace_is_used_and_another_one_refused(teams: Teams) -> None:
    teams.settle(teams.pinned(teams.a))
    for command in (("plan",), ("apply", "--yes"), ("drift",), ("status",), ("audit",)):
        refused = teams.run(*command, workspace=teams.b)
        assert refused.code == 4, refused.text
        assert f"pinned to the workspace `{teams.a}`, not to `{teams.b}`" in refused.stderr
    assert teams.hand(teams.b).holds("fraud") == {"v1 stage": "None", "v2 stage": "None"}
    applied = teams.run("apply", "--yes", "--format", "json")
    assert applied.code == 0, applied.text
    assert applied.document["registry"]["workspace"] == teams.a
    assert teams.hand(teams.a).values("fraud")["tag owner"] == "payments"
    assert teams.run("plan", "--detailed-exitcode", workspace=teams.a).code == 0


def test_a_pinned_workspace_counts_once_main_has_it(teams: Teams) -> None:
    teams.settle(teams.pinned(teams.a))
    teams.lab.git.git("checkout", "--quiet", "-b", "change")
    teams.settle(teams.pinned(teams.b))
    assert teams.run("plan", workspace=teams.b).code == 4
    held = teams.run("plan", "--format", "json")
    assert held.document["registry"]["workspace"] == teams.a
    assert "the main line does not have this `registry:`" in held.stderr
    teams.lab.git.git("checkout", "--quiet", "main")
    teams.lab.git.git("merge", "--quiet", "--ff-only", "change")
    assert teams.run("apply", "--yes", workspace=teams.b).code == 0
    assert teams.hand(teams.b).values("fraud")["tag owner"] == "payments"
    assert teams.hand(teams.a).values("fraud") == {}


def test_a_name_does_not_hide_the_workspace(teams: Teams) -> None:
    teams.settle(f"{{uri: {teams.lab.uri}, name: prod}}")
    plans = [
        teams.run("plan", "--format", "json", workspace=name).document
        for name in ("", teams.a, teams.b)
    ]
    assert len({plan["digest"] for plan in plans}) == 3
    assert [plan["registry"]["name"] for plan in plans] == ["prod"] * 3


def test_records_of_one_workspace_say_nothing_about_another(teams: Teams) -> None:
    teams.lab.declare("fraud", "versions: {1: {stage: Production}}")
    assert teams.run("apply", "--yes", "--record", workspace=teams.a).code == 0
    audits = {
        name: teams.run("audit", "--format", "json", workspace=name).document
        for name in (teams.a, teams.b)
    }
    assert audits[teams.a]["registry"] == teams.key(teams.a)
    standing = {name: audit["changes"][-1]["standing"] for name, audit in audits.items()}
    assert standing == {teams.a: "applied", teams.b: "unknown"}
    assert teams.run("apply", "--yes", "--record", workspace=teams.b).code == 0
    history = teams.run("history", "fraud").stdout
    for name in (teams.a, teams.b):
        assert f"({teams.key(name)})" in history


def test_two_states_for_two_workspaces_stand_side_by_side(teams: Teams) -> None:
    for name in (teams.a, teams.b):
        teams.settle(teams.pinned(name), f"states/{name}")
        teams.lab.git.commit({f"states/{name}/fraud.yaml": f"description: Of {name}\n"})
    for name in (teams.a, teams.b):
        state = ("--state", f"states/{name}")
        assert teams.run("apply", "--yes", "--record", *state).code == 0
        assert teams.run("drift", *state).code == 0
    for name in (teams.a, teams.b):
        held = teams.hand(name).holds("fraud")
        assert held["description"] == f"Of {name}"
        assert held["tag reconciler.owner"] == f"states/{name}"
    foreign = teams.lab.run("plan", "--state", f"states/{teams.a}", "--registry-uri", "http://h")
    assert foreign.code == 4


def test_init_pins_the_workspace(teams: Teams) -> None:
    begun = teams.run("init", "--state", "fresh", workspace=teams.a)
    assert begun.code == 0, begun.text
    settings = (teams.lab.git.root / "fresh" / "reconciler.yaml").read_text()
    assert f"registry: {{uri: {teams.lab.uri}, workspace: {teams.a}}}" in settings
    shown = teams.run("plan", "--state", "fresh", "--format", "json").document
    assert shown["registry"]["workspace"] == teams.a


def test_a_workspace_that_does_not_exist_is_told_as_such(teams: Teams) -> None:
    for command in (("plan",), ("apply", "--yes"), ("forget", "fraud"), ("show", "fraud")):
        unknown = teams.run(*command, workspace="nobody")
        assert unknown.code == 6, unknown.text
        assert "Workspace 'nobody' not found" in unknown.stderr
        assert "MLFLOW_WORKSPACE" in unknown.stderr
    odd = teams.run("plan", workspace="No Such")
    assert odd.code == 6
    assert "Workspace name 'No Such'" in odd.stderr


def test_a_server_without_workspaces_is_told_in_one_sentence(lab: Lab) -> None:
    lab.declare(lab.model(1), "versions: {1: {stage: Production}}")
    for name in ("team-a", "default"):
        refused = lab.run("plan", "--format", "json", env={"MLFLOW_WORKSPACE": name})
        assert refused.code == 6
        (error,) = refused.document["errors"]
        assert "has no workspaces" in error["hint"]
        assert "MLFLOW_WORKSPACE" in error["hint"]


def test_the_workspace_of_a_database_is_refused(sqlite_uri: str, lab: Lab) -> None:
    MlflowSeeds(sqlite_uri).create_model("fraud")
    lab.declare("fraud", _TEXT)
    env = {"MLFLOW_TRACKING_URI": sqlite_uri, "MLFLOW_WORKSPACE": "team-a"}
    refused = lab.run("plan", env=env)
    assert refused.code == 1
    assert "MLFLOW_WORKSPACE" in refused.stderr
    assert lab.run("plan", env={**env, "MLFLOW_WORKSPACE": ""}).code == 0
