"""What is released: the files, the lowest versions, the workflow, the image and its CronJobs."""

import os
import re
import subprocess
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.version import Version

import reconciler
from reconciler.cli import _COMMANDS, cli
from reconciler.scaffold.package_data import this_release
from tests import ROOT
from tests.support.registries.lab import Lab
from tests.support.repositories.git_lab import GitLab
from tests.support.workflows.workflow_files import jobs, run_step, step_of, steps

_RELEASE = ROOT / ".github" / "workflows" / "release.yml"
_CLUSTER = ROOT / "examples" / "kubernetes"
_DOCKERFILE = (_CLUSTER / "Dockerfile").read_text(encoding="utf-8")
_CRONJOBS = list(yaml.safe_load_all((_CLUSTER / "cronjobs.yaml").read_text(encoding="utf-8")))
_SECRETS = {
    found["metadata"]["name"]: found["stringData"]
    for found in yaml.safe_load_all((_CLUSTER / "secrets.yaml").read_text(encoding="utf-8"))
}
_URL = "https://git.example.com/acme/models.git"


def _bounds() -> list[Requirement]:
    """Return what the project itself asks for on this Python, with the extra `local`."""
    found = [Requirement(text) for text in distribution("mlflow-reconciler").requires or ()]
    local = {"extra": "local"}
    return [one for one in found if one.marker is None or one.marker.evaluate(local)]


# --- the files


def test_the_package_is_typed_and_brings_no_tests() -> None:
    assert (Path(reconciler.__file__).parent / "py.typed").exists()
    files = distribution("mlflow-reconciler").files
    assert files
    tops = {file.parts[0] for file in files if len(file.parts) > 1 and file.parts[0] != ".."}
    assert {top for top in tops if not top.endswith(".dist-info")} <= {"reconciler"}


def test_every_library_has_a_lower_bound_and_what_is_installed_keeps_it() -> None:
    assert len(_bounds()) > 8
    for bound in _bounds():
        lowest = {one.version for one in bound.specifier if one.operator == ">="}
        assert len(lowest) == 1, bound
        installed = Version(version(bound.name))
        assert installed >= Version(lowest.pop()), bound


def test_the_lowest_versions_are_tested_and_not_some_higher_ones() -> None:
    lowest = {bound.name: str(bound.specifier) for bound in _bounds()}
    installed = {name: f">={version(name)}" for name in lowest}
    higher = {name for name in lowest if Version(installed[name][2:]) > Version(lowest[name][2:])}
    # Elsewhere than in `make test-lowest` some library is newer: else this one could not fail.
    assert bool(higher) == (os.environ.get("RECONCILER_TESTED") != "lowest"), higher


@pytest.mark.parametrize("kind", ["model", "settings"])
def test_the_schemas_that_are_published_are_those_of_this_version(kind: str) -> None:
    printed = CliRunner().invoke(cli, ["schema", kind]).stdout
    assert (ROOT / "schema" / f"{kind}.json").read_text() == printed, "make generated"


def test_files_that_are_shown_to_editors_name_the_schema_of_this_version() -> None:
    lines = [
        line
        for path in (*ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.yaml"), ROOT / "README.md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("# yaml-language-server:")
    ]
    assert lines
    assert set(lines) <= {this_release().modeline("model"), this_release().modeline("settings")}


def test_the_action_that_the_documentation_shows_is_the_one_of_this_version() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md"))
    assert set(re.findall(r"uses: (\S+/mlflow-reconciler@\S+)", pages)) == {this_release().action}


def test_the_source_of_actions_hooks_and_schemas_has_one_place() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nSource = "{this_release().source}"' in project
    assert f'\nversion = "{this_release().version}"' in project
    owner = this_release().action.partition("/")[0]
    strays = [
        path.name
        for path in Path(reconciler.__file__).parent.rglob("*")
        if path.suffix != ".pyc" and path.is_file() and f"{owner}/mlflow-" in path.read_text()
    ]
    assert strays == []


def test_the_changelog_names_every_command() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert sorted(name for name in _COMMANDS if f"`{name}" not in text) == []
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0] == "[Unreleased]"


