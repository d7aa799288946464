"""What is watched of a version that serves: where a value comes from, and when it fails."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

WatchMode: TypeAlias = Literal["propose", "observe"]


@dataclass(frozen=True, slots=True)
class PrometheusQuery:
    """An instant query of a Prometheus server, whose result is one number.

    `url` is the server's, `samples` a second query for how many samples the value is made of.
    `$model` and `$version` in a query are the model's name and the number of the version that
    serves. `token` is the environment variable with a bearer token.
    """

    url: str
    query: str
    samples: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A number in a JSON document, at a URL or in a file below the repository's root.

    `value`, `samples` and `time` are keys separated by dots; `time` holds an ISO 8601 time or
    seconds since 1970. `$model` and `$version` in `place` are as in `PrometheusQuery`, and so is
    `token`.
    """

    place: str
    value: str
    samples: str | None = None
    time: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class RunMetric:
    """The last value of a metric of an MLflow run; `samples` is another metric of the same run.

    The run is the version's own, or with `experiment` the newest of that experiment whose tags
    `model` and `version` name the version.
    """

    metric: str
    samples: str | None = None
    experiment: str | None = None


WatchSource: TypeAlias = PrometheusQuery | JsonValue | RunMetric


@dataclass(frozen=True, slots=True)
class WatchRule:
    """One rule of `watch:`; two are equal when they mean the same, whatever their lines.

    `fail` is a condition in CEL over `value`, `baseline` and `samples`. A version fails when it is
    true in `needed` of the last `window` looks. Looks within `grace` after the version began to
    serve do not count. `cooldown` is the least time between two proposals for a model, `max_age`
    the greatest age of a measurement. `min_samples` needs a source that tells them. `baseline` is
    the length of the incumbent's window, which ends when the version begins to serve. `models` are
    globs for model names, of a rule in the settings.
    """

    name: str
    source: WatchSource
    fail: str
    models: tuple[str, ...] = ("*",)
    needed: int = 3
    window: int = 5
    grace: timedelta = timedelta(minutes=15)
    cooldown: timedelta = timedelta(hours=24)
    max_age: timedelta = timedelta(hours=1)
    min_samples: int | None = None
    baseline: timedelta = timedelta(hours=24)
    mode: WatchMode = "propose"
    line: int | None = field(default=None, compare=False)


def covers(rule: WatchRule, model: str) -> bool:
    """Return whether a rule of the settings is one of a model."""
    return any(glob == model or fnmatchcase(model, glob) for glob in rule.models)


def rules_of(
    model: str, settings: Iterable[WatchRule], own: Iterable[WatchRule]
) -> tuple[WatchRule, ...]:
    """Return the rules of a model by name: those of the settings that cover it, and its own.

    A rule of the model replaces one of the settings with the same name.
    """
    covering = [rule for rule in settings if covers(rule, model)]
    rules = {rule.name: rule for rule in (*covering, *own)}
    return tuple(rules[name] for name in sorted(rules))
