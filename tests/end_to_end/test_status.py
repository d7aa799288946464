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
_DECLARED_1 = "versions: {1: {stage: Production, aliases: [champion]}}"


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


def test_status_is_of_the_models_and_the_kinds_that_are_asked_for(lab: Lab) -> None:
    one, other, stray = lab.model(2), lab.model(1), lab.model(1)
    lab.git.commit({f"registry-state/{name}.yaml": _DECLARED_1 for name in (one, other)})
    assert lab.run("apply", "--yes").code == 0
    lab.hand.alias(one, "champion", None)
    lab.hand.alias(one, "blue", 2)
    lab.hand.alias(stray, "blue", 1)

    def shown(*arguments: str) -> list[tuple[str, int, str]]:
        found = lab.run("status", *arguments, "-o", "json")
        assert found.code == 0, found.stderr
        return [(v["model"], v["version"], v["sync"]) for v in found.document["versions"]]

    everything = [(one, 2, "unmanaged"), (one, 1, "out of sync"), (other, 1, "in sync")]
    assert shown(one, other) == everything
    assert shown(f"*{one[1:]}", other) == everything
    assert shown(f"*{other}*") == everything[2:]
    assert shown(stray) == [(stray, 1, "unmanaged")]
    assert shown(one, other, "--only", "out-of-sync,unmanaged") == everything[:2]
    assert shown(one, other, "--only", "in sync", "--only", "held") == everything[2:]

    none = lab.run("status", one, "--only", "held")
    assert none.code == 0
    assert "\nno version\n" in none.stdout
    last = lab.run("status", one, f"{other}*").stdout.splitlines()[-1]
    assert last.startswith("1 change, 2 models, ")


def test_what_status_cannot_mean_is_told(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, _DECLARED_1)
    for arguments, message, hint in (
        (("nosuch*",), "`nosuch*` matches no model", "declared models"),
        ((model, "nosuch"), "`nosuch` is neither declared", "hint"),
        ((f"{model}/1",), "is neither declared", f"`reconciler show {model}/1` shows a version"),
        ((f"models:/{model}@x",), "is neither declared", f"`reconciler status {model}` its model"),
        (("--only", "drift"), "no version's status is `drift`", "in-sync, out-of-sync, unmanaged"),
        (("--watch",), "`--watch` redraws a terminal", "in a loop"),
        (("--watch", "-o", "json"), "`--watch` shows text, not JSON", "in a loop"),
    ):
        told = lab.run("status", *arguments)
        assert (told.code, told.stdout.count("MODEL")) == (1, 0)
        assert message in told.text
        assert hint == "hint" or hint in told.text
