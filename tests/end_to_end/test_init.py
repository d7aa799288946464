"""`reconciler init`: an empty folder or a repository becomes one that plans and applies."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.scaffold.package_data import this_release
from reconciler.scaffold.template_set import WORKFLOWS
from tests.support.files.init_lab import (  # noqa: F401  a fixture
    EXAMPLE,
    HOOKS,
    NOBODY,
    SETTINGS,
    add,
    empty_fixture,
    entries_of,
    init,
    tree,
)
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import MlflowSeeds, free_port, mlflow_server
from tests.support.repositories.git_lab import GitLab
from tests.support.workflows.workflow_files import mentions

_OWNERS = ".github/CODEOWNERS"
_ON_GITHUB = {SETTINGS, EXAMPLE, HOOKS, _OWNERS, *WORKFLOWS}
_ON_GITLAB = {SETTINGS, EXAMPLE, HOOKS, ".gitlab-ci.yml", ".gitlab/CODEOWNERS"}


@pytest.fixture(name="server", scope="module")
def server_fixture(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run a real server of our own: `init` imports every model that there is."""
    folder = tmp_path_factory.mktemp("init")
    database = shutil.copy(sqlite_template, folder / "server.db")
    with mlflow_server(folder, f"sqlite:///{database}") as uri:
        hand = Hand(uri)
        hand.register("fraud detection", 3)
        hand.stage("fraud detection", 3, "Production")
        hand.alias("fraud detection", "champion", 3)
        hand.tag("fraud detection", 3, "validated", "true")
        hand.register("churn", 1)
        hand.stage("churn", 1, "Staging")
        yield uri


def git_in(lab: Lab, folder: Path) -> GitLab:
    return GitLab(folder, lab.git.home)


# --- from nothing


def test_an_empty_folder_becomes_a_repository_on_main_that_is_valid_and_not_committed(
    lab: Lab, empty: Path
) -> None:
    result = init(lab, cwd=empty)
    assert result.code == 0, result.stderr
    assert result.stderr == ""
    assert set(tree(empty)) == _ON_GITHUB
    assert "made a git repository here, on the branch `main`" in result.stdout
    assert all(f"wrote {path}\n" in result.stdout for path in _ON_GITHUB)
    git = git_in(lab, empty)
    assert git.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert git.git("status", "--porcelain").startswith("??")
    assert git.git("for-each-ref") == ""
    assert lab.run("validate", cwd=empty, env=NOBODY).code == 0


def test_what_it_says_next_can_be_typed_and_a_plan_leaves_the_example_alone(
    lab: Lab, empty: Path
) -> None:
    said = init(lab, cwd=empty).stdout
    git = git_in(lab, empty)
    lines = [line.strip() for line in said.splitlines()]
    for line in lines:
        if line.startswith("git "):
            git.git(*shlex.split(line)[1:])
    assert git.git("status", "--porcelain") == ""
    assert set(git.git("ls-files").splitlines()) == _ON_GITHUB
    assert "reconciler plan" in lines
    lab.model(1)
    plan = lab.run("plan", "--format", "json", "--detailed-exitcode", cwd=empty)
    assert plan.code == 0, plan.text
    (model,) = plan.document["models"]
    assert (model["model"], model["outcome"]) == ("example-model", "held")
    assert "an example" in model["messages"][0]


def test_the_plan_it_tells_to_type_names_the_folder_and_needs_a_registry(
    lab: Lab, empty: Path
) -> None:
    said = init(lab, "--state", "states/prod", cwd=empty).stdout.splitlines()
    lines = [line.strip() for line in said]
    typed = shlex.split(lines[lines.index("reconciler plan --state states/prod")])
    assert lines[lines.index(shlex.join(typed)) - 1].startswith("export MLFLOW_TRACKING_URI=")
    git_in(lab, empty).commit()
    plan = lab.run(*typed[1:], cwd=empty)
    assert plan.code == 0, plan.text


