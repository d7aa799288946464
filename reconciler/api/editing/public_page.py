"""Asks whether a page may be read by everybody, before `init` writes what publishes it."""

from typing import Final

from reconciler.api.workspace import Workspace
from reconciler.authoring.questions import AskAbout, OpenQuestion
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.forges.visibility import Visibility, visibility
from reconciler.scaffold.template_set import ForgeName

_SHOWN: Final = (
    "the names of models, versions, aliases, authors and approvers, the declared files, metrics, "
    "params and tags, consumers, the registry's address, and the subjects of commits"
)
_READERS: Final = {
    "github": "GitHub Pages of a private repository are public, too, on most plans",
    "gitlab": "GitLab Pages are for everybody unless the project's settings limit that",
}
_AGREE: Final = "agree to that by `--public-page`; without `--pages` nothing is published"


def agreed(workspace: Workspace, forge: ForgeName, ask: AskAbout, *, is_accepted: bool) -> Problem:
    """Return the warning that tells what becomes public, once somebody agreed to that.

    Raises `UsageError` where nobody did. Of a repository that more than its members read, only
    `is_accepted` agrees: an answer at a terminal is given too easily.
    """
    found = visibility(_remote(workspace), forge, workspace.environ)
    told = f"everybody may read the page: it shows {_SHOWN}; {_READERS[forge]}"
    about = _about(found)
    if is_accepted:
        return Problem(told, ExitCode.OK, hint=about)
    question = OpenQuestion(
        f"The page shows {_SHOWN}. {_READERS[forge]}; {about}. Publish it?",
        {"publish": "everybody may read it, unless the forge's settings limit that"},
    )
    if found.is_open or ask(question) is None:
        raise UsageError(f"{told}; {about}", hint=_AGREE)
    return Problem(told, ExitCode.OK, hint=about)


def _about(found: Visibility) -> str:
    if found.word is None:
        return f"whether this repository is public is not known: {found.why}"
    return f"this repository is {found.word}"


def _remote(workspace: Workspace) -> str | None:
    if workspace.repo is None:
        return None
    status, out, _ = workspace.repo.run("remote", "get-url", "origin")
    return out.strip() if status == 0 else None
