"""Serve the version of an MLflow model that git declares, and follow each change of it.

A client of `mlflow models serve` needs no change. README.md explains the settings; following.py
finds and loads what answers here.
"""

import os
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from answering import answer
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from following import Follower
from loading import FILES
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from traffic import route

# MLflow would try for minutes; here the next look tries again.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

try:
    follower = Follower.from_environ(os.environ)
except ValueError as error:
    sys.exit(f"serving: {error}")  # one line instead of a traceback
MODEL = follower.model

DROPPED = Counter("model_shadow_dropped", "Requests that the shadow had no time for", ["model"])
copies: queue.Queue[Callable[[], object]] = queue.Queue(maxsize=100)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Follow and shadow while the process serves."""
    stop = threading.Event()
    threading.Thread(target=follower.run, args=(stop,), daemon=True).start()
    threading.Thread(target=shadow_copies, daemon=True).start()
    yield
    stop.set()
    FILES.cleanup()  # uvicorn ends by the signal that it got, and then Python cleans up nothing


app = FastAPI(title=MODEL, lifespan=lifespan)


@app.post("/invocations")
async def predict(request: Request) -> Response:
    """Answer with one of the versions that serve, as `mlflow models serve` does."""
    serving = follower.serving  # a request keeps what it began with, whatever is swapped meanwhile
    if serving is None:
        return JSONResponse({"message": "no version is loaded yet"}, 503)
    body, kind = await request.body(), request.headers.get("content-type", "application/json")
    number = route(request.headers.get("x-routing-key"), serving.shares)
    role = "champion" if number == serving.champion.number else "treatment"
    response = await run_in_threadpool(answer, MODEL, serving.versions[number], role, body, kind)
    if (shadow := follower.shadow) and shadow.number not in serving.versions:
        try:
            copies.put_nowait(partial(answer, MODEL, shadow, "shadow", body, kind))
        except queue.Full:
            DROPPED.labels(MODEL).inc()
    return response


def shadow_copies() -> None:
    """Answer copies of requests with the candidate, one after another, and only measure it."""
    while True:
        copies.get()()  # no name: it would keep the last version that was a candidate


@app.get("/healthz")
async def healthz() -> Response:
    """Tell that the process lives."""
    return Response("ok\n")


@app.get("/readyz")
async def readyz() -> Response:
    """Tell whether something serves: a newer version that cannot be loaded changes nothing."""
    serving, why = follower.serving, follower.behind.get("champion")
    found = {"model": MODEL, "version": serving and serving.champion.number, "behind": why}
    return JSONResponse(found, 200 if serving else 503)


@app.get("/readyz/candidate")
async def candidate() -> Response:
    """Tell whether the candidate is loaded as it is declared."""
    shadow, why = follower.shadow, follower.behind.get("shadow")
    found = {"model": MODEL, "version": shadow and shadow.number, "behind": why}
    return JSONResponse(found, 200 if shadow and not why else 503)


@app.get("/metrics")
async def metrics() -> Response:
    """Tell Prometheus what was measured."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
