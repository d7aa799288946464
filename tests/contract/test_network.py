"""Proxies and certificates of the caller's environment, for registries, forges and webhooks."""

import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.core.state import Identity
from reconciler.errors import ForgeError, RegistryError, Unavailable
from reconciler.forges.http_client import Address, ForgeHttp
from reconciler.registries.connect import connect
from reconciler.registries.rest import MlflowRest
from reconciler.transport.network import network
from reconciler.transport.webhooks import WebhookClient
from tests.support.registries.servers import Answer, Request, free_port, proxy
from tests.support.registries.tunnel import tunnel

_SECRET = "s3cret-pass"  # noqa: S105  what must not be told


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_registry_is_reached_through_the_proxy_of_the_environ_that_is_given(
    mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):  # of the process, which is not asked
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with proxy(mlflow_uri, rewrite=_path) as between:
        environ = {"HTTP_PROXY": between.uri.replace("://", f"://ann:{_SECRET}@")}
        assert MlflowRest(mlflow_uri, environ=environ).read() is not None
        assert MlflowRest(mlflow_uri, environ={}).read() is not None

    assert len(between.requests) == 2
    for request in between.requests:
        assert request.path.startswith(f"{mlflow_uri}/api/")
        assert request.headers["Proxy-Authorization"].startswith("Basic ")


def test_an_encrypted_registry_is_reached_through_a_tunnel(
    encrypted_uri: str, certificate: Path
) -> None:
    with tunnel() as (through, heads):
        environ = {"HTTPS_PROXY": through, "REQUESTS_CA_BUNDLE": str(certificate)}
        assert MlflowRest(encrypted_uri, environ=environ).read() == {}

    assert heads
    assert all(head.startswith(f"CONNECT {urlsplit(encrypted_uri).netloc} ") for head in heads)


def _no_proxy(variable: str) -> dict[str, str]:
    return {variable: f"http://ann:{_SECRET}@127.0.0.1:{free_port()}"}


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_dead_proxy_is_told_by_its_name_and_without_its_password(variable: str) -> None:
    environ = _no_proxy(variable)
    with pytest.raises(Unavailable) as caught:
        MlflowRest("http://mlflow.invalid", environ=environ, retry_for=0).confirm("m", [])

    host = environ[variable].partition("@")[2]
    assert f"the proxy http://{host} ({variable}) does not let it through" in caught.value.message
    assert _SECRET not in str(caught.value)


def test_a_proxy_that_refuses_is_told_with_its_answer(encrypted_uri: str) -> None:
    with (
        tunnel("407 Proxy Authentication Required") as (through, _),
        pytest.raises(Unavailable, match=r"\(https_proxy\) does not .*407 proxy authentication"),
    ):
        MlflowRest(encrypted_uri, environ={"https_proxy": through}, retry_for=0).confirm("m", [])


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://[", "not the URL of a proxy"), ("http://", "of a proxy"), ("socks5://h", "socks")],
)
def test_a_proxy_that_cannot_be_used_is_told(url: str, said: str) -> None:
    with pytest.raises(RegistryError, match=said):
        MlflowRest("http://h", environ={"HTTP_PROXY": url}, retry_for=0).confirm("m", [])


def test_the_tracking_server_a_forge_and_a_webhook_use_the_proxy_as_well() -> None:
    environ = _no_proxy("HTTPS_PROXY")
    with proxy(before=lambda _: Answer()) as registry:
        tracked = connect(
            registry.uri, environ | {"MLFLOW_TRACKING_URI": "https://mlflow.invalid"}, timeout=1.0
        )
        told = list(tracked.facts("m", 1, Identity("r", None, 0)).missing)
    address = Address("GitHub", "https://api.invalid", "t0ken", environ=environ)
    forge = ForgeHttp(address, patience=0.0)
    with pytest.raises(ForgeError) as caught:
        forge.get("x", needs="")
    hook = WebhookClient("https://hook.invalid", environ, seconds=2.0, over=threading.Event())
    miss = hook.tell({})
    assert miss is not None
    for sentence in (told[0], caught.value.message, miss.why):
        assert "(HTTPS_PROXY) does not let it through" in sentence
        assert _SECRET not in sentence


