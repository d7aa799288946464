"""What an access log says of loads, whatever wrote it: MLflow's requests, put together."""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.usage.access_log.reader import AccessLogReader
from reconciler.audit.usage.loads import SeenLoad
from tests.support.registries.access_log_formats import FORMATS, Line

_API = "/api/2.0/mlflow"
_ALIAS = Line(f"{_API}/registered-models/alias?name=m&alias=champion")
_STAGES = Line(f"{_API}/registered-models/get-latest-versions", "POST")
_MODEL = Line(f"{_API}/registered-models/get?name=m")
_DOWNLOAD = Line(f"{_API}/model-versions/get-download-uri?name=m&version=1")

# What MLflow 3.17 and 2.9 send, as logs of real servers have it.
BY_ALIAS = (_ALIAS, _MODEL, _DOWNLOAD)
BY_STAGE = (_STAGES, _MODEL, _DOWNLOAD)
BY_NUMBER = (_MODEL, _DOWNLOAD)
OLDER_BY_ALIAS = (_ALIAS, _DOWNLOAD)
OLDER_BY_STAGE = (_STAGES, _DOWNLOAD)


def read(lines: Iterable[Line | str], form: str = "gunicorn, nginx combined") -> list[SeenLoad]:
    write = FORMATS[form].write
    reader = AccessLogReader()
    reader.feed([(line if isinstance(line, str) else write(line)).encode() for line in lines])
    assert reader.is_log
    assert reader.unread == 0
    return list(reader.loads())


def counts(loads: Iterable[SeenLoad]) -> dict[tuple[str | None, str | None], tuple[int, int]]:
    return {(load.model, load.loads): (load.count, load.failed) for load in loads}


def spread(*requests: Sequence[Line]) -> list[Line]:
    """Return the requests, those of each load a minute after those of the one before."""
    return [line.later(60 * n) for n, lines in enumerate(requests) for line in lines]


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_tells_the_same(form: str) -> None:
    lines = spread(BY_ALIAS, BY_STAGE, BY_NUMBER, BY_NUMBER)
    loads = read(lines, form)
    assert counts(loads) == {("m", "@champion"): (1, 0), ("m", None): (1, 0), ("m", "1"): (2, 0)}
    what = FORMATS[form]
    assert {load.client for load in loads} == {_ALIAS.client}
    assert {load.agent for load in loads} == {_ALIAS.agent if what.has_agent else None}
    pin = next(load for load in loads if load.loads == "1")
    times = (_ALIAS.time + timedelta(minutes=2), _ALIAS.time + timedelta(minutes=3))
    assert (pin.first, pin.last) == (times if what.has_time else (None, None))


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (BY_ALIAS, {("m", "@champion"): (1, 0)}),
        (OLDER_BY_ALIAS, {("m", "@champion"): (1, 0)}),
        (BY_STAGE, {("m", None): (1, 0)}),
        (OLDER_BY_STAGE, {("m", None): (1, 0)}),
        (BY_NUMBER, {("m", "1"): (1, 0)}),
        ([_ALIAS], {("m", "@champion"): (1, 0)}),
        ([_STAGES], {(None, None): (1, 0)}),
        # `client.get_latest_versions` of MLflow 3 reads the model first.
        ([_MODEL, _STAGES], {("m", None): (1, 0)}),
        ([_MODEL, _STAGES, _MODEL, _DOWNLOAD], {("m", None): (1, 0)}),
        ([*BY_NUMBER, *OLDER_BY_STAGE], {("m", "1"): (1, 0), ("m", None): (1, 0)}),
        # A client that only looks at the alias, then loads by stage.
        ([_ALIAS, *BY_STAGE], {("m", "@champion"): (1, 0), ("m", None): (1, 0)}),
        # Two clients behind one address.
        ([_ALIAS, _ALIAS, _DOWNLOAD, _DOWNLOAD], {("m", "@champion"): (2, 0)}),
        ([_ALIAS, _DOWNLOAD, _DOWNLOAD], {("m", "@champion"): (1, 0), ("m", "1"): (1, 0)}),
        ([_MODEL], {}),
    ],
)
def test_the_requests_of_a_load_are_one_load(
    lines: Sequence[Line], seen: dict[tuple[str | None, str | None], tuple[int, int]]
) -> None:
    assert counts(read(lines)) == seen


