"""SIGINT and SIGTERM to a real process: all is said within 5 s, and the next run does the rest."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.registries.lab import Lab
from tests.support.registries.servers import Answer, Proxy, Request, proxy

_SIX = """\
versions:
  1:
    stage: Production
    aliases: [champion]
    tags: {a: "1", b: "2", c: "3", d: "4"}
"""
_LONGEST = 5.0  # seconds from the signal to the end
_SIGNALS = [signal.SIGINT, signal.SIGTERM]


@contextmanager
def _slow(lab: Lab, *, method: str, number: int, seconds: float) -> Iterator[tuple[Proxy, Any]]:
    """Run a proxy that is slow with every request of a method, and an event for the nth."""
    arrived, hold = threading.Event(), threading.Event()
    count = iter(range(1, 10_000))

    def before(request: Request) -> Answer | None:
        if request.method == method and request.path != "/version":
            if next(count) == number:
                arrived.set()
            hold.wait(seconds)
        return None

    with proxy(lab.uri, before=before) as server:
        yield server, arrived
        hold.set()


def _interrupted(
    lab: Lab, number: int, *, method: str, at: int, slow: float
) -> tuple[int, dict[str, Any], str, Proxy]:
    """Apply as a process, send it a signal at a request, and return how it ended."""
    with _slow(lab, method=method, number=at, seconds=slow) as (server, arrived):
        uri = {"MLFLOW_TRACKING_URI": server.uri}
        with lab.started("apply", "--yes", "--format", "json", env=uri) as process:
            assert arrived.wait(60), "the request never came"
            begun = time.monotonic()
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=60)
            took = time.monotonic() - begun
    assert took < _LONGEST
    assert "Traceback" not in stderr
    return process.returncode, json.loads(stdout), stderr, server


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_signal_in_the_middle_ends_in_a_complete_report_and_the_next_run_does_the_rest(
    lab: Lab, number: int
) -> None:
    model = lab.model(1)
    commit = lab.declare(model, _SIX)

    # The record, the owner, and then the changes: the fourth write is the second change.
    code, document, _, server = _interrupted(lab, number, method="POST", at=4, slow=0.4)
    assert code == 7
    assert document["exit"] == {"code": 7, "reason": "partly applied"}
    outcomes = [row["outcome"] for row in document["changes"]]
    assert len(outcomes) == 6
    assert outcomes.count("applied") == 2
    assert outcomes.count("skipped") == 4
    assert document["summary"]["applied"] == 2
    assert document["summary"]["skipped"] == 4
    assert len(server.writes) == 4, "no new request started"
    assert lab.hand.recorded(model) == f"- {commit}", "the record says that it is not finished"

    rest = lab.run("apply", "--yes", "--format", "json")
    assert rest.code == 0
    assert rest.document["summary"]["applied"] == 4
    assert lab.hand.recorded(model) == commit
    assert lab.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_request_that_hangs_does_not_keep_the_process_alive(lab: Lab, number: int) -> None:
    model = lab.model(1)
    lab.declare(model, _SIX)
    code, document, _, _ = _interrupted(lab, number, method="POST", at=1, slow=60)
    assert code == 128 + number
    assert document["exit"]["code"] == code
    assert {row["outcome"] for row in document["changes"]} <= {"failed", "skipped"}


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_signal_before_anything_is_written_says_so(lab: Lab, number: int) -> None:
    model = lab.model(1)
    lab.declare(model, _SIX)
    code, document, stderr, server = _interrupted(lab, number, method="GET", at=1, slow=20)
    assert code == 128 + number
    assert document["exit"]["code"] == code
    assert document["errors"][0]["message"] == "interrupted"
    assert "interrupted" in stderr
    assert server.writes == []
    assert lab.hand.holds(model) == {"v1 stage": "None"}
