"""Live models as the declarations that a plan has nothing to do for, and as files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from shlex import quote

from reconciler.authoring.draft import StateFiles
from reconciler.authoring.file_edits import FileEdit, edited_file
from reconciler.core.declared import DeclaredState
from reconciler.core.matching import nearest
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Live
from reconciler.errors import ExitCode, Problem, RegistryError, UsageError
from reconciler.files.atomic_write import FileToWrite
from reconciler.files.editing.edits import edits_between
from reconciler.files.from_live import NewPin, additions, declaration_of, file_stem, repinned
from reconciler.files.loader import dump_declaration
from reconciler.planning.live_state import read_live
from reconciler.ports.registry import Registry
from reconciler.scaffold.package_data import this_release

_READERS = 8


@dataclass(slots=True)
class ImportDraft:
    """Live models as files: new ones by their model, and edits of those that are declared.

    `warnings` say what is left out, `errors` why a model cannot be imported, `pins` which pins are
    new.
    """

    new: dict[str, FileToWrite] = field(default_factory=dict)
    edits: list[FileEdit] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    pins: list[NewPin] = field(default_factory=list)


def drafted(
    models: Iterable[Live], desired: DeclaredState, state: StateFiles, *, every: bool
) -> ImportDraft:
    """Return live models as files, with the versions that are in use, or every one."""
    draft = ImportDraft()
    for live in models:
        _add(draft, live, desired, state, every=every)
    return draft


def with_live_pins(
    models: Iterable[Live], desired: DeclaredState, state: StateFiles
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
        after, pins = repinned(declared, live.versions)
        edits = edits_between(declared, after)
        edit = edited_file(state.path_of(declared.file), declared.file, edits)
        draft.edits += [] if edit.is_empty else [edit]
        draft.pins += pins
    return draft


def _add(
    draft: ImportDraft, live: Live, desired: DeclaredState, state: StateFiles, *, every: bool
) -> None:
    declared = desired.declarations.get(live.model)
    besides = tuple(declared.versions) if declared else ()
    imported, warnings, error = importable(live, desired.settings, every=every, besides=besides)
    draft.warnings += warnings
    if error is not None:
        draft.errors.append(error)
    elif imported is None:
        pass
    elif declared is None:
        name, text = content_of(imported)
        path, shown = state.folder / name, f"{state.shown}/{name}"
        draft.new[live.model] = FileToWrite(path, shown, text.encode(), is_new=True)
    else:
        added = additions(declared, imported, exclusive=desired.settings.exclusive)
        draft.warnings += [_warning(live.model, text) for text in added.warnings]
        edit = edited_file(state.path_of(declared.file), declared.file, added.edits)
        draft.edits += [] if edit.is_empty else [edit]


def read_models(registry: Registry, models: Sequence[str], settings: Settings) -> list[Live]:
    """Return these live models, or all that are neither prompts nor ignored.

    Raises `UsageError` for one that is not there or cannot be imported.
    """
    needed: dict[str, tuple[int, ...]] = dict.fromkeys(models, ())
    live, problems = read_live(registry, needed, everything=not models, parallelism=_READERS)
    ignore = settings.ignore
    for model in models:
        if model in problems:
            raise RegistryError(problems[model].message, hint=problems[model].hint)
        if model not in live:
            hint = nearest(model, registry.read())
            raise UsageError(f"model `{model}` is not in the registry", hint=hint)
        if live[model].is_prompt or ignore.model(model):
            raise UsageError(f"`{model}` is {'a prompt' if live[model].is_prompt else 'ignored'}")
    names = models or tuple(live)
    return [live[n] for n in names if not live[n].is_prompt and not ignore.model(n)]


def importable(
    live: Live, settings: Settings, *, every: bool = False, besides: tuple[int, ...] = ()
) -> tuple[Declaration | None, list[Problem], Problem | None]:
    """Return a live model as a declaration, what that leaves out, and why there can be none.

    It has the versions that are in use and those of `besides`, or every one.
    """
    if live.unreadable:
        message = f"`{live.model}` is not imported: {live.unreadable}"
        return None, [], Problem(message, ExitCode.REGISTRY, model=live.model)
    imported = declaration_of(live, settings, every_version=every, besides=besides)
    return imported.declaration, [_warning(live.model, text) for text in imported.warnings], None


def content_of(declaration: Declaration) -> tuple[str, str]:
    """Return the name and the text of the new file that declares a model."""
    stem = file_stem(declaration.model)
    modeline = this_release().modeline("model")
    return f"{stem}.yaml", f"{modeline}\n{dump_declaration(declaration, stem=stem)}"


def _warning(model: str, text: str) -> Problem:
    return Problem(f"`{model}`: {text}", ExitCode.OK, model=model)
