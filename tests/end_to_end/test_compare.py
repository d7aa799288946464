"""`reconciler compare`, and how two versions read beside each other."""

import json
import math
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.core.facts import NO_FACTS, Column, Facts, Run, Signature
from reconciler.render.inspection import comparison as render
from reconciler.render.json_documents import dumps
from tests.support.plans.comparisons import beside
from tests.support.registries.lab import Lab
from tests.support.registries.servers import MlflowSeeds

_NOW = datetime(1970, 2, 11, tzinfo=timezone.utc)
_HOSTILE = "a|b\n`c` <img src=x> @team \x1b[31m ::error:: \u202e end"

_FULL = Facts(
    {"auc": 0.931, "n": 12000, "loss": math.nan, "up": math.inf, "down": -math.inf},
    {"depth": "7", "data_version": "2026-10"},
    Run("4a" * 16, "trained", "FAILED", "ann", 0, {"mlflow.source.git.commit": "cd" * 20}),
    Signature((Column("amount", "float"), Column("x", "long")), (Column(None, "double"),)),
    ("one thing is not known",),
)
_PAST = Facts(
    {"auc": 0.91, "n": 12000, "loss": 1.0},
    {"depth": "6"},
    Run("3b" * 16, deleted=True),
    Signature((Column("amount", "double"),)),
)


_TEXT = """\
  v3 (Production @champion) → v4 for Production
                        v3                     v4                        difference
    metric auc           0.91                      0.931                 +0.021
    metric down             -                  -Infinity
    metric loss             1                        NaN
    metric n            12000                      12000                      =
    metric up               -                   Infinity
    param data_version  -                      2026-10
    param depth         6                      7
    tag validated       ""                     true
    signature           1 in, 0 out            2 in, 1 out               differs
    age                 38 d                   37 d
    registered by       -                      ann
    run                 3b3b3b3b3b3b, deleted  trained (4a4…4a), FAILED
    source commit       -                      cdcdcdcdcdcd
    data version        -                      2026-10
    signature: input `amount`: double → float
    signature: input `x` added (long)
    signature: output 1 added (double)
    v4: one thing is not known"""

_MARKDOWN = """\
**v3 (Production &#64;&#8203;champion) → v4 for Production**

|  | v3 | v4 | difference |
|---|---|---|---|
| metric <code>auc</code> | 0.91 | 0.931 | **+0.021** |
| metric <code>down</code> | - | -Infinity |  |
| metric <code>loss</code> | 1 | NaN |  |
| metric <code>n</code> | 12000 | 12000 | = |
| metric <code>up</code> | - | Infinity |  |
| param <code>data&#95;version</code> | - | <code>2026-10</code> |  |
| param <code>depth</code> | <code>6</code> | <code>7</code> |  |
| tag <code>validated</code> | <code>&#34;&#34;</code> | <code>true</code> |  |
| signature | 1 in, 0 out | 2 in, 1 out | differs |
| age | 38 d | 37 d |  |
| registered by | - | ann |  |
| run | 3b3b3b3b3b3b, deleted | trained (4a4…4a), FAILED |  |
| source commit | - | cdcdcdcdcdcd |  |
| data version | - | 2026-10 |  |

- signature&#58; input <code>amount</code>&#58; double → float
- signature&#58; input <code>x</code> added (long)
- signature&#58; output 1 added (double)
- v4&#58; one thing is not known"""


def test_text_has_a_row_for_all_that_tells_two_versions_apart() -> None:
    assert "\n".join(render.text_lines(beside(_FULL, _PAST), _NOW)) == _TEXT


def test_markdown_is_a_table_of_the_same_rows() -> None:
    assert "\n".join(render.markdown_lines(beside(_FULL, _PAST), _NOW)) == _MARKDOWN


def test_without_an_incumbent_there_is_one_column() -> None:
    alone = beside(_FULL, None)
    title, header, *_ = render.text_lines(alone, _NOW)
    assert title == "  v4 for Production, without an incumbent"
    assert header.split() == ["v4"]
    table = [line for line in render.markdown_lines(alone, _NOW) if line.startswith("|")]
    assert {line.count("|") for line in table} == {3}


