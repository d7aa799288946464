"""A repository and a registry in which every text was written to harm who reads it."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import pytest
import yaml
from mlflow import MlflowClient

import reconciler
from reconciler.api.publishing.page import Page
from reconciler.audit.apply_record import ApplyRecord, RecordedApproval
from reconciler.repository.notes.apply_records import write_record
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.git_lab import GitLab, opened

NOW: Final = datetime(2023, 11, 16, 12, tzinfo=timezone.utc)
SCRIPT: Final = "<script>alert(1)</script>"
HANDLER: Final = "\"'><img src=x onerror=alert(2)><svg onload=alert(3)>"
ADDRESS: Final = "javascript:alert(4)"
DATA: Final = "data:text/html,<script>alert(5)</script>"
BREAKOUT: Final = "</style></script></title></textarea><!--]]><script>alert(6)</script><![CDATA["
TEMPLATE: Final = "{{ 7*7 }}{% for x in y %}${7*7}#{7*7}<%= 7*7 %>"
ENTITIES: Final = "&lt;script&gt;alert(7)&lt;/script&gt;&#60;b&#62;"
DIRECTION: Final = "\u202egnp.exe\u2066\u200b\u200d\ufeff"
EMOJI: Final = "👩\u200d🚀🏴\U000e0067\U000e0062\U000e007f é"
TEXT: Final = f"{SCRIPT}{HANDLER}{BREAKOUT}{TEMPLATE}{ENTITIES}{DIRECTION}{EMOJI}"
ORIGIN: Final = 'https://evil.example/"><script>alert(8)</script>/x.git'
LONG: Final = 10_000_000  # characters of a description

# What a model's name can be in MLflow: everything but a slash and a colon.
NAME: Final = '"><img src=x onerror=alert(9)>'
LIVE_ONLY: Final = f"<svg onload=alert(10)>{DIRECTION}{EMOJI}"
PLAIN: Final = "plain"


@dataclass
class HostileRepository:
    """A checkout beside a registry of its own."""

    git: GitLab
    database: Path

    @property
    def uri(self) -> str:
        """The registry."""
        return f"sqlite:///{self.database}"

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of a program that makes the page."""
        return self.git.env | {"MLFLOW_REGISTRY_URI": self.uri, "MLFLOW_TRACKING_URI": self.uri}

    def review(self, folder: Path) -> bytes:
        """Make the review, and return its page."""
        return self._open().review(folder, now=NOW).files["index.html"]

    def page(self, *, offline: bool = False) -> Page:
        """Make the page, as at one moment."""
        return self._open().page(offline=offline, now=NOW)

    def _open(self) -> reconciler.Reconciler:
        return reconciler.open(root=self.git.root, environ=self.environ, warn=lambda _: None)


def hostile_repository(
    folder: Path, template: Path, patch: pytest.MonkeyPatch
) -> HostileRepository:
    """Set both up: two declared models with a history, and one that only the registry knows."""
    git = GitLab.isolated(folder, patch)
    made = HostileRepository(git, Path(shutil.copy(template, folder / "registry.db")))
    _registry(made)
    _history(made)
    return made


