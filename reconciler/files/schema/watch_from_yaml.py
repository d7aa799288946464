"""Reads the entries of `watch:`, and checks rules that concern several entries."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain, repeat

from typing_extensions import assert_never

from reconciler.core.declaring.watch import (
    JsonValue,
    PrometheusQuery,
    RunMetric,
    WatchRule,
    WatchSource,
)
from reconciler.core.durations import in_words, parse_duration
from reconciler.files.messages import Complaint
from reconciler.files.schema.name_rules import quoted
from reconciler.files.schema.watch_schema import (
    FolderWatchEntry,
    SourceEntry,
    WatchEntry,
    parse_counts,
)

_DEFAULT = WatchRule("default", RunMetric("none"), "false")


def watch_rules(
    entries: Sequence[WatchEntry | FolderWatchEntry], lines: Sequence[int] = ()
) -> tuple[WatchRule, ...]:
    """Return the rules of a file, each with the line of its entry where it is known."""
    return tuple(
        _rule(entry, line) for entry, line in zip(entries, chain(lines, repeat(None)), strict=False)
    )


def rules_once(entries: Sequence[WatchEntry | FolderWatchEntry]) -> Iterator[Complaint]:
    """Report two rules of one file with the same name."""
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if first.setdefault(entry["name"], index) != index:
            yield Complaint(
                ("watch", index, "name"),
                f"there are two rules {quoted(entry['name'])} in `watch`",
                "what was seen is kept by name: rename one",
            )


def watch_content(rules: Sequence[WatchRule]) -> list[dict[str, object]]:
    """Return rules as the content of a file, without what is the default."""
    return [_content(rule) for rule in rules]


def _rule(entry: WatchEntry | FolderWatchEntry, line: int | None) -> WatchRule:
    needed, window = _DEFAULT.needed, _DEFAULT.window
    if "for" in entry:
        needed, window = parse_counts(entry["for"])
    return WatchRule(
        name=entry["name"],
        source=_source(entry["source"]),
        fail=entry["fail"],
        models=tuple(entry.get("models", _DEFAULT.models)),  # type: ignore[arg-type]  # of one of them
        needed=needed,
        window=window,
        grace=_time(entry.get("grace"), _DEFAULT.grace),
        cooldown=_time(entry.get("cooldown"), _DEFAULT.cooldown),
        max_age=_time(entry.get("max_age"), _DEFAULT.max_age),
        min_samples=entry.get("min_samples"),
        baseline=_time(entry.get("baseline"), _DEFAULT.baseline),
        mode=entry.get("mode", _DEFAULT.mode),
        line=line,
    )


def _time(text: str | None, default: timedelta) -> timedelta:
    return default if text is None else parse_duration(text)


def _source(entry: SourceEntry) -> WatchSource:
    """Return the source of an entry, which has exactly one of the three keys."""
    samples, token = entry.get("samples"), entry.get("token")
    match entry:
        case {"prometheus": url, "query": query}:
            return PrometheusQuery(url, query, samples, token)
        case {"json": place, "value": value}:
            return JsonValue(place, value, samples, entry.get("time"), token)
        case _:
            return RunMetric(entry["metric"], samples, entry.get("experiment"))


def _content(rule: WatchRule) -> dict[str, object]:
    counts = (rule.needed, rule.window)
    changed = {
        "models": list(rule.models) if rule.models != _DEFAULT.models else None,
        "for": f"{rule.needed} of {rule.window}"
        if counts != (_DEFAULT.needed, _DEFAULT.window)
        else None,
        "min_samples": rule.min_samples,
        "mode": rule.mode if rule.mode != _DEFAULT.mode else None,
    }
    for key in ("grace", "cooldown", "max_age", "baseline"):
        if getattr(rule, key) != getattr(_DEFAULT, key):
            changed[key] = in_words(getattr(rule, key)).replace(" ", "")
    said = {key: value for key, value in changed.items() if value is not None}
    return {"name": rule.name, "source": _source_content(rule.source), "fail": rule.fail, **said}


def _source_content(source: WatchSource) -> dict[str, str]:
    match source:
        case PrometheusQuery():
            values = {"prometheus": source.url, "query": source.query, "token": source.token}
        case JsonValue():
            values = {"json": source.place, "value": source.value, "time": source.time}
            values |= {"token": source.token}
        case RunMetric():
            values = {"metric": source.metric, "experiment": source.experiment}
        case _:
            assert_never(source)
    values["samples"] = source.samples
    return {key: value for key, value in values.items() if value is not None}
