"""MLflow over HTTP: what every kind of answer means, and that each write is sent once."""

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from reconciler.errors import (
    AnswerLost,
    Conflict,
    Forbidden,
    NotFound,
    RegistryError,
    Rejected,
    Unavailable,
)
from reconciler.ports.registry import Capabilities
from reconciler.registries.rest import MlflowRest
from tests.support.registries.servers import Answer, MlflowSeeds, Proxy, Request, proxy

_LOGIN = b"<!doctype html><title>Log in</title>"


def _said(code: str, message: str) -> bytes:
    return json.dumps({"error_code": code, "message": message}).encode()


def _registry(uri: str) -> MlflowRest:
    return MlflowRest(uri, environ={}, retry_for=5)


@pytest.mark.parametrize(
    ("status", "body", "expected", "told"),
    [
        (404, _said("RESOURCE_DOES_NOT_EXIST", "no such model"), NotFound, "no such model"),
        (404, b"<title>404 Not Found</title>", Rejected, "does not know this endpoint"),
        (404, _said("ENDPOINT_NOT_FOUND", "?"), Rejected, "does not know this endpoint"),
        (405, b"<title>405</title>", Rejected, "does not know this endpoint"),
        (401, b"You are not authenticated.", Forbidden, "You are not authenticated."),
        (403, b"Permission denied", Forbidden, "Permission denied"),
        (403, b"Invalid Host header - possible DNS rebinding attack", Forbidden, "Invalid Host"),
        (400, _said("INVALID_PARAMETER_VALUE", "bad stage"), Rejected, "bad stage"),
        (
            400,
            _said("BAD_REQUEST", "(sqlite3.IntegrityError) UNIQUE constraint failed: x"),
            Conflict,
            "UNIQUE",
        ),
        (
            400,
            _said("BAD_REQUEST", "(psycopg.errors.UniqueViolation) duplicate key value"),
            Conflict,
            "duplicate",
        ),
        (
            400,
            _said("BAD_REQUEST", "(pymysql.err.IntegrityError) (1062, 'Duplicate entry')"),
            Conflict,
            "1062",
        ),
        (
            400,
            _said("BAD_REQUEST", "value too long [SQL: INSERT 'duplicate key']"),
            Rejected,
            "too long",
        ),
        (500, _said("INTERNAL_ERROR", "not an active stage"), Rejected, "not an active stage"),
        (500, _said("FEATURE_DISABLED", "workspaces"), Rejected, "workspaces"),
        (500, b"<title>500</title>", AnswerLost, "answered 500"),
        (408, b"", AnswerLost, "answered 408"),
        (502, b"bad gateway", AnswerLost, "bad gateway"),
        (504, _said("INTERNAL_ERROR", "upstream timed out"), AnswerLost, "upstream timed out"),
        (429, b"slow down", Unavailable, "slow down"),
        (503, _said("TEMPORARILY_UNAVAILABLE", "database is locked"), Unavailable, "locked"),
    ],
)
def test_an_answer_becomes_the_error_that_says_what_may_be_done_next(
    status: int, body: bytes, expected: type[RegistryError], told: str
) -> None:
    with (
        proxy(before=lambda _: Answer(status, body)) as server,
        pytest.raises(RegistryError) as caught,
    ):
        _registry(server.uri).set_tag("m", 1, "k", "v")

    assert type(caught.value) is expected
    assert told in caught.value.message
    assert server.uri in caught.value.message
    assert len(server.requests) == 1


