"""The files that a clone's apply records tell as approved."""

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from reconciler.api.applying.apply_records import approved_in
from reconciler.audit.apply_record import ApplyRecord
from reconciler.audit.record_lines import dumps
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.artifacts.bytes_check import ApprovedFiles
from reconciler.core.artifacts.model_files import HashedFile, ModelFiles
from reconciler.errors import OutOfStep
from reconciler.repository.notes.apply_records import REF, fetch_notes, push_notes, write_record
from tests.support.repositories.git_lab import GitLab, opened

FOUR = ModelFiles((HashedFile("MLmodel", 9, "4" * 64), HashedFile("data/model.pkl", 1, "5" * 64)))
FIVE = ModelFiles((HashedFile("MLmodel", 9, "6" * 64),))


def record(commit: str, version: int, found: ModelFiles) -> ApplyRecord:
    row = RecordedBytes(
        *("fraud", version, found.digest, len(found.files), found.size), listing=found.files
    )
    time = datetime(2026, 1, 5, version, tzinfo=timezone.utc)
    return ApplyRecord(time, "prod", "registry-state", commit, bytes=(row,))


@pytest.fixture
def lab(tmp_path: Path) -> GitLab:
    lab = GitLab.new(tmp_path / "lab")
    lab.commit({"registry-state/fraud.yaml": "versions: {4: {}}"})
    lab.git("clone", "--quiet", "--bare", str(lab.root), str(tmp_path / "origin.git"))
    lab.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    return lab


def note(lab: GitLab, lines: Iterable[str]) -> None:
    lab.git("notes", f"--ref={REF}", "add", "--force", "--message", "".join(lines), "HEAD")


def test_outside_of_git_and_without_records_nothing_is_known(lab: GitLab) -> None:
    assert approved_in(None) == ApprovedFiles()
    with opened(lab) as repo:
        assert approved_in(repo) == ApprovedFiles()


def test_the_records_of_two_clones_are_known_together(lab: GitLab, tmp_path: Path) -> None:
    commit = lab.git("rev-parse", "HEAD")
    lab.git("clone", "--quiet", str(tmp_path / "origin.git"), str(tmp_path / "other"))
    with opened(lab) as repo:
        write_record(repo, record(commit, 4, FOUR))
        push_notes(repo, "origin")
    with opened(lab, tmp_path / "other") as repo:
        write_record(repo, record(commit, 5, FIVE))
        fetch_notes(repo, "origin")
        known = approved_in(repo)
        assert known.of_digests == {FOUR.digest: FOUR, FIVE.digest: FIVE}


def test_what_somebody_else_wrote_into_a_note_does_not_count(lab: GitLab) -> None:
    commit = lab.git("rev-parse", "HEAD")
    good = json.loads(dumps(record(commit, 4, FOUR)))
    row = good["bytes"][0]
    outside = [["MLmodel", 9, "4" * 64], ["../model.pkl", 1, "5" * 64]]
    broken: list[Any] = [
        {**row, "listing": outside},
        {**row, "digest": FIVE.digest},
        None,
        {"model": []},
    ]
    documents = [good, *({**good, "bytes": [other]} for other in broken), {**good, "commit": "x"}]
    note(lab, (json.dumps(document) + "\n" for document in documents))
    with opened(lab) as repo:
        assert approved_in(repo) == ApprovedFiles(
            {("fraud", 4, FOUR.digest): FOUR}, {FOUR.digest: FOUR}
        )


def test_records_that_are_broken_are_told(lab: GitLab) -> None:
    lab.git("update-ref", REF, lab.git("rev-parse", "HEAD^{tree}"))
    with opened(lab) as repo, pytest.raises(OutOfStep, match="holds no notes"):
        approved_in(repo)
