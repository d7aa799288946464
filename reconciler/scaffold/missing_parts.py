"""Finds the lines of `init` that a repository's existing files lack."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.scaffold.template_set import (
    HOOKS,
    OWN_PIPELINE,
    PAGE_WORKFLOW,
    PIPELINE,
    WORKFLOWS,
    Start,
    filled,
    is_of_the_state,
    mentions,
)

_KEY = re.compile(r" {0,2}([\w.-]+):")


@dataclass(frozen=True, slots=True)
class Addition:
    """Lines to add to a file; `below` is the line before them, empty at the end of the file."""

    file: str
    below: str
    within: str
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where the lines belong, in words."""
        below = f"below `{self.below}`" if self.below else "at the end"
        return f"{self.file}, {below}" + (f" of `{self.within}`" if self.within else "")


def is_another(path: str, kept: str) -> bool:
    """Return whether an existing workflow or pipeline does not use the reconciler at all."""
    if path in (*WORKFLOWS, PAGE_WORKFLOW):
        return "/mlflow-reconciler@" not in kept
    return path == PIPELINE and "mlflow-reconciler==" not in kept


def additions(path: str, template: str, kept: str, start: Start) -> tuple[Addition, ...]:
    """Return what to add to an existing file; nothing when it has all or a variant of it."""
    if path.endswith("CODEOWNERS"):
        return tuple(_owners(path, template, kept, start))
    if path == start.settings:
        return tuple(_settings(path, template, kept, start))
    if mentions(kept, start.state) or is_another(path, kept):
        return ()
    if path == HOOKS:
        return (_hook(template, kept, start),)
    return tuple(_of_the_state(path, template, start))


def page_additions(path: str, jobs: str, kept: str) -> tuple[Addition, ...]:
    """Return the jobs that publish a page, for an existing pipeline that has none of them."""
    if path not in (PIPELINE, OWN_PIPELINE) or is_another(path, kept) or "\npages:" in kept:
        return ()
    return tuple(
        Addition(path, "", "", tuple(job.splitlines())) for job in jobs.strip().split("\n\n")
    )


def _owners(path: str, template: str, kept: str, start: Start) -> Iterator[Addition]:
    owned = {line.split()[0].lstrip("/") for line in kept.splitlines() if line.split()}
    lines = [line for line in filled(template, start).splitlines() if not line.startswith("#")]
    missing = tuple(line for line in lines if line.split()[0].lstrip("/") not in owned)
    if missing:
        yield Addition(path, "", "", missing)


def _settings(path: str, template: str, kept: str, start: Start) -> Iterator[Addition]:
    """Yield the lines that a file lacks of the main line, the pin, and what serves."""
    keys = {line.partition(":")[0] for line in kept.splitlines()}
    lines = [
        line
        for line in filled(template, start).splitlines()
        if line.partition(":")[0] in {"branch", "registry"}
    ]
    lines += () if "serving" in keys else start.serving
    missing = tuple(line for line in lines if line.partition(":")[0] not in keys)
    if missing:
        yield Addition(path, "", "", missing)


def _hook(template: str, kept: str, start: Start) -> Addition:
    """Return the hook of the state, with its repository where the file does not have that."""
    lines = filled(template, start).splitlines()
    if "reconciler-validate" not in kept:
        return Addition(HOOKS, "repos:", "", tuple(lines[1:]))
    hooks = next(at for at, line in enumerate(lines) if line.strip() == "hooks:")
    return Addition(HOOKS, "hooks:", start.release.source, tuple(lines[hooks + 1 :]))


def _of_the_state(path: str, template: str, start: Start) -> Iterator[Addition]:
    """Yield, in groups, the lines that a workflow has once for each state folder."""
    lines = template.splitlines()
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and is_of_the_state(lines[end]):
            end += 1
        if end > at:
            found = tuple(filled(line, start) for line in lines[at:end])
            below = lines[at - 1].partition(" #")[0].strip()
            yield Addition(path, below, _part(lines[:at]), found)
        at = end + 1


def _part(before: Sequence[str]) -> str:
    """Return the part of a workflow around the lines: the last key that is not deeply nested."""
    return next(key[1] for line in reversed(before) if (key := _KEY.match(line)))