def test_who_is_not_known_is_told_which_variables_to_set() -> None:
    with (
        proxy(before=lambda _: Answer(401, b"who?")) as server,
        pytest.raises(Forbidden) as caught,
    ):
        _registry(server.uri).confirm("m", [1])

    hint = str(caught.value.hint)
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        assert name in hint


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (_LOGIN, "answered with HTML, not MLflow's JSON: is this a login page?"),
        (b"", "answered with nothing, not MLflow's JSON"),
        (b"[]", "not MLflow's JSON"),
        (b"null", "not MLflow's JSON"),
        (b"\xff\xfe", "not MLflow's JSON"),
        (b"[" * 100_000, "not MLflow's JSON"),
        (b'{"registered_models": {"name": "m"}}', "`registered_models`"),
        (b'{"registered_models": [{"name": 1}]}', "`registered_models`"),
        (b'{"registered_models": [7]}', "`registered_models`"),
        (
            b'{"registered_models": [{"name": "m", "tags": [{"value": "v"}]}]}',
            "`registered_models`",
        ),
        (b'{"model_versions": [{"name": "m", "version": "one"}]}', "`model_versions`"),
    ],
)
def test_an_answer_that_is_not_mlflows_is_told_and_nothing_is_concluded(
    body: bytes, told: str
) -> None:
    with (
        proxy(before=lambda _: Answer(200, body)) as server,
        pytest.raises(RegistryError) as caught,
    ):
        _registry(server.uri).read()

    assert type(caught.value) is RegistryError
    assert told in caught.value.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_and_says_where_without_secrets(status: int) -> None:
    to = {"Location": "https://ann:s3cret@login.example/in?state=s3cret"}
    with (
        proxy(before=lambda _: Answer(status, b"", to)) as server,
        pytest.raises(RegistryError) as caught,
    ):
        _registry(server.uri).set_alias("m", "a", 1)

    assert "https://login.example/in" in caught.value.message
    assert "s3cret" not in caught.value.message
    assert len(server.requests) == 1


def test_pages_that_never_end_are_an_error() -> None:
    def script(request: Request) -> Answer:
        token = "again" if "page_token" in request.path else "first"
        return Answer(200, json.dumps({"next_page_token": token}).encode())

    with proxy(before=script) as server, pytest.raises(RegistryError, match="do not end"):
        _registry(server.uri).read()


def test_every_page_is_read_and_a_row_that_came_twice_counts_once(
    mlflow_uri: str, name: Callable[..., str]
) -> None:
    models = sorted(name(f"-{number}") for number in range(5))
    seeds = MlflowSeeds(mlflow_uri)
    for model in models:
        seeds.create_model(model)
        for _ in range(3):
            seeds.create_version(model)

    def small_pages(path: str) -> str:
        return path.replace("max_results=10000", "max_results=2").replace("=1000&", "=2&")

    with proxy(mlflow_uri, rewrite=small_pages) as server:
        paged = _registry(server.uri).read(models)
        pages = len(server.requests)

    assert paged == _registry(mlflow_uri).read(models)
    assert {model: len(paged[model].versions) for model in models} == dict.fromkeys(models, 3)
    assert pages >= 3 + 8


def test_rows_that_paging_repeats_count_once() -> None:
    row = {"name": "m", "version": "1", "creation_timestamp": 5}

    def script(request: Request) -> Answer:
        key = "registered_models" if "registered-models" in request.path else "model_versions"
        more = {} if "page_token" in request.path else {"next_page_token": "2"}
        return Answer(200, json.dumps({key: [row, row], **more}).encode())

    with proxy(before=script) as server:
        assert list(_registry(server.uri).read()["m"].versions) == [1]


@pytest.mark.parametrize(
    ("version", "aliases"),
    [
        (Answer(200, b"3.17.2"), True),
        (Answer(200, b"2.3.0\n"), True),
        (Answer(200, b"2.2.2"), False),
        (Answer(200, b"1.30"), False),
        (Answer(200, _LOGIN), True),
        (Answer(404, _LOGIN), True),
        (Answer(401, b"who?"), True),
        (Answer(403, b"no"), True),
    ],
)
def test_the_servers_version_tells_what_it_can_hold_and_is_asked_once(
    version: Answer,
    aliases: bool,  # noqa: FBT001  a table's column
) -> None:
    with proxy(before=lambda _: version) as server:
        registry = _registry(server.uri)
        can = registry.capabilities()

        assert registry.capabilities() == can
        assert (can.stages, can.aliases) == (True, aliases)
        assert [request.path for request in server.requests] == ["/version"]
        assert aliases or server.uri in can.why


