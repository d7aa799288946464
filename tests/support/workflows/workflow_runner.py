"""Runs workflow files as a runner of GitHub does, as far as ours need it; all else is an error."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from itertools import product
from pathlib import Path
from typing import Any

from tests.support.workflows.workflow_checkout import check_out
from tests.support.workflows.workflow_events import Environment, Event, Forge, inputs_of
from tests.support.workflows.workflow_expressions import (
    Functions,
    Strict,
    UnknownError,
    as_text,
    fill,
    holds,
)
from tests.support.workflows.workflow_files import Step, load

_WORKFLOW_KEYS = {"name", "on", "permissions", "concurrency", "jobs"}
_JOB_KEYS = {
    *("name", "needs", "if", "runs-on", "timeout-minutes", "permissions", "strategy"),
    *("environment", "concurrency", "outputs", "steps"),
}
_STEP_KEYS = {"name", "id", "if", "uses", "run", "with", "env", "shell", "working-directory"}
_SHELLS = {
    None: ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
}


@dataclass(frozen=True)
class Done:
    """A step that was run, or replaced by what it would have said."""

    step: Step
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    replaced: bool = False


@dataclass
class Run:
    """What one run of a workflow left behind."""

    name: str
    jobs: dict[str, str] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    summary: str = ""
    artifacts: dict[str, Path] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)

    @property
    def code(self) -> int:
        """The exit code of the first shell that failed, 0 for none."""
        return next((one.code for one in self.done if one.code), 0)

    @property
    def log(self) -> str:
        """Everything that its shells said."""
        return "".join(one.stdout + one.stderr for one in self.done)

    def outputs(self, step: str) -> Mapping[str, str]:
        """Return what the last step of that id set."""
        found = [one.outputs for one in self.done if one.step.keys.get("id") == step]
        return found[-1]


@dataclass
class _Scope:
    """What the steps of one job, or of one action, share."""

    file: Path
    job: str
    run: Run
    folder: Path
    contexts: dict[str, Any]
    secrets: Mapping[str, str]
    env: dict[str, str]
    failed: bool = False

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def functions(self) -> Functions:
        return _status("failure" if self.failed else "success")


@dataclass
class Runner:
    """Runs workflows one after another, each job in a folder of its own."""

    forge: Forge
    folder: Path
    runs: int = 0

    def run(self, workflow: Path, event: Event) -> Run:
        """Run a workflow for an event that starts it."""
        found = load(workflow)
        _known(found, _WORKFLOW_KEYS)
        assert found["permissions"] == {}
        self.runs += 1
        run = Run(workflow.stem)
        inputs = inputs_of(found["on"], event)
        base = {
            "github": self._github(workflow, event),
            "inputs": inputs,
            "vars": self.forge.environments[""].variables,
        }
        self._queue(found, run, base)
        needs: dict[str, Any] = {}
        needed = {name: _names(job.get("needs", [])) for name, job in found["jobs"].items()}
        for name in TopologicalSorter(needed).static_order():
            job = found["jobs"][name]
            _known(job, _JOB_KEYS)
            before = {one: needs[one] for one in needed[name]}
            needs[name] = self._job(Step(workflow, name, job), run, {**base, "needs": before})
            run.jobs[name] = needs[name]["result"]
        return run

    def _job(self, job: Step, run: Run, contexts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a job, once for each entry of its matrix, and return what others see of it."""
        results = {one["result"] for one in contexts["needs"].values()}
        before = "success" if results <= {"success"} else "failure"
        if not holds(str(job.keys.get("if", "success()")), contexts, _status(before)):
            return {"result": "skipped", "outputs": {}}
        failed, outputs = False, {}
        for number, entry in enumerate(_matrix(job.keys)):
            folder = self.folder / f"run-{self.runs}-{run.name}-{job.job}-{number}"
            scope = self._scope(job, run, {**contexts, "matrix": Strict(entry)}, folder)
            self._steps(job.keys["steps"], scope)
            failed |= scope.failed
            for key, text in job.keys.get("outputs", {}).items():
                outputs[key] = fill(text, scope.contexts, scope.functions)
        return {"result": "failure" if failed else "success", "outputs": outputs}

    def _scope(self, job: Step, run: Run, contexts: dict[str, Any], folder: Path) -> _Scope:
        self._queue(job.keys, run, contexts)
        fill(job.keys.get("name", ""), contexts, {})
        given = self.forge.environments[""]
        if "environment" in job.keys:
            given = self._environment(job.keys["environment"], contexts)
        github = Strict(
            contexts["github"],
            job=job.job,
            token=self.forge.token(job.keys["permissions"]),
            workspace=str(folder / "workspace"),
        )
        contexts |= {"github": github, "steps": {}, "vars": given.variables}
        contexts["runner"] = Strict(temp=str(folder / "temp"))
        for part in ("workspace", "temp", "commands"):
            (folder / part).mkdir(parents=True)
        scope = _Scope(job.file, job.job, run, folder, contexts, given.secrets, {})
        scope.env = {**self.forge.environ, **_github_environ(scope)}
        return scope

    def _environment(self, declared: Any, contexts: Mapping[str, Any]) -> Environment:
        if isinstance(declared, str):
            declared = {"name": declared}
        _known(declared, {"name", "deployment"})
        found = self.forge.environments[fill(declared["name"], contexts, {})]
        ref = contexts["github"]["ref"]
        assert found.refs is None or ref in found.refs, f"{declared} is not for {ref}"
        whole = self.forge.environments[""]
        return Environment(
            {**whole.variables, **found.variables}, {**whole.secrets, **found.secrets}
        )

    def _queue(self, keys: Mapping[str, Any], run: Run, contexts: Mapping[str, Any]) -> None:
        if "concurrency" in keys:
            _known(keys["concurrency"], {"group", "queue", "cancel-in-progress"})
            run.groups.append(fill(keys["concurrency"]["group"], contexts, {}))

    def _github(self, workflow: Path, event: Event) -> Strict:
        return Strict(
            event=event.payload,
            event_name=event.name,
            ref=event.ref,
            ref_name=event.ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
            sha=event.sha,
            actor=event.actor,
            actor_id="1",
            repository=self.forge.repository,
            server_url=self.forge.server,
            api_url=self.forge.api,
            workflow=workflow.stem,
            run_id=str(70 + self.runs),
            run_attempt=str(event.attempt),
        )

    def _steps(self, steps: Sequence[Mapping[str, Any]], scope: _Scope) -> None:
        for keys in steps:
            _known(keys, _STEP_KEYS)
            if holds(str(keys.get("if", "success()")), scope.contexts, scope.functions):
                done = self._step(Step(scope.file, scope.job, keys), scope)
                scope.run.done.append(done)
                scope.failed |= done.code != 0
                scope.contexts["steps"][keys.get("id")] = {"outputs": done.outputs}

    def _step(self, step: Step, scope: _Scope) -> Done:
        contexts = {**scope.contexts, "secrets": scope.secrets}
        env = dict(scope.env)
        for name, text in step.keys.get("env", {}).items():
            env[name] = fill(text, contexts, scope.functions)
        if step.run:
            return self._shell(step, scope, env)
        options = {
            name: fill(text, contexts, scope.functions) for name, text in step.options.items()
        }
        return self._action(step, scope, env, options)

    def _shell(self, step: Step, scope: _Scope, env: Mapping[str, str]) -> Done:
        if scope.file.name == "action.yml" and step.keys.get("id") == "install":
            return Done(step, outputs={"folder": str(self.forge.installed)}, replaced=True)
        if "${{" in step.run:
            raise UnknownError("an expression is pasted into a shell")
        number = len(scope.run.done)
        commands = scope.folder / "commands"
        script, outputs, summary = (commands / f"{number}-{what}" for what in ("sh", "out", "sum"))
        script.write_text(step.run, encoding="utf-8")
        outputs.touch()
        summary.touch()
        cwd = fill(step.keys.get("working-directory", "."), scope.contexts, scope.functions)
        ended = subprocess.run(
            [*_SHELLS[step.keys.get("shell")], str(script)],
            cwd=scope.workspace / cwd,
            env={**env, "GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        scope.run.summary += summary.read_text(encoding="utf-8")
        told = dict(_output(line) for line in outputs.read_text(encoding="utf-8").splitlines())
        return Done(step, ended.returncode, ended.stdout, ended.stderr, told)

    def _action(
        self, step: Step, scope: _Scope, env: Mapping[str, str], options: Mapping[str, str]
    ) -> Done:
        name = step.uses.partition("@")[0]
        if step.uses.startswith("./"):
            return self._composite(step, scope, env, options, scope.workspace / step.uses)
        if step.uses in self.forge.actions:
            return self._composite(step, scope, env, options, self.forge.actions[step.uses])
        match name:
            case "actions/checkout":
                check_out(self.forge, scope.contexts["github"], scope.workspace, options)
                return Done(step)
            case "actions/setup-python":
                _known(options, {"python-version"})
                return Done(step)
            case "actions/upload-artifact":
                _keep(scope.run, options, self.folder / f"artifacts-{self.runs}")
                return Done(step)
            case "actions/create-github-app-token":
                assert options["client-id"], "an App without a client id"
                assert options["private-key"], "an App without a key"
                return Done(
                    step, outputs={"token": self.forge.app_token(), "app-slug": "registry-app"}
                )
            case _:
                raise UnknownError(f"the action {step.uses} is not known here")

    def _composite(
        self,
        step: Step,
        scope: _Scope,
        env: Mapping[str, str],
        options: Mapping[str, str],
        folder: Path,
    ) -> Done:
        file = folder.resolve() / "action.yml"
        action = load(file)
        _known(options, action["inputs"])
        inputs = Strict()
        for name, about in action["inputs"].items():
            default = fill(about.get("default", ""), scope.contexts, {})
            assert name in options or not about.get("required"), name
            inputs[name] = options.get(name, default)
        github = Strict(scope.contexts["github"], action_path=str(folder))
        runner = scope.contexts["runner"]
        inner = replace(
            scope,
            file=file,
            job="action",
            contexts={"github": github, "inputs": inputs, "runner": runner, "steps": {}},
            secrets={},
            env={**env, "GITHUB_ACTION_PATH": str(folder)},
            failed=False,
        )
        self._steps(action["runs"]["steps"], inner)
        outputs = {
            name: fill(about["value"], inner.contexts, {})
            for name, about in action["outputs"].items()
        }
        return Done(step, int(inner.failed), outputs=outputs)


def _github_environ(scope: _Scope) -> dict[str, str]:
    """Return the variables that every step has; the token is not one of them."""
    github: Mapping[str, Any] = scope.contexts["github"]
    path = scope.folder / "event.json"
    path.write_text(json.dumps(github["event"]), encoding="utf-8")
    said = {
        f"GITHUB_{name.upper()}": value
        for name, value in github.items()
        if name not in {"event", "token"}
    }
    temp = scope.contexts["runner"]["temp"]
    return {
        **said,
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_PATH": str(path),
        "RUNNER_TEMP": temp,
    }


def _matrix(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    strategy = job.get("strategy", {"matrix": {}})
    _known(strategy, {"matrix", "fail-fast"})
    axes = dict(strategy["matrix"])
    if "include" in axes:
        assert set(axes) == {"include"}, "an axis beside `include` is not interpreted"
        yield from axes["include"]
        return
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _keep(run: Run, options: Mapping[str, str], folder: Path) -> None:
    """Keep an artifact, as `upload-artifact` does."""
    _known(options, {"name", "path", "if-no-files-found", "overwrite"})
    source = Path(options["path"])
    if not source.exists():
        assert options["if-no-files-found"] == "ignore", f"no {source}"
        return
    name = options["name"]
    assert name not in run.artifacts or options["overwrite"] == "true", f"{name} is there already"
    run.artifacts[name] = folder / name
    shutil.copytree(source, run.artifacts[name], dirs_exist_ok=True)


def _output(line: str) -> tuple[str, str]:
    name, sign, value = line.partition("=")
    if not sign or "<<" in name:
        raise UnknownError(f"an output of several lines: {line}")
    return name, value


def _status(result: str) -> Functions:
    return {
        "always": lambda: True,
        "cancelled": lambda: False,
        "success": lambda: result == "success",
        "failure": lambda: result == "failure",
    }


def _names(found: str | Sequence[str]) -> list[str]:
    return [found] if isinstance(found, str) else list(found)


def _known(keys: Mapping[str, Any], known: Mapping[str, Any] | set[str]) -> None:
    unknown = set(keys) - set(known)
    if unknown:
        raise UnknownError(f"{as_text(', '.join(sorted(unknown)))}: not known here")