def test_a_second_time_writes_nothing_and_still_says_what_to_do(lab: Lab, empty: Path) -> None:
    first = init(lab, cwd=empty)
    before = tree(empty)
    again = init(lab, "--format", "json", cwd=empty).document
    assert tree(empty) == before
    assert again["created"] == []
    assert set(again["kept"]) == _ON_GITHUB - {EXAMPLE}
    assert again["new_repository"] is False
    told = " ".join(first.stdout.split())
    assert all(" ".join(step.split()) in told for step in again["next"])
    assert len(again["next"]) >= 4


def test_the_next_steps_name_each_credential_environment_and_check(lab: Lab, empty: Path) -> None:
    text = init(lab, cwd=empty).stdout
    used = mentions(tuple(empty.glob(".github/workflows/*.yml")), "secrets")
    used |= mentions(tuple(empty.glob(".github/workflows/*.yml")), "vars")
    names = {name for name in used if name.startswith("MLFLOW_")}
    names |= {"READ", "EDIT", "MANAGE", "production-read", "production", "propose", "Rules"}
    names |= {"reconciler plan (registry-state)", _OWNERS, "docs/ci.md", "reconciler plan"}
    assert sorted(name for name in names if name not in text) == []
    numbers = re.findall(r"^ {1,2}(\d+)\. \S", text, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert all(len(line) <= 100 for line in text.splitlines())


# --- from a live registry


def test_what_is_live_is_imported_and_a_plan_has_nothing_to_do(
    lab: Lab, empty: Path, server: str
) -> None:
    secret = server.replace("://", "://ada:s3cret@")
    result = lab.run("init", "--registry-uri", secret, cwd=empty, env=NOBODY)
    assert result.code == 0, result.stderr
    assert "s3cret" not in result.text
    assert {path for path in tree(empty) if path.startswith("registry-state")} == {
        SETTINGS,
        "registry-state/fraud detection.yaml",
        "registry-state/churn.yaml",
    }
    assert yaml.safe_load((empty / SETTINGS).read_text())["registry"] == server
    assert "MLFLOW_TRACKING_URI" not in result.stdout, "the settings name the registry"
    assert 'commit -m "Declare what is live"' in result.stdout
    modeline = this_release().modeline("model")
    assert (empty / "registry-state/churn.yaml").read_text().splitlines()[0] == modeline
    git_in(lab, empty).commit(message="live")
    plan = lab.run("plan", "--format", "json", "--detailed-exitcode", cwd=empty, env=NOBODY)
    assert plan.code == 0, plan.text
    assert {model["outcome"] for model in plan.document["models"]} == {"in-sync"}


def test_what_another_repository_applies_is_said_with_the_way_to_take_it_over(
    lab: Lab, empty: Path, sqlite_uri: str
) -> None:
    seeds = MlflowSeeds(sqlite_uri)
    seeds.create_model("churn now", tags={"reconciler.commit": "c" * 40})
    seeds.create_version("churn now")
    result = lab.run("init", "--registry-uri", sqlite_uri, cwd=empty, env=NOBODY)
    assert result.code == 0, result.text
    assert "another repository applies to `churn now`" in result.stderr
    git_in(lab, empty).commit(message="begin")
    assert lab.run("plan", cwd=empty, env=NOBODY).code in (0, 5)
    assert "reconciler apply --adopt 'churn now'" in result.stderr


def test_the_registry_may_be_named_by_mlflows_own_variables(
    lab: Lab, empty: Path, server: str
) -> None:
    env = NOBODY | {"MLFLOW_REGISTRY_URI": server}
    created = lab.run("init", "--format", "json", cwd=empty, env=env).document["created"]
    assert "registry-state/churn.yaml" in created
    assert EXAMPLE not in created


def test_a_registry_that_cannot_be_reached_is_said_before_anything_is_written(
    lab: Lab, empty: Path
) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    result = lab.run("init", "--registry-uri", uri, cwd=empty, env=NOBODY)
    assert result.code == 6
    assert uri in result.stderr
    assert list(empty.iterdir()) == []


def test_a_registry_without_models_gets_the_example(lab: Lab, empty: Path, sqlite_uri: str) -> None:
    result = lab.run("init", "--registry-uri", sqlite_uri, cwd=empty, env=NOBODY)
    assert result.code == 0, result.stderr
    assert (empty / EXAMPLE).exists()
    assert yaml.safe_load((empty / SETTINGS).read_text())["registry"] == sqlite_uri
    assert f"no model in {sqlite_uri}: registry-state/example-model.yaml is" in result.stderr
    assert "MLFLOW_WORKSPACE" in result.stderr


def test_another_registry_than_the_settings_pin_is_refused(lab: Lab, server: str) -> None:
    lab.git.write({SETTINGS: "registry: https://mlflow.example.com\n"})
    before = tree(lab.git.root)
    result = lab.run("init", "--registry-uri", server, env=NOBODY)
    assert result.code == 4
    assert tree(lab.git.root) == before


def test_declared_models_are_left_to_import(lab: Lab, server: str) -> None:
    lab.git.write({"registry-state/mine.yaml": "versions: {1: {stage: Staging}}\n"})
    result = lab.run("init", "--registry-uri", server, "--format", "json", env=NOBODY)
    assert {path for path in result.document["created"] if "registry-state" in path} == {SETTINGS}


def test_under_a_bridge_a_plan_adds_the_other_half_and_the_next_step_says_so(
    lab: Lab, server: str
) -> None:
    settings = "exclusive: [Production, Staging]\n"
    settings += "bridge: {Production: champion, Staging: challenger}\n"
    lab.git.write({SETTINGS: settings})
    result = lab.run("init", "--registry-uri", server, env=NOBODY)
    assert result.code == 0, result.stderr
    assert "`churn`: in Staging, without @challenger; `bridge` makes" in result.stderr
    assert "serving" not in result.stderr
    assert "a plan then adds what `bridge` makes one with it" in result.stdout
    plan = lab.run("plan", "--registry-uri", server, "--format", "json", env=NOBODY)
    found = [(row["model"], row["key"], row["cause"]) for row in plan.document["changes"]]
    assert found == [("churn", "challenger", "bridge")]


# --- in a repository


@pytest.mark.parametrize(
    ("commands", "settings", "branch"),
    [
        ([], None, "main"),
        (["checkout -q -b master", "branch -D main"], None, "master"),
        (["checkout -q -b feature"], None, "main"),
        (["branch -m trunk"], None, "trunk"),
        (["checkout -q --detach", "branch -D main"], None, "main"),
        (["branch -m trunk"], "branch: release/1.x\n", "release/1.x"),
    ],
)
def test_the_main_line_is_found(
    lab: Lab, commands: list[str], settings: str | None, branch: str
) -> None:
    lab.git.commit({"README.md": "models"})
    for command in commands:
        lab.git.git(*command.split())
    if settings:
        lab.git.write({SETTINGS: settings})
    init(lab)
    assert yaml.safe_load((lab.git.root / SETTINGS).read_text())["branch"] == branch
    apply = (lab.git.root / ".github/workflows/apply.yml").read_text()
    assert f"branches: [{branch}]" in apply


def test_a_clone_takes_the_main_line_of_its_origin(lab: Lab, tmp_path: Path) -> None:
    lab.git.commit()
    lab.git.git("branch", "-m", "trunk")
    clone = lab.git.clone(tmp_path / "clone", branch="trunk")
    clone.branch("main")
    init(lab.at(clone))
    assert yaml.safe_load((clone.root / SETTINGS).read_text())["branch"] == "trunk"


def test_below_a_repository_its_root_is_made_ready(lab: Lab) -> None:
    lab.git.write({"src/a.py": ""})
    result = init(lab, cwd=lab.git.root / "src")
    assert "made a git repository" not in result.stdout
    assert set(tree(lab.git.root)) == {*_ON_GITHUB, "src/a.py"}


def test_files_that_are_there_stay_and_it_says_which_lines_to_add(lab: Lab) -> None:
    ours: dict[str, str | bytes | None] = {
        SETTINGS: "branch: main\n",
        HOOKS: "repos:\n  - repo: local\n    hooks: []\n",
        "docs/CODEOWNERS": "* @acme/all\n/.github/ @acme/security\n",
        ".github/workflows/plan.yml": "name: terraform plan\n",
    }
    lab.git.write(ours)
    document = init(lab, "--format", "json").document
    assert set(document["kept"]) == set(ours)
    assert {path: tree(lab.git.root)[path].decode() for path in ours} == ours
    assert _OWNERS not in tree(lab.git.root), "the one in docs/ would no longer count"
    steps = "\n".join(document["next"])
    assert ".github/workflows/plan.yml exists already, and does not use the reconciler" in steps
    assert f"rev: {this_release().tag}" in steps
    assert "/registry-state/**/reconciler.yaml @" in steps
    assert "\n/.github/ @" not in steps, "it is owned already"

    added = document["next"][1].split(f"{HOOKS}, below `repos:`:\n")[1].split("\n\n")[0]
    hooks = yaml.safe_load(f"repos:\n{added}\n  - repo: local\n    hooks: []\n")["repos"]
    assert [hook["id"] for hook in hooks[0]["hooks"]] == ["reconciler-validate"]


@pytest.mark.parametrize("forge", [[], ["--gitlab"]], ids=["github", "gitlab"])
def test_a_second_registry_is_a_second_folder_and_the_lines_that_it_says(
    lab: Lab, empty: Path, forge: list[str]
) -> None:
    init(lab, *forge, "--state", "registry-state/prod", cwd=empty)
    first = tree(empty)
    result = init(
        lab, *forge, "--state", "registry-state/staging", "--format", "json", cwd=empty
    ).document
    assert {path: tree(empty)[path] for path in first} == first
    assert result["created"] == [
        "registry-state/staging/reconciler.yaml",
        "registry-state/staging/example-model.yaml",
    ]
    add(empty, result["next"][0])
    for path in (p for p in first if p.endswith((".yml", ".yaml")) and "state" not in p):
        text = tree(empty)[path].decode()
        prod = text.count("registry-state/prod")
        assert prod == text.count("registry-state/staging") > 0, path
        for both in entries_of(text):
            assert len(both) == 2 or isinstance(both, str), path
    names = {"prod", "staging", "prod-read", "staging-read"}
    everything = "".join(tree(empty)[path].decode() for path in first)
    assert all(re.search(rf"(: |'){name}\b(?!-)", everything) for name in names if not forge)
    for state in ("registry-state/prod", "registry-state/staging"):
        assert lab.run("validate", "--state", state, cwd=empty, env=NOBODY).code == 0
        again = init(lab, *forge, "--state", state, "--format", "json", cwd=empty).document
        assert again["created"] == []
        assert not [step for step in again["next"] if step.startswith("Add")]


def test_a_pipeline_of_its_own_stays_and_takes_ours_in(lab: Lab) -> None:
    lab.git.write({".gitlab-ci.yml": "build: {script: [make]}\n"})
    document = init(lab, "--gitlab", "--format", "json").document
    assert document["kept"] == [".gitlab-ci.yml"]
    assert ".gitlab/reconciler.yml" in document["created"]
    included = document["next"][0].split("\n\n")[1]
    assert yaml.safe_load(included) == {"include": [{"local": ".gitlab/reconciler.yml"}]}
    pipeline = yaml.safe_load((lab.git.root / ".gitlab/reconciler.yml").read_text())
    assert not {"default", "before_script", "image"} & set(pipeline), "those of other jobs stay"
    with (lab.git.root / ".gitlab-ci.yml").open("a") as file:
        file.write(included)
    assert "include" not in init(lab, "--gitlab").stdout


# --- all or nothing


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({".github": "a file"}, "`.github` is not a folder"),
        ({f"{HOOKS}/inside": ""}, f"`{HOOKS}` is not a file"),
        ({"registry-state": "a file"}, "is a file, and the state is a folder"),
        ({SETTINGS: "brunch: main\n"}, "did you mean"),
    ],
)
def test_what_stands_in_the_way_is_said_before_the_first_file_is_written(
    lab: Lab, there: dict[str, str | bytes | None], said: str
) -> None:
    lab.git.write(there)
    before = tree(lab.git.root)
    result = init(lab)
    assert result.code in (1, 3)
    assert said in result.stderr
    assert tree(lab.git.root) == before
    in_json = init(lab, "--format", "json").document
    assert in_json["exit"]["code"] == result.code
    assert "created" not in in_json


