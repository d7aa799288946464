"""A forge of a test's own, as the reconciler sees it and as its people do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.forges.github import GitHub
from reconciler.forges.gitlab import GitLab
from reconciler.ports.forge import Forge
from tests.support.forges.forge_server import REPOSITORY, TOKEN, ForgeState, Route, serve
from tests.support.forges.github_dialect import GITHUB
from tests.support.forges.gitlab_dialect import GITLAB
from tests.support.registries.servers import Proxy

SERVER = "https://forge.example"


@dataclass(frozen=True)
class ForgeLab:
    """The adapter, what the forge holds, and what it was asked."""

    forge: Forge
    state: ForgeState
    server: Proxy

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.server.requests]

    def head(self, number: int) -> str:
        """Return a commit's id."""
        return f"{number:040x}"


@contextmanager
def github_lab(
    *, token: str = TOKEN, patience: float = 30.0, me: str = "github-actions[bot]"
) -> Iterator[ForgeLab]:
    state = ForgeState(me)
    with serve(state, GITHUB) as server:
        api = f"{server.uri}/api/v3"
        forge = GitHub(
            api=api,
            server=SERVER,
            repository=REPOSITORY,
            token=token,
            environ={},
            patience=patience,
        )
        yield ForgeLab(forge, state, server)


@contextmanager
def gitlab_lab(
    *, token: str = TOKEN, patience: float = 30.0, routes: Sequence[Route] = GITLAB
) -> Iterator[ForgeLab]:
    state = ForgeState("project_7_bot_c0ffee")
    with serve(state, routes) as server:
        api = f"{server.uri}/api/v4"
        forge = GitLab(
            api=api,
            server=SERVER,
            repository=REPOSITORY,
            token=token,
            environ={},
            patience=patience,
        )
        yield ForgeLab(forge, state, server)
