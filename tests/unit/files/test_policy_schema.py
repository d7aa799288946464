"""Policies as the settings file says them: their meaning, and all that is wrong, at its place."""

import re
from datetime import datetime, timedelta
from textwrap import dedent, indent

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.policies import (
    Approvals,
    DatedFreeze,
    DigestRule,
    Expression,
    InventoryRule,
    Lineage,
    On,
    Policy,
    Requirement,
    SemverRule,
    SignatureRule,
    Soak,
    Transitions,
    WeeklyFreeze,
)
from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError
from reconciler.files.loader import parse_settings

_SERVING = On(serving=True)


def rules(text: str) -> Settings:
    return parse_settings(text.encode(), "reconciler.yaml")


def policy(text: str) -> Policy:
    """Return the policy of one entry, in flow style, that names itself `p`."""
    (found,) = rules(f"policies:\n- {{name: p, {text}}}").policies
    return found


def complaints(text: str) -> list[str]:
    """Return what is wrong with a settings file, as `line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        rules(text)
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in caught.value.problems]


def complaint(text: str) -> str:
    """Return the only thing that is wrong with an entry, which begins at 2:3."""
    (found,) = complaints(f"policies:\n- {{{text}}}")
    return found


@pytest.mark.needs_cel
def test_a_policy_says_when_it_is_asked_what_it_requires_and_what_to_do() -> None:
    text = """\
    policies:
      - name: validated
        on: {stage: Production, alias: [champion, challenger], models: ["fraud-*"]}
        require: version.tags.validated == "true"
        enforce: warn
        message: validate the model before it serves
      - name: not-worse-2
        on: {stage: [Staging, Production]}
        require: |
          incumbent == null ||
            metrics.auc >= incumbent.metrics.auc - 0.002
    """
    assert rules(dedent(text)).policies == (
        Policy(
            "validated",
            On(("Production",), ("champion", "challenger"), ("fraud-*",)),
            Expression('version.tags.validated == "true"'),
            "warn",
            "validate the model before it serves",
        ),
        Policy(
            "not-worse-2",
            On(("Staging", "Production")),
            Expression("incumbent == null ||\n  metrics.auc >= incumbent.metrics.auc - 0.002\n"),
        ),
    )


def test_a_policy_knows_its_line() -> None:
    text = "policies:\n- name: a\n  approvals: 1\n\n- {name: b, approvals: 1}\n"
    assert [each.line for each in rules(text).policies] == [2, 5]


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        (
            "transitions: [None, Staging, Production]",
            Transitions(("None", "Staging", "Production")),
        ),
        ("soak: 1d12h", Soak(timedelta(hours=36))),
        (
            "freeze: Fri 16:00 - Mon 08:00 Europe/Berlin",
            WeeklyFreeze((4, 960), (0, 480), "Europe/Berlin"),
        ),
        (
            "freeze: 2026-12-20 - 2027-01-03 UTC",
            DatedFreeze(datetime(2026, 12, 20), datetime(2027, 1, 4), "UTC"),  # noqa: DTZ001  a wall clock's
        ),
        (
            "lineage: [params.git_commit, tags.data version, run.tags.mlflow.user]",
            Lineage(("params.git_commit", "tags.data version", "run.tags.mlflow.user")),
        ),
        ("signature: required", SignatureRule("required")),
        ("signature: compatible", SignatureRule("compatible")),
        ("digest: required", DigestRule()),
        ("semver: true", SemverRule()),
        ("inventory: true", InventoryRule()),
        ("approvals: 2", Approvals(2)),
        ("approvals: '20'", Approvals(20)),
        ("self_approval: false", Approvals(1)),
    ],
)
def test_a_built_in_rule_is_one_line(text: str, requirement: Requirement) -> None:
    assert policy(text).requires == requirement


def test_a_policy_without_a_place_is_asked_where_a_version_starts_to_serve() -> None:
    entry = "policies: [{name: p, approvals: 1, on: {models: [a]}}]"
    assert policy("approvals: 1").on == _SERVING
    assert rules(entry).policies[0].on == On(models=("a",), serving=True)
    assert policy("approvals: 1, on: {alias: x}").on == On((), ("x",))


def test_transitions_without_a_place_are_about_both_active_stages() -> None:
    way = "transitions: [None, Staging, Production]"
    assert policy(way).on == On(("Staging", "Production"))
    assert policy(f"{way}, on: {{stage: Production}}").on == On(("Production",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("approvals: 2", "2:3 item 1 of `policies` needs the key `name` (add `name:`)"),
        (
            "name: p",
            "2:3 this policy requires nothing (add one of `require`, `transitions`, `soak`",
        ),
        (
            "name: p, soak: 1d, approvals: 1",
            "2:3 one policy requires one thing, and this one has `soak`, `approvals`",
        ),
        ("name: p, requires: x", "2:13 unknown key `requires` (did you mean `require`?)"),
        ("name: p, soak: 1d, on: {stages: x}", "2:28 unknown key `stages` (did you mean `stage`?)"),
        ("name: P, soak: 1d", "2:10 `P` is not a policy's name: only lower-case letters"),
        ("name: -p, soak: 1d", "2:10 `-p` is not a policy's name"),
        ("name: removals, soak: 1d", "2:10 `removals` is the name of a guard (rename the policy)"),
        ("name: dirty, soak: 1d", "2:10 `dirty` is the name of a guard"),
        ("name: p, soak: 3 days", "2:19 `3 days` is not a duration (write it like `24h`"),
        ("name: p, freeze: Fri - Mon UTZ", "2:21 `UTZ` is not a time zone (did you mean `UTC`?)"),
        ("name: p, freeze: [Fri - Mon UTC]", "2:21 `freeze` must be text, not a list (write one"),
        (
            "name: p, lineage: [commit]",
            "2:23 `commit` does not say where the name is looked up (write `p",
        ),
        ("name: p, lineage: [tags.]", "2:23 `tags.` does not say where the name is looked up"),
        ("name: p, lineage: []", "2:22 `lineage` is empty (add an item, or leave the key out)"),
        ("name: p, signature: compatibel", "2:24 `compatibel` is not one of `required`, `compat"),
        (
            "name: p, digest: requird",
            "2:21 `requird` is not one of `required` (did you mean `requi",
        ),
        ("name: p, digest: true", "2:21 `true` is not one of `required` (write `required`)"),
        ("name: p, digest: ~", "2:21 `digest` is null (write a value, or leave the key out)"),
        ("name: p, digest: [required]", "2:21 `digest` must be text, not a list (write `digest: r"),
        (
            "name: p, semver: false",
            "2:21 this rule can only be `true` (leave the rule out)",
        ),
        (
            "name: p, digest: required, signature: required",
            "2:3 one policy requires one thing, and this one has `signature`, `digest`",
        ),
        ("name: p, approvals: 0", "2:24 `0` is not a number of approvals (write a whole number fr"),
        ("name: p, approvals: 21", "2:24 `21` is not a number of approvals"),
        ("name: p, approvals: 1.0", "2:24 `1.0` is not a number of approvals"),
        ("name: p, approvals: [1]", "2:24 `approvals` must be a whole number, not a list"),
        ("name: p, approvals: ~", "2:24 `approvals` is null (write a value, or leave the key out)"),
        ("name: p, self_approval: true", "2:28 self-approval can only be forbidden (leave the r"),
        ("name: p, self_approval: no", "2:28 `self_approval` must be `true` or `false`, not text"),
        ("name: p, transitions: [None]", "2:26 `transitions` has less than 2 items"),
        ("name: p, transitions: [None, None]", "2:26 `None` is listed twice"),
        ("name: p, transitions: [None, production]", "2:33 `production` is not one of `None`, `S"),
        ("name: p, soak: 1d, enforce: wran", "2:32 `wran` is not one of `deny`, `warn` (did you"),
        ("name: p, soak: 1d, message: ''", "2:32 `message` is empty"),
        ("name: p, soak: 1d, on: x", "2:27 `on` must be a mapping, not text (write `on: {stage"),
        ("name: p, soak: 1d, on: {stage: Archived}", "2:35 `Archived` is not one of `Staging`, `P"),
        ("name: p, soak: 1d, on: {stage: null}", "2:35 `stage` is null (write a value, or leave"),
        ("name: p, soak: 1d, on: {stage: {a: b}}", "2:35 `stage` must be text or a list, not a ma"),
        ("name: p, soak: 1d, on: {alias: [latest]}", "2:36 alias `latest` is reserved"),
        ("name: p, soak: 1d, on: {alias: []}", "2:35 `alias` is empty (add an item, or leave the"),
        ("name: p, soak: 1d, on: {models: []}", "2:36 `models` is empty"),
        ("name: p, require: ''", "2:22 `require` is empty"),
    ],
)
def test_a_wrong_policy_is_told_at_its_place(text: str, said: str) -> None:
    assert complaint(text).startswith(said)


def test_policies_are_a_list_of_mappings() -> None:
    assert complaints("policies: {name: p}")[0].startswith(
        "1:11 `policies` must be a list, not a m"
    )
    assert complaints("policies: [p]") == [
        "1:12 item 1 of `policies` must be a mapping, not text (None)"
    ]


def test_two_policies_of_one_name_are_refused() -> None:
    text = "policies:\n- {name: p, soak: 1d}\n- {name: q, soak: 1d}\n- {name: p, approvals: 1}\n"
    (found,) = complaints(text)
    assert found.startswith("4:10 there are two policies `p`")


def test_a_policy_on_an_ignored_alias_would_never_be_asked() -> None:
    text = "policies: [{name: p, soak: 1d, on: {alias: x-1}}]\nignore: {aliases: [x-*]}\n"
    (found,) = complaints(text)
    assert found.startswith("1:44 alias `x-1` is ignored by `ignore.aliases`")


@pytest.mark.needs_cel
def test_everything_is_said_at_once_in_the_order_of_the_file() -> None:
    text = """\
    branhc: main
    policies:
      - name: p
        require: version.tgas.x == "1" && versoin.number > 2
      - name: p
        approvals: 99
        enforce: wran
      - name: q
      - name: r
        soak: 1d
        require: metrics.a >
    """
    found = complaints(dedent(text))
    assert [each.partition(" (")[0] for each in found[:-1]] == [
        "1:1 unknown key `branhc`",
        "4:22 `version` has no `tgas`",
        "4:39 there is no variable `versoin`",
        "5:11 there are two policies `p`",
        "6:16 `99` is not a number of approvals",
        "7:14 `wran` is not one of `deny`, `warn`",
        "8:5 this policy requires nothing",
        "9:5 one policy requires one thing, and this one has `require`, `soak`",
    ]
    assert found[-1].startswith("11:")
    assert "did you mean `tags`?" in found[1]


@pytest.mark.needs_cel
@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("require: metrics.a > 1 && oops", (3, 27)),
        ("require:   'version.number == 4 && oops'", (3, 36)),
        ('require: "version.number == 4 && oops"', (3, 34)),
        ("require: 'model == ''it'' && oops'", (3, 30)),
        ("require:  # why\n  oops > 1", (4, 3)),
        ("require: |\n  oops > 1", (4, 3)),
        ("require: |  # why\n\n   metrics.a > 1\n     && oops > 1", (6, 9)),
        ("require: >-\n  metrics.a > 1\n  && oops > 1", (5, 6)),
        ("require: |2\n    oops > 1", (4, 5)),
        ("require: metrics.a > 1\n  && oops > 1", (4, 6)),
        ("require: 'metrics.a > 1\n\n  && oops > 1'", (5, 6)),
        ('require: "metrics.é > 1 && oops"', (3, 28)),
        ("require: \"model == '😀' && oops\"", (3, 27)),
        # Among escapes, where the text and the file count differently, it is the value.
        (r'require: "model == \"it\" && oops"', (3, 10)),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_fault_is_where_the_expression_is_wrong(
    lines: str, place: tuple[int, int], newline: str
) -> None:
    entry = indent(f"name: p\n{lines}\n# below\n", "  ").replace("  name", "- name", 1)
    with pytest.raises(DeclarationError) as caught:
        rules(f"policies:\n{entry}".replace("\n", newline))
    said = {(p.line, p.column) for p in caught.value.problems if "`oops`" in p.message}
    assert said == {(place[0], place[1] + 2)}


_pieces = st.sampled_from(
    ["metrics.a > 1 &&", "model == 'it' &&", 'model == "é😀" &&', "model !=  '#: -' &&", "true &&"]
)


@pytest.mark.needs_cel
@settings(max_examples=200)
@given(
    pieces=st.lists(st.tuples(_pieces, st.sampled_from([" ", "\n", "\n  ", "  "])), max_size=6),
    style=st.sampled_from([None, "'", '"', "|", ">"]),
    width=st.integers(20, 90),
)
def test_a_fault_is_never_told_at_a_wrong_place(
    pieces: list[tuple[str, str]], style: str | None, width: int
) -> None:
    source = "".join(piece + space for piece, space in pieces) + "oops > 1"
    entry = {"name": "p", "require": source}
    text = yaml.dump({"policies": [entry]}, default_style=style, width=width, allow_unicode=True)
    # PyYAML folds some lines that must not be folded.
    assume(yaml.safe_load(text)["policies"] == [entry])
    with pytest.raises(DeclarationError) as caught:
        rules(text)
    (problem,) = caught.value.problems
    lines = text.split("\n")
    line = lines[(problem.line or 0) - 1][(problem.column or 0) - 1 :]
    is_start = re.search(r"require\W*$", lines[(problem.line or 0) - 1].removesuffix(line))
    assert line.startswith("oops") or (line.startswith('"') and is_start)


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        ("model == 'a' ? true : false", 33),
        ('"fraud" in model', 21),
        ("[1].exists(x, x == 1)", 16),
        ('"not closed', 13),
    ],
)
def test_an_expression_that_yaml_takes_apart_is_told_how_to_be_written(
    expression: str, column: int
) -> None:
    (found,) = complaints(f"policies:\n- name: p\n  require: {expression}\n  enforce: warn\n")
    assert found.startswith(f"3:{column - 1} YAML cannot read this expression as it is written")
    assert "write `require: |` and the expression on the next line" in found


@pytest.mark.needs_cel
def test_an_expression_that_a_comment_cuts_is_told_so() -> None:
    text = 'policies:\n- name: p\n  require: version.tags.x == "a #b"\n'
    assert all("` #` begins a comment in YAML: write `require: |`" in e for e in complaints(text))
    assert rules(text.replace("require:", "require: |\n   ")).policies


def test_another_line_that_is_no_yaml_is_not_taken_for_an_expression() -> None:
    (found,) = complaints("branch: a: b\npolicies:\n- name: p\n  require: model == 'x'\n")
    assert found.startswith("1:10 a `: ` that is not after a key")


def test_a_place_in_a_huge_expression_is_found_at_once() -> None:
    lines = "\n".join("    metrics.a > 1 ||" for _ in range(40_000))
    (found,) = complaints(f"policies:\n- name: p\n  require: |\n{lines}\n    true\n")
    assert "characters" in found
