"""A fleet of models as real teams have them, and readers that load all of them all the time."""

import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from typing_extensions import Self

from reconciler.core.state import Declaration, aliases, stages
from reconciler.files.loader import load
from tests.support.registries.lab import Hand, Lab

Word: TypeAlias = Literal["stage", "alias"]
Place: TypeAlias = tuple[Word, str]

STATE: Final = "registry-state"
_VERSIONS: Final = 4
_PAUSE: Final = 0.02  # seconds between two models: a busy machine is not what is tested


class Kind(NamedTuple):
    """How a team keeps a model: what is live, and how it gets into git.

    `file` is written by hand, where import is not how it got there; `keep` is what that team
    decides when it imports, `decides` what it decides for the bridge.
    """

    models: int
    live: Mapping[str, int | tuple[int, ...]]
    file: str | None = None
    keep: int | None = None
    decides: int | None = None
    managed: bool = True
    alias: str = "champion"


KINDS: Final[Mapping[str, Kind]] = {
    "stages": Kind(6, {"Production": 3, "Archived": (1, 2)}),
    "aliases": Kind(3, {"champion": 2}, file="versions: {2: {aliases: [champion]}}\n"),
    "both": Kind(5, {"Production": 3, "champion": 3, "Archived": 2}),
    "apart": Kind(2, {"Production": 3, "champion": 2}, decides=3),
    "apart-archived": Kind(1, {"Production": 3, "champion": 2, "Archived": 2}, decides=2),
    "two": Kind(1, {"Production": (2, 3)}, keep=3),
    "two-undeclared": Kind(1, {"Production": (2, 3)}, file="description: two\n", decides=3),
    "stageless": Kind(2, {"champion": 2, "Archived": 1}),
    "staging": Kind(2, {"Production": 3, "Staging": 4}),
    "challenged": Kind(1, {"Production": 3, "champion": 3, "Staging": 4, "challenger": 4}),
    "archived": Kind(1, {"Archived": (1, 2)}),
    "unused": Kind(1, {}, file="tags: {team: none}\n"),
    "another-alias": Kind(
        1,
        {"prod": 2},
        file="serving: {alias: prod}\nversions: {2: {aliases: [prod]}}\n",
        alias="prod",
    ),
    "own-serving": Kind(
        1,
        {"Production": 3},
        file="serving: {stage: Production}\nversions: {3: {stage: Production}}\n",
    ),
    "undeclared": Kind(1, {"Production": 2, "champion": 2}, file="description: by hand\n"),
    "unmanaged": Kind(1, {"Production": 1, "champion": 1}, managed=False),
}


@dataclass(frozen=True)
class Member:
    """One model of the fleet."""

    name: str
    kind: Kind


def registered(hand: Hand) -> tuple[Member, ...]:
    """Register the fleet, as it is live before git knows it."""
    made = []
    for kind_name, kind in KINDS.items():
        for number in range(kind.models):
            name = f"fleet-{os.getpid()}-{kind_name}-{number}"
            hand.register(name, _VERSIONS)
            for word, named in kind.live.items():
                for version in (named,) if isinstance(named, int) else named:
                    if word in ("Production", "Staging", "Archived"):
                        hand.stage(name, version, word)
                    else:
                        hand.alias(name, word, version)
            made.append(Member(name, kind))
    return tuple(made)


def declared(lab: Lab, fleet: tuple[Member, ...]) -> dict[str, Declaration]:
    """Return what the checkout declares, what keys and settings imply included."""
    found = load(Path(lab.git.root) / STATE, STATE).declarations
    return {member.name: found[member.name] for member in fleet if member.kind.managed}


