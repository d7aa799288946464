"""The CI job around a run: what it runs for, its forge, and where its results go."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from reconciler.api.applying.apply_records import fetch
from reconciler.api.workspace import Workspace
from reconciler.errors import OutOfStep, Problem, ReconcilerError, UsageError
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.forges.ci_environment import Pipeline, forge_of, pipeline
from reconciler.forges.ci_run import run_of
from reconciler.ports.forge import Forge, PullRequest
from reconciler.render import forge_comment, github_workflow
from reconciler.render.escape import visible
from reconciler.render.github_workflow import SUMMARY_LIMIT, Annotation
from reconciler.repository.repository import GitRepo

NO_LIMIT = 1_000_000  # characters: the summary is cut when it is written
_ARTIFACTS = "RECONCILER_ARTIFACTS"
_REMOTE = "origin"
_WORST_BYTES = 4  # of a character in UTF-8
_SUMMARY_ROOM = SUMMARY_LIMIT // _WORST_BYTES


@dataclass
class Job:
    """One CI job; with `dry_run` only the caller is told, and nothing is written anywhere."""

    workspace: Workspace
    dry_run: bool = False

    @cached_property
    def pipeline(self) -> Pipeline:
        """What the environment says."""
        return pipeline(self.workspace.environ, self._event)

    @property
    def _event(self) -> str | None:
        name = self.workspace.environ.get("GITHUB_EVENT_PATH")
        if not name:
            return None
        try:
            return (self.workspace.caller.root / name).read_text(encoding="utf-8")
        except OSError:
            return None
        except UnicodeDecodeError as error:
            raise UsageError(f"GITHUB_EVENT_PATH {name}: not UTF-8 text") from error

    @cached_property
    def forge(self) -> Forge | None:
        """The forge, None outside of a job or without a token."""
        found = forge_of(self.pipeline, self.workspace.environ)
        if found is None and self.pipeline.system is not None:
            self.workspace.warn(
                "no token for the forge: nothing is read from it, and nothing said there"
            )
        return found

    @property
    def remote(self) -> str | None:
        """Where apply records are: the remote that a CI job's clone has; None without one."""
        repo = self.workspace.repo
        if repo is None or repo.run("remote", "get-url", _REMOTE)[0]:
            return None
        return _REMOTE

    def fetch_records(self, repo: GitRepo) -> None:
        """Bring the apply records into the job's clone; where that fails, the caller is told."""
        remote = self.remote
        if remote is not None and not self.dry_run:
            self.workspace.warn_of(tried(lambda: fetch(repo, remote)))

    @property
    def more(self) -> str:
        """Where all is shown that a comment has no room for."""
        _, run = run_of(self.workspace.environ)
        return f"all of it is in the job's summary and artifact: {run}" if run else "see the log"

    @property
    def commit(self) -> str:
        """The commit that is checked out; raises `OutOfStep` without one."""
        repo = self.workspace.repo
        if repo is None or repo.head is None:
            raise OutOfStep("a CI job works on a commit, and there is none", hint="git commit")
        return repo.head

    @property
    def place(self) -> str:
        """What a comment or check is about: the state folder, and the registry it is for."""
        try:
            ref = self.workspace.ref
        except ReconcilerError:  # the settings cannot be read: their own complaint comes elsewhere
            return self.workspace.shown
        where = ", ".join(part for part in (ref.name, ref.workspace) if part)
        return f"{self.workspace.shown} → {where}" if where else self.workspace.shown

    def check_name(self, number: int) -> str:
        """Return the name of the check that keeps a plan, or a part of it where it has several."""
        name = f"reconciler plan ({self.place})"
        return name if number == 1 else f"{name} part {number}"

    def marker(self, kind: str, model: str | None = None) -> str:
        """Return the hidden line by which our comment, issue or pull request is found again."""
        place = self.place if model is None else f"{self.place}, {model}"
        # A folder's name may hold what ends an HTML comment.
        about = re.sub(r"-(?=-)", "- ", visible(place))
        return f"<!-- reconciler:{kind} {about} -->"

    def pull_request(self, number: int | None) -> PullRequest | None:
        """Return the pull request of this job, or the one that is named.

        Raises `UsageError` for a number without a forge to ask.
        """
        asked = number if number is not None else self.pipeline.pull_request
        if asked is None:
            return None
        if self.forge is None:
            if number is not None:
                hint = "set GITHUB_TOKEN, GITLAB_TOKEN or RECONCILER_FORGE_TOKEN in a CI job"
                raise UsageError(f"--pr {number}: there is no forge to ask", hint=hint)
            return None
        return self.forge.pull_request(asked)

    def comment(self, kind: str, number: int, render: Callable[[int], str]) -> None:
        """Keep our comment on a pull request up to date; `render` gets the room that it has."""
        if self.forge is None:
            return
        marker = self.marker(kind)
        body = render(self.forge.comment_limit - len(marker) - 1)
        if self.dry_run:
            self.workspace.warn(f"would say on #{number}:")
            self.workspace.warn(f"{marker}\n{body}")
        else:
            self.forge.put_comment(number, marker, body)

    def keep(self, files: Mapping[str, str]) -> None:
        """Write files where the job keeps its artifacts, if it has such a place."""
        name = self.workspace.environ.get(_ARTIFACTS)
        if not name or self.dry_run:
            return
        folder = self.workspace.caller.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_files(
                [
                    FileToWrite(folder / file, file, content.encode())
                    for file, content in files.items()
                ]
            )
        except OSError as error:
            self.workspace.warn(f"{_ARTIFACTS} {name}: {error.strerror}: nothing is kept there")
        except UsageError as error:
            self.workspace.warn(f"{_ARTIFACTS} {name}: {error.message}")

    def finish_plan(self, changes: int, digest: str, code: int, summary: str) -> None:
        """Write the outputs and the summary of a step that made a plan."""
        self.finish({"changes": changes, "digest": digest, "exitcode": code}, summary)

    def finish(self, results: Mapping[str, str | int], summary: str) -> None:
        """Write the step's outputs and its summary."""
        self._append(self.pipeline.outputs, github_workflow.outputs(results))
        more = "the artifact has all of it"
        self._append(self.pipeline.summary, forge_comment.cut(summary, _SUMMARY_ROOM, more))

    def _append(self, name: str | None, content: str) -> None:
        if name is None:
            return
        try:
            with (self.workspace.caller.root / name).open("a", encoding="utf-8") as file:
                file.write(content)
        except OSError as error:  # what was written to the registry, and its exit code, stay
            self.workspace.warn(
                f"{name}: {error.strerror}: what this step says of itself is not all there"
            )

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell an error to the step's outputs, summary and annotations, on its way up."""
        try:
            yield
        except ReconcilerError as error:
            self.annotate([github_workflow.of_problem(problem) for problem in error.problems])
            more = "the log has them all"
            summary = forge_comment.failure(error.problems, room=_SUMMARY_ROOM, more=more)
            self.finish_plan(0, "", int(error.code), summary)
            raise

    def annotate(self, annotations: Sequence[Annotation]) -> None:
        """Show problems on the lines they are about; among the sentences that GitHub reads."""
        if self.pipeline.system == "github" and annotations:
            self.workspace.warn(github_workflow.annotations(annotations).rstrip("\n"))


def tried(action: Callable[[], object]) -> tuple[Problem, ...]:
    """Do something on the forge, and return what kept it from being done."""
    try:
        action()
    except ReconcilerError as error:
        return error.problems
    return ()
