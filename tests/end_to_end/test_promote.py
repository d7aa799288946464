"""`reconciler promote` in real repositories: the smallest diff, up to a pull request."""

import json
import os
from pathlib import Path

import pytest

from tests.support.registries.lab import Hand, Lab
from tests.support.repositories.git_lab import GitLab
from tests.support.repositories.promote_lab import FILE, FRAUD, lab_fixture, promote, text  # noqa: F401  a fixture

_PROMOTED = """\
# asked by: payments
versions:
    4:
        stage: 'Production'   # since May
        aliases: [champion]
    3:
        stage: Archived
        aliases: ["stable"]   # serves
"""
_GH = """\
#!/bin/sh
printf '%s\\0' "$@" > "$(dirname "$0")/said"
echo https://github.example/pull/7
"""


@pytest.fixture(name="live_lab")
def live_lab_fixture(mlflow_uri: str, tmp_path: Path) -> Lab:
    """Set up an empty checkout in front of the shared `mlflow server`."""
    return Lab(GitLab.new(tmp_path), mlflow_uri, Hand(mlflow_uri))


@pytest.fixture(name="path_of_gh")
def path_of_gh_fixture(tmp_path: Path) -> Path:
    """Put a `gh` first on the PATH that writes down what it is told."""
    script = tmp_path / "bin" / "gh"
    script.parent.mkdir()
    script.write_text(_GH)
    script.chmod(0o755)
    return script.parent


def gits_alone(tmp_path: Path) -> str:
    """Return a PATH on which there is git and a shell, and no `gh`."""
    folder = tmp_path / "only-git"
    folder.mkdir()
    for name in ("git", "sh"):
        place = next(p for d in os.environ["PATH"].split(":") if (p := Path(d) / name).exists())
        (folder / name).symlink_to(place)
    return str(folder)


# --- the file


def test_a_promotion_changes_its_lines_and_no_others(lab: Lab) -> None:
    done = promote(lab, "fraud", "4", "--alias", "champion")
    assert text(lab) == _PROMOTED
    assert "+        stage: 'Production'   # since May" in done.stdout.splitlines()
    assert "v4 Staging → Production" in done.stdout.splitlines()
    assert "v3 Production → Archived" in done.stdout.splitlines()
    assert "@champion 3 → 4" in done.stdout.splitlines()
    assert done.stderr.count("no registry is named") == 1
    assert "@stable stays on v3" in done.stderr


def test_the_same_promotion_again_writes_nothing(lab: Lab) -> None:
    promote(lab, "fraud", "4")
    before = text(lab)
    done = promote(lab, "fraud", "4", "--commit", "--format", "json").document
    assert (done["diff"], done["meaning"], done["commit"]) == ("", [], None)
    assert text(lab) == before


def test_a_version_that_is_not_in_the_file_is_added_in_order(lab: Lab) -> None:
    promote(lab, "fraud", "5", "--to", "Staging", "--tag", "risk=true", "--tag", "a=b=c")
    entry = "    5:\n        stage: Staging\n        tags:\n"
    tags = "            risk: 'true'\n            a: b=c\n"
    assert text(lab) == FRAUD.replace("versions:\n", f"versions:\n{entry}{tags}")


def test_where_an_alias_serves_promoting_moves_that_alias(lab: Lab) -> None:
    lab.git.write({"registry-state/reconciler.yaml": "serving: {alias: champion}\n"})
    done = promote(lab, "fraud", "4", "--format", "json").document
    assert done["meaning"] == ["@champion 3 → 4"]
    (note,) = done["notes"]
    assert note.startswith(
        "v3 stays in Production while @champion, which serves, moves to v4: read"
    )
    done = promote(lab, "fraud", "4", "--to", "Production", "--format", "json").document
    assert done["meaning"] == ["v4 Staging → Production", "v3 Production → Archived"]


def test_a_model_that_is_not_declared_is_an_error_that_names_import(lab: Lab) -> None:
    done = promote(lab, "fruad", "4", code=1)
    assert "`reconciler import fruad`" in done.stderr
    assert "did you mean `fraud`?" in done.stderr


