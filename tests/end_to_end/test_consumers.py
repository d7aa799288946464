"""`reconciler consumers`, and what a plan says and refuses for the sake of who loads a model."""

from pathlib import Path
from time import process_time

import pytest

from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Hand, Lab
from tests.support.repositories.git_lab import GitLab

FRAUD = """\
# who may touch this: the fraud team
consumers:
  - name: checkout-api # since spring
    owner: payments
    loads: "@champion"
    code: https://git.example.com/payments/checkout-api
  - name: ledger
    loads: 3
versions:
  4: {stage: Production, aliases: [champion]}
  3: {stage: Archived}
"""
CHURN = "versions:\n  1: {aliases: [champion]}\n"
SOURCES = {
    "apps/checkout/serve.py": 'model = mlflow.pyfunc.load_model("models:/fraud@champion")\n',
    "apps/batch/score.py": "URI = 'models:/fraud/Production'\nload_model(f'models:/{name}/1')\n",
    "apps/batch/more.py": '# models:/fraud/1\nload_model("models:/fraud/Staging")\n',
    "apps/web/values.yaml": "env:\n  MODEL_URI: models:/churn@champion\n",
    "apps/odd.py": 'load_model("models:/nobodys/1")\n',
}
LOG = """\
10.0.0.7 - - [20/Nov/2026:08:00:00 +0000] "GET /api/2.0/mlflow/registered-models/alias?name=fraud&alias=champion HTTP/1.1" 200 81 "-" "mlflow-python-client/3.7"
10.0.0.7 - - [20/Nov/2026:09:00:00 +0000] "GET /api/2.0/mlflow/registered-models/alias?name=churn&alias=champion HTTP/1.1" 200 81 "-" "mlflow-python-client/3.7"
10.0.0.7 - - [20/Nov/2026:09:30:00 +0000] "GET /api/2.0/mlflow/registered-models/alias?name=nobodys&alias=x HTTP/1.1" 200 81 "-" "mlflow-python-client/3.7"
"""  # noqa: E501  as nginx writes it


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Lab:
    """Return a checkout with two models and five programs; no registry answers."""
    desk = Lab(GitLab.new(tmp_path), "", Hand("http://127.0.0.1:9"))
    files = {"registry-state/fraud.yaml": FRAUD, "registry-state/churn.yaml": CHURN, **SOURCES}
    desk.git.commit(dict(files))
    (tmp_path / "access.log").write_text(LOG)
    return desk


def _log(desk: Lab) -> str:
    return str(desk.git.root.parent / "access.log")


def test_the_list_is_made_of_the_files_alone_in_every_format(desk: Lab) -> None:
    document = desk.run("consumers", "--format", "json").document
    rows = [
        {key: row[key] for key in ("name", "loads", "version", "line")}
        for row in document["consumers"]
    ]
    assert rows == [
        {"name": "checkout-api", "loads": "@champion", "version": 4, "line": 5},
        {"name": "ledger", "loads": "3", "version": 3, "line": 8},
    ]
    assert document["consumers"][0] | {"line": 0} == {
        "model": "fraud",
        "name": "checkout-api",
        "owner": "payments",
        "loads": "@champion",
        "version": 4,
        "code": "https://git.example.com/payments/checkout-api",
        "file": "registry-state/fraud.yaml",
        "line": 0,
    }
    assert [document[key] for key in ("found", "unknown", "seen", "not_seen", "errors")] == [[]] * 5
    text = desk.run("consumers").stdout
    assert "fraud  ledger                  3          v3" in text
    assert text.splitlines()[-1].startswith("2 consumers of 1 model, ")
    assert desk.run("consumers", "churn").stdout.startswith("no consumers, ")
    markdown = desk.run("consumers", "--format", "markdown").stdout
    assert "| <code>ledger</code> |  | <code>3</code> | <code>v3</code> |  |" in markdown
    assert desk.run("consumers", "frau").code == 1
    assert desk.run("consumers", "--write").code == 1


def test_what_source_code_loads_is_compared_with_what_is_declared(desk: Lab) -> None:
    document = desk.run("consumers", "--scan", "apps", "--format", "json").document
    assert {
        (row["model"], row["loads"], row["file"], row["line"]): row["declared_as"]
        for row in document["found"]
    } == {
        ("fraud", "@champion", "apps/checkout/serve.py", 1): "checkout-api",
        ("fraud", "Production", "apps/batch/score.py", 1): None,
        ("fraud", "Staging", "apps/batch/more.py", 2): None,
        ("churn", "@champion", "apps/web/values.yaml", 2): None,
        ("nobodys", "1", "apps/odd.py", 1): None,
    }
    (unknown,) = document["unknown"]
    assert (unknown["file"], unknown["line"]) == ("apps/batch/score.py", 2)
    assert unknown["why"]
    text = desk.run("consumers", "--scan", "apps").stdout
    assert "nobodys  1           apps/odd.py:1:13" in text
    assert "no file declares this model" in text
    assert "5 places found, 4 not declared" in text
    only = desk.run("consumers", "churn", "--scan", "apps", "--format", "json").document
    assert [row["model"] for row in only["found"]] == ["churn"]
    assert desk.run("consumers", "--scan", "nowhere").code == 1


