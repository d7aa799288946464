"""`reconciler init`: makes a repository ready; overwrites nothing, commits nothing."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

import click

from reconciler.api.workspace import Workspace
from reconciler.cli import output
from reconciler.cli.commands.import_live import content_of, importable, read_models
from reconciler.cli.options import Options, common
from reconciler.core.state import Live
from reconciler.core.uris import safe_uri
from reconciler.errors import ExitCode, Problem, UsageError, first_code
from reconciler.files.atomic_write import FileToWrite, written
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.registries.registry_uri import registry_uri
from reconciler.render import json_documents, phrases
from reconciler.render.escape import visible
from reconciler.repository.init import require_beginning, start_repository
from reconciler.scaffold.missing_parts import additions, is_another
from reconciler.scaffold.next_steps import Done, next_steps
from reconciler.scaffold.obstacles import obstacles
from reconciler.scaffold.package_data import starter_template, this_release
from reconciler.scaffold.template_set import (
    CODE_OWNERS,
    PIPELINE,
    ForgeName,
    Start,
    check_branch,
    check_state,
    filled,
    templates,
)

_AGAIN = "nothing was written: run it again"


@dataclass
class _Models:
    """The files of the models to write, by path, and what is said about them."""

    files: dict[str, str] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    imported: bool = False


@dataclass(frozen=True)
class _Files:
    """What is written, and what is there already, each by its path from the root."""

    created: Mapping[str, str]
    kept: Mapping[str, str]
    templates: Mapping[str, str]


@click.command("init", short_help="make a repository ready: files, workflows, hook")
@click.option("--gitlab", is_flag=True, help="A pipeline for GitLab instead of GitHub workflows.")
@common()
def command(*, options: Options, gitlab: bool) -> int:
    """Write what a repository needs, and say what to do next.

    Settings, the models that are live or an example, workflows, CODEOWNERS and a pre-commit hook.
    A file that is there is left as it is. An empty folder becomes a git repository.
    """
    workspace = Workspace(options)
    workspace.may_be_empty = True
    root = workspace.repo.root if workspace.repo else Path.cwd()
    if workspace.repo is None:
        require_beginning(root, workspace.environ)
    start = _start(workspace, root, gitlab=gitlab)
    models = _models(workspace, start)
    files = _files(root, start, models)
    if problems := obstacles(root, files.created, files.kept):
        return _refuse(problems, options)
    created = [
        FileToWrite(root / path, path, text.encode(), is_new=True)
        for path, text in files.created.items()
    ]
    with written(created) as taken:
        if taken:
            raise UsageError(f"`{taken[0].shown}` was made by somebody else just now", hint=_AGAIN)
        if workspace.repo is None:
            start_repository(root, start.branch, workspace.environ)
    return _tell(workspace, start, models, files)


def _start(workspace: Workspace, root: Path, *, gitlab: bool) -> Start:
    folder = workspace.folder.resolve()
    if not folder.is_relative_to(root.resolve()):
        raise UsageError(f"`{workspace.options.state}` is not below `{root}`")
    state = folder.relative_to(root.resolve()).as_posix()
    check_state(state)
    _refuse_nested(root, state)
    branch = _branch(workspace)
    check_branch(branch)
    uri = _registry(workspace)
    forge: ForgeName = "gitlab" if gitlab else "github"
    return Start(state, branch, safe_uri(uri) if uri else None, forge, this_release())


def _refuse_nested(root: Path, state: str) -> None:
    for up in Path(state).parents:
        if (root / up / SETTINGS_FILE).exists() and up != Path():
            raise UsageError(
                f"`{state}` is inside of `{up}`, which is a state of its own",
                hint=f"choose a folder beside it, or move its files to `{up}/prod` first",
            )


def _branch(workspace: Workspace) -> str:
    """Return the main line: as the settings name it, else `origin`, else what looks like it."""
    named = workspace.desired.settings.branch
    if named or workspace.repo is None:
        return named or "main"
    line = workspace.repo.main_line(None)
    if line is not None:
        return line[0].removeprefix("origin/")
    usual = next((name for name in ("main", "master") if workspace.repo.main_line(name)), None)
    checked_out = workspace.repo.run("symbolic-ref", "--quiet", "--short", "HEAD")[1].strip()
    return usual or checked_out or "main"


def _registry(workspace: Workspace) -> str | None:
    """Return the registry that is named anywhere, credentials included, None for none."""
    pin = workspace.desired.settings.registry
    try:
        return registry_uri(workspace.options.registry_uri, workspace.environ, pin)
    except UsageError:
        return None  # here, and only here, that is fine: a repository can begin without


def _models(workspace: Workspace, start: Start) -> _Models:
    found = _Models()
    if workspace.desired.declarations:
        return found
    lives = read_models(workspace, ()) if start.registry else []
    found.warnings += _recorded_elsewhere(workspace, lives)
    for live in lives:
        declaration, warnings, error = importable(workspace, live)
        found.warnings += warnings
        if error is not None:
            found.errors.append(error)
        elif declaration is not None:
            name, text = content_of(declaration)
            found.files[f"{start.state}/{name}"] = text
            found.imported = True
    if not found.files:
        found.files[start.example] = filled(starter_template("example-model.yaml"), start)
    return found


def _recorded_elsewhere(workspace: Workspace, lives: Sequence[Live]) -> Iterator[Problem]:
    """Warn of models that a plan will refuse: a commit is recorded that is not in this clone."""
    knows = workspace.history.knows if workspace.history else lambda _: False
    names = [live.model for live in lives if live.recorded and not knows(live.recorded[-1])]
    if names:
        shown = ", ".join(f"`{name}`" for name in names[:3])
        more = f" and {len(names) - 3} more" if names[3:] else ""
        yield Problem(
            f"another repository applies to {shown}{more}: a plan from here refuses that",
            ExitCode.OK,
            hint=f"if it is to do so no longer, take each one over: `reconciler apply --adopt "
            f"{quote(names[0])}`",
        )


def _files(root: Path, start: Start, models: _Models) -> _Files:
    pipeline = root / PIPELINE
    other = pipeline.is_file() and is_another(PIPELINE, _text(pipeline))
    named = templates(start, other_pipeline=other)
    owners = next((path for path in CODE_OWNERS[start.forge] if (root / path).exists()), None)
    if owners is not None:
        named = {owners if p.endswith("CODEOWNERS") else p: name for p, name in named.items()}
    created = {path: filled(starter_template(name), start) for path, name in named.items()}
    created = {start.settings: "", **models.files} | created  # what belongs together is told so
    there = {path for path in created if os.path.lexists(root / path)}
    there |= {PIPELINE} if other and start.forge == "gitlab" else set()
    return _Files(
        {path: text for path, text in created.items() if path not in there},
        {path: _text(root / path) for path in sorted(there)},
        named,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # a folder, or not ours to read: told with the other obstacles


def _refuse(problems: list[Problem], options: Options) -> int:
    if options.json:
        output.document(json_documents.failure(problems, ExitCode.USAGE))
    output.complain(problems)
    output.say("nothing was written")
    return int(ExitCode.USAGE)


def _tell(workspace: Workspace, start: Start, models: _Models, files: _Files) -> int:
    code = first_code([problem.code for problem in models.errors])
    others = [path for path, kept in files.kept.items() if is_another(path, kept)]
    found = [
        addition
        for path, name in files.templates.items()
        if path in files.kept
        for addition in additions(path, starter_template(name), files.kept[path], start)
    ]
    done = Done(tuple(files.created), files.kept, found, others, models.imported)
    steps = next_steps(start, done)
    if workspace.options.json:
        output.document(
            json_documents.failure(models.errors, code)
            | {
                "new_repository": workspace.repo is None,
                "created": list(files.created),
                "kept": list(files.kept),
                "next": list(steps),
                "warnings": [json_documents.error(warning) for warning in models.warnings],
            }
        )
    else:
        output.product(_shown(workspace, start, done, steps), workspace.options)
    output.complain((*models.warnings, *models.errors))
    return int(code)


def _shown(workspace: Workspace, start: Start, done: Done, steps: tuple[str, ...]) -> str:
    lines = []
    if workspace.repo is None:
        lines.append(f"made a git repository here, on the branch `{start.branch}`")
    lines += [f"wrote {visible(path)}" for path in done.created]
    lines += [f"kept  {visible(path)}" for path in done.kept]
    lines += ["", "Next:"]
    for number, step in enumerate(steps, 1):
        first, *rest = step.split("\n")
        lines += ["", f"{number:>3}. {first}", *(f"     {line}".rstrip() for line in rest)]
    effort = workspace.options.effort(_requests(workspace))
    count = f"{phrases.count(len(done.created), 'file')} written, {len(done.kept)} kept"
    lines += ["", f"{count}, {effort.requests} requests, {effort.seconds:.2f} s"]
    return "\n".join(lines) + "\n"


def _requests(workspace: Workspace) -> int:
    return workspace.registry.requests if "registry" in vars(workspace) else 0
