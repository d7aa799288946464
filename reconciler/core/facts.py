"""What is known of a model version besides its state: its run, metrics, params and signature."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Column:
    """One input, output or parameter of a signature; `type` is as MLflow spells it.

    `name` is None for an unnamed column; a tensor's type has its shape: `tensor(float32, [-1, 3])`.
    """

    name: str | None
    type: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and gives, as its `MLmodel` file says."""

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    params: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The run that a version came from; `started` is ms since 1970, `user` who started it."""

    id: str
    name: str | None = None
    status: str | None = None
    user: str | None = None
    started: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tracking server tells of one version.

    `metrics` are the run's, and the logged model's where the run has none of that name. NaN and
    the infinities are kept as they are. `missing` says in sentences what could not be read;
    `signature_unread` that there may be a signature which was not.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    run: Run | None = None
    signature: Signature | None = None
    missing: tuple[str, ...] = ()
    signature_unread: bool = False


NO_FACTS = Facts()
