"""The shell of the action, the workflows and GitLab's jobs, taken out of them and really run."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import click
import pytest
import uv
import yaml

from reconciler.cli import cli
from tests import ROOT
from tests.support.repositories.git_lab import GitLab
from tests.support.workflows.workflow_files import (
    ACTION,
    GITLAB,
    GITLAB_WITH_PAGE,
    load,
    recorder,
    run_step,
    script_of,
    step_of,
    steps,
)

_FRAUD = """\
versions:
  4: {stage: Staging}
  3: {stage: Production, aliases: [champion]}
"""
_SERVED_FOUR = """\
versions:
  4: {stage: Production, aliases: [champion]}
  3: {stage: Archived}
"""
_GH = """\
#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/said"
echo https://github.example/acme/models/pull/7
"""
_BOMB = "raise SystemExit('the checkout is data, and its code was run')\n"


# --- the shell of the action


def accepted(*arguments: str) -> str:
    """Parse a command line with the command's own parser, and return the command's name."""
    command: click.Command = cli
    context: click.Context | None = None
    rest = list(arguments)
    while True:
        context = command.make_context(command.name or "reconciler", rest, parent=context)
        if not isinstance(command, click.Group):
            return context.command_path
        rest = [*context._protected_args, *context.args]  # noqa: SLF001  what a group leaves over
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"COMMAND": "validate"}, "cli validate"),
        ({"COMMAND": "plan", "REGISTRY_URI": "https://mlflow.example.com/a b"}, "cli ci plan"),
        ({"COMMAND": "plan", "PR": "12"}, "cli ci plan"),
        ({"COMMAND": "plan", "DIGESTS": "true"}, "cli ci plan"),
        ({"COMMAND": "apply"}, "cli ci apply"),
        ({"COMMAND": "apply", "MODEL": "a $(b) c", "DIGEST": "sha256:0"}, "cli ci apply"),
        ({"COMMAND": "drift"}, "cli ci drift"),
        ({"COMMAND": "drift", "BYTES": "serving"}, "cli ci drift"),
        ({"COMMAND": "watch"}, "cli watch"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_the_action_ends_as_one_command_that_the_reconciler_understands(
    inputs: dict[str, str], path: str, tmp_path: Path
) -> None:
    step = step_of(ACTION, "run")
    unset = {name: "" for name in step.keys["env"] if not name.startswith(("GITHUB", "RECON"))}
    folder = recorder(tmp_path)
    env = {**unset, "FOLDER": str(folder), "RECONCILER_STATE": "registry-state/eu prod", **inputs}
    outputs = run_step(step, tmp_path, tmp_path, env)
    told = json.loads((folder / "told.json").read_text())["arguments"]
    said = [argument.removeprefix("--bytes=") for argument in told]
    said += ["true"] if "--digests" in told else []
    assert [text for name, text in inputs.items() if name != "COMMAND" and text not in said] == []
    assert outputs == "artifact=reconciler-registry-state-eu-prod\n"
    assert accepted(*told) == path


def test_a_cancelled_job_reaches_the_reconciler_itself(tmp_path: Path) -> None:
    folder = recorder(tmp_path)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "FOLDER": str(folder), "COMMAND": "plan"}
    step = step_of(ACTION, "run")
    env |= {"GITHUB_OUTPUT": str(tmp_path / "outputs"), "RECONCILER_STATE": "registry-state"}
    with subprocess.Popen(script_of(step, tmp_path), cwd=tmp_path, env=env) as process:
        assert process.wait(30) == 0
    assert json.loads((folder / "told.json").read_text())["process"] == process.pid


def test_code_in_a_pull_request_is_not_run(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("click", "yaml", "reconciler", "sitecustomize", "usercustomize", "json"):
        (checkout / f"{name}.py").parent.mkdir(exist_ok=True)
        (checkout / f"{name}.py").write_text(_BOMB)
    (checkout / "registry-state").mkdir()
    (checkout / "registry-state" / "fraud.yaml").write_text(_FRAUD)
    env = {"FOLDER": str(Path(sys.executable).parent), "COMMAND": "validate"}
    env |= {"RECONCILER_STATE": "registry-state"}
    run_step(step_of(ACTION, "run"), tmp_path, checkout, env)


def test_the_action_installs_the_release_that_is_asked_for_and_no_code_of_the_checkout(
    tmp_path: Path,
) -> None:
    package = "mlflow_reconciler-9.9"
    with zipfile.ZipFile(tmp_path / f"{package}-py3-none-any.whl", "w") as wheel:
        about = "Metadata-Version: 2.1\nName: mlflow-reconciler\nVersion: 9.9\n"
        wheel.writestr(f"{package}.dist-info/METADATA", about)
        wheel.writestr(f"{package}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{package}.dist-info/RECORD", "")
        wheel.writestr(
            f"{package}.dist-info/entry_points.txt",
            "[console_scripts]\nreconciler = platform:libc_ver\n",
        )
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("venv", "ensurepip", "pip", "sitecustomize"):
        (checkout / f"{name}.py").write_text(_BOMB)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").symlink_to(Path(sys.executable).resolve())
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "VERSION": "9.9", "HOME": str(tmp_path)}
    env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "GITHUB_ACTION_PATH": str(ROOT)}
    env |= {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(tmp_path)}
    _wheel_of_uv(tmp_path)
    outputs = run_step(step_of(ACTION, "install"), tmp_path, checkout, env)
    folder = Path(outputs.removeprefix("folder=").strip())
    assert (folder / "reconciler").exists()
    assert (folder / "python").exists()


def _wheel_of_uv(folder: Path) -> None:
    """Pack the uv that is installed here: the step takes it from a package index."""
    package = f"uv-{version('uv')}"
    with zipfile.ZipFile(folder / f"{package}-py3-none-any.whl", "w") as wheel:
        about = f"Metadata-Version: 2.1\nName: uv\nVersion: {version('uv')}\n"
        wheel.writestr(f"{package}.dist-info/METADATA", about)
        wheel.writestr(f"{package}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{package}.dist-info/RECORD", "")
        wheel.write(uv.find_uv_bin(), f"{package}.data/scripts/uv")


# --- the shell of the page

_PAGES = (ROOT / "examples" / "github" / "page.yml", GITLAB_WITH_PAGE)
# Ends as `page` does, with the page made or not.
_PAGE = """\
#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/told"
for out; do :; done
[ "{made}" = no ] || {{ mkdir "$out" && echo made > "$out/index.html"; }}
exit {code}
"""


def published(path: Path, folder: Path, *, code: int = 0, made: str = "yes", second: bool) -> str:
    """Run the shell that makes the page of a state; return the folder, empty where it failed."""
    tool = folder / "bin" / "reconciler"
    tool.parent.mkdir()
    tool.write_text(_PAGE.format(code=code, made=made))
    tool.chmod(0o755)
    env = {"PATH": f"{tool.parent}:{os.environ['PATH']}", "RECONCILER_STATE": "models/eu"}
    if path == GITLAB_WITH_PAGE:
        shell = "\n".join(load(path)["page"]["script"])
        env |= {"CI_NODE_INDEX": "2" if second else "1"}
    else:
        shell = next(step.run for step in steps(path) if step.run)
        env |= {"FOLDER": str(tool.parent), "RUNNER_TEMP": str(folder)}
        env |= {"BELOW": "models/eu" if second else ""}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", shell], cwd=folder, env=env, check=False
    )
    told = (tool.parent / "told").read_text().splitlines()
    assert accepted(*told) == "cli page"
    return "" if done.returncode else str((folder / told[-1]).relative_to(folder))


@pytest.mark.parametrize("path", _PAGES, ids=["github", "gitlab"])
def test_the_page_of_each_state_is_made_where_it_is_published(path: Path, tmp_path: Path) -> None:
    for second in (False, True):
        folder = tmp_path / str(second)
        folder.mkdir()
        top = "public" if path == GITLAB_WITH_PAGE else "page"
        assert published(path, folder, second=second) == top + second * "/models/eu"


@pytest.mark.parametrize("path", _PAGES, ids=["github", "gitlab"])
@pytest.mark.parametrize(("code", "made"), [(6, "yes"), (6, "no"), (3, "no"), (4, "yes")])
def test_a_page_that_says_what_it_could_not_read_is_published_and_no_other_failure_is(
    path: Path, code: int, made: str, tmp_path: Path
) -> None:
    folder = published(path, tmp_path, code=code, made=made, second=True)
    assert bool(folder) == ((code, made) == (6, "yes"))


# --- the shell of promote and rollback


def propose(workflow: str, folder: Path, **inputs: str) -> tuple[GitLab, str, list[str]]:
    """Run a workflow's proposal in a clone; return the remote, the outputs, and what `gh` heard."""
    (folder / "hub").mkdir()
    hub = GitLab.new(folder / "hub")
    hub.commit({"registry-state/fraud.yaml": _FRAUD}, "declare")
    hub.commit({"registry-state/fraud.yaml": _SERVED_FOUR}, "promote")
    if workflow == "promote":
        hub.commit({"registry-state/fraud.yaml": _FRAUD}, "back")
    clone = hub.clone(folder / "clone")
    gh = folder / "tools" / "gh"
    gh.parent.mkdir()
    gh.write_text(_GH)
    gh.chmod(0o755)
    step = step_of(ROOT / ".github" / "workflows" / f"{workflow}.yml", "propose")
    assert set(inputs) <= set(step.keys["env"])
    unset = dict.fromkeys(step.keys["env"], "")
    env = {
        **unset,
        **{name: value for name, value in clone.env.items() if "DATE" not in name},
        "PATH": f"{gh.parent}:{clone.env['PATH']}",
        "FOLDER": str(Path(sys.executable).parent),
        "GIT_AUTHOR_NAME": "grace",
        "GIT_AUTHOR_EMAIL": "1+grace@users.noreply.github.com",
        "MODEL": "fraud",
        "REASON": "$(touch hacked) ::error::",
        "RECONCILER_STATE": "registry-state",
        **inputs,
    }
    outputs = run_step(step, folder, clone.root, env)
    assert not (clone.root / "hacked").exists()
    said = (gh.parent / "said").read_text().splitlines() if (gh.parent / "said").exists() else []
    return hub, outputs, said


