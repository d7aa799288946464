"""Consumers that were found or seen, as a change to the files of their models."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from reconciler.authoring.proposal import Proposal, slug, title_of
from reconciler.core.state import Consumer, Declaration

_NAMED: Final = 8  # characters that tell one set of consumers from another in a branch's name


def proposed(
    declarations: Mapping[str, Declaration], new: Mapping[str, Sequence[Consumer]]
) -> Proposal | None:
    """Return the change that declares new consumers of models, None where there are none."""
    changes = [
        (declarations[model], replace(declarations[model], consumers=together))
        for model, added in new.items()
        if (together := (*declarations[model].consumers, *added)) and added
    ]
    if not changes:
        return None
    keys = [
        f"{after.model} {one.name} {one.loads}" for _, after in changes for one in new[after.model]
    ]
    what = f"{len(keys)} consumers" if keys[1:] else "a consumer"
    of = f"of {changes[0][0].model}" if not changes[1:] else f"of {len(changes)} models"
    digest = sha256("\n".join(keys).encode()).hexdigest()[:_NAMED]
    return Proposal(
        tuple(changes),
        title=title_of(f"Declare {what} {of}"),
        branch=f"consumers/{slug(changes[0][0].model) if not changes[1:] else 'models'}-{digest}",
        reason=None,
    )