@dataclass
class Expected:
    """What readers may get of each model, by stage and by alias; None is nothing.

    While an apply runs that is what either commit declares. What no commit declares any more stays
    in the registry.
    """

    held: dict[Place, int | None]
    alias_of: Mapping[str, str]
    phases: list[dict[Place, frozenset[int | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._settle(self.held)

    def begin(self, after: Mapping[str, Declaration]) -> None:
        """Let readers get what was declared, or what is declared now: an apply begins."""
        self._after = {place: self._next(place, after) for place in self.held}
        self.phases.append(
            {place: frozenset({was, self._after[place]}) for place, was in self.held.items()}
        )

    def end(self) -> None:
        """Let readers get only what is declared: the apply is over."""
        self.held = self._after
        self._settle(self.held)

    def watched(self, word: Word) -> list[str]:
        """Return the models to load: those that an apply moves now, or every one."""
        phase = self.phases[-1]
        models = [model for of, model in self.held if of == word]
        return [model for model in models if len(phase[word, model]) > 1] or models

    def may_be(self, place: Place, first: int) -> frozenset[int | None]:
        """Return what a load may have got that began in a phase, and is over."""
        return frozenset().union(*(phase[place] for phase in self.phases[first:]))

    def _settle(self, held: Mapping[Place, int | None]) -> None:
        self.phases.append({place: frozenset({version}) for place, version in held.items()})

    def _next(self, place: Place, after: Mapping[str, Declaration]) -> int | None:
        word, model = place
        fields, was = after[model].fields, self.held[place]
        if word == "alias":
            return aliases(fields).get(self.alias_of[model], was)
        held = stages(fields)
        taken = [version for version, stage in held.items() if stage == "Production"]
        if taken:
            return max(taken)
        return None if was is not None and held.get(was, "Production") != "Production" else was


class Reader:
    """A serving system that loads every model of the fleet by one word, again and again."""

    def __init__(self, uri: str, word: Word, expected: Expected) -> None:
        self.word: Word = word
        self.loads = 0
        self.wrong: list[str] = []
        self._hand = Hand(uri)
        self._expected = expected
        self._end, self._told = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def wait_for_wrong(self) -> None:
        """Wait until it got what it may not."""
        assert self._told.wait(timeout=60)

    def _read(self) -> None:
        while not self._end.is_set():
            phases = len(self._expected.phases)
            for model in self._expected.watched(self.word):
                if phases != len(self._expected.phases):
                    break  # other models move now
                try:
                    self._load(model)
                except Exception as error:  # noqa: BLE001  a reader that died would have seen nothing wrong
                    self._tell(f"{self.word} of {model}: {error!r}")
                if self._end.wait(_PAUSE):
                    return

    def _load(self, model: str) -> None:
        place, first = (self.word, model), len(self._expected.phases) - 1
        got = self._by_stage(model) if self.word == "stage" else self._by_alias(model)
        allowed = self._expected.may_be(place, first)
        self.loads += got is not None
        if got not in allowed:
            self._tell(f"{self.word} of {model} is {got}, not {sorted(map(str, allowed))}")

    def _tell(self, what: str) -> None:
        self.wrong.append(what)
        self._told.set()

    def _by_stage(self, model: str) -> int | None:
        path = "registered-models/get-latest-versions"
        answer = self._hand.call("POST", path, name=model, stages=["Production"])
        versions = [int(version["version"]) for version in answer.get("model_versions", [])]
        return max(versions, default=None)

    def _by_alias(self, model: str) -> int | None:
        path, alias = "registered-models/alias", self._expected.alias_of[model]
        status, answer = self._hand.try_call("GET", path, name=model, alias=alias)
        return int(answer["model_version"]["version"]) if status == HTTPStatus.OK else None


def live_now(fleet: tuple[Member, ...]) -> Iterator[tuple[Place, int | None]]:
    """Yield what a reader of each managed model gets before git knows it."""
    for member in fleet:
        if member.kind.managed:
            production = member.kind.live.get("Production")
            held = max(production) if isinstance(production, tuple) else production
            named = member.kind.live.get(member.kind.alias)
            yield ("stage", member.name), held
            yield ("alias", member.name), named if isinstance(named, int) else None
