"""How fast the first page of a very large fleet is for who looks at it, in Chromium."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.bench import Bench
from benchmarks.table import Row
from reconciler.render.page.site import site
from tests.support.browser.chromium import Chromium, launched
from tests.support.browser.sites import large, write

_MODELS: Final = 10_000
_RUNS: Final = 5
_MOST: Final = 1.0  # seconds
_KB: Final = 1_000
# Until the browser has painted: the second frame begins behind it.
_PAINTED: Final = """() => new Promise(done =>
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000))))"""
_CLICKED: Final = """async name => {
    const begun = performance.now();
    document.querySelector(`[data-filter="${name}"]`).click();
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return (performance.now() - begun) / 1000;
}"""
_TYPED: Final = """async text => {
    const begun = performance.now(), input = document.querySelector("#search");
    input.value = text;
    input.dispatchEvent(new Event("input"));
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return (performance.now() - begun) / 1000;
}"""


def browse(_: Bench) -> list[Row]:
    """Open the index of 10,000 models, choose a state, and search."""
    with TemporaryDirectory() as folder, launched() as chromium:
        write(Path(folder), site([large(_MODELS)]))
        index = Path(folder) / "index.html"
        runs = [_visit(chromium, index) for _ in range(_RUNS)]
        size = index.stat().st_size / _KB
    work = f"index of {_MODELS:,} models, in Chromium"
    names = ("opened", "state chosen", "first search", "search")
    times = [median(run[at] for run in runs) for at in range(len(names))]
    return [
        *(
            Row(f"{work}: {name}", time, None, f"≤ {_MOST:g} s", _MOST)
            for name, time in zip(names, times, strict=True)
        ),
        Row(f"{work}: size", size, unit="KB"),
    ]


def _visit(chromium: Chromium, index: Path) -> tuple[float, float, float, float]:
    with chromium.visit(index) as visit:
        page = visit.page
        opened = page.evaluate(_PAINTED)
        chosen = page.evaluate(_CLICKED, "in-sync")
        first = page.evaluate(_TYPED, "churn-7")
        later = page.evaluate(_TYPED, "e")
    return opened, chosen, first, later
