"""docs/python-api.md is true: each method is there, each answer has its name, each line runs."""

import inspect
import re
from collections.abc import Iterator

import mlflow
import pytest

import reconciler
from tests import ROOT
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab
from tests.support.registries.servers import MlflowSeeds

_PAGE = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
_ROWS = re.findall(r"^\| ([^|]*) \| (`[^|]*`.*?) \| (.*?) \|$", _PAGE, re.MULTILINE)
_VERBS = re.findall(r"^\| (.+?) \| `(.+)` \|$", _PAGE.partition("## The verbs")[2], re.MULTILINE)
_SERVED = """\
versions:
  {new}: {{stage: Production, aliases: [champion]}}
  {old}: {{stage: Archived}}
"""


def test_every_method_has_a_row_and_every_row_its_method() -> None:
    table = _PAGE.partition("## Methods")[2].partition("Each answer has")[0]
    named = set(re.findall(r"`r\.(?:ci\.)?(\w+)\(", table))
    public = {
        name
        for of in (reconciler.Reconciler, reconciler.CiJobs)
        for name, _ in inspect.getmembers(of, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public - named == {"load_plan"}
    assert named <= public
    answers = set(re.findall(r"`([A-Z]\w+)`", table)) - {"Problem"}
    assert [name for name in answers if not hasattr(reconciler, name)] == []


def test_the_defaults_that_a_row_shows_are_those_of_the_method() -> None:
    table = _PAGE.partition("## Methods")[2].partition("Each answer has")[0]
    for name, arguments in re.findall(r"`r\.(\w+)\((.*?)\)`", table):
        parameters = inspect.signature(getattr(reconciler.Reconciler, name)).parameters
        for argument, default in re.findall(r"(\w+)=(\[\]|None|True|False)", arguments):
            shown = {"[]": (), "None": None, "True": True, "False": False}[default]
            assert parameters[argument].default == shown, (name, argument)


@pytest.fixture
def model(lab: Lab) -> Iterator[str]:
    """Make a model with four versions that came from runs; the third serves."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(lab.uri)
    name = lab.model(0)
    seeds = MlflowSeeds(lab.uri)
    for number in range(1, 5):
        seeds.log_version(name, metrics={"auc": number / 10}, params={"git_commit": f"c{number}"})
    lab.declare(
        name, "versions: {2: {stage: Production, aliases: [champion]}, 1: {stage: Archived}}"
    )
    assert lab.run("apply", "--yes").code == 0
    lab.declare(
        name, "versions: {3: {stage: Production, aliases: [champion]}, 2: {stage: Archived}}"
    )
    assert lab.run("apply", "--yes", "--record").code == 0
    yield name
    mlflow.set_tracking_uri(before)


def _log_a_model(lab: Lab, model: str) -> None:
    """Log a model of real bytes and put it into Production by hand."""
    with mlflow.start_run():
        mlflow.pyfunc.log_model(
            name="model",
            python_model=lambda model_input: [2 * number for number in model_input],
            registered_model_name=model,
            pip_requirements=[],
        )
    lab.hand.stage(model, 5, "Production")


def test_there_is_a_line_for_each_verb_of_the_tutorials() -> None:
    words = " ".join(there for there, _ in _VERBS)
    for verb in (
        "promote_model",
        "get_model_version(",
        "get_model_info",
        "list_registered_models",
        "load_model",
        "transition_with_validation",
        "enforce_single_production",
        "request_approval",
        "approve(",
        "start_ab_test",
        "promote_winner",
        "lineage",
    ):
        assert verb in words
    assert len(_VERBS) >= 16


@pytest.mark.parametrize(("there", "line"), _VERBS)
def test_each_line_runs(lab: Lab, model: str, there: str, line: str) -> None:
    if "winner" in line:
        half = "{3: {stage: Production, traffic: 0.5}, 4: {stage: Staging, traffic: 0.5}}"
        lab.declare(model, f"versions: {half}")
    if "load_model" in line:
        _log_a_model(lab, model)
    r = opened(lab)
    value = eval(line.replace("fraud", model), {"r": r, "mlflow": mlflow})  # noqa: S307  our own page
    if line.endswith(".version"):
        assert value == 3, there
    elif "load_model" in line:
        assert value.predict([1.0]) == [2.0]
    elif '["run"]' in line:
        assert value["id"]
    elif "compare" in line:
        assert value["comparison"]["metrics"][0]["incumbent"] == 0.3
    elif "sorted(" in line:
        assert model in value
    if ".write()" in line or ".commit(" in line:
        assert f"{model}.yaml" in value.diff
