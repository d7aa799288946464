"""A registry behind a gateway or a proxy, for the command line and for the API."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

import reconciler
from tests.support.registries.lab import Lab
from tests.support.registries.plugin_packages import GATEWAY, HEADERS, install
from tests.support.registries.servers import Answer, Request, free_port, proxy

_LOGIN = Answer(302, b"", {"Location": "https://sso.example/login?ticket=1"})


def _gate(request: Request) -> Answer | None:
    return None if "Proxy-Authorization" in request.headers else _LOGIN


def test_a_gateway_is_passed_with_its_plugin_and_told_without(lab: Lab, tmp_path: Path) -> None:
    model = lab.model(1)
    lab.declare(model, "versions:\n  1: {stage: Production}\n")
    folder = install(tmp_path / "site", "gateway", GATEWAY, HEADERS, {"gateway": "Gateway"})
    with proxy(lab.uri, before=_gate) as gateway:
        lab.environ["MLFLOW_TRACKING_URI"] = gateway.uri
        refused = lab.run("plan")
        with lab.started("apply", "--yes", env={"PYTHONPATH": str(folder)}) as process:
            out, err = process.communicate(timeout=60)

    assert refused.code == 6
    assert "sends to https://sso.example/login;" in refused.text
    assert "mlflow.request_header_provider" in refused.text
    assert process.returncode == 0, out + err
    assert lab.hand.values(model)["v1 stage"] == "Production"


def test_the_api_uses_the_proxy_of_its_own_environ_and_tells_a_dead_one(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, "versions:\n  1: {stage: Staging}\n")

    def open_with(through: str) -> reconciler.Reconciler:
        environ = lab.git.env | {"MLFLOW_TRACKING_URI": lab.uri, "HTTP_PROXY": through}
        return reconciler.open("registry-state", root=lab.git.root, environ=environ)

    with proxy(lab.uri, rewrite=lambda url: url.removeprefix(lab.uri)) as between:
        plan = open_with(between.uri).plan()
    assert len(plan.changes) == 1
    assert between.requests
    assert all(urlsplit(request.path).netloc for request in between.requests)

    dead = f"http://ann:s3cret@127.0.0.1:{free_port()}"
    with pytest.raises(reconciler.RegistryError) as caught:
        open_with(dead).plan()
    assert f"the proxy http://{dead.partition('@')[2]} (HTTP_PROXY)" in caught.value.message
    assert "s3cret" not in str(caught.value)
