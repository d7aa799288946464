"""`status` and `drift --unmanaged`: where every version stands, and what git does not own."""

import re

from tests.support.registries.lab import Lab

_SETTINGS = "registry-state/reconciler.yaml"
_DECLARED = """\
tags: {owner: payments}
versions:
  1: {stage: Production, aliases: [champion]}
  2: {stage: Staging}
"""


def test_status_says_of_every_version_that_somebody_may_use_where_it_stands(lab: Lab) -> None:
    model, stray, ignored = lab.model(4), lab.model(2), lab.model(1)
    lab.git.write({_SETTINGS: f"ignore: {{models: [{ignored}]}}\n"})
    commit = lab.declare(model, _DECLARED)
    assert lab.run("apply", "--yes").code == 0
    lab.hand.stage(model, 2, "None")
    lab.hand.alias(model, "blue", 3)
    for unknown in (stray, ignored):
        lab.hand.stage(unknown, 1, "Production")

    shown = lab.run("status", "--format", "json").document["versions"]
    ours = {name: [one for one in shown if one["model"] == name] for name in (model, stray)}
    assert ignored not in {one["model"] for one in shown}
    assert [tuple(one.values())[1:] for one in ours[model]] == [
        (3, "None", ["blue"], "unmanaged", commit, False),
        (2, "None", [], "out of sync", commit, False),
        (1, "Production", ["champion"], "in sync", commit, False),
    ], "and not v4, which nobody uses"
    assert [tuple(one.values())[1:] for one in ours[stray]] == [
        (1, "Production", [], "unmanaged", None, False)
    ]

    text = lab.run("status", model).stdout
    assert re.search(rf"^{model} +v3 +None +@blue +unmanaged +{commit[:12]}$", text, re.MULTILINE)
    assert re.search(rf"^ +v2 +None +- +out of sync +{commit[:12]}$", text, re.MULTILINE)
    lab.hand.tag(model, None, "reconciler.commit", f"- {commit}")
    assert f"{commit[:12]} (unfinished)" in lab.run("status", model).stdout


def test_what_git_does_not_own_is_listed_without_our_own_tags_and_what_is_ignored(
    lab: Lab,
) -> None:
    model, stray = lab.model(2), lab.model(1)
    lab.git.write({_SETTINGS: "ignore: {tags: [ci.*], aliases: [tmp]}\n"})
    lab.declare(model, "versions: {1: {stage: Production, aliases: [champion]}}")
    assert lab.run("apply", "--yes").code == 0
    for name in (model, stray):
        lab.hand.tag(name, 1, "risk", "high")
        lab.hand.tag(name, None, "ci.job", "42")
        lab.hand.tag(name, None, "mlflow.note", "x")
        lab.hand.alias(name, "tmp", 1)
    lab.hand.alias(model, "blue", 2)
    lab.hand.describe(stray, None, "mine")

    found = lab.run("drift", "--unmanaged", "--format", "json")
    assert found.code == 0, "what nobody declared is not drift"
    values = {
        name: [tuple(v.values())[1:] for v in found.document["unmanaged"] if v["model"] == name]
        for name in (model, stray)
    }
    assert values == {
        model: [(None, "alias", "blue", 2), (1, "tag", "risk", "high")],
        stray: [(None, "description", None, "mine"), (1, "tag", "risk", "high")],
    }
    assert "unmanaged" not in lab.run("drift", "--format", "json").document
    text = lab.run("drift", "--unmanaged").stdout
    assert f'\n{stray}\n    description  "mine"\n    v1 tag risk  "high"\n' in text