def test_another_client_or_a_later_second_does_not_go_on_with_a_load() -> None:
    other = Line(_DOWNLOAD.target, client="10.0.3.8")
    pinned = {("m", "@champion"): (1, 0), ("m", "1"): (1, 0)}
    assert counts(read([_ALIAS, other])) == pinned
    assert counts(read([_ALIAS, _DOWNLOAD.later(60)])) == pinned
    assert counts(read([_ALIAS, _DOWNLOAD.later(2)])) == {("m", "@champion"): (1, 0)}
    assert counts(read([_ALIAS, Line(_DOWNLOAD.target.replace("=m", "=mx"))])) == {
        ("m", "@champion"): (1, 0),
        ("mx", "1"): (1, 0),
    }


def test_without_times_the_distance_in_the_log_decides() -> None:
    assert counts(read([_ALIAS, *[_MODEL] * 900, _DOWNLOAD], "uvicorn")) == {
        ("m", "@champion"): (1, 0),
        ("m", "1"): (1, 0),
    }


def test_a_connection_tells_clients_behind_one_address_apart() -> None:
    of_m, of_n = ("name=m", "name=n")
    stages = [Line(_STAGES.target, "POST", port=port) for port in (1, 2)]
    downloads = [
        Line(_DOWNLOAD.target.replace(of_m, name), port=port)
        for name, port in ((of_n, 2), (of_m, 3), (of_m, 1))
    ]
    loads = read([*stages, *downloads], "uvicorn")
    assert counts(loads) == {("n", None): (1, 0), ("m", None): (1, 0), ("m", "1"): (1, 0)}


def test_a_query_of_older_clients_names_model_and_stage() -> None:
    path = f"{_API}/registered-models/get-latest-versions?name=m"
    assert counts(read([Line(f"{path}&stages=production"), _DOWNLOAD])) == {
        ("m", "Production"): (1, 0)
    }
    both = [Line(f"{path}&stages=Staging&stages=Production"), _DOWNLOAD]
    assert counts(read(both)) == {("m", "Production"): (1, 0), ("m", "Staging"): (1, 0)}
    assert counts(read([Line(path), _DOWNLOAD])) == {("m", "latest"): (1, 0)}


@pytest.mark.parametrize(
    ("status", "seen"),
    [(200, (1, 0)), (204, (1, 0)), (304, (1, 0)), (302, None)]
    + [(status, (0, 1)) for status in (400, 401, 403, 404, 429, 499, 500, 503)],
)
def test_what_was_refused_is_a_load_that_failed(status: int, seen: tuple[int, int] | None) -> None:
    line = Line(_ALIAS.target.replace("champion", "gone"), status=status)
    assert counts(read([line])) == ({("m", "@gone"): seen} if seen else {})


def test_an_alias_whose_version_could_not_be_had_is_a_load_that_failed() -> None:
    refused = Line(_DOWNLOAD.target, status=404)
    assert counts(read([_ALIAS, refused, refused])) == {
        ("m", "@champion"): (0, 1),
        ("m", "1"): (0, 1),
    }


def test_a_client_that_envoy_lost_has_no_status() -> None:
    line = Line(_ALIAS.target, status=404)
    text = FORMATS["envoy"].write(line).replace(" 404 - ", " 0 DC ")
    assert counts(read([text])) == {("m", "@champion"): (0, 1)}


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow",
        "/mlflow/api/2.0/mlflow",
        "/a/b/api/2.0/mlflow",
        "/api/2.0/preview/mlflow",
        "https://mlflow.example.com/ml/api/2.0/mlflow",
    ],
)
def test_a_prefix_of_the_path_changes_nothing(path: str) -> None:
    lines = [Line(line.target.replace(_API, path), line.method) for line in BY_ALIAS]
    assert counts(read(lines)) == {("m", "@champion"): (1, 0)}


