"""Reads the way to other hosts, proxies and certificate authorities, from a caller's environment.

`requests` would read them from the process, which is not what `reconciler.open(environ=…)` says.
"""

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.uris import safe_uri

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_WITH_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]*):(\d{1,5})")  # an IPv6 address has brackets then
_AUTHORITIES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy for one URL, credentials included, and the variable that names it."""

    url: str = field(repr=False)
    variable: str

    def __str__(self) -> str:
        return f"the proxy {safe_uri(self.url)} ({self.variable})"


@dataclass(frozen=True, slots=True)
class Network:
    """How one URL is reached; `authorities` is a file or folder of certificates."""

    proxy: Proxy | None = None
    authorities: str | None = None


def network(url: str, environ: Mapping[str, str]) -> Network:
    """Return how `environ` says that a URL is reached."""
    authorities = next((path for name in _AUTHORITIES if (path := environ.get(name))), None)
    return Network(_proxy(url, environ), authorities)


def _proxy(url: str, environ: Mapping[str, str]) -> Proxy | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None  # the request itself says what is wrong with it
    if host is None or _goes_directly(host, port, environ):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            # A CGI server puts the request's header `Proxy` into HTTP_PROXY.
            if variable == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
                continue
            if value := environ.get(variable, "").strip():
                return Proxy(value if "://" in value else f"http://{value}", variable)
    return None


def _goes_directly(host: str, port: int | None, environ: Mapping[str, str]) -> bool:
    listed = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").lower().split(",")
    names = [name.strip().lstrip(".") for name in listed if name.strip()]
    return any(name == "*" or _is_named(host, port, name) for name in names)


def _is_named(host: str, port: int | None, name: str) -> bool:
    """Return whether a name in NO_PROXY, perhaps with a port, is about a host."""
    found = _WITH_PORT.fullmatch(name)
    if found and int(found[2]) != port:
        return False
    place = (found[1] if found else name).strip("[]")
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        with suppress(ValueError):
            return address in ipaddress.ip_network(place, strict=False)
        return False
    return host == place or host.endswith(f".{place}")
