"""The three steps from stages to aliases on one model: edits, their order, and what is refused."""

from pathlib import Path

import pytest

import reconciler
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Hand, Lab, rows
from tests.support.repositories.git_lab import GitLab

_STATE = "registry-state"
_SOAK = "has the rule `soak`, which measures the time in a stage"
_STAGES = """\
# who serves
versions:
  3: {stage: Production}  # since March
  2: {stage: Archived}
"""


def _text(lab: Lab, name: str) -> str:
    return (lab.git.root / _STATE / f"{name}.yaml").read_text()


@pytest.fixture(name="model")
def model_fixture(lab: Lab) -> str:
    """Declare a model by stage, as it is live."""
    lab.git.git("config", "user.name", "Ada")
    lab.git.git("config", "user.email", "ada@example.com")
    model = lab.model(3)
    lab.declare(model, _STAGES)
    assert lab.run("apply", "--yes").code == 0
    return model


def _take(lab: Lab, step: str | None, *, clear: bool = False) -> str:
    """Take a step, apply it, and return the commit; afterwards it has nothing left to do."""
    r = opened(lab)
    edit = r.migrate(step, clear=clear)
    assert edit.problems == ()
    commit = edit.commit().commit_id
    assert commit is not None
    assert r.apply().code == 0
    again = r.migrate(step, clear=clear)
    assert (again.diff, again.code) == ("", 0)
    assert "nothing is left to do" in (again.next or "")
    return commit


def _changes(lab: Lab) -> list[str]:
    return rows(lab.run("plan", "--format", "json").document)


def test_each_step_is_a_change_to_files_that_a_revert_undoes(lab: Lab, model: str) -> None:
    before = _text(lab, model)
    edit = opened(lab).migrate("bridge")
    assert edit.diff.splitlines()[:2] == ["--- /dev/null", f"+++ b/{_STATE}/reconciler.yaml"]
    assert edit.to_dict()["bridge"] == {"Production": "champion"}
    bridged = _take(lab, "bridge")
    assert _text(lab, "reconciler").endswith("\nbridge: {Production: champion}\n")
    assert _text(lab, model) == before
    both = lab.hand.values(model)
    assert (both["v3 stage"], both["@champion"]) == ("Production", 3)

    served = _take(lab, "serve-by-alias")
    assert _text(lab, "reconciler").endswith(
        "\nbridge: {Production: champion}\nserving: {alias: champion}\n"
    )
    dropped = _take(lab, "drop-stages")
    _, settings = _text(lab, "reconciler").split("\n", 1)
    assert settings == "serving: {alias: champion}\n"
    assert _text(lab, model) == (
        "# who serves\nversions:\n  3: {aliases: [champion]}  # since March\n  2: {}\n"
    )
    assert lab.hand.values(model) == both
    cleared = _take(lab, None, clear=True)
    assert lab.hand.values(model) == {"@champion": 3}
    assert _changes(lab) == []

    for commit, stage in ((cleared, None), (dropped, "Production"), (served, "Production")):
        lab.git.revert(commit)
        assert opened(lab).apply().code == 0
        assert lab.hand.values(model).get("v3 stage") == stage
        assert lab.hand.values(model)["@champion"] == 3
        assert _changes(lab) == []
    lab.git.revert(bridged)
    assert opened(lab).apply().code == 0
    assert lab.hand.values(model) == both
    assert _text(lab, model) == before


def test_a_step_before_its_turn_is_refused(lab: Lab, model: str) -> None:
    r = opened(lab)
    for step in ("serve-by-alias", "drop-stages"):
        with pytest.raises(reconciler.Refused, match=f"`{step}` comes after `bridge`"):
            r.migrate(step)
    with pytest.raises(reconciler.Refused, match="`--clear` comes after `drop-stages`"):
        r.migrate(clear=True)
    edit = r.migrate("bridge").write()
    assert edit.written
    lab.git.commit(message="bridge")
    waiting = r.migrate("serve-by-alias")
    assert (waiting.refused, waiting.code) == (True, 5)
    assert waiting.problems[0].message == (
        f"the registry does not have all that the bridge adds yet: `{model}` @champion: - → 3"
    )
    with pytest.raises(reconciler.Refused):
        waiting.write()
    with pytest.raises(reconciler.Refused, match="`drop-stages` comes after `serve-by-alias`"):
        r.migrate("drop-stages")
    for arguments in ({"step": "brigde"}, {"step": "drop-stages", "keep": {model: 3}}):
        with pytest.raises(reconciler.UsageError):
            r.migrate(**arguments)


@pytest.mark.parametrize(
    ("scheme", "lacks"), [("databricks", "aliases"), ("databricks-uc", "stages")]
)
def test_no_bridge_is_written_for_a_registry_that_lacks_one_of_its_words(
    tmp_path: Path, scheme: str, lacks: str
) -> None:
    lab = Lab(GitLab.new(tmp_path), scheme, Hand(scheme), {"DATABRICKS_HOST": "http://127.0.0.1:9"})
    lab.declare("fraud", "versions: {1: {stage: Production}}\n")
    refused = lab.run("migrate", "stages", "--step", "bridge")
    assert refused.code == 4
    assert f" has no {lacks}: a bridge needs both" in refused.stderr
    assert lab.git.git("status", "--porcelain") == ""


