"""The command line: arguments → exit code, and what stands on stdout and on stderr."""

import subprocess
import sys
from typing import Any

import click
import pytest

from reconciler.cli import cli
from tests.support.registries.lab import Lab
from tests.support.registries.servers import free_port

_V1 = "versions: {1: {stage: Production, aliases: [champion]}}"
_NOBODY = {"MLFLOW_TRACKING_URI": ""}
_COMMANDS = cli.list_commands(click.Context(cli))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frob"], "No such option"),
        (["frob"], "frob"),
        (["--no-color"], "Missing command"),
        (["ci"], "Missing command"),
        (["plan", "--frob"], "No such option"),
        (["plan", "extra"], "`extra` matches no model"),
        (["drift", "extra*"], "`extra*` matches no model"),
        (["plan", "--format"], "requires an argument"),
        (["plan", "--format", "yaml"], "'yaml' is not one of 'text', 'json', 'markdown'"),
        (["validate", "--format", "markdown"], "'markdown' is not one of 'text', 'json'"),
        (["--format", "markdown", "validate"], "`validate` prints text or json"),
        (["plan", "--model", "nosuch*"], "`nosuch*` matches no model"),
        (["apply", "--yes", "--model", "nosuch"], "`nosuch` matches no model"),
        (["drift", "--model", "nosuch"], "`nosuch` matches no model"),
        (["plan", "--adopt", "nosuch"], "--adopt `nosuch` matches no model"),
        (["plan", "--since", "nosuch"], "is not a branch, tag or commit"),
        (["plan", "--registry-uri", "localhost:5000"], "did you mean `http://localhost:5000`?"),
        (["plan", "--state", "nosuch"], "there is no state folder `nosuch`"),
        (["validate", "--state", "README.md"], "is a file"),
        (["apply"], "cannot ask for confirmation"),
        (["apply", "--yes", "--accept", "everything"], "no such rule"),
        (["apply", "--yes", "--accept", "empty-serving"], "--accept empty-serving=MODEL"),
        (["apply", "--yes", "--accept", "removals=m"], "write `--accept removals`"),
        (["apply", "--yes", "--timeout", "0"], "--timeout"),
        (["apply", "--yes", "--parallelism", "0"], "--parallelism"),
        (["status", "nosuch"], "neither declared nor in the registry"),
        (["forget", "nosuch"], "`nosuch` is not in the registry"),
        (["forget"], "Missing argument 'MODEL...'"),
        (["import", "nosuch"], "`nosuch` is not in the registry"),
        (["schema", "nosuch"], "'nosuch' is not one of 'model', 'settings'"),
    ],
)
def test_a_command_line_that_cannot_be_carried_out_exits_1_and_says_why(
    lab: Lab, arguments: list[str], said: str
) -> None:
    model = lab.model(1)
    lab.git.commit({"README.md": "models", f"registry-state/{model}.yaml": _V1})

    plain = lab.run(*arguments)
    assert plain.code == 1
    assert plain.stdout == ""
    assert said in plain.stderr
    assert "Traceback" not in plain.stderr
    assert "\\n" not in plain.stderr
    assert lab.hand.values(model) == {}

    if "--format" not in arguments:
        in_json = lab.run("--format", "json", *arguments)
        assert in_json.code == 1
        assert said in in_json.document["errors"][0]["message"] + str(
            in_json.document["errors"][0]["hint"]
        )
        assert in_json.document["exit"] == {"code": 1, "reason": "usage"}


