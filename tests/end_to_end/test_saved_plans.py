"""What was shown is what is done: saved plans and approved digests on a real server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.registries.lab import Lab, rows
from tests.support.registries.servers import proxy

_BOTH = """\
versions:
  1: {stage: Production, aliases: [champion], tags: {risk: high}}
"""

Edit = Callable[[dict[str, Any]], object]


def _saved(lab: Lab) -> tuple[str, Path]:
    """Declare a model, save the plan, and return the model and the file."""
    model = lab.model(2)
    lab.declare(model, _BOTH)
    assert lab.run("plan", "--out", "plan.json").code == 0
    return model, lab.git.root / "plan.json"


def test_a_saved_plan_is_carried_out_as_it_was_shown(lab: Lab) -> None:
    model, file = _saved(lab)
    shown = json.loads(file.read_text())
    done = lab.run("apply", "plan.json", "--format", "json")
    assert done.code == 0
    assert rows(done.document) == rows(shown)
    assert done.document["digest"] == shown["digest"]
    assert {row["outcome"] for row in done.document["changes"]} == {"applied"}
    assert lab.hand.values(model) == {
        "v1 stage": "Production",
        "@champion": 1,
        "v1 tag risk": "high",
    }
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_knows_its_registry(lab: Lab) -> None:
    model, _ = _saved(lab)
    assert lab.run("apply", "plan.json", env={"MLFLOW_TRACKING_URI": ""}).code == 0
    assert lab.hand.values(model)["@champion"] == 1


@pytest.mark.parametrize("option", ["--model", "--adopt"])
def test_a_saved_plan_is_not_narrowed_or_widened(lab: Lab, option: str) -> None:
    model, _ = _saved(lab)
    done = lab.run("apply", "plan.json", option, model)
    assert done.code == 1
    assert "a saved plan is applied as it is" in done.stderr
    assert lab.hand.values(model) == {}


def _set(path: tuple[str | int, ...], value: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        holder: Any = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = value

    return edit


def _in_both_places(document: dict[str, Any]) -> None:
    """Edit as somebody would who knows the file: the readable row and the one carried out."""
    tag = next(row for row in document["changes"] if row["field"] == "tag")
    tag["after"] = "low"
    carried = document["saved"]["models"][0]["changes"]
    next(row for row in carried if row["field"][0] == "tag")["after"] = "low"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_set(("changes", 0, "after"), "Archived"), "Archived"),
        (_set(("digest",), "sha256:0"), "`digest` is"),
        (_set(("registry", "uri"), "http://elsewhere"), "`registry` is"),
        (_set(("state", "commit"), "0" * 40), "`state` is"),
        (_set(("saved", "state", "commit"), "0" * 40), "`state` is"),
        (_set(("saved", "models", 0, "changes", 0, "after"), "Archived"), "`digest` is"),
        (_set(("saved", "models"), 7), "saved.models"),
        (_set(("saved", "exclusive"), []), "checksum"),
        (_set(("format_version",), "2"), "format_version"),
        (_set(("note",), "approved"), "checksum"),
        (lambda document: document.pop("checksum"), "checksum"),
        (lambda document: document.pop("saved"), "has no `saved`"),
        (_in_both_places, "`digest` is"),
    ],
)
def test_an_edited_plan_is_refused_and_the_edit_is_named(lab: Lab, edit: Edit, said: str) -> None:
    model, file = _saved(lab)
    document = json.loads(file.read_text())
    edit(document)
    file.write_text(json.dumps(document))

    result = lab.run("apply", "plan.json")
    assert result.code == 5
    assert said in result.stderr
    assert "plan.json" in result.stderr
    assert "plan again" in result.stderr
    assert lab.hand.values(model) == {}
    assert lab.hand.recorded(model) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "not a saved plan"), ("{", "not a saved plan"), ("[1]", "not a saved plan")],
)
def test_what_never_was_a_plan_is_refused(lab: Lab, content: str, said: str) -> None:
    _, file = _saved(lab)
    file.write_text(content)
    result = lab.run("apply", "plan.json", "--format", "json")
    assert result.code == 5
    assert said in result.document["errors"][0]["message"]


def test_a_plan_for_another_registry_is_refused_naming_both(lab: Lab) -> None:
    model, _ = _saved(lab)
    with proxy(lab.uri) as other:
        result = lab.run("apply", "plan.json", env={"MLFLOW_TRACKING_URI": other.uri})
        assert other.log == []
    assert result.code == 5
    assert lab.uri in result.stderr
    assert other.uri in result.stderr
    assert lab.hand.values(model) == {}


def _moves_alias(lab: Lab, model: str) -> None:
    lab.hand.alias(model, "champion", 2)


def _fills_production(lab: Lab, model: str) -> None:
    lab.hand.stage(model, 2, "Production")


def _registers_again(lab: Lab, model: str) -> None:
    lab.hand.call("DELETE", "registered-models/delete", name=model)
    lab.hand.register(model, 2)


def _applies_another_commit(lab: Lab, model: str) -> None:
    lab.hand.tag(model, None, "reconciler.commit", "0" * 40)


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (_moves_alias, "@champion was no value and is `2`"),
        (_fills_production, "Production now has v2"),
        (_registers_again, "v1 was replaced since the plan"),
        (_applies_another_commit, "another run recorded 000000000000 since the plan"),
    ],
)
def test_a_plan_whose_live_values_moved_is_refused_and_nothing_is_written(
    lab: Lab, meanwhile: Callable[[Lab, str], None], said: str
) -> None:
    model, _ = _saved(lab)
    meanwhile(lab, model)
    before = lab.hand.holds(model)

    result = lab.run("apply", "plan.json", "--format", "json")
    assert result.code == 5
    assert {row["outcome"] for row in result.document["changes"]} == {"stale"}
    assert said in result.document["changes"][0]["error"]
    assert result.document["summary"]["stale"] == 3
    assert lab.hand.holds(model) == before


def test_the_approved_digest_is_applied_and_no_other(lab: Lab) -> None:
    model, file = _saved(lab)
    approved = json.loads(file.read_text())["digest"]

    lab.hand.tag(model, 1, "risk", "low")
    moved = lab.run("apply", "--yes", "--expect", approved)
    assert moved.code == 5
    assert approved in moved.stderr
    assert lab.hand.values(model) == {"v1 tag risk": "low"}

    lab.hand.call("DELETE", "model-versions/delete-tag", name=model, version="1", key="risk")
    merged = lab.git.commit(message="a merge commit that declares the same")
    assert lab.run("apply", "--yes", "--expect", approved).code == 0
    assert lab.hand.recorded(model) == merged, "the digest does not cover the commit"


@pytest.mark.parametrize("planned", ["", f", digest: 'sha256:{'0' * 64}'"])
def test_a_saved_plan_does_not_pass_by_the_digest_that_this_checkout_declares(
    lab: Lab, planned: str
) -> None:
    model = lab.model(1)
    lab.git.commit({"registry-state/reconciler.yaml": "digests: {verify: [apply]}\n"})
    entry = "versions: {{1: {{stage: Production{}}}}}"
    lab.declare(model, entry.format(planned))
    assert lab.run("plan", "--out", "plan.json").code == 0
    digest = f"sha256:{'1' * 64}"
    lab.declare(model, entry.format(f", digest: '{digest}'"))
    refused = lab.run("apply", "plan.json", "--format", "json")
    assert (refused.code, lab.hand.holds(model)) == (5, {"v1 stage": "None"})
    (error,) = refused.document["errors"]
    assert (error["file"], error["line"]) == (f"registry-state/{model}.yaml", 1)
    assert f"the plan does not check `{model}` v1 for {digest}" in error["message"]
    assert "plan again" in error["hint"]
    lab.declare(model, entry.format(", tags: {a: b}"))
    taken_out = lab.run("apply", "plan.json")
    assert taken_out.code == (6 if planned else 0), "the plan checks what it was made with"


def test_one_models_digest_does_not_depend_on_the_others(lab: Lab) -> None:
    model, file = _saved(lab)
    alone = json.loads(file.read_text())
    lab.declare(lab.model(1), "versions: {1: {aliases: [blue]}}")
    both = lab.run("plan", "--format", "json").document
    assert both["digest"] != alone["digest"]
    [of_model] = [m["digest"] for m in both["models"] if m["model"] == model]
    assert of_model == alone["models"][0]["digest"]


def test_a_plan_that_cannot_be_written_or_read_is_a_usage_error(lab: Lab) -> None:
    lab.declare(lab.model(1), "versions: {1: {aliases: [blue]}}")
    assert lab.run("plan", "--out", "nowhere/plan.json").code == 1
    missing = lab.run("apply", "nowhere/plan.json", "--format", "json")
    assert missing.code == 1
    assert "nowhere/plan.json" in missing.document["errors"][0]["message"]


def test_a_named_registry_has_the_same_digest_under_each_of_its_addresses(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, "versions: {1: {stage: Production}}")

    def digests(*uris: str) -> set[str]:
        plans = [
            lab.run("plan", "--format", "json", env={"MLFLOW_TRACKING_URI": uri}) for uri in uris
        ]
        assert [plan.document["summary"]["changes"] for plan in plans] == [1] * len(uris)
        return {plan.document["digest"] for plan in plans}

    with proxy(lab.uri) as server:
        assert len(digests(lab.uri, server.uri)) == 2, "who knows that they are one registry"
        named = "registry: {{uri: [{}, {}], name: prod}}\n"
        lab.git.commit({"registry-state/reconciler.yaml": named.format(lab.uri, server.uri)})
        known = digests(lab.uri, server.uri)
        assert len(known) == 1
        lab.git.commit({"registry-state/reconciler.yaml": named.format(server.uri, lab.uri)})
        moved = lab.run("plan", "--out", "plan.json", "--format", "json").document
        assert moved["registry"] == {"uri": server.uri, "name": "prod", "workspace": None}
        assert {moved["digest"]} == known, "an approval outlives another address"
    assert lab.run("apply", "plan.json").code == 0
    assert lab.hand.values(model) == {"v1 stage": "Production"}
