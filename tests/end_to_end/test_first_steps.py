"""The first minutes with a registry that is not as a file would say: stages, aliases and both."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import yaml

import reconciler
from reconciler.authoring.questions import OpenQuestion
from reconciler.registries.connect import connect
from tests.support.files.init_lab import (  # noqa: F401  a fixture
    NOBODY,
    SETTINGS,
    add,
    empty_fixture,
    tree,
)
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab


class Registry:
    """A registry in a file, of the test's own."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.seeds = MlflowSeeds(uri)

    def model(
        self, name: str, *, stages: Mapping[int, str] = {}, aliases: Mapping[str, int] = {}
    ) -> None:
        self.seeds.create_model(name)
        for _ in range(max((*stages, *aliases.values()), default=1)):
            self.seeds.create_version(name)
        with closing(connect(self.uri, {}, timeout=60)) as registry:
            for version, stage in stages.items():
                registry.set_stage(name, version, stage)
            for alias, version in aliases.items():
                registry.set_alias(name, alias, version)


@pytest.fixture(name="registry")
def registry_fixture(sqlite_uri: str) -> Registry:
    return Registry(sqlite_uri)


def run(lab: Lab, registry: Registry, cwd: Path, *arguments: str) -> Result:
    return lab.run(*arguments, "--registry-uri", registry.uri, cwd=cwd, env=NOBODY)


def commit(lab: Lab, folder: Path) -> None:
    GitLab(folder, lab.git.home).commit(message="live")


def test_the_first_plan_is_empty_also_where_a_stage_has_two_versions(
    lab: Lab, empty: Path, registry: Registry
) -> None:
    registry.model("fraud", stages={3: "Production", 4: "Production"}, aliases={"champion": 3})
    registry.model("churn", stages={1: "Production"})
    started = run(lab, registry, empty, "init")
    assert started.code == 0
    assert "Decide which version of this model stays" in started.stdout
    assert started.stderr == ""
    first = started.stdout.partition("  1. ")[2].partition("  2. ")[0]
    assert "v4 (created " in first
    assert "v3 (@champion, created " in first
    assert "reconciler import fraud --keep VERSION" in first
    assert not (empty / "registry-state/fraud.yaml").exists()
    commit(lab, empty)
    plan = run(lab, registry, empty, "plan", "--format", "json", "--detailed-exitcode")
    assert (plan.code, plan.document["changes"]) == (0, [])

    assert run(lab, registry, empty, "import", "fraud", "--keep", "3").code == 0
    commit(lab, empty)
    plan = run(lab, registry, empty, "plan", "--format", "json")
    changes = [(row["model"], row["version"], row["after"]) for row in plan.document["changes"]]
    assert changes == [("fraud", 4, "Archived")]


def test_where_no_version_has_a_stage_an_alias_serves(
    lab: Lab, empty: Path, registry: Registry
) -> None:
    registry.model("a", aliases={"live": 2, "next": 3})
    registry.model("b", aliases={"live": 1})
    registry.model("e", aliases={"live": 1})
    registry.model("c", aliases={"next": 1})
    registry.model("d", aliases={"own": 1})
    started = run(lab, registry, empty, "init")
    assert started.code == 0
    said = yaml.safe_load((empty / SETTINGS).read_text())
    assert said["serving"] == {"alias": "live"}
    assert said["guards"] == {"aliases": ["live"]}
    assert f"by {SETTINGS} @live serves (on 3 of 5 models)" in started.stderr
    files = {
        name: yaml.safe_load((empty / f"registry-state/{name}.yaml").read_text()).get("serving")
        for name in "abcd"
    }
    assert files == {"a": None, "b": None, "c": None, "d": {"alias": "own"}}
    assert "`c`: no version serves by @live; there is @next" in started.stderr
    assert "`d`: no version serves by @live, but one by @own" in started.stderr
    commit(lab, empty)
    plan = run(lab, registry, empty, "plan", "--format", "json", "--detailed-exitcode")
    assert (plan.code, plan.document["changes"]) == (0, [])

    for model, version in (("a", 2), ("d", 1)):
        shown = run(lab, registry, empty, "show", model, "--format", "json").document
        assert shown["version"]["version"] == version
    edit = run(lab, registry, empty, "promote", "a", "3", "--format", "json")
    assert edit.document["meaning"][0] == "@live 2 → 3"
    edit = run(lab, registry, empty, "promote", "d", "1", "--format", "json")
    assert edit.document["meaning"] == []


