"""A number in a JSON document, at a URL or in a file: exactly that number, or why there is none."""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.core.declaring.watch import JsonValue
from reconciler.policy.watching.looks import Measurement
from reconciler.transport.measurements.sources import MeasurementSources
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.registries.servers import Answer, proxy

_NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
Read = Callable[[object], Measurement]


def measured(
    root: Path,
    place: str = "metrics.json",
    value: str = "mae",
    *,
    samples: str | None = None,
    time: str | None = None,
    model: str = "m",
    version: int = 1,
) -> Measurement:
    source = JsonValue(place, value, samples, time)
    sources = MeasurementSources({}, root, FakeRegistry().logged_runs())
    return sources.measure(source, model=model, version=version, run_id=None, now=_NOW)


def _written(root: Path, content: object) -> Path:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (root / "metrics.json").write_bytes(text)
    return root


def _of(root: Path, content: object, value: str = "mae") -> Measurement:
    return measured(_written(root, content), value=value)


@pytest.mark.parametrize("is_file", [True, False])
def test_value_samples_and_time_are_read_by_their_keys(tmp_path: Path, is_file: bool) -> None:  # noqa: FBT001  a parameter
    document = {"a": {"b": [{"mae": 1}, {"mae": 0.5, "n": 40}]}, "at": "2026-01-31T11:59:30Z"}
    with proxy(before=lambda _: Answer(body=json.dumps(document).encode())) as server:
        one = measured(
            _written(tmp_path, document),
            "metrics.json" if is_file else f"{server.uri}/m",
            "a.b.1.mae",
            samples="a.b.1.n",
            time="at",
        )
    assert one == Measurement(0.5, 40, _NOW - timedelta(seconds=30))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (True, "a value that is true or false"),
        ("0.5", "a text"),
        ([0.5], "a list"),
        ({"a": 1}, "an object"),
    ],
)
def test_only_a_number_is_one(tmp_path: Path, value: object, why: str) -> None:
    assert _of(tmp_path, {"mae": value}) == Measurement(why=f"`mae` is {why}, not a number")


@pytest.mark.parametrize(
    ("document", "keys"),
    [
        ({}, "mae"),
        ({"mae": {}}, "mae.a"),
        ({"mae": [1]}, "mae.1"),
        ({"mae": [1]}, "mae.-1"),
        ({"mae": [1]}, "mae.²"),
        ({"mae": "abc"}, "mae.0"),
        ([], "mae"),
        (1, "mae"),
        ({"mae": [1]}, "mae." + "9" * 5_000),
    ],
)
def test_a_key_that_is_not_there_has_no_value(tmp_path: Path, document: object, keys: str) -> None:
    told = _of(tmp_path, document, keys)
    assert (told.value, str(told.why)[:12]) == (None, "there is no ")
    assert (told.why or "").startswith("there is no `")
    assert len(told.why or "") < 500


def test_null_is_no_value(tmp_path: Path) -> None:
    assert _of(tmp_path, {"mae": None}) == Measurement(why="`mae` is null")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"mae": 1, "mae": 2}', "is JSON with a key twice"),
        (b'{"mae": NaN}', "has `NaN`, which is not JSON"),
        (b'{"mae": -Infinity}', "has `-Infinity`, which is not JSON"),
        (b'{"mae": 1', "is not JSON"),
        (b"", "is not JSON"),
        (b'{"mae": ' + b"9" * 5_000 + b"}", "is not JSON"),
        (b'\xff\xfe{\x00"\x00', "is not UTF-8"),
        (b'{"\xe4": 1}', "is not UTF-8"),
        (b"[" * 100_000, "nests too deeply"),
        (b" " * (2**20 + 1), "has more than 1,048,576 bytes"),
    ],
)
def test_a_document_that_has_no_one_meaning_tells_nothing(
    tmp_path: Path, content: bytes, why: str
) -> None:
    assert _of(tmp_path, content) == Measurement(why=f"`metrics.json` {why}")


@pytest.mark.parametrize(
    ("number", "why"),
    [(b"9" * 400, "`mae` is too large a number"), (b"1e999", "the value is infinite")],
)
def test_a_number_that_is_too_large_is_said(tmp_path: Path, number: bytes, why: str) -> None:
    assert _of(tmp_path, b'{"mae": %s}' % number).why == why


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    assert _of(tmp_path, b'\xef\xbb\xbf{"mae": 2}').value == 2


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("2026-01-31T12:30:00+01:00", _NOW - timedelta(minutes=30)),
        ("2026-01-31T11:59:59.123456789Z", _NOW - timedelta(microseconds=876_544)),
        ("2026-01-31T11:59:59.5z", _NOW - timedelta(milliseconds=500)),
        (1_769_860_740, _NOW - timedelta(minutes=1)),
        (1_769_860_740.5, _NOW - timedelta(seconds=59.5)),
    ],
)
def test_a_time_is_iso_with_a_zone_or_seconds(
    tmp_path: Path, time: object, moment: datetime
) -> None:
    one = measured(_written(tmp_path, {"mae": 1, "at": time}), time="at")
    assert one == Measurement(1, time=moment)


