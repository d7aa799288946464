"""What MLflow's client adds to its requests, ours have too: plugins' headers, and signatures."""

import hashlib
import hmac
import sys
from pathlib import Path
from urllib.parse import quote, unquote_plus, urlsplit

import pytest

from reconciler.core.state import Identity
from reconciler.errors import RegistryError, Unavailable
from reconciler.registries.connect import connect
from reconciler.registries.rest import MlflowRest
from tests.support.registries.plugin_packages import AUTHORISATION, GATEWAY, HEADERS, install
from tests.support.registries.servers import Answer, Request, proxy

_SIGNED = {
    "MLFLOW_TRACKING_AWS_SIGV4": "true",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "of the tests",
    "AWS_SESSION_TOKEN": "session",
    "AWS_DEFAULT_REGION": "eu-west-1",
}

_OTHERS = """
class Asleep:
    def in_context(self): return False
    def request_headers(self): raise AssertionError

class Trace:
    def in_context(self): return True
    def request_headers(self): return {"X-Trace": "a", "Authorization": "Bearer of-the-plugin"}

class Again:
    def in_context(self): return True
    def request_headers(self): return {"X-Trace": "b"}

class Broken:
    def in_context(self): raise ValueError("no metadata server")

class Team:
    def in_context(self): return True
    def request_headers(self): return {"x-mlflow-workspace": "team-p"}

class Odd:
    def in_context(self): return True
    def request_headers(self): return {"X-Odd": "two\\nlines"}

class Unnamed:
    def in_context(self): return True
    def request_headers(self): return {"": "a", "X-Odd: b": "c", "Content-Length": "0"}
"""

_NAMED = """
class Provider:
    def get_name(self): return "acme"
    def get_auth(self): return sign

class Failing:
    def get_name(self): raise ValueError("no key file")

class Away:
    def get_name(self): return "away"
    def get_auth(self): return fail

class Odd:
    def get_name(self): return "odd"
    def get_auth(self): return two_lines

class Namespaced:
    def get_name(self): return "namespaced"
    def get_auth(self): return enter

def enter(request):
    request.headers.setdefault("X-MLFLOW-WORKSPACE", "team-p")
    return request

def fail(request):
    raise OSError("https://ann:s3cret@idp.example is down")

def two_lines(request):
    request.headers["X-Odd"] = "two\\nlines"
    return request

def sign(request):
    request.headers["Authorization"] = "Acme " + request.method
    return request
"""


@pytest.fixture(autouse=True)
def _as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("gateway", "others", "missing", "acme"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def _sent(environ: dict[str, str], said: list[str] | None = None) -> list[Request]:
    """Return two writes, as they arrived."""
    with proxy(before=lambda _: Answer()) as server:
        told: list[str] = [] if said is None else said
        registry = MlflowRest(server.uri, environ=environ, warn=told.append)
        registry.set_alias("m", "a", 1)
        registry.set_alias("m", "a", 2)
    return server.requests


def test_a_plugin_is_asked_for_its_headers_for_each_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "gateway", GATEWAY, HEADERS, {"gateway": "Gateway"})
    monkeypatch.syspath_prepend(tmp_path)

    headers = [request.headers["Proxy-Authorization"] for request in _sent({})]

    assert headers == ["Bearer token-1", "Bearer token-2"]


def test_plugins_join_their_headers_and_credentials_count_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = {"asleep": "Asleep", "trace": "Trace", "zz": "Again"}
    install(tmp_path, "others", _OTHERS, HEADERS, plugins)
    monkeypatch.syspath_prepend(tmp_path)

    of_plugin, own = _sent({})[0].headers, _sent({"MLFLOW_TRACKING_TOKEN": "abc"})[0].headers

    assert (of_plugin["X-Trace"], of_plugin["Authorization"]) == ("a b", "Bearer of-the-plugin")
    assert own["Authorization"] == "Bearer abc"


def test_a_plugin_that_fails_is_told_once_by_its_name_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = {"broken": "Broken", "odd": "Odd", "trace": "Trace", "absent": "NoSuchClass"}
    plugins["unnamed"] = "Unnamed"
    install(tmp_path, "others", _OTHERS, HEADERS, plugins)
    install(tmp_path, "missing", "import no_such_package", HEADERS, {"missing": "X"})
    monkeypatch.syspath_prepend(tmp_path)
    said: list[str] = []

    assert _sent({}, said)[1].headers["X-Trace"] == "a"

    assert len(said) == 5
    text = "\n".join(said)
    for name in plugins.keys() - {"trace"} | {"missing"}:
        assert f"the plugin `{name}` (mlflow.request_header_provider) " in text
    assert "ValueError: no metadata server" in text
    assert "No module named 'no_such_package'" in text


def test_no_error_tells_what_a_plugin_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "gateway", GATEWAY, HEADERS, {"gateway": "Gateway"})
    monkeypatch.syspath_prepend(tmp_path)
    with (
        proxy(before=lambda request: Answer(400, str(request.headers).encode())) as server,
        pytest.raises(RegistryError, match="Proxy-Authorization") as caught,
    ):
        MlflowRest(server.uri, environ={}).set_alias("m", "a", 1)

    assert "token-1" not in str(caught.value)


def test_a_plugin_serves_the_tracking_server_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "gateway", GATEWAY, HEADERS, {"gateway": "Gateway"})
    monkeypatch.syspath_prepend(tmp_path)
    with proxy(before=lambda _: Answer(404)) as tracking:
        environ = {"MLFLOW_TRACKING_URI": tracking.uri}
        registry = connect("http://127.0.0.1:1", environ, timeout=1.0)
        registry.facts("m", 1, Identity("r", "runs:/r/model", 0))

    assert tracking.requests
    assert all("Proxy-Authorization" in request.headers for request in tracking.requests)


