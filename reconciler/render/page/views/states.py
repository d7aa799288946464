"""The states of a model as the page shows them: the word, its sign, its colour, what it means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.audit.overview.model_overview import MODEL_STATES, ModelState

Tone: TypeAlias = Literal["ok", "warn", "bad", "off", "info"]


@dataclass(frozen=True, slots=True)
class StateChip:
    """A state: `key` is its name in addresses and classes, and the name of its sign."""

    word: ModelState
    key: str
    tone: Tone
    meaning: str


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many models are in a state; the filter for them."""

    chip: StateChip
    number: int


_TONES: Final[Mapping[ModelState, tuple[Tone, str]]] = {
    "blocked": ("bad", "nothing can be written: somebody has to look"),
    "refused": ("bad", "a guard or a policy denies what git declares"),
    "held": ("warn", "a hold in its file: nothing is written until it goes"),
    "drifted": ("warn", "the registry was changed by hand"),
    "pending": ("info", "merged, and not applied yet"),
    "unmanaged": ("off", "live, and not declared in git"),
    "in sync": ("ok", "the registry is as git declares it"),
    "not read": ("off", "its live state was not read: nothing is said about it"),
}
CHIPS: Final[Mapping[ModelState, StateChip]] = {
    state: StateChip(state, state.replace(" ", "-"), *_TONES[state]) for state in MODEL_STATES
}


def counted(counts: Mapping[ModelState, int]) -> tuple[StateCount, ...]:
    """Return the states that any model is in, the most urgent first."""
    return tuple(StateCount(CHIPS[s], counts[s]) for s in MODEL_STATES if counts.get(s))


def counts(states: Iterable[ModelState]) -> tuple[StateCount, ...]:
    """Return the states among these, each with its number."""
    listed = list(states)
    return counted({state: listed.count(state) for state in MODEL_STATES})