@pytest.mark.parametrize(
    ("time", "why"),
    [
        ("2026-01-31T11:00:00", "its time has no zone"),
        ("2026-01-31", "its time has no zone"),
        ("yesterday", "its time is not in ISO 8601"),
        ("0001-01-01T00:00:00+23:00", "its time is not in ISO 8601"),
        (1_769_860_740_000, "are these milliseconds, not seconds?"),
        (-1, "its time is before 1970"),
        (10**400, "`at` is too large a number"),
        (True, "`at` is a value that is true or false"),
        (None, "`at` is null"),
        ("2026-01-31T14:00:00Z", "its time is 2 h ahead of this machine's clock"),
    ],
)
def test_a_value_of_no_certain_time_is_none(tmp_path: Path, time: object, why: str) -> None:
    one = measured(_written(tmp_path, {"mae": 1, "at": time}), time="at")
    assert one.value is None
    assert why in (one.why or "")


def test_samples_that_are_no_number_leave_the_value(tmp_path: Path) -> None:
    one = measured(_written(tmp_path, {"mae": 1, "n": "many"}), samples="n")
    assert one == Measurement(1, why="samples: `n` is a text, not a number")


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("fraud-detection_2.1", "fraud-detection_2.1"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("../../secret", "..%2F..%2Fsecret"),
        ("\x00\n", "%00%0A"),
        ("ü", "%C3%BC"),
    ],
)
def test_a_models_name_is_one_part_of_a_path(tmp_path: Path, model: str, file: str) -> None:
    root = tmp_path / "root"
    (root / "metrics").mkdir(parents=True)
    (tmp_path / "secret.json").write_text('{"mae": 666}')
    (root / "metrics" / f"{file}-v7.json").write_text('{"mae": 1}')
    place = "metrics/$model-v$version.json"
    assert measured(root, place, model=model, version=7).value == 1


@pytest.mark.parametrize("model", [".", ".."])
def test_a_name_of_dots_leads_nowhere(tmp_path: Path, model: str) -> None:
    (tmp_path / "root" / "metrics").mkdir(parents=True)
    (tmp_path / "metrics.json").write_text('{"mae": 666}')
    one = measured(tmp_path / "root", "$model/metrics.json", model=model)
    assert one == Measurement(why=f"`{model}/metrics.json` leads to another folder")
    with proxy() as server:
        assert measured(tmp_path, f"{server.uri}/a/$model/b", model=model).value is None
        assert server.requests == []


def test_a_link_is_followed_inside_of_the_repository_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "real.json").write_text('{"mae": 1}')
    (tmp_path / "secret.json").write_text('{"mae": 666}')
    (root / "inside.json").symlink_to("real.json")
    (root / "out.json").symlink_to(tmp_path / "secret.json")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop.json").symlink_to("loop.json")
    assert measured(root, "inside.json").value == 1
    for place in ("out.json", "folder/secret.json"):
        assert measured(root, place) == Measurement(why=f"`{place}` leads out of the repository")
    assert "cannot be read" in (measured(root, "loop.json").why or "")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert measured(tmp_path, "pipe") == Measurement(why="`pipe` is not a file")
    (tmp_path / "folder").mkdir()
    assert measured(tmp_path, "folder") == Measurement(why="`folder` is not a file")
    gone = Measurement(why="there is no file `gone.json`")
    assert measured(tmp_path, "gone.json") == gone
    assert "cannot be read" in (measured(tmp_path, "$model", model="m" * 300).why or "")
    assert "cannot be read" in (measured(tmp_path, "a\x00b").why or "")


def test_a_models_name_is_quoted_in_a_url(tmp_path: Path) -> None:
    with proxy(before=lambda _: Answer(body=b'{"mae": 1}')) as server:
        place = f"{server.uri}/$model/v$version?of=$model&x=$models"
        for model in ("a/../b", "a?b=c#d&e", "ü \n", "\ud800"):
            assert measured(tmp_path, place, model=model, version=7).value == 1
    assert [request.path for request in server.requests] == [
        f"/{quoted}/v7?of={quoted}&x=$models"
        for quoted in ("a%2F..%2Fb", "a%3Fb%3Dc%23d%26e", "%C3%BC%20%0A", "%3F")
    ]


@pytest.mark.parametrize("model", ["evil.example.com/", "a.b", "ann@evil", "-", "", "x:80"])
def test_a_models_name_chooses_no_other_host(tmp_path: Path, model: str) -> None:
    one = measured(tmp_path, "http://$model.localhost:1/metrics", model=model)
    assert one == Measurement(why="the model's name cannot be part of a host's name")


def test_only_prometheus_tells_of_the_past(tmp_path: Path) -> None:
    sources = MeasurementSources({}, _written(tmp_path, {"mae": 1}), FakeRegistry().logged_runs())
    source = JsonValue("metrics.json", "mae")
    one = sources.measure(source, model="m", version=1, run_id=None, now=_NOW, at=_NOW)
    assert one == Measurement(why="only Prometheus tells values of the past")
