"""The lines that servers and proxies write for a request, by their documented default formats."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

_PHRASES: Final = {200: "OK", 304: "Not Modified", 400: "Bad Request", 404: "Not Found"}


@dataclass(frozen=True)
class Line:
    """A request as a server or proxy sees it."""

    target: str
    method: str = "GET"
    status: int = 200
    time: datetime = datetime(2026, 11, 29, 19, 22, 8, tzinfo=timezone.utc)
    client: str = "10.0.3.7"
    port: int = 51234
    user: str = "-"
    agent: str = "mlflow-python-client/3.17.2"

    def later(self, seconds: float) -> "Line":
        return Line(**{**vars(self), "time": self.time + timedelta(seconds=seconds)})

    @property
    def request(self) -> str:
        return f"{self.method} {self.target} HTTP/1.1"

    @property
    def phrase(self) -> str:
        return f"{self.status} {_PHRASES[self.status]}"

    @property
    def common_time(self) -> str:
        return f"{self.time:%d/%b/%Y:%H:%M:%S} +0000"

    @property
    def iso(self) -> str:
        return f"{self.time:%Y-%m-%dT%H:%M:%S}.310Z"


def _uvicorn(line: Line) -> str:
    return f'INFO:     {line.client}:{line.port} - "{line.request}" {line.phrase}'


def _uvicorn_of_mlflow(line: Line) -> str:
    return f"{line.time:%Y/%m/%d %H:%M:%S} {_uvicorn(line)}"


def _uvicorn_in_colour(line: Line) -> str:
    return (
        f"{line.time:%Y/%m/%d %H:%M:%S} \x1b[32mINFO\x1b[0m:     {line.client}:{line.port} - "
        f'"\x1b[1m{line.request}\x1b[0m" \x1b[32m{line.phrase}\x1b[0m'
    )


def _common(line: Line) -> str:
    return f'{line.client} - {line.user} [{line.common_time}] "{line.request}" {line.status} 419'


def _combined(line: Line) -> str:
    return f'{_common(line)} "-" "{line.agent}"'


def _nginx_main(line: Line) -> str:
    """Write the `main` format of nginx.conf, behind another proxy."""
    return f'192.0.2.1{_combined(line)[len(line.client) :]} "{line.client}, 192.0.2.9"'


def _ingress(line: Line) -> str:
    """Write the default `upstreaminfo` of ingress-nginx."""
    return f"{_combined(line)} 412 0.004 [ml-mlflow-5000] [] 10.1.0.9:5000 419 0.004 200 5b2e"


def _traefik(line: Line) -> str:
    return f'{_combined(line)} 42 "mlflow@docker" "http://10.1.0.9:5000" 4ms'


def _envoy(line: Line) -> str:
    return (
        f'[{line.iso}] "{line.request}" {line.status} - 0 419 5 4 "{line.client}" "{line.agent}" '
        '"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "mlflow:5000" "tcp://10.1.0.9:5000"'
    )


def _istio(line: Line) -> str:
    return (
        f'[{line.iso}] "{line.request}" {line.status} - via_upstream - "-" 0 419 5 4 "-" '
        f'"{line.agent}" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "mlflow:5000" "10.1.0.9:5000" '
        f"inbound|5000|| 127.0.0.6:41234 10.1.0.9:5000 {line.client}:{line.port} "
        "outbound_.5000_._.mlflow.ml.svc.cluster.local default"
    )


def _as_json(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _nginx_json(line: Line) -> str:
    path, _, query = line.target.partition("?")
    local = line.time.astimezone(timezone(timedelta(hours=2)))
    return _as_json(
        {
            "time_iso8601": f"{local:%Y-%m-%dT%H:%M:%S}+02:00",
            "remote_addr": "192.0.2.1",
            "remote_user": line.user.replace("-", ""),
            "request_method": line.method,
            "uri": path,
            "args": query,
            "status": str(line.status),
            "http_user_agent": line.agent,
            "http_x_forwarded_for": line.client,
        }
    )


def _nginx_json_request(line: Line) -> str:
    values = {
        "msec": f"{line.time.timestamp():.3f}",
        "remote_addr": line.client,
        "request": line.request,
        "status": line.status,
        "http_user_agent": line.agent,
    }
    return _as_json(values)


def _envoy_json(line: Line) -> str:
    return _as_json(
        {
            "start_time": line.iso,
            "method": line.method,
            "path": line.target,
            "protocol": "HTTP/1.1",
            "response_code": line.status,
            "x_forwarded_for": None,
            "user_agent": line.agent,
            "downstream_remote_address": f"{line.client}:{line.port}",
        }
    )


def _traefik_json(line: Line) -> str:
    values = {
        "ClientAddr": f"{line.client}:{line.port}",
        "ClientHost": line.client,
        "ClientUsername": line.user,
        "DownstreamStatus": line.status,
        "RequestMethod": line.method,
        "RequestPath": line.target,
        "StartUTC": f"{line.time:%Y-%m-%dT%H:%M:%S}.310123456Z",
        "request_User-Agent": line.agent,
        "level": "info",
    }
    return _as_json(values).replace("&", "\\u0026")


def _caddy(line: Line) -> str:
    return _as_json(
        {
            "level": "info",
            "ts": line.time.timestamp(),
            "request": {
                "remote_ip": "192.0.2.1",
                "client_ip": line.client,
                "method": line.method,
                "uri": line.target,
                "headers": {"User-Agent": [line.agent]},
            },
            "user_id": "",
            "status": line.status,
        }
    )


def _docker(line: Line) -> str:
    return _as_json({"log": f"{_uvicorn(line)}\n", "stream": "stdout", "time": line.iso})


@dataclass(frozen=True)
class Format:
    """How a request is written, and what of it that leaves out."""

    write: Callable[[Line], str]
    has_agent: bool = True
    has_time: bool = True


FORMATS: Final[Mapping[str, Format]] = {
    "uvicorn": Format(_uvicorn, has_agent=False, has_time=False),
    "uvicorn of MLflow": Format(_uvicorn_of_mlflow, has_agent=False),
    "uvicorn in colour": Format(_uvicorn_in_colour, has_agent=False),
    "uvicorn in docker's json-file": Format(_docker, has_agent=False),
    "uvicorn in docker compose": Format(
        lambda line: f"mlflow-1  | {_uvicorn_of_mlflow(line)}", has_agent=False
    ),
    "uvicorn in a container's log": Format(
        lambda line: f"{line.iso} stdout F {_uvicorn(line)}", has_agent=False
    ),
    "gunicorn, nginx combined": Format(_combined),
    "common": Format(_common, has_agent=False),
    "nginx main": Format(_nginx_main),
    "nginx by syslog": Format(lambda line: f"<190>Nov 29 19:22:08 proxy nginx: {_combined(line)}"),
    "ingress-nginx": Format(_ingress),
    "traefik": Format(_traefik),
    "envoy": Format(_envoy),
    "istio": Format(_istio),
    "nginx json": Format(_nginx_json),
    "nginx json with the request": Format(_nginx_json_request),
    "envoy json": Format(_envoy_json),
    "traefik json": Format(_traefik_json),
    "caddy json": Format(_caddy),
}
