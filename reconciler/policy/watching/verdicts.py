"""The verdict of a rule from its last looks, and that of a model from its rules."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from reconciler.core.declaring.watch import WatchRule
from reconciler.core.durations import in_words
from reconciler.policy.watching.looking import is_stale
from reconciler.policy.watching.looks import Look, RuleVerdict, WatchVerdict
from reconciler.policy.watching.remembered import of_rule, oldest_first

_LARGE: Final = 10_000


def verdict_of(
    rule: WatchRule,
    looks: Iterable[Look],
    *,
    model: str,
    version: int,
    since: datetime,
    now: datetime,
) -> RuleVerdict:
    """Return the verdict of a rule on the version that serves since `since`.

    `looks` are the remembered ones, of any model, rule and version, and the one just made. Those
    from before `since` and those later than now do not count.
    """
    begin = min(since, now)
    spell = [
        look
        for look in of_rule(rule, looks, model)
        if look.version == version and begin <= look.time <= now
    ]
    last = last_measurements(rule, spell)
    failing = sum(look.outcome == "failing" for look in last)
    verdict = _verdict(rule, last, failing)
    why = _why(rule, last, failing)
    if last and not last[-1].is_usable and now >= since + rule.grace:
        silent = now - max((look.time for look in spell if look.is_usable), default=since)
        why = f"no data for {in_words(silent, parts=2)}: {why}"
    return RuleVerdict(rule.name, verdict, why, failing, last)


def last_measurements(rule: WatchRule, looks: Sequence[Look]) -> tuple[Look, ...]:
    """Return the last `window` looks of those at one version, oldest first.

    Of several looks at one measurement only the last counts.
    """
    last: dict[tuple[bool, datetime], Look] = {}
    for look in reversed(oldest_first(looks)):
        last.setdefault(_measured(rule, look), look)
        if len(last) == rule.window:
            break
    return tuple(last.values())[::-1]


def model_verdict(verdicts: Collection[RuleVerdict]) -> WatchVerdict:
    """Return the verdict of a model: the worst of its rules'; without any it is inconclusive."""
    found = {verdict.verdict for verdict in verdicts}
    if "failed" in found:
        return "failed"
    return "healthy" if found == {"healthy"} else "inconclusive"


def _verdict(rule: WatchRule, last: Sequence[Look], failing: int) -> WatchVerdict:
    match last[-1].outcome if last else "unknown":
        case "failing" if failing >= rule.needed:
            return "failed"
        case "passing" if failing < rule.needed:
            return "healthy"
        case _:
            return "inconclusive"


def _measured(rule: WatchRule, look: Look) -> tuple[bool, datetime]:
    """Return what looks at one measurement share; to find one too old is to find none."""
    measured = look.measurement.time
    if measured is None or is_stale(rule, measured, look.time):
        return False, look.time
    return True, measured


def _why(rule: WatchRule, last: Sequence[Look], failing: int) -> str:
    if not last:
        return "there is no look yet"
    latest, is_enough = last[-1], failing >= rule.needed
    counts = f"{failing} of the last {len(last)} looks failed"
    match latest.outcome:
        case "unknown":
            return latest.why or "nothing can be said"
        case "failing" if is_enough and len(last) == 1:
            said = "the last look failed"
        case "failing" if is_enough:
            said = counts
        case "failing":
            said = f"{failing} of {rule.needed} failing looks so far"
        case "passing" if is_enough:
            said = f"the last look passed, but {counts}"
        case "passing" if failing:
            said = f"the last look passed, and {counts}"
        case _:
            said = "the last look passed"
    return f"{said}: {_values(latest)}"


def _values(look: Look) -> str:
    value = "no value" if look.measurement.value is None else _number(look.measurement.value)
    said = f"value {value}"
    return said if look.baseline is None else f"{said}, baseline {_number(look.baseline)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if _LARGE <= abs(value) < _LARGE**3 else f"{value:.4g}"