def test_a_blocked_version_is_refused_with_its_reason(lab: Lab) -> None:
    lab.git.write({FILE: "versions: {3: {}, 4: {blocked: leaks the label}}\n"})
    before = text(lab)
    assert "leaks the label" in promote(lab, "fraud", "4", code=4).stderr
    assert text(lab) == before


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--alias", "latest", "reserved by MLflow"),
        ("--alias", "v4", "reserved by MLflow"),
        ("--alias", "a.b", "only letters, digits"),
        ("--alias", "private-x", "`ignore.aliases`"),
        ("--tag", "mlflow.user=x", "`mlflow.*` and `reconciler.*` always are"),
        ("--tag", "reconciler.y=1", "`mlflow.*` and `reconciler.*` always are"),
        ("--tag", "a/=1", "MLflow reads it as a path"),
        ("--tag", f"{'k' * 251}=1", "250"),
        ("--tag", "a=\udcff", "not UTF-8"),
    ],
)
def test_what_no_file_may_say_is_told_in_words_of_the_option(
    lab: Lab, option: str, value: str, rule: str
) -> None:
    lab.git.write({"registry-state/reconciler.yaml": "ignore: {aliases: [private-*]}\n"})
    said = promote(lab, "fraud", "4", option, value, code=1).stderr
    shown = f"`{option} {value[:20]}".encode(errors="backslashreplace").decode()
    assert said.startswith(shown)
    assert rule in said
    assert "write another, or leave the option out" in said
    assert FILE not in said, "the file is not wrong"
    assert text(lab) == FRAUD


def test_a_tag_without_a_value_is_a_usage_error(lab: Lab) -> None:
    promote(lab, "fraud", "4", "--tag", "risk", code=1)


def test_a_tag_with_two_values_is_a_usage_error(lab: Lab) -> None:
    done = promote(lab, "fraud", "4", "--tag", "risk=low", "--tag", "risk=high", code=1)
    assert "`--tag risk=low`: the tag is given twice" in done.stderr
    promote(lab, "fraud", "4", "--tag", "risk=low", "--tag", "risk=low")


def test_a_reason_that_goes_nowhere_is_said(lab: Lab) -> None:
    warning = "warning: --reason goes into the commit's message, and none is made"
    assert warning in promote(lab, "fraud", "4", "--reason", "It is better.").stderr
    lab.git.git("checkout", "--", FILE)
    assert "warning" not in promote(lab, "fraud", "4").stderr
    lab.git.git("checkout", "--", FILE)
    done = promote(lab, "fraud", "4", "--commit", "--reason", "It is better.")
    assert "warning" not in done.stderr
    assert warning in lab.run("rollback", "fraud", "--reason", "It leaks.").stderr
    lab.git.git("checkout", "--", FILE)
    done = lab.run("rollback", "fraud", "--block", "--reason", "It leaks.")
    assert done.code == 0, done.text
    assert "warning" not in done.stderr, "the file has it"
    assert "It leaks." in text(lab)


# --- git


@pytest.mark.parametrize("command", [("promote", "fraud", "4"), ("rollback", "fraud", "--block")])
def test_a_reason_that_is_no_text_is_refused(lab: Lab, command: tuple[str, ...]) -> None:
    done = lab.run(*command, "--reason", "so \udcff")
    assert (done.code, text(lab)) == (1, FRAUD)
    assert "`--reason` is not UTF-8 text" in done.stderr


def test_a_commit_has_that_file_alone(lab: Lab) -> None:
    lab.git.write({"notes.txt": "mine", "staged.txt": "mine"})
    lab.git.git("add", "staged.txt")
    done = promote(lab, "fraud", "4", "--commit", "--reason", "It is better.", "--format", "json")
    assert done.document["commit"] == lab.git.git("rev-parse", "HEAD")
    assert done.document["branch"] == "main"
    assert lab.git.git("show", "--format=", "--name-only", "HEAD") == FILE
    assert lab.git.git("log", "-1", "--format=%B").splitlines() == [
        "Promote fraud v4 to Production",
        "",
        "It is better.",
        "",
        "- v4 Staging → Production",
        "- v3 Production → Archived",
    ]
    assert lab.git.git("status", "--short") == "A  staged.txt\n?? notes.txt"


@pytest.mark.parametrize("staged", [True, False])
def test_other_peoples_changes_in_the_file_are_never_committed(lab: Lab, *, staged: bool) -> None:
    theirs = f"description: mine\n{FRAUD}"
    lab.git.write({FILE: theirs})
    if staged:
        lab.git.git("add", FILE)
    head = lab.git.git("rev-parse", "HEAD")
    assert "not committed" in promote(lab, "fraud", "4", "--commit", code=4).stderr
    assert text(lab) == theirs
    assert lab.git.git("rev-parse", "HEAD") == head


def test_a_branch_is_new_and_named_after_the_promotion(lab: Lab) -> None:
    done = promote(lab, "fraud", "4", "--branch", "--format", "json").document
    assert done["branch"] == lab.git.git("branch", "--show-current") == "promote/fraud-v4"
    lab.git.checkout("main")
    assert text(lab) == FRAUD
    promote(lab, "fraud", "4", "--branch", code=4)
    promote(lab, "fraud", "4", "--branch", "no..name", code=1)
    assert text(lab) == FRAUD
    promote(lab, "fraud", "4", "--branch", "mine")
    assert lab.git.git("branch", "--show-current") == "mine"


