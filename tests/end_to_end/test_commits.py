"""Whether a commit may speak: late, behind, diverged, shallow, moved, released, taken over."""

from pathlib import Path

import pytest

from tests.support.registries.lab import Lab, rows
from tests.support.registries.servers import proxy

_V1 = "versions: {1: {stage: Production, aliases: [blue]}}"
_V2 = "versions: {2: {stage: Production, aliases: [blue]}}"
_SETTINGS = "registry-state/reconciler.yaml"


def _applied(lab: Lab, model: str, content: str) -> str:
    """Commit a declaration, apply it, and return the commit."""
    commit = lab.declare(model, content)
    assert lab.run("apply", "--yes").code == 0
    return commit


def _outcome(lab: Lab, model: str) -> str:
    models = lab.run("plan", "--format", "json").document["models"]
    [outcome] = [m["outcome"] for m in models if m["model"] == model]
    assert isinstance(outcome, str)
    return outcome


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({}, 0),
        ({"GITHUB_RUN_ATTEMPT": "1", "GITHUB_EVENT_NAME": "push"}, 0),
        ({"GITHUB_RUN_ATTEMPT": "2"}, 5),
        ({"GITHUB_EVENT_NAME": "workflow_dispatch"}, 5),
    ],
)
def test_an_older_commit_never_wins_over_the_newer_one_that_is_applied(
    lab: Lab, env: dict[str, str], code: int
) -> None:
    model = lab.model(2)
    older = _applied(lab, model, _V1)
    newer = _applied(lab, model, _V2)
    before = lab.hand.holds(model)

    lab.git.checkout(older)
    late = lab.run("apply", "--yes", "--format", "json", env=env)
    assert late.code == code
    [planned] = late.document["models"]
    assert planned["outcome"] == "superseded"
    said = " ".join([*planned["messages"], *(e["message"] for e in late.document["errors"])])
    assert f"superseded: commit {newer[:12]}" in said
    assert lab.hand.holds(model) == before
    if code:
        assert "rollback" in late.stderr
        assert "git revert" in late.stderr


def test_a_branch_that_did_not_touch_a_model_is_behind_in_a_plan_and_refused_in_an_apply(
    lab: Lab,
) -> None:
    model, other = lab.model(2), lab.model(1)
    _applied(lab, model, _V1)
    lab.git.branch("topic")
    lab.declare(other, "versions: {1: {aliases: [blue]}}")
    lab.git.checkout("main")
    _applied(lab, model, _V2)
    before = lab.hand.holds(model)

    lab.git.checkout("topic")
    planned = lab.run("plan", "--format", "json")
    assert planned.code == 0
    assert {m["model"]: m["outcome"] for m in planned.document["models"]} == {
        model: "behind",
        other: "changes",
    }
    assert lab.run("apply", "--yes", "--model", model).code == 5
    assert lab.hand.holds(model) == before


def test_a_branch_that_changed_what_main_changed_has_to_merge_first(lab: Lab) -> None:
    model = lab.model(3)
    _applied(lab, model, _V1)
    lab.git.branch("topic")
    lab.declare(model, "versions: {3: {stage: Production}}")
    lab.git.checkout("main")
    applied = _applied(lab, model, _V2)
    before = lab.hand.holds(model)

    lab.git.checkout("topic")
    assert _outcome(lab, model) == "diverged"
    for command in (["plan"], ["apply", "--yes"]):
        result = lab.run(*command)
        assert result.code == 5
        assert f"git merge {applied[:12]}" in result.stderr
    assert lab.hand.holds(model) == before

    lab.git.git("merge", "--quiet", "--strategy=ours", "--no-edit", "main")
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model)["v3 stage"] == "Production"


