"""The steps after `init`, in order, which no command can do."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.scaffold.missing_parts import Addition
from reconciler.scaffold.template_set import (
    DEFAULT_STATE,
    HOOKS,
    OWN_PIPELINE,
    OWNER,
    PAGE_WORKFLOW,
    PIPELINE,
    WORKFLOWS,
    Start,
)

_URI = "MLFLOW_TRACKING_URI"
_TEAM = "with MLFLOW_WORKSPACE on a server with workspaces"
_ELSEWHERE = "MLFLOW_REGISTRY_URI where runs are on another server"
_WHO = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


@dataclass(frozen=True, slots=True)
class Done:
    """What `init` found and wrote.

    `kept` has the text of each existing file, `others` are those of another workflow; `imported`
    tells whether models were read from the registry. `undecided` are the models that were not, each
    as a sentence and the command that declares it. With `in_half`, of some models only the stage or
    only the alias is live that a bridge makes one.
    """

    created: Sequence[str]
    kept: Mapping[str, str]
    additions: Sequence[Addition]
    others: Sequence[str]
    imported: bool
    undecided: Sequence[tuple[str, str]] = ()
    in_half: bool = False


def next_steps(start: Start, done: Done) -> tuple[str, ...]:
    """Return the steps, each of one or more lines, without those that are not needed."""
    return (
        *_undecided(done),
        *_others(start, done),
        *_additions(done),
        *_owner(done),
        *_commit(start, done),
        _users(),
        *(_on_github(start) if start.forge == "github" else _on_gitlab(start)),
        *(_page(start) if start.pages else ()),
        f"Push, and try it: a pull request that changes a tag.\nAll of it: {_guide(start)}",
    )


def _undecided(done: Done) -> Iterator[str]:
    if done.undecided:
        blocks = [f"{sentence}\n{command}" for sentence, command in done.undecided]
        which = "this model" if len(blocks) == 1 else "each of these models"
        first = f"Decide which version of {which} stays; the others then go to Archived:"
        yield "\n\n".join((first, *blocks))


def _others(start: Start, done: Done) -> Iterator[str]:
    for path in (path for path in done.others if path in (*WORKFLOWS, PAGE_WORKFLOW)):
        page = start.release.page(f"examples/github/{path.rpartition('/')[2]}")
        yield (
            f"{path} exists already, and does not use the reconciler.\n"
            f"Rename it and run `reconciler init` again, or copy {page}"
        )
    if PIPELINE in done.others and OWN_PIPELINE not in done.kept[PIPELINE]:
        yield (
            f"Add these lines to {PIPELINE}; where it has `stages:`, they need validate, plan and "
            f"apply:\n\ninclude:\n  - local: {OWN_PIPELINE}"
        )


def _additions(done: Done) -> Iterator[str]:
    if done.additions:
        blocks = ["\n".join((f"{addition.place}:", *addition.lines)) for addition in done.additions]
        yield "\n\n".join(("Add these lines to the existing files:", *blocks))


def _owner(done: Done) -> Iterator[str]:
    path = next(path for path in (*done.created, *done.kept) if path.endswith("CODEOWNERS"))
    added = any(addition.file == path for addition in done.additions)
    if path in done.created or added or OWNER in done.kept[path]:
        yield (
            f"Replace {OWNER} in {path}\n"
            "by people other than those who promote. Until then nobody guards the rules."
        )


def _commit(start: Start, done: Done) -> Iterator[str]:
    if not done.created:
        return
    touched = (*done.created, *(addition.file for addition in done.additions))
    tops = dict.fromkeys(
        start.state if path.startswith(f"{start.state}/") else path.partition("/")[0]
        for path in touched
    )
    message = "Declare what is live" if done.imported else "Begin with mlflow-reconciler"
    found = "adds what `bridge` makes one with it" if done.in_half else "finds no changes"
    yield "\n".join(
        (
            f"Look at the files and commit them; a plan then {found}:",
            "",
            *(["pre-commit install  # https://pre-commit.com"] if HOOKS in done.created else []),
            f"git add {shlex.join(tops)}",
            f'git commit -m "{message}"',
            *([] if start.registry else [f"export {_URI}=https://mlflow.example.com"]),
            "reconciler plan" + ("" if start.state == DEFAULT_STATE else f" --state {start.state}"),
        )
    )


def _users() -> str:
    return (
        "Create two users on the MLflow server. One has READ on the models.\n"
        "The other has EDIT, and MANAGE where aliases or tags of versions are to be removed."
    )


def _on_github(start: Start) -> Iterator[str]:
    variables = f",\nand the variable {_URI}, {_TEAM},\nand {_ELSEWHERE}"
    where = "" if start.registry else variables
    yield (
        f"Create environments (Settings → Environments). Each has the secrets\n{_WHO}{where}:\n\n"
        + _table(
            (start.reading, "of the user who reads", "for every branch"),
            (start.environment, "of the user who writes", f"for `{start.branch}` alone"),
            (start.proposing, "of the user who reads", f"for `{start.branch}` alone"),
        )
    )
    yield (
        f"Protect `{start.branch}` (Settings → Rules): a pull request, approved by somebody else "
        f"and by\ncode owners, and the required check `reconciler plan ({start.state})`."
    )


def _on_gitlab(start: Start) -> Iterator[str]:
    where = "" if start.registry else f", {_URI}\n({_TEAM})"
    yield (
        f"Set variables (Settings → CI/CD), masked, for two environments:\n{_WHO}{where},\n"
        "and GITLAB_TOKEN, a project access token:\n\n"
        + _table(
            (start.reading, "of the user who reads", "token: api"),
            (
                start.environment,
                "of the user who writes",
                "token: api, write_repository; protected",
            ),
        )
    )
    yield (
        f"Protect `{start.branch}` and the environment {start.environment}; require an approval by "
        f"somebody else\nand by code owners; schedule a pipeline on `{start.branch}` for drift,\n"
        "and one a week with the variable RECONCILER_BYTES = serving, to read the models' files."
    )


def _page(start: Start) -> Iterator[str]:
    if start.forge == "github":
        yield (
            "Turn the page on (Settings → Pages → Source: GitHub Actions), and let the environment "
            f"github-pages\nbe for `{start.branch}` alone. Look there at who may read it."
        )
    else:
        yield (
            "Look at who may read the page (Settings → General → Visibility → Pages). The schedule "
            "for drift makes it anew, too."
        )


def _table(*rows: Sequence[str]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _guide(start: Start) -> str:
    return start.release.page("docs/ci.md")