def _registry(made: HostileRepository) -> None:
    seeds = MlflowSeeds(made.uri)
    client = MlflowClient(made.uri, made.uri)
    for name in (NAME, LIVE_ONLY, PLAIN):
        seeds.create_model(name, tags={"k": "v"})
        for version in (1, 2, 3):
            seeds.log_version(
                name,
                metrics={"auc": version / 10},
                params={"p": f"{TEXT[:400]}{version}"},
                run_tags={"mlflow.source.git.commit": TEXT, "data_version": TEXT},
                tags={"t": TEXT[:200]},
                user=TEXT[:200],
            )
        client.set_registered_model_alias(name, "a", "3")
    # What MLflow refuses today, an older server or its database may hold.
    with closing(sqlite3.connect(made.database)) as database:
        database.execute("UPDATE metrics SET key = ?", (f"auc{SCRIPT}",))
        database.execute("UPDATE latest_metrics SET key = ?", (f"auc{SCRIPT}",))
        database.execute("UPDATE params SET key = ?", (f"p{HANDLER}",))
        database.execute("UPDATE model_version_tags SET key = ?", (f"t{SCRIPT}{DIRECTION}",))
        database.execute("UPDATE runs SET name = ?", (f"{TEXT}\0",))
        database.execute("UPDATE model_versions SET description = ?", (f"{TEXT}\0{TEXT}",))
        long = (TEXT * (LONG // len(TEXT) + 1))[:LONG]
        database.execute("UPDATE registered_models SET description = ?", (long,))
        database.execute(
            "UPDATE registered_model_tags SET key = ?, value = ?",
            (f"k{HANDLER}", f"{TEXT}\0{BREAKOUT}"),
        )
        database.execute("UPDATE model_versions SET current_stage = 'Production' WHERE version = 1")
        database.execute("UPDATE registered_model_aliases SET alias = ?", (f"a{HANDLER}",))
        database.commit()


def _history(made: HostileRepository) -> None:
    git = made.git
    branch = '"><script>alert(11)</script>'
    git.git("branch", "--move", branch)
    git.git("remote", "add", "origin", ORIGIN)
    settings = yaml.safe_dump(
        {"branch": branch, "registry": {"name": f"prod{SCRIPT}", "uri": made.uri}}
    )
    git.environ |= {
        "GIT_AUTHOR_NAME": f"{ENTITIES}{TEMPLATE}{DIRECTION}",
        "GIT_AUTHOR_EMAIL": "javascript:alert(12)",
    }
    commits = [git.commit({"registry-state/reconciler.yaml": settings}, SCRIPT)]
    for version in (1, 2):
        files = {
            f"registry-state/{HANDLER.replace('/', '')}/{DIRECTION}x.yaml": _file(NAME, version),
            f"registry-state/{PLAIN}.yaml": _file(PLAIN, version),
        }
        message = f"{TEXT} (#{version})\n\n{BREAKOUT}\n\nReviewed-by: {TEXT} <a@b.example>\n"
        commits.append(git.commit(dict(files), message))
    with opened(git) as repo:
        write_record(repo, _record(commits[1]))
    hidden = git.root / ".git" / "note"
    hidden.write_text(TEXT, "utf-8")
    git.git("notes", "--ref=reconciler", "append", "-F", str(hidden), commits[0])


def _file(name: str, version: int) -> str:
    text = TEXT.replace("\0", "")
    declared = {
        "model": name,
        "description": text,
        "tags": {"risk": text},
        "hold" if name == NAME else "retired": text if name == NAME else False,
        "inventory": {
            "owner": text[:200],
            "purpose": text,
            "tier": SCRIPT,
            "contacts": [ADDRESS, DATA, HANDLER],
        },
        "consumers": [
            {"name": SCRIPT, "owner": HANDLER, "loads": "@champion", "code": ADDRESS},
            {"name": HANDLER, "loads": "Production", "code": DATA},
        ],
        "versions": {
            version: {"stage": "Production", "aliases": ["champion"], "tags": {"x": text}},
            3: {"stage": "Staging", "description": text},
        },
    }
    return yaml.safe_dump(declared, allow_unicode=True, sort_keys=False)


def _record(commit: str) -> ApplyRecord:
    return ApplyRecord(
        NOW - timedelta(days=1),
        f"prod{SCRIPT}",
        "registry-state",
        commit,
        actor=TEXT,
        run_url=ADDRESS,
        registry_user=TEXT,
        accepted=(f"{SCRIPT}={NAME}",),
        approvals=(RecordedApproval(HANDLER, commit, "2023-11-15T10:00:00Z", commit),),
        models=(NAME, PLAIN),
    )