def _logged(number: int, factor: float = 1.0) -> Facts:
    names = [f"validation/fold_{i:03}/precision_at_a_recall_of_0.9" for i in range(number)]
    own = {name: i * factor for i, name in enumerate(names, start=1)}
    return Facts({**own, "system/cpu": factor})


def test_of_many_metrics_twenty_are_shown_those_that_differ_first_and_the_rest_is_counted() -> None:
    same, changed = _logged(500), _logged(500)
    changed = Facts({**changed.metrics, "z": 1.0, "system/cpu": 7.0, "loss": 0.1})
    same = Facts({**same.metrics, "z": 2.0, "loss": 0.1})

    lines = render.text_lines(beside(changed, same), _NOW)
    rows = [line for line in lines if line.startswith("    metric")]

    assert len(rows) == 20
    assert "metric z " in rows[-1]
    assert "metric loss " in rows[0]
    assert not any("system/" in row for row in rows)
    assert "    not shown: 483 metrics (1 of them differ); `--format json` has all" in lines
    assert (
        sum("| metric" in line for line in render.markdown_lines(beside(changed, same), _NOW)) == 20
    )
    assert len(render.document(beside(changed, same))["metrics"]) == 503


def test_many_differences_of_any_kind_are_counted() -> None:
    params = {f"p{i}": "x" for i in range(13)}
    columns = tuple(Column(f"c{i}", "long") for i in range(15))
    one = Facts({}, params, signature=Signature(columns))

    lines = render.text_lines(beside(one, Facts(signature=Signature())), _NOW)

    assert "    not shown: 3 of the params, 5 of the signature; `--format json` has all" in lines
    assert sum(line.startswith("    param") for line in lines) == 10
    assert sum(line.startswith("    signature:") for line in lines) == 10


def test_long_names_and_values_keep_a_terminal_of_100_columns() -> None:
    one, other = ({"p" * 300: text * 6000} for text in "xy")
    metrics = {"m" * 300: 1 / 3}, {"m" * 300: 1e-17}
    lines = render.text_lines(beside(Facts(metrics[0], one), Facts(metrics[1], other)), _NOW)
    assert 90 < max(len(line) for line in lines) <= 100


def test_names_that_would_look_alike_are_cut_less() -> None:
    facts = _logged(30, 1 / 3), _logged(30, 1e-17)
    values = ({"p": text * 6000} for text in "xy")
    long = [replace(one, params=params) for one, params in zip(facts, values, strict=True)]
    rows = [row for row in render.text_lines(beside(*long), _NOW) if row.startswith("    metric")]
    assert len({row.split()[1] for row in rows}) == len(rows) == 20


def test_text_from_outside_is_shown_and_not_obeyed() -> None:
    column = Signature((Column(_HOSTILE, _HOSTILE),))
    run = Run("r", _HOSTILE, _HOSTILE, _HOSTILE, tags={"git_commit": _HOSTILE})
    hostile = Facts({_HOSTILE: 1.0}, {_HOSTILE: _HOSTILE}, run, column, (_HOSTILE,))
    compared = replace(
        beside(hostile, Facts(signature=Signature())), places=(f"@{_HOSTILE}",), model=_HOSTILE
    )

    text = "\n".join(render.text_lines(compared, _NOW))
    markdown = render.markdown_lines(compared, _NOW)

    assert not set(text + "".join(markdown)) & set("\x1b\u202e\r")
    assert all(line.startswith("  ") for line in text.splitlines())
    assert "::error" not in text
    table = [line for line in markdown if line.startswith("|")]
    assert {line.count("|") for line in table} == {5}
    page = re.sub(r"</?code>", "", "\n".join(markdown))
    assert not re.search(r"[<>`\[]|@(?!&#8203;)", page)


def _read(document: dict[str, Any]) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"JSON has no {constant}")

    found: dict[str, Any] = json.loads(dumps(document), parse_constant=refuse)
    return found


