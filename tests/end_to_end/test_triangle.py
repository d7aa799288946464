"""The whole way on a real server: differs, applied, clean, broken by hand, differs, healed."""

import itertools
import json
import re
import threading
from contextlib import suppress

import pytest

from tests.support.registries.lab import Lab, Poller, rows
from tests.support.registries.servers import Proxy, Request, proxy

_FULL = """\
description: Scores card transactions
tags: {owner: payments-ml, tier: gold}
versions:
  2:
    stage: Production
    aliases: [champion, fast]
    tags: {risk: high, validated: true, data_version: 2.10}
    description: Adds merchant-risk features
"""
_LESS = """\
description: Scores card transactions
tags: {owner: payments-ml}
versions:
  2:
    stage: Production
    aliases: [champion]
    tags: {validated: true, data_version: 2.10}
    description: Adds merchant-risk features
"""
_APPLIED = {
    "description": "Scores card transactions",
    "tag owner": "payments-ml",
    "tag tier": "gold",
    "tag team": "set by somebody",
    "@champion": 2,
    "@fast": 2,
    "v1 stage": "Archived",
    "v2 stage": "Production",
    "v2 tag risk": "high",
    "v2 tag validated": "true",
    "v2 tag data_version": "2.10",
    "v2 description": "Adds merchant-risk features",
}


def _in_use(lab: Lab) -> str:
    """Register a model that people used before git did: v1 serves, and has a tag of theirs."""
    model = lab.model(3)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    lab.hand.tag(model, None, "team", "set by somebody")
    return model


def test_what_differs_is_applied_and_then_is_clean(lab: Lab) -> None:
    model = _in_use(lab)
    commit = lab.declare(model, _FULL)

    planned = lab.run("plan", "--format", "json")
    assert rows(planned.document) == [
        "v2 stage None→Production declared",
        "v1 stage Production→Archived replaced",
        "alias champion 1→2 declared",
        "alias fast None→2 declared",
        "description None→Scores card transactions declared",
        "v2 description None→Adds merchant-risk features declared",
        "tag owner None→payments-ml declared",
        "tag tier None→gold declared",
        "v2 tag data_version None→2.10 declared",
        "v2 tag risk None→high declared",
        "v2 tag validated None→true declared",
    ]
    assert lab.run("plan", "--detailed-exitcode").code == 2
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == _APPLIED
    assert lab.hand.recorded(model) == commit
    assert lab.run("plan", "--detailed-exitcode").code == 0
    assert lab.run("drift").code == 0


def test_what_somebody_broke_by_hand_is_drift_until_it_is_healed(lab: Lab) -> None:
    model = _in_use(lab)
    commit = lab.declare(model, _FULL)
    assert lab.run("apply", "--yes").code == 0

    lab.hand.stage(model, 2, "Staging")
    lab.hand.stage(model, 3, "Production")
    lab.hand.alias(model, "champion", 1)
    lab.hand.alias(model, "fast", None)
    lab.hand.tag(model, None, "owner", "me")
    lab.hand.tag(model, 2, "risk", "low")
    lab.hand.describe(model, None, "mine")
    lab.hand.describe(model, 2, "")

    found = lab.run("drift", "--format", "json")
    assert found.code == 2
    assert rows(found.document) == [
        "v2 stage Staging→Production drift",
        "v3 stage Production→Archived drift",
        "alias champion 1→2 drift",
        "alias fast None→2 drift",
        "description mine→Scores card transactions drift",
        "v2 description None→Adds merchant-risk features drift",
        "tag owner me→payments-ml drift",
        "v2 tag risk low→high drift",
    ]
    assert found.document["pending"] == []
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == _APPLIED | {"v3 stage": "Archived"}
    assert lab.hand.recorded(model) == commit
    assert lab.run("drift").code == 0


