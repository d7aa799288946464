"""The auditor's questions: what changed, on whose approval, was it applied, and is it so now."""

import csv
import io
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.audit.record_lines import loads
from tests.support.registries.lab import Lab, Result
from tests.support.repositories.approvals import REF, approve

V1 = "versions: {1: {stage: Production, aliases: [champion]}, 2: {stage: Staging}}"
V2 = "versions: {1: {stage: Archived}, 2: {stage: Production, aliases: [champion]}}"
BOB = "Bob <bob@example.com>"


@pytest.fixture
def model(lab: Lab) -> str:
    """Declare and apply v1, then merge v2 by a pull request; both applies are recorded."""
    lab.git.commit({"registry-state/reconciler.yaml": "branch: main\n"}, "settings")
    name = lab.model(2)
    lab.declare(name, V1, "Serve v1 (#1)")
    assert lab.run("apply", "--yes", "--record").code == 0
    lab.declare(name, V2, f"Serve v2 (#2)\n\nReviewed-by: {BOB}")
    assert lab.run("apply", "--yes", "--record").code == 0
    return name


def findings(result: Result, model: str, *kinds: str) -> list[str]:
    """Return what was found about a model, of those kinds; the registry is shared with others."""
    return [
        found["message"]
        for found in result.document["findings"]
        if found["model"] == model and found["kind"] in kinds
    ]


def audit(lab: Lab, *arguments: str) -> Result:
    result = lab.run("audit", "--format", "json", *arguments)
    assert result.document["exit"]["code"] == result.code
    return result


def git_alone(lab: Lab, *arguments: str) -> Result:
    """Audit without a registry."""
    none = {"MLFLOW_TRACKING_URI": ""}
    result = lab.run("audit", "--format", "json", *arguments, env=none)
    assert result.document["registry"] is None
    return result


