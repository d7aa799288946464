"""A desk without a registry, and what `reconciler history` says of the model `fraud` there."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from reconciler.audit.apply_record import ApplyRecord
from reconciler.repository.notes.apply_records import write_record
from tests.support.registries.lab import Hand, Lab
from tests.support.repositories.git_lab import GitLab, opened

_NOWHERE = "http://127.0.0.1:9"
FILE = "registry-state/fraud.yaml"
V3 = "versions:\n  3: {stage: Production, aliases: [champion]}\n  4: {stage: Staging}\n"
V4 = "versions:\n  3: {stage: Archived}\n  4: {stage: Production, aliases: [champion]}\n"


def offline(folder: Path) -> Lab:
    """Set up an empty checkout; the registry that it names does not answer."""
    return Lab(GitLab.new(folder), _NOWHERE, Hand(_NOWHERE))


def changes(lab: Lab, *arguments: str) -> list[dict[str, Any]]:
    """Return the rows of a model's history."""
    found: list[dict[str, Any]] = document(lab, *arguments)["changes"]
    return found


def document(lab: Lab, *arguments: str) -> dict[str, Any]:
    """Return the JSON of a model's history."""
    done = lab.run("history", "fraud", "--format", "json", *arguments)
    assert done.code == 0, done.text
    return done.document


def commits(lab: Lab, *arguments: str) -> list[str]:
    """Return the commits of a model's history."""
    return [row["commit"] for row in changes(lab, *arguments)]


def write_as(lab: Lab, name: str, role: str = "AUTHOR") -> None:
    """Let somebody write, or commit with role COMMITTER, from now on."""
    lab.git.environ |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": f"{name}@example.com"}


def dated(lab: Lab, when: str) -> None:
    """Date what is committed from now on."""
    lab.git.environ["GIT_COMMITTER_DATE"] = when


def applied(lab: Lab, commit: str, hour: int, *models: str) -> None:
    """Record that a commit was applied at that hour of a day in May 2026."""
    time = datetime(2026, 5, 1, hour, tzinfo=timezone.utc)
    record = ApplyRecord(time, "prod", "registry-state", commit, actor="ci", models=models)
    with opened(lab.git) as repo:
        write_record(repo, record)
