"""`watch`: what is looked at, and what its verdict is; it never writes to the registry."""

import json
import os
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import reconciler
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import HANG_UP, Answer, MlflowSeeds, Request
from tests.support.repositories.git_lab import GitLab
from tests.support.watching.watch_lab import MINUTE, SERVED_TWO, WatchLab, watch_lab

pytestmark = pytest.mark.needs_cel

_TIMED = "samples: samples, time: time"


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Iterator[WatchLab]:
    with watch_lab(lab, tmp_path) as found:
        yield found
        assert found.only_read(), "the registry is never written to"


def test_a_version_fails_after_as_many_failing_looks_as_its_rule_asks_for(desk: WatchLab) -> None:
    model = desk.promoted()
    verdicts = []
    for value in (0.01, 0.5, 0.5, 0.01, 0.5):
        desk.tell(model, value)
        answer = desk.look(job=False)
        (row,) = answer.models
        verdicts.append((row.verdict, answer.code, row.proposal.action))
    assert verdicts == [
        ("healthy", 0, "none"),
        ("inconclusive", 0, "none"),
        ("inconclusive", 0, "none"),
        ("healthy", 0, "none"),
        ("failed", 2, "would-open"),
    ]
    assert desk.branches() == []
    (watched,) = answer.to_dict()["models"]
    assert watched["since"] is not None
    assert watched["rules"][0] | {"why": ""} == {
        "rule": "errors",
        "verdict": "failed",
        "why": "",
        "value": 0.5,
        "baseline": None,
        "samples": 1000.0,
        "measured": None,
        "failing": 3,
        "needed": 3,
        "window": 5,
    }


def test_outside_of_a_job_the_command_is_told_that_proposes_the_same(desk: WatchLab) -> None:
    model = desk.promoted()
    answer = desk.failing(model, job=False)
    (row,) = answer.models
    assert row.proposal.target == 1
    assert row.proposal.command is not None
    _, _, rest = row.proposal.command.partition("reconciler ")
    assert rest.startswith(f"rollback {model} --block --reason 'watch: errors: ")
    assert rest.endswith("' --pr")
    assert f"next: `{row.proposal.command}`" in answer.to_text()
    notes = desk.lab.git.git("for-each-ref", "--format=%(refname)", "refs/notes")
    assert "refs/notes/reconciler-watch" in notes.split()
    assert "reconciler-watch" not in desk.ci.remote.git("for-each-ref", "refs/notes")


def test_without_a_usable_value_nothing_is_healthy_and_nothing_proposed(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("min_samples: 100, for: 1 of 1", keys=_TIMED))
    desk.tell(model, 0.01, time=(desk.now + 20 * MINUTE).isoformat())
    assert desk.look(job=False).verdict == "healthy"
    late = (desk.now - timedelta(hours=3)).isoformat()

    def fresh() -> str:
        return (desk.now + 20 * MINUTE).isoformat()

    cases: tuple[Answer | dict[str, object], ...] = (
        {"value": 0.5, "samples": 99, "time": fresh()},
        {"value": 0.5, "samples": 1000, "time": late},
        {"value": None, "samples": 1000, "time": fresh()},
        {"value": "many", "samples": 1000, "time": fresh()},
        {"value": 0.5, "time": fresh()},
        {"value": float("nan"), "samples": 1000, "time": fresh()},
        {},
        Answer(503),
        Answer(200, b"<html>"),
        HANG_UP,
    )
    for told in cases:
        desk.told[model] = told
        answer = desk.look(timedelta(seconds=1), job=False)
        (row,) = answer.models
        assert (row.verdict, answer.code) == ("inconclusive", 0), told
        assert row.proposal.action == "none"
        assert "healthy" not in answer.to_text()


def test_a_source_that_never_gave_a_value_is_a_mistake_at_its_line(desk: WatchLab) -> None:
    model = desk.promoted(settings=f"watch: [{desk.rule(name='other', fail='value > 0.2')}]\n")
    desk.told[model] = {"count": 3}
    answer = desk.look(job=False)
    assert answer.code == 3
    places = {(p.file, p.line, p.model) for p in answer.problems}
    assert places == {
        (f"registry-state/{model}.yaml", 4, model),
        ("registry-state/reconciler.yaml", 2, model),
    }
    assert "has returned no value in 1 look: " in answer.problems[0].message
    assert answer.verdict == "inconclusive"
    assert desk.look(job=False).problems[0].message.count("in 2 looks") == 1
    desk.tell(model, 0.01)
    mended = desk.look(job=False)
    assert (mended.verdict, mended.code) == ("healthy", 0)


