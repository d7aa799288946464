"""`reconciler import`: writes the declared state from the live registry; overwrites nothing."""

from dataclasses import dataclass, field

import click

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.core.matching import nearest
from reconciler.core.state import Declaration, Live
from reconciler.errors import ExitCode, Problem, RegistryError, UsageError, first_code
from reconciler.files.atomic_write import FileToWrite, write_files
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.from_live import additions, declaration_of, file_stem
from reconciler.files.loader import dump_declaration
from reconciler.planning.live_state import read_live
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.scaffold.package_data import this_release


@dataclass
class Outcome:
    """What became of the models: files to write, written and updated, what declared ones lack."""

    files: dict[str, FileToWrite] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    differences: dict[str, str] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)


@click.command("import", short_help="write the files from the live registry")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--versions",
    type=click.Choice(["active", "all"]),
    default="active",
    show_default=True,
    help="Versions in an active stage or under an alias, or all.",
)
@click.option("--update", is_flag=True, help="Add to declared files what they lack, in place.")
@common()
def command(*, options: Options, models: tuple[str, ...], versions: str, update: bool) -> int:
    """Write YAML from the live registry: for MODEL, or for every model.

    A file is never overwritten: for a declared model the difference is shown, and `--update`
    edits it in place, adding and changing, removing nothing.
    """
    workspace = Workspace(options)
    workspace.may_be_empty = workspace.fills_in_pins = True
    outcome = Outcome()
    for live in read_models(workspace, models):
        _import(workspace, live, outcome, every=versions == "all", update=update)
    _write(outcome)
    code = first_code([problem.code for problem in outcome.errors])
    if options.json:
        output.document(_document(outcome, code))
    else:
        output.product(_text(outcome, workspace), options)
    output.complain((*outcome.warnings, *outcome.errors))
    return int(code)


def read_models(workspace: Workspace, models: tuple[str, ...]) -> list[Live]:
    """Return these live models, or all that are neither prompts nor ignored.

    Raises `UsageError` for one that is not there or cannot be imported.
    """
    needed: dict[str, tuple[int, ...]] = dict.fromkeys(models, ())
    found, problems = read_live(workspace.registry, needed, everything=not models, parallelism=8)
    ignore = workspace.desired.settings.ignore
    for model in models:
        if model in problems:
            raise RegistryError(problems[model].message, hint=problems[model].hint)
        if model not in found:
            hint = nearest(model, workspace.registry.read())
            raise UsageError(f"model `{model}` is not in the registry", hint=hint)
        if found[model].is_prompt or ignore.model(model):
            raise UsageError(f"`{model}` is {'a prompt' if found[model].is_prompt else 'ignored'}")
    names = models or tuple(found)
    return [found[n] for n in names if not found[n].is_prompt and not ignore.model(n)]


def importable(
    workspace: Workspace, live: Live, *, every: bool = False, besides: tuple[int, ...] = ()
) -> tuple[Declaration | None, list[Problem], Problem | None]:
    """Return a live model as a declaration, what that leaves out, and why there can be none."""
    if live.unreadable:
        message = f"`{live.model}` is not imported: {live.unreadable}"
        return None, [], Problem(message, ExitCode.REGISTRY, model=live.model)
    settings = workspace.desired.settings
    found = declaration_of(live, settings, every_version=every, besides=besides)
    return found.declaration, [_warning(live.model, text) for text in found.warnings], None


def content_of(declaration: Declaration) -> tuple[str, str]:
    """Return the name and the text of the new file that declares a model."""
    stem = file_stem(declaration.model)
    modeline = this_release().modeline("model")
    return f"{stem}.yaml", f"{modeline}\n{dump_declaration(declaration, stem=stem)}"


def _warning(model: str, text: str) -> Problem:
    return Problem(f"`{model}`: {text}", ExitCode.OK, model=model)


def _import(
    workspace: Workspace, live: Live, outcome: Outcome, *, every: bool, update: bool
) -> None:
    declared = workspace.desired.declarations.get(live.model)
    besides = tuple(declared.versions) if declared else ()
    imported, warnings, error = importable(workspace, live, every=every, besides=besides)
    outcome.warnings += warnings
    if error is not None:
        outcome.errors.append(error)
    elif imported is None:
        pass
    elif declared is None:
        name, text = content_of(imported)
        file = FileToWrite(
            workspace.folder / name, f"{workspace.shown}/{name}", text.encode(), is_new=True
        )
        outcome.files[live.model] = file
    else:
        found = additions(declared, imported, exclusive=workspace.desired.settings.exclusive)
        outcome.warnings += [_warning(live.model, text) for text in found.warnings]
        path = workspace.path_of(declared)
        before = path.read_bytes()
        after = apply_edits(before, found.edits, declared.file) if found.edits else before
        if after != before and update:
            outcome.files[live.model] = FileToWrite(path, declared.file, after)
        elif after != before:
            outcome.differences[declared.file] = phrases.difference(
                before, after, (declared.file, f"{declared.file} (live)")
            )


def _write(outcome: Outcome) -> None:
    taken = write_files(tuple(outcome.files.values()))
    for model, file in outcome.files.items():
        if file not in taken:
            (outcome.written if file.is_new else outcome.updated).append(file.shown)
            continue
        message = f"`{model}` is not imported: its file exists, and is another model's"
        hint = "rename that file, or declare this model in one of another name"
        code = ExitCode.DECLARATION
        outcome.errors.append(Problem(message, code, file=file.shown, model=model, hint=hint))


def _text(outcome: Outcome, workspace: Workspace) -> str:
    lines = [f"wrote {file}" for file in outcome.written]
    lines += [f"updated {file}" for file in outcome.updated]
    for difference in outcome.differences.values():
        lines += [*(visible(line) for line in difference.splitlines()), ""]
    if outcome.differences:
        lines.append("`--update` adds this to the files")
    count = len(outcome.written) + len(outcome.updated)
    effort = workspace.options.effort(workspace.registry.requests)
    written = phrases.count(count, "file")
    lines.append(f"{written} written, {effort.requests} requests, {effort.seconds:.2f} s")
    return "\n".join(lines) + "\n"


def _document(outcome: Outcome, code: ExitCode) -> json_documents.Document:
    return json_documents.failure(outcome.errors, code) | {
        "written": outcome.written,
        "updated": outcome.updated,
        "differences": [{"file": file, "diff": diff} for file, diff in outcome.differences.items()],
        "warnings": [json_documents.error(warning) for warning in outcome.warnings],
    }
