"""What an apply leaves in git: its record, whole or interrupted, with and without a remote."""

import json
import os
import socket
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.applying.apply_records import Recorder, without_secrets
from reconciler.api.caller import Caller
from reconciler.api.workspace import Workspace
from reconciler.audit.apply_record import (
    ApplyRecord,
    Circumstances,
    RecordedApproval,
    RecordedChange,
    RecordedVersion,
    apply_record,
)
from reconciler.audit.record_lines import dumps, loads
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.artifacts.model_files import HashedFile, model_files
from reconciler.errors import OutOfStep, Rejected
from reconciler.repository.push_check import check_push
from tests.support.plans.executor_lab import Lab as Desk
from tests.support.plans.executor_lab import always
from tests.support.registries.lab import Lab
from tests.support.repositories.git_lab import opened

NOW = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
REF = "refs/notes/reconciler"
PROMOTED = "versions: {2: {stage: Production, aliases: [champion]}, 1: {stage: Archived}}"
SERVING = "versions: {1: {stage: Production, aliases: [champion]}}"

_changes = st.builds(
    RecordedChange,
    model=st.text(),
    version=st.none() | st.integers(1),
    field=st.sampled_from(["stage", "alias", "tag", "description"]),
    key=st.none() | st.text(),
    before=st.none() | st.text() | st.integers(1),
    after=st.none() | st.text() | st.integers(1),
    cause=st.sampled_from(["declared", "drift", "replaced", "removed"]),
    outcome=st.sampled_from(["applied", "failed", "skipped", "stale", "superseded"]),
)
_versions = st.builds(
    RecordedVersion,
    model=st.text(),
    version=st.integers(1),
    run_id=st.none() | st.text(),
    source=st.none() | st.text(),
    created=st.none() | st.integers(0),
)
_files = st.lists(
    st.builds(
        HashedFile,
        path=st.from_regex(r"[a-z]{1,3}(/[a-z.]{4}){0,2}", fullmatch=True),
        size=st.integers(0, 2**60),
        sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    ),
    max_size=4,
    unique_by=lambda file: file.path,
).map(model_files)
_bytes = st.builds(
    lambda model, version, found, is_long: RecordedBytes(
        *(model, version, found.digest, len(found.files), found.size),
        listing=None if is_long else found.files,
    ),
    *(st.text(), st.integers(1), _files, st.booleans()),
)
_times = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001  hypothesis wants it so
_texts = st.lists(st.text(), max_size=3).map(tuple)
_approvals = st.builds(RecordedApproval, st.text(), st.text(), st.text(), st.text())
_records = st.builds(
    ApplyRecord,
    time=_times,
    registry=st.text(),
    state=st.text(),
    commit=st.text(),
    actor=st.none() | st.text(),
    run_url=st.none() | st.text(),
    registry_user=st.none() | st.text(),
    accepted=_texts,
    approvals=st.lists(_approvals, max_size=3).map(tuple),
    models=_texts,
    changes=st.lists(_changes, max_size=3).map(tuple),
    versions=st.lists(_versions, max_size=3).map(tuple),
    bytes=st.lists(_bytes, max_size=3).map(tuple),
)


@given(_records)
def test_a_record_is_one_line_that_reads_back_as_it_was(record: ApplyRecord) -> None:
    line = dumps(record)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line.startswith('{"time":"')
    assert loads(line) == record


@given(_records, _records)
def test_lines_sort_as_their_times_do(one: ApplyRecord, other: ApplyRecord) -> None:
    if one.time < other.time:
        assert dumps(one) < dumps(other)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "looks good to me",
        "[]",
        "null",
        "[" * 100_000,
        "{}",
        '{"time":"yesterday","registry":"r","state":"s","commit":"c"}',
        '{"time":"2026-01-05T12:00:00.000000Z","registry":7,"state":"s","commit":"c"}',
        '{"time":"2026-01-05T12:00:00.000000Z","registry":"r","state":"s","commit":"c","models":[7]}',
    ],
)
def test_what_is_no_record_is_none(line: str) -> None:
    assert loads(line) is None