def test_promoting_by_hand_pushes_a_branch_and_tells_which_pull_request_to_plan(
    tmp_path: Path,
) -> None:
    hub, outputs, said = propose("promote", tmp_path, VERSION="4", ALIAS="champion")
    assert outputs == "pr=7\n"
    assert said[:2] == ["pr", "create"]
    assert hub.git("log", "-1", "--format=%an %cn", "promote/fraud-v4") == "grace Ada"
    assert "stage: Production" in hub.git("show", "promote/fraud-v4:registry-state/fraud.yaml")
    assert "$(touch hacked)" in hub.git("log", "-1", "--format=%B", "promote/fraud-v4")
    assert (tmp_path / "summary").read_text() == "https://github.example/acme/models/pull/7\n"


def test_a_pull_request_of_the_app_starts_its_own_plan(tmp_path: Path) -> None:
    _, outputs, said = propose("promote", tmp_path, VERSION="4", APP="our-app")
    assert said
    assert outputs == ""


def test_promoting_what_serves_already_opens_nothing(tmp_path: Path) -> None:
    _, outputs, said = propose("promote", tmp_path, VERSION="3")
    assert (outputs, said) == ("pr=\n", [])
    assert "Nothing to do" in (tmp_path / "summary").read_text()


def test_rolling_back_by_hand_goes_to_the_version_before_and_blocks_this_one(
    tmp_path: Path,
) -> None:
    hub, outputs, said = propose("rollback", tmp_path, BLOCK="yes")
    assert outputs == "pr=7\n"
    assert said[:2] == ["pr", "create"]
    after = yaml.safe_load(hub.git("show", "rollback/fraud-v3:registry-state/fraud.yaml"))
    assert after["versions"][3]["stage"] == "Production"
    assert "blocked" in after["versions"][4]


