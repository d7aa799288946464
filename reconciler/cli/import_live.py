"""`reconciler import`: writes the declared state from the live registry; overwrites nothing."""

from dataclasses import dataclass, field

import click

from reconciler.cli import output
from reconciler.cli.options import Options, common
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, Problem, RegistryError, UsageError, first_code
from reconciler.files.importing import additions, declaration_of, file_stem
from reconciler.files.yaml_edit import apply_edits
from reconciler.files.yaml_files import dump_declaration
from reconciler.live import read_live
from reconciler.names import nearest
from reconciler.render import documents, words
from reconciler.render.escape import visible
from reconciler.state import Declaration, Live


@dataclass
class Outcome:
    """What became of the models: files written and updated, and what declared ones lack."""

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
    session = Session(options)
    session.may_be_empty = session.fills_in_pins = True
    outcome = Outcome()
    for live in _chosen(session, models):
        _import(session, live, outcome, every=versions == "all", update=update)
    code = first_code([problem.code for problem in outcome.errors])
    if options.json:
        output.document(_document(outcome, code))
    else:
        output.product(_text(outcome, session), options)
    output.complain((*outcome.warnings, *outcome.errors))
    return int(code)


def _chosen(session: Session, models: tuple[str, ...]) -> list[Live]:
    needed: dict[str, tuple[int, ...]] = dict.fromkeys(models, ())
    found, problems = read_live(session.registry, needed, everything=not models, parallelism=8)
    ignore = session.desired.rules.ignore
    for model in models:
        if model in problems:
            raise RegistryError(problems[model].message, hint=problems[model].hint)
        if model not in found:
            hint = nearest(model, session.registry.read())
            raise UsageError(f"model `{model}` is not in the registry", hint=hint)
        if found[model].is_prompt or ignore.model(model):
            raise UsageError(f"`{model}` is {'a prompt' if found[model].is_prompt else 'ignored'}")
    names = models or tuple(found)
    return [found[n] for n in names if not found[n].is_prompt and not ignore.model(n)]


def _import(session: Session, live: Live, outcome: Outcome, *, every: bool, update: bool) -> None:
    if live.unreadable:
        message = f"`{live.model}` is not imported: {live.unreadable}"
        outcome.errors.append(Problem(message, ExitCode.REGISTRY, model=live.model))
        return
    declared = session.desired.declarations.get(live.model)
    besides = tuple(declared.versions) if declared else ()
    rules = session.desired.rules
    imported = declaration_of(live, rules, every_version=every, besides=besides)
    warnings = imported.warnings
    if imported.declaration is None:
        pass
    elif declared is None:
        _write(session, imported.declaration, outcome)
    else:
        found = additions(declared, imported.declaration, exclusive=rules.exclusive)
        warnings += found.warnings
        path = session.path_of(declared)
        before = path.read_bytes()
        after = apply_edits(before, found.edits, declared.file) if found.edits else before
        if after != before and update:
            path.write_bytes(after)
            outcome.updated.append(declared.file)
        elif after != before:
            outcome.differences[declared.file] = words.difference(
                before, after, (declared.file, f"{declared.file} (live)")
            )
    outcome.warnings += [
        Problem(f"`{live.model}`: {warning}", ExitCode.OK, model=live.model) for warning in warnings
    ]


def _write(session: Session, declaration: Declaration, outcome: Outcome) -> None:
    stem = file_stem(declaration.model)
    path = session.folder / f"{stem}.yaml"
    shown = f"{session.shown}/{path.name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(dump_declaration(declaration, stem=stem))
    except FileExistsError:
        message = f"`{declaration.model}` is not imported: its file exists, and is another model's"
        hint = "rename that file, or declare this model in one of another name"
        outcome.errors.append(
            Problem(message, ExitCode.DECLARATION, file=shown, model=declaration.model, hint=hint)
        )
    except OSError as error:
        raise UsageError(f"{shown} cannot be written: {error.strerror}") from error
    else:
        outcome.written.append(shown)


def _text(outcome: Outcome, session: Session) -> str:
    lines = [f"wrote {file}" for file in outcome.written]
    lines += [f"updated {file}" for file in outcome.updated]
    for difference in outcome.differences.values():
        lines += [*(visible(line) for line in difference.splitlines()), ""]
    if outcome.differences:
        lines.append("`--update` adds this to the files")
    count = len(outcome.written) + len(outcome.updated)
    effort = session.options.effort(session.registry.requests)
    lines.append(
        f"{words.count(count, 'file')} written, {effort.requests} requests, {effort.seconds:.2f} s"
    )
    return "\n".join(lines) + "\n"


def _document(outcome: Outcome, code: ExitCode) -> documents.Document:
    return documents.failure(outcome.errors, code) | {
        "written": outcome.written,
        "updated": outcome.updated,
        "differences": [{"file": file, "diff": diff} for file, diff in outcome.differences.items()],
        "warnings": [documents.error(warning) for warning in outcome.warnings],
    }
