"""Who we say we are over HTTP, whom we trust, and that no credential is ever told."""

import base64
import socket
import threading
import time
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from reconciler.errors import RegistryError, Unavailable
from reconciler.registries.rest import MlflowRest
from tests.support.registries.raw_servers import raw_server
from tests.support.registries.servers import HANG_UP, Answer, Request, free_port, proxy

_SECRET = "s3cret-pass"  # noqa: S105  what must not be told


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _header_sent(environ: dict[str, str], *, userinfo: str = "") -> str | None:
    with proxy(before=lambda _: Answer()) as server:
        uri = server.uri.replace("://", f"://{userinfo}")
        MlflowRest(uri, environ=environ).set_alias("m", "a", 1)
    return server.requests[0].headers.get("Authorization")


_USER = {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pä:ss"}
_TOKEN = {"MLFLOW_TRACKING_TOKEN": "abc"}


@pytest.mark.parametrize(
    ("environ", "userinfo", "sent"),
    [
        ({}, "", None),
        (_USER, "", _basic("ann", "pä:ss")),
        (_TOKEN, "", "Bearer abc"),
        (_USER | _TOKEN, "", _basic("ann", "pä:ss")),
        ({"MLFLOW_TRACKING_USERNAME": "ann"} | _TOKEN, "", "Bearer abc"),
        ({"MLFLOW_TRACKING_USERNAME": "", "MLFLOW_TRACKING_PASSWORD": ""}, "", None),
        ({}, "bob:p%40ss@", _basic("bob", "p@ss")),
        (_USER, "bob:pw@", _basic("ann", "pä:ss")),
        (_TOKEN, "bob:pw@", "Bearer abc"),
    ],
)
def test_credentials_come_from_mlflows_own_variables_and_then_from_the_uri(
    environ: dict[str, str], userinfo: str, sent: str | None
) -> None:
    assert _header_sent(environ, userinfo=userinfo) == sent


def test_credentials_come_from_mlflows_own_file(tmp_path: Path) -> None:
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text(
        "[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password = 50%%\n"
    )
    home = {"HOME": str(tmp_path)}

    assert _header_sent(home) == _basic("ann", "50%")
    assert _header_sent(home | {"MLFLOW_TRACKING_USERNAME": "bob"}) == _basic("bob", "50%")


def test_a_credentials_file_that_cannot_be_read_is_told_without_its_text(tmp_path: Path) -> None:
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text(f"mlflow_tracking_password: {_SECRET}")

    with pytest.raises(RegistryError) as caught:
        MlflowRest("http://host", environ={"HOME": str(tmp_path)})

    assert _SECRET not in caught.value.message


def test_other_programs_credentials_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password eve\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    assert _header_sent({}) is None


def test_the_workspace_is_sent_when_there_is_one() -> None:
    with proxy(before=lambda _: Answer()) as server:
        MlflowRest(server.uri, environ={"MLFLOW_WORKSPACE": "team"}).set_alias("m", "a", 1)
        MlflowRest(server.uri, environ={}).set_alias("m", "a", 1)

    names = [{name.lower() for name in request.headers} for request in server.requests]
    assert ["x-mlflow-workspace" in sent for sent in names] == [True, False]


def test_a_server_that_is_too_old_for_workspaces_is_not_read() -> None:
    with proxy(before=lambda _: Answer(200, b"3.9.1")) as server:
        registry = MlflowRest(server.uri, environ={"MLFLOW_WORKSPACE": "team"})
        for read in (registry.read, lambda: registry.confirm("m", ())):
            with pytest.raises(RegistryError, match=r"MLflow 3\.9\.1 server") as refused:
                read()
            assert "unset MLFLOW_WORKSPACE" in (refused.value.hint or "")
    assert [request.path for request in server.requests] == ["/version"]


def _echo(request: Request) -> Answer:
    return Answer(400, str(request.headers).encode())


@pytest.mark.parametrize("answer", [_echo, lambda _: HANG_UP, lambda _: Answer(200, b"<html>")])
@pytest.mark.parametrize(
    ("environ", "userinfo"),
    [
        ({}, f"ann:{_SECRET}@"),
        ({"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": _SECRET}, ""),
        ({"MLFLOW_TRACKING_TOKEN": _SECRET}, ""),
    ],
)
def test_no_error_tells_a_credential(
    answer: "type[Answer]", environ: dict[str, str], userinfo: str
) -> None:
    told = []
    with proxy(before=answer) as server:
        for uri in (server.uri, f"http://127.0.0.1:{free_port()}"):
            registry = MlflowRest(
                uri.replace("://", f"://{userinfo}"), environ=environ, retry_for=0
            )
            with pytest.raises(RegistryError) as caught:
                registry.set_alias("m", "a", 1)
            told += [caught.value.message, str(caught.value), str(caught.value.hint), registry.uri]

    encoded = base64.b64encode(f"ann:{_SECRET}".encode()).decode()
    assert not [text for text in told if _SECRET in text or encoded in text]


@pytest.mark.parametrize("value", ["two\nlines", "größe"])
def test_a_token_that_no_header_can_carry_is_told_by_its_name(value: str) -> None:
    with pytest.raises(RegistryError) as caught:
        MlflowRest("http://host", environ={"MLFLOW_TRACKING_TOKEN": value})

    assert "MLFLOW_TRACKING_TOKEN" in caught.value.message
    assert value not in caught.value.message


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_way_out(
    encrypted_uri: str,
) -> None:
    registry = MlflowRest(encrypted_uri, environ={})

    with pytest.raises(RegistryError) as caught:
        registry.read()

    assert type(caught.value) is RegistryError
    assert "not trusted" in caught.value.message
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in str(caught.value.hint)
    assert registry.requests == 2


def test_https_to_a_plain_port_names_http() -> None:
    with proxy(before=lambda _: Answer()) as server:
        encrypted = server.uri.replace("http:", "https:")
        with pytest.raises(RegistryError, match="wrong version number") as caught:
            MlflowRest(encrypted, environ={}).read()

    assert type(caught.value) is RegistryError, "it is not tried again"
    assert caught.value.hint == f"a server there speaks plain HTTP: try `{server.uri}`"


def test_http_to_a_port_with_tls_names_https(encrypted_uri: str) -> None:
    plain = encrypted_uri.replace("https:", "http:")
    with pytest.raises(RegistryError) as caught:
        MlflowRest(plain, environ={}, retry_for=0).read()

    assert caught.value.hint == f"if the server there speaks HTTPS: `{encrypted_uri}`"


def test_a_tls_alert_in_answer_to_plain_http_names_https() -> None:
    def alert(connection: socket.socket) -> None:
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16")

    with raw_server(alert) as uri, pytest.raises(RegistryError) as caught:
        MlflowRest(uri, environ={}, retry_for=0).read()

    assert (
        caught.value.hint == f"if the server there speaks HTTPS: `{uri.replace('http', 'https')}`"
    )


@pytest.mark.parametrize(
    "text",
    [
        b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ],
)
def test_a_proxy_that_wants_tls_is_told_as_such(text: bytes) -> None:
    with proxy(before=lambda _: Answer(400, text)) as server:
        with pytest.raises(RegistryError, match="it speaks HTTPS") as caught:
            MlflowRest(server.uri, environ={}).read()
        assert caught.value.hint == f"use `{server.uri.replace('http:', 'https:')}`"


def test_a_server_that_answered_before_is_not_suspected_of_tls() -> None:
    answers = iter([Answer(), *[HANG_UP] * 9])
    with proxy(before=lambda _: next(answers)) as server:
        registry = MlflowRest(server.uri, environ={}, retry_for=0)
        registry.set_alias("m", "a", 1)
        with pytest.raises(RegistryError) as caught:
            registry.set_alias("m", "a", 2)
    assert caught.value.hint is None


def test_a_named_certificate_is_trusted_and_so_is_any_when_told_so(
    encrypted_uri: str, certificate: Path
) -> None:
    others = {"REQUESTS_CA_BUNDLE": "/nowhere"}  # must not win over MLflow's own
    for environ in (
        {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificate)},
        {"MLFLOW_TRACKING_INSECURE_TLS": "true"},
    ):
        before = list(warnings.filters)
        assert MlflowRest(encrypted_uri, environ=others | environ).read() == {}
        assert warnings.filters == before, "none is silenced for the whole process"


