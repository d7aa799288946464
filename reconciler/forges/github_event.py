"""The parts of GitHub's event file that are read."""

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventRepository(_Part):
    """A repository, known by its name."""

    full_name: str


class EventSide(_Part):
    """One side of a pull request."""

    sha: str
    ref: str
    repo: EventRepository | None = None  # a fork that was deleted is null


class PullRequestEvent(_Part):
    """The pull request that an event is about."""

    number: int
    head: EventSide
    base: EventSide


class MergeGroup(_Part):
    """What a merge queue would merge."""

    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str


class Event(_Part):
    """An event; those without any of these parts are told by the environment alone."""

    pull_request: PullRequestEvent | None = None
    merge_group: MergeGroup | None = None
    before: str | None = None
