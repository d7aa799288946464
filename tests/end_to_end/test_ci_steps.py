"""The set-up of docs/ci.md, step by step: what it says is what `init` and the workflows do.

Steps 5 and 6 are settings of GitHub's own; step 10 is tests/end_to_end/test_ci_story.py.
"""

import re
from pathlib import Path

import pytest
import yaml

from reconciler.scaffold.package_data import this_release
from tests import ROOT
from tests.support.files.init_lab import init, tree
from tests.support.forges.ci_lab import MAIN, V1, V2, ci_lab
from tests.support.forges.hub_lab import READER, Hub, guarded
from tests.support.registries.lab import Lab
from tests.support.workflows.workflow_files import ACTION, EXAMPLES, jobs, load

_PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
_JOBS = ("plan", "apply", "drift", "promote", "rollback")


def part(heading: str) -> str:
    """Return the text below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#)", _PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def step(number: int) -> str:
    """Return one step of the set-up on GitHub."""
    found = re.split(r"^(\d+)\. ", part("GitHub, in ten steps"), flags=re.MULTILINE)
    texts = dict(zip(map(int, found[1::2]), found[2::2], strict=True))
    assert list(texts) == list(range(1, 11))
    return texts[number]


def table(text: str) -> list[list[str]]:
    """Return the rows of a table without its header."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named(text: str) -> set[str]:
    """Return what stands in backticks."""
    return set(re.findall(r"`([^`]+)`", text))


@pytest.fixture(name="begun")
def begun_fixture(lab: Lab, tmp_path: Path) -> Path:
    """Make a repository with `init` alone."""
    folder = tmp_path / "begun"
    folder.mkdir()
    assert init(lab, cwd=folder).code == 0
    return folder


def test_step_1_init_writes_what_it_says(begun: Path) -> None:
    written = set(tree(begun))
    said = step(1)
    assert {".github/CODEOWNERS", ".pre-commit-config.yaml"} <= named(said) & written
    assert "five workflows" in said
    assert {path for path in written if path.startswith(".github/workflows/")} == {
        f".github/workflows/{name}.yml" for name in _JOBS
    }
    assert {path.partition("/")[0] for path in written} == {
        "registry-state",
        ".github",
        ".pre-commit-config.yaml",
    }


def test_step_2_the_user_who_reads_is_enough_for_a_plan_and_writes_nothing(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, V1)
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    with guarded(lab.uri) as registry:
        env = {"MLFLOW_TRACKING_URI": registry, **dict(zip(names, READER, strict=True))}
        for command in ("plan", "drift", "status"):
            assert lab.run(command, env=env).code in (0, 2), command
        refused = lab.run("apply", "--yes", env=env)
    assert refused.code == 6
    assert lab.hand.values(model) == {}


def test_step_3_the_five_lines_plan_a_pull_request(lab: Lab, tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", step(3), re.DOTALL)
    assert block is not None
    lines = yaml.safe_load(block[1])
    assert len(lines) == 2
    assert lines[1]["uses"] == this_release().action
    assert lines[0]["uses"] in {
        one.get("uses") for path in EXAMPLES for job in jobs(path).values() for one in job["steps"]
    }
    with ci_lab(lab, tmp_path) as ci, guarded(lab.uri) as registry:
        lines[1]["env"]["MLFLOW_TRACKING_URI"] = registry
        secrets = {name: f"${{{{ secrets.{name} }}}}" for name in _secrets()}
        lines[1]["env"] |= secrets
        grants = {"contents": "read", "pull-requests": "write", "checks": "write"}
        job = {
            "runs-on": "ubuntu-24.04",
            "environment": "production-read",
            "permissions": grants,
            "steps": lines,
        }
        on = {"pull_request": None}
        workflow = {"name": "mine", "on": on, "permissions": {}, "jobs": {"plan": job}}
        for one in lines:
            one["name"] = one["uses"]
        model = ci.serving()
        ci.lab.git.write({".github/workflows/mine.yml": yaml.safe_dump(workflow)})
        ci.lab.git.commit(message="the five lines")
        ci.push()
        ci.branch()
        ci.declare(model, V2)
        pull, ran = Hub(ci, tmp_path / "github", registry).open()
        assert ran["mine"].code == 0, ran["mine"].log
        (shown,) = ci.comments(pull, "plan")
        assert "v1 → v2" in shown


def _secrets() -> tuple[str, str]:
    return ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


def test_step_4_lists_the_environments_and_secrets_that_the_workflows_use() -> None:
    text = "".join(path.read_text() for path in EXAMPLES)
    used = set(re.findall(r"(?:environment|name): ([a-z-]*production[a-z-]*)", text))
    used |= set(re.findall(r"== 'registry-state' && '([a-z-]+)'", text))
    rows = {re.findall(r"`([^`]+)`", row[0])[0]: row for row in table(step(4))}
    assert set(rows) == used == {"production", "production-read", "propose"}
    for name in (*_secrets(), "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_URI"):
        assert name in rows["production-read"][2]
        assert name in text
    assert all(f"`{MAIN}`" in rows[name][1] for name in ("production", "propose"))


def test_step_7_names_the_owner_to_replace_and_what_it_owns(begun: Path) -> None:
    owners = (begun / ".github" / "CODEOWNERS").read_text()
    (placeholder,) = (name for name in named(step(7)) if name.startswith("@"))
    owned = [line.split() for line in owners.splitlines() if not line.startswith("#")]
    assert {owner for _, owner in owned} == {placeholder}
    assert [path for path, _ in owned] == ["/.github/", "/registry-state/**/reconciler.yaml"]


def test_step_8_names_what_the_app_needs() -> None:
    said = named(step(8))
    for name in ("promote", "rollback"):
        text = next(path for path in EXAMPLES if path.stem == name).read_text()
        used = set(re.findall(r"(?:vars|secrets)\.(RECONCILER_\w+)", text))
        assert used == {one for one in said if one.startswith("RECONCILER_")}
        assert f"{name}.yml" in said
        asked = set(re.findall(r"permission-([a-z-]+): (\w+)", text))
        assert {f"{scope}: {access}" for scope, access in asked} <= said


def test_step_9_merge_groups_are_planned() -> None:
    (plan,) = (path for path in EXAMPLES if path.stem == "plan")
    assert "merge_group" in load(plan)["on"]


def test_what_the_jobs_may_is_what_their_workflows_grant() -> None:
    rows = {row[0]: named(row[1]) for row in table(part("What the jobs may"))}
    rows["plan"] |= rows["validate"]  # "and" what the row above has
    for path in EXAMPLES:
        for name, job in jobs(path).items():
            granted = {f"{scope}: {access}" for scope, access in job["permissions"].items()}
            (row,) = (row for row in rows if name in row.split(", "))
            assert granted == rows[row], (path.name, name)


def test_the_actions_inputs_and_outputs_are_those_of_the_table() -> None:
    action, text = load(ACTION), part("The action")
    rows = {name: row for row in table(text) for name in named(row[0])}
    assert set(rows) == set(action["inputs"])
    for name, about in action["inputs"].items():
        default = str(about.get("default", ""))
        if default and "${{" not in default:
            assert named(rows[name][1]) == {default}, name
    assert set(action["outputs"]) == named(text.rpartition("Outputs:")[2].partition(". ")[0])