def test_what_was_applied_from_a_branch_that_was_never_merged_is_told(lab: Lab) -> None:
    model = lab.model(2)
    lab.git.commit({_SETTINGS: "branch: main\n"})
    _applied(lab, model, _V1)
    lab.git.branch("hotfix")
    lab.declare(model, _V2)

    refused = lab.run("apply", "--yes")
    assert refused.code == 4
    assert "off-main" in refused.stdout
    assert lab.hand.values(model)["@blue"] == 1
    accepted = lab.run("apply", "--yes", "--accept", "off-main", "--format", "json")
    assert accepted.code == 0
    assert accepted.document["violations"][0]["accepted"] is True
    assert lab.hand.values(model)["@blue"] == 2

    lab.git.checkout("main")
    result = lab.run("apply", "--yes")
    assert result.code == 5
    assert (
        "which contains this one, is applied, but is not on this clone's main line" in result.stderr
    )
    assert "git fetch origin" in result.stderr
    lab.git.commit({"README.md": "more"}, "the main line goes on")
    result = lab.run("apply", "--yes")
    assert result.code == 5
    assert "never merged" in result.stderr
    lab.git.merge("hotfix")
    assert lab.run("apply", "--yes").code == 0


def test_a_shallow_clone_says_how_to_fetch(lab: Lab, tmp_path: Path) -> None:
    model = lab.model(2)
    _applied(lab, model, _V1)
    lab.declare(model, _V2)
    before = lab.hand.holds(model)

    shallow = lab.at(lab.git.clone(tmp_path / "ci", depth=1))
    result = shallow.run("apply", "--yes")
    assert result.code == 5
    assert "fetch-depth: 0" in result.stderr
    assert "git fetch --unshallow" in result.stderr
    assert lab.hand.holds(model) == before

    shallow.git.git("fetch", "--quiet", "--unshallow")
    assert shallow.run("apply", "--yes").code == 0
    assert lab.hand.values(model)["@blue"] == 2


def test_a_record_that_no_clone_knows_names_rewritten_history_and_the_way_out(lab: Lab) -> None:
    model = lab.model(2)
    _applied(lab, model, _V1)
    lab.hand.tag(model, None, "reconciler.commit", "f" * 40)
    result = lab.run("apply", "--yes")
    assert result.code == 5
    assert "ffffffffffff is not in this clone" in result.stderr
    assert f"--adopt {model}" in result.stderr
    assert lab.run("apply", "--yes", "--adopt", model).code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_a_model_whose_file_is_gone_is_released_and_left_as_it_is(lab: Lab) -> None:
    model, other = lab.model(2), lab.model(1)
    lab.declare(other, "versions: {1: {aliases: [blue]}}")
    _applied(lab, model, _V1)
    before = lab.hand.values(model)
    gone = lab.declare(model, None)

    planned = lab.run("plan", "--format", "json")
    assert planned.code == 0
    [released] = [m for m in planned.document["models"] if m["model"] == model]
    assert released["outcome"] == "released"
    assert "v1 Production, @blue → v1" in released["messages"][0]
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == before
    assert lab.hand.recorded(model) == gone
    assert [m["model"] for m in lab.run("plan", "--format", "json").document["models"]] == [other]

    lab.declare(model, "versions: {2: {stage: Production}}")
    again = lab.run("plan", "--format", "json").document
    assert rows(again) == [
        "v2 stage None→Production declared",
        "v1 stage Production→Archived replaced",
    ], "declared again it has no base: nothing is removed"


def test_a_file_may_move_and_be_renamed(lab: Lab) -> None:
    model = lab.model(2)
    _applied(lab, model, f"model: {model}\n{_V1}")
    lab.git.move(f"registry-state/{model}.yaml", "registry-state/teams/payments/other.yml")
    moved = lab.run("apply", "--yes", "--format", "json")
    assert moved.code == 0
    assert moved.document["changes"] == []
    assert moved.document["summary"]["records"] == 0

    lab.git.commit(
        {"registry-state/teams/payments/other.yml": f"model: {model}\nversions: {{1: {{}}}}"}
    )
    assert "alias blue 1→None removed" in rows(lab.run("plan", "--format", "json").document)