@pytest.mark.usefixtures("model")
def test_every_conflict_is_refused_at_once_and_decided_in_the_same_change(
    lab: Lab,
) -> None:
    two, apart = lab.model(3), lab.model(3)
    for version in (2, 3):
        lab.hand.stage(two, version, "Production")
    lab.declare(two, "description: two in Production\n")
    lab.hand.stage(apart, 3, "Production")
    lab.hand.alias(apart, "champion", 2)
    lab.declare(apart, "versions: {3: {stage: Production}, 2: {aliases: [champion]}}")
    r = opened(lab)
    refused = r.migrate("bridge")
    assert (refused.code, refused.diff) == (4, "")
    assert sorted((p.model, p.message.partition(": ")[2]) for p in refused.problems) == [
        (two, "v2 is in Production, v3 is in Production"),
        (apart, "v3 is declared in Production, @champion is declared on v2"),
    ]
    edit = r.migrate("bridge", keep={two: 2, apart: [2]})
    assert f"{apart} v3 Production → Archived" in edit.meaning
    edit.commit()
    assert r.apply().code == 0
    assert _text(lab, apart) == (
        "versions: {3: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"
    )
    for name in (two, apart):
        values = lab.hand.values(name)
        held = (values["@champion"], values["v2 stage"], values["v3 stage"])
        assert held == (2, "Production", "Archived")
    assert _changes(lab) == []
    with pytest.raises(reconciler.UsageError, match="decides nothing"):
        r.migrate("bridge", keep={two: 2})


def test_stages_are_not_dropped_while_a_consumer_or_a_policy_depends_on_one(
    lab: Lab, model: str
) -> None:
    lab.declare(model, _STAGES + "consumers: [{name: shop, loads: Production}]\n")
    settings = (
        "bridge: {Production: champion}\n"
        "policies: [{name: rest, on: {stage: Production}, soak: 1h, enforce: warn}]\n"
    )
    lab.git.commit({f"{_STATE}/reconciler.yaml": settings})
    r = opened(lab)
    assert r.apply().code == 0
    edit = r.migrate("serve-by-alias")
    assert [note for note in edit.notes if "policy `rest` is left" in note]
    assert "the same plan before and after it: no change on 1 model" in edit.notes[-1]
    edit.commit()
    lab.git.write({"app/load.py": f'load_model("models:/{model}/Production")\n'})
    refused = r.migrate("drop-stages", scan=["app"])
    assert refused.code == 4
    assert [(problem.where, problem.message) for problem in refused.problems] == [
        (
            f"{_STATE}/{model}.yaml:5",
            f"`shop` loads `Production` of `{model}`: it depends on a stage",
        ),
        (
            f"{_STATE}/reconciler.yaml:2",
            f"policy `rest` {_SOAK}: it depends on a stage",
        ),
        ("app/load.py:1", f"`models:/{model}/Production`: it depends on a stage"),
    ]
    with pytest.raises(reconciler.Refused):
        refused.commit()
    assert len(r.migrate("drop-stages").problems) == 2


def test_a_step_is_delivered_on_a_branch_of_its_own(lab: Lab, model: str) -> None:
    edit = opened(lab).migrate("bridge", reason="MLflow drops stages").commit(branch="")
    assert edit.branch == "stages-to-aliases/bridge"
    assert lab.git.git("show", "--name-only", "--format=%B").splitlines() == [
        "Bridge Production and @champion",
        "",
        "MLflow drops stages",
        "",
        "- Production and @champion are one from here on",
        "",
        "",
        f"{_STATE}/reconciler.yaml",
    ]
    assert lab.git.git("status", "--porcelain") == ""
    assert model in lab.run("plan").stdout


def test_the_command_takes_the_steps(lab: Lab, model: str) -> None:
    done = lab.run("migrate", "stages", "--step", "bridge", "--commit")
    assert (done.code, "committed" in done.stdout) == (0, True)
    early = lab.run("migrate", "stages", "--step", "serve-by-alias", "--format", "json")
    assert (early.code, early.document["exit"]["code"]) == (5, 5)
    assert lab.run("apply", "--yes").code == 0
    served = lab.run("migrate", "stages", "--step", "serve-by-alias", "--commit")
    assert (served.code, served.stderr.count("the same plan before and after it")) == (0, 1)

    # A promotion that is merged and not applied would be lost.
    promoted = "{2: {stage: Production, aliases: [champion]}, 3: {stage: Archived}}"
    lab.declare(model, f"versions: {promoted}\n")
    lost = lab.run("migrate", "stages", "--step", "drop-stages")
    assert lost.code == 4
    change = f"`{model}` v2 stage: Archived → Production"
    assert f"{change}: it is to be written, and would not be after the step\n" in lost.stderr
    lab.git.revert("HEAD")

    dropped = lab.run("migrate", "stages", "--step", "drop-stages", "--commit")
    assert (dropped.code, dropped.stderr.count("the same plan before and after it")) == (0, 1)
    cleared = lab.run("migrate", "stages", "--clear", "--commit", "--format", "json")
    assert cleared.document["meaning"] == ["v2 → None", "v3 → None"]
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == {"@champion": 3}
    for arguments in (("--clear",), ("--step", "drop-stages", "--clear")):
        again = lab.run("migrate", "stages", *arguments)
        assert (again.code, "nothing is left to do" in again.stdout) == (0, True)
    assert lab.run("migrate", "stages", "--step", "bridge", "--clear").code == 1
    lab.declare(model, "versions: {3: {aliases: [champion]}, 2: {stage: Staging}}\n")
    for asked in ("--clear", "--step drop-stages"):
        left = lab.run("migrate", "stages", *asked.split())
        said = f"a stage that is not bridged: `{asked.split()[-1]}` leaves it no alias"
        assert (left.code, said in left.stderr) == (4, True)
