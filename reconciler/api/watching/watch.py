"""One look at every model that is watched: measured, judged, proposed, remembered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial

from reconciler.api.answers import timed
from reconciler.api.applying.apply_records import fetch
from reconciler.api.ci.job import Job, tried
from reconciler.api.watching.answers import Watched
from reconciler.api.watching.checked_out import tip_of_main
from reconciler.api.watching.job_report import tell_job
from reconciler.api.watching.looking import ModelLooks
from reconciler.api.watching.proposing import DEFAULT_STATE, Proposer
from reconciler.api.watching.subjects import WatchSubject, watch_subjects
from reconciler.api.workspace import Workspace
from reconciler.errors import UsageError
from reconciler.policy.watching.looks import WatchMemory
from reconciler.policy.watching.pruning import pruned
from reconciler.policy.watching.watched_model import WatchedModel
from reconciler.render import phrases
from reconciler.repository.notes.notes_ref import NotesRef
from reconciler.repository.notes.watch_memory import (
    Keep,
    fetch_watch_memory,
    push_watch_memory,
    read_watch_memory,
    watch_notes,
    write_watch_memory,
)
from reconciler.repository.repository import GitRepo


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What is asked for; the fields are arguments of `Reconciler.watch`."""

    models: tuple[str, ...] | None = None
    fetch_notes: str | None = None
    now: datetime | None = None


def watch(job: Job, asked: WatchRequest, on_watched: Callable[[Watched], object]) -> Watched:
    """Look at what serves, propose what follows, remember both, and tell the job."""
    with job.telling():
        answer = timed(_watched(job, asked), job.workspace.started)
    on_watched(answer)
    tell_job(job, answer)
    return answer


def _watched(job: Job, asked: WatchRequest) -> Watched:
    workspace, now = job.workspace, _moment(asked.now)
    repo = tip_of_main(workspace, dry_run=job.dry_run)
    remote = job.remote if job.pipeline.system is not None and not job.dry_run else None
    notes = watch_notes(None if job.place == DEFAULT_STATE else job.place)
    _fetch_notes(repo, notes, asked.fetch_notes or remote)
    found = watch_subjects(workspace, asked.models, now)
    memory = _memory(workspace, repo, notes)
    looks = ModelLooks(workspace, memory, now)
    looks.measure(found.subjects)
    judged = [(subject, looks.judged(subject)) for subject in found.subjects]
    proposer = Proposer(job, memory, looks.new, now)
    models = [_proposed(proposer, subject, model) for subject, model in judged]
    new = WatchMemory(tuple(looks.new), tuple(proposer.new))
    problems = (*found.plan.problems, *looks.problems, *proposer.problems)
    if not job.dry_run:
        rules = {subject.model: subject.rules for subject in found.subjects}
        keep = partial(pruned, now=now, rules=rules)
        problems += tried(lambda: _remember(repo, notes, new, keep, remote))
    return Watched(models, problems, commit=repo.head, requests=workspace.requests)


def _memory(workspace: Workspace, repo: GitRepo, notes: NotesRef) -> WatchMemory:
    memory = read_watch_memory(repo, notes)
    if memory.unreadable:
        lines = phrases.count(memory.unreadable, "line")
        workspace.warn(f"{lines} of what earlier looks saw cannot be read, and do not count")
    return memory


def _moment(now: datetime | None) -> datetime:
    if now is None:
        return datetime.now(timezone.utc)
    if now.tzinfo is None:
        raise UsageError(f"`{now.isoformat()}` has no time zone", hint="give it `timezone.utc`")
    return now.astimezone(timezone.utc)


def _fetch_notes(repo: GitRepo, notes: NotesRef, remote: str | None) -> None:
    """Bring what earlier jobs saw into the clone; without it the same would be proposed again."""
    if remote is not None:
        fetch(repo, remote)
        fetch_watch_memory(repo, remote, notes=notes)


def _remember(
    repo: GitRepo, notes: NotesRef, memory: WatchMemory, keep: Keep, remote: str | None
) -> None:
    write_watch_memory(repo, memory, keep=keep, notes=notes)
    if remote is not None:
        push_watch_memory(repo, remote, keep=keep, notes=notes)


def _proposed(proposer: Proposer, subject: WatchSubject, model: WatchedModel) -> WatchedModel:
    """Return a model with what was done about its verdict."""
    if model.verdict != "failed":
        return model
    return replace(model, proposal=proposer.outcome(subject, model))
