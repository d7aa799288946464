"""The texts that `init` writes: valid, in step with the examples, and the hook that they name."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.errors import UsageError
from reconciler.files import loader
from reconciler.scaffold.package_data import starter_template, this_release
from reconciler.scaffold.template_set import PAGE_WORKFLOW, WORKFLOWS, Start, check_branch, filled
from tests import ROOT
from tests.support.files.init_lab import (  # noqa: F401  a fixture
    EXAMPLE,
    HOOKS,
    NOBODY,
    SETTINGS,
    empty_fixture,
    entries_of,
    init,
    tree,
)
from tests.support.registries.lab import Lab
from tests.support.workflows.workflow_files import EXAMPLES, GITLAB, GITLAB_WITH_PAGE

# --- the texts


def test_the_settings_are_valid_with_every_example_in_them_taken_for_real(
    lab: Lab, empty: Path
) -> None:
    init(lab, cwd=empty)
    text = (empty / SETTINGS).read_text()
    real = re.sub(r"^# (?=[a-z]+:|  )", "", text, flags=re.MULTILINE)
    settings = loader.parse_settings(real.encode(), SETTINGS)
    keys = set(yaml.safe_load(real))
    assert keys >= {
        "branch",
        "registry",
        "exclusive",
        "serving",
        "guards",
        "ignore",
        "policies",
        "notify",
    }
    assert len(settings.policies) == 1


def test_the_files_tell_editors_their_schema_at_the_released_tag(lab: Lab, empty: Path) -> None:
    init(lab, cwd=empty)
    for file, kind in ((SETTINGS, "settings"), (EXAMPLE, "model")):
        line = (empty / file).read_text().splitlines()[0]
        assert line == this_release().modeline("model" if kind == "model" else "settings")
        url = line.removeprefix("# yaml-language-server: $schema=")
        assert (ROOT / url.partition(f"/{this_release().tag}/")[2]).is_file()


@pytest.mark.parametrize("branch", ["feat+x", "a b", "it's", "x*", "ümlaut", "a/", ""])
def test_a_branch_that_a_workflow_would_take_for_a_pattern_is_refused(branch: str) -> None:
    with pytest.raises(UsageError, match="workflows cannot name the branch"):
        check_branch(branch)


@pytest.mark.parametrize(
    ("state", "environments"),
    [
        ("registry-state", ("production-read", "production", "propose")),
        ("registry-state/prod", ("prod-read", "prod", "prod-propose")),
        ("models", ("models-read", "models", "models-propose")),
        ("registry-state/eu/v1.2", ("eu-v1-2-read", "eu-v1-2", "eu-v1-2-propose")),
        ("registry-state/on", ("registry-on-read", "registry-on", "registry-on-propose")),
        ("registry-state/42", ("registry-42-read", "registry-42", "registry-42-propose")),
    ],
)
def test_each_state_has_environments_of_its_own(
    state: str, environments: tuple[str, str, str]
) -> None:
    start = Start(state, "main", None, "github", this_release())
    assert (start.reading, start.environment, start.proposing) == environments
    for name in ("plan", "apply", "drift", "promote", "rollback", "page"):
        text = filled(starter_template(f"github/{name}.yml"), start)
        assert "<<" not in text
        for both in entries_of(text):
            for entry in both if isinstance(both, list) else ():
                found = entry if isinstance(entry, str) else entry["state"]
                assert found == state
                assert isinstance(found, str)


def test_each_example_is_what_init_writes(lab: Lab, tmp_path: Path) -> None:
    page = ("--pages", "--public-page")
    for number, (options, examples) in enumerate(
        (
            ((), [path for path in EXAMPLES if path.name != "page.yml"]),
            (page, EXAMPLES),
            (("--gitlab",), [GITLAB]),
            (("--gitlab", *page), [GITLAB_WITH_PAGE]),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        init(lab, *options, cwd=folder)
        written = {Path(name).name: text for name, text in tree(folder).items()}
        shown = {path.name.removeprefix("with-page"): path.read_text() for path in examples}
        assert {name: written[name].decode() for name in shown} == shown, "`make generated`"
        assert ("page.yml" in written) == ("page.yml" in shown)


def test_every_workflow_that_init_writes_is_an_example() -> None:
    assert {path.name for path in EXAMPLES} == {
        Path(path).name for path in (*WORKFLOWS, PAGE_WORKFLOW)
    }


# --- the hook


def _hook() -> dict[str, Any]:
    (found,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_hook_that_init_asks_for_exists_and_looks_at_the_files_of_the_state(
    lab: Lab, empty: Path
) -> None:
    init(lab, "--state", "models/eu.1", cwd=empty)
    (repo,) = yaml.safe_load((empty / HOOKS).read_text())["repos"]
    (asked,) = repo["hooks"]
    assert (repo["repo"], repo["rev"]) == (this_release().source, this_release().tag)
    assert asked["id"] == _hook()["id"]
    assert _hook()["pass_filenames"] is False
    for files, state in ((asked["files"], "models/eu.1"), (_hook()["files"], "registry-state")):
        for name in ("a.yaml", "team/a.yml", "reconciler.yaml"):
            assert re.search(files, f"{state}/{name}")
        for name in (f"{state}.yaml", f"{state}/a.txt", f"x/{state}/a.yaml"):
            assert not re.search(files, name)
    assert not re.search(asked["files"], "models/euX1/a.yaml")


@pytest.mark.parametrize(("stage", "code"), [("Production", 0), ("Prodcution", 3)])
def test_the_hook_passes_what_is_valid_and_stops_what_is_not(
    lab: Lab, empty: Path, stage: str, code: int
) -> None:
    init(lab, cwd=empty)
    (empty / EXAMPLE).write_text(f"versions: {{1: {{stage: {stage}}}}}\n")
    (repo,) = yaml.safe_load((empty / HOOKS).read_text())["repos"]
    program, *entry = shlex.split(_hook()["entry"])
    assert program == "reconciler"
    done = lab.run(*entry, *repo["hooks"][0]["args"], cwd=empty, env=NOBODY)
    assert done.code == code
    assert ("did you mean" in done.stderr) == bool(code)
