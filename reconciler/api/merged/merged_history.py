"""The merged history of a state folder as a command reads it, with the apply records about it.

From git alone: a work tree with mistakes, or without any model, does not matter here.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from reconciler.api.applying.apply_records import fetch
from reconciler.api.workspace import PARSERS, Workspace
from reconciler.audit.apply_record import ApplyRecord, identities
from reconciler.audit.declared_steps import steps
from reconciler.audit.evidence import Records
from reconciler.audit.merged_changes import Step
from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError, OutOfStep
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.repository.delivery.commits import remotes
from reconciler.repository.log import Log, read_log
from reconciler.repository.notes.apply_records import Notes, read_notes
from reconciler.repository.repository import GitRepo

_NOTHING_SAID = "nothing is said about what was applied"
_NOT_FETCHED = (
    f"this clone has no apply records (a plain clone brings none): {_NOTHING_SAID}; "
    "`--fetch-notes REMOTE` fetches them"
)
_NOT_KEPT = f"there are no apply records: {_NOTHING_SAID}; `reconciler apply --record` keeps them"


@dataclass(frozen=True)
class MergedHistory:
    """What git says of a state folder: `line` names what it is read from, up to `tip`.

    `is_main` is false where no main line is known, and it is read from what is checked out.
    `settings` are those of that, and `notes` is None where the clone has none at all.
    """

    repo: GitRepo
    settings: Settings
    line: str
    tip: str
    is_main: bool
    log: Log
    notes: Notes | None

    @cached_property
    def steps(self) -> Mapping[str, tuple[Step, ...]]:
        """Each model's merged changes, oldest first."""
        by_commit = records.by_commit if (records := self.records()) is not None else {}
        made = (record for of_commit in by_commit.values() for record in of_commit)
        return steps(self.log.merged, Settings(), identities(made))

    def steps_of(self, model: str) -> tuple[Step, ...]:
        """Return a model's merged changes by its name of today or a former one."""
        return self.steps.get(self.new_names.get(model, model), ())

    @cached_property
    def new_names(self) -> Mapping[str, str]:
        """The name of today for each former name of a model that is not in use any more."""
        return {
            step.model: model
            for model, made in self.steps.items()
            for step in made
            if step.model not in self.steps
        }

    def records(self, registry: str | None = None) -> Records | None:
        """Return the records of this state folder, and where one is named of that registry."""
        if self.notes is None:
            return None
        name = self.settings.registry.name if self.settings.registry else None
        states = {*self.log.folders, *([name] if name else [])}

        def counts(record: ApplyRecord) -> bool:
            return record.state in states and registry in (None, record.registry)

        kept = {commit: tuple(filter(counts, made)) for commit, made in self.notes.records.items()}
        made = {commit: records for commit, records in kept.items() if records}
        return Records(made, self.log.line, states, self.log.landed, self.log.declared)


def open_merged(
    workspace: Workspace,
    fetch_notes: str | None = None,
    *,
    quiet: bool = False,
    tip: str | None = None,
) -> MergedHistory:
    """Read the merged history, after fetching the apply records of a remote where one is named.

    `quiet` is for a history that the question is not about: nothing is warned of, and a folder that
    never was there has an empty one. Raises `OutOfStep` where there is no history, `UsageError` for
    a folder that never was there.
    """
    missing = None if quiet else workspace.missing_folder
    if missing is not None and workspace.repo is None:
        raise missing
    repo = _repository(workspace)
    fetch(repo, fetch_notes)
    settings = _settings(repo, workspace.shown)
    main = (tip, repo.resolve(tip)) if tip is not None else repo.main_line(settings.branch)
    line, tip = main or ("HEAD", str(repo.head))
    workspace.complete_history(tip)
    log = read_log(repo, workspace.shown, PARSERS.declaration, tip, parse_settings=PARSERS.settings)
    if missing is not None and not log.merged:
        raise missing
    if workspace.caller.is_verbose and not quiet:
        workspace.warn(f"history    {line} {tip[:12]}, {' ← '.join(log.folders)}")
    notes = read_notes(repo)
    if notes is None and not quiet:
        workspace.warn(_NOT_FETCHED if remotes(repo) else _NOT_KEPT)
    return MergedHistory(repo, settings, line, tip, main is not None, log, notes)


def _repository(workspace: Workspace) -> GitRepo:
    repo = workspace.repo
    if repo is None or repo.head is None:
        why = workspace.missing_history
        raise OutOfStep(f"history is read from git, and {why}", hint="git commit")
    return repo


def _settings(repo: GitRepo, folder: str) -> Settings:
    """Return the settings of this commit; where they cannot be read, the last ones that could."""
    path = SETTINGS_FILE if folder == "." else f"{folder}/{SETTINGS_FILE}"
    for commit in _changing(repo, path):
        found = repo.find(commit, path)
        if found is None:
            break
        with suppress(DeclarationError):
            return PARSERS.settings(found.data, path)
    return Settings()


def _changing(repo: GitRepo, path: str) -> Iterator[str]:
    """Yield what is checked out, then the merged commits that changed a file, newest first."""
    head = str(repo.head)
    yield head
    _, out, _ = repo.run("rev-list", "--first-parent", head, "--", path)
    yield from out.split()
