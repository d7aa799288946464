"""How often a watch proposes a rollback of what is well, and how soon of what is not: simulated.

A series is the error rate of a model: the incumbent's day, then a day of the version that replaces
it, with a look each five minutes at the errors among the requests since the look before. Looks,
baselines, verdicts and proposals come of the code that `watch` runs; a look that was made for the
same time, value and baseline is not made again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import line
from reconciler.core.declaring.watch import PrometheusQuery, WatchRule
from reconciler.policy.cel.watch_conditions import fails
from reconciler.policy.watching.looking import look_at
from reconciler.policy.watching.looks import Look, Measurement, WatchMemory
from reconciler.policy.watching.proposals import ServingFacts, proposal_of
from reconciler.policy.watching.remembered import SLOTS, baseline_of
from reconciler.policy.watching.verdicts import verdict_of

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]  # of errors, by series and look

SERIES: Final = 10_000  # of each kind
_SEED: Final = 16
_REQUESTS: Final = 600  # a look: two a second
_FEW: Final = 60
_RATE: Final = 0.02  # of the requests that fail while all is well
_LIMIT: Final = 0.02  # above the baseline
_BROKEN: Final = 0.06  # after a step
_DRIFT: Final = 0.0025  # an hour
_SPIKE: Final = 0.3
_SPIKES: Final = 0.01  # of the looks begin one
_GAPS: Final = 0.02  # of the looks begin one
_LONGEST_GAP: Final = 24  # looks
_STEP: Final = timedelta(minutes=5)
_LOOKS: Final = 288  # a day
_AN_HOUR: Final = timedelta(hours=1) / _STEP
_NONE: Final = -1  # errors, where nothing was measured
_MUCH: Final = 0.095  # a share that is shown in whole per cents
_MODEL: Final = "model"
_SINCE: Final = datetime(2026, 1, 2, tzinfo=timezone.utc)
_CONDITION: Final = f"value > baseline + {_LIMIT}"
_DEFAULT: Final = WatchRule("errors", PrometheusQuery("http://p", "q"), _CONDITION)
RULES: Final = (
    _DEFAULT,
    *(replace(_DEFAULT, needed=n, window=of) for n, of in ((1, 1), (4, 5), (5, 5))),
)


@dataclass(frozen=True)
class Kind:
    """One kind of series; `rates` draws the true rate of each look, and `begins` is when it is bad.

    That is in looks since the version serves, for each series; None where nothing is bad.
    """

    name: str
    rates: Callable[[np.random.Generator, int], tuple[Floats, Floats | None]]
    requests: int = _REQUESTS
    has_gaps: bool = False
    is_seasonal: bool = False


@dataclass(frozen=True)
class Proposals:
    """The minutes from when each series turns bad, or begins, to its proposal; inf without one."""

    kind: Kind
    is_bad: bool
    minutes: dict[WatchRule, Floats]

    def share(self, rule: WatchRule) -> float:
        """Return the share of the series that had a proposal."""
        return float(np.isfinite(self.minutes[rule]).mean())


def _steady(_: np.random.Generator, series: int) -> tuple[Floats, None]:
    return np.full((series, _LOOKS), _RATE), None


def _spikes(random: np.random.Generator, series: int) -> tuple[Floats, None]:
    begins = random.random((series, _LOOKS)) < _SPIKES
    both = begins & (random.integers(0, 2, begins.shape) == 1)  # half of them have two looks
    begins[:, 1:] |= both[:, :-1]
    return np.where(begins, _SPIKE, _RATE), None


def _seasonal(_: np.random.Generator, series: int) -> tuple[Floats, None]:
    return np.tile(_day(), (series, 1)), None


def _day() -> Floats:
    """Return the rates of a day that goes up by half, and down by half."""
    return _RATE * (1 + np.sin(2 * np.pi * np.arange(_LOOKS) / _LOOKS) / 2)


def _step(random: np.random.Generator, series: int) -> tuple[Floats, Floats]:
    begins = random.uniform(_AN_HOUR, _LOOKS / 2, series)
    # The value of a look is of the time since the one before: the first has a part of both rates.
    broken = np.clip(np.arange(_LOOKS)[None, :] - begins[:, None], 0, 1)
    return _RATE + (_BROKEN - _RATE) * broken, begins


def _drift(_: np.random.Generator, series: int) -> tuple[Floats, Floats]:
    rates = _RATE + _DRIFT * np.arange(_LOOKS) / _AN_HOUR
    return np.tile(rates, (series, 1)), np.full(series, _LIMIT / _DRIFT * _AN_HOUR)


KINDS: Final = (
    Kind("steady", _steady),
    Kind(f"steady, {_FEW} requests a look", _steady, requests=_FEW),
    Kind("spikes", _spikes),
    Kind("gaps", _steady, has_gaps=True),
    Kind("seasonal", _seasonal, is_seasonal=True),
    Kind("step", _step),
    Kind("step, with gaps", _step, has_gaps=True),
    Kind("slow drift", _drift),
)


def simulated(kind: Kind, series: int = SERIES) -> Proposals:
    """Return the first proposal of every series of a kind, by each of the rules."""
    random = np.random.default_rng([_SEED, KINDS.index(kind)])
    rates, begins = kind.rates(random, series)
    errors = random.binomial(kind.requests, rates)
    if kind.has_gaps:
        errors[_gaps(random, series)] = _NONE
    known = _baselines(kind.requests, series, is_seasonal=kind.is_seasonal)
    minutes = {rule: np.full(series, np.inf) for rule in RULES}
    for number, (counted, baseline) in enumerate(zip(errors, known, strict=True)):
        values = [_value(each, kind.requests) for each in counted.tolist()]
        failing = [n for n, value in enumerate(values) if _fails(value, baseline)]
        for rule, found in minutes.items():
            found[number] = _first(rule, values, failing, baseline)
    begun = 0 if begins is None else begins * (_STEP / timedelta(minutes=1))
    since = {rule: found - begun for rule, found in minutes.items()}
    return Proposals(kind, begins is not None, since)


def _gaps(random: np.random.Generator, series: int) -> NDArray[np.bool_]:
    missing = np.zeros((series, _LOOKS), dtype=bool)
    for row, look in np.argwhere(random.random(missing.shape) < _GAPS):
        missing[row, look : look + random.integers(1, _LONGEST_GAP, endpoint=True)] = True
    return missing


@cache
def _baselines(requests: int, series: int, *, is_seasonal: bool) -> list[float | None]:
    """Return the baseline of each series, from a look in each part of a day that counts once."""
    random = np.random.default_rng([_SEED, requests])
    day = _day()[:: _LOOKS // SLOTS] if is_seasonal else np.full(SLOTS, _RATE)
    known = []
    for counted in random.binomial(requests, np.tile(day, (series, 1))).tolist():
        places = range(-_LOOKS, 0, _LOOKS // SLOTS)
        looks = [
            _look(1, place, _value(errors, requests), None)
            for place, errors in zip(places, counted, strict=True)
        ]
        known.append(baseline_of(_DEFAULT, WatchMemory(tuple(looks)), _MODEL, 2, _SINCE))
    return known


def _first(
    rule: WatchRule, values: list[float | None], failing: list[int], baseline: float | None
) -> float:
    """Return after how many minutes a rule leads to a proposal; inf where it does not.

    Only failing looks are judged: no verdict is `failed` at another one, as a test holds.
    """
    facts = ServingFacts(_MODEL, 2)
    for number in failing:
        places = range(max(0, number - rule.window + 1), number + 1)
        looks = [_look(2, place, values[place], baseline) for place in places]
        now = looks[-1].time
        verdict = verdict_of(rule, looks, model=_MODEL, version=2, since=_SINCE, now=now)
        if proposal_of([verdict], {rule.name: rule}, facts, (), now).action == "propose":
            return (now - _SINCE) / timedelta(minutes=1)
    return float("inf")


def _value(errors: int, requests: int) -> float | None:
    return None if errors == _NONE else errors / requests


@cache
def _fails(value: float | None, baseline: float | None) -> bool:
    return _look(2, _LOOKS, value, baseline).outcome == "failing"


@cache
def _look(version: int, place: int, value: float | None, baseline: float | None) -> Look:
    """Return the look at a place, counted from when v2 begins to serve."""
    time = _SINCE + place * _STEP
    return look_at(
        _DEFAULT,
        Measurement(value, time=time),
        model=_MODEL,
        version=version,
        now=time,
        since=_SINCE if version > 1 else _SINCE - timedelta(days=7),
        baseline=baseline,
        fails=fails,
    )


def report(series: int = SERIES) -> str:
    """Return the tables: false alarms, then delays."""
    found = [simulated(kind, series) for kind in KINDS]
    well = [
        (each.kind.name, *(_percent(each.share(rule)) for rule in RULES))
        for each in found
        if not each.is_bad
    ]
    bad = [
        (f"{each.kind.name}: {what}", *(tell(each.minutes[rule]) for rule in RULES))
        for each in found
        if each.is_bad
        for what, tell in _DELAYS.items()
    ]
    return f"{_table('a day without a fault: proposed', well)}\n{_table('a fault', bad)}"


def _table(title: str, rows: list[tuple[str, ...]]) -> str:
    names = (f"`{rule.needed} of {rule.window}`" for rule in RULES)
    head = line(title, *names) + line("---", *["--:"] * len(RULES))
    return head + "".join(line(*row) for row in rows)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < _MUCH else f"{100 * share:.0f} %"


def _part(percent: int) -> Callable[[Floats], str]:
    return lambda minutes: f"{np.percentile(minutes, percent, method='lower'):.0f} min"


_DELAYS: Final[dict[str, Callable[[Floats], str]]] = {
    "median": _part(50),
    "95 % within": _part(95),
    "before it": lambda minutes: _percent(float((minutes < 0).mean())),
    "missed": lambda minutes: _percent(float(np.isinf(minutes).mean())),
}