@pytest.mark.parametrize(
    "page",
    [Answer(302, b"", {"Location": "https://sso/login?t=secret"}), Answer(200, b"<html>log in")],
    ids=["redirect", "page"],
)
def test_a_login_page_names_credentials_and_plugins(page: Answer) -> None:
    with (
        proxy(before=lambda _: page) as server,
        pytest.raises(RegistryError, match=r"https://sso/login;|a login page") as caught,
    ):
        MlflowRest(server.uri, environ={}).confirm("m", [])
    for name in ("MLFLOW_TRACKING_TOKEN", "mlflow.request_header_provider"):
        assert name in str(caught.value.hint)
    assert "secret" not in str(caught.value)


def test_a_redirect_to_the_same_place_with_tls_says_to_use_that() -> None:
    def to_tls(request: Request) -> Answer:
        return Answer(301, b"", {"Location": f"https://{request.headers['Host']}{request.path}"})

    with proxy(before=to_tls) as server:
        with pytest.raises(RegistryError) as caught:
            MlflowRest(server.uri, environ={}).confirm("m", [])
        assert caught.value.hint == f"use {server.uri.replace('http', 'https')}"


@pytest.mark.parametrize("adds", ["header", "signature"])
def test_a_workspace_that_only_a_plugin_knows_is_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adds: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    environ: dict[str, str] = {}
    if adds == "header":
        install(tmp_path, "others", _OTHERS, HEADERS, {"team": "Team"})
    else:
        install(tmp_path, "acme", _NAMED, AUTHORISATION, {"any": "Namespaced"})
        environ["MLFLOW_TRACKING_AUTH"] = "namespaced"
    with proxy(before=lambda _: Answer()) as server:
        registry = MlflowRest(server.uri, environ=environ)
        with pytest.raises(RegistryError, match="selects the workspace `team-p`") as refused:
            registry.set_alias("m", "a", 1)
    assert server.requests == []
    assert "MLFLOW_WORKSPACE=team-p" in (refused.value.hint or "")
    named = _sent({**environ, "MLFLOW_WORKSPACE": "team-a"})
    assert {sent.headers["X-MLFLOW-WORKSPACE"] for sent in named} == {"team-a"}


def test_a_named_plugin_signs_the_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "acme", _NAMED, AUTHORISATION, {"any": "Provider", "broken": "Failing"})
    monkeypatch.syspath_prepend(tmp_path)

    assert _sent({"MLFLOW_TRACKING_AUTH": "acme"})[0].headers["Authorization"] == "Acme POST"
    for name, said in (("nobody", "no plugin of that name"), ("broken", "ValueError: no key file")):
        with pytest.raises(RegistryError, match=said) as caught:
            MlflowRest("http://host", environ={"MLFLOW_TRACKING_AUTH": name})
        assert f"`{name}`" in caught.value.message


def test_a_signature_that_fails_is_told_by_its_name_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "acme", _NAMED, AUTHORISATION, {"away": "Away", "odd": "Odd"})
    monkeypatch.syspath_prepend(tmp_path)
    with proxy(before=lambda _: Answer()) as server:
        for name, kind, told in (
            ("away", Unavailable, "OSError: https://idp.example is down"),
            ("odd", RegistryError, "made a header that cannot be sent"),
        ):
            registry = MlflowRest(server.uri, environ={"MLFLOW_TRACKING_AUTH": name})
            with pytest.raises(kind, match=f"the plugin `{name}` of .*{told}"):
                registry.set_alias("m", "a", 1)
    assert server.requests == []


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_sigv4_signs_what_is_sent() -> None:
    with proxy(before=lambda _: Answer()) as server:
        registry = MlflowRest(server.uri, environ=_SIGNED | {"MLFLOW_TRACKING_TOKEN": "abc"})
        registry.read()
        registry.read(["größe & co = 1"])
        registry.set_alias("m é", "a", 1)
        registry.delete_alias("m", "a")

    assert {request.method for request in server.requests} == {"GET", "POST", "DELETE"}
    for request in server.requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers["authorization"].endswith(f"Signature={_signature(request)}"), request.path
        assert headers["x-amz-security-token"] == "session"


def _signature(request: Request) -> str:
    """Return what AWS calculates for a request, by its own documentation of the signature."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    credential, signed = (
        part.partition("=")[2] for part in headers["authorization"].split(", ")[:2]
    )
    parts = urlsplit(request.path)
    pairs = (pair.partition("=") for pair in parts.query.split("&") if pair)
    query = sorted(
        f"{quote(unquote_plus(key), safe='')}={quote(unquote_plus(value), safe='')}"
        for key, _, value in pairs
    )
    lines = [request.method, parts.path, "&".join(query)]
    lines += [f"{name}:{headers[name]}" for name in signed.split(";")]
    lines += ["", signed, hashlib.sha256(request.body).hexdigest()]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    scope = credential.partition("/")[2]
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = f"AWS4{_SIGNED['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def test_sigv4_without_its_package_or_its_keys_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(RegistryError) as no_keys:
        MlflowRest("http://host", environ=_SIGNED | {"AWS_SECRET_ACCESS_KEY": ""})
    assert "AWS_SECRET_ACCESS_KEY" in str(no_keys.value.hint)

    monkeypatch.setitem(sys.modules, "requests_auth_aws_sigv4", None)
    with pytest.raises(RegistryError) as no_package:
        MlflowRest("http://host", environ=_SIGNED)
    assert no_package.value.hint == "pip install requests-auth-aws-sigv4"
