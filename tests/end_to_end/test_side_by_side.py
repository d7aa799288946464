"""What scripts do to a registry, and the same situation here: docs/side-by-side.md has the table.

Each test first shows the harm, with the lines that people write, on a model of its own.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import reconciler
from tests import ROOT
from tests.support.faults.fault_lab import Place, place
from tests.support.registries.artifacts_lab import ArtifactsLab, write_files
from tests.support.registries.lab import Lab, rows
from tests.support.registries.model_folders import ModelFolders
from tests.support.registries.servers import Answer, Proxy, Request, proxy
from tests.support.registries.serving_lab import model_files

# The scripts use what MLflow advises against since 2.9, as they all do.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

_PAGE: Final = ROOT / "docs" / "side-by-side.md"
_V1: Final = "versions: {1: {stage: Production}}\n"
_V2: Final = "versions: {2: {stage: Production}}\n"
_V3: Final = "versions: {3: {stage: Production}}\n"
_MOVE: Final = "model-versions/transition-stage"
_ARCHIVES: Final = "archive_existing_versions"


@pytest.fixture(scope="module", name="where")
def where_fixture(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Run a server of this file's own: its database tells every state that ever was."""
    with place(tmp_path_factory.mktemp("side-by-side"), sqlite_template) as where:
        where.database.watch()
        yield where


@pytest.fixture(scope="module", name="mlflow_uri")
def mlflow_uri_fixture(where: Place) -> str:
    return where.uri


@pytest.fixture(scope="module", name="client")
def client_fixture(where: Place) -> Any:
    return _client_at(where.uri)


def _client_at(uri: str) -> Any:
    from mlflow import MlflowClient  # noqa: PLC0415  1.1 s, for who needs it

    return MlflowClient(uri, uri)


def _through(lab: Lab, server: Proxy) -> Lab:
    seen = lab.at(lab.git)
    seen.uri = server.uri
    return seen


def _production(where: Place, model: str) -> list[tuple[int, ...]]:
    """Return who was in Production after each write, from the first one on."""
    return [serving for serving, _ in where.database.seen(model)]


def _serving(lab: Lab, versions: int, *serving: int) -> str:
    model = lab.model(versions)
    for version in serving:
        lab.hand.stage(model, version, "Production")
    return model


# --- the script that is found in most repositories


def promote_model(client: Any, name: str, version: str, stage: str) -> None:
    for holder in client.get_latest_versions(name, stages=[stage]):
        client.transition_model_version_stage(name, holder.version, "Archived")
    client.transition_model_version_stage(name, version, stage)


def test_a_typo_in_the_version_leaves_production_as_it_is(
    lab: Lab, where: Place, client: Any
) -> None:
    scripted = _serving(lab, 3, 1)
    with pytest.raises(Exception, match=r"version=99.* not found"):
        promote_model(client, scripted, "99", "Production")
    assert _production(where, scripted) == [(1,), ()], "an outage"

    model = _serving(lab, 3, 1)
    lab.declare(model, "versions: {99: {stage: Production}}")
    for command in (["plan"], ["apply", "--yes"]):
        refused = lab.run(*command)
        assert refused.code == 3
        assert f"`{model}` has no version 99\n  the registry has v1, v2, v3\n" in refused.stderr
    assert _production(where, model) == [(1,)]
    assert lab.hand.holds(model) == {
        "v1 stage": "Production",
        "v2 stage": "None",
        "v3 stage": "None",
    }


def test_of_two_versions_in_production_none_stays_beside_the_new_one(
    lab: Lab, where: Place, client: Any
) -> None:
    scripted = _serving(lab, 3, 1, 2)
    promote_model(client, scripted, "3", "Production")
    assert _production(where, scripted)[-1] == (1, 3), "one of them stays"

    model = _serving(lab, 3, 1, 2)
    lab.declare(model, _V3)
    planned = lab.run("plan", "--format", "json").document
    assert rows(planned) == [
        "v3 stage None→Production declared",
        "v1 stage Production→Archived replaced",
        "v2 stage Production→Archived replaced",
    ]
    assert lab.run("apply", "--yes").code == 0
    assert _production(where, model)[-1] == (3,)