def test_every_obstacle_is_said_at_once(lab: Lab, tmp_path: Path) -> None:
    lab.git.write({f"{HOOKS}/inside": ""})
    (tmp_path / "outside").mkdir()
    (lab.git.root / ".github").symlink_to(tmp_path / "outside")
    result = init(lab)
    assert result.code == 1
    assert f"`{HOOKS}` is not a file" in result.stderr
    assert "`.github` leads outside of the repository" in result.stderr
    assert result.stderr.count(".github") == 1
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("../elsewhere", "is not"),
        (".", "workflows cannot name the state folder"),
        ("registry state", "workflows cannot name the state folder `registry state`"),
        ("${{ github.token }}", "workflows cannot name the state folder"),
        ("registry-state/prod", "is inside of `registry-state`, which is a state of its own"),
    ],
)
def test_a_folder_that_cannot_be_a_state_is_refused(lab: Lab, state: str, said: str) -> None:
    lab.git.write({SETTINGS: "branch: main\n"})
    before = tree(lab.git.root.parent)
    result = init(lab, "--state", state)
    assert result.code == 1
    assert said in result.stderr
    assert tree(lab.git.root.parent) == before


def test_a_folder_of_states_is_made_no_state_of_its_own(lab: Lab) -> None:
    lab.git.write({"registry-state/prod/reconciler.yaml": "branch: main\n"})
    before = tree(lab.git.root)
    result = init(lab)
    assert result.code == 3
    assert "use `--state registry-state/prod`" in result.stderr
    assert tree(lab.git.root) == before


