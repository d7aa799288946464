"""One model of an environment as the page shows it: what holds its names, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

from reconciler.audit.evidence import Entry
from reconciler.audit.overview.lanes import Lane
from reconciler.core.comparison import Comparison, Side
from reconciler.core.plan import RegistryRef
from reconciler.core.state import Declaration, Live
from reconciler.core.violations import Violation

ModelState: TypeAlias = Literal[
    "blocked", "refused", "held", "drifted", "pending", "unmanaged", "in sync", "not read"
]
MODEL_STATES: Final[tuple[ModelState, ...]] = get_args(ModelState)


@dataclass(frozen=True, slots=True)
class Holder:
    """The version that has one name of a model: the serving version, a stage or an alias.

    `name` is a stage or `@ALIAS`. `since` is the first recorded apply of `entry`, the merged change
    that put the version there; where no record tells, it is the merge, and `is_applied` is false.
    Both are None for a version that git does not declare under this name. `declared` is the version
    that git declares for it. Where the registry was not read `version` is None, and `since` and
    `entry` are those of the declared version.
    """

    name: str
    version: int | None
    serves: bool = False
    declared: int | None = None
    since: datetime | None = None
    is_applied: bool = False
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """One model: what serves, since when, by whom, and in which state it is.

    `group` is the sub-folder of its file, "" at the top. `why` has a sentence for each reason of
    the state: differences, problems, violations, the words of a hold. `holders` has the serving
    version first. `history` is oldest first. `sides` are the versions of which everything is known,
    the highest first, and `comparison` the candidate beside the incumbent. `text` is the declared
    file, `live` what the registry holds, None where it was not read or does not exist. `unread` has
    a sentence for what is left out of it.
    """

    model: str
    state: ModelState
    group: str = ""
    file: str | None = None
    text: str | None = None
    declaration: Declaration | None = None
    live: Live | None = None
    why: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    lanes: tuple[Lane, ...] = ()
    history: tuple[Entry, ...] = ()
    sides: tuple[Side, ...] = ()
    comparison: Comparison | None = None
    unread: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()

    @property
    def serving(self) -> Holder | None:
        """The serving version, None where nothing serves."""
        return next((holder for holder in self.holders if holder.serves), None)


@dataclass(frozen=True, slots=True)
class ForgeLinks:
    """The web addresses of commits and pull requests; `{}` stands for what is linked.

    Both begin with `https://` or `http://`; None where the repository has no such remote.
    """

    commit: str | None = None
    pull_request: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """One environment: a state folder at a commit, with its registry at the moment of the reading.

    `now` is the moment that the page names. `registry` is None, and `is_offline` true, where the
    registry was not to be read; every model is `not read` then. `unread` has a sentence for
    everything else that could not be read. `line` names the main line; `has_records` is whether
    there are apply records. `notes` is the commit of the notes that were read.
    """

    state: str
    now: datetime
    models: tuple[ModelOverview, ...]
    commit: str | None = None
    line: str | None = None
    registry: RegistryRef | None = None
    is_offline: bool = False
    has_records: bool = False
    notes: str | None = None
    unread: tuple[str, ...] = ()
    links: ForgeLinks = field(default_factory=ForgeLinks)

    @property
    def counts(self) -> Mapping[ModelState, int]:
        """The number of models in each state, those without any left out."""
        states = [model.state for model in self.models]
        return {state: states.count(state) for state in MODEL_STATES if state in states}