def test_promoting_twice_is_no_moment_without_production(
    lab: Lab, where: Place, client: Any
) -> None:
    scripted = _serving(lab, 2, 1)
    for _ in range(2):
        promote_model(client, scripted, "2", "Production")
    assert _production(where, scripted) == [(1,), (), (2,), (), (2,)], "nobody, on every run"

    model = _serving(lab, 2, 1)
    lab.declare(model, _V2)
    for _ in range(2):
        assert lab.run("apply", "--yes").code == 0
    assert _production(where, model) == [(1,), (1, 2), (2,)], "the second run writes nothing"


def test_no_flag_archives_others_and_a_refusal_is_sent_once_with_its_words(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # of 7, which take 248 s
    scripted = _serving(lab, 2, 1)
    asked = {"name": scripted, "version": "1", "stage": "Archived", _ARCHIVES: True}
    status, said = lab.hand.try_call("POST", _MOVE, **asked)
    assert (status, said["error_code"]) == (500, "INTERNAL_ERROR")
    assert "'Archived' is not an Active stage" in said["message"]
    with proxy(lab.uri) as server, pytest.raises(Exception, match="500") as told:
        _client_at(server.uri).transition_model_version_stage(
            scripted, "1", "Archived", archive_existing_versions=True
        )
    assert len(server.writes) == 2, "sent again, though it can only be refused again"
    assert "is not an Active stage" not in str(told.value), "nobody learns why"

    model = _serving(lab, 3, 1)
    lab.declare(model, "versions: {1: {stage: Archived}, 2: {stage: Production}, 3: {stage: None}}")
    with proxy(lab.uri) as server:
        assert _through(lab, server).run("apply", "--yes").code == 0
    moves = [json.loads(one.body) for one in server.requests if one.path.endswith(_MOVE)]
    assert [(move["version"], move["stage"]) for move in moves] == [
        ("2", "Production"),
        ("1", "Archived"),
    ]
    assert not any(move.get(_ARCHIVES) for move in moves)

    def refuse(request: Request) -> Answer | None:
        return Answer(500, json.dumps(said).encode()) if request.path.endswith(_MOVE) else None

    lab.declare(model, "versions: {1: {stage: Production}, 2: {stage: Archived}}")
    with proxy(lab.uri, before=refuse) as server:
        refused = _through(lab, server).run("apply", "--yes")
    assert refused.code == 6
    assert len([path for _, path, _ in server.writes if path.endswith(_MOVE)]) == 1
    assert "'Archived' is not an Active stage" in refused.text


# --- what is listed, and how


def test_aliases_are_known_and_move_from_whom_they_are_on(lab: Lab, client: Any) -> None:
    model = lab.model(2)
    lab.hand.alias(model, "champion", 1)
    listed = client.search_model_versions(f"name='{model}'")
    assert len(listed) == 2
    assert {alias: v.version for v in listed for alias in v.aliases} == {}, "it looks free"

    lab.declare(model, "versions: {2: {aliases: [champion]}}")
    assert rows(lab.run("plan", "--format", "json").document) == ["alias champion 1→2 declared"]
    shown = lab.run("status", model).stdout
    assert re.search(r"\bv1 +None +@champion\b", shown)


def test_every_model_is_read_and_not_the_first_hundred(lab: Lab, where: Place, client: Any) -> None:
    first = _serving(lab, 1, 1)
    copies = [f"{first}-{number:03}" for number in range(120)]
    where.database.copy(first, copies)
    assert len(client.search_registered_models()) == 100, "silently"

    written = lab.run("import", "--format", "json").document["written"]
    assert {f"registry-state/{copy}.yaml" for copy in copies} <= set(written)


def test_a_registry_in_step_costs_a_handful_of_requests(lab: Lab, where: Place) -> None:
    first = _serving(lab, 1, 1)
    lab.hand.alias(first, "champion", 1)
    names = [first, *(f"{first}-{number:03}" for number in range(199))]
    served = "versions: {1: {stage: Production, aliases: [champion]}}"
    lab.git.commit({f"registry-state/{name}.yaml": served for name in names})
    assert lab.run("apply", "--yes", "--model", first).code == 0
    where.database.copy(first, names[1:])  # as an apply would have left them, its record as well

    with proxy(lab.uri) as server:
        client = _client_at(server.uri)
        for name in names:
            client.get_registered_model(name)
            assert client.get_model_version(name, "1").current_stage == "Production"
            assert client.get_model_version_by_alias(name, "champion").version == "1"
    assert len(server.log) == 600

    with proxy(lab.uri) as server:
        done = _through(lab, server).run("apply", "--yes")
    assert done.code == 0
    assert "200 models" in done.stdout.splitlines()[-1]
    assert len(server.log) <= 5
    assert server.writes == []


# --- which version, and which commit


def test_a_rollback_goes_to_who_served_before_and_not_to_the_highest_number(
    lab: Lab, client: Any
) -> None:
    lab.git.git("config", "user.name", "Ada")
    lab.git.git("config", "user.email", "ada@example.com")
    model = lab.model(3)
    lab.declare(model, "versions: {1: {stage: Production}, 2: {stage: Archived}}")
    assert lab.run("apply", "--yes").code == 0
    lab.hand.tag(model, 2, "tests", "failed")
    lab.declare(
        model, "versions: {1: {stage: Archived}, 2: {stage: Archived}, 3: {stage: Production}}"
    )
    assert lab.run("apply", "--yes").code == 0

    archived = [
        int(version.version)
        for version in client.search_model_versions(f"name='{model}'")
        if version.current_stage == "Archived" and int(version.version) < 3
    ]
    chosen = client.get_model_version(model, str(max(archived)))
    assert chosen.tags == {"tests": "failed"}, "it never was in Production"

    assert lab.run("rollback", model, "--commit").code == 0
    assert lab.run("apply", "--yes").code == 0
    stages = {k: v for k, v in lab.hand.values(model).items() if k.endswith("stage")}
    assert stages == {"v1 stage": "Production", "v2 stage": "Archived", "v3 stage": "Archived"}


def test_an_empty_tag_passes_no_gate(lab: Lab, where: Place, client: Any) -> None:
    scripted = _serving(lab, 2, 1)
    lab.hand.tag(scripted, 2, "validated", "")
    if "validated" in client.get_model_version(scripted, "2").tags:
        promote_model(client, scripted, "2", "Production")
    assert _production(where, scripted)[-1] == (2,), "nobody validated it"

    model = _serving(lab, 2, 1)
    lab.hand.tag(model, 2, "validated", "")
    gate = "policies: [{name: validated, lineage: [tags.validated]}]\n"
    lab.git.commit({"registry-state/reconciler.yaml": gate})
    lab.declare(model, _V2)
    refused = lab.run("apply", "--yes")
    assert refused.code == 4
    assert "`tags.validated` is empty" in refused.text
    assert _production(where, model) == [(1,)]
    lab.hand.tag(model, 2, "validated", "true")
    assert lab.run("apply", "--yes").code == 0, "the gate can be passed"


def test_one_wrong_file_keeps_every_file_from_being_applied(lab: Lab, client: Any) -> None:
    def files(*models: str) -> dict[str, str]:
        wrong = "versions: {1: {stage: Live}}\n"
        texts = (_V1, wrong, _V1, wrong)
        return {f"registry-state/{m}.yaml": text for m, text in zip(models, texts, strict=True)}

    scripted = [lab.model(1) for _ in range(4)]
    lab.git.commit(files(*scripted))

    def promote_all() -> None:
        for path in sorted((lab.git.root / "registry-state").glob("*.yaml")):
            for version, entry in yaml.safe_load(path.read_text())["versions"].items():
                client.transition_model_version_stage(path.stem, str(version), entry["stage"])

    with pytest.raises(Exception, match="Live"):
        promote_all()
    stages = [lab.hand.holds(name)["v1 stage"] for name in scripted]
    assert stages == ["Production", "None", "None", "None"], "the first, and what comes later not"

    lab.git.commit(dict.fromkeys(files(*scripted)))
    models = [lab.model(1) for _ in range(4)]
    lab.git.commit(files(*models))
    with proxy(lab.uri) as server:
        refused = _through(lab, server).run("apply", "--yes", "--format", "json")
    assert refused.code == 3
    assert [error["file"] for error in refused.document["errors"]] == [
        f"registry-state/{name}.yaml" for name in (models[1], models[3])
    ], "both at once"
    assert server.log == [], "not even a question"


def test_of_two_merges_the_newer_one_wins_whichever_job_ends_last(
    lab: Lab, client: Any, tmp_path: Path
) -> None:
    scripted, model = _serving(lab, 3, 1), _serving(lab, 3, 1)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, _V2)
    older = lab.at(lab.git.clone(tmp_path / "older"))
    lab.declare(model, _V3)
    newer = lab.at(lab.git.clone(tmp_path / "newer"))

    for job in (newer, older):
        declared = yaml.safe_load((job.git.root / f"registry-state/{model}.yaml").read_text())
        [version] = declared["versions"]
        promote_model(client, scripted, str(version), "Production")
    assert lab.hand.values(scripted)["v2 stage"] == "Production", "the older commit wins"

    assert newer.run("apply", "--yes").code == 0
    held = lab.hand.holds(model)
    unaware = older.run("apply", "--yes")
    assert unaware.code == 5
    assert "is not in this clone" in unaware.stderr
    older.git.git("fetch", "--quiet", "origin")
    late = older.run("apply", "--yes", "--format", "json")
    assert late.code == 0, "a job that is only late is not a failure"
    assert [one["outcome"] for one in late.document["models"]] == ["superseded"]
    assert lab.hand.holds(model) == held
    assert held["v3 stage"] == "Production"
    assert held["v2 stage"] == "None"