def test_losing_the_alias_that_serves_is_refused(lab: Lab, registry: Registry) -> None:
    registry.model("a", aliases={"live": 1})
    lab.git.commit(
        {"registry-state/a.yaml": "serving: {alias: live}\nversions: {1: {aliases: [live]}}"}
    )
    root = lab.git.root
    assert run(lab, registry, root, "apply", "--yes").code == 0
    lab.git.commit({"registry-state/a.yaml": "serving: {stage: Production}\nversions: {1: {}}"})
    plan = run(lab, registry, root, "plan", "--format", "json")
    assert plan.code == 4
    (violation,) = plan.document["violations"]
    assert violation["message"] == "no version would be serving (@live); now it is v1"
    assert "`serving` of `a` is still @live, not Production" in plan.document["notes"]


def test_import_says_what_serves_as_init_does_and_overwrites_no_settings(
    lab: Lab, registry: Registry
) -> None:
    registry.model("a", aliases={"live": 1})
    registry.model("b", aliases={"live": 1})
    root = lab.git.root
    named = run(lab, registry, root, "import", "a")
    assert named.code == 0
    assert tree(root).keys() == {"registry-state/a.yaml"}
    assert b"serving:\n  alias: live\n" in tree(root)["registry-state/a.yaml"]
    assert run(lab, registry, root, "import", "--format", "json").document["written"] == [
        SETTINGS,
        "registry-state/b.yaml",
    ]
    assert yaml.safe_load((root / SETTINGS).read_text())["serving"] == {"alias": "live"}
    assert "serving" not in (root / "registry-state/b.yaml").read_text()

    (root / SETTINGS).write_text("branch: main\n")
    told = run(lab, registry, root, "import")
    assert (root / SETTINGS).read_text() == "branch: main\n"
    assert "add `serving: {alias: live}` and `guards: {aliases: [live]}` to it" in told.stderr
    for file in ("a", "b"):
        (root / f"registry-state/{file}.yaml").unlink()
    started = run(lab, registry, root, "init", "--format", "json").document
    lines = next(step for step in started["next"] if step.startswith("Add these lines"))
    add(root, lines)
    said = yaml.safe_load((root / SETTINGS).read_text())
    assert str(said.pop("registry")).startswith("sqlite:///"), "a pin that was not there either"
    assert said == {
        "branch": "main",
        "serving": {"alias": "live"},
        "guards": {"aliases": ["live"]},
    }


def test_a_folder_can_have_both_kinds(lab: Lab, empty: Path, registry: Registry) -> None:
    registry.model("by-stage", stages={1: "Production"}, aliases={"champion": 1})
    registry.model("by-alias", aliases={"champion": 1})
    registry.model("new")
    assert run(lab, registry, empty, "init").code == 0
    assert "serving" not in yaml.safe_load((empty / SETTINGS).read_text())
    files = {
        name: yaml.safe_load((empty / f"registry-state/{name}.yaml").read_text()).get("serving")
        for name in ("by-stage", "by-alias", "new")
    }
    assert files == {"by-stage": None, "by-alias": {"alias": "champion"}, "new": None}


def test_a_program_is_asked_what_a_person_would_be(lab: Lab, registry: Registry) -> None:
    registry.model("a", aliases={"green": 1, "blue": 2})
    registry.model("b", aliases={"green": 1, "blue": 1})
    asked: list[OpenQuestion] = []

    def ask(question: OpenQuestion) -> str | None:
        asked.append(question)
        return "green"

    r = reconciler.open(root=lab.git.root, registry_uri=registry.uri, environ=lab.git.env)
    files = r.init(ask=ask)
    (question,) = asked
    assert (dict(question.choices), question.default) == (
        {"blue": "on 2 of 2 models", "green": "on 2 of 2 models"},
        "blue",
    )
    assert "serving: {alias: green}" in files.contents[SETTINGS]
    assert "@blue on no fewer" in " ".join(problem.message for problem in files.warnings)
    assert "serving" not in r.init(ask=lambda _: None).contents["registry-state/a.yaml"]
