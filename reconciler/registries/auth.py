"""Reads credentials and certificates from MLflow's own environment variables."""

import base64
import configparser
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.core.uris import credentials_in, scheme_of
from reconciler.errors import RegistryError

WORKSPACE_HEADER: Final = "X-MLFLOW-WORKSPACE"
_INSECURE: Final = "MLFLOW_TRACKING_INSECURE_TLS"
_SERVER_CERT: Final = "MLFLOW_TRACKING_SERVER_CERT_PATH"
_CLIENT_CERT: Final = "MLFLOW_TRACKING_CLIENT_CERT_PATH"
_TOKEN: Final = "MLFLOW_TRACKING_TOKEN"  # noqa: S105  the name of a variable
_SHORTEST_SECRET: Final = 4  # a shorter one would redact ordinary words


@dataclass(frozen=True, slots=True)
class Access:
    """What a request carries: headers, certificates, and the secrets that are never shown."""

    headers: Mapping[str, str] = field(repr=False)
    verify: bool | str
    cert: str | None
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def user(self) -> str | None:
        """The name in these credentials, None for a token or none."""
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return None
        return base64.b64decode(encoded).decode().partition(":")[0]

    def redact(self, text: str) -> str:
        """Return `text` with every secret redacted."""
        return redact(text, self.secrets)


def access(uri: str, environ: Mapping[str, str]) -> Access:
    """Return what requests to `uri` carry.

    User and password take precedence over the token, as in MLflow's client: from the environment,
    else from `~/.mlflow/credentials`, else, when there is no token either, from the URI.
    """
    authorization, secrets = _authorization(uri, environ)
    headers = {"Authorization": authorization} if authorization else {}
    if workspace := environ.get("MLFLOW_WORKSPACE", "").strip():
        headers[WORKSPACE_HEADER] = _header(workspace, "MLFLOW_WORKSPACE")
    return Access(headers, _verify(environ), _client_certificate(uri, environ), secrets)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every secret blackened."""
    hidden = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _authorization(uri: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    stored = _credentials_file(environ)
    user = environ.get("MLFLOW_TRACKING_USERNAME") or stored.get("mlflow_tracking_username")
    password = environ.get("MLFLOW_TRACKING_PASSWORD") or stored.get("mlflow_tracking_password")
    if user and password:
        return _basic(user, password)
    if token := environ.get(_TOKEN, "").strip():
        return f"Bearer {_header(token, _TOKEN)}", (token,)
    carried = credentials_in(uri)
    return _basic(*carried) if carried else ("", ())


def _basic(user: str, password: str) -> tuple[str, tuple[str, ...]]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {encoded}", (password, encoded)


def _header(value: str, name: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    raise RegistryError(f"`{name}` has characters that an HTTP header cannot contain")


def _credentials_file(environ: Mapping[str, str]) -> Mapping[str, str]:
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if not home:
        return {}
    path = Path(home) / ".mlflow" / "credentials"
    parser = configparser.ConfigParser()
    try:
        parser.read(path, encoding="utf-8")
        return dict(parser["mlflow"]) if "mlflow" in parser else {}
    except (configparser.Error, OSError, UnicodeDecodeError):
        # Its text may quote the line that contains the password.
        message = "`~/.mlflow/credentials` cannot be read as an ini file"
        raise RegistryError(message, hint="write `%` in a password as `%%`") from None


def _verify(environ: Mapping[str, str]) -> bool | str:
    insecure = environ.get(_INSECURE, "").strip().lower() in {"1", "true"}
    bundle = _path(environ, _SERVER_CERT)
    if insecure and bundle:
        raise RegistryError(f"`{_INSECURE}` and `{_SERVER_CERT}` are both set: unset one of them")
    return bundle or not insecure


def _client_certificate(uri: str, environ: Mapping[str, str]) -> str | None:
    """Return our certificate's file; one with a password would be asked for at the terminal."""
    path = _path(environ, _CLIENT_CERT)
    if path is None or scheme_of(uri) != "https":
        return path
    asked: list[bool] = []

    def no_password() -> str:
        asked.append(True)
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path, password=no_password)
    except (OSError, ValueError):
        wrong = "whose key has a password" if asked else "which is not a certificate with its key"
        raise RegistryError(
            f"`{_CLIENT_CERT}` names `{path}`, {wrong}",
            hint="write both into one PEM file, the key without a password (`openssl pkey`)",
        ) from None
    return path


def _path(environ: Mapping[str, str], name: str) -> str | None:
    path = environ.get(name) or None
    if path is not None and not Path(path).exists():
        raise RegistryError(f"`{name}` names `{path}`, which does not exist")
    return path
