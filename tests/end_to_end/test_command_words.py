"""What is typed before any registry is asked: other tools' words, help, completion, `-o`, `-q`."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reconciler.cli import cli
from reconciler.cli.other_names import ANSWERS
from tests.support.registries.lab import Lab
from tests.support.repositories.history_lab import FILE, V3, offline

_COMMANDS = cli.list_commands(click.Context(cli))


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    return offline(tmp_path)


@pytest.mark.parametrize("word", sorted(ANSWERS))
def test_a_word_of_another_tool_is_answered_with_the_command_that_is_meant(
    lab: Lab, word: str
) -> None:
    assert word not in _COMMANDS
    told = lab.run(word, "something")
    assert (told.code, told.stdout) == (1, "")
    assert told.stderr.startswith(f"there is no command `{word}`\n  ")
    for named in re.findall(r"`reconciler (\w+)", told.stderr):
        assert named in _COMMANDS


def test_the_words_that_people_try_first_have_an_answer(lab: Lab) -> None:
    for word, meant in {
        "ls": "status",
        "get": "status",
        "diff": "plan",
        "sync": "apply",
        "undo": "rollback",
        "log": "history",
        "lint": "validate",
        "delete": "forget",
        "version": "--version",
        "Plan": "plan",
        "plann": "plan",
    }.items():
        assert meant in lab.run(word).stderr
    assert "see `reconciler -h`" in lab.run("xyzzy").stderr
    assert "MLFLOW_TRACKING_USERNAME" in lab.run("login").stderr


@pytest.mark.parametrize("command", [(), ("plan",), ("ci",), ("ci", "plan")])
def test_help_is_a_word_as_well_as_an_option(lab: Lab, command: tuple[str, ...]) -> None:
    as_word, as_option = lab.run("help", *command), lab.run(*command, "--help")
    assert as_word == as_option
    assert as_word.stdout.startswith(f"Usage: {' '.join(('reconciler', *command))} ")


def test_help_for_what_is_no_command_says_so(lab: Lab) -> None:
    told = lab.run("help", "ls")
    assert (told.code, told.stdout) == (1, "")
    assert "`reconciler status` lists" in told.stderr


@pytest.mark.parametrize("option", [("-o", "json"), ("-ojson",), ("-qo", "json"), ("-qojson",)])
def test_o_is_short_for_format_also_where_the_command_fails(
    lab: Lab, option: tuple[str, ...]
) -> None:
    lab.git.commit({FILE: V3})
    for arguments in (("validate", *option), (*option, "validate")):
        assert lab.run(*arguments).document["exit"]["code"] == 0
    for arguments in (("frob", *option), (*option, "plan", "--frob")):
        assert lab.run(*arguments).document["exit"]["code"] == 1


def test_every_command_that_has_a_format_has_its_short_form_and_quiet(lab: Lab) -> None:
    for command in _COMMANDS:
        usage = lab.run(command, "--help").stdout
        assert "-o, --format" in usage
        assert "-q, --quiet" in usage


def test_quiet_leaves_the_data_and_the_errors(lab: Lab) -> None:
    lab.git.commit({FILE: V3})
    talking, quiet = lab.run("history", "fraud"), lab.run("history", "fraud", "--quiet")
    assert "no apply records" in talking.stderr
    assert quiet.stderr == ""
    untimed = [re.sub(r"[\d.]+ s$", "", one.stdout) for one in (talking, quiet)]
    assert untimed[0] == untimed[1]

    wrong = lab.run("-q", "history", "nosuch")
    assert (wrong.code, "was never declared" in wrong.stderr) == (1, True)
    assert "contradict" in lab.run("-qv", "validate").stderr


def test_a_warning_about_a_file_is_conversation_and_an_error_is_not(lab: Lab) -> None:
    lab.git.commit({FILE: "versions: {1: {aliases: [Champion, champion]}}"})
    assert "Champion" in lab.run("validate").stderr
    assert lab.run("validate", "-q").stderr == ""
    lab.git.commit({FILE: "versions: {1: {stage: production}}"})
    assert "did you mean `Production`?" in lab.run("validate", "-q").stderr


def _completed(lab: Lab, shell: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask the command as the shell's script does, or for the script itself."""
    asked = "complete" if words else "source"
    typed = {"COMP_WORDS": " ".join(["reconciler", *words]), "COMP_CWORD": str(len(words))}
    return subprocess.run(
        [sys.executable, "-m", "reconciler"],
        cwd=lab.git.root,
        env={**lab.git.env, "_RECONCILER_COMPLETE": f"{shell}_{asked}", **(typed if words else {})},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(lab: Lab, shell: str) -> None:
    done = _completed(lab, shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_RECONCILER_COMPLETE={shell}_complete" in done.stdout
    assert "reconciler" in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pl",), "plan"),
        (("ci", ""), "drift"),
        (("plan", "--ou"), "--out"),
        (("status", "--format", ""), "json"),
        (("show", "fra"), "fraud"),
        (("plan", "--model", ""), "fraud"),
        (("history", "fr"), "fraud"),
        (("apply", "--adopt", "f"), "fraud"),
        (("status", "--only", "unm"), "unmanaged"),
        (("status", "--only", "held,unm"), "held,unmanaged"),
        (("migrate", "stages", "--step", "serve"), "serve-by-alias"),
    ],
)
def test_commands_options_and_declared_models_complete(
    lab: Lab, words: tuple[str, ...], offered: str
) -> None:
    lab.git.write({FILE: V3})
    done = _completed(lab, "bash", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"plain,{offered}" in done.stdout.splitlines()


def test_an_option_that_takes_a_path_completes_to_files(lab: Lab) -> None:
    for words in (
        ("consumers", "--scan"),
        ("consumers", "--access-log"),
        ("migrate", "stages", "--scan"),
        ("migrate", "rewrite", "--path"),
    ):
        assert _completed(lab, "bash", *words, "ap").stdout == "file,ap\n"


def test_a_line_that_makes_no_sense_completes_to_nothing(lab: Lab) -> None:
    for words in (("frob", ""), ("show", "--state", "nowhere", "f"), ("show", "f")):
        done = _completed(lab, "bash", *words)
        assert (done.returncode, done.stderr) == (0, "")