def test_what_git_declares_no_more_is_removed_and_what_it_never_declared_stays(lab: Lab) -> None:
    model = _in_use(lab)
    lab.declare(model, _FULL)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, _LESS)

    pending = lab.run("drift", "--format", "json")
    assert pending.code == 2
    assert pending.document["changes"] == []
    assert rows(pending.document, "pending") == [
        "alias fast 2→None removed",
        "tag tier gold→None removed",
        "v2 tag risk high→None removed",
    ]
    assert lab.run("apply", "--yes").code == 0
    removed = {"@fast", "tag tier", "v2 tag risk"}
    assert lab.hand.values(model) == {k: v for k, v in _APPLIED.items() if k not in removed}
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_the_version_that_is_displaced_goes_where_it_is_declared(lab: Lab) -> None:
    model = _in_use(lab)
    lab.declare(model, "versions: {1: {stage: Staging}, 2: {stage: Production}}")
    done = lab.run("apply", "--yes", "--format", "json")
    assert done.code == 0
    assert rows(done.document) == [
        "v2 stage None→Production declared",
        "v1 stage Production→Staging replaced",
    ]
    assert [row["outcome"] for row in done.document["changes"]] == ["applied", "applied"]
    assert lab.hand.values(model)["v1 stage"] == "Staging"


def _through(lab: Lab, server: Proxy) -> Lab:
    seen = lab.at(lab.git)
    seen.uri = server.uri
    return seen


_LISTINGS = ["registered-models/search", "model-versions/search"]
# A plan shows what is known of the versions that change hands: two here, without a run, whose
# model files this server cannot reach, and is asked for twice.
_EVIDENCE = ["/model-versions/get-artifact"] * 4


def _calls(server: Proxy) -> list[str]:
    """Return what was asked, less the way there; and forget it."""
    calls = [
        " ".join(
            part
            for part in (
                "" if method == "GET" else method,
                re.sub(r"^/api/2\.0/mlflow/|\?.*$", "", path),
            )
            if part
        )
        for method, path, _ in server.log
    ]
    server.log.clear()
    return calls


@pytest.mark.parametrize(
    ("arguments", "code", "asked"),
    [
        (["validate"], 0, []),
        (["schema"], 0, []),
        (["plan"], 0, _LISTINGS + _EVIDENCE),
        (["plan", "--format", "markdown"], 0, _LISTINGS + _EVIDENCE),
        (["plan", "--model", "*"], 0, _LISTINGS + _EVIDENCE),
        (["drift"], 2, _LISTINGS),
        (["drift", "--unmanaged"], 2, _LISTINGS),
        (["status"], 0, _LISTINGS),
    ],
)
def test_a_command_that_looks_never_writes_and_asks_only_this_much(
    lab: Lab, arguments: list[str], code: int, asked: list[str]
) -> None:
    model = _in_use(lab)
    lab.declare(model, _FULL)
    with proxy(lab.uri) as server:
        result = _through(lab, server).run(*arguments)
        assert result.code == code
        assert sorted(_calls(server)) == sorted(asked)
    if asked:
        last = result.stdout.splitlines()[-1]
        assert f"{len(asked)} requests" in last or not asked or "markdown" in arguments


def test_apply_sends_one_write_per_change_in_the_order_that_keeps_production_served(
    lab: Lab,
) -> None:
    model = _in_use(lab)
    lab.declare(model, _FULL)
    with proxy(lab.uri) as server:
        seen = _through(lab, server)
        assert seen.run("apply", "--yes").code == 0
        calls = _calls(server)
        assert [call for call in calls if call[:4] in ("POST", "PATC", "DELE")] == [
            "POST registered-models/set-tag",  # who speaks: the commit under way, the owner
            "POST registered-models/set-tag",
            "PATCH registered-models/update",
            "PATCH model-versions/update",
            "POST registered-models/set-tag",
            "POST registered-models/set-tag",
            "POST model-versions/set-tag",
            "POST model-versions/set-tag",
            "POST model-versions/set-tag",
            "POST model-versions/transition-stage",
            "POST model-versions/transition-stage",
            "POST registered-models/alias",
            "POST registered-models/alias",
            "POST registered-models/set-tag",  # this commit alone
        ]
        assert len(calls) == 14 + 2 + 2 + 2 + 1, (
            "the plan; the looks before the writes, before v1 leaves, and after the writes"
        )

        assert seen.run("apply", "--yes").code == 0
        assert sorted(_calls(server)) == sorted(_LISTINGS), "a second apply writes nothing"