@pytest.mark.parametrize(
    "line",
    [
        Line("/ajax-api/2.0/mlflow/registered-models/alias?name=m&alias=champion"),
        Line("/mlflow/ajax-api/2.0/mlflow/model-versions/get-download-uri?name=m&version=1"),
        Line(f"{_API}/registered-models/alias", "POST"),
        Line(f"{_API}/registered-models/alias?name=m&alias=champion", "DELETE"),
        Line(f"{_API}/registered-models/alias?name=m&alias=champion", "HEAD"),
        Line(f"{_API}/registered-models/alias?name=m"),
        Line(f"{_API}/registered-models/alias?name=&alias=champion"),
        Line(f"{_API}/registered-models/search?filter=registered-models/alias"),
        Line(f"/login?next={_API}/registered-models/alias?name=m&alias=champion"),
        Line(f"/x{_API}x/registered-models/alias?name=m&alias=champion"),
        Line(f"{_API}/registered-models/alias?name={'m' * 257}&alias=champion"),
        Line(f"{_API}/registered-models/alias?{'&'.join(f'a{n}=' for n in range(99))}&name=m"),
        Line(_ALIAS.target, agent="mlflow-reconciler"),
    ],
)
def test_a_browser_a_write_and_our_own_requests_are_no_loads(line: Line) -> None:
    assert read([line]) == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("fraud+d%C3%A9tect%2B", "fraud détect+"),
        ("fraud%20d%c3%a9tect", "fraud détect"),
        ("%E3%83%A2%E3%83%87%E3%83%AB", "モデル"),
        ("fraud d\\xC3\\xA9tect".replace(" ", "+"), "fraud détect"),
        ("a%26b%3Dc", "a&b=c"),
        ("a%2Fb", "a/b"),
        ("%FF%00", "\ufffd\x00"),
        ("%zz%", "%zz%"),
        ("a;b", "a;b"),
    ],
)
def test_names_are_decoded(written: str, name: str) -> None:
    line = Line(f"{_API}/registered-models/alias?name={written}&alias={written}")
    assert counts(read([line])) == {(name, f"@{name}"): (1, 0)}


def test_a_version_is_the_number_that_it_means() -> None:
    lines = [Line(f"{_DOWNLOAD.target[:-1]}{text}") for text in ("7", "07", "+7", "%207")]
    assert counts(read(lines)) == {("m", "7"): (4, 0)}


@pytest.mark.parametrize(
    ("line", "client"),
    [
        ('10.0.0.1 - ann [{t}] "{r}" 200 419 "-" "a"', "ann"),
        ('10.0.0.1 - ann lee [{t}] "{r}" 200 419 "-" "a"', "ann lee"),
        ('10.0.0.1 ident ann [{t}] "{r}" 200 419', "ann"),
        ('10.0.0.1 - - [{t}] "{r}" 200 419 "-" "a" "10.9.9.9, 10.8.8.8"', "10.9.9.9"),
        ('10.0.0.1 - - [{t}] "{r}" 200 419 "-" "a" "10.9.9.9:8080"', "10.9.9.9"),
        ('10.0.0.1 - - [{t}] "{r}" 200 419 "-" "a" "unknown, 10.8.8.8"', "10.0.0.1"),
        ('10.0.0.1 - - [{t}] "{r}" 200 419 "-" "a" "<b>"', "10.0.0.1"),
        ('10.0.0.1 - - [{t}] "{r}" 200 419 "-" "a" "-"', "10.0.0.1"),
        ('2001:db8::7 - - [{t}] "{r}" 200 419 "-" "a"', "2001:db8::7"),
        ('mlflow.example.com:443 10.0.0.1 - - [{t}] "{r}" 200 419 "-" "a"', "10.0.0.1"),
        (' - - [{t}] "{r}" 200 419 "-" "a"', "-"),
        ('INFO:     2001:db8::7:51234 - "{r}" 200 OK', "2001:db8::7"),
        ('INFO:     10.0.0.1:0 - "{r}" 200 OK', "10.0.0.1"),
        ('INFO:      - "{r}" 200 OK', "-"),
        ('[2026-11-29T19:22:08.310Z] "{r}" 200 - 0 4 5 4 "-" "a" "i" "h" "u"', "-"),
        ('[2026-11-29T19:22:08.310Z] "{r}" 200 -', "-"),
    ],
)
def test_a_client_is_its_user_or_the_address_that_the_log_knows_best(
    line: str, client: str
) -> None:
    text = line.replace("{t}", _ALIAS.common_time).replace("{r}", _ALIAS.request)
    assert [load.client for load in read([text])] == [client]


