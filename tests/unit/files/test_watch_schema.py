"""`watch:` in a model's file and in the settings: what is read, and what is wrong with it."""

from datetime import timedelta

import pytest

from reconciler.core.declaring.watch import (
    JsonValue,
    PrometheusQuery,
    RunMetric,
    WatchRule,
    rules_of,
)
from reconciler.errors import DeclarationError
from reconciler.files.editing.yaml_dump import dump_declaration
from reconciler.files.loader import parse_declaration, parse_settings

_RULE = """watch:
  - name: error-rate
    source: {prometheus: "https://prometheus.example.com", query: 'errors{version="$version"}'}
    fail: value > 0.05
"""


def _rules(text: str) -> tuple[WatchRule, ...]:
    return parse_declaration(f"model: fraud\n{text}".encode(), "fraud.yaml").watch


def test_a_rule_has_defaults() -> None:
    (rule,) = _rules(_RULE)
    assert rule.source == PrometheusQuery(
        "https://prometheus.example.com", 'errors{version="$version"}'
    )
    assert (rule.needed, rule.window, rule.mode, rule.line) == (3, 5, "propose", 3)
    assert (rule.grace, rule.cooldown) == (timedelta(minutes=15), timedelta(hours=24))


def test_every_key_is_read_and_written_again() -> None:
    text = """model: fraud
watch:
- name: drifted
  source:
    {json: "monitoring/$model.json", value: data.psi, time: at, token: A_TOKEN, samples: data.n}
  fail: value > baseline + 0.02
  for: 2 of 4
  min_samples: 200
  mode: observe
  grace: 30m
  cooldown: 7d
  max_age: 90m
  baseline: 1d12h
- name: live-auc
  source: {metric: auc, experiment: monitoring, samples: rows}
  fail: value < 0.8
"""
    declared = parse_declaration(text.encode(), "fraud.yaml")
    drifted, live_auc = declared.watch
    assert drifted == WatchRule(
        "drifted",
        JsonValue("monitoring/$model.json", "data.psi", "data.n", "at", "A_TOKEN"),
        "value > baseline + 0.02",
        needed=2,
        window=4,
        min_samples=200,
        mode="observe",
        grace=timedelta(minutes=30),
        cooldown=timedelta(days=7),
        max_age=timedelta(minutes=90),
        baseline=timedelta(hours=36),
    )
    assert live_auc.source == RunMetric("auc", "rows", "monitoring")
    again = parse_declaration(dump_declaration(declared, stem="fraud").encode(), "fraud.yaml")
    assert again.watch == declared.watch


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("name: error-rate", "name: Error rate", "is not a rule's name"),
        ("prometheus: ", "prometeus: ", "did you mean"),
        ("https://", "ftp://", "is not an http or https URL"),
        ("https://", "https://me:secret@", "a URL in a file holds no credentials"),
        ("query:", "value:", "a `source` with `prometheus` needs `query`"),
        ("{prometheus", "{metric: auc, prometheus", "`source` has one of"),
        ("fail: value > 0.05", "fail: value > 0.05\n    for: 6 of 5", "can never be"),
        ("fail: value > 0.05", "fail: value > 0.05\n    for: three", "how many looks of how many"),
        (
            "fail: value > 0.05",
            "fail: value > 0.05\n    min_samples: 9",
            "needs a source that tells",
        ),
        ("fail: value > 0.05", "fail: value > 0.05\n    grace: 0m", "is zero"),
        ("source: {", "source: {token: secret.jwt, ", "not the name of an environment variable"),
        ("source: {", "source: {token: MLFLOW_TRACKING_TOKEN, ", "a token of its own"),
        ("source: {", "source: {token: GITHUB_TOKEN, ", "a token of its own"),
        ("source: {", "source: {token: GIT_CONFIG_VALUE_0, ", "a token of its own"),
    ],
)
def test_what_is_wrong_is_told(old: str, new: str, complaint: str) -> None:
    with pytest.raises(DeclarationError) as wrong:
        _rules(_RULE.replace(old, new))
    told = " ".join(f"{one.message} {one.hint}" for one in wrong.value.problems)
    assert complaint in told
    assert "secret" not in told


@pytest.mark.needs_cel
@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("$model.models.svc:8080", True),
        ("serving-$model", True),
        ("metrics.example.com/$model", True),
        ("$model", False),
        ("$model:8080", False),
        ("metrics.$model/metrics", False),
    ],
)
def test_a_models_name_alone_is_no_server(host: str, *, is_allowed: bool) -> None:
    text = f"watch: [{{name: a, source: {{json: 'http://{host}', value: x}}, fail: value > 1}}]\n"
    if is_allowed:
        assert _rules(text)
        return
    with pytest.raises(DeclarationError) as wrong:
        _rules(text)
    assert "lets whoever names a model choose the server" in wrong.value.problems[0].message


def test_a_path_does_not_lead_out_of_the_repository() -> None:
    for path in ("../secret.json", "/etc/passwd", "a/../../b"):
        with pytest.raises(DeclarationError) as wrong:
            _rules(f"watch: [{{name: a, source: {{json: {path}, value: x}}, fail: value > 1}}]\n")
        assert "out of the repository" in wrong.value.problems[0].message


@pytest.mark.needs_cel
def test_a_model_replaces_a_rule_of_the_settings_by_name() -> None:
    second = _RULE.partition("\n")[2].replace("error-rate", "drift")
    text = f"{_RULE}    models: [fraud*]\n{second}"
    settings = parse_settings(text.encode(), "reconciler.yaml").watch
    own = _rules(_RULE.replace("0.05", "0.1"))
    assert [(rule.name, rule.fail) for rule in rules_of("fraud", settings, own)] == [
        ("drift", "value > 0.05"),
        ("error-rate", "value > 0.1"),
    ]
    assert [rule.name for rule in rules_of("churn", settings, ())] == ["drift"]


def test_a_name_that_reads_as_a_glob_covers_its_own_model() -> None:
    rule = WatchRule("errors", RunMetric("errors"), "value > 1", models=("fraud[1]",))
    assert rules_of("fraud[1]", (rule,), ()) == (rule,)