def large_history(commits: int, models: int) -> str:
    """Return what `git fast-import` makes into that many commits, each moving one model."""

    def data(text: str) -> str:
        return f"data {len(text.encode())}\n{text}\n"

    def file(model: int, serving: int) -> str:
        content = f"versions: {{{serving}: {{stage: Production}}, {3 - serving}: {{}}}}\n"
        return f"M 100644 inline registry-state/m{model}.yaml\n{data(content)}"

    parts = []
    for number in range(commits + 1):
        author = f"committer Ada <ada@example.com> {1_700_000_000 + 60 * number} +0000"
        parts.append(f"commit refs/heads/main\n{author}\n{data(f'Change (#{number})')}")
        chosen = range(models) if number == 0 else [number % models]
        parts += [file(model, 1 + (number + models - 1) // models % 2) for model in chosen]
    return "".join(parts)


def test_every_change_of_what_serves_is_there_with_its_evidence(lab: Lab, model: str) -> None:
    first, second = audit(lab).document["changes"]
    assert (first["pull_request"], second["pull_request"]) == (1, 2)
    assert second["model"] == model
    assert second["commit"] == lab.git.git("rev-parse", "HEAD")
    assert second["author"] == "Ada"
    assert second["merged"] < second["applied"]
    assert second["moves"] == [
        {"what": "serving", "alias": None, "before": 1, "after": 2},
        {"what": "alias", "alias": "champion", "before": 1, "after": 2},
    ]
    assert second["approvals"] == {"verified": [], "claimed": [BOB]}


def test_a_claimed_approval_is_shown_and_is_no_evidence(lab: Lab, model: str) -> None:
    result = audit(lab)
    assert result.code == 2
    assert findings(result, model, "unapproved") == [
        "serving nothing → v1, @champion nothing → v1: no verified approval",
        f"serving v1 → v2, @champion v1 → v2: no verified approval (claimed by {BOB})",
    ]


def test_with_verified_approvals_and_all_in_step_there_is_nothing_to_find(
    lab: Lab, model: str
) -> None:
    for commit in ("HEAD", "HEAD~1"):
        approve(lab, lab.git.git("rev-parse", commit), "bob", "carol")
    result = git_alone(lab)
    assert (result.code, result.document["findings"]) == (0, [])
    assert result.document["changes"][1]["approvals"]["verified"] == ["bob", "carol"]
    everything = "drift", "pending", "unmanaged", "recreated", "off-main", "error", "never-applied"
    assert findings(audit(lab), model, *everything) == []


def test_changes_of_tags_alone_are_no_rows(lab: Lab, model: str) -> None:
    lab.declare(model, V2.replace("{stage: Archived}", "{stage: Archived, tags: {a: b}}"))
    assert len(audit(lab).document["changes"]) == 2


def test_a_merge_without_an_apply_is_found_where_records_are_kept(lab: Lab, model: str) -> None:
    lab.declare(model, V1, "Back to v1")
    assert findings(git_alone(lab), model, "never-applied") == [
        "serving v2 → v1, @champion v2 → v1: merged, and no record says that it was applied"
    ]


def test_what_a_later_apply_carried_out_was_applied(lab: Lab, model: str) -> None:
    lab.declare(model, V1, "Back to v1")
    lab.git.commit({"README": "x"}, "something else")
    assert lab.run("apply", "--yes", "--record").code == 0
    result = git_alone(lab)
    assert findings(result, model, "never-applied") == []
    assert result.document["changes"][-1]["applied"] is not None


def test_where_records_are_kept_an_apply_that_does_not_ask_for_one_keeps_one_too(
    lab: Lab, model: str
) -> None:
    lab.declare(model, V1, "Back to v1")
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, V2, "And again v2")
    assert lab.run("apply", "--yes").code == 0
    assert findings(git_alone(lab), model, "never-applied") == []
    back = lab.run("rollback", model, "--format", "json")
    assert back.code == 0, back.text
    assert "never applied" not in str(back.document["candidates"])


def test_a_merge_that_another_overtook_was_never_applied(lab: Lab, model: str) -> None:
    lab.declare(model, V1, "Back to v1")
    lab.declare(model, V2, "And again v2")
    assert lab.run("apply", "--yes", "--record").code == 0
    assert len(findings(git_alone(lab), model, "never-applied")) == 1


def test_nothing_is_said_about_applying_before_the_first_record(lab: Lab) -> None:
    name = lab.model(2)
    lab.declare(name, V1)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(name, V2)
    assert lab.run("apply", "--yes", "--record").code == 0
    result = git_alone(lab)
    assert findings(result, name, "never-applied") == []
    assert [change["applied"] is None for change in result.document["changes"]] == [True, False]


def test_what_healed_a_model_before_whose_merge_there_was_no_record_is_no_partial_apply(
    lab: Lab,
) -> None:
    name, other = lab.model(2), lab.model(2)
    lab.declare(name, V1)
    assert lab.run("apply", "--yes").code == 0
    lab.declare(other, V1)
    lab.hand.alias(name, "champion", 2)
    assert lab.run("apply", "--yes", "--record").code == 0
    result = git_alone(lab)
    assert findings(result, name, "never-applied") == []
    assert findings(result, other, "never-applied") == []
    (record,) = map(loads, lab.git.git("notes", f"--ref={REF}", "show", "HEAD").splitlines())
    assert record is not None
    assert set(record.models) == {name, other}
    assert "in part" not in lab.run("rollback", name).text


def test_a_clone_without_records_says_so_and_makes_no_statement_about_applying(
    lab: Lab, model: str, tmp_path: Path
) -> None:
    clone = lab.at(lab.git.clone(tmp_path / "clone"))
    result = git_alone(clone)
    assert result.document["records"] is False
    assert findings(result, model, "never-applied") == []
    assert "`--fetch-notes REMOTE`" in result.stderr
    shown = clone.run("audit", env={"MLFLOW_TRACKING_URI": ""}).stdout
    assert "no apply records in this clone: whether changes were applied is not known" in shown

    fetched = git_alone(clone, "--fetch-notes", "origin")
    assert fetched.document["records"] is True
    assert all(change["applied"] for change in fetched.document["changes"])


def test_without_a_registry_git_alone_is_audited_and_it_says_so(lab: Lab, model: str) -> None:
    lab.hand.alias(model, "champion", 1)
    result = git_alone(lab)
    assert findings(result, model, "drift", "pending") == []
    assert "no registry is named" in result.stderr


def test_what_was_changed_by_hand_is_drift_and_what_was_not_applied_is_pending(
    lab: Lab, model: str
) -> None:
    lab.hand.alias(model, "champion", 1)
    assert findings(audit(lab), model, "drift") == ["@champion is v1, git says v2"]
    lab.declare(model, V2.replace("Archived", "Staging"))
    result = audit(lab)
    assert findings(result, model, "drift") == ["@champion is v1, git says v2"]
    assert findings(result, model, "pending") == ["v1 stage is Archived, git says Staging"]


def test_a_version_that_serves_and_is_not_declared_is_unmanaged(lab: Lab, model: str) -> None:
    stray = lab.model(1)
    lab.hand.stage(stray, 1, "Production")
    result = audit(lab)
    message = "v1 serves (Production), and git does not declare it"
    assert findings(result, stray, "unmanaged") == [message]
    assert findings(result, model, "unmanaged") == []


def test_a_version_recreated_under_its_number_is_found(lab: Lab, model: str) -> None:
    lab.hand.call("DELETE", "registered-models/delete", name=model)
    lab.hand.register(model)
    for source in ("s3://bucket/1", "s3://bucket/other"):
        lab.hand.call("POST", "model-versions/create", name=model, source=source)
    lab.hand.stage(model, 2, "Production")
    first, second = findings(audit(lab), model, "recreated")
    assert first.startswith("v1 is not the version applied at ")
    assert "creation time was" in first
    assert "source" not in first
    assert "source was s3://bucket/2, is s3://bucket/other" in second


def test_a_commit_that_never_was_on_the_main_line_is_found_in_records_and_registry(
    lab: Lab, model: str
) -> None:
    lab.git.branch("urgent")
    lab.declare(model, V1, "Urgent")
    ci = {"GITHUB_ACTOR": "mallory"}
    done = lab.run("apply", "--yes", "--record", "--accept", "off-main", env=ci)
    assert done.code == 0, done.text
    lab.git.checkout("main")
    recorded, live = findings(audit(lab), model, "off-main")
    assert recorded == (
        f"applied to {lab.uri} by mallory, accepted: off-main; the main line never contained it"
    )
    assert "is the commit that the registry records" in live
    assert len(findings(git_alone(lab), model, "off-main")) == 1


def test_a_commit_that_was_merged_after_all_is_no_finding(lab: Lab, model: str) -> None:
    lab.git.branch("urgent")
    lab.declare(model, V1, "Urgent")
    assert lab.run("apply", "--yes", "--record", "--accept", "off-main").code == 0
    lab.git.checkout("main")
    lab.git.merge("urgent")
    assert findings(audit(lab), model, "off-main") == []


@pytest.mark.usefixtures("model")
def test_a_note_that_is_no_record_is_found(lab: Lab) -> None:
    commit = lab.git.git("rev-parse", "HEAD")
    lab.git.git("notes", f"--ref={REF}", "append", "-m", "looks good", commit)
    unreadable = [f for f in git_alone(lab).document["findings"] if f["kind"] == "unreadable"]
    assert [found["commit"] for found in unreadable] == [commit]


@pytest.mark.usefixtures("model")
def test_since_and_until_choose_by_the_day_of_the_merge(lab: Lab) -> None:
    day = git_alone(lab).document["changes"][0]["merged"][:10]
    assert len(git_alone(lab, "--since", day).document["changes"]) == 2
    assert len(git_alone(lab, "--until", day).document["changes"]) == 2
    assert git_alone(lab, "--until", "2000-01-01").document["changes"] == []
    none = git_alone(lab, "--since", "2100-01-01")
    assert (none.code, none.document["changes"]) == (0, [])


def test_a_registry_knows_only_what_is_so_now(lab: Lab, model: str) -> None:
    lab.hand.alias(model, "champion", 1)
    result = audit(lab, "--until", "2100-01-01")
    assert findings(result, model, "drift")
    past = audit(lab, "--until", "2024-01-01")
    assert not findings(past, model, "drift")
    assert "`--until` is in the past" in past.stderr


@pytest.mark.usefixtures("model")
def test_what_is_no_date_is_a_usage_error(lab: Lab) -> None:
    result = lab.run("audit", "--since", "last week")
    assert result.code == 1
    assert "`last week` is not a date" in result.stderr
    far = lab.run("audit", "--since", "0001-01-01T00:00+14:00")
    assert far.code == 1
    assert "is out of range" in far.stderr


@pytest.mark.parametrize("command", [("audit",), ("history", "fraud")])
def test_limits_that_nothing_is_between_are_no_all_clear(
    lab: Lab, command: tuple[str, ...]
) -> None:
    lab.declare("fraud", V1)
    none = {"MLFLOW_TRACKING_URI": ""}
    swapped = lab.run(*command, "--since", "2026-02-01", "--until", "2026-01-31", env=none)
    assert (swapped.code, swapped.stdout) == (1, "")
    assert "the period ends before it begins" in swapped.stderr
    assert lab.run(*command, "--since", "2026-01-31", "--until", "2026-01-31", env=none).code == 0


def test_where_an_alias_serves_the_alias_is_what_is_audited(lab: Lab) -> None:
    settings = "branch: main\nserving: {alias: live}\nexclusive: []\n"
    lab.git.commit({"registry-state/reconciler.yaml": settings})
    name = lab.model(2)
    lab.declare(name, "versions: {1: {aliases: [live]}}")
    assert lab.run("apply", "--yes", "--record").code == 0
    lab.declare(name, "versions: {2: {aliases: [live]}}")
    assert lab.run("apply", "--yes", "--record").code == 0
    result = audit(lab)
    assert [change["moves"] for change in result.document["changes"]] == [
        [{"what": "serving", "alias": None, "before": before, "after": after}]
        for before, after in ((None, 1), (1, 2))
    ]
    stray = lab.model(1)
    lab.hand.alias(stray, "live", 1)
    lab.hand.stage(lab.model(1), 1, "Production")
    message = "v1 serves (@live), and git does not declare it"
    assert findings(audit(lab), stray, "unmanaged") == [message]


def test_a_formula_in_a_name_is_no_formula_in_the_table(lab: Lab, model: str) -> None:
    lab.git.environ["GIT_AUTHOR_NAME"] = "=1+1"
    lab.declare(model, V1, "Back")
    result = lab.run("audit", "--format", "csv", env={"MLFLOW_TRACKING_URI": ""})
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    last = [row for row in rows if row["kind"] == "change"][-1]
    assert last["author"].startswith("'=1+1")
    assert last["model"] == model
    assert {row["kind"] for row in rows} == {"change", "unapproved", "never-applied"}


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_text_and_markdown_show_changes_findings_and_what_they_rest_on(
    lab: Lab, model: str, form: str
) -> None:
    lab.hand.alias(model, "champion", 1)
    shown = lab.run("audit", "--format", form)
    assert shown.code == 2
    for part in ("merged history of main", "serving v1 → v2", "unapproved", "drift"):
        assert part in shown.stdout
    assert model in shown.stdout


def test_a_large_history_is_audited_while_one_waits(lab: Lab) -> None:
    stream = large_history(commits=2000, models=200).encode()
    subprocess.run(["git", "fast-import", "--quiet"], cwd=lab.git.root, input=stream, check=True)
    lab.git.git("reset", "--quiet", "--hard", "main")
    start = time.monotonic()
    result = git_alone(lab)
    assert time.monotonic() - start < 10
    assert len(result.document["changes"]) == 2200


def test_outside_a_repository_there_is_no_history_to_read(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    (folder / "registry-state").mkdir(parents=True)
    (folder / "registry-state" / "m.yaml").write_text(V1)
    result = lab.run("audit", cwd=folder)
    assert result.code == 5
    assert "history is read from git" in result.stderr


def test_files_that_are_not_committed_are_pointed_out(lab: Lab, model: str) -> None:
    sentence = "the registry is compared with the files as they are"
    assert sentence not in audit(lab).stderr
    lab.git.write({f"registry-state/{model}.yaml": V1})
    found = audit(lab)
    assert sentence in found.stderr
    assert "v1 stage is Archived, git says Production" in findings(found, model, "pending")
