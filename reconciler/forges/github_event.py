"""The parts of GitHub's event file that we read."""

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class EventSide(_Part):
    """One side of a pull request."""

    sha: str
    ref: str


class PullRequestEvent(_Part):
    """The pull request of an event."""

    number: int
    head: EventSide
    base: EventSide


class MergeGroup(_Part):
    """The commit that a merge queue would merge."""

    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str


class Event(_Part):
    """An event; one without any of these parts is described by the environment alone."""

    pull_request: PullRequestEvent | None = None
    merge_group: MergeGroup | None = None
    before: str | None = None