def test_a_real_server_can_hold_everything(mlflow_uri: str) -> None:
    assert _registry(mlflow_uri).capabilities() == Capabilities()


@pytest.fixture
def recorded(mlflow_uri: str) -> Iterator[Proxy]:
    with proxy(mlflow_uri) as server:
        yield server


def test_a_plan_needs_two_requests_however_large_the_registry(recorded: Proxy) -> None:
    _registry(recorded.uri).read()

    assert sorted((method, path.partition("?")[0]) for method, path, _ in recorded.log) == [
        ("GET", "/api/2.0/mlflow/model-versions/search"),
        ("GET", "/api/2.0/mlflow/registered-models/search"),
    ]
    assert not recorded.writes


@pytest.mark.needs_mlflow("3.17", "lists of names in a search")
def test_many_models_are_asked_for_in_urls_that_proxies_take(
    recorded: Proxy, name: Callable[..., str]
) -> None:
    names = [f"{name()}-{number}-日本" for number in range(200)]

    assert _registry(recorded.uri).read(names) == {}

    assert {status for _, _, status in recorded.log} == {200}
    assert max(len(path) for _, path, _ in recorded.log) < 6 * 1024
    assert 1 + 2 * 2 <= len(recorded.log) < 40


def test_a_server_that_knows_no_lists_is_asked_for_each_name(
    mlflow_uri: str, name: Callable[..., str]
) -> None:
    models = [name("-a"), name("-b")]
    for model in models:
        MlflowSeeds(mlflow_uri).create_model(model)
        MlflowSeeds(mlflow_uri).create_version(model)

    def old(request: Request) -> Answer | None:
        lists = "IN+%28" in request.path
        return Answer(400, _said("INVALID_PARAMETER_VALUE", "bad comparator")) if lists else None

    with proxy(mlflow_uri, before=old) as server:
        registry = _registry(server.uri)

        assert registry.read(models) == _registry(mlflow_uri).read(models)
        assert len(registry.read(models)) == 2
        assert sum("IN+%28" in path for _, path, _ in server.log) <= 2, "it is asked once"


def test_a_stage_change_never_asks_the_server_to_archive_others(
    recorded: Proxy, mlflow_uri: str, name: Callable[..., str]
) -> None:
    MlflowSeeds(mlflow_uri).create_model(name())
    MlflowSeeds(mlflow_uri).create_version(name())

    _registry(recorded.uri).set_stage(name(), 1, "Production")

    assert [json.loads(request.body) for request in recorded.requests] == [
        {"name": name(), "version": "1", "stage": "Production"}
    ]


def test_a_path_prefix_is_kept() -> None:
    with proxy(before=lambda _: Answer()) as server:
        registry = _registry(f"{server.uri}/team/mlflow/")
        registry.set_alias("m", "a", 1)
        registry.capabilities()

    assert [request.path for request in server.requests] == [
        "/team/mlflow/api/2.0/mlflow/registered-models/alias",
        "/team/mlflow/version",
    ]


def test_who_may_not_read_a_model_is_refused_not_told_it_is_missing() -> None:
    with (
        proxy(before=lambda _: Answer(403, b"Permission denied")) as server,
        pytest.raises(Forbidden),
    ):
        _registry(server.uri).confirm("m", [1])


@pytest.mark.parametrize("threads", [8])
def test_threads_share_one_registry(
    mlflow_uri: str, threads: int, name: Callable[..., str]
) -> None:
    MlflowSeeds(mlflow_uri).create_model(name())
    registry = _registry(mlflow_uri)
    failed: list[RegistryError] = []

    def write(number: int) -> None:
        try:
            for step in range(5):
                registry.set_tag(name(), None, f"k{number}", str(step))
        except RegistryError as error:
            failed.append(error)

    workers = [threading.Thread(target=write, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert not failed
    assert registry.requests == threads * 5
    live = registry.confirm(name(), [])
    assert live is not None
    assert sorted(live.fields.values(), key=str) == ["4"] * threads