@pytest.mark.parametrize(
    "environ",
    [
        {"MLFLOW_TRACKING_SERVER_CERT_PATH": "/nowhere.pem"},
        {"MLFLOW_TRACKING_CLIENT_CERT_PATH": "/nowhere.pem"},
        {"MLFLOW_TRACKING_CLIENT_CERT_PATH": __file__},
        {"MLFLOW_TRACKING_SERVER_CERT_PATH": __file__, "MLFLOW_TRACKING_INSECURE_TLS": "1"},
    ],
)
def test_settings_that_cannot_be_followed_are_told_at_once(environ: dict[str, str]) -> None:
    with pytest.raises(RegistryError, match="MLFLOW_TRACKING_"):
        MlflowRest("https://host", environ=environ)


def test_a_client_key_with_a_password_is_told_and_the_terminal_is_not_asked(
    certificate: Path, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(certificate.read_bytes(), None)
    private, pem = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    locked = serialization.BestAvailableEncryption(b"s3cret")
    (tmp_path / "own.pem").write_bytes(
        key.private_bytes(pem, private, locked) + certificate.read_bytes()
    )
    environ = {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(tmp_path / "own.pem")}
    with pytest.raises(RegistryError, match="whose key has a password"):
        MlflowRest("https://host", environ=environ)
    MlflowRest("http://host", environ=environ)  # no certificate is shown there


def test_a_file_of_authorities_without_any_is_told_and_nothing_is_sent(encrypted_uri: str) -> None:
    for variable in ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE"):
        registry = MlflowRest(encrypted_uri, environ={variable: __file__})
        with pytest.raises(RegistryError, match="no certificate or crl found") as caught:
            registry.set_alias("m", "champion", 1)
        assert type(caught.value) is RegistryError, "an answer that was lost would be waited for"


def test_certificates_of_other_programs_that_are_not_there_are_told_and_nothing_is_sent() -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/nowhere"}

    with pytest.raises(RegistryError, match="invalid path: /nowhere") as caught:
        MlflowRest("https://127.0.0.1", environ=environ).set_alias("m", "champion", 1)

    assert type(caught.value) is RegistryError, "an answer that was lost would be waited for"


def test_a_name_that_leads_nowhere_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"cannot connect to http://mlflow\.invalid"):
        MlflowRest("http://mlflow.invalid", environ={}, retry_for=0).confirm("m", [])


def test_an_answer_in_two_packets_does_not_wait_for_a_delayed_acknowledgement() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer_in_two_packets, args=(listener,), daemon=True).start()
        registry = MlflowRest(f"http://127.0.0.1:{listener.getsockname()[1]}", environ={})
        took = []
        for _ in range(40):
            started = time.monotonic()
            registry.set_alias("m", "a", 1)
            took.append(time.monotonic() - started)

    # Linux delays by 0.04 s, and is the one that can be told not to.
    assert min(took[20:]) < (0.02 if hasattr(socket, "TCP_QUICKACK") else 1.0)


def _answer_in_two_packets(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    received = b""
    with connection:
        while packet := connection.recv(65536):
            received += packet
            if received.endswith(b"}"):
                received = b""
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                connection.sendall(b"{}")