def test_every_make_command_that_is_documented_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *ROOT.glob("docs/*.md")]
    named = {
        name
        for page in pages
        for name in re.findall(r"(?:`|\$ |&& )make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    assert {"test", "test-wheel", "test-lowest", "coverage", "mutate"} <= named
    assert named <= targets


def test_make_help_tells_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets == set(phony.split())
    told = re.findall(r'^\t@echo "make ([\w-]+) ', text, re.MULTILINE)
    assert sorted(told) == sorted(targets - {"help"})


# --- the workflow


def test_only_the_job_that_publishes_can_and_it_publishes_what_another_one_tested() -> None:
    build, publish = (jobs(_RELEASE)[name] for name in ("build", "publish"))
    assert build["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"id-token": "write"}
    assert (publish["needs"], publish["environment"]) == ("build", "pypi")
    assert [step.run for step in steps(_RELEASE) if step.job == "publish" and step.run] == []
    order = [
        step.run.removeprefix("exec ") or step.uses.partition("@")[0]
        for step in steps(_RELEASE)
        if step.keys.get("id") != "see"
    ]
    assert order[2:] == [
        "make browser",
        "make prometheus",
        "make manifests",
        "make test-wheel",
        "actions/upload-artifact",
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert "secrets." not in _RELEASE.read_text(encoding="utf-8")


@pytest.fixture
def tagged(tmp_path: Path) -> GitLab:
    """Clone a project whose main line has version 1.2.0, described in the changelog."""
    upstream = GitLab.new(tmp_path / "upstream")
    files = {"pyproject.toml": 'version = "1.2.0"\n', "CHANGELOG.md": "## [1.2.0] - 2026-11-21\n"}
    upstream.commit({**files})
    lab = GitLab(tmp_path / "clone", upstream.home)
    upstream.git("clone", "--quiet", str(upstream.root), str(lab.root))
    return lab


def _see(lab: GitLab, tag: str) -> None:
    env = {**lab.env, "GITHUB_REF_NAME": tag, "MAIN": "origin/main"}
    run_step(step_of(_RELEASE, "see"), lab.home, lab.root, env)


def test_a_tag_of_the_version_on_the_main_line_is_released(tagged: GitLab) -> None:
    _see(tagged, "v1.2.0")


@pytest.mark.parametrize("tag", ["v1.2", "v1.2.1", "v1x2.0"])
def test_a_tag_of_another_version_is_refused(tagged: GitLab, tag: str) -> None:
    with pytest.raises(AssertionError):
        _see(tagged, tag)


def test_a_tag_without_words_in_the_changelog_is_refused(tagged: GitLab) -> None:
    tagged.write({"CHANGELOG.md": "## [Unreleased]\n"})
    with pytest.raises(AssertionError):
        _see(tagged, "v1.2.0")


def test_a_tag_beside_the_main_line_is_refused(tagged: GitLab) -> None:
    tagged.commit(message="never merged")
    with pytest.raises(AssertionError):
        _see(tagged, "v1.2.0")


# --- the image


def test_the_image_is_built_from_the_wheel_and_the_lock_on_a_pinned_python() -> None:
    bases = re.findall(r"^FROM (\S+)", _DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
    copied = re.findall(r"^(?:COPY|ADD) (.*)$", _DOCKERFILE, re.MULTILINE)
    assert copied == [
        "dist/*.whl constraints.txt /wheels/",
        "--from=build /opt/reconciler /opt/reconciler",
    ]
    ignored = (_CLUSTER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert [line for line in ignored if not line.startswith("#")] == [
        "*",
        "!dist/*.whl",
        "!constraints.txt",
    ]


def test_the_image_has_git_and_runs_as_somebody_who_is_not_root() -> None:
    final = _DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"apt-get install .*\bgit\b", final)
    orders = re.findall(r"^([A-Z]+) (.*)$", final, re.MULTILINE)
    assert [order for order, _ in orders[-3:]] == ["USER", "WORKDIR", "ENTRYPOINT"]
    assert dict(orders)["USER"] == "10001:10001"
    assert dict(orders)["ENTRYPOINT"] == '["reconciler"]'


# --- the cluster


def _pod(cronjob: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


def _containers(cronjob: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    (clone,), (apply,) = _pod(cronjob)["initContainers"], _pod(cronjob)["containers"]
    return clone, apply


_each = pytest.mark.parametrize("cronjob", _CRONJOBS, ids=lambda one: one["metadata"]["name"])


@_each
def test_a_registry_has_one_writer_that_ends_by_itself(cronjob: dict[str, Any]) -> None:
    job = cronjob["spec"]["jobTemplate"]["spec"]
    assert (cronjob["kind"], cronjob["spec"]["concurrencyPolicy"]) == ("CronJob", "Forbid")
    assert (job["backoffLimit"], _pod(cronjob)["restartPolicy"]) == (0, "Never")
    assert 0 < job["activeDeadlineSeconds"] <= 900


@_each
def test_a_job_can_do_nothing_but_its_work(cronjob: dict[str, Any]) -> None:
    pod = _pod(cronjob)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in _containers(cronjob):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"]["cpu"]
        assert not container["image"].endswith(":latest")
    assert all("emptyDir" in volume for volume in pod["volumes"])


@_each
def test_a_credential_comes_from_a_secret_and_goes_only_where_it_is_used(
    cronjob: dict[str, Any],
) -> None:
    clone, apply = _containers(cronjob)
    own = cronjob["metadata"]["name"]
    given = [container["envFrom"] for container in (clone, apply)]
    assert given == [[{"secretRef": {"name": name}}] for name in ("reconciler-git", own)]
    assert {name.rsplit("_", 1)[0] for name in _SECRETS[own]} == {"MLFLOW_TRACKING"}
    assert "env" not in clone.keys() | apply.keys()


def test_no_two_jobs_write_one_registry() -> None:
    assert len(_CRONJOBS) == 2
    folders = {_containers(cronjob)[1]["args"][-1] for cronjob in _CRONJOBS}
    registries = {_SECRETS[one["metadata"]["name"]]["MLFLOW_TRACKING_URI"] for one in _CRONJOBS}
    assert len(folders) == len(registries) == len(_CRONJOBS)


@_each
def test_the_commands_of_a_job_clone_the_whole_history_and_apply_it(
    cronjob: dict[str, Any], lab: Lab, tmp_path: Path
) -> None:
    model = lab.model(2)
    clone, apply = _containers(cronjob)
    file = f"{apply['args'][-1]}/{model}.yaml"
    lab.git.commit({file: "versions: {1: {stage: Production}}"})
    head = lab.git.commit({file: "versions: {2: {stage: Production, aliases: [champion]}}"})
    folder = tmp_path / "models"
    assert clone["args"] == [_URL, apply["workingDir"]]
    settings = _SECRETS["reconciler-git"] | {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_1": f"url.file://{lab.git.root}.insteadOf",
        "GIT_CONFIG_VALUE_1": _URL,
    }
    command = [*clone["command"], _URL, str(folder)]
    subprocess.run(command, env=lab.git.env | settings, check=True)
    here = GitLab(folder, lab.git.home)
    assert here.git("rev-list", "--count", "HEAD") == "2"

    done = lab.run(*apply["args"], cwd=folder)
    assert done.code == 0, done.text
    assert lab.hand.values(model) == {"v2 stage": "Production", "@champion": 2}
    assert lab.hand.recorded(model) == head
    assert here.git("status", "--porcelain") == ""


def test_the_globs_of_the_matrix_match_every_model_once(lab: Lab) -> None:
    text = (_CLUSTER / "README.md").read_text(encoding="utf-8")
    matrix = re.search(r"^ +models: (\[.*\])$", text, re.MULTILINE)
    assert matrix
    names = [f"{letter}-{lab.model(0)}" for letter in ("a", "m", "n", "Z", "0", "ä")]
    for name in names:
        lab.hand.register(name, 1)
        lab.declare(name, "versions: {1: {stage: Production}}")
    parts = [
        [model["model"] for model in lab.run(*arguments).document["models"]]
        for glob in yaml.safe_load(matrix[1])
        for arguments in [("plan", "--format", "json", "--model", glob)]
    ]
    assert all(parts)
    assert sorted(name for part in parts for name in part) == sorted(names)
