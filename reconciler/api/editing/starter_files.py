"""The answer of `init`: the files that make a repository ready, and what to do after that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import Self

from reconciler.api.answers import Answer
from reconciler.authoring.stage_conflicts import StageConflict
from reconciler.errors import ExitCode, Problem, UsageError, first_code
from reconciler.files.atomic_write import FileToWrite, written
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document
from reconciler.repository.init import start_repository

_AGAIN = "nothing was written: run it again"


@dataclass(frozen=True, slots=True)
class NewRepository:
    """A folder that is to become a repository, on that branch."""

    branch: str
    environ: Mapping[str, str]


class StarterFiles(Answer):
    """What a repository needs; nothing is written before `write`.

    `contents` has the text of each file to write, by its path from `root`; `kept` are the paths of
    files that are there and stay as they are; `next` are the steps that follow. `new_repository`
    says that `root` is to become a repository. `conflicts` are as those of `Import`, and their
    models are not declared. `obstacles` keep everything from being written, `errors` only a model.
    Afterwards `created` has the paths that were written.

    >>> r.init()
    <reconciler.StarterFiles: ... files>
    """

    def __init__(
        self,
        root: Path,
        contents: Mapping[str, str],
        *,
        kept: Sequence[str] = (),
        conflicts: Sequence[StageConflict] = (),
        next_steps: Sequence[str] = (),
        repository: NewRepository | None = None,
        obstacles: Sequence[Problem] = (),
        warnings: Sequence[Problem] = (),
        errors: Sequence[Problem] = (),
        requests: int = 0,
    ) -> None:
        self._repository = repository
        self.root = root
        self.contents = dict(contents)
        self.kept = tuple(kept)
        self.conflicts = tuple(conflicts)
        self.next = tuple(next_steps)
        self.obstacles = tuple(obstacles)
        self.warnings = tuple(warnings)
        self.errors = tuple(errors)
        self.created: tuple[str, ...] = ()
        self.requests = requests
        self.problems = self.obstacles or (*self.warnings, *self.errors)
        self.code = int(first_code([problem.code for problem in self.errors]))
        if self.obstacles:
            self.code = int(ExitCode.USAGE)

    @property
    def new_repository(self) -> bool:
        """Whether the folder is not in a repository, and is made one."""
        return self._repository is not None

    def write(self) -> Self:
        """Write the files, and return the answer; done once.

        Raises `UsageError` for obstacles, and where a file was made by somebody else meanwhile or
        cannot be written; nothing is written then.
        """
        if self.obstacles:
            raise UsageError(self.obstacles[0].message, problems=self.obstacles)
        if self.created:
            return self
        files = [
            FileToWrite(self.root / path, path, text.encode(), is_new=True)
            for path, text in self.contents.items()
        ]
        with written(files) as taken:
            if taken:
                raise UsageError(
                    f"`{taken[0].shown}` was made by somebody else just now", hint=_AGAIN
                )
            if self._repository is not None:
                start_repository(self.root, self._repository.branch, self._repository.environ)
        self.created = tuple(self.contents)
        return self

    def document(self) -> Document:
        """Return the document of `init --format json`, its `exit` included."""
        if self.obstacles:
            return json_documents.failure(self.obstacles, ExitCode(self.code))
        return json_documents.failure(self.errors, ExitCode(self.code)) | {
            "new_repository": self.new_repository,
            "created": list(self.created),
            "kept": list(self.kept),
            "conflicts": [each.to_dict() for each in self.conflicts],
            "next": list(self.next),
            "warnings": [json_documents.error(warning) for warning in self.warnings],
        }

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `init` prints; `seconds` replaces the time in its last line."""
        if self.obstacles:
            return ""
        lines = []
        if self._repository is not None:
            lines.append(f"made a git repository here, on the branch `{self._repository.branch}`")
        lines += [f"wrote {visible(path)}" for path in self.created]
        lines += [f"kept  {visible(path)}" for path in self.kept]
        lines += ["", "Next:"]
        for number, step in enumerate(self.next, 1):
            first, *rest = step.split("\n")
            lines += ["", f"{number:>3}. {first}", *(f"     {line}".rstrip() for line in rest)]
        effort = self._effort(seconds)
        count = f"{phrases.count(len(self.created), 'file')} written, {len(self.kept)} kept"
        lines += ["", f"{count}, {effort.requests} requests, {effort.seconds:.2f} s"]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        """Return how many files there are to write."""
        return f"<reconciler.StarterFiles: {phrases.count(len(self.contents), 'file')}>"
