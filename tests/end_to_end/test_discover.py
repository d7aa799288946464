"""`reconciler discover` on a real server: which new versions go to Staging, and which never."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from reconciler.authoring.discovery import search
from reconciler.core.settings import Settings
from reconciler.core.state import (
    Declaration,
    DeclaredVersion,
    Field,
    Identity,
    Live,
    LiveVersion,
    stages,
)
from reconciler.files.loader import parse_declaration
from tests.support.registries.lab import Hand, Lab, Result
from tests.support.registries.servers import Answer, MlflowSeeds, Request, proxy
from tests.support.repositories.git_lab import GitLab

_SETTINGS = "registry-state/reconciler.yaml"
_ONE = "exclusive: [Production, Staging]\n"
_TRACED = """\
policies:
  - name: traced
    on: {stage: Staging}
    lineage: [params.data]
"""
_GH = "#!/bin/sh\necho https://github.example/pull/7\n"


@dataclass
class Desk:
    """A checkout of its own remote, a server, and who registers versions there."""

    lab: Lab
    seeds: MlflowSeeds

    def model(self, *params: Mapping[str, str]) -> str:
        """Register a model with a version for each of the runs, which logged those params."""
        name = self.lab.model(0)
        for logged in params:
            self.seeds.log_version(name, params=logged)
        return name

    def declare(self, files: Mapping[str, str], settings: str = "") -> None:
        """Merge what is declared, by model."""
        named = {f"registry-state/{model}.yaml": text for model, text in files.items()}
        self.lab.git.commit(named | ({_SETTINGS: settings} if settings else {}), "declare")
        self.lab.git.push()

    def text(self, model: str) -> str:
        return (self.lab.git.root / f"registry-state/{model}.yaml").read_text()

    def declared(self, model: str) -> Declaration:
        return parse_declaration(self.text(model).encode(), f"{model}.yaml")


@pytest.fixture(name="seeds", scope="module")
def seeds_fixture(mlflow_uri: str) -> MlflowSeeds:
    return MlflowSeeds(mlflow_uri)


@pytest.fixture(name="desk")
def desk_fixture(mlflow_uri: str, seeds: MlflowSeeds, tmp_path: Path) -> Desk:
    (tmp_path / "hub").mkdir()
    hub = GitLab.new(tmp_path / "hub")
    hub.commit({"README": "x"}, "begin")
    hub.git("checkout", "--quiet", "--detach")
    git = hub.clone(tmp_path / "clone")
    git.git("config", "user.name", "Ada")
    git.git("config", "user.email", "ada@example.com")
    return Desk(Lab(git, mlflow_uri, Hand(mlflow_uri)), seeds)


def discover(lab: Lab, *arguments: str, code: int = 0, path: str | None = None) -> Result:
    done = lab.run("discover", *arguments, env={} if path is None else {"PATH": path})
    assert done.code == code, done.text
    return done


def found(lab: Lab, *arguments: str, code: int = 0) -> dict[str, Any]:
    return discover(lab, *arguments, "--format", "json", code=code).document


def outcomes(document: Mapping[str, Any]) -> dict[int, str]:
    return {row["version"]: row["outcome"] for row in document["versions"]}


GOOD: Mapping[str, str] = {"data": "2.1"}
BAD: Mapping[str, str] = {"rate": "0.1"}


def test_new_versions_that_pass_are_declared_with_their_pins(desk: Desk) -> None:
    model = desk.model(GOOD, GOOD, BAD, GOOD)
    desk.declare({model: "versions: {1: {stage: Production}}\n"}, _TRACED)
    done = found(desk.lab)
    assert outcomes(done) == {4: "added", 3: "refused", 2: "added"}
    ((reason,),) = [row["violations"] for row in done["versions"] if row["version"] == 3]
    assert reason["name"] == "traced"
    assert "rate" in reason["message"], "what the run did log is named"
    assert done["meaning"] == [
        *("v2 → Staging", "v4 → Staging"),
        *("v2 run_id added", "v2 source added", "v4 run_id added", "v4 source added"),
    ]
    declared = desk.declared(model)
    assert stages(declared.fields) == {1: "Production", 2: "Staging", 4: "Staging"}
    assert all(declared.versions[version].run_id for version in (2, 4))
    desk.lab.git.commit()
    plan = desk.lab.run("plan", "--format", "json")
    assert plan.code == 0, plan.text
    moved = {change["version"] for change in plan.document["changes"] if change["after"]}
    assert moved == {1, 2, 4}


def test_where_staging_holds_one_it_is_the_newest_that_passes(desk: Desk) -> None:
    model = desk.model(GOOD, GOOD, GOOD, BAD)
    desk.declare({model: "versions: {1: {stage: Staging}}\n"}, _ONE + _TRACED)
    done = discover(desk.lab)
    lines = done.stdout.splitlines()
    assert "  ✗ v4  not added" in lines
    assert "  + v3  None → Staging" in lines
    assert "    v2  not added: a newer one is" in lines
    assert {"v3 → Staging", "v1 Staging → Archived"} < {*lines}
    declared = desk.declared(model)
    assert stages(declared.fields) == {1: "Archived", 3: "Staging"}


def test_what_was_declared_once_is_not_new_again_nor_is_anything_older(desk: Desk) -> None:
    model = desk.model(GOOD, GOOD, GOOD)
    desk.declare({model: "versions: {1: {}, 2: {stage: Staging}}\n"})
    desk.declare({model: "versions: {1: {}}\n"})
    assert outcomes(found(desk.lab)) == {3: "added"}
    desk.lab.git.git("checkout", "--", ".")
    desk.lab.git.write({f"registry-state/{model}.yaml": "versions: {1: {}, 3: {}}\n"})
    assert outcomes(found(desk.lab)) == {}


def test_with_nothing_new_nothing_is_written_and_nothing_is_wrong(desk: Desk) -> None:
    model = desk.model(GOOD)
    desk.declare({model: "versions: {1: {stage: Production}}\n"})
    done = discover(desk.lab, "--commit")
    assert "nothing to add" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("no changes, 1 model, ")
    assert desk.lab.git.git("status", "--short") == ""


def test_a_version_in_a_stage_already_is_somebody_elses(desk: Desk) -> None:
    model = desk.model(GOOD, GOOD, GOOD)
    desk.lab.hand.stage(model, 2, "Archived")
    desk.declare({model: "versions: {1: {}}\n"})
    assert outcomes(found(desk.lab)) == {3: "added"}


def test_models_on_hold_and_retired_ones_are_not_looked_at_and_that_is_said(desk: Desk) -> None:
    held, retired, other = (desk.model(GOOD) for _ in range(3))
    texts = {held: "hold: audit\n", retired: "retired: true\n", other: f"model: {other}\n"}
    desk.declare(texts)
    done = discover(desk.lab)
    assert f"{held} is not looked at: on hold: audit" in done.stdout
    assert f"{retired} is not looked at: retired" in done.stdout
    assert desk.text(held) == texts[held]
    assert desk.text(retired) == texts[retired]
    assert "stage: Staging" in desk.text(other)


def test_all_models_are_one_commit(desk: Desk) -> None:
    one, two = desk.model(GOOD), desk.model(GOOD, GOOD)
    desk.declare({one: f"model: {one}\n", two: "versions: {1: {}}\n"})
    done = found(desk.lab, "--commit", "--reason", "Trained tonight.")
    assert done["commit"] == desk.lab.git.git("rev-parse", "HEAD")
    names = desk.lab.git.git("show", "--format=", "--name-only", "HEAD").splitlines()
    assert {*names} == {f"registry-state/{one}.yaml", f"registry-state/{two}.yaml"}
    said = desk.lab.git.git("log", "-1", "--format=%B").splitlines()
    assert said[:3] == ["Declare 2 new versions for Staging", "", "Trained tonight."]
    assert f"- {one} v1 → Staging" in said
    assert f"- {two} v2 → Staging" in said
    assert outcomes(found(desk.lab)) == {}


def test_only_the_named_models_are_looked_at(desk: Desk) -> None:
    one, two, three = (desk.model(GOOD) for _ in range(3))
    desk.declare({name: f"model: {name}\n" for name in (one, two, three)})
    done = found(desk.lab, one, "--model", f"{two}*")
    assert {row["model"] for row in done["versions"]} == {one, two}
    assert desk.text(three) == f"model: {three}\n"
    discover(desk.lab, "nobody", code=1)
    discover(desk.lab, "--model", "nobody*", code=1)


def test_a_warning_and_a_missing_approval_keep_nobody_out(desk: Desk) -> None:
    model = desk.model(BAD)
    warns = _TRACED + "    enforce: warn\n"
    settings = f"{warns}  - {{name: seen, on: {{stage: Staging}}, approvals: 1}}\n"
    desk.declare({model: f"model: {model}\n"}, settings)
    done = discover(desk.lab)
    assert "  + v1  None → Staging" in done.stdout
    assert "      warning traced: " in done.stdout
    assert "      pending seen: " in done.stdout


def test_dated_consent_in_the_models_file_counts(desk: Desk) -> None:
    model = desk.model(BAD)
    desk.declare({model: f"model: {model}\n"}, _TRACED)
    assert outcomes(found(desk.lab)) == {1: "refused"}
    soon = datetime.now(timezone.utc).date() + timedelta(days=2)
    consent = f"accept: [{{guard: traced, until: {soon}, reason: lost}}]\nmodel: {model}\n"
    desk.declare({model: consent})
    done = discover(desk.lab)
    assert "      accepted traced: " in done.stdout
    assert consent.splitlines()[0] in desk.text(model)


def test_a_version_that_is_not_ready_waits(desk: Desk) -> None:
    model = desk.model(GOOD, GOOD)
    desk.declare({model: "versions: {1: {}}\n"})

    def slow(request: Request) -> Answer | None:
        if "model-versions/search" not in request.path:
            return None
        answer = requests.get(f"{desk.lab.uri}{request.path}", timeout=30).content
        return Answer(body=answer.replace(b'"READY"', b'"PENDING_REGISTRATION"'))

    with proxy(desk.lab.uri, before=slow) as front:
        done = discover(desk.lab, "--registry-uri", front.uri)
    assert "    v2  waits: it is PENDING_REGISTRATION, not READY" in done.stdout
    assert "nothing to add" in done.stdout


def test_a_model_that_is_wrong_is_told_and_the_others_go_on(desk: Desk) -> None:
    good = desk.model(GOOD)
    moved = desk.model(GOOD, GOOD)
    desk.declare(
        {
            good: f"model: {good}\n",
            moved: "versions: {1: {source: s3://elsewhere}}\n",
            "nobody": "model: nobody-has-this\n",
        }
    )
    done = found(desk.lab, code=3)
    assert {row["model"] for row in done["versions"]} == {good}
    assert sorted(error["model"] for error in done["errors"]) == sorted([moved, "nobody-has-this"])
    assert "stage: Staging" in desk.text(good)


def test_runs_are_read_for_candidates_alone_and_only_where_a_policy_asks(desk: Desk) -> None:
    old = desk.model(GOOD, GOOD)
    new = desk.model(GOOD, GOOD, GOOD)
    files = {old: "versions: {1: {}, 2: {}}\n", new: "versions: {1: {}}\n"}
    desk.declare(files, _ONE)
    with proxy(desk.lab.uri) as front:
        desk.lab.environ["MLFLOW_TRACKING_URI"] = front.uri  # it is the one that has the runs
        discover(desk.lab, "--registry-uri", front.uri)
        assert not [request for request in front.requests if "runs/get" in request.path]
    desk.lab.git.git("checkout", "--", ".")
    desk.declare({new: files[new]}, _ONE + _TRACED)
    with proxy(desk.lab.uri) as front:
        desk.lab.environ["MLFLOW_TRACKING_URI"] = front.uri
        discover(desk.lab, "--registry-uri", front.uri)
        runs = [request for request in front.requests if "runs/get" in request.path]
        assert len(runs) == 1, "the newest one passes, and the one before it does not matter"
        assert not front.writes


def test_outside_a_repository_the_files_alone_count_and_that_is_said(desk: Desk) -> None:
    model = desk.model(GOOD, GOOD)
    outside = desk.lab.git.home / "outside"
    (outside / "registry-state").mkdir(parents=True)
    file = outside / "registry-state" / f"{model}.yaml"
    file.write_text("versions: {1: {}}\n")
    done = desk.lab.run("discover", cwd=outside)
    assert done.code == 0, done.text
    assert "what was declared before is not known, the files alone count" in done.stderr
    assert "stage: Staging" in file.read_text()


def test_half_a_history_is_not_asked(desk: Desk, tmp_path: Path) -> None:
    model = desk.model(GOOD)
    desk.declare({model: f"model: {model}\n"})
    desk.declare({model: f"model: {model}\ndescription: x\n"})
    shallow = desk.lab.at(desk.lab.git.clone(tmp_path / "shallow", depth=1))
    assert "git fetch --unshallow" in discover(shallow, code=5).stderr


def test_the_same_versions_are_proposed_once(desk: Desk, tmp_path: Path) -> None:
    one, two = desk.model(GOOD), desk.model(GOOD)
    desk.declare({one: f"model: {one}\n", two: f"model: {two}\n"})
    script = tmp_path / "bin" / "gh"
    script.parent.mkdir()
    script.write_text(_GH)
    script.chmod(0o755)
    path = f"{script.parent}:{os.environ['PATH']}"
    first = discover(desk.lab, "--pr", "--format", "json", path=path).document
    assert first["pull_request"] == "https://github.example/pull/7"
    assert first["branch"].startswith("discover/2-versions-")
    desk.lab.git.checkout("main")
    tomorrow = desk.lab.at(desk.lab.git.clone(tmp_path / "tomorrow"))
    tomorrow.git.git("remote", "set-url", "origin", desk.lab.git.git("remote", "get-url", "origin"))
    again = discover(tomorrow, "--pr", path=path)
    assert f"it is proposed already: the remote has the branch `{first['branch']}`" in again.stdout
    told = found(tomorrow, "--pr")
    assert (told["branch"], told["commit"], told["diff"]) == (first["branch"], None, "")
    assert tomorrow.git.git("status", "--short") == ""
    assert tomorrow.git.git("branch", "--show-current") == "main"


_stages = st.sampled_from(("None", "None", "Staging", "Production", "Archived"))


@given(
    live=st.dictionaries(
        st.integers(1, 12), st.tuples(_stages, st.sampled_from(("READY", "FAILED")))
    ),
    ever=st.sets(st.integers(1, 12)),
    exclusive=st.booleans(),
)
def test_candidates_are_newer_than_all_that_ever_was_declared(
    live: dict[int, tuple[str, str]], ever: set[int], *, exclusive: bool
) -> None:
    there = Live(
        "m",
        {Field("stage", version): stage for version, (stage, _) in live.items()},
        {v: LiveVersion(Identity(None, None, 0), said) for v, (_, said) in live.items()},
    )
    rules = Settings(exclusive=("Staging",) if exclusive else ())
    declaration = Declaration("m", {}, dict.fromkeys(ever, DeclaredVersion()))
    begun = search(declaration, there, ever, rules)
    waiting = {one.version for one in begun.found}
    assert {*begun.left} | waiting == {
        v for v, (stage, _) in live.items() if stage == "None" and v > max(ever, default=0)
    }
    assert not {*begun.left} & waiting
    assert list(begun.left) == sorted(begun.left, reverse=True)
    assert begun.next == (begun.left[:1] if exclusive else begun.left)