# --- GitLab


@pytest.mark.parametrize(
    ("job", "path"),
    [
        ("validate", "cli validate"),
        ("plan", "cli ci plan"),
        ("apply", "cli ci apply"),
        ("drift", "cli ci drift"),
    ],
)
@pytest.mark.parametrize("model", ["", "fraud detection"])
def test_a_gitlab_job_ends_as_one_command_that_the_reconciler_understands(
    job: str, path: str, model: str, tmp_path: Path
) -> None:
    git = GitLab.new(tmp_path)
    git.git("remote", "add", "origin", "https://token@gitlab.example/acme/models.git")
    folder = recorder(tmp_path)
    env = {**git.env, "PATH": f"{folder}:{git.env['PATH']}", "GITLAB_TOKEN": "gl-secret"}
    env |= {"CI_PROJECT_URL": "https://gitlab.example/acme/models"}
    env |= {"RECONCILER_MODEL": model, "RECONCILER_DIGEST": model and "sha256:0"}
    env |= {"RECONCILER_BYTES": model and "all"}
    script = "\n".join(load(GITLAB)[job]["script"])
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=git.root, env=env, check=False
    )
    assert done.returncode == 0
    told = json.loads((folder / "told.json").read_text())["arguments"]
    assert ("fraud detection" in told) == bool(model and job == "apply")
    assert ("--bytes=all" in told) == bool(model and job == "drift")
    assert accepted(*told) == path


def test_the_gitlab_apply_pushes_with_a_token_that_is_written_nowhere(tmp_path: Path) -> None:
    git = GitLab.new(tmp_path)
    git.git("remote", "add", "origin", "https://job:old@gitlab.example/acme/models.git")
    git.environ |= {
        "CI_PROJECT_URL": "https://gitlab.example/acme/models",
        "GITLAB_TOKEN": "gl-secret",
    }
    commands = [line for line in load(GITLAB)["apply"]["script"] if line.startswith("git ")]
    subprocess.run(["bash", "-ec", "\n".join(commands)], cwd=git.root, env=git.env, check=True)
    assert (
        git.git("remote", "get-url", "--push", "origin") == "https://gitlab.example/acme/models.git"
    )
    assert "gl-secret" not in (git.root / ".git" / "config").read_text()
    filled = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=https\nhost=gitlab.example\n\n",
        cwd=git.root,
        env=git.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"username=oauth2", "password=gl-secret"} <= set(filled.stdout.split())