def test_each_agent_of_a_client_has_its_own_row() -> None:
    older = Line(_ALIAS.target, agent="mlflow-python-client/2.9.2")
    assert [(load.agent, load.count) for load in read([_ALIAS, older, _ALIAS])] == [
        ("mlflow-python-client/2.9.2", 1),
        ("mlflow-python-client/3.17.2", 2),
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("29/Nov/2026:20:22:08 +0100", "2026-11-29T19:22:08+00:00"),
        ("29/Nov/2026:13:52:08 -0530", "2026-11-29T19:22:08+00:00"),
        ("31/Feb/2026:19:22:08 +0000", None),
        ("29/Foo/2026:19:22:08 +0000", None),
        ("01/Jan/0001:00:00:00 +2300", None),
        ("29/Nov/2026:19:22:60 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_time_is_in_utc_or_none(written: str, meant: str | None) -> None:
    text = FORMATS["common"].write(_ALIAS).replace(_ALIAS.common_time, written)
    (load,) = read([text])
    assert (load.first and load.first.isoformat()) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"2026-11-29T19:22:08Z"', "2026-11-29T19:22:08+00:00"),
        ('"2026-11-29 20:22:08,310+0100"', "2026-11-29T19:22:08+00:00"),
        ('"2026/11/29 19:22:08"', "2026-11-29T19:22:08+00:00"),
        ("1796066528.31", "2026-11-30T19:22:08+00:00"),
        ("1796066528", "2026-11-30T19:22:08+00:00"),
        ("1796066528310", "2026-11-30T19:22:08+00:00"),
        ("1796066528310.25", "2026-11-30T19:22:08+00:00"),
        ("99999999999", "5138-11-16T09:46:39+00:00"),
        ("-5", None),
        ("NaN", None),
        ("1e999", None),
        ("true", None),
        ("[]", None),
    ],
)
def test_the_times_of_json_have_many_forms(written: str, meant: str | None) -> None:
    line = f'{{"time": {written}, "method": "GET", "path": "{_ALIAS.target}", "status": 200}}'
    (load,) = read([line])
    assert (load.first and load.first.isoformat()) == meant


# What a client can put into a line: its user, agent, referer, and all that follows `GET `.
_FORGED = f"GET {_ALIAS.target} HTTP/1.1"


@pytest.mark.parametrize(
    "line",
    [
        Line("/x", agent=f'\\" 200 1 \\"{_FORGED}\\" 200 419 \\"-\\" \\"evil'),
        Line("/x", agent=f"\\x22 200 1 \\x22{_FORGED}\\x22 200 419"),
        Line("/x", user=f'e [29/Nov/2026:19:22:08 +0000] \\"{_FORGED}\\" 200 1 \\"-\\"'),
        Line(f"/x?registered-models/{_FORGED.replace(' ', '%20')}"),
    ],
)
def test_a_client_cannot_write_a_line_of_its_own_into_another(line: Line) -> None:
    assert read([line]) == []


def test_a_client_cannot_write_an_address_of_its_own_behind_its_agent() -> None:
    line = Line(_ALIAS.target, agent='a\\" \\"10.66.66.66')
    (load,) = read([line], "nginx main")
    assert (load.client, load.agent) == (_ALIAS.client, "a\\x22 \\x2210.66.66.66")


_BYTES = _ALIAS.target.encode()
_COMMON_START = b'10.0.0.1 - - [29/Nov/2026:19:22:08 +0000] "GET '


@pytest.mark.parametrize(
    "line",
    [
        _COMMON_START + _BYTES,
        _COMMON_START + _BYTES + b" HTTP/1.1",
        _COMMON_START + _BYTES + b' HTTP/1.1" -',
        _COMMON_START + _BYTES + b' HTTP/1.1" 2000000000000000000000',
        _COMMON_START + b"\0" * 50_000 + _BYTES,
        b'"GET ' * 10_000 + _BYTES,
        b" - " * 20_000 + b'[x] "GET ' + _BYTES,
        b'{"request": ' * 5_000 + _BYTES + b"}" * 5_000,
        b'{"path": "' + _BYTES + b'", "status": ' + b"9" * 20_000 + b"}",
        b'{"path": ["' + _BYTES + b'"], "status": [[[]]], "method": null}',
        b'[{"path": "' + _BYTES + b'"}]',
        b'{"path": "' + _BYTES + b'"',
        b"\xff\xfe" + _ALIAS.request.encode("utf-16-le"),
        b"Exception on " + _BYTES + b" [GET]",
    ],
)
def test_a_broken_line_is_no_load_and_costs_little(line: bytes) -> None:
    reader = AccessLogReader()
    begin = time.process_time()
    reader.feed([line])
    assert time.process_time() - begin < 1
    assert reader.loads() == ()
    assert not reader.is_log


