"""`python -m benchmarks.faults`: every fault at every request of an apply, each one alone."""

import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from tests.support.faults.faults import (
    FINAL,
    LASTING,
    PASSING,
    Call,
    Fault,
    World,
    each,
    suffer,
    world,
)

_AT_ONCE: Final = 4


def main() -> None:
    """Let each request meet each fault, and print how the applies ended as Markdown."""
    with tempfile.TemporaryDirectory(prefix="faults") as folder, world(Path(folder)) as made:
        _line("fault", "applies", "requests", "exit 0", "exit 6", "exit 7")
        _line("---", *["--:"] * 5)
        for name, fault in {**PASSING, **FINAL, **LASTING}.items():
            _line(name, *map(str, _met(made, fault)))


def _met(made: World, fault: Fault) -> tuple[int, ...]:
    codes, requests, lock = Counter[int](), Counter[str](), threading.Lock()

    def work(prefix: str, calls: tuple[Call, ...]) -> None:
        ended, _ = suffer(made, prefix, calls, fault)
        with lock:
            codes[ended.code] += 1
            requests["sent"] += ended.requests

    each(work, made.where, [(call,) for call in made.calls], at_once=_AT_ONCE)
    return len(made.calls), requests["sent"], codes[0], codes[6], codes[7]


def _line(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
