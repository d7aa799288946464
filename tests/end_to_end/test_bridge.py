"""One word in git, two in the registry: a bridge from its first commit to its revert."""

from itertools import pairwise

from tests.support.registries.lab import Lab, Poller, rows

_SETTINGS = "registry-state/reconciler.yaml"
_BRIDGE = "bridge: {Production: champion}\n"
_V1 = "versions: {1: {stage: Production}, 2: {}, 3: {}}\n"
_V2_BY_STAGE = "versions: {2: {stage: Production}, 1: {stage: Archived}, 3: {}}\n"
_V3_BY_ALIAS = "versions: {3: {aliases: [champion]}, 2: {}, 1: {stage: Archived}}\n"
_NONE = "versions: {3: {}, 2: {}, 1: {stage: Archived}}\n"


def _applied(lab: Lab) -> None:
    done = lab.run("apply", "--yes")
    assert done.code == 0, done.text
    assert lab.run("plan", "--detailed-exitcode").code == 0


def _planned(lab: Lab, code: int = 0) -> list[str]:
    done = lab.run("plan", "--format", "json")
    assert done.code == code, done.text
    return rows(done.document)


def test_readers_by_stage_and_by_alias_are_served_from_the_bridge_to_its_revert(lab: Lab) -> None:
    model = lab.model(3)
    lab.declare(model, _V1)
    _applied(lab)

    bridge = lab.git.commit({_SETTINGS: _BRIDGE}, "add the bridge")
    assert _planned(lab) == ["alias champion None→1 bridge"]
    for form in ("text", "markdown"):
        (row,) = [
            line
            for line in lab.run("plan", "--format", form).stdout.splitlines()
            if "champion" in line and "bridge" in line
        ]
        assert "v1" in row
    _applied(lab)

    with Poller(lab.uri, model) as poller:
        poller.wait_for(1)
        promotion = lab.declare(model, _V2_BY_STAGE, "promote v2")
        assert _planned(lab) == [
            "v2 stage None→Production declared",
            "v1 stage Production→Archived replaced",
            "alias champion 1→2 bridge",
        ]
        _applied(lab)
        poller.wait_for(2)
        lab.git.revert(promotion)
        _applied(lab)
        poller.wait_for(2)
        lab.declare(model, _V3_BY_ALIAS, "promote v3 by the other word")
        assert _planned(lab) == [
            "v3 stage None→Production bridge",
            "v1 stage Production→Archived replaced",
            "alias champion 1→3 declared",
        ]
        _applied(lab)
        poller.wait_for(2)
    assert poller.missed == []
    assert {version for seen in poller.seen for version in seen} == {1, 2, 3}
    assert {*poller.named} == {1, 2, 3}
    # One declared version after the other, whichever word is read.
    by_alias = [now for then, now in pairwise((None, *poller.named)) if then != now]
    assert by_alias == [1, 2, 1, 3]

    _heals_what_a_person_does_to_either_word(lab, model)
    _is_told_by_history_status_and_show(lab, model)

    lab.declare(model, _NONE, "drop the alias")
    refused = lab.run("plan", "--format", "json")
    assert refused.code == 4
    assert rows(refused.document) == [
        "v3 stage Production→Archived bridge",
        "alias champion 3→None removed",
    ]
    (violation,) = refused.document["violations"]
    assert violation["message"] == (
        "no version would be serving (Production, @champion); now it is v3"
    )
    lab.declare(model, _V3_BY_ALIAS, "keep it")

    with Poller(lab.uri, model) as poller:
        poller.wait_for(1)
        lab.git.revert(bridge)
        assert _planned(lab) == []
        assert "v3 stage came from the bridge and stays as it is" in lab.run("plan").stdout
        _applied(lab)
        poller.wait_for(2)
        assert "came from the bridge" not in lab.run("plan").stdout, "it is said once"
    assert poller.missed == []
    assert ({*poller.seen}, {*poller.named}) == ({(3,)}, {3})


def _heals_what_a_person_does_to_either_word(lab: Lab, model: str) -> None:
    before = lab.hand.values(model)
    for stage, alias, drifted in (
        ("Archived", 3, ["v3 stage Archived→Production drift"]),
        ("Production", 2, ["alias champion 2→3 drift"]),
        ("Production", None, ["alias champion None→3 drift"]),
    ):
        lab.hand.stage(model, 3, stage)
        lab.hand.alias(model, "champion", alias)
        found = lab.run("drift", "--format", "json")
        assert (found.code, rows(found.document), found.document["pending"]) == (2, drifted, [])
        _applied(lab)
        assert lab.hand.values(model) == before


def _is_told_by_history_status_and_show(lab: Lab, model: str) -> None:
    told = lab.run("history", model, "--format", "json").document["changes"]
    assert [change["meaning"] for change in told[1:]] == [
        ["@champion → 1 (bridge)"],
        ["v2 → Production", "v1 Production → Archived", "@champion 1 → 2 (bridge)"],
        [
            "v1 Archived → Production",
            "v2 Production → no stage declared",
            "@champion 2 → 1 (bridge)",
        ],
        ["v3 → Production (bridge)", "v1 Production → Archived", "@champion 1 → 3"],
    ]
    assert [change["serving"] for change in told] == [1, 1, 2, 1, 3]
    (row,) = [
        one
        for one in lab.run("status", model, "--format", "json").document["versions"]
        if one["version"] == 3
    ]
    assert (row["stage"], row["aliases"], row["sync"]) == ("Production", ["champion"], "in sync")
    for name in (model, f"{model}@champion", f"{model}/Production"):
        shown = lab.run("show", name, "--format", "json").document
        assert shown["version"]["version"] == 3, name