def test_the_document_has_everything_and_is_json() -> None:
    found = _read(render.document(beside(_FULL, _PAST)))

    assert list(found) == [
        *("model", "places", "candidate", "incumbent"),
        *("metrics", "params", "tags", "signature", "bytes"),
    ]
    rows = {row["key"]: row for row in found["metrics"]}
    assert rows["auc"] == {
        "key": "auc",
        "candidate": 0.931,
        "incumbent": 0.91,
        "difference": 0.021,
    }
    assert (rows["loss"]["candidate"], rows["loss"]["difference"]) == ("NaN", None)
    assert [rows[key]["candidate"] for key in ("up", "down")] == ["Infinity", "-Infinity"]
    assert found["params"][1] == {"key": "depth", "candidate": "7", "incumbent": "6"}
    assert found["candidate"]["metrics"]["loss"] == "NaN"
    assert found["candidate"]["created"] == "1970-01-05T00:00:00Z"
    assert found["candidate"]["run"]["status"] == "FAILED"
    assert found["candidate"]["signature"]["inputs"][0] == {
        "name": "amount",
        "type": "float",
        "required": True,
    }
    assert found["candidate"]["missing"] == ["one thing is not known"]
    assert found["incumbent"]["aliases"] == ["champion"]


def test_a_document_without_facts_or_an_incumbent_says_null() -> None:
    found = _read(render.document(beside(NO_FACTS, None)))
    assert (found["incumbent"], found["signature"], found["metrics"]) == (None, None, [])
    assert (found["candidate"]["run"], found["candidate"]["source_commit"]) == (None, None)


def test_no_credentials_of_a_source_get_into_a_comparison() -> None:
    compared = beside(_FULL, _PAST)
    shown = [*render.text_lines(compared, _NOW), *render.markdown_lines(compared, _NOW)]
    assert "secret" not in dumps(render.document(compared)) + "".join(shown)


def test_the_same_input_gives_the_same_bytes_whatever_order_it_came_in() -> None:
    other = replace(
        _FULL,
        metrics=dict(reversed(list(_FULL.metrics.items()))),
        params=dict(reversed(list(_FULL.params.items()))),
    )
    one, two = beside(_FULL, _PAST), beside(other, _PAST)
    assert dumps(render.document(one)) == dumps(render.document(two))
    assert render.text_lines(one, _NOW) == render.text_lines(two, _NOW)


def test_a_clock_that_runs_late_makes_nothing_older_than_now() -> None:
    lines = render.text_lines(beside(_FULL, None), _NOW - timedelta(days=400))
    assert "    age            0 s" in lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0.0, "0"),
        (-0.0, "0"),
        (3.0, "3"),
        (123456789.0, "123456789"),
        (0.1 + 0.2, "0.3"),
        (1e300, "1e+300"),
        (-1e-9, "-1e-09"),
        (0.9123456789, "0.912346"),
    ],
)
def test_a_number_reads_as_people_write_it(value: float | None, shown: str) -> None:
    assert render.number(value) == shown


@pytest.fixture(name="model")
def _model(lab: Lab) -> str:
    """Register a model with two trained versions, v1 in Production, and a third without a run."""
    model = lab.model(0)
    seeds = MlflowSeeds(lab.uri)
    seeds.log_version(
        model,
        metrics={"auc": 0.91, "loss": math.nan},
        params={"depth": "6"},
        signature=_PAST.signature,
        user="bob",
    )
    seeds.log_version(
        model,
        metrics={"auc": 0.931, "loss": 0.3},
        params={"depth": "7", "data_version": "2026-10"},
        run_tags={"mlflow.source.git.commit": "cd" * 20},
        signature=_FULL.signature,
        tags={"validated": "true"},
    )
    seeds.create_version(model)
    lab.hand.stage(model, 1, "Production")
    lab.hand.alias(model, "champion", 1)
    lab.git.commit()
    return model


def test_a_version_a_stage_and_an_alias_can_be_compared(lab: Lab, model: str) -> None:
    for one, other in (("1", "2"), ("@champion", "v2"), ("Production", "2")):
        done = lab.run("compare", model, one, other, "--format", "json")
        assert (done.code, done.stderr) == (0, "")
        compared = done.document["comparison"]
        assert (compared["candidate"]["version"], compared["incumbent"]["version"]) == (2, 1)
        assert compared["metrics"][0]["difference"] == 0.021
        assert compared["metrics"][1]["incumbent"] == "NaN"
        assert compared["signature"][0] == "input `amount`: double → float"
        assert compared["candidate"]["source_commit"] == "cd" * 20
        assert compared["places"] == []
        assert done.document["exit"] == {"code": 0, "reason": None}


