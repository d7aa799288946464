"""A file of the version that serves is replaced through MLflow's own API: what sees it, and when.

The server passes its artifacts on, and the model is a real one: its predictions tell what serves.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from reconciler.errors import ExitCode
from tests.support.registries.lab import Lab

_CODE: Final = """import mlflow


class Constant(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[int]) -> list[int]:
        return [{answer}]


mlflow.models.set_model(Constant())
"""
_NAME: Final = "constant.py"


class Team:
    """A checkout, and the hand of somebody who may log to the registry."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        from mlflow import MlflowClient  # noqa: PLC0415  1.1 s

        self.lab = lab
        self.model = lab.model(0)
        self.client = MlflowClient(lab.uri, lab.uri)
        # The shared server passes on the files of an experiment that says so.
        place = f"mlflow-artifacts:/{self.model}"
        self._experiment = self.client.create_experiment(self.model, place)
        self._folder = folder

    def log(self, *answers: int) -> None:
        """Log and register a version for each answer."""
        import mlflow  # noqa: PLC0415  1.1 s

        for answer in answers:
            with mlflow.start_run(experiment_id=self._experiment):
                mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(self.code(answer)),
                    registered_model_name=self.model,
                    pip_requirements=[],
                )

    def code(self, answer: int) -> Path:
        """Write the one file that decides what the model answers."""
        path = self._folder / _NAME
        path.write_text(_CODE.format(answer=answer))
        return path

    def swap(self, version: int, answer: int) -> None:
        """Replace that file of a version, as whoever may log can."""
        self.put(version, self.code(answer))

    def put(self, version: int, file: Path) -> None:
        """Upload a file under the logged model of a version."""
        source = self.client.get_model_version(self.model, str(version)).source or ""
        self.client.log_model_artifact(source.removeprefix("models:/"), str(file))

    def served(self) -> int:
        """Return what `models:/…@champion` answers now."""
        import mlflow  # noqa: PLC0415  1.1 s

        answer: int = mlflow.pyfunc.load_model(f"models:/{self.model}@champion").predict([0])[0]
        return answer

    def promote(self, version: int, *more: str) -> None:
        """Declare that a version serves, and commit it."""
        self.ok("promote", self.model, str(version), "--alias", "champion", *more)
        self.lab.git.commit({}, f"promote {version}")

    def ok(self, *arguments: str) -> str:
        """Run a command that succeeds."""
        result = self.lab.run(*arguments)
        assert result.code == 0, result.text
        return result.text


@pytest.fixture(name="team")
def team_fixture(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    import mlflow  # noqa: PLC0415  1.1 s

    monkeypatch.setenv("MLFLOW_TRACKING_URI", lab.uri)
    mlflow.set_tracking_uri(lab.uri)
    yield Team(lab, tmp_path)
    mlflow.set_tracking_uri("")


def _versions(team: Team) -> Any:
    return team.lab.hand.call("GET", "model-versions/search", max_results=100)


def test_a_swapped_file_flips_predictions_and_is_found_and_kept_from_serving_again(
    team: Team,
) -> None:
    model, lab = team.model, team.lab
    team.log(1, 2)
    lab.declare(model, "description: not served yet\n")
    for version in (1, 2):
        team.promote(version)
        team.ok("apply", "--yes", "--record")
    assert team.served() == 2

    before = _versions(team)
    team.swap(2, 9)
    assert team.served() == 9
    assert _versions(team) == before  # the registry has not changed by a byte

    # Same sizes: what reads no bytes cannot see it.
    assert team.ok("plan", "--detailed-exitcode")
    assert team.ok("drift")
    drift = lab.run("drift", "--bytes")
    assert drift.code == ExitCode.CHANGES
    assert _NAME in drift.stdout

    team.ok("rollback", model)
    lab.git.commit({}, "back to 1")
    team.ok("apply", "--yes")
    assert team.served() == 1

    team.promote(2)
    held = lab.hand.values(model)
    for command in (("plan",), ("apply", "--yes")):
        refused = lab.run(*command)
        assert refused.code == ExitCode.DECLARATION
        assert "does not have the approved bytes" in refused.text
        assert _NAME in refused.text
    assert (lab.hand.values(model), team.served()) == (held, 1)

    team.swap(2, 2)  # what was approved is there again
    team.ok("apply", "--yes")
    assert team.served() == 2


def test_a_swap_between_plan_and_apply_is_refused_before_the_first_write(team: Team) -> None:
    model, lab = team.model, team.lab
    team.log(1)
    lab.declare(model, "description: not served yet\n")
    team.promote(1)
    team.ok("plan", "--out", "plan.json")
    held = lab.hand.holds(model)
    team.swap(1, 9)
    refused = lab.run("apply", "plan.json", "--yes")
    assert refused.code == ExitCode.DECLARATION
    assert "does not have the approved bytes" in refused.text
    assert lab.hand.holds(model) == held


@pytest.mark.parametrize("change", ["added", "MLmodel"])
def test_a_drift_of_sizes_is_seen_by_every_drift(team: Team, change: str) -> None:
    model, lab = team.model, team.lab
    team.log(1)
    lab.declare(model, "description: not served yet\n")
    team.promote(1)
    team.ok("apply", "--yes", "--record")
    team.ok("drift")
    name = "more.py" if change == "added" else "MLmodel"
    file = lab.git.root.parent / name
    file.write_text("a: 1\n")
    team.put(1, file)
    drift = lab.run("drift")
    assert drift.code == ExitCode.CHANGES
    assert name in drift.stdout
