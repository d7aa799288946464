"""Which entries and files name what the registry no longer has, and the change that drops them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from reconciler.authoring.proposal import Proposal, slug, title_of
from reconciler.core.state import Declaration, Live
from reconciler.files.editing.edits import YamlEdit, edited
from reconciler.planning import preconditions

_NAMED: Final = 8  # characters that tell one set of entries from another in a branch's name
_TITLE: Final = "no longer in the registry"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A declared model, and those of its versions that are gone; with `is_gone` the model is."""

    declaration: Declaration
    versions: tuple[int, ...] = ()
    is_gone: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What is taken out, as titles call it."""
        model = self.declaration.model
        return (model,) if self.is_gone else tuple(f"{model} v{v}" for v in self.versions)

    @property
    def after(self) -> Declaration:
        """What the file declares without these versions; their stages and aliases go along."""
        edits = [YamlEdit(("versions", str(version)), None) for version in self.versions]
        return edited(self.declaration, edits)


def leftovers(
    declarations: Sequence[Declaration], live: Mapping[str, Live]
) -> tuple[Leftover, ...]:
    """Return what is declared and gone; prompts and models that cannot be listed are left out."""
    found = []
    for declaration in declarations:
        model = live.get(declaration.model)
        if model is None:
            found.append(Leftover(declaration, is_gone=True))
        elif not (model.is_prompt or model.unreadable):
            missing = tuple(sorted(preconditions.missing(declaration, model)))
            found += [Leftover(declaration, missing)] if missing else []
    return tuple(found)


def proposed(chosen: Sequence[Leftover], reason: str | None) -> Proposal | None:
    """Return the change that takes out what is gone, None where nothing is."""
    names = [name for one in chosen for name in one.names]
    if not names:
        return None
    what = f"{len(names)} entries that are" if names[1:] else f"{names[0]}, which is"
    return Proposal(
        tuple((one.declaration, one.after) for one in chosen if not one.is_gone),
        title=title_of(f"Take out {what} {_TITLE}"),
        branch=_branch(names),
        reason=reason,
        removed=tuple(one.declaration for one in chosen if one.is_gone),
    )


def _branch(names: Sequence[str]) -> str:
    """Return a name that the same entries always get."""
    if not names[1:]:
        return f"tidy/{slug(names[0])}"
    digest = sha256("\n".join(names).encode()).hexdigest()[:_NAMED]
    return f"tidy/{len(names)}-entries-{digest}"
