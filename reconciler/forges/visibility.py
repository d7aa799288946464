"""Who may read a repository, as its forge says; asked before something is published from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from reconciler.audit.overview.forge_links import web_address
from reconciler.errors import ForgeError
from reconciler.forges.ci_environment import System
from reconciler.forges.ci_run import GITHUB

if TYPE_CHECKING:
    from reconciler.forges.github import GitHub
    from reconciler.forges.gitlab import GitLab

_PATIENCE: Final = 5.0  # seconds: somebody waits at a terminal
_GITLAB: Final = "https://gitlab.com"
# The variables of each forge: its address, its API, and the tokens for it.
_VARIABLES: Final[Mapping[System, tuple[str, str, tuple[str, ...]]]] = {
    "github": ("GITHUB_SERVER_URL", "GITHUB_API_URL", ("GITHUB_TOKEN", "GH_TOKEN")),
    "gitlab": ("CI_SERVER_URL", "CI_API_V4_URL", ("GITLAB_TOKEN",)),
}


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who may read a repository: `public`, `internal` or `private`; None where that is not known.

    `why` says why it is not known.
    """

    word: str | None
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether more people than its members are known to read it."""
        return self.word is not None and self.word != "private"


def visibility(remote: str | None, system: System, environ: Mapping[str, str]) -> Visibility:
    """Ask the forge of a clone's remote; a token is sent to the server that it is for alone."""
    address = web_address(remote) if remote else None
    if address is None:
        return Visibility(None, "this clone has no remote at a forge")
    variable, api_variable, names = _VARIABLES[system]
    server = environ.get(variable) or (GITHUB if system == "github" else _GITLAB)
    here, parts = urlsplit(server).netloc, urlsplit(address)
    if parts.netloc != here:
        return Visibility(None, f"its remote is at {parts.netloc}, not at {here} (`{variable}`)")
    token = next((value for name in names if (value := environ.get(name, "").strip())), None)
    if token is None:
        return Visibility(None, f"without `{names[0]}` its forge cannot be asked")
    api = environ.get(api_variable) or _usual_api(system, server.rstrip("/"))
    try:
        forge = _client(system)(
            api=api,
            server=server,
            repository=unquote(parts.path.strip("/")),
            token=token,
            environ=environ,
            patience=_PATIENCE,
        )
        return Visibility(forge.visibility())
    except ForgeError as error:
        return Visibility(None, f"its forge did not say it: {error.message}")


def _usual_api(system: System, server: str) -> str:
    """Return where a server has its API: only that of github.com has it somewhere else."""
    if server == GITHUB:
        return "https://api.github.com"
    return f"{server}/api/{'v3' if system == 'github' else 'v4'}"


def _client(system: System) -> type[GitHub | GitLab]:
    """Return the client of a forge; each imports requests, which only who asks has to wait for."""
    if system == "github":
        from reconciler.forges.github import GitHub  # noqa: PLC0415  as said above

        return GitHub
    from reconciler.forges.gitlab import GitLab  # noqa: PLC0415  as said above

    return GitLab