@pytest.mark.parametrize("text", [b'"\\"' * 16_000, b'"' * 60_000, b' "' * 30_000, b"\\" * 60_000])
def test_what_follows_the_status_costs_little_however_it_is_quoted(text: bytes) -> None:
    reader = AccessLogReader()
    begin = time.process_time()
    reader.feed([_COMMON_START + _BYTES + b' HTTP/1.1" 200 1 ' + text])
    assert time.process_time() - begin < 1
    assert counts(reader.loads()) == {("m", "@champion"): (1, 0)}


def test_bytes_that_are_no_text_and_ends_of_windows_change_nothing() -> None:
    line = FORMATS["gunicorn, nginx combined"].write(_ALIAS).encode()
    reader = AccessLogReader()
    reader.feed([line + b"\r", line.replace(b"mlflow-python", b"\xff\0\x1b[2J") + b"\r"])
    agents = ["mlflow-python-client/3.17.2", "\ufffd\0\x1b[2J-client/3.17.2"]
    assert sorted(load.agent or "" for load in reader.loads()) == sorted(agents)


def test_a_form_that_is_not_known_is_told_with_its_line() -> None:
    reader = AccessLogReader()
    known = FORMATS["common"].write(_MODEL)
    odd = f"GET {_ALIAS.target} HTTP/1.1 from 10.0.0.1: 200"
    reader.feed(line.encode() for line in (known, odd, known, odd))
    assert (reader.unread, reader.first_unread, reader.lines) == (2, 2, 4)


def test_the_rows_and_what_is_open_are_bounded() -> None:
    reader = AccessLogReader()
    write = FORMATS["gunicorn, nginx combined"].write
    reader.feed(
        write(Line(f"{_ALIAS.target}{n}", client=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")).encode()
        for n in range(50_010)
    )
    assert len(reader.loads()) == 50_000
    assert reader.left_out == 10


def test_the_text_of_the_rows_is_bounded() -> None:
    reader = AccessLogReader()
    write = FORMATS["gunicorn, nginx combined"].write
    target = f"{_API}/registered-models/alias?name={'n' * 250}"
    long = "a" * 200
    reader.feed(
        write(Line(f"{target}{n}&alias={'b' * 250}{n}", agent=long, user=f"{long[6:]}{n}")).encode()
        for n in range(11_000)
    )
    loads = reader.loads()
    size = sum(len(f"{row.model}{row.loads}{row.client}{row.agent}") for row in loads)
    assert 9_000_000 < size <= 10_000_000
    assert len(loads) + reader.left_out == 11_000


def test_a_client_that_only_looks_at_an_alias_is_read_in_linear_time() -> None:
    begin = time.process_time()
    loads = read([_ALIAS] * 20_000)
    assert counts(loads) == {("m", "@champion"): (20_000, 0)}
    assert time.process_time() - begin < 4


@given(st.lists(st.sampled_from([_ALIAS, _STAGES, _MODEL, _DOWNLOAD]), max_size=12))
def test_no_request_is_lost_or_counted_twice(lines: list[Line]) -> None:
    seen = sum(load.count for load in read([_MODEL, *lines]))
    resolved = sum(line in {_ALIAS, _STAGES} for line in lines)
    downloads = lines.count(_DOWNLOAD)
    assert max(resolved, downloads) <= seen <= resolved + downloads


@given(st.binary(max_size=300), st.sampled_from(sorted(FORMATS)), st.integers(0, 400))
def test_no_bytes_stop_the_reader(noise: bytes, form: str, place: int) -> None:
    line = FORMATS[form].write(_ALIAS).encode()
    reader = AccessLogReader()
    reader.feed([noise, line[:place] + noise + line[place:], line])
    assert sum(load.count + load.failed for load in reader.loads()) >= 1