def test_a_replaced_file_of_what_serves_is_found_and_takes_no_alias(
    lab: Lab, where: Place, client: Any, tmp_path: Path
) -> None:
    files = ArtifactsLab(where.uri, "", {})
    logged, _ = files.log_model(write_files(tmp_path, {"MLmodel": b"", "weights": b"approved"}))
    model = lab.model(0)
    files.register(model, f"models:/{logged}", model_id=logged)

    promote_model(client, model, "1", "Production")
    approved = lab.run("digest", model).stdout.split()[0]
    before = dict(client.get_model_version(model, "1"))
    (tmp_path / "weights").write_bytes(b"replaced")
    client.log_model_artifact(logged, str(tmp_path / "weights"))
    assert dict(client.get_model_version(model, "1")) == before, "nothing to see"
    assert (files.download(f"models:/{model}/1", tmp_path / "got") / "weights").read_bytes() == (
        b"replaced"
    ), "what everybody loads"

    serving = f"versions: {{1: {{stage: Production, digest: '{approved}'"
    lab.declare(model, f"{serving}}}}}\n")
    found = lab.run("drift", "--bytes", "--format", "json")
    assert (found.code, [row["outcome"] for row in found.document["bytes"]]) == (2, ["different"])
    lab.declare(model, f"{serving}, aliases: [champion]}}}}\n")
    refused = lab.run("apply", "--yes")
    assert refused.code == 3
    assert "does not have the approved bytes" in refused.text
    assert "@champion" not in lab.hand.holds(model)


