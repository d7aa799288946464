"""`python -m benchmarks.two_writers [ROUNDS]`: what happens when two write to one model at once."""

import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from tests.support.faults.fault_lab import Place
from tests.support.faults.two_writers import (
    DEEDS,
    FOES,
    RIVALS,
    WITHDRAWAL,
    Round,
    Window,
    a_person,
    arena,
    two_applies,
    window,
)

_ROUNDS: Final = 100
_REQUESTS: Final = 11  # of the apply that a person meets
_WINDOWS: Final = 25

# What is counted of rounds with two applies: the promises first, then how it ends.
_COUNTED: Final[Sequence[tuple[str, Callable[[Round], bool]]]] = (
    ("Production never empty, `champion` always there", lambda met: not met.missed),
    ("not as declared, and nobody is told", lambda met: met.silent),
    ("recorded as done what is not live", lambda met: met.misrecorded),
    ("one more run leaves what the newer commit declares", lambda met: met.converged),
    ("both end with 0", lambda met: not any(met.codes)),
    ("one ends with 0", lambda met: sorted(map(bool, met.codes)) == [False, True]),
    ("none ends with 0", lambda met: all(met.codes)),
    ("a tag of the older commit stays for good", lambda met: met.leaked),
)


def main() -> None:
    """Run every kind of round, and print what happened as Markdown."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else _ROUNDS
    with tempfile.TemporaryDirectory(prefix="two") as folder, arena(Path(folder)) as where:
        _applies(where, rounds)
        _person(where, rounds)
        _windows([window(where) for _ in range(_WINDOWS)])


def _applies(where: Place, rounds: int) -> None:
    met = [
        [two_applies(where, files) for _ in range(rounds)] for files in (RIVALS, FOES, WITHDRAWAL)
    ]
    _line(
        "two applies at once",
        "each promotes its own",
        "each archives the other's, too",
        "one takes the other's back",
    )
    _line("---", "--:", "--:", "--:")
    for text, holds in _COUNTED:
        _line(text, *(f"{sum(map(holds, some))} of {rounds}" for some in met))


def _person(where: Place, rounds: int) -> None:
    chance = random.Random(1)  # noqa: S311  the same rounds each time
    deeds = list(DEEDS)
    _line("a person meanwhile", *deeds)
    _line("---", *("--:" for _ in deeds))
    found = {
        deed: [a_person(where, deed, chance.randint(1, _REQUESTS)) for _ in range(rounds)]
        for deed in deeds
    }
    kinds: Sequence[tuple[str, Callable[[tuple[Round, bool]], bool]]] = (
        ("Production never empty, `champion` always there", lambda one: not one[0].missed),
        ("one more run leaves what git declares", lambda one: one[0].converged),
        ("the apply says so", lambda one: any(one[0].codes)),
        ("0, and what they did stays", lambda one: not any(one[0].codes) and one[1]),
        ("0, and it is overwritten", lambda one: not any(one[0].codes) and not one[1]),
    )
    for text, holds in kinds:
        _line(text, *(f"{sum(map(holds, found[deed]))} of {rounds}" for deed in deeds))


def _windows(windows: Sequence[Window]) -> None:
    _line("from the read to the write that relies on it, in times of one write", "median", "most")
    _line("---", "--:", "--:")
    _spread("the first of 5 writes", (one.first for one in windows))
    _spread("the last of 5 writes", (one.last for one in windows))
    _spread("the record of what is done", (one.record for one in windows))


def _spread(text: str, values: Iterable[float]) -> None:
    several = list(values)
    _line(text, f"{median(several):.1f}", f"{max(several):.1f}")


def _line(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
