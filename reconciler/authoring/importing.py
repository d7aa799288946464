"""Live models as the declarations that a plan has nothing to do for, and as files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from shlex import quote

from reconciler.authoring.digests import ReadDigests, read_none, with_digests
from reconciler.authoring.draft import StateFiles
from reconciler.authoring.file_edits import FileEdit, edited_file
from reconciler.authoring.new_declarations import FirstImport, declared_anew, importable, left_out
from reconciler.authoring.serving_choice import ServingChoice
from reconciler.authoring.stage_conflicts import StageConflict, declarable_pairs
from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.matching import nearest
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Live
from reconciler.errors import ExitCode, Problem, RegistryError, UsageError
from reconciler.files.additions import additions
from reconciler.files.atomic_write import FileToWrite
from reconciler.files.editing.edits import edits_between
from reconciler.files.from_live import NewPin, file_stem, repinned
from reconciler.files.loader import dump_declaration
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.planning.live_state import read_live
from reconciler.ports.registry import Registry
from reconciler.scaffold.package_data import this_release


@dataclass(slots=True)
class ImportDraft:
    """Live models as files: new ones by their model, and edits of those that are declared.

    `settings` is a new settings file, None where none is needed. `conflicts` keep a model
    undeclared until somebody decides. `warnings` say what is left out, `errors` why a model cannot
    be imported, `pins` which pins are new.
    """

    new: dict[str, FileToWrite] = field(default_factory=dict)
    settings: FileToWrite | None = None
    conflicts: list[StageConflict] = field(default_factory=list)
    edits: list[FileEdit] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    pins: list[NewPin] = field(default_factory=list)


def drafted(
    models: Sequence[Live],
    desired: DeclaredState,
    state: StateFiles,
    how: FirstImport,
    read: ReadDigests = read_none,
) -> ImportDraft:
    """Return live models as files, with the versions that are in use, or every one.

    `read` gives the digests; without it there are none.
    """
    draft, declared = ImportDraft(), desired.declarations
    if how.keep and (len(models) != 1 or models[0].model in declared):
        message = "`--keep` says which version of one model stays where several are in a stage"
        raise UsageError(message, hint="name one model, which is not declared yet")
    for live in models:
        if live.model in declared:
            _compare(draft, live, desired, state, every=how.every, read=read)
    undeclared = [live for live in models if live.model not in declared]
    new = declared_anew(undeclared, desired.settings, how, registry=models)
    lives = {live.model: live for live in undeclared}
    for model, declaration in new.declarations.items():
        name, text = content_of(_with_digests(draft, declaration, lives[model], read))
        draft.new[model] = _new_file(state, name, text)
    draft.conflicts += new.conflicts
    undecided, code = (draft.warnings, ExitCode.OK)
    if how.named:
        undecided, code = (draft.errors, ExitCode.REFUSED)
    undecided += [conflict.problem(code) for conflict in new.conflicts]
    draft.warnings += new.warnings
    draft.errors += new.errors
    if new.choice is not None:
        _say_what_serves(draft, new.choice, state)
    return draft


def with_live_pins(
    models: Iterable[Live],
    desired: DeclaredState,
    state: StateFiles,
    read: ReadDigests = read_none,
) -> ImportDraft:
    """Return edits that pin the versions which are live under the declared numbers, nothing else.

    Raises `UsageError` for a model that is not declared.
    """
    draft = ImportDraft()
    for live in models:
        declared = desired.declarations.get(live.model)
        if declared is None:
            hint = f"`reconciler import {quote(live.model)}` writes its file, with pins"
            raise UsageError(f"model `{live.model}` is not declared", hint=hint)
        digests = read(declared, live)
        draft.errors += digests.problems
        after, pins = repinned(declared, live.versions, digests.known)
        edits = edits_between(declared, after)
        edit = edited_file(state.path_of(declared.file), declared.file, edits)
        draft.edits += [] if edit.is_empty else [edit]
        draft.pins += pins
    return draft


def _compare(
    draft: ImportDraft,
    live: Live,
    desired: DeclaredState,
    state: StateFiles,
    *,
    every: bool,
    read: ReadDigests,
) -> None:
    """Add the edit by which the file of a declared model has what is live."""
    declared = desired.declarations[live.model]
    besides = tuple(declared.versions)
    imported, warnings, error = importable(live, desired.settings, every=every, besides=besides)
    draft.warnings += warnings
    if error is not None:
        draft.errors.append(error)
    elif imported is not None:
        imported = _with_digests(draft, replace(imported, file=declared.file), live, read)
        pairs = declarable_pairs(live, desired.settings)
        added = additions(declared, imported, desired.settings, pairs)
        draft.warnings += [left_out(live.model, text) for text in added.warnings]
        edit = edited_file(state.path_of(declared.file), declared.file, added.edits)
        draft.edits += [] if edit.is_empty else [edit]


def _with_digests(
    draft: ImportDraft, declaration: Declaration, live: Live, read: ReadDigests
) -> Declaration:
    digests = read(declaration, live)
    draft.errors += digests.problems
    return with_digests(declaration, digests.known)


def _say_what_serves(draft: ImportDraft, choice: ServingChoice, state: StateFiles) -> None:
    """Add a settings file that says what serves, or the lines that the one there lacks."""
    shown = f"{state.shown}/{SETTINGS_FILE}"
    if (state.folder / SETTINGS_FILE).exists():
        draft.warnings.append(choice.lacking(shown))
        return
    lines = (this_release().modeline("settings"), *choice.lines)
    draft.settings = _new_file(state, SETTINGS_FILE, "\n".join(lines) + "\n")
    draft.warnings.append(choice.written(shown))


def _new_file(state: StateFiles, name: str, text: str) -> FileToWrite:
    return FileToWrite(state.folder / name, f"{state.shown}/{name}", text.encode(), is_new=True)


def read_models(registry: Registry, models: Sequence[str], settings: Settings) -> list[Live]:
    """Return these live models, or all that are neither prompts nor ignored.

    Raises `UsageError` for one that is not there or cannot be imported.
    """
    needed: dict[str, tuple[int, ...]] = dict.fromkeys(models, ())
    live, problems = read_live(registry, needed, everything=not models)
    ignore = settings.ignore
    for model in models:
        if model in problems:
            raise RegistryError(problems[model].message, hint=problems[model].hint)
        if model not in live:
            hint = nearest(model, registry.read())
            raise UsageError(f"model `{model}` is not in the registry", hint=hint)
        if live[model].is_prompt:
            hint = "prompts are in the same registry, and are left alone: only models are declared"
            raise UsageError(f"`{model}` is a prompt, not a model", hint=hint)
        if ignore.model(model):
            hint = "remove it from `ignore.models` in reconciler.yaml, or leave it out"
            raise UsageError(f"`{model}` is ignored", hint=hint)
    names = models or tuple(live)
    return [live[n] for n in names if not live[n].is_prompt and not ignore.model(n)]


def content_of(declaration: Declaration) -> tuple[str, str]:
    """Return the name and the text of the new file that declares a model."""
    stem = file_stem(declaration.model)
    modeline = this_release().modeline("model")
    return f"{stem}.yaml", f"{modeline}\n{dump_declaration(declaration, stem=stem)}"
