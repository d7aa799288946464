"""The web addresses of commits and pull requests: of GitHub and GitLab, and of no guess."""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from reconciler.audit.overview.model_overview import ForgeLinks

_Kind: TypeAlias = Literal["github", "gitlab"]

_PATHS: Final[Mapping[_Kind, tuple[str, str]]] = {
    "github": ("/commit/{}", "/pull/{}"),
    "gitlab": ("/-/commit/{}", "/-/merge_requests/{}"),
}
# `git@host:group/name.git`: the form of ssh that is not a URL.
_SCP: Final = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/@\s]+):(?!/)(?P<path>.+)")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_WEB: Final = frozenset({"http", "https"})
_SECURE_SHELL: Final = frozenset({"ssh", "git+ssh"})


def forge_links(remote: str | None, environ: Mapping[str, str]) -> ForgeLinks:
    """Return the addresses at the forge of a clone's remote, else of the CI job in `environ`.

    A remote's credentials are left out. There is no address where the remote is neither on the web
    nor reached by ssh, nor where it is not certain which forge it is: no guessed link is shown.
    """
    jobs = tuple(filter(None, (_github_job(environ), _gitlab_job(environ))))
    of_hosts = {urlsplit(base).netloc: kind for base, kind in jobs}
    base = web_address(remote) if remote else None
    kind = _kind(urlsplit(base).netloc, of_hosts) if base else None
    if base is not None and kind is not None:
        return _links(base, kind)
    return _links(*jobs[0]) if jobs and remote is None else ForgeLinks()


def _links(base: str, kind: _Kind) -> ForgeLinks:
    commit, pull_request = _PATHS[kind]
    return ForgeLinks(f"{base}{commit}", f"{base}{pull_request}")


def _github_job(environ: Mapping[str, str]) -> tuple[str, _Kind] | None:
    server, repository = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    base = web_address(f"{server.rstrip('/')}/{repository}") if server and repository else None
    return None if base is None else (base, "github")


def _gitlab_job(environ: Mapping[str, str]) -> tuple[str, _Kind] | None:
    base = web_address(environ.get("CI_PROJECT_URL") or "")
    return None if base is None else (base, "gitlab")


def _kind(host: str, of_jobs: Mapping[str, _Kind]) -> _Kind | None:
    """Return the forge of a host: by the job that runs on it, else by a part of its name."""
    names = host.partition(":")[0].split(".")
    named: tuple[_Kind, ...] = ("github", "gitlab")
    return of_jobs.get(host) or next((kind for kind in named if kind in names), None)


def web_address(remote: str) -> str | None:
    """Return a repository's address on the web, without credentials; None where it has none."""
    address = _SCP.fullmatch(remote) if "://" not in remote else None
    if address is not None:
        return _web("https", address["host"], address["path"])
    try:
        parts = urlsplit(remote)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme in _SECURE_SHELL:
        return _web("https", host, parts.path)  # its port is that of ssh
    if parts.scheme in _WEB:
        return _web(parts.scheme, host if port is None else f"{host}:{port}", parts.path)
    return None


def _web(scheme: str, host: str, path: str) -> str | None:
    names = [unquote(name) for name in path.strip("/").removesuffix(".git").split("/")]
    is_repository = len(names) > 1 and all(name.strip(".") for name in names)
    if not is_repository or _HOST.fullmatch(host.lower()) is None:
        return None
    return f"{scheme}://{host.lower()}/{'/'.join(quote(name, safe='') for name in names)}"
