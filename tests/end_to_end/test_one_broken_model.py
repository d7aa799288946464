"""One broken model among others: its live state excludes it alone, a rule judges the whole plan."""

import pytest

import reconciler
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab

_SERVES = "versions: {1: {stage: Production, aliases: [champion], tags: {k: v}}}\n"
_RULE = "policies: [{name: low-risk, require: version.tags.risk == 'low'}]\n"


def _three(lab: Lab) -> list[str]:
    return sorted(lab.model(1) for _ in range(3))


def _commit(lab: Lab, models: list[str], **others: str) -> None:
    contents = dict.fromkeys(models, _SERVES) | others
    lab.git.commit({f"registry-state/{name}.yaml": text for name, text in contents.items()})


@pytest.mark.parametrize(
    "content",
    [
        _SERVES.replace("1:", "7:"),
        _SERVES.replace("stage:", "source: s3://bucket/other, stage:"),
        _SERVES + "model: none-such\n",
    ],
    ids=["version", "pin", "model"],
)
def test_what_is_wrong_with_one_models_live_state_keeps_no_other_from_being_applied(
    lab: Lab, content: str
) -> None:
    broken, *others = models = _three(lab)
    _commit(lab, models, **{broken: content})

    applied = lab.run("apply", "--yes")

    assert applied.code == 7
    for model in others:
        assert lab.hand.holds(model)["v1 stage"] == "Production"
    assert "@champion" not in lab.hand.holds(broken)


@pytest.mark.needs_cel
def test_a_rule_that_one_model_breaks_stops_all_and_says_how_the_others_are_applied(
    lab: Lab,
) -> None:
    broken, *others = models = _three(lab)
    _commit(lab, models, reconciler=_RULE)
    for model in models:
        lab.hand.tag(model, 1, "risk", "high" if model == broken else "low")

    refused = lab.run("apply", "--yes")

    command = " ".join(f"--model {model}" for model in others)
    assert refused.code == 4
    assert "nothing was written\n" in refused.stderr
    assert f"`reconciler apply {command}` plans the others alone" in refused.stderr
    with pytest.raises(reconciler.Refused) as caught:
        opened(lab).apply()
    assert command in (caught.value.hint or "")
    assert all("@champion" not in lab.hand.holds(model) for model in models)

    assert lab.run("apply", "--yes", *command.split()).code == 0
    assert lab.hand.holds(others[0])["@champion"] == 1


def test_the_command_for_the_others_repeats_the_consents_that_they_need(lab: Lab) -> None:
    broken, other, *_ = models = _three(lab)
    _commit(lab, models)
    assert lab.run("apply", "--yes").code == 0
    empty = "versions: {1: {stage: Archived}}"
    lab.git.commit({f"registry-state/{model}.yaml": empty for model in (broken, other)}, "empty")

    refused = lab.run("apply", "--yes", "--accept", f"empty-serving={other}")

    command = f"--model {other} --accept empty-serving={other}"
    assert refused.code == 4
    assert f"`reconciler apply {command}` plans the others alone" in refused.stderr
    assert lab.run("apply", "--yes", *command.split()).code == 0
