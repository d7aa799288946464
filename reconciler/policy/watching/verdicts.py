"""The verdict of a rule from its last looks, and that of a model from its rules."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from reconciler.core.declaring.watch import WatchRule
from reconciler.core.durations import in_words
from reconciler.policy.watching.looks import Look, RuleVerdict, WatchVerdict
from reconciler.policy.watching.remembered import of_rule


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

    `looks` are the remembered ones, of any model, rule and version, and the one just made.
    """
    own = (look for look in of_rule(rule, looks, model) if look.version == version)
    since = min(since, now)
    spell = [look for look in own if since <= look.time <= now]
    last = tuple(counted(rule, spell)[-rule.window :])
    failing = sum(look.outcome == "failing" for look in last)
    verdict = _verdict(rule, last, failing)
    return RuleVerdict(rule.name, verdict, _why(rule, last, failing, spell, now), failing, last)


def counted(rule: WatchRule, looks: Iterable[Look]) -> list[Look]:
    """Return looks of one version, oldest first; of several at one measurement only the last."""
    latest = {_measured(rule, look): look for look in sorted(looks, key=_order)}
    return sorted(latest.values(), key=_order)


def model_verdict(verdicts: Collection[RuleVerdict]) -> WatchVerdict:
    """Return the verdict of a model: the worst of its rules'; without any nothing is said."""
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
    """Return what two looks at one measurement share; one that was too old is a look at none."""
    measured = look.measurement.time
    if measured is None or abs(look.time - measured) > rule.max_age:
        return False, look.time
    return True, measured


def _order(look: Look) -> tuple[datetime, int, str]:
    # Of two at one time that which says less counts as the later one.
    rank = ("failing", "passing", "unknown").index(look.outcome)
    return look.time, rank, repr(look)


def _why(
    rule: WatchRule, last: Sequence[Look], failing: int, spell: Sequence[Look], now: datetime
) -> str:
    if not last:
        return "there is no look yet"
    latest = last[-1]
    counts = f"{failing} of the last {len(last)} looks failed"
    match latest.outcome:
        case "failing" if failing >= rule.needed:
            return f"{counts}: {_values(latest)}"
        case "failing":
            return f"{failing} of {rule.needed} failing looks so far: {_values(latest)}"
        case "passing" if failing >= rule.needed:
            return f"the latest look passed, but {counts}: {_values(latest)}"
        case "passing":
            return f"{counts}: {_values(latest)}" if failing else f"passed: {_values(latest)}"
        case _:
            return _unknown(latest, spell, now)


def _unknown(latest: Look, spell: Sequence[Look], now: datetime) -> str:
    why = latest.why or "nothing can be said"
    usable = [look.time for look in spell if look.is_usable]
    if latest.is_usable or not usable:
        return why
    return f"no data for {in_words(max(now - max(usable), timedelta()), parts=2)}: {why}"


def _values(look: Look) -> str:
    value = look.measurement.value
    said = "no value" if value is None else f"value {value:.4g}"
    return said if look.baseline is None else f"{said}, baseline {look.baseline:.4g}"
