"""URIs: shown without credentials, compared by normal form, and checked for usual mistakes."""

import re
from difflib import get_close_matches
from typing import Final
from urllib.parse import unquote, urlsplit

DATABASES: Final = frozenset({"sqlite", "postgresql", "mysql", "mssql"})
_SECRET_PARAMETERS: Final = frozenset(
    {"user", "username", "password", "passwd", "pwd", "sslpassword", "token", "access_token"}
)
_WITH_CONTAINER: Final = frozenset({"abfs", "abfss", "wasb", "wasbs"})
_WRITE: Final = "write the URI of the MLflow server, like `http://mlflow:5000`"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}

# Where artifacts, code or versions are: no registry is there.
_ELSEWHERE: Final = frozenset(
    {"abfs", "abfss", "dbfs", "ftp", "ftps", "gcs", "git", "gs", "hdfs", "hf", "mlflow-artifacts"}
    | {"models", "r2", "runs", "s3", "s3a", "sftp", "ssh", "wasb", "wasbs"}
)
_WORDS: Final = ("databricks", "databricks-uc", "http", "https", *sorted(DATABASES))
_ALIKE: Final = 0.8
_HALF_A_SCHEME: Final = re.compile(r"(https?)(?::/?|//?)(?!/)(?=[\w\[])", re.IGNORECASE)
# `localhost`, an address, or a name with a domain, each perhaps with a port and a path.
_HOST: Final = re.compile(
    r"(localhost|\d{1,3}(\.\d{1,3}){3}|[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}(?=:\d|/|$)|[\w.-]+(?=:\d))"
    r"(:\d+)?(/.*)?"
)
_PAGE_OR_API: Final = re.compile(r"/?(?:#.*|/(?:ajax-)?api(?:/2\.0|/3\.0|$).*|/ajax-api/.*)$")

# Text after a colon that is not a port is a password; this one contains a slash.
_HALF_A_PASSWORD: Final = re.compile(r"[^\[]*:\d*[^\d]")


def safe_uri(uri: str) -> str:
    """Return a URI without user, password and tokens. Does not raise."""
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return uri
    authority, tail = _split(rest)
    if "@" in authority:
        authority = authority.rpartition("@")[2]
    elif "@" in tail and _HALF_A_PASSWORD.match(authority):
        authority, tail = _split(tail.rpartition("@")[2])
    return f"{scheme}://{authority}{_without_secrets(tail)}"


def safe_artifact_uri(uri: str) -> str:
    """Return the address of a folder without credentials; Azure's keeps its container.

    There a name before the `@` is the container, as long as no password follows it.
    """
    shown, scheme = safe_uri(uri), uri.partition("://")[0]
    before, mark, _ = _split(uri.partition("://")[2])[0].rpartition("@")
    if scheme.lower() not in _WITH_CONTAINER or not mark or ":" in before:
        return shown
    return f"{scheme}://{before}@{shown.partition('://')[2]}"


def same_registry(one: str, other: str) -> bool:
    """Return whether two URIs name the same registry.

    Scheme and host are compared in lower case; credentials, a default port and a trailing slash do
    not count. A path prefix counts, and so does the case of a Databricks profile.
    """
    return _normal(one) == _normal(other)


def normal_uri(uri: str) -> str:
    """Return the normal form of a URI for plans and records, equal for equivalent URIs."""
    scheme, *rest = _normal(uri)
    if not rest:
        return scheme
    authority, path, query = rest
    return f"{scheme}://{authority}{path}" + (f"?{query}" if query else "")


def scheme_of(uri: str) -> str:
    """Return the scheme in lower case and without a driver; `databricks-uc` is its own scheme."""
    scheme, mark, _ = uri.partition(":")
    bare = re.fullmatch(r"[A-Za-z][\w.-]*", uri)
    return (scheme if mark else uri if bare else "").partition("+")[0].lower()


def is_http(uri: str) -> bool:
    """Return whether a URI is that of a server over HTTP, encrypted or not."""
    return scheme_of(uri) in {"http", "https"}


def misspelt(uri: str) -> tuple[str, str] | None:
    """Return what is wrong with a registry's URI, and what to write; None when nothing is known.

    A scheme that MLflow may have from a plugin is left to MLflow.
    """
    shown, scheme = safe_uri(uri), scheme_of(uri)
    half, bare = _HALF_A_SCHEME.match(uri), uri.strip("\"'`<> ")
    if bare != uri:
        return f"the registry `{shown}` has quotes in it", f"write `{safe_uri(bare)}`"
    if is_http(uri) and "://" in uri:
        authority = uri.partition("://")[2].partition("/")[0]
        if not authority.rpartition("@")[2].partition(":")[0]:
            return f"the registry `{shown}` names no server", _WRITE
        start = uri.find("/", uri.find("://") + 3)
        found = _PAGE_OR_API.search(uri, start) if start > 0 else None
        if found is None:
            return None
        what = "a page in the browser" if "#" in found[0] else "the API"
        base = safe_uri(uri[: found.start()])
        return f"`{shown}` is the address of {what}, not of the server", f"use `{base}`"
    if half is not None:
        meant = f"{half[1].lower()}://{uri[half.end() :]}"
        return f"`{shown}` is not a URL", f"did you mean `{safe_uri(meant)}`?"
    if scheme in _ELSEWHERE:
        return f"`{shown}`: a registry is never at `{scheme}:`", _WRITE
    if _HOST.fullmatch(uri):
        return f"the registry `{shown}` has no scheme", f"did you mean `http://{shown}`?"
    near = get_close_matches(scheme, _WORDS, n=1, cutoff=_ALIKE) if scheme not in _WORDS else []
    if near:
        meant = re.sub(re.escape(scheme), near[0], shown, count=1, flags=re.IGNORECASE)
        return f"`{shown}` is not the URI of a registry", f"did you mean `{meant}`?"
    return None


def credentials_in(uri: str) -> tuple[str, str] | None:
    """Return the user and password in a URI; None without a user."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _split(rest: str) -> tuple[str, str]:
    end = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
    return rest[:end], rest[end:]


def _without_secrets(tail: str) -> str:
    path, mark, query = tail.partition("?")
    kept = "&".join(pair for pair in query.split("&") if _parameter(pair) not in _SECRET_PARAMETERS)
    return f"{path}?{kept}" if mark and kept else path


def _parameter(pair: str) -> str:
    return unquote(pair.partition("=")[0]).lower()


def _normal(uri: str) -> tuple[str, ...]:
    safe = safe_uri(uri.strip())
    scheme, mark, rest = safe.partition("://")
    if not mark:
        return (safe.rstrip("/"),)
    authority, tail = _split(rest)
    scheme = scheme.lower()
    if not scheme.startswith("databricks"):  # after it comes a profile, whose case counts
        authority = authority.lower()
    default = _DEFAULT_PORTS.get(scheme.partition("+")[0])
    path, _, query = tail.partition("?")
    return scheme, authority.removesuffix(f":{default}"), path.rstrip("/"), query
