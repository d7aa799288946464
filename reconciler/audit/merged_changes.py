"""The merged history of a state folder: which commit changed which model, and how.

The order of the first-parent line decides which change came first; dates do not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Serving

UNCHECKED: Final = "not looked at"
_APPROVING: Final = ("reviewed-by", "approved-by", "acked-by")
_CO_AUTHOR: Final = "co-authored-by"
_PULL_REQUEST: Final = (
    re.compile(r"\AMerge pull request #([0-9]+) from "),
    re.compile(r"\(#([0-9]+)\)\s*\Z"),
    re.compile(r"\AMerged in .* \(pull request #([0-9]+)\)\s*\Z"),
)
_MERGE_REQUEST: Final = re.compile(r"^See merge request \S*!([0-9]+)$", re.MULTILINE)
_ADDRESS: Final = re.compile(r"\A(.*?)\s*<([^<>]*)>\s*\Z", re.DOTALL)


class Person(NamedTuple):
    """The author of a commit, as git stores it."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class MergedCommit:
    """A commit of the first-parent line, or one that a merge brought.

    `time` is the time of the merge: the committer date, or that of the commit before it on the line
    where that is later; then `dated` is the commit's own date. `signature` is git's verdict:
    `good`, `bad`, `unknown key`, `none`, ... `brought` are the commits that a merge brought, oldest
    first.
    """

    id: str
    parents: tuple[str, ...]
    time: datetime
    author: str
    author_email: str
    committer: str
    committer_email: str
    subject: str
    body: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    signature: str = UNCHECKED
    dated: datetime | None = None
    brought: tuple["MergedCommit", ...] = ()

    @property
    def authors(self) -> tuple[Person, ...]:
        """The authors of the commits that a merge brought, once each, else its own author."""
        people: dict[str, Person] = {}
        for commit in self.brought or (self,):
            person = Person(commit.author, commit.author_email)
            people.setdefault((person.email or person.name).casefold(), person)
        return tuple(people.values())


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The files of the state folder that one merged commit changed, by path below the folder.

    None stands for a removed file. A file that cannot be read is left out: it declares what it did
    before. `settings` are the new settings, None where the commit did not change them. `renames`
    has the former path of each file that git takes for renamed.
    """

    commit: MergedCommit
    files: Mapping[str, Declaration | None]
    settings: Settings | None = None
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One merged commit that changed a model's declaration (None: not declared).

    Or one that changed what serving means while the declaration stayed. `settings` are those before
    and after it, None where they are not followed. `before` has another model's name where the
    commit renamed it.
    """

    commit: MergedCommit
    model: str
    before: Declaration | None
    after: Declaration | None
    settings: tuple[Settings, Settings] | None = None

    def by(self, settings: Settings) -> Settings:
        """Return the settings after this step, `settings` where they are not followed."""
        return self.settings[1] if self.settings else settings

    def served(self, settings: Settings) -> tuple[int | None, int | None]:
        """Return the serving version before and after, by its own settings or `settings`."""
        old, new = self.settings or (settings, settings)
        return serving(self.before, old), serving(self.after, new)

    @property
    def former_name(self) -> str | None:
        """The name that the model had before this step, None where it did not change."""
        if self.after is None or self.before is None or self.before.model == self.model:
            return None
        return self.before.model

    @property
    def redefinition(self) -> tuple[Serving, Serving] | None:
        """What serving meant for the model and means now; None where that did not change."""
        if self.before is None or self.after is None:
            return None
        old, new = self.settings or (Settings(), Settings())
        meant, means = (
            old.serving.of(self.before.model, self.before),
            new.serving.of(self.model, self.after),
        )
        return (meant, means) if meant != means else None


@dataclass(frozen=True, slots=True)
class MergeApproval:
    """An approver, confirmed by the forge (`verified`) or named by a trailer (`claimed`).

    `is_author` is whether the forge counts the approver among the authors; None where it is not
    known. A trailer that names an author of the commits is no approval at all.
    """

    name: str
    kind: Literal["verified", "claimed"]
    is_author: bool | None = None


def pull_request(commit: MergedCommit) -> int | None:
    """Return the number of the pull or merge request that the forge wrote into a merge."""
    for pattern in _PULL_REQUEST:
        match = pattern.search(commit.subject)
        if match:
            return int(match[1])
    merge_request = _MERGE_REQUEST.search(commit.body)
    return int(merge_request[1]) if merge_request else None


def claimed_approvals(commit: MergedCommit) -> tuple[MergeApproval, ...]:
    """Return the approvers that trailers name, without the authors; nothing proves them.

    The trailers and authors of the commits that a merge brought count like its own.
    """
    commits = (commit, *commit.brought)
    trailers = [trailer for member in commits for trailer in member.trailers]
    authors = {
        name for member in commits for name in _who(f"{member.author} <{member.author_email}>")
    }
    for key, value in trailers:
        if key.lower() == _CO_AUTHOR:
            authors |= _who(value)
    names = dict.fromkeys(
        " ".join(value.split())
        for key, value in trailers
        if key.lower() in _APPROVING and value.strip() and not _who(value) & authors
    )
    return tuple(MergeApproval(name, "claimed") for name in names)


def _who(text: str) -> set[str]:
    """Return the casefolded names of a person: the address and the name."""
    match = _ADDRESS.match(text.strip())
    parts = match.groups() if match else (text,)
    return {" ".join(part.split()).casefold() for part in parts if part.strip()}


def serving(declaration: Declaration | None, settings: Settings) -> int | None:
    """Return the version that is declared to serve; of several, the highest."""
    if declaration is None:
        return None
    rules = settings.serving.of(declaration.model, declaration)
    return max(rules.versions(declaration.fields), default=None)