@pytest.mark.parametrize(
    "command", ["plan", "apply --yes", "drift", "status", "forget m", "import"]
)
def test_no_registry_is_ever_assumed(lab: Lab, command: str) -> None:
    lab.declare("m", _V1)
    result = lab.run(*command.split(), env=_NOBODY)
    assert result.code == 1
    for name in ("--registry-uri", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI", "registry:"):
        assert name in result.stderr
    assert not (lab.git.root / "mlruns").exists()
    assert not (lab.git.root / "mlflow.db").exists()


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_tells_of_every_option(lab: Lab, command: str) -> None:
    lab.git.commit()
    shown = lab.run(command, "--help", env=_NOBODY)
    assert shown.code == 0
    assert shown.stderr == ""
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    options = [param for param in found.params if isinstance(param, click.Option)]
    for option in options:
        assert option.help, f"{option.name} has no help"
        assert all(name in shown.stdout for name in option.opts)
    common = {"--state", "--registry-uri", "--format", "--no-color", "--verbose"}
    assert common <= {name for option in options for name in option.opts}


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_list_of_commands_says_what_the_command_says_of_itself(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    listed = [line.split(maxsplit=1) for line in cli.get_help(click.Context(cli)).splitlines()]
    assert [command, found.short_help] in listed


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = (
        "import sys; from reconciler.cli import run; run(['--help'])\n"
        "print(*(name for name in sys.modules if name.startswith('reconciler.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stderr.split())
    assert "reconciler.cli" in imported
    assert not imported & {"reconciler.api", "reconciler.cli.commands", "reconciler.core.plan"}


def test_no_arguments_show_the_help_with_every_command(lab: Lab) -> None:
    lab.git.commit()
    shown = lab.run()
    assert shown.code == 0
    assert all(f"\n  {command} " in shown.stdout for command in _COMMANDS)
    assert lab.run("--version").stdout.startswith("reconciler, version ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["--state", "models", "--format", "json"], []),
        ([], ["--state", "models", "--format", "json"]),
        (["--state", "models"], ["--format=json"]),
        (["--state", "elsewhere", "--format", "text"], ["--state", "models", "--format", "json"]),
    ],
)
def test_common_options_stand_before_or_after_the_command(
    lab: Lab, before: list[str], after: list[str]
) -> None:
    model = lab.model(1)
    lab.git.commit({f"models/{model}.yaml": _V1})
    result = lab.run(*before, "plan", *after)
    assert result.code == 0
    assert result.document["state"]["path"] == "models"


def test_the_state_folder_comes_from_the_environment_and_from_below(lab: Lab) -> None:
    model = lab.model(1)
    lab.git.commit({f"models/{model}.yaml": _V1, "src/deep/code.py": ""})
    below = lab.git.root / "src" / "deep"
    for cwd in (lab.git.root, below):
        result = lab.run("plan", "--format", "json", env={"RECONCILER_STATE": "models"}, cwd=cwd)
        assert result.code == 0
        assert result.document["state"]["path"] == "models"
        assert result.document["models"][0]["file"] == f"models/{model}.yaml"
    told = lab.run("validate", "--state", "models", env={"RECONCILER_STATE": "x"}, cwd=below)
    assert told.code == 0


def test_the_option_names_the_registry_before_the_environment_does(lab: Lab) -> None:
    lab.declare(lab.model(1), _V1)
    nowhere = f"http://127.0.0.1:{free_port()}"
    for arguments, env in (
        (["--registry-uri", lab.uri], {"MLFLOW_REGISTRY_URI": nowhere}),
        ([], {"MLFLOW_REGISTRY_URI": lab.uri, "MLFLOW_TRACKING_URI": nowhere}),
        ([], {"MLFLOW_REGISTRY_URI": "", "MLFLOW_TRACKING_URI": f"{lab.uri}/"}),
    ):
        result = lab.run("plan", "--format", "json", *arguments, env=env)
        assert result.code == 0
        assert result.document["registry"]["uri"] == lab.uri


@pytest.mark.parametrize("command", ["plan", "drift", "status", "validate"])
def test_what_is_no_terminal_gets_no_colours(lab: Lab, command: str) -> None:
    lab.declare(lab.model(1), _V1)
    for arguments, env in (([], {}), (["--no-color"], {}), ([], {"NO_COLOR": "1"})):
        assert "\x1b" not in lab.run(command, *arguments, env=env).text


def test_a_plan_outside_a_repository_is_two_way_and_says_so(lab: Lab, tmp_path: Any) -> None:
    model = lab.model(1)
    lab.hand.tag(model, None, "team", "x")
    folder = tmp_path / "plain"
    (folder / "registry-state").mkdir(parents=True)
    (folder / "registry-state" / f"{model}.yaml").write_text(_V1)

    planned = lab.run("plan", "--format", "json", cwd=folder)
    assert planned.code == 0
    assert planned.document["summary"]["changes"] == 2
    assert planned.document["summary"]["records"] == 0
    assert planned.document["state"]["commit"] is None
    assert "not a git repository" in planned.stderr
    assert "nothing is removed" in planned.stderr
    refused = lab.run("apply", "--yes", cwd=folder)
    assert refused.code == 5
    assert "git init" in refused.stderr
    assert lab.run("plan", "--since", "HEAD", cwd=folder).code == 5
    assert lab.hand.values(model) == {"tag team": "x"}


def test_a_repository_without_a_commit_is_planned_but_not_applied(lab: Lab) -> None:
    model = lab.model(1)
    lab.git.write({f"registry-state/{model}.yaml": _V1})
    planned = lab.run("plan")
    assert planned.code == 0
    assert "there is no commit yet" in planned.stderr
    refused = lab.run("apply", "--yes", "--format", "json")
    assert refused.code == 5
    assert "git commit" in refused.document["errors"][0]["hint"]
    assert lab.hand.values(model) == {}


def test_globs_choose_models_and_an_exact_name_is_no_glob(lab: Lab) -> None:
    one, other = lab.model(1), lab.model(1)
    lab.git.commit({f"registry-state/{name}.yaml": _V1 for name in (one, other)})

    def chosen(*globs: str) -> list[str]:
        arguments = [part for glob in globs for part in ("--model", glob)]
        document = lab.run("plan", "--format", "json", *arguments).document
        return [model["model"] for model in document["models"]]

    assert chosen() == chosen("lab-*") == chosen(one, other) == sorted([one, other])
    assert chosen(one) == [one]
    for command in ("plan", "drift"):
        named = lab.run(command, one, "--model", f"{other[:-1]}?", "-o", "json").document
        assert {one, other} <= {model["model"] for model in named["models"]}
        (alone,) = lab.run(command, one, "-o", "json").document["models"]
        assert alone["model"] == one
    assert lab.run("apply", "--yes", "--model", one).code == 0
    assert lab.hand.values(other) == {}
    near = lab.run("plan", "--model", f"{one}x")
    assert "did you mean" in near.stderr


def test_a_dry_run_has_the_checks_and_the_code_of_apply_and_writes_nothing(lab: Lab) -> None:
    model = lab.model(2)
    lab.git.write({"registry-state/reconciler.yaml": "branch: main\n"})
    lab.declare(model, _V1)
    told = lab.run("apply", "--dry-run")
    assert told.code == 0
    assert "  + @champion  v1\n" in told.stdout
    assert "plan: 2 changes on 1 of 1 model" in told.stdout
    assert told.stderr == "nothing was written\n"
    digest = lab.run("plan", "-o", "json").document["digest"]
    assert lab.run("apply", "--dry-run", "--expect", digest).code == 0
    assert lab.run("apply", "--dry-run", "--expect", "sha256:0").code == 5
    saved = lab.run("plan", "--out", "p.json", "-q")
    assert (saved.code, saved.stderr) == (0, "")
    assert lab.run("apply", "p.json", "--dry-run", "--record", "--all-or-nothing").code == 0

    lab.git.write({f"registry-state/{model}.yaml": f"description: x\n{_V1}"})
    assert lab.run("plan", model).code == 0
    dirty = lab.run("apply", "--dry-run", "-o", "json")
    assert dirty.code == 4
    assert [one["name"] for one in dirty.document["violations"]] == ["dirty"]
    lab.git.branch("aside")
    lab.git.commit()
    off_main = lab.run("apply", "--dry-run")
    assert off_main.code == 4
    assert "refused: off-main" in off_main.stdout
    assert lab.run("apply", "--dry-run", "--accept", "off-main").code == 0
    lab.declare(model, f"{_V1[:-1]}, 9: {{stage: Staging}}}}")
    assert lab.run("apply", "--dry-run", "--accept", "off-main").code == 3

    assert lab.hand.holds(model) == {"v1 stage": "None", "v2 stage": "None"}
    assert "refs/notes" not in lab.git.git("for-each-ref")


def test_since_looks_only_at_what_changed_and_at_all_when_settings_did(lab: Lab) -> None:
    one, other = lab.model(1), lab.model(1)
    lab.git.commit({f"registry-state/{name}.yaml": _V1 for name in (one, other)})
    lab.git.branch("topic")
    lab.declare(one, f"description: new\n{_V1}")

    def chosen() -> list[str]:
        document = lab.run("plan", "--since", "main", "--format", "json").document
        return [model["model"] for model in document["models"]]

    assert chosen() == [one]
    lab.git.commit({f"registry-state/{other}.yaml": f"# only a comment\n{_V1}"})
    assert chosen() == [one]
    lab.git.commit({"registry-state/reconciler.yaml": "exclusive: [Production, Staging]\n"})
    assert chosen() == sorted([one, other])


def test_exit_2_is_for_those_who_ask_and_for_drift(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _V1)
    assert lab.run("plan").code == 0
    detailed = lab.run("plan", "--detailed-exitcode", "--format", "json")
    assert detailed.code == 2
    assert detailed.document["exit"] == {"code": 2, "reason": "changes"}
    assert lab.run("drift").code == 2
    assert lab.run("apply", "--yes").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0
    assert lab.run("drift").code == 0
    assert lab.run("status").code == 0
    lab.hand.alias(model, "champion", None)
    assert lab.run("drift", "--format", "json").document["exit"]["code"] == 2


def test_a_wrong_file_is_told_with_file_line_and_column_in_every_command(lab: Lab) -> None:
    lab.declare("m", "versions:\n  4:\n    stage: production\n  007: {}\n")
    for command in (["validate"], ["plan"], ["apply", "--yes"], ["drift"], ["status"]):
        result = lab.run(*command, "--format", "json")
        assert result.code == 3
        places = [(e["file"], e["line"], e["column"]) for e in result.document["errors"]]
        assert places == [("registry-state/m.yaml", 3, 12), ("registry-state/m.yaml", 4, 3)]
        assert result.document["exit"] == {"code": 3, "reason": "declared state"}
        assert "registry-state/m.yaml:3:12: " in result.stderr
        assert "did you mean `Production`?" in result.stderr


def test_the_last_line_of_text_counts_changes_models_requests_and_seconds(lab: Lab) -> None:
    lab.declare(lab.model(1), _V1)
    for command in (["plan"], ["status"], ["drift"], ["apply", "--yes"]):
        last = lab.run(*command).stdout.splitlines()[-1]
        changes, models, requests, seconds = last.split(", ")
        assert changes == "2 changes"
        assert models == "1 model"
        assert requests.split()[1] == "requests"
        assert float(seconds.removesuffix(" s")) >= 0


_PLAN: dict[str, Any] = {
    "format_version": str,
    "digest": str,
    "registry": {"uri": str, "name": None, "workspace": None},
    "state": {"path": str, "commit": str, "dirty": bool},
    "summary": dict.fromkeys(
        ("models", "changes", "drift", "unmanaged", "violations", "records"), int
    ),
    "changes": [
        {
            **dict.fromkeys(("model", "field", "action", "cause"), str),
            "version": (int, type(None)),
            "key": (str, type(None)),
            "before": (str, int, type(None)),
            "after": (str, int, type(None)),
        }
    ],
    "models": [
        {
            **dict.fromkeys(("model", "outcome", "file", "digest"), str),
            "records": bool,
            "messages": [str],
            "bytes": [],
            "consumers": [],
        }
    ],
    "violations": [],
    "errors": [],
    "exit": {"code": int, "reason": (str, type(None))},
}


def _fits(value: Any, shape: Any, at: str = "") -> None:
    """Compare keys, their order, and types with a shape."""
    if isinstance(shape, dict):
        assert list(value) == list(shape) or set(value) == set(shape), at
        for key, inner in shape.items():
            _fits(value[key], inner, f"{at}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), at
        for item in value:
            _fits(item, shape[0], f"{at}[]")
    elif shape is None:
        assert value is None, at
    else:
        assert isinstance(value, shape), at
        assert not (isinstance(value, bool) and shape is not bool), at


def test_the_documents_of_plan_drift_and_apply_have_the_keys_that_scripts_read(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.alias(model, "champion", 2)
    lab.declare(model, f"description: x\n{_V1}")
    planned = lab.run("plan", "--format", "json").document
    for one in planned["models"]:
        assert [side["candidate"]["version"] for side in one.pop("evidence")] == [1]
    _fits(planned, _PLAN)
    assert list(planned) == list(_PLAN), "in the order of the documentation"
    assert planned["format_version"] == "1"

    drift = lab.run("drift", "--format", "json").document
    _fits(
        drift,
        {
            **_PLAN,
            "pending": _PLAN["changes"],
            "deleted": [{"model": str, "version": int}],
            "bytes": [],
            "summary": {**_PLAN["summary"], "pending": int},
        },
    )
    counts = dict.fromkeys(("applied", "failed", "skipped", "stale", "superseded"), int)
    row = {**_PLAN["changes"][0], "outcome": str, "error": (str, type(None))}
    _fits(
        lab.run("apply", "--yes", "--format", "json").document,
        {**_PLAN, "summary": {**_PLAN["summary"], **counts}, "changes": [row]},
    )


def test_the_same_input_gives_the_same_bytes(lab: Lab) -> None:
    names = [lab.model(2) for _ in range(4)]
    tags = "tags: {b: x, a: y}"
    lab.git.commit({f"registry-state/{name}.yaml": f"{tags}\n{_V1}" for name in names})
    one, other = (lab.run("plan", "--format", "json") for _ in range(2))
    assert one.stdout == other.stdout
    models = [change["model"] for change in one.document["changes"]]
    assert models == sorted(models)


@pytest.mark.parametrize("kind", ["model", "settings"])
def test_schema_prints_a_json_schema(lab: Lab, kind: str) -> None:
    lab.git.commit()
    schema = lab.run("schema", kind, env=_NOBODY).document
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert ("versions" if kind == "model" else "exclusive") in schema["properties"]


def test_an_import_in_front_of_a_plan_leaves_nothing_to_plan(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.stage(model, 2, "Production")
    lab.hand.alias(model, "champion", 2)
    lab.hand.tag(model, 2, "risk", "2.10")
    before = lab.hand.values(model)
    written = lab.run("import", model, "--format", "json")
    assert written.code == 0
    assert written.document["written"] == [f"registry-state/{model}.yaml"]
    lab.git.commit()
    planned = lab.run("plan", "--detailed-exitcode", "--format", "json")
    assert planned.code == 0
    assert planned.document["summary"]["changes"] == 0
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == before
