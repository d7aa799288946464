"""Finds out what a repository needs: settings, models or an example, workflows, owners, a hook."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Final

from reconciler.api.editing.public_page import agreed
from reconciler.api.editing.starter_files import NewRepository, StarterFiles
from reconciler.api.workspace import Workspace
from reconciler.authoring.importing import content_of, read_models
from reconciler.authoring.new_declarations import FirstImport, NewDeclarations, declared_anew
from reconciler.authoring.questions import AskAbout
from reconciler.core.state import Live
from reconciler.core.uris import safe_uri
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.files.state_folder import SETTINGS_FILE
from reconciler.render import phrases
from reconciler.repository.init import require_beginning
from reconciler.scaffold.missing_parts import additions, is_another, page_additions
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

_PIPELINE: Final = "gitlab/gitlab-ci.yml"
_PAGE_JOBS: Final = "gitlab/page-jobs.yml"


@dataclass
class _Models:
    """The files of the models to write, by path, and what is told of what is live."""

    files: dict[str, str] = field(default_factory=dict)
    new: NewDeclarations = field(default_factory=NewDeclarations)


@dataclass(frozen=True)
class _Files:
    """The files to write and those that are there, each by its path from the root."""

    created: Mapping[str, str]
    kept: Mapping[str, str]
    templates: Mapping[str, str]


def starter_files(
    workspace: Workspace,
    *,
    gitlab: bool,
    ask: AskAbout,
    pages: bool = False,
    public_page: bool = False,
) -> StarterFiles:
    """Return what `write` is to make.

    Raises `UsageError` for a folder that cannot be begun in, and for `pages` where nobody agreed.
    """
    if public_page and not pages:
        raise UsageError("`--public-page` agrees to `--pages`, which is missing")
    root = workspace.repo.root if workspace.repo else workspace.caller.root
    if workspace.repo is None:
        require_beginning(root, workspace.environ)
    start = replace(_start(workspace, root, gitlab=gitlab), pages=pages)
    told = [agreed(workspace, start.forge, ask, is_accepted=public_page)] if pages else []
    models = _models(workspace, start, ask)
    if models.new.choice is not None:
        start = replace(start, serving=models.new.choice.lines)
    files = _files(root, start, models)
    if problems := obstacles(root, files.created, files.kept):
        return StarterFiles(root, files.created, obstacles=problems)
    return StarterFiles(
        root,
        files.created,
        kept=tuple(files.kept),
        conflicts=models.new.conflicts,
        next_steps=next_steps(start, _done(start, models, files)),
        repository=None if workspace.repo else NewRepository(start.branch, workspace.environ),
        warnings=(*told, *models.new.warnings),
        errors=models.new.errors,
        requests=workspace.requests,
    )


def _start(workspace: Workspace, root: Path, *, gitlab: bool) -> Start:
    folder = workspace.folder.resolve()
    if not folder.is_relative_to(root.resolve()):
        raise UsageError(f"`{workspace.state}` is not below `{root}`")
    state = folder.relative_to(root.resolve()).as_posix()
    check_state(state)
    _refuse_nested(root, state)
    branch = _branch(workspace)
    check_branch(branch)
    named = workspace.named  # here, and only here, none is fine: a repository can begin without
    forge: ForgeName = "gitlab" if gitlab else "github"
    uri, selected = (safe_uri(named.uri), named.workspace) if named else (None, None)
    return Start(state, branch, uri, forge, this_release(), selected)


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


def _models(workspace: Workspace, start: Start, ask: AskAbout) -> _Models:
    settings = workspace.desired.settings
    if workspace.desired.declarations:
        return _Models()
    lives = read_models(workspace.registry, (), settings) if start.registry else []
    new = declared_anew(lives, settings, FirstImport(ask=ask), registry=lives)
    new.warnings[:0] = _recorded_elsewhere(workspace, lives)
    if new.choice is not None and not (workspace.folder / SETTINGS_FILE).exists():
        new.warnings.append(new.choice.written(start.settings))
    contents = (content_of(declaration) for declaration in new.declarations.values())
    files = {f"{start.state}/{name}": text for name, text in contents}
    if not (files or new.conflicts):
        files[start.example] = filled(starter_template("example-model.yaml"), start)
        new.warnings += _nothing_live(start)
    return _Models(files, new)


def _nothing_live(start: Start) -> Iterator[Problem]:
    """Say that an example is written because the registry that was named shows no model."""
    if start.registry:
        place = start.registry + (f", workspace `{start.workspace}`" if start.workspace else "")
        yield Problem(
            f"this user sees no model in {place}: {start.example} is an example",
            ExitCode.OK,
            hint="where there are some, another user sees them, or MLFLOW_WORKSPACE selects them",
        )


def _recorded_elsewhere(workspace: Workspace, lives: Sequence[Live]) -> Iterator[Problem]:
    """Warn of models that a plan will refuse: a commit is recorded that is not in this clone."""
    knows = workspace.history.knows if workspace.history else lambda _: False
    names = [live.model for live in lives if live.recorded and not knows(live.recorded[-1])]
    if names:
        shown = phrases.some_models(names)
        yield Problem(
            f"another repository applies to {shown}: a plan from here refuses that",
            ExitCode.OK,
            hint=f"if it is to do so no longer, take them over, by name or glob: `reconciler apply "
            f"--adopt {quote(names[0])}`",
        )


def _files(root: Path, start: Start, models: _Models) -> _Files:
    pipeline = root / PIPELINE
    other = pipeline.is_file() and is_another(PIPELINE, _text(pipeline))
    named = templates(start, other_pipeline=other)
    owners = next((path for path in CODE_OWNERS[start.forge] if (root / path).exists()), None)
    if owners is not None:
        named = {owners if p.endswith("CODEOWNERS") else p: name for p, name in named.items()}
    created = {path: filled(_template(name, start), start) for path, name in named.items()}
    created = {start.settings: "", **models.files} | created  # what belongs together is told so
    there = {path for path in created if os.path.lexists(root / path)}
    there |= {PIPELINE} if other and start.forge == "gitlab" else set()
    return _Files(
        {path: text for path, text in created.items() if path not in there},
        {path: _text(root / path) for path in sorted(there)},
        named,
    )


def _template(name: str, start: Start) -> str:
    """Return a template; GitLab's pipeline has the jobs of a page where one is published."""
    text = starter_template(name)
    return text + starter_template(_PAGE_JOBS) if start.pages and name == _PIPELINE else text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # a folder, or not ours to read: told with the other obstacles


def _done(start: Start, models: _Models, files: _Files) -> Done:
    """Return what is there once all is written, for the steps that follow."""
    others = [path for path, kept in files.kept.items() if is_another(path, kept)]
    lacking = [
        addition
        for path, name in files.templates.items()
        if path in files.kept
        for addition in additions(path, starter_template(name), files.kept[path], start)
    ]
    if start.pages:
        jobs = starter_template(_PAGE_JOBS)
        lacking += [
            row for each in files.kept.items() for row in page_additions(each[0], jobs, each[1])
        ]
    undecided = [(each.sentence, each.command) for each in models.new.conflicts]
    imported = bool(models.new.declarations)
    new = models.new.declarations.values()
    implied = {address.name for each in new for address in each.implied}
    return Done(
        tuple(files.created),
        files.kept,
        lacking,
        others,
        imported,
        undecided,
        in_half=bool({"stage", "alias"} & implied),
    )