def test_a_detached_head_needs_a_branch(lab: Lab) -> None:
    lab.git.git("checkout", "--quiet", "--detach")
    promote(lab, "fraud", "4", "--commit", code=4)
    assert text(lab) == FRAUD
    promote(lab, "fraud", "4", "--branch")


def test_a_push_brings_the_branch_to_the_remote(lab: Lab) -> None:
    done = promote(lab, "fraud", "4", "--branch", "--push", "--format", "json").document
    there = lab.git.git("ls-remote", "origin", "refs/heads/promote/fraud-v4").split()[0]
    assert there == done["commit"]


def test_a_push_that_is_not_taken_leaves_the_commit_and_says_the_command(lab: Lab) -> None:
    hook = Path(lab.git.git("remote", "get-url", "origin").removeprefix("file://"))
    script = hook / ".git" / "hooks" / "pre-receive"
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    done = promote(lab, "fraud", "4", "--branch", "--push", "--format", "json", code=5)
    assert done.document["commit"] == lab.git.git("rev-parse", "HEAD")
    assert "git push --set-upstream origin promote/fraud-v4" in done.stderr


def test_without_a_remote_nothing_is_written(lab: Lab) -> None:
    lab.git.git("remote", "remove", "origin")
    promote(lab, "fraud", "4", "--push", code=1)
    assert text(lab) == FRAUD


def test_a_pull_request_is_opened_with_a_title_and_a_body(lab: Lab, path_of_gh: Path) -> None:
    path = f"{path_of_gh}:{os.environ['PATH']}"
    arguments = ("fraud", "4", "--pr", "--reason", "$(touch x) `y`", "--format", "json")
    done = promote(lab, *arguments, path=path).document
    assert done["pull_request"] == "https://github.example/pull/7"
    said = (path_of_gh / "said").read_text().split("\0")[:-1]
    assert said[:8] == [
        *("pr", "create", "--head", "promote/fraud-v4", "--base", "main"),
        *("--title", "Promote fraud v4 to Production"),
    ]
    assert said[8:] == [
        "--body",
        "$(touch x) `y`\n\n- v4 Staging → Production\n- v3 Production → Archived",
    ]


def test_without_gh_all_before_it_is_done_and_the_command_is_said(lab: Lab, tmp_path: Path) -> None:
    alone = gits_alone(tmp_path)
    done = promote(lab, "fraud", "4", "--pr", "--format", "json", code=1, path=alone)
    there = lab.git.git("ls-remote", "origin", "refs/heads/promote/fraud-v4").split()[0]
    assert there == done.document["commit"]
    assert "gh pr create --head promote/fraud-v4 --base main --fill" in done.stderr
    assert done.document["exit"]["code"] == 1


def test_outside_a_repository_the_file_is_edited_and_a_commit_is_an_error(lab: Lab) -> None:
    outside = lab.git.home / "outside"
    (outside / "registry-state").mkdir(parents=True)
    (outside / "registry-state" / "fraud.yaml").write_text(FRAUD)
    done = lab.run("promote", "fraud", "4", "--commit", cwd=outside)
    assert done.code == 5
    assert "run it in a clone, or start a repository here: `git init`" in done.stderr
    assert lab.run("promote", "fraud", "4", cwd=outside).code == 0


def test_several_commands_follow_on_one_branch_and_document_is_one(lab: Lab) -> None:
    promote(lab, "fraud", "4", "--branch", "work")
    done = promote(lab, "fraud", "4", "--alias", "champion", "--commit", "--format", "json")
    assert json.loads(done.stdout)["meaning"] == ["@champion 3 → 4"]


# --- the registry, where it can be asked


def test_what_the_registry_has_is_pinned_and_what_it_has_not_is_refused(
    live_lab: Lab,
) -> None:
    model = live_lab.model(2)
    live_lab.declare(model, "versions: {1: {stage: Production}}\n")
    done = live_lab.run("promote", model, "2")
    assert done.code == 0, done.text
    assert "source: s3://bucket/2" in text(live_lab, f"registry-state/{model}.yaml")
    assert "not checked" not in done.stderr
    done = live_lab.run("promote", model, "99")
    assert done.code == 3
    assert f"`{model}` has no version 99" in done.stderr
    assert "99" not in text(live_lab, f"registry-state/{model}.yaml")
    assert live_lab.hand.values(model) == {}


def test_a_version_that_is_another_one_than_pinned_is_refused(live_lab: Lab) -> None:
    model = live_lab.model(2)
    live_lab.declare(model, "versions: {2: {source: s3://elsewhere}}\n")
    assert "is not the declared version" in live_lab.run("promote", model, "2").stderr
    assert live_lab.run("promote", model, "2").code == 3


def test_a_registry_that_cannot_be_reached_is_said(lab: Lab) -> None:
    done = lab.run("promote", "fraud", "4", "--registry-uri", "sqlite:////nowhere/x.db")
    assert done.code == 0, done.text
    assert "not checked against a registry" in done.stderr
