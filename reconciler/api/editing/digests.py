"""Adds to an edit the digests of the versions that it puts into use."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from reconciler.api.artifacts.entering import Entering, entering_digests
from reconciler.api.editing.lookups import draft
from reconciler.api.workspace import Workspace
from reconciler.authoring.digests import with_digests
from reconciler.authoring.draft import Draft
from reconciler.authoring.proposal import Proposal
from reconciler.core.state import Live


def draft_with_digests(
    workspace: Workspace,
    proposal: Proposal,
    lives: Mapping[str, Live],
    versions: Collection[tuple[str, int]],
    *,
    wanted: bool | None,
) -> Draft | None:
    """Return a proposal's draft, in which these versions, each with its model, have digests.

    Nothing is read before the draft without them is known to be valid. A model that is not among
    `lives` could not be read, which was told.
    """
    plain = draft(workspace, proposal)
    entering = [
        Entering(after, version, lives[model])
        for _, after in proposal.changes
        for model, version in versions
        if model == after.model and model in lives
    ]
    digests = entering_digests(workspace, entering, wanted=wanted)
    if not digests:
        return plain
    changes = tuple(
        (before, with_digests(after, {v: d for (m, v), d in digests.items() if m == after.model}))
        for before, after in proposal.changes
    )
    return draft(workspace, replace(proposal, changes=changes))
