"""Asks a Prometheus server for one number, by its instant queries."""

from datetime import datetime
from http import HTTPStatus
from typing import Final, NamedTuple

from reconciler.core.declaring.watch import PrometheusQuery
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.policy.watching.looks import Measurement
from reconciler.transport.measurements.exchange import Exchange, ServerAnswer
from reconciler.transport.measurements.json_text import parse_json
from reconciler.transport.measurements.moments import of_seconds
from reconciler.transport.measurements.unmeasured import Unmeasured, one_line
from reconciler.transport.measurements.watched_version import WatchedVersion

_AGGREGATE: Final = "aggregate them to one, like `sum(…)`"
_NOT_NUMBERS: Final = {
    "matrix": ("a range of values", "aggregate it over time, like `rate(…)` or `avg_over_time(…)`"),
    "string": ("a text", "write a query whose result is a number"),
}


class _Sample(NamedTuple):
    value: float
    seconds: float  # since 1970


def ask_prometheus(
    source: PrometheusQuery, watched: WatchedVersion, exchange: Exchange, at: datetime | None
) -> Measurement:
    """Return the value of a query, `at` a moment or now, and of how many samples it is made."""
    asking = _Asking(source, exchange)
    seconds = None if at is None else at.timestamp()
    value = asking.sample("query", watched.in_query(source.query), seconds)
    samples, why = None, None
    if source.samples is not None:
        try:
            # At the moment of the first one: the two numbers belong together.
            query = watched.in_query(source.samples)
            samples = asking.sample("samples", query, value.seconds).value
        except Unmeasured as error:
            why = f"samples: {error.why}"
    return Measurement(value.value, samples, of_seconds(value.seconds), why)


class _Asking:
    def __init__(self, source: PrometheusQuery, exchange: Exchange) -> None:
        base, mark, parameters = source.url.partition("?")
        self._url = f"{base.rstrip('/')}/api/v1/query{mark}{parameters}"
        self._exchange = exchange
        self._token = exchange.token(source.token)

    def sample(self, key: str, query: str, seconds: float | None) -> _Sample:
        """Return the one sample of a query, which is the value of `key` in the file."""
        form = {"query": query.encode("utf-8", "replace").decode()}
        if seconds is not None:
            form["time"] = f"{seconds:.3f}"
        answer = self._exchange.ask(self._url, self._token, form)
        document = self._document(answer)
        match document:
            case {"status": "success", "data": {"resultType": str(kind), "result": result}}:
                return _one_sample(key, kind, result)
            case {"status": "error", "errorType": str(kind), "error": str(error)}:
                said = self._token.hidden_in(error) if self._token else error
                if kind == "bad_data" and answer.status == HTTPStatus.BAD_REQUEST:
                    raise _mistake(
                        f"Prometheus refuses `{key}`: {one_line(said)}", "correct the query"
                    )
                raise Unmeasured(f"{answer.where} answered {answer.status}: {said}")
            case _:
                raise Unmeasured(f"{answer.where} does not answer as Prometheus does")

    def _document(self, answer: ServerAnswer) -> object:
        try:
            return parse_json(answer.body, answer.where)
        except Unmeasured:
            if answer.status == HTTPStatus.OK:
                raise
        raise Unmeasured(f"{answer.where} answered {answer.status}")


def _one_sample(key: str, kind: str, result: object) -> _Sample:
    if kind in _NOT_NUMBERS:
        what, hint = _NOT_NUMBERS[kind]
        raise _mistake(f"the result of `{key}` is {what}, not one number", hint)
    match kind, result:
        case "scalar", [seconds, text]:
            return _sample(key, seconds, text)
        case "vector", [{"value": [seconds, text]}]:
            return _sample(key, seconds, text)
        case "vector", [{"histogram": _}]:
            raise Unmeasured(f"the result of `{key}` is a histogram, not one number")
        case "vector", []:
            raise Unmeasured(f"the result of `{key}` is empty")
        case "vector", [*several] if len(several) > 1:
            raise Unmeasured(f"the result of `{key}` is {len(several)} series: {_AGGREGATE}")
    raise Unmeasured(f"the result of `{key}` is nothing that Prometheus answers")


def _sample(key: str, seconds: object, text: object) -> _Sample:
    if isinstance(seconds, (int, float)) and isinstance(text, str):
        try:
            return _Sample(float(text), float(seconds))  # also "NaN" and "+Inf"
        except (ValueError, OverflowError):
            pass
    raise Unmeasured(f"the result of `{key}` is nothing that Prometheus answers")


def _mistake(message: str, hint: str) -> DeclarationError:
    return DeclarationError([Problem(message, ExitCode.DECLARATION, hint=hint)])
