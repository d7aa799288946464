"""The templates of a new repository: which files, where they go, and their placeholders."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.errors import UsageError
from reconciler.scaffold.release import Release

ForgeName: TypeAlias = Literal["github", "gitlab"]

DEFAULT_STATE: Final = "registry-state"
OWNER: Final = "@your-org/registry-owners"
HOOKS: Final = ".pre-commit-config.yaml"
WORKFLOWS: Final = tuple(
    f".github/workflows/{name}.yml" for name in ("plan", "apply", "drift", "promote", "rollback")
)
PAGE_WORKFLOW: Final = ".github/workflows/page.yml"
PIPELINE: Final = ".gitlab-ci.yml"
OWN_PIPELINE: Final = ".gitlab/reconciler.yml"  # where the repository has another pipeline
CODE_OWNERS: Final[Mapping[ForgeName, tuple[str, ...]]] = {  # in the forge's order of search
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}

_SERVING: Final = """\
# serving: {alias: champion} # what serving means, where you do not use stages
# bridge: {Production: champion} # a stage and its alias are one, on the way from stages to aliases
# guards: {aliases: [champion]} # aliases that may not be removed"""
_BLANK = re.compile(r"<<([a-z]+)>>")
_OF_THE_STATE = re.compile(r"<<(state|folder|environment|propose)>>")
# Literal in a shell, a glob, a regular expression, CODEOWNERS and both forges.
_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_PLAIN = re.compile(r"[A-Za-z][\w./:@-]*[\w/]")
_NO_TEXT = re.compile(r"true|false|yes|no|on|off|null|y|n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Start:
    """The repository for which the files are written.

    `state` is the state folder, relative to the root; `registry` is the URI to pin, without
    credentials, and `workspace` the workspace there. `serving` are the lines of the settings that
    say what serves, where it is an alias. `pages` is whether a page is published.
    """

    state: str
    branch: str
    registry: str | None
    forge: ForgeName
    release: Release
    workspace: str | None = None
    serving: tuple[str, ...] = ()
    pages: bool = False

    @property
    def environment(self) -> str:
        """The environment of the writing credential: one for each registry."""
        if self.state == DEFAULT_STATE:
            return "production"
        top, _, below = self.state.partition("/")
        name = re.sub(r"[/.]+", "-", below or top).strip("-")
        return name if scalar(name) == name else f"registry-{name}"

    @property
    def reading(self) -> str:
        """The environment of the reading credential."""
        return f"{self.environment}-read"

    @property
    def proposing(self) -> str:
        """The environment of the workflows that open pull requests."""
        return "propose" if self.environment == "production" else f"{self.environment}-propose"

    @property
    def settings(self) -> str:
        """The path of the settings file."""
        return f"{self.state}/reconciler.yaml"

    @property
    def example(self) -> str:
        """The path of the example model file."""
        return f"{self.state}/example-model.yaml"


def check_state(name: str) -> None:
    """Raise `UsageError` for a folder whose name workflows cannot contain literally."""
    if not _NAME.fullmatch(name) or name == ".":
        raise UsageError(
            f"workflows cannot name the state folder `{name}`",
            hint="use ASCII letters, digits, `_`, `.` and `-`, in a folder below the root",
        )


def check_branch(name: str) -> None:
    """Raise `UsageError` for a branch whose name workflows cannot contain literally."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"workflows cannot name the branch `{name}`",
            hint="use ASCII letters, digits, `_`, `.`, `-` and `/`",
        )


def templates(start: Start, *, other_pipeline: bool) -> dict[str, str]:
    """Return the files of a new repository, each with its template.

    `other_pipeline` means that the repository has a GitLab pipeline of its own.
    """
    found = {start.settings: "reconciler.yaml", HOOKS: "pre-commit-config.yaml"}
    if start.forge == "github":
        paths = (*WORKFLOWS, PAGE_WORKFLOW) if start.pages else WORKFLOWS
        found |= {path: f"github/{path.rpartition('/')[2]}" for path in paths}
        return found | {".github/CODEOWNERS": "github/CODEOWNERS"}
    pipeline = OWN_PIPELINE if other_pipeline else PIPELINE
    return found | {pipeline: "gitlab/gitlab-ci.yml", ".gitlab/CODEOWNERS": "gitlab/CODEOWNERS"}


def filled(template: str, start: Start) -> str:
    """Return a template with its placeholders filled in."""
    blanks = _blanks(start)
    return _BLANK.sub(lambda blank: blanks[blank[1]], template)


def is_of_the_state(line: str) -> bool:
    """Return whether a template repeats a line for each state folder."""
    return bool(_OF_THE_STATE.search(line))


def mentions(text: str, state: str) -> bool:
    """Return whether a text names a state folder, and not only one with a longer name."""
    return bool(re.search(rf"(?<![\w./-]){re.escape(state)}(?![\w.-]|/[\w.-])", text))


def scalar(text: str) -> str:
    """Return a text as a YAML scalar, quoted only where it would mean something else."""
    is_plain = _PLAIN.fullmatch(text) and not _NO_TEXT.fullmatch(text)
    return text if is_plain else json.dumps(text)


def _pin(start: Start) -> str:
    uri = scalar(start.registry or "")
    if start.workspace is None:
        return uri
    return f"{{uri: {uri}, workspace: {scalar(start.workspace)}}}"


def _blanks(start: Start) -> dict[str, str]:
    pin = f"registry: {_pin(start)}" if start.registry else None
    return {
        "action": start.release.action,
        "branch": scalar(start.branch),
        "environment": start.environment,
        "files": rf"^{start.state.replace('.', '[.]')}/.*\.ya?ml$",
        "folder": start.state,
        "model": start.release.modeline("model"),
        "owner": OWNER,
        "propose": start.proposing,
        "registry": pin or "# registry: https://mlflow.example.com",
        "serving": "\n".join(start.serving) or _SERVING,
        "settings": start.release.modeline("settings"),
        "source": start.release.source,
        "state": scalar(start.state),
        "tag": start.release.tag,
        "version": start.release.version,
    }
