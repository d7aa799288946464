"""All measurements of a run: in parallel, within a time, and none left out at every look."""

import json
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from reconciler.api.watching.measuring import Measured, MeasuringTask, RuleKey, measured
from reconciler.api.watching.subjects import WatchSubject
from reconciler.core.declaring.watch import JsonValue, WatchRule
from reconciler.core.state import Declaration
from reconciler.transport.measurements.sources import MeasurementSources
from tests.support.registries.fake_registry import FakeRegistry

_NOON = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)


def _task(model: str, place: str) -> MeasuringTask:
    rule = WatchRule("errors", JsonValue(place, "value"), "value > 0.1")
    declaration = Declaration(model, {}, {})
    return MeasuringTask(WatchSubject(declaration, (rule,), 1, "reconciler.yaml"), rule)


def test_a_source_that_does_not_answer_leaves_no_other_out_at_every_look(tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text(json.dumps({"value": 0.5}))
    sources = MeasurementSources({}, tmp_path, FakeRegistry().logged_runs(), timeout=0.4)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        place = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        tasks = [_task(f"a-{number:02}", place) for number in range(24)]
        tasks += [_task(f"b-{number}", "known.json") for number in range(4)]

        def look(number: int) -> Mapping[RuleKey, Measured]:
            return measured(sources, tasks, _NOON + timedelta(minutes=5 * number), longest=0.6)

        looks = [look(number) for number in range(4)]
    for task in tasks[24:]:
        values = {found[task.key].measurement.value for found in looks}
        assert 0.5 in values, task.key
    told = {found[task.key].measurement.why for found in looks for task in tasks[:24]}
    assert f"not measured within {0.6:g} s of this run" in told
