"""A page of what is live, what is declared, and who put it there: files that need no server."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

from reconciler.api.answers import Answer, timed
from reconciler.api.publishing.environment import PageRequest, ReadEnvironment, read_environment
from reconciler.api.publishing.page_folder import check_folder, write_page
from reconciler.api.workspace import Workspace
from reconciler.audit.dates import DateLike, as_moment
from reconciler.audit.overview.model_overview import Overview
from reconciler.core.matching import as_names
from reconciler.core.uris import same_registry
from reconciler.errors import ExitCode, Problem, UsageError
from reconciler.render.inspection import page_summary as render
from reconciler.render.json_documents import Document
from reconciler.render.page.notebook import framed
from reconciler.render.page.paths import INDEX
from reconciler.render.page.site import site

# A workspace of a state folder, with the registry to talk to where the settings do not decide.
OpensState = Callable[[str, str | None], Workspace]


class Page(Answer):
    """The files of a page by their names, and the values that it shows: one for each state folder.

    `out` is the folder that they were written to, None where they were not.

    >>> sorted(r.page(offline=True).files)[:2]
    ['about.html', 'index.html']
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        overviews: Sequence[Overview],
        *,
        out: str | None = None,
        problems: Sequence[Problem] = (),
        requests: int = 0,
    ) -> None:
        self.files = files
        self.overviews = tuple(overviews)
        self.out = out
        self.problems = tuple(problems)
        self.requests = requests
        self.code = int(ExitCode.REGISTRY if problems else ExitCode.OK)

    def document(self) -> Document:
        """Return the document of `page --format json`, its `exit` included."""
        return render.document(self.overviews, self.files, self.out, self.problems, self.code)

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `page` prints; `seconds` replaces the time in its last line."""
        return render.text(self.overviews, self.files, self.out, self._effort(seconds))

    def _repr_html_(self) -> str:
        return framed(self.files[INDEX], len(self.files))


def page(
    opens: OpensState,
    states: Sequence[str],
    *,
    out: str | Path | None = None,
    registry_uri: str | None = None,
    offline: bool = False,
    now: DateLike | None = None,
    fetch_notes: str | None = None,
) -> Page:
    """Return the page of some state folders, written to `out` where that is given.

    Raises `UsageError` for a state folder that is named twice and a folder that cannot be written
    to, `Refused` for one that holds something else, and whatever keeps an environment from being
    read; nothing is written then.
    """
    clock = datetime.now(timezone.utc)
    # The next whole second: what was applied just now is in the past of the page.
    moment = as_moment(now, is_end=True, now=clock) or clock + timedelta(seconds=1)
    request = PageRequest(moment.replace(microsecond=0), offline, fetch_notes)
    begun = time.monotonic()
    with ExitStack() as opened:
        workspaces = [opened.enter_context(opens(state, registry_uri)) for state in states]
        folder = _checked(out, workspaces)
        if len(workspaces) > 1 and not offline:
            uris = [_registry_of(each, registry_uri) for each in workspaces]
            named = zip(states, uris, strict=True)
            workspaces = [opened.enter_context(opens(state, uri)) for state, uri in named]
        read = [read_environment(workspace, request) for workspace in workspaces]
        requests = sum(workspace.requests for workspace in workspaces)
    return timed(_made(read, folder, out, requests), begun)


def named_states(states: str | Collection[str] | None, default: str) -> tuple[str, ...]:
    """Return the state folders that are named, else the default one."""
    return as_names(states) if states else (default,)


def _made(
    read: Sequence[ReadEnvironment], folder: Path | None, out: str | Path | None, requests: int
) -> Page:
    overviews = [each.overview for each in read]
    files = site(overviews, generator=f"mlflow-reconciler {version('mlflow-reconciler')}")
    shown = None if out is None else str(Path(out))
    if folder is not None and shown is not None:
        write_page(folder, shown, files)
    problems = [problem for each in read for problem in each.problems]
    return Page(files, overviews, out=shown, problems=problems, requests=requests)


def _checked(out: str | Path | None, workspaces: Sequence[Workspace]) -> Path | None:
    """Return the folder to write to, None where nothing is written."""
    for at, workspace in enumerate(workspaces):
        workspace.desired  # noqa: B018  a wrong file is told before anything is asked
        if any(workspace.folder.samefile(before.folder) for before in workspaces[:at]):
            message = f"the state folder `{workspace.shown}` is named twice"
            raise UsageError(message, hint="name it once")
    if out is None:
        return None
    folder = workspaces[0].caller.root / out
    states = {each.shown: each.folder for each in workspaces}
    return check_folder(folder, str(Path(out)), states)


def _registry_of(workspace: Workspace, given: str | None) -> str | None:
    """Return the registry of one of several environments: the pinned one, else the given one."""
    pin = workspace.pin
    if pin is None:
        return given
    if given is not None and not any(same_registry(given, uri) for uri in pin.uris):
        raise UsageError(
            f"`--registry-uri` names one registry, and `{workspace.shown}` is pinned to another",
            hint="leave it out: each state folder is compared with the registry of its settings",
        )
    return pin.uris[0]
