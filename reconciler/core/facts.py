"""Facts about a model version from its run: metrics, params, tags and signature."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Part: TypeAlias = Literal["run", "logged model", "signature"]


@dataclass(frozen=True, slots=True)
class Column:
    """One input, output or parameter of a signature; `type` is MLflow's name for it.

    `name` is None for an unnamed column; a tensor's type includes its shape:
    `tensor(float32, [-1, 3])`.
    """

    name: str | None
    type: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs, outputs and parameters of a model, from its `MLmodel` file."""

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    params: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The run of a version; `started` is in ms since 1970, `user` is who started it."""

    id: str
    name: str | None = None
    status: str | None = None
    user: str | None = None
    started: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that may exist and could not be read: why, as in `missing`, and the way to read it."""

    why: str
    hint: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tracking server knows about one version.

    `metrics` are the run's, plus the logged model's where the run has no metric of that name. They
    may be NaN or infinite. `missing` has a sentence for each part that is not there or could not be
    read; `unread` has the parts among them that could not be read.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    run: Run | None = None
    signature: Signature | None = None
    missing: tuple[str, ...] = ()
    unread: Mapping[Part, Unread] = field(default_factory=dict)


NO_FACTS = Facts()
