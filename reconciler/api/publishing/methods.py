"""The methods of `Reconciler` that make pages, reviews and cards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.answers import timed

if TYPE_CHECKING:
    from reconciler.api.artifacts.bytes_drift import ReadingDepth
    from reconciler.api.caller import Needs
    from reconciler.api.publishing.card import Card
    from reconciler.api.publishing.page import Page
    from reconciler.api.publishing.review import ReviewFiles
    from reconciler.api.workspace import Workspace
    from reconciler.audit.dates import DateLike


class PublishingMethods(ABC):
    """Makes pages, reviews and cards: for people who do not work at a terminal.

    Each method imports what it calls: a plan must not wait for what makes pages.
    """

    _state: str
    _registry_uri: str | None

    def page(
        self,
        out: str | Path | None = None,
        *,
        states: str | Collection[str] | None = None,
        offline: bool = False,
        now: DateLike | None = None,
        fetch_notes: str | None = None,
    ) -> Page:
        """Return a page of every model: what is live, what is declared, who put it there.

        `out` is the folder that it is written to: a new one, or one with a page from before.
        Without it nothing is written, and a notebook shows the index. `states` are several state
        folders, each beside its own pinned registry; the default is this one. With `offline` no
        registry is read, and no state is shown. `now` is the moment that the page names, as in
        `history`; the default is the clock. `fetch_notes` names a remote whose apply records are
        fetched.

        Raises `RegistryError` where a registry cannot be read, `Refused` for a folder that holds
        something else: nothing is written then.

        >>> r.page().overviews[0].counts
        {'pending': 1}
        """
        from reconciler.api.publishing.page import named_states, page  # noqa: PLC0415  as the class says

        chosen = named_states(states, self._state)
        return page(
            self._workspace_of,
            chosen,
            out=out,
            registry_uri=self._registry_uri,
            offline=offline,
            now=now,
            fetch_notes=fetch_notes,
        )

    def review(
        self,
        out: str | Path,
        *,
        since: DateLike | None = None,
        until: DateLike | None = None,
        bytes: ReadingDepth | None = None,  # noqa: A002  the option's name
        fetch_notes: str | None = None,
        now: DateLike | None = None,
    ) -> ReviewFiles:
        """Write what a review of models asks for: tables of an audit, a page, and their SHA-256.

        `out` is the folder for the files: a new one, or one with a review from before. `now` is the
        moment of the reading; the default is the clock. The other arguments are those of `audit`.

        Raises `Refused` for a folder that holds something else: nothing is written then.

        >>> [table.name for table in r.review("report").tables]
        ['inventory', 'changes', 'exceptions', 'segregation', 'drift']
        """
        from reconciler.api.artifacts.bytes_drift import as_depth  # noqa: PLC0415  as the class says
        from reconciler.api.publishing.review import review  # noqa: PLC0415  the same

        depth = as_depth(bytes)
        with self._workspace_of_the_past() as workspace:
            answer = review(
                workspace,
                out,
                since=since,
                until=until,
                depth=depth,
                fetch_notes=fetch_notes,
                now=now,
            )
            return timed(answer, workspace.started)

    @abstractmethod
    def _workspace_of_the_past(self) -> Workspace: ...

    def card(self, name: str) -> Card:
        """Return the card of one version: what it is, who put it where it is, what is not known.

        `name` is as for `show`; that of a model alone is the version that serves.

        Raises `UsageError` for a name that means nothing, and where no version serves.

        >>> r.card("fraud@champion").to_dict()["version"]["serves"]
        True
        """
        from reconciler.api.publishing.card import model_card  # noqa: PLC0415  as the class says

        with self._workspace(needs="anything") as workspace:
            return timed(model_card(workspace, name), workspace.started)

    @abstractmethod
    def _workspace(self, *, needs: Needs = "all", timeout: float = 60.0) -> Workspace: ...

    @abstractmethod
    def _workspace_of(self, state: str, registry_uri: str | None) -> Workspace: ...