def test_prometheus_is_asked_for_the_window_of_the_incumbent_until_it_is_known(
    desk: WatchLab,
) -> None:
    asked: list[dict[str, str]] = []

    def prometheus(request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        asked.append(form)
        time = float(form.get("time", desk.now.timestamp()))
        value = "0.02" if form["query"] == "e{v='1'}" else "0.3"
        data = {"resultType": "scalar", "result": [time, value]}
        return Answer(200, json.dumps({"status": "success", "data": data}).encode())

    desk.source.before = prometheus
    source = f"prometheus: '{desk.source.uri}', query: \"e{{v='$version'}}\""
    model = desk.promoted(
        f"{{name: errors, source: {{{source}}}, fail: value > baseline + 0.1, for: 2 of 2}}"
    )
    first = desk.look(job=False)
    (row,) = first.models
    assert row.model == model
    look = row.rules[0].verdict.look
    assert (look.measurement.value, look.baseline, look.outcome) == (0.3, 0.02, "failing")
    past = [form for form in asked if "'1'" in form["query"]]
    assert len(past) == 5
    assert row.since is not None
    times = sorted(float(form["time"]) for form in past)
    assert times[0] == pytest.approx(row.since.timestamp() - 24 * 3600)
    assert times[-1] < row.since.timestamp()
    asked.clear()
    assert desk.look(job=False).verdict == "failed"
    assert len(asked) == 1, "what is known of the incumbent is not asked again"


def test_looks_count_after_the_grace_that_begins_with_the_apply(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("for: 1 of 1, grace: 30m"))
    desk.tell(model, 0.5)
    early = desk.look(29 * MINUTE, job=False)
    assert (early.verdict, early.code) == ("inconclusive", 0)
    assert desk.look(2 * MINUTE, job=False).verdict == "failed"


def test_an_apply_that_is_recorded_in_the_future_does_not_blind_the_watch(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("for: 1 of 1, grace: 30m"))
    git = desk.lab.git.git
    for line in git("notes", "--ref=reconciler", "list").splitlines():
        of = line.split()[1]
        later = re.sub(r'"20\d\d-', '"2099-', git("notes", "--ref=reconciler", "show", of))
        git("notes", "--ref=reconciler", "add", "--force", "--message", later, of)
    desk.tell(model, 0.5)
    verdicts = [desk.look(n * MINUTE, job=False).verdict for n in (5, 29, 2)]
    assert verdicts == ["inconclusive", "inconclusive", "failed"], "grace since it was first seen"


def test_without_records_a_version_serves_since_its_merge_at_the_earliest(desk: WatchLab) -> None:
    rule = desk.rule("for: 1 of 1, grace: 30m")
    model, git = desk.promoted(rule), desk.lab.git
    git.git("update-ref", "-d", "refs/notes/reconciler")
    desk.now = datetime.fromisoformat(git.git("log", "-1", "--format=%cI"))
    desk.tell(model, 0.5)
    desk.look(job=False)
    assert desk.look(31 * MINUTE, job=False).verdict == "failed"
    git.commits += 10 * 60
    back = "versions:\n  1: {stage: Production, aliases: [champion]}\n  2: {stage: Archived}\n"
    for content in (back, SERVED_TWO):  # nobody looks in between
        desk.lab.declare(model, f"{content}watch: [{rule}]\n")
        desk.apply()
    git.git("update-ref", "-d", "refs/notes/reconciler")
    desk.now = datetime.fromisoformat(git.git("log", "-1", "--format=%cI"))
    (row,) = desk.look(5 * MINUTE, job=False).models
    assert (row.version, row.verdict) == (2, "inconclusive")
    assert row.rules[0].verdict.why == "within 30 m after v2 began to serve"


def test_what_is_observed_or_a_dry_run_is_only_said(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("for: 1 of 1, mode: observe"))
    before = desk.untouched(), desk.lab.git.git("for-each-ref")
    desk.tell(model, 0.5)
    dry = desk.look(dry_run=True)
    assert (dry.code, dry.models[0].proposal.action) == (2, "would-open")
    assert (desk.untouched(), desk.lab.git.git("for-each-ref")) == before
    seen = desk.look()
    assert (seen.code, seen.models[0].proposal.action) == (2, "would-open")
    assert seen.models[0].mode == "observe"
    assert desk.branches() == []
    assert desk.ci.state.pulls == {}


def test_a_model_is_looked_at_where_git_and_the_registry_agree_alone(desk: WatchLab) -> None:
    drifted, held = desk.all_promoted(2, desk.rule("for: 1 of 1"))
    desk.tell(drifted, 0.5)
    desk.tell(held, 0.5)
    desk.lab.hand.tag(drifted, 2, "by", "hand")
    desk.lab.declare(held, f"{SERVED_TWO}hold: being moved\nwatch: [{desk.rule('for: 1 of 1')}]\n")
    desk.ci.push()
    desk.lab.hand.alias(drifted, "champion", 1)
    answer = desk.look()
    assert answer.code == 0
    assert [row.verdict for row in answer.models] == ["inconclusive"] * 2
    assert [row.rules for row in answer.models] == [(), ()]
    text = answer.to_text()
    assert "not looked at: 1 value in the registry not as git says" in text
    assert "not looked at: held: being moved" in text
    assert desk.source.requests == []


def test_a_rollback_is_not_rolled_back_also_after_a_later_change(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("for: 1 of 1"))
    lab = desk.lab
    assert lab.run("rollback", model, "--commit", "--reason", "it fails").code == 0
    desk.apply()
    desk.tell(model, 0.01)
    since = desk.look().models[0].since
    file = f"registry-state/{model}.yaml"
    lab.git.commit({file: (lab.git.root / file).read_text() + "description: as before\n"})
    desk.apply()
    desk.tell(model, 0.5)
    answer = desk.look()
    (row,) = answer.models
    assert row.since == since
    assert (row.version, row.verdict, answer.code) == (1, "failed", 2)
    assert row.proposal.action == "held-back"
    assert "because of a rollback" in str(row.proposal.why)
    assert desk.ci.state.pulls == {}


def test_only_what_is_merged_is_watched_and_a_dry_run_takes_the_rest(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("for: 1 of 1"))
    desk.tell(model, 0.5)
    git = desk.lab.git
    file = git.root / "registry-state" / f"{model}.yaml"
    merged = file.read_text()
    file.write_text(merged.replace("> 0.1", "> 0.9"))
    with pytest.raises(reconciler.Refused, match=f"{model}.yaml is not committed"):
        desk.look()
    assert desk.look(dry_run=True).verdict == "healthy"
    git.branch("change")
    git.commit(message="a change")
    with pytest.raises(reconciler.OutOfStep, match="`origin/main` does not contain"):
        desk.look()
    git.checkout("main")
    git.git("merge", "--quiet", "change")
    desk.ci.push()
    git.git("checkout", "--quiet", "HEAD~1")
    with pytest.raises(reconciler.OutOfStep, match="has changed `registry-state` since"):
        desk.look()
    git.checkout("main")
    git.commit({"README.md": "of no model"})
    desk.ci.push()
    git.checkout("HEAD~1")
    assert desk.look().verdict == "healthy", "the main line declares the same"


def test_to_change_what_is_watched_changes_nothing_that_is_applied(desk: WatchLab) -> None:
    model = desk.promoted()
    git, run = desk.lab.git, desk.lab.run
    applied = git.git("rev-parse", "HEAD")
    unchanged = run("plan", "--format", "json").document
    rule = desk.rule("for: 2 of 2", name="other")
    git.commit(
        {
            "registry-state/reconciler.yaml": f"branch: main\nwatch: [{rule}]\n",
            f"registry-state/{model}.yaml": f"{SERVED_TWO}watch: [{rule}]\n",
        }
    )
    desk.ci.push()
    plan = run("plan", "--detailed-exitcode", "--format", "json")
    assert (plan.code, plan.document["digest"]) == (0, unchanged["digest"])
    assert plan.document["summary"]["records"] == 0
    assert run("plan", "--since", applied, "--format", "json").document["models"] == []
    drift = run("drift", "--format", "json")
    assert (drift.code, drift.document["pending"]) == (0, [])
    assert run("apply", "--yes").code == 0
    git.checkout(applied)
    again = run("plan", "--format", "json").document
    assert [row["outcome"] for row in again["models"]] == ["in-sync"]


def test_values_of_few_samples_make_no_baseline(desk: WatchLab) -> None:
    source = f"prometheus: '{desk.source.uri}', query: errors_$version, samples: count_$version"
    rule = f"name: errors, source: {{{source}}}, fail: value > baseline, min_samples: 100"
    desk.promoted(f"{{{rule}}}")
    few = 99
    numbers = {"errors_1": 0.1, "count_1": few, "errors_2": 0.2, "count_2": 1000}

    def answer(request: Request) -> Answer:
        asked = dict(parse_qsl(request.body.decode()))
        time = float(asked.get("time", desk.now.timestamp()))
        sample = [time, str(numbers[asked["query"]])]
        data = {"resultType": "scalar", "result": sample}
        return Answer(200, json.dumps({"status": "success", "data": data}).encode())

    desk.source.before = answer
    baselines = []
    for numbers["count_1"] in (few, 100):
        (row,) = desk.look(job=False).models
        baselines.append(row.rules[0].verdict.look.baseline)
    assert baselines == [None, 0.1]


def test_a_rule_for_models_that_do_not_exist_is_told(desk: WatchLab) -> None:
    typo = desk.rule(name="typo", extra="models: [frud-*, 'x']")
    model = desk.promoted(settings=f"watch: [{typo}]\n")
    desk.tell(model, 0.01)
    assert desk.look(job=False).verdict == "healthy"
    where, models = "`typo` of registry-state/reconciler.yaml", "`frud-*`, `x`"
    assert desk.said == [f"the rule {where} watches no model: none is called {models}"]


def test_what_two_states_of_a_repository_saw_is_kept_apart(desk: WatchLab) -> None:
    model, other = desk.promoted(), desk.lab.model(2)
    rule = f"watch: [{desk.rule()}]\n"
    pinned = "versions: {2: {stage: Production, aliases: [champion]}}\n"
    files = {"reconciler.yaml": "branch: main\n", f"{other}.yaml": f"{pinned}{rule}"}
    desk.lab.git.commit({f"eu/state/{name}": content for name, content in files.items()})
    desk.ci.push()
    assert desk.lab.run("apply", "--yes", "--state", "eu/state").code == 0
    desk.registry.requests.clear()
    for name in (model, other):
        desk.tell(name, 0.01)
    desk.look()
    environ = {"MLFLOW_REGISTRY_URI": desk.lab.uri, "PATH": os.environ["PATH"]} | desk.lab.git.env
    environ |= desk.ci.around("schedule")
    reconciler.open("eu/state", root=desk.lab.git.root, environ=environ).watch(now=desk.now)
    listed = desk.ci.remote.git("for-each-ref", "--format=%(refname)", "refs/notes").split()
    mine, eu = (ref for ref in listed if "watch" in ref)
    assert mine == "refs/notes/reconciler-watch"
    assert re.fullmatch(f"{mine}-[0-9a-f]{{12}}", eu)


def test_a_watch_without_a_rule_does_not_look_healthy(desk: WatchLab) -> None:
    model = desk.promoted(settings="")
    other = desk.lab.model(1)
    desk.lab.declare(other, "versions: {1: {}}")
    desk.ci.push()
    r = desk.api(job=False)
    with pytest.raises(reconciler.DeclarationError) as raised:
        r.watch([other])
    assert raised.value.problems[0].message == "none of these models has a rule in `watch:`"
    assert desk.said == [f"`{other}` has no rule in `watch:`: it is not watched"]
    desk.lab.declare(other, f"retired: true\nversions: {{1: {{}}}}\nwatch: [{desk.rule()}]\n")
    desk.ci.push()
    desk.said.clear()
    with pytest.raises(reconciler.DeclarationError):
        desk.api(job=False).watch([other])
    assert desk.said == [f"`{other}` is retired: it is not watched"]
    r = desk.api(job=False)
    with pytest.raises(reconciler.UsageError, match="`nosuch` matches no model"):
        r.watch(["nosuch"])
    with pytest.raises(reconciler.UsageError, match="has no time zone"):
        r.watch([model], now=desk.now.replace(tzinfo=None))
    desk.tell(model, 0.01)
    assert [row.model for row in r.watch(["lab-*"]).models] == [model]


def test_the_command_prints_what_the_api_returns_and_a_job_gets_its_outputs(desk: WatchLab) -> None:
    model = desk.promoted(desk.rule("for: 1 of 1, mode: observe, grace: 1s"))
    desk.tell(model, 0.5)
    time.sleep(1.1)  # the grace
    result = desk.lab.run("watch", "--format", "json", env=desk.ci.around("schedule"))
    document = result.document
    assert (result.code, document["exit"]) == (2, {"code": 2, "reason": "failed"})
    assert document["models"][0]["proposal"]["action"] == "would-open"
    assert desk.ci.outputs == {"verdict": "failed", "pull-requests": "[]", "exitcode": "2"}
    assert "### Watch: 1 model, 1 failed" in desk.ci.summary
    assert f"::warning file=registry-state/{model}.yaml,line=4" in result.stderr
    desk.tell(model, 0.01)
    text = desk.lab.run("watch")
    assert text.code == 0
    lines = text.stdout.splitlines()
    assert lines[0] == f"  ✓ {model} v2  healthy"
    assert lines[-1].startswith("1 model, 1 healthy, ")


def test_a_recorded_series_is_run_through_the_rules(desk: WatchLab, tmp_path: Path) -> None:
    model = desk.promoted(desk.rule("for: 2 of 3, grace: 1m"))
    rows = [
        f"2026-01-05T10:{minute:02}:00Z,{value}" for minute, value in enumerate((0, 0, 9, 9, 9))
    ]
    series = tmp_path / "series.csv"
    series.write_text("\n".join(("time,value", *rows)))
    result = desk.lab.run("watch", "--replay", str(series), "--format", "json")
    assert result.code == 2
    (of_rule,) = result.document["rules"]
    assert [look["proposal"]["action"] for look in of_rule["looks"]] == [
        *("none", "none", "none"),
        *("propose", "held-back"),
    ]
    assert {look["version"] for look in of_rule["looks"]} == {2}, "what git declares to serve"
    lines = series.with_suffix(".jsonl")
    times = [{"time": 1767607200 + 60 * n, "value": 0.01, "version": 2} for n in range(3)]
    lines.write_text("\n".join(map(json.dumps, times)))
    assert desk.api(job=False).replay(lines, [model], rule="errors").proposals == ()
    for said, why in (
        (("--replay", str(series), "--rule", "none"), f"`{model}` has no rule `none`"),
        (("--replay", str(tmp_path / "missing")), "No such file"),
        (("--rule", "errors"), "`--rule` goes with `--replay`"),
    ):
        failed = desk.lab.run("watch", *said)
        assert failed.code == 1
        assert why in failed.stderr
    series.write_text("when,value\n2026,1\n")
    assert "series.csv:1: " in desk.lab.run("watch", "--replay", str(series)).stderr


def test_the_metric_of_the_run_of_what_serves_is_read_in_a_file_of_sqlite_too(
    sqlite_uri: str, tmp_path: Path
) -> None:
    seeds, names = MlflowSeeds(sqlite_uri), ("one", "two", "three")
    for name in names:
        for auc in (0.9, 0.4):
            seeds.log_version(name, metrics={"auc": auc})
    git = GitLab.new(tmp_path)
    rule = "{name: auc, source: {metric: auc}, fail: value < 0.5, for: 1 of 1, max_age: 520w}"
    git.write({"registry-state/reconciler.yaml": f"branch: main\nwatch: [{rule}]\n"})
    lab = Lab(git, sqlite_uri, Hand("http://127.0.0.1:9"))
    for serving in (1, 2):
        files = {f"registry-state/{name}.yaml": _serving(serving) for name in names}
        git.commit(dict(files))
        assert lab.run("apply", "--yes").code == 0
        answer = opened(lab).watch(dry_run=True)
        looks = [row.rules[0].verdict.look for row in answer.models]
        assert [look.measurement.value for look in looks] == [0.9 if serving == 1 else 0.4] * 3


def _serving(version: int) -> str:
    other = 3 - version
    return f"versions: {{{version}: {{stage: Production}}, {other}: {{stage: Archived}}}}\n"