# --- what comes after an apply


def test_the_version_that_is_named_is_the_one_that_answers(
    lab: Lab, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from following import Follower  # noqa: PLC0415  imports MLflow
    from mlflow import pyfunc, set_tracking_uri  # noqa: PLC0415  the same

    model, folders = lab.model(0), ModelFolders(lab.hand)
    for number in (1, 2):
        folders.register(model, model_files(number))
    asked = []

    def promote_meanwhile(request: Request) -> None:
        if "get-latest-versions" in request.path:
            asked.append(request.path)
            if len(asked) == 1:
                promote_model(client, model, "2", "Production")

    def reload_if_needed(client: Any, loaded: str | None) -> tuple[str, Any]:
        [latest] = client.get_latest_versions(model, ["Production"])
        assert latest.version != loaded
        return latest.version, pyfunc.load_model(f"models:/{model}/Production")

    with proxy(lab.uri) as server:
        server.after = promote_meanwhile
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        set_tracking_uri(server.uri)
        promote_model(client, model, "1", "Production")
        named, loaded = reload_if_needed(_client_at(server.uri), None)
        assert (named, _predicted(loaded)) == ("1", 2.0), "one version is named, another answers"

        promote_model(client, model, "1", "Production")
        asked.clear()
        follower = Follower(model, follow="stage:Production")
        for number in (1, 2):
            follower.look()
            assert follower.serving is not None, follower.behind
            champion = follower.serving.champion
            assert (champion.number, _predicted(champion.model)) == (str(number), float(number))


def _predicted(model: Any) -> float:
    [answer] = model.predict({"x": [0.5]})
    return float(answer)


@pytest.mark.needs_cel
def test_one_bad_minute_rolls_nothing_back_and_nothing_goes_back_to_what_failed(
    lab: Lab, client: Any
) -> None:
    def roll_back_if_degraded(client: Any, name: str, error_rate: float) -> None:
        if error_rate > 0.1:
            found = client.search_model_versions(f"name = '{name}'")
            old = max(int(v.version) for v in found if v.current_stage == "Archived")
            promote_model(client, name, str(old), "Production")

    scripted = _serving(lab, 2, 1)
    promote_model(client, scripted, "2", "Production")
    for serving, error_rate in ((1, 0.5), (1, 0.0), (2, 0.5)):
        roll_back_if_degraded(client, scripted, error_rate)
        assert lab.hand.holds(scripted)[f"v{serving} stage"] == "Production"

    model, rates = lab.model(2), lab.git.root / "rates.json"
    rule = "{name: errors, source: {json: rates.json, value: errors}, fail: value > 0.1}"
    for content in (_V1, "versions: {1: {stage: Archived}, 2: {stage: Production}}\n"):
        lab.declare(model, f"{content}watch: [{rule}]\n")
        assert lab.run("apply", "--yes", "--record").code == 0
    held, now = lab.hand.holds(model), datetime.now(timezone.utc)
    environ = {"PATH": os.environ["PATH"], **lab.git.env, "MLFLOW_REGISTRY_URI": lab.uri}
    watching = reconciler.open(root=lab.git.root, environ=environ, warn=lambda _: None)
    said = []
    for look, error_rate in enumerate((0.0, 0.5, 0.0, 0.5, 0.5)):
        rates.write_text(json.dumps({"errors": error_rate}))
        now += timedelta(minutes=20)
        [watched] = watching.watch(models=[model], now=now).models
        said.append((watched.verdict, watched.proposal.action))
        assert lab.hand.holds(model) == held, f"look {look} wrote to the registry"
    assert said == [
        ("healthy", "none"),
        ("inconclusive", "none"),
        ("healthy", "none"),
        ("inconclusive", "none"),
        ("failed", "would-open"),
    ]
    assert watched.proposal.target == 1

    for key in ("name", "email"):
        lab.git.git("config", f"user.{key}", "ada@example.com")
    assert lab.run("rollback", model, "--block", "--reason", "errors", "--commit").code == 0
    assert lab.run("apply", "--yes", "--record").code == 0
    for _ in range(3):
        now += timedelta(minutes=20)
        [watched] = watching.watch(models=[model], now=now).models
    assert (watched.verdict, watched.proposal.action) == ("failed", "held-back")


# --- the page


def test_the_page_names_each_of_these_tests_once_and_no_other() -> None:
    named = re.findall(r"`(test_\w+)`", _PAGE.read_text(encoding="utf-8"))
    here = re.findall(r"^def (test_\w+)", Path(__file__).read_text(encoding="utf-8"), re.MULTILINE)
    itself = "test_the_page_names_each_of_these_tests_once_and_no_other"
    assert sorted(named) == sorted(set(here) - {itself})