def test_it_is_read_as_text_and_as_markdown(lab: Lab, model: str) -> None:
    text = lab.run("compare", model, "1", "2").stdout.splitlines()
    assert text[:2] == [model, "  v1 (Production @champion) → v2"]
    rows = [" ".join(line.split()) for line in text]
    assert {"metric auc 0.91 0.931 +0.021", "registered by bob ann"} <= set(rows)
    assert re.fullmatch(r"compare: 2 versions, \d+ requests, \d+\.\d\d s", text[-1])

    table = lab.run("compare", model, "1", "2", "--format", "markdown").stdout
    assert "| metric <code>auc</code> | 0.91 | 0.931 | **+0.021** |" in table


def test_a_version_without_a_run_says_what_is_not_known(lab: Lab, model: str) -> None:
    done = lab.run("compare", model, "1", "3")
    assert done.code == 0
    assert "    v3: names no run;" in done.stdout
    assert re.search(r"metric auc +0\.91 +-$", done.stdout, re.MULTILINE)


def test_a_deleted_run_is_said_and_vouches_for_nothing(lab: Lab, model: str) -> None:
    MlflowSeeds(lab.uri).delete_run_of(model, 1)
    compared = lab.run("compare", model, "1", "2", "--format", "json").document["comparison"]
    assert compared["incumbent"]["run"]["deleted"]
    assert compared["metrics"][0]["incumbent"] is None
    assert any("is deleted" in sentence for sentence in compared["incumbent"]["missing"])


def test_one_version_under_two_names_is_said_and_read_once(lab: Lab, model: str) -> None:
    once = lab.run("compare", model, "@champion", "Production")
    assert once.code == 0
    assert "`@champion` and `Production` are both v1" in once.stderr
    assert not re.search(r"[+-]0\.", once.stdout)


def test_of_several_versions_in_a_stage_the_highest_is_compared_and_it_is_said(
    lab: Lab,
    model: str,
) -> None:
    lab.hand.stage(model, 2, "Production")
    done = lab.run("compare", model, "1", "Production")
    assert "v1 (Production @champion) → v2 (Production)" in done.stdout
    assert "Production holds more than one version: v2 is shown, not v1" in done.stderr


@pytest.mark.parametrize(
    ("names", "complaint", "hint"),
    [
        (("9", "1"), "has no version 9", "Production v1"),
        (("1", "Staging"), "is in Staging", "Production v1"),
        (("@champoin", "1"), "has no alias `@champoin`", "did you mean `@champion`?"),
        (("champion", "1"), "`champion` is not a version", "did you mean `@champion`?"),
        (("latest", "1"), "`latest` is not a version", "write `4`"),
        (("", "1"), "is not a version", "write `4`"),
    ],
)
def test_what_names_no_version_exits_1_with_what_there_is(
    lab: Lab,
    model: str,
    names: tuple[str, str],
    complaint: str,
    hint: str,
) -> None:
    done = lab.run("compare", model, *names)
    assert (done.code, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert hint in done.stderr


def test_a_model_that_is_not_there_exits_1_and_names_the_nearest(lab: Lab, model: str) -> None:
    done = lab.run("compare", model[:-1] + "x" + model[-1], "1", "2", "--format", "json")
    assert done.code == 1
    assert done.document["errors"][0]["hint"] == f"did you mean `{model}`?"
    for name in ("", "/", "a/b", "m:1", "@"):
        assert lab.run("compare", name, "1", "2").code == 1, name


def test_nothing_is_written_and_no_repository_is_needed(
    lab: Lab,
    model: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = lab.hand.holds(model)
    outside = tmp_path_factory.mktemp("outside")
    assert lab.run("compare", model, "1", "2", cwd=outside).code == 0
    assert lab.hand.holds(model) == before
    assert not list(outside.iterdir())