def test_a_member_that_a_later_release_adds_does_no_harm() -> None:
    line = (
        '{"time":"2026-01-05T12:00:00.000000Z","registry":"r","state":"s","commit":"c","weather":1}'
    )
    record = loads(line)
    assert record is not None
    assert (record.registry, record.commit) == ("r", "c")


def test_a_source_keeps_no_credentials() -> None:
    version = RecordedVersion("m", 1, "run", "https://ada:secret@models.example.com/1", 5)
    record = without_secrets(ApplyRecord(NOW, "r", "s", "c", versions=(version,)))
    assert record.versions[0].source == "https://models.example.com/1"


def notes(lab: Lab, commit: str) -> list[dict[str, Any]]:
    """Return the lines of a commit's note, as git and nothing else shows them."""
    shown = lab.git.git("notes", f"--ref={REF}", "show", commit)
    return [json.loads(line) for line in shown.splitlines()]


def noted(lab: Lab) -> set[str]:
    """Return the commits that have a note."""
    listed = lab.git.git("notes", f"--ref={REF}", "list").splitlines()
    return {line.split()[1] for line in listed}


def test_an_apply_records_who_what_and_which_versions_on_the_commit(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.stage(model, 1, "Production")
    commit = lab.declare(model, PROMOTED)
    ci = {
        "GITHUB_ACTOR": "ada",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "team/models",
        "GITHUB_RUN_ID": "42",
    }
    done = lab.run("apply", "--yes", "--record", env=ci)
    assert done.code == 0, done.text
    [record] = notes(lab, commit)
    assert next(iter(record)) == "time"
    assert record["commit"] == commit
    assert record["registry"] == lab.uri
    assert record["state"] == "registry-state"
    assert (record["actor"], record["registry_user"]) == ("ada", None), "this server has no users"
    assert record["run_url"] == "https://github.com/team/models/actions/runs/42"
    assert record["models"] == [model]
    rows = [
        (row["version"], row["field"], row["key"], row["before"], row["after"], row["outcome"])
        for row in record["changes"]
    ]
    assert rows == [
        (2, "stage", None, "None", "Production", "applied"),
        (1, "stage", None, "Production", "Archived", "applied"),
        (None, "alias", "champion", None, 2, "applied"),
    ]
    versions = {row["version"]: row for row in record["versions"]}
    assert {number: row["source"] for number, row in versions.items()} == {
        1: "s3://bucket/1",
        2: "s3://bucket/2",
    }
    assert all(row["created"] for row in versions.values())


def test_without_the_option_nothing_is_recorded(lab: Lab) -> None:
    lab.declare(lab.model(2), PROMOTED)
    assert lab.run("apply", "--yes").code == 0
    assert noted(lab) == set()


def test_the_registrys_name_stands_for_it_and_no_password_is_kept(lab: Lab) -> None:
    model = lab.model(2)
    secret = lab.uri.replace("://", "://ada:secret@")
    commit = lab.declare(model, PROMOTED)
    assert lab.run("apply", "--yes", "--record", "--registry-uri", secret).code == 0
    [record] = notes(lab, commit)
    assert record["registry"] == lab.uri
    assert "secret" not in json.dumps(record)


def test_outside_of_ci_the_git_user_is_who_applied(lab: Lab) -> None:
    commit = lab.declare(lab.model(2), PROMOTED)
    lab.git.git("config", "user.name", "Grace")
    lab.git.git("config", "user.email", "grace@example.com")
    assert lab.run("apply", "--yes", "--record").code == 0
    [record] = notes(lab, commit)
    assert (record["actor"], record["run_url"]) == ("Grace", None)


def test_a_run_with_nothing_to_do_adds_nothing(lab: Lab) -> None:
    commit = lab.declare(lab.model(2), PROMOTED)
    assert lab.run("apply", "--yes", "--record").code == 0
    assert lab.run("apply", "--yes", "--record").code == 0
    assert len(notes(lab, commit)) == 1


def test_a_record_that_was_lost_is_made_up_for_by_the_next_run(lab: Lab) -> None:
    model = lab.model(2)
    commit = lab.declare(model, PROMOTED)
    assert lab.run("apply", "--yes").code == 0
    assert lab.run("apply", "--yes", "--record").code == 0
    [record] = notes(lab, commit)
    assert (record["models"], record["changes"]) == ([model], [])


def test_a_consent_that_was_used_stays_in_the_record(lab: Lab) -> None:
    lab.declare(lab.model(2), "versions: {1: {stage: Staging}}")
    lab.git.write({"registry-state/reconciler.yaml": "branch: main\n"})
    lab.git.commit(message="settings")
    lab.git.branch("urgent")
    commit = lab.declare(lab.model(2), PROMOTED)
    assert lab.run("apply", "--yes", "--record").code == 4
    assert noted(lab) == set(), "a refused apply is none"
    assert lab.run("apply", "--yes", "--record", "--accept", "off-main").code == 0
    [record] = notes(lab, commit)
    assert record["accepted"] == ["off-main"]


def test_a_change_that_failed_is_in_the_record_and_its_model_is_not_live() -> None:
    desk = Desk("a", "b")
    desk.registry.before_write = always(
        Rejected("no"), lambda write: write.model == "b" and write.method == "set_alias"
    )
    record = apply_record(desk.apply(), Circumstances(NOW, "registry-state"))
    assert record is not None
    assert record.models == ("a",)
    outcomes = {(row.model, row.field, row.version): row.outcome for row in record.changes}
    assert outcomes["b", "stage", 2] == "applied"
    assert outcomes["b", "alias", None] == "failed"
    assert outcomes["a", "alias", None] == "applied"


def test_drift_that_is_healed_is_a_change_of_a_commit_that_was_live_before() -> None:
    desk = Desk("m")
    desk.apply()
    desk.registry.set_stage("m", 2, "Staging")
    record = apply_record(desk.apply(), Circumstances(NOW, "registry-state"))
    assert record is not None
    assert [(row.before, row.after, row.cause) for row in record.changes] == [
        ("Staging", "Production", "drift")
    ]
    assert record.models == ("m",)


def test_an_interrupted_apply_keeps_its_record_here_and_does_not_wait_for_a_remote(
    lab: Lab, tmp_path: Path
) -> None:
    commit = lab.git.commit({"registry-state/m.yaml": PROMOTED})
    lab.git.git("clone", "--quiet", "--bare", str(lab.git.root), str(tmp_path / "o.git"))
    lab.git.git("remote", "add", "origin", str(tmp_path / "o.git"))
    desk = Desk("m")
    report = desk.apply()
    state = replace(report.plan.state, commit=commit)
    stopped = replace(report, plan=replace(report.plan, state=state), signal=15)
    warnings: list[str] = []
    caller = Caller(lab.git.root, os.environ, warnings.append)
    recorder = Recorder(Workspace(caller, "registry-state"), record=False, remote="origin")
    (tmp_path / "o.git").rename(tmp_path / "gone.git")
    assert recorder.keep(stopped) == ()
    assert len(notes(lab, commit)) == 1
    assert "was not pushed" in "".join(warnings)


def test_a_record_reaches_the_remote_and_a_fresh_clone(lab: Lab, tmp_path: Path) -> None:
    commit = lab.declare(lab.model(2), PROMOTED)
    lab.git.git("clone", "--quiet", "--bare", str(lab.git.root), str(tmp_path / "o.git"))
    lab.git.git("remote", "add", "origin", str(tmp_path / "o.git"))
    assert lab.run("apply", "--yes", "--record-push", "origin").code == 0
    remote = lab.git.git("ls-remote", "origin", REF).split()
    assert remote == [lab.git.git("rev-parse", REF), REF]
    assert len(notes(lab, commit)) == 1


def test_a_remote_that_does_not_exist_is_told_before_anything_is_written(lab: Lab) -> None:
    model = lab.model(2)
    lab.declare(model, PROMOTED)
    done = lab.run("apply", "--yes", "--record-push", "orign")
    assert done.code == 1
    assert "`orign` is not a remote of this repository" in done.stderr
    assert lab.hand.values(model) == {}


def test_records_that_are_broken_are_told_before_anything_is_written(lab: Lab) -> None:
    name = lab.model(2)
    lab.declare(name, PROMOTED)
    lab.git.git("update-ref", REF, lab.git.git("rev-parse", "HEAD^{tree}"))
    done = lab.run("apply", "--yes", "--record")
    assert (done.code, lab.hand.values(name)) == (5, {})
    assert "holds no notes" in done.stderr
    assert lab.run("apply", "--yes").code == 0, "nobody asked for a record"


def test_a_remote_that_cannot_be_reached_is_told_before_anything_is_written(
    lab: Lab, tmp_path: Path
) -> None:
    model = lab.model(2)
    lab.declare(model, PROMOTED)
    lab.git.git("remote", "add", "origin", str(tmp_path / "nowhere.git"))
    done = lab.run("apply", "--yes", "--record-push", "origin", "--format", "json")
    assert done.code == 5
    [problem] = done.document["errors"]
    assert "the apply records could not be pushed to `origin`" in problem["message"]
    assert "nowhere.git' does not appear to be a git repository" in problem["message"]
    assert "apply without --record-push" in done.stderr
    assert lab.hand.holds(model) == {"v1 stage": "None", "v2 stage": "None"}
    assert lab.run("apply", "--yes").code == 0


def test_a_remote_that_is_only_read_is_told_before_anything_is_written(
    lab: Lab, tmp_path: Path
) -> None:
    model = lab.model(2)
    lab.declare(model, PROMOTED)
    lab.git.git("clone", "--quiet", "--bare", str(lab.git.root), str(tmp_path / "o.git"))
    lab.git.git("remote", "add", "origin", str(tmp_path / "o.git"))
    # What a server does whose user may fetch and not push: it does not start the other command.
    lab.git.git("config", "remote.origin.receivepack", "false")
    assert lab.git.git("ls-remote", "origin", "HEAD")
    done = lab.run("apply", "--yes", "--record-push", "origin")
    assert done.code == 5, done.text
    assert lab.hand.values(model) == {}


def test_asking_a_remote_leaves_nothing_there(lab: Lab, tmp_path: Path) -> None:
    lab.declare(lab.model(2), PROMOTED)
    lab.git.git("clone", "--quiet", "--bare", str(lab.git.root), str(tmp_path / "o.git"))
    before = lab.git.git("ls-remote", str(tmp_path / "o.git"))
    with opened(lab.git) as repo:
        check_push(repo, str(tmp_path / "o.git"), lab.git.env)
    assert lab.git.git("ls-remote", str(tmp_path / "o.git")) == before


def test_a_remote_that_never_answers_is_not_waited_for(lab: Lab) -> None:
    lab.git.commit()
    with socket.create_server(("127.0.0.1", 0)) as silent, opened(lab.git) as repo:
        port = silent.getsockname()[1]
        with pytest.raises(OutOfStep, match=r"no answer within 0\.3 s"):
            check_push(repo, f"git://127.0.0.1:{port}/o.git", lab.git.env, seconds=0.3)


def test_an_apply_whose_record_cannot_be_pushed_says_so_and_is_not_a_success(
    lab: Lab, tmp_path: Path
) -> None:
    model = lab.model(2)
    commit = lab.declare(model, PROMOTED)
    lab.git.git("clone", "--quiet", "--bare", str(lab.git.root), str(tmp_path / "o.git"))
    lab.git.git("remote", "add", "origin", str(tmp_path / "o.git"))
    hook = tmp_path / "o.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done = lab.run("apply", "--yes", "--record-push", "origin", "--format", "json")
    assert done.code == 7
    assert lab.hand.values(model)["v2 stage"] == "Production"
    assert "its record was not kept" in done.document["errors"][0]["message"]
    assert done.document["exit"] == {"code": 7, "reason": "partly applied"}
    assert "its record was not kept" in done.stderr
    assert len(notes(lab, commit)) == 1, "it is in this clone, and the next push takes it along"

    again = lab.run("apply", "--yes", "--record-push", "origin")
    assert again.code == 5
