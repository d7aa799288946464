"""Answer a request with one version, and measure the answer."""

from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from fastapi import Response
from loading import Version
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from prometheus_client import Counter, Gauge, Histogram

INVOKE: Any = (
    scoring_server.invocations
)  # the whole of `mlflow models serve`: its forms, its errors
LABELS = ("model", "version", "role")  # champion, treatment or shadow
REQUESTS = Counter("model_requests", "Answers of a version", LABELS)
ERRORS = Counter("model_errors", "Those that are not a prediction", LABELS)
LATENCY = Histogram("model_latency_seconds", "The time that an answer took", LABELS)
PREDICTIONS = Counter("model_predictions", "Numbers that were predicted", LABELS)
PREDICTED = Gauge("model_prediction_sum", "Their sum: divided by their number, the mean", LABELS)


def answer(model: str, version: Version, role: str, body: bytes, kind: str) -> Response:
    """Answer with MLflow's own parser, and measure the answer."""
    labels, numbers = (model, version.number, role), np.empty(0)

    def predict(data: object, params: dict[str, object] | None = None) -> object:
        nonlocal numbers
        prediction = version.model.predict(data, params=params)
        numbers = numbers_of(prediction)
        return prediction

    watched = SimpleNamespace(metadata=version.model.metadata, predict=predict)
    with LATENCY.labels(*labels).time():
        try:
            text, status, media = INVOKE(body, kind, watched, version.inputs)
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the model raises
            text, status, media = *_as_mlflow_tells(error), None
    REQUESTS.labels(*labels).inc()
    ERRORS.labels(*labels).inc(status != HTTPStatus.OK)
    PREDICTIONS.labels(*labels).inc(numbers.size)
    PREDICTED.labels(*labels).inc(numbers.sum())
    headers = {"X-Model-Name": quote(model), "X-Model-Version": version.number}
    return Response(text, status, headers, media or "application/json")


def _as_mlflow_tells(error: BaseException) -> tuple[str, int]:
    known: Any = error if isinstance(error, MlflowException) else MlflowException(repr(error))
    return known.serialize_as_json(), known.get_http_status_code()


def numbers_of(prediction: object) -> npt.NDArray[np.float64]:
    """Return the numbers of a prediction, none where it has other things."""
    try:
        numbers: npt.NDArray[np.float64] = np.asarray(prediction, dtype=float)
    except (TypeError, ValueError):
        return np.empty(0)
    return numbers[np.isfinite(numbers)]