def test_a_renamed_state_folder_has_to_adopt_its_models(lab: Lab) -> None:
    model = lab.model(2)
    _applied(lab, model, _V1)
    lab.git.move("registry-state", "models")
    refused = lab.run("apply", "--yes", "--state", "models")
    assert refused.code == 4
    assert f"`{model}` is managed by state folder `registry-state`" in refused.stderr
    assert f"--adopt {model}" in refused.stderr

    lab.git.commit({f"models/{model}.yaml": "versions: {1: {stage: Production}}"})
    adopted = lab.run("apply", "--yes", "--state", "models", "--adopt", model, "--format", "json")
    assert adopted.code == 0
    assert rows(adopted.document) == ["alias blue 1→None removed"], "what R declared is base"
    assert lab.hand.holds(model)["tag reconciler.owner"] == "models"
    assert lab.run("plan", "--state", "models", "--detailed-exitcode").code == 0


def test_many_models_are_taken_over_by_a_glob_and_the_plan_lists_from_whom(lab: Lab) -> None:
    theirs, ours, other = lab.model(1), lab.model(1), lab.model(1)
    for model in (theirs, ours, other):
        lab.declare(model, "versions: {1: {stage: Production}}")
    assert lab.run("apply", "--yes").code == 0
    for model in (theirs, other):
        lab.hand.tag(model, None, "reconciler.owner", "team-a")
    glob = f"{theirs[:-1]}*"
    planned = lab.run("plan", "--adopt", glob, "--model", theirs, "--model", ours)
    assert planned.code == 0
    assert f"{theirs}  (registry-state/{theirs}.yaml)\n  ! taken over from team-a\n" in (
        planned.stdout
    )
    assert "takes over 1 model" in planned.stdout
    none = lab.run("plan", "--adopt", "nosuch-*")
    assert (none.code, "--adopt `nosuch-*` matches no model" in none.stderr) == (1, True)
    outside = lab.run("plan", "--adopt", other, "--model", ours)
    assert (outside.code, "matches none of the chosen models" in outside.stderr) == (1, True)
    saved = lab.git.root.parent / "plan.json"
    document = lab.run("plan", "--adopt", "*", "--out", str(saved), "--format", "json").document
    assert {m["model"]: m.get("taken_from") for m in document["models"]} == {
        theirs: "team-a",
        ours: None,
        other: "team-a",
    }
    assert lab.run("apply", str(saved)).code == 0
    assert lab.hand.holds(other)["tag reconciler.owner"] == "registry-state"
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_a_recorded_commit_that_cannot_be_read_can_be_taken_over(lab: Lab) -> None:
    model = lab.model(1)
    broken = lab.declare(model, "versions: [")
    lab.declare(model, "versions: {1: {stage: Production}}")
    lab.hand.tag(model, None, "reconciler.commit", broken)
    lab.hand.tag(model, None, "reconciler.owner", "registry-state")
    refused = lab.run("apply", "--yes")
    assert refused.code == 5
    assert f"take it over with `--adopt {model}`" in refused.stderr
    assert lab.run("apply", "--yes", "--adopt", model).code == 0
    assert lab.hand.values(model) == {"v1 stage": "Production"}


def test_a_state_with_a_registry_name_keeps_its_models_when_its_folder_is_renamed(
    lab: Lab,
) -> None:
    model = lab.model(2)
    lab.git.commit({_SETTINGS: f"registry: {{uri: '{lab.uri}', name: prod-eu}}\n"})
    _applied(lab, model, _V1)
    assert lab.hand.holds(model)["tag reconciler.owner"] == "prod-eu"
    lab.git.move("registry-state", "models")
    assert lab.run("plan", "--state", "models", "--detailed-exitcode").code == 0
    lab.git.commit({f"models/{model}.yaml": "versions: {1: {stage: Production}}"})
    planned = lab.run("plan", "--state", "models", "--format", "json").document
    assert rows(planned) == ["alias blue 1→None removed"]


def test_forget_removes_our_two_tags_and_nothing_else(lab: Lab) -> None:
    model = lab.model(2)
    _applied(lab, model, _V1)
    before = lab.hand.values(model)
    assert lab.run("forget", model).code == 0
    assert lab.hand.recorded(model) is None
    assert "tag reconciler.owner" not in lab.hand.holds(model)
    assert lab.hand.values(model) == before
    assert lab.run("forget", model, "--format", "json").document["removed"] == []


