"""The answer of `discover`: an edit of several files, with what became of every new version."""

from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import Self

from reconciler.api.editing.edit import Edit
from reconciler.api.workspace import Workspace
from reconciler.authoring.discovery import STAGE, Found, Search
from reconciler.authoring.draft import Draft
from reconciler.core.violations import Violation
from reconciler.errors import Problem
from reconciler.render import phrases
from reconciler.render.escape import visible
from reconciler.render.json_documents import Document
from reconciler.repository.delivery import commits


class Discovery(Edit):
    """New versions that pass the policies, as an edit that declares them for Staging.

    `searches` have each model's new versions and what becomes of them, `skipped` says why a model
    is not looked at, and `problems` what is wrong with others: they keep nothing from being
    written.

    >>> r.discover().meaning[0]
    'v4 → Staging'
    """

    def __init__(
        self,
        workspace: Workspace,
        draft: Draft | None,
        *,
        searches: Sequence[Search],
        skipped: Mapping[str, str],
        problems: Sequence[Problem],
    ) -> None:
        super().__init__(workspace, draft, problems=problems)
        self.searches = tuple(searches)
        self.skipped = dict(skipped)
        if not any(one.added for one in self.searches):
            self.next = "nothing to add"

    def commit(
        self,
        message: str | None = None,
        branch: str | None = None,
        *,
        push: bool = False,
        pull_request: bool = False,
    ) -> Self:
        """Do as `Edit.commit` does, except for versions whose own branch the remote has already.

        Those are proposed, and not merged yet: nothing is written, `diff` is empty, and `branch` is
        the one that the remote has.
        """
        is_own = branch == "" or (pull_request and branch is None)
        if is_own and (push or pull_request) and self._is_proposed():
            return self
        return super().commit(message, branch, push=push, pull_request=pull_request)

    def _is_proposed(self) -> bool:
        """Withdraw what another run has pushed, and return whether one has."""
        repo, draft = self._workspace.repo, self._draft
        if repo is None or draft is None:
            return False
        own = draft.proposal.branch
        if not commits.is_pushed(repo, commits.remote_for(repo, None), own):
            return False
        self._draft, self.branch = None, own
        self.next = f"it is proposed already: the remote has the branch `{own}`"
        return True

    def document(self) -> Document:
        """Return the document of `discover --format json`, its `exit` included."""
        versions = [_row(one, found) for one in self.searches for found in _in_order(one)]
        skipped = [{"model": name, "reason": why} for name, why in self.skipped.items()]
        return self._document({"versions": versions, "skipped": skipped})

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `discover` prints; `seconds` replaces the time in its last line."""
        lines = [visible(line) for line in self._listing()]
        return self._text(lines, len(self.searches) + len(self.skipped), seconds)

    def _listing(self) -> Iterator[str]:
        for one in self.searches:
            yield from [one.live.model] if one.found else []
            for found in _in_order(one):
                yield from _about(found)
        yield from (f"{name} is not looked at: {why}" for name, why in self.skipped.items())


def _in_order(one: Search) -> list[Found]:
    return sorted(one.found, key=lambda found: -found.version)


def _about(found: Found) -> list[str]:
    """Return what became of a version, and under it every rule that had something to say."""
    name = f"v{found.version}"
    match found.outcome:
        case "added":
            first = f"  + {name}  None → {STAGE}"
        case "refused":
            first = f"  ✗ {name}  not added"
        case "older":
            first = f"    {name}  not added: a newer one is"
        case "waiting":
            first = f"    {name}  waits: it is {found.status}, not READY"
    rules = [(phrases.judged(each), each) for each in found.violations]
    rules += [("pending", each) for each in found.pending]
    return [first, *(f"      {word} {each.name}: {_reason(found, each)}" for word, each in rules)]


def _reason(found: Found, violation: Violation) -> str:
    return violation.message.removeprefix(f"v{found.version} → {STAGE}: ")


def _row(one: Search, found: Found) -> Document:
    return {
        "model": one.live.model,
        "file": one.declaration.file,
        "version": found.version,
        "outcome": found.outcome,
        "status": found.status,
        "violations": [
            {
                "name": each.name,
                "message": _reason(found, each),
                "enforce": each.enforce,
                "accepted": each.accepted,
            }
            for each in found.violations
        ],
        "pending_approvals": [
            {"name": each.name, "message": _reason(found, each)} for each in found.pending
        ],
    }
