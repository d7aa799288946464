"""The CI job around a command: what it runs for, its forge, and where its results go."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.core.declared import DeclaredState
from reconciler.core.plan import JudgedPlan, ModelPlan
from reconciler.errors import OutOfStep, Problem, ReconcilerError, UsageError
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.forges.ci_environment import Pipeline, forge_of, pipeline
from reconciler.ports.forge import Forge, PullRequest
from reconciler.render import forge_comment, github_workflow
from reconciler.render.escape import visible
from reconciler.render.github_workflow import SUMMARY_LIMIT, Annotation

_ARTIFACTS = "RECONCILER_ARTIFACTS"
_WORST_BYTES = 4  # of a character in UTF-8


@dataclass
class Job:
    """One CI job; `dry_run` tells nobody outside of this terminal."""

    dry_run: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @cached_property
    def pipeline(self) -> Pipeline:
        """What the environment says."""
        return pipeline(self.environ, self._event)

    @property
    def _event(self) -> str | None:
        name = self.environ.get("GITHUB_EVENT_PATH")
        if not name:
            return None
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError:
            return None
        except UnicodeDecodeError as error:
            raise UsageError(f"GITHUB_EVENT_PATH {name}: not UTF-8 text") from error

    @cached_property
    def forge(self) -> Forge | None:
        """The forge, None outside of a job or without a token."""
        found = forge_of(self.pipeline)
        if found is None and self.pipeline.system is not None:
            output.say("no token for the forge: nothing is read from it, and nothing said there")
        return found

    @property
    def more(self) -> str:
        """Where all is shown that a comment has no room for."""
        run = self.pipeline.run_url
        return f"all of it is in the job's summary and artifact: {run}" if run else "see the log"

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

    def say_on(self, number: int, marker: str, body: str) -> None:
        """Keep our comment on a pull request up to date."""
        if self.forge is None:
            return
        if self.dry_run:
            output.say(f"would say on #{number}:")
            output.say(f"{marker}\n{body}")
        else:
            self.forge.put_comment(number, marker, body)

    def keep(self, files: Mapping[str, str]) -> None:
        """Write files where the job keeps its artifacts, if it has such a place."""
        folder = self.environ.get(_ARTIFACTS)
        if not folder or self.dry_run:
            return
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            write_files(
                [
                    FileToWrite(Path(folder) / name, name, content.encode())
                    for name, content in files.items()
                ]
            )
        except OSError as error:
            output.say(f"{_ARTIFACTS} {folder}: {error.strerror}: nothing is kept there")
        except UsageError as error:
            output.say(f"{_ARTIFACTS} {folder}: {error.message}")

    def finish(self, results: Mapping[str, str | int], summary: str) -> None:
        """Write the step's outputs and its summary."""
        room = SUMMARY_LIMIT // _WORST_BYTES
        _append(self.pipeline.outputs, github_workflow.outputs(results))
        _append(
            self.pipeline.summary, forge_comment.cut(summary, room, "the artifact has all of it")
        )

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell an error to the step's outputs, summary and annotations, on its way up."""
        try:
            yield
        except ReconcilerError as error:
            self.annotate([github_workflow.of_problem(problem) for problem in error.problems])
            room = SUMMARY_LIMIT // _WORST_BYTES
            self.finish(
                {"changes": 0, "digest": "", "exitcode": int(error.code)},
                forge_comment.failure(error.problems, room=room, more="the log has them all"),
            )
            raise

    def annotate(self, found: Sequence[Annotation]) -> None:
        """Show problems on the lines they are about; on stderr, where GitHub reads them, too."""
        if self.pipeline.system == "github" and found:
            output.say(github_workflow.annotations(found).rstrip("\n"))


def place(workspace: Workspace) -> str:
    """Return what a comment or check is about: the state folder, and the registry it is for."""
    try:
        name = workspace.ref.name
    except ReconcilerError:  # the settings cannot be read: their own complaint comes elsewhere
        name = None
    return f"{workspace.shown} → {name}" if name else workspace.shown


def marker(kind: str, workspace: Workspace) -> str:
    """Return the hidden line by which our comment is found again."""
    # A folder's name may hold what ends an HTML comment.
    about = re.sub(r"-(?=-)", "- ", visible(place(workspace)))
    return f"<!-- reconciler:{kind} {about} -->"


def tried(action: Callable[[], object]) -> tuple[Problem, ...]:
    """Do something on the forge, and return what kept it from being done."""
    try:
        action()
    except ReconcilerError as error:
        return error.problems
    return ()


def annotations_of(plan: JudgedPlan, desired: DeclaredState) -> list[Annotation]:
    """Return a plan's problems and violations on the lines they are about."""
    found = [github_workflow.of_problem(problem) for problem in plan.problems]
    found += [github_workflow.of_problem(problem, "warning") for problem in plan.warnings]
    models = {model.model: model for model in plan.models}
    for violation in plan.violations:
        if not violation.accepted:
            model = models.get(violation.model or "")
            line = _line(model, desired) if model else None
            found.append(
                github_workflow.of_violation(violation, model.file if model else None, line)
            )
    return found


def _line(model: ModelPlan, desired: DeclaredState) -> int | None:
    """Return the line of the version that changes hands, or else of the model."""
    declaration = desired.declarations.get(model.model)
    if declaration is None:
        return None
    for change in model.changes:
        taken = change.after if change.field.name == "alias" else change.field.version
        if change.field.name in ("alias", "stage") and change.cause != "replaced":
            version = declaration.versions.get(int(taken or 0))
            if version is not None and version.line is not None:
                return version.line
    return declaration.line


def require_commit(workspace: Workspace) -> str:
    """Return the commit that is checked out; raises `OutOfStep` without one."""
    if workspace.repo is None or workspace.repo.head is None:
        raise OutOfStep("a CI job works on a commit, and there is none", hint="git commit")
    return workspace.repo.head


def _append(name: str | None, content: str) -> None:
    if name is None:
        return
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:  # what was written to the registry, and its exit code, stay
        output.say(f"{name}: {error.strerror}: what this step says of itself is not all there")
