"""`reconciler card`: one version, from git, the apply records and the registry."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from reconciler.core.facts import Column, Signature
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab
from tests.support.registries.servers import MlflowSeeds

_SETTINGS = """\
policies:
  - {name: signed, on: {stage: Production}, signature: required}
"""
_DECLARED = """\
description: Scores cards
inventory: {owner: risk, purpose: Stops stolen cards, tier: high, review_by: 2027-01-31}
consumers:
  - {name: checkout, loads: "@champion", owner: web}
versions:
  1: {stage: Production, aliases: [champion]}
"""
_PROMOTE = "Promote (#12)\n\nReviewed-by: Bo <bo@example.com>"


@pytest.fixture(name="model")
def _model(lab: Lab) -> str:
    """Apply a model whose first version serves; its second one is not used."""
    model = lab.model(0)
    seeds = MlflowSeeds(lab.uri)
    signature = Signature((Column("amount", "double"),), (Column(None, "double"),))
    seeds.log_version(model, metrics={"auc": 0.9, "loss": float("nan")}, signature=signature)
    seeds.log_version(model)
    lab.git.commit({"registry-state/reconciler.yaml": _SETTINGS})
    lab.declare(model, _DECLARED, _PROMOTE)
    assert lab.run("apply", "--yes", "--record", "--model", model).code == 0
    return model


def test_a_card_is_told_by_git_records_and_registry_in_each_format(lab: Lab, model: str) -> None:
    done = lab.run("card", model)
    assert (done.code, done.stderr) == (0, "")
    for part in ("Stops stolen cards", "checkout", "applied 2", "signed", "auc", "(claimed)"):
        assert part in done.stdout
    assert lab.run("card", f"{model}@champion", "--format", "markdown").stdout == done.stdout
    assert lab.run("--format", "text", "card", f"{model}/Production").stdout == done.stdout

    document = lab.run("card", model, "--format", "json").document
    version = document["version"]
    assert (version["version"], version["serves"]) == (1, True)
    assert document["model"]["inventory"]["review_by"] == "2027-01-31"
    [stage, alias] = version["places"]
    assert stage["policies"] == [{"name": "signed", "enforce": "deny"}]
    assert (stage["is_applied"], stage["brought_by"]["pull_request"]) == (True, 12)
    assert (alias["name"], alias["policies"], alias["since"]) == ("@champion", [], stage["since"])

    bom = lab.run("card", model, "--format", "cyclonedx").stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom) is None
    [component] = json.loads(bom)["components"]
    assert component["modelCard"]["considerations"]["useCases"] == ["Stops stolen cards"]

    card = opened(lab).card(model)
    assert (card.to_markdown(), card.to_cyclonedx()) == (done.stdout, bom)
    assert card.document() == document
    assert repr(card) == f"<reconciler.Card: {model} v1>"


def test_a_version_that_git_does_not_know_has_a_card_that_says_so(lab: Lab, model: str) -> None:
    done = lab.run("card", f"{model}/2")
    assert done.code == 0
    assert "**Does not serve**" in done.stdout
    assert "no metric is known" in done.stdout


def test_there_is_no_card_where_nothing_serves(lab: Lab, model: str) -> None:
    lab.hand.stage(model, 1, "Archived")
    done = lab.run("card", model, "--format", "json")
    assert done.code == 1
    (error,) = done.document["errors"]
    assert error["message"] == f"no version of `{model}` serves (Production)"
    assert error["hint"].endswith(f"; name one: `{model}/2`")