def test_what_a_log_has_is_compared_with_what_is_declared(desk: Lab) -> None:
    document = desk.run("consumers", "--access-log", _log(desk), "--format", "json").document
    seen = {(row["model"], row["loads"]): row for row in document["seen"]}
    assert {key: row["declared_as"] for key, row in seen.items()} == {
        ("fraud", "@champion"): "checkout-api",
        ("churn", "@champion"): None,
        ("nobodys", "@x"): None,
    }
    first = seen["fraud", "@champion"]
    assert (first["client"], first["first"], first["count"]) == (
        "10.0.0.7",
        "2026-11-20T08:00:00Z",
        1,
    )
    assert document["not_seen"] == [{"model": "fraud", "name": "ledger", "loads": "3"}]
    text = desk.run("consumers", "--access-log", _log(desk)).stdout
    assert "declared and not seen:" in text
    assert "3 clients seen, 2 not declared" in text


def test_what_was_found_and_seen_is_added_to_the_files_and_nothing_else(desk: Lab) -> None:
    arguments = ("consumers", "--scan", "apps", "--access-log", _log(desk))
    shown = desk.run(*arguments, "--format", "json").document
    assert desk.git.git("status", "--porcelain") == "", "nothing is written before --write"
    written = desk.run(*arguments, "--write")
    assert written.code == 0, written.text
    file = desk.git.root / "registry-state/fraud.yaml"
    added = "  - name: batch\n    loads: Production\n    code: apps/batch\n"
    assert file.read_text() == FRAUD.replace("versions:", f"{added}versions:")
    churn = (desk.git.root / "registry-state/churn.yaml").read_text()
    assert 'name: web\n    loads: "@champion"\n    code: apps/web\n' in churn
    assert "+  - name: batch" in written.stdout
    assert (shown["diff"], shown["written"]) == ("", False)
    assert "next: review and commit it: `git commit" in written.stdout
    assert "`fraud`: `batch` loads Staging, which is declared for no version" in written.stderr
    again = desk.run(*arguments, "--write", "--format", "json").document
    assert (again["diff"], again["written"]) == ("", False)
    assert desk.run("validate").code == 0


def test_a_log_of_more_clients_than_a_file_may_declare_is_still_listed(desk: Lab) -> None:
    lines = (
        LOG.splitlines()[1].replace("10.0.0.7", f"10.0.{n // 250}.{n % 250}") for n in range(1500)
    )
    Path(_log(desk)).write_text("\n".join(lines))
    listed = desk.run("consumers", "--access-log", _log(desk), "--format", "json")
    assert (listed.code, len(listed.document["seen"])) == (0, 1500)
    assert desk.run("consumers", "--access-log", _log(desk), "--write").code == 3


def test_a_consumer_that_loads_nothing_is_listed_and_ends_the_list_with_3(desk: Lab) -> None:
    desk.declare("churn", f'consumers: [{{name: web, loads: "@chalenger"}}]\n{CHURN}')
    listed = desk.run("consumers", "churn")
    assert listed.code == 3
    assert "not declared" in listed.stdout
    assert "churn.yaml:1:32: `web` loads @chalenger, which is not declared" in listed.stderr
    assert desk.run("validate").code == 3


def test_a_plan_says_who_loads_what_it_changes_and_refuses_to_take_it_away(lab: Lab) -> None:
    model = lab.model(3)
    first = "versions:\n  1: {stage: Production, aliases: [champion]}\n"
    consumers = (
        'consumers:\n- {name: api, owner: pay, loads: "@champion"}\n- {name: old, loads: 1}\n'
    )
    lab.declare(model, consumers + first)
    assert lab.run("apply", "--yes").code == 0
    second = "versions:\n  2: {stage: Production, aliases: [champion]}\n  1: {stage: Archived}\n"
    lab.declare(model, consumers + second)

    planned = lab.run("plan", "--model", model)
    assert planned.code == 4
    radius = "1 consumer loads @champion (v1 → v2): api; 1 pins v1, which this archives: old"
    assert f"  {radius}" in planned.stdout
    refusal = "`old` loads v1, which would be archived, because v2 takes Production"
    assert f"refused: pinned-consumer: {model}: {refusal}" in planned.stdout
    document = lab.run("plan", "--model", model, "--format", "json").document
    assert [
        (row["name"], row["before"], row["after"], row["effect"])
        for row in document["models"][0]["consumers"]
    ] == [("api", 1, 2, "moves"), ("old", 1, 1, "archives")]
    markdown = lab.run("plan", "--model", model, "--format", "markdown").stdout
    assert "(v1 → v2)" in markdown
    assert "1 pins v1, which this archives" in markdown
    refused = lab.run("apply", "--yes")
    assert refused.code == 4
    assert lab.hand.values(model)["@champion"] == 1

    without = consumers.replace("- {name: old, loads: 1}\n", "")
    lab.declare(model, without + second)
    assert lab.run("plan", "--model", model).code == 4, "its own change does not rid it of them"
    lab.declare(model, consumers + second)
    applied = lab.run("apply", "--yes", "--accept", f"pinned-consumer={model}")
    assert applied.code == 0, applied.text
    again = lab.run("plan", "--model", model, "--detailed-exitcode")
    assert again.code == 0, again.text
    shown = lab.run("show", model)
    assert "consumers" in shown.stdout
    assert "api (pay) loads @champion" in shown.stdout


def test_a_place_takes_no_longer_because_there_are_many(desk: Lab) -> None:
    desk.git.write({"apps/many.py": 'load_model("models:/fraud@champion")\n' * 10_000})
    began = process_time()
    r = opened(desk)
    assert len(r.consumers(scan=["apps"]).usage.found or ()) > 10_000
    desk.git.write({"apps/many.py": 'load_model("models:/fraud/Production")\n' * 10_000})
    assert len(r.migration_report(scan=["apps"], check=True).depends) > 10_000
    assert process_time() - began < 5
