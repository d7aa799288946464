"""Two registries in one repository: each folder is a state, and a wrong move writes nothing."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import MlflowSeeds, Proxy, proxy

_PROD, _STAGING = "registry-state/prod", "registry-state/staging"
_PIN = re.compile(r"^ +(run_id|source):.*\n", re.MULTILINE)


@dataclass
class Environments:
    """A repository with both states, imported and applied; `model` is in both registries."""

    lab: Lab
    prod: Proxy
    model: str

    def run(
        self, command: str, *arguments: str, state: str = _PROD, cwd: Path | None = None
    ) -> Result:
        return self.lab.run(command, "--state", state, *arguments, cwd=cwd)

    def file(self, state: str) -> Path:
        return self.lab.git.root / state / f"{self.model}.yaml"

    def refused(self, *told: str) -> None:
        """See that every command refuses what is committed, and that prod gets no write."""
        before = self.lab.hand.holds(self.model)
        for command in (("plan",), ("apply", "--yes"), ("apply", "--yes", "--adopt", self.model)):
            result = self.run(*command)
            assert result.code == 3, result.text
            for words in told:
                assert words in result.text
        assert self.prod.writes == []
        assert self.lab.hand.holds(self.model) == before


@pytest.fixture(name="both")
def both_fixture(lab: Lab, sqlite_uri: str) -> Iterator[Environments]:
    model = lab.model(3)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    seeds = MlflowSeeds(sqlite_uri)
    seeds.create_model(model)
    for number in (1, 2, 3):
        seeds.create_version(model, source=f"s3://trials/{number}")
    lab.environ = {"MLFLOW_TRACKING_URI": ""}
    with proxy(lab.uri) as prod:
        for state, uri in ((_PROD, prod.uri), (_STAGING, sqlite_uri)):
            settings = f"branch: main\nregistry: {uri}\n"
            lab.git.write({f"{state}/reconciler.yaml": settings})
        found = Environments(lab, prod, model)
        versions = (
            "versions:\n  3: {stage: Production, aliases: [champion], source: 's3://trials/3'}\n"
        )
        found.file(_STAGING).write_text(versions)
        assert found.run("import", model).code == 0
        lab.git.commit({}, "declare both")
        for state in (_PROD, _STAGING):
            applied = found.run("apply", "--yes", state=state)
            assert applied.code == 0, applied.text
        prod.log.clear()
        yield found


def test_each_state_has_its_own_registry_and_its_own_values(both: Environments) -> None:
    assert both.lab.hand.values(both.model)["@champion"] == 1
    for state in (_PROD, _STAGING):
        assert both.run("drift", state=state).code == 0
    shown = both.run("status", both.model, state=_STAGING)
    assert "champion" in shown.stdout
    assert "v3" in shown.stdout


def test_a_file_copied_over_that_of_another_state_writes_nothing(both: Environments) -> None:
    shutil.copy(both.file(_STAGING), both.file(_PROD))
    both.lab.git.commit({}, "copy")
    both.refused("is not the declared version", "s3://trials/3", "s3://bucket/3")


def test_a_file_moved_to_another_state_writes_nothing(both: Environments) -> None:
    both.lab.git.move(f"{_STAGING}/{both.model}.yaml", f"{_PROD}/moved.yaml")
    both.file(_PROD).unlink()
    both.lab.git.write({f"{_PROD}/moved.yaml": f"model: {both.model}\n{_text(both)}"})
    both.lab.git.commit({}, "move")
    both.refused("is not the declared version")


def _text(both: Environments) -> str:
    return (both.lab.git.root / _PROD / "moved.yaml").read_text()


def test_a_copy_without_pins_writes_nothing(both: Environments, tmp_path: Path) -> None:
    versions = "versions:\n  3: {stage: Production, aliases: [champion]}\n"
    both.file(_PROD).write_text(versions)
    both.lab.git.commit({}, "copy")
    both.refused("version 3 has the alias `champion` and no pin", "`staging`", "import --update")
    validated = both.run("validate")
    assert validated.code == 3
    assert f"{_PROD}/{both.model}.yaml:2:3" in validated.text
    elsewhere = both.run("validate", state=str(both.lab.git.root / _PROD), cwd=tmp_path)
    assert elsewhere.code == 3, "from outside of the repository, too"


@pytest.mark.parametrize(
    "entry",
    ["{stage: Archived}", "{stage: Staging}", "{tags: {a: b}}", "{source: 's3://bucket/2'}"],
)
def test_a_version_that_serves_nobody_needs_no_pin(both: Environments, entry: str) -> None:
    both.lab.git.write({f"{_PROD}/{both.model}.yaml": f"versions:\n  2: {entry}\n"})
    assert both.run("validate").code == 0


def test_the_first_state_alone_needs_no_pins(both: Environments) -> None:
    shutil.rmtree(both.lab.git.root / _STAGING)
    both.file(_PROD).write_text("versions:\n  3: {stage: Production}\n")
    assert both.run("validate").code == 0


def test_import_adds_the_pins_that_are_asked_for(both: Environments) -> None:
    text = both.file(_PROD).read_text()
    both.file(_PROD).write_text(_PIN.sub("", text))
    assert both.run("validate").code == 3
    added = both.run("import", both.model, "--update")
    assert added.code == 0, added.text
    assert both.run("validate").code == 0


def test_a_promotion_writes_the_pins(both: Environments) -> None:
    promoted = both.run("promote", both.model, "2", "--alias", "champion")
    assert promoted.code == 0, promoted.text
    assert "s3://bucket/2" in both.file(_PROD).read_text()
    assert both.run("validate").code == 0


def test_a_rollback_to_an_unpinned_version_changes_no_file(both: Environments) -> None:
    serves = "{stage: Production, aliases: [champion]%s}"
    then = f"versions:\n  2: {serves % ''}\n  3: {{stage: Archived}}\n"
    now = f"versions:\n  2: {{stage: Archived}}\n  3: {serves % ', source: s3://bucket/3'}\n"
    settings = (both.lab.git.root / _STAGING / "reconciler.yaml").read_text()
    both.lab.git.write({f"{_STAGING}/reconciler.yaml": None})
    for versions in (then, now):
        both.lab.git.commit({f"{_PROD}/{both.model}.yaml": versions}, "before there were two")
        assert both.run("apply", "--yes").code == 0
    both.lab.git.commit({f"{_STAGING}/reconciler.yaml": settings}, "now there are two")
    before = both.file(_PROD).read_text()
    result = both.run("rollback", both.model)
    assert result.code == 3, result.text
    assert "no pin" in result.text
    assert both.file(_PROD).read_text() == before


def test_a_state_does_not_talk_to_the_registry_of_another(both: Environments) -> None:
    staging = (both.lab.git.root / _STAGING / "reconciler.yaml").read_text()
    uri = staging.rpartition("registry: ")[2].strip()
    result = both.run("plan", "--registry-uri", uri)
    assert result.code == 4
    assert "this state is pinned to" in result.text