def test_a_proxy_that_asks_for_a_password_says_where_to_write_it() -> None:
    with (
        proxy(before=lambda _: Answer(407)) as between,
        pytest.raises(RegistryError, match="asks for a user and a password") as caught,
    ):
        MlflowRest("http://h", environ={"HTTP_PROXY": between.uri}).confirm("m", [])
    assert "HTTP_PROXY" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "environ", "variable"),
    [
        ("http://h", {"HTTPS_PROXY": "p:1"}, None),
        ("https://h", {"HTTPS_PROXY": "p:1", "ALL_PROXY": "q:1"}, "HTTPS_PROXY"),
        ("https://h", {"HTTPS_PROXY": "p:1", "https_proxy": "q:1"}, "https_proxy"),
        ("https://h", {"all_proxy": "p:1"}, "all_proxy"),
        ("http://h", {"HTTP_PROXY": "p:1", "REQUEST_METHOD": "GET"}, None),
        ("http://h", {"HTTP_PROXY": "p:1", "NO_PROXY": "*"}, None),
        ("http://h", {"HTTP_PROXY": "p:1", "NO_PROXY": "other, H"}, None),
        ("http://a.h:5000", {"HTTP_PROXY": "p:1", "no_proxy": ".h"}, None),
        ("http://ah", {"HTTP_PROXY": "p:1", "no_proxy": ".h"}, "HTTP_PROXY"),
        ("http://h:5000", {"HTTP_PROXY": "p:1", "no_proxy": "h:5000"}, None),
        ("http://h:5001", {"HTTP_PROXY": "p:1", "no_proxy": "h:5000"}, "HTTP_PROXY"),
        ("http://10.1.2.3", {"HTTP_PROXY": "p:1", "no_proxy": "10.0.0.0/8"}, None),
        ("http://11.1.2.3", {"HTTP_PROXY": "p:1", "no_proxy": "10.0.0.0/8"}, "HTTP_PROXY"),
        ("http://[::1]:5000", {"HTTP_PROXY": "p:1", "no_proxy": "localhost,::1"}, None),
        ("http://[::1]:5000", {"HTTP_PROXY": "p:1", "no_proxy": "[::1]:5000"}, None),
        ("http://[::1]:5000", {"HTTP_PROXY": "p:1", "no_proxy": "[::1]:5001"}, "HTTP_PROXY"),
        ("http://[fd00::1]:5000", {"HTTP_PROXY": "p:1", "no_proxy": "[fd00::]/8,fd00::/8"}, None),
        ("http://10.1.2.3:5000", {"HTTP_PROXY": "p:1", "no_proxy": "10.1.2.3:5000"}, None),
        ("http://10.1.2.3:5001", {"HTTP_PROXY": "p:1", "no_proxy": "10.1.2.3:5000"}, "HTTP_PROXY"),
        ("https://h", {"HTTPS_PROXY": "p:1", "no_proxy": "h:443"}, None),
        ("http://a.h:5000", {"HTTP_PROXY": "p:1", "no_proxy": ".h:5000"}, None),
        ("http://h", {"HTTP_PROXY": "p:1", "no_proxy": "x , *"}, None),
        ("http://h", {"HTTP_PROXY": "p:1", "no_proxy": "10.0.0.0/8,:,[,[]:1"}, "HTTP_PROXY"),
        ("http://[broken", {"HTTP_PROXY": "p:1"}, None),
    ],
)
def test_which_proxy_counts(url: str, environ: dict[str, str], variable: str | None) -> None:
    found = network(url, environ).proxy
    assert (found.variable if found else None) == variable


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_the_environ_that_is_given_is_trusted(
    encrypted_uri: str, certificate: Path, variable: str
) -> None:
    assert MlflowRest(encrypted_uri, environ={variable: str(certificate)}).read() == {}


def test_a_client_certificate_is_shown_to_a_registry_and_to_a_tracking_server(
    certificate: Path,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.load_verify_locations(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    trusted = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificate)}
    own = trusted | {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(certificate)}

    def answer(_: Request) -> Answer:
        return Answer(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}')

    with proxy(before=answer, tls=tls) as server, proxy(before=answer) as plain:
        assert MlflowRest(server.uri, environ=own).confirm("m", []) is None
        tracked = connect(plain.uri, own | {"MLFLOW_TRACKING_URI": server.uri}, timeout=5.0)
        assert "404" in tracked.facts("m", 1, Identity("r", None, 0)).missing[0]
        with pytest.raises(RegistryError):
            MlflowRest(server.uri, environ=trusted, retry_for=0).confirm("m", [])