def test_a_disk_that_is_full_half_way_leaves_nothing_behind(lab: Lab, empty: Path) -> None:
    command = f"ulimit -f 3; exec {shlex.quote(sys.executable)} -m reconciler init"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=empty,
        env={**os.environ, **lab.git.env, **NOBODY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "cannot be written: File too large" in done.stderr
    assert list(empty.iterdir()) == []


def test_a_folder_with_something_in_it_is_made_no_repository_by_a_slip(
    lab: Lab, empty: Path
) -> None:
    (empty / "letters.txt").write_text("dear all")
    result = init(lab, cwd=empty)
    assert result.code == 1
    assert "is not a git repository, and not empty" in result.stderr
    assert [path.name for path in empty.iterdir()] == ["letters.txt"]


def test_without_git_nothing_is_begun(empty: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "init"],
        cwd=empty,
        env={**os.environ, **NOBODY, "PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "git is not installed" in done.stderr
    assert list(empty.iterdir()) == []


def test_all_that_is_written_for_gitlab_is_listed(lab: Lab, empty: Path) -> None:
    result = init(lab, "--gitlab", cwd=empty)
    assert set(tree(empty)) == _ON_GITLAB
    for name in ("GITLAB_TOKEN", "production-read", "Protect `main`", ".gitlab/CODEOWNERS"):
        assert name in result.stdout
    assert "RECONCILER_BYTES = serving" in result.stdout
    pipeline = yaml.safe_load((empty / ".gitlab-ci.yml").read_text())
    assert pipeline["drift"]["timeout"] == pipeline["apply"]["timeout"] == "1 hour"
