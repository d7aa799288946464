"""A change to what files declare: what it means, and how commits and branches call it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from reconciler.audit.merged_changes import MergedCommit, Step
from reconciler.audit.step_words import meaning
from reconciler.authoring.promotion import remarks
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import UsageError
from reconciler.render.escape import visible

# What a change means is told of a commit; this one is still to be made.
_TO_COME = MergedCommit("", (), datetime.fromtimestamp(0, timezone.utc), "", "", "", "", "")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What files declare before and after a change, and how it is called in a commit.

    `trailer` is the last line of the commit's message. The files of `removed` go altogether.
    `settings_file` is the settings' where they change, too, and `about_settings` says what that
    means.
    `notes` say why the change is as it is.
    """

    changes: tuple[tuple[Declaration, Declaration], ...]
    title: str
    branch: str
    reason: str | None
    trailer: str | None = None
    removed: tuple[Declaration, ...] = ()
    settings_file: str | None = None
    about_settings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the changed files in messages."""
        declared = (*(before for before, _ in self.changes), *self.removed)
        settings = (self.settings_file,) if self.settings_file else ()
        return (*settings, *(one.file for one in declared))

    @property
    def keeps_reason(self) -> bool:
        """Whether a file itself has the reason, as that of a block."""
        return any(
            entry.blocked == self.reason
            for _, after in self.changes
            for entry in after.versions.values()
        )

    def remarks(self, settings: Settings) -> tuple[str, ...]:
        """Return what the change leaves as it is, and somebody may not expect."""
        found = (remark for pair in self.changes for remark in remarks(*pair, settings))
        return (*self.notes, *found)

    def meanings(self, settings: Settings) -> Iterator[str]:
        """Yield what each change means, with its model's name where there are several."""
        yield from self.about_settings
        pairs = (*self.changes, *((gone, None) for gone in self.removed))
        is_named = bool(pairs[1:] or self.about_settings)
        for before, after in pairs:
            name = f"{before.model} " if is_named else ""
            for part in meaning(Step(_TO_COME, before.model, before, after), settings):
                yield f"{name}{part}"

    def message(self, meanings: tuple[str, ...]) -> str:
        """Return the commit's message: the title, the reason, what the change means."""
        parts = [self.title, *([self.reason] if self.reason else [])]
        parts.append("\n".join(f"- {visible(line)}" for line in meanings))
        parts += [visible(note) for note in self.notes]
        return "\n\n".join((*parts, *([self.trailer] if self.trailer else [])))


def check_text(name: str, text: str | None) -> None:
    """Raise `UsageError` for what neither a file nor a commit can hold."""
    try:
        (text or "").encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"`{name}` is not UTF-8 text", hint="write it in another way") from error


def title_of(text: str) -> str:
    """Return a text as the subject of a commit: one line."""
    return visible(text)


def slug(text: str) -> str:
    """Return a text as a part of a branch's name."""
    return re.sub(r"[^\w-]+", "-", text).strip("-") or "model"