def test_the_same_change_of_a_later_commit_costs_one_write_and_two_for_the_record(
    lab: Lab,
) -> None:
    model = lab.model(2)
    lab.declare(model, "versions: {1: {aliases: [champion]}}")
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, "versions: {2: {aliases: [champion]}}")
    with proxy(lab.uri) as server:
        assert _through(lab, server).run("apply", "--yes").code == 0
        assert [path.rpartition("/")[2] for _, path, _ in server.writes] == [
            "set-tag",
            "alias",
            "set-tag",
        ]


@pytest.mark.parametrize(("arguments", "crew"), [((), 8), (("--parallelism", "2"), 2)])
def test_as_many_models_are_written_at_once_as_may_be(
    lab: Lab, arguments: tuple[str, ...], crew: int
) -> None:
    names = [lab.model(1) for _ in range(8)]
    lab.git.commit({f"registry-state/{name}.yaml": _V1 for name in names})
    everybody, begun = threading.Barrier(crew), set[str]()
    writing: list[int] = []
    met: list[str] = []

    def before(request: Request) -> None:
        if request.method == "GET":
            return
        name = json.loads(request.body)["name"]
        writing.append(1)
        with suppress(threading.BrokenBarrierError):
            if name not in begun:
                begun.add(name)
                everybody.wait(20)
                met.append(name)

    def after(request: Request) -> None:
        if request.method != "GET":
            writing.append(-1)

    with proxy(lab.uri, before=before, after=after) as server:
        assert _through(lab, server).run("apply", "--yes", *arguments).code == 0
    assert sorted(met) == sorted(names), "nobody waited in vain for the others"
    assert max(itertools.accumulate(writing)) == crew


_V1 = "versions: {1: {stage: Production, aliases: [champion]}}"
_V2 = "versions: {2: {stage: Production, aliases: [champion]}}"


def test_no_reader_ever_finds_production_empty_or_champion_gone_while_versions_swap(
    lab: Lab,
) -> None:
    model = lab.model(2)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    with Poller(lab.uri, model) as poller:
        poller.wait_for(1)
        for swap in range(12):
            lab.declare(model, _V1 if swap % 2 else _V2)
            assert lab.run("apply", "--yes").code == 0
            poller.wait_for(2)
    assert poller.missed == []
    assert len(poller.seen) > 50
    assert {(1,), (2,)} <= set(poller.seen), "the reader saw both versions serve"
    assert lab.hand.values(model) == {
        "@champion": 1,
        "v1 stage": "Production",
        "v2 stage": "Archived",
    }


def test_the_reader_does_notice_a_script_that_archives_first(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    with Poller(lab.uri, model) as poller:
        poller.wait_for(1)
        assert poller.missed == []
        lab.hand.stage(model, 1, "Archived")
        poller.wait_for(2)
        lab.hand.stage(model, 2, "Production")
        assert any("nothing in Production" in miss for miss in poller.missed)
        lab.hand.alias(model, "champion", None)
        poller.wait_for(2)
        lab.hand.alias(model, "champion", 2)
    assert any("no champion" in miss for miss in poller.missed)


def test_a_missing_model_keeps_no_other_from_being_applied(lab: Lab) -> None:
    there, missing = lab.model(1), "lab-nobody-registered-this"
    lab.declare(there, "versions: {1: {stage: Production}}")
    lab.declare(missing, "versions: {1: {stage: Production}}")

    planned = lab.run("plan", "--format", "json")
    assert planned.code == 3
    outcomes = {model["model"]: model["outcome"] for model in planned.document["models"]}
    assert outcomes == {there: "changes", missing: "error"}

    refused = lab.run("apply", "--yes", "--all-or-nothing", "--format", "json")
    assert refused.code == 3
    assert refused.document["exit"] == {"code": 3, "reason": "declared state"}
    assert lab.hand.holds(there) == {"v1 stage": "None"}

    done = lab.run("apply", "--yes", "--format", "json")
    assert done.code == 7
    [complaint] = done.document["errors"]
    assert complaint["file"] == f"registry-state/{missing}.yaml"
    assert complaint["line"] == 1
    assert f"model `{missing}` is not in the registry" in complaint["message"]
    assert lab.hand.values(there) == {"v1 stage": "Production"}

    again = lab.run("apply", "--yes")
    assert again.code == 3, "nothing landed this time, and one model still is missing"