def test_forget_takes_globs_for_the_models_of_this_folder(lab: Lab) -> None:
    prefix = lab.model(0)
    ours, theirs, also = (f"{prefix}-{name}" for name in ("ours", "theirs", "z"))
    for model in (ours, theirs, also):
        lab.hand.register(model, 1)
        lab.declare(model, "versions: {1: {stage: Production}}")
    assert lab.run("apply", "--yes").code == 0
    lab.hand.tag(theirs, None, "reconciler.owner", "team-a")
    lab.git.commit({f"registry-state/{also}.yaml": None})
    done = lab.run("forget", f"{prefix}-*", "--format", "json")
    assert done.code == 0
    both = ["reconciler.commit", "reconciler.owner"]
    assert done.document["models"] == [
        {"model": ours, "removed": both},
        {"model": also, "removed": both},
    ]
    assert done.document["model"] is None
    assert f"remove registry-state/{ours}.yaml and merge that first" in done.stderr
    assert also not in done.stderr
    assert lab.hand.recorded(theirs) is not None
    none = lab.run("forget", f"{prefix}-*")
    assert none.code == 1
    assert "matches no model that state folder `registry-state` manages" in none.stderr
    by_name = lab.run("forget", ours, theirs)
    assert by_name.code == 4, "one that is named is refused before anything is removed"


def test_a_file_with_a_mistake_keeps_nobody_from_leaving(lab: Lab) -> None:
    model = lab.model(2)
    _applied(lab, model, _V1)
    lab.git.write({"registry-state/broken.yaml": "versions: ["})
    assert lab.run("validate").code == 3
    assert lab.run("forget", model).code == 0
    assert lab.hand.recorded(model) is None


def test_a_late_job_for_a_commit_that_was_reverted_meanwhile_writes_nothing(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    promotion = lab.declare(model, _V2)
    revert = lab.git.revert(promotion)
    assert lab.run("apply", "--yes").code == 0, "the revert's job is first, and has nothing to do"
    assert lab.hand.recorded(model) == revert
    before = lab.hand.holds(model)
    lab.git.checkout(promotion)
    late = lab.run("apply", "--yes")
    assert late.code == 0
    assert "superseded" in late.text
    assert lab.hand.holds(model) == before


def test_a_record_of_a_branch_that_was_merged_as_another_commit_moves_to_the_main_line(
    lab: Lab,
) -> None:
    model = lab.model(2)
    lab.git.write({"registry-state/reconciler.yaml": "branch: main\n"})
    lab.declare(model, _V1)
    assert lab.run("apply", "--yes").code == 0
    lab.git.git("checkout", "--quiet", "-b", "hotfix")
    hotfix = lab.declare(model, _V2)
    assert lab.run("apply", "--yes", "--accept", "off-main").code == 0
    assert lab.hand.recorded(model) == hotfix
    lab.git.git("checkout", "--quiet", "main")
    squashed = lab.declare(model, _V2, "hotfix (#7)")
    assert squashed != hotfix
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.recorded(model) == squashed
    lab.git.git("branch", "--quiet", "-D", "hotfix")
    lab.git.git("reflog", "expire", "--expire=now", "--all")
    lab.git.git("gc", "--quiet", "--prune=now")
    clean = lab.run("plan", "--detailed-exitcode")
    assert clean.code == 0, clean.text


def test_a_record_alone_is_said_and_is_no_change(lab: Lab) -> None:
    model = lab.model(1)
    _applied(lab, model, _V1)
    lab.hand.tag(model, 1, "risk", "high")
    before = lab.run("plan", "--format", "json").document
    commit = lab.declare(model, _V1.replace("}}", ", tags: {risk: high}}}"))

    planned = lab.run("plan", "--detailed-exitcode", "--format", "json")
    assert planned.code == 0, "nothing changes for anybody"
    assert planned.document["changes"] == []
    assert planned.document["summary"]["records"] == 1
    assert planned.document["models"][0]["records"] is True
    assert planned.document["digest"] == before["digest"]
    assert "plan: no changes, records this commit on 1 model\n" in lab.run("plan").stdout
    with proxy(lab.uri) as server:
        lab.environ["MLFLOW_TRACKING_URI"] = server.uri
        assert lab.run("apply", "--yes").code == 0
    assert len(server.writes) == 1
    assert lab.hand.recorded(model) == commit
