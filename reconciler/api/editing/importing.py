"""The answer of `import`: what is live as files, each a new one or an edit of a declared one."""

from collections.abc import Collection
from dataclasses import asdict
from functools import partial

from typing_extensions import Self

from reconciler.api.answers import Answer
from reconciler.api.artifacts.entering import live_digests
from reconciler.api.editing.lookups import state_files
from reconciler.api.workspace import Workspace
from reconciler.authoring.digests import read_none
from reconciler.authoring.file_edits import FileEdit, write_edits
from reconciler.authoring.importing import ImportDraft, drafted, read_models, with_live_pins
from reconciler.authoring.new_declarations import FirstImport
from reconciler.authoring.questions import AskAbout
from reconciler.core.uris import safe_uri
from reconciler.errors import ExitCode, Problem, UsageError, first_code
from reconciler.files.atomic_write import FileToWrite
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document

_VERSIONS = ("active", "all")


class Import(Answer):
    """What the registry holds, as files; nothing is written before `write`.

    `contents` has the new text of each file that `write` makes or, with `update`, changes;
    `differences` those that a declared file lacks and keeps lacking. `conflicts` are stages with
    several versions, or apart from the alias that a bridge makes one with them; their models are
    not declared. `warnings` say what is left out, `errors` why
    a model cannot be imported. `pins` are those that are new, each with its model, version,
    `before` and `after`. Afterwards `written` and `updated` name the files.

    >>> r.import_models(["fraud"]).write()
    <reconciler.Import: no files written, ...>
    """

    def __init__(
        self, draft: ImportDraft, *, update: bool, digests: bool = False, requests: int = 0
    ) -> None:
        self._new = draft.new
        self._settings = (draft.settings,) if draft.settings else ()
        self._edits = tuple(draft.edits) if update else ()
        lacking = () if update else draft.edits
        self.differences = {edit.shown: _to_live(edit) for edit in lacking}
        self._to_add = "--update --digests" if digests else "--update"
        self.conflicts = tuple(draft.conflicts)
        self.warnings = tuple(draft.warnings)
        self.pins = tuple(draft.pins)
        self.errors: tuple[Problem, ...] = ()
        self.written: tuple[str, ...] = ()
        self.updated: tuple[str, ...] = ()
        self.requests = requests
        self._complain(*draft.errors)

    @property
    def contents(self) -> dict[str, str]:
        """The text that `write` gives to each file, by the file's name."""
        files = [(one.shown, one.content) for one in self._all_new]
        files += [(one.shown, one.after) for one in self._edits]
        return {shown: content.decode() for shown, content in files}

    def write(self) -> Self:
        """Write the files, and return the answer; done once.

        A new file whose name was taken meanwhile is left out, and in `errors`. Raises `OutOfStep`
        where a declared file changed meanwhile, `UsageError` where one cannot be written; nothing
        is written then.
        """
        if self.written or self.updated:
            return self
        taken = write_edits(self._edits, self._all_new)
        self.updated = tuple(edit.shown for edit in self._edits)
        self.written = tuple(one.shown for one in self._all_new if one not in taken)
        self._complain(
            *(
                Problem(
                    f"`{model}` is not imported: its file exists, and is another model's",
                    ExitCode.DECLARATION,
                    file=one.shown,
                    model=model,
                    hint="rename that file, or declare this model in one of another name",
                )
                for model, one in self._new.items()
                if one in taken
            )
        )
        return self

    @property
    def _all_new(self) -> tuple[FileToWrite, ...]:
        return (*self._settings, *self._new.values())

    def document(self) -> Document:
        """Return the document of `import --format json`, its `exit` included."""
        differences = [{"file": file, "diff": diff} for file, diff in self.differences.items()]
        return json_documents.failure(self.errors, ExitCode(self.code)) | {
            "written": list(self.written),
            "updated": list(self.updated),
            "differences": differences,
            "pins": [asdict(pin) for pin in self.pins],
            "conflicts": [each.to_dict() for each in self.conflicts],
            "warnings": [json_documents.error(warning) for warning in self.warnings],
        }

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `import` prints; `seconds` replaces the time in its last line."""
        lines = [f"wrote {file}" for file in self.written]
        lines += [f"updated {file}" for file in self.updated]
        for pin in self.pins:
            change = f"{safe_uri(pin.before or '-')} → {safe_uri(pin.after or '-')}"
            lines.append(visible(f"{pin.model} v{pin.version} {pin.pin}  {change}"))
        for difference in self.differences.values():
            lines += [*(visible(line) for line in difference.splitlines()), ""]
        if self.differences:
            lines.append(f"`{self._to_add}` adds this to the files")
        written = phrases.count(len(self.written) + len(self.updated), "file")
        effort = self._effort(seconds)
        lines.append(f"{written} written, {effort.requests} requests, {effort.seconds:.2f} s")
        return "\n".join(lines) + "\n"

    def _complain(self, *errors: Problem) -> None:
        self.errors = (*self.errors, *errors)
        self.problems = (*self.warnings, *self.errors)
        self.code = int(first_code([problem.code for problem in self.errors]))


def import_models(
    workspace: Workspace,
    models: Collection[str],
    versions: str,
    *,
    update: bool,
    pins: bool,
    digests: bool,
    keep: Collection[int],
    ask: AskAbout,
) -> Import:
    """Return the answer; the arguments are those of `Reconciler.import_models`."""
    if pins and not (update and models):
        raise UsageError(
            "`--pins` approves other versions under the numbers of models: it needs their names, "
            "and `--update`",
            hint="`reconciler import --update --pins MODEL`",
        )
    if versions not in _VERSIONS:
        raise UsageError(f"`{versions}` is not a choice of versions: `active` or `all` is")
    desired = workspace.desired
    live = read_models(workspace.registry, tuple(models), desired.settings)
    files = state_files(workspace)
    read = partial(live_digests, workspace) if digests else read_none
    if pins:
        draft = with_live_pins(live, desired, files, read)
    else:
        how = FirstImport(versions == "all", tuple(keep), ask, named=bool(models))
        draft = drafted(live, desired, files, how, read)
    return Import(draft, update=update, digests=digests, requests=workspace.requests)


def _to_live(edit: FileEdit) -> str:
    names = (edit.shown, f"{edit.shown} (live)")
    return phrases.difference(edit.before, edit.after, names)
