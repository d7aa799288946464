"""MLflow servers that ask who somebody is, or hold one registry for each team."""

import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

from tests.support.registries.servers import MlflowSeeds, mlflow_server

_ADMIN: Final = "admin"
_PASSWORD: Final = "password of twelve and more"  # noqa: S105  of a server that the tests start


@dataclass(frozen=True)
class AuthServer:
    """A server with MLflow's basic-auth; a user without a permission may read every model."""

    uri: str

    def credentials(self, user: str = _ADMIN) -> Mapping[str, str]:
        """Return the variables with which a user signs in."""
        return {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": _PASSWORD}

    def add_user(self, user: str, permissions: Mapping[str, str] | None = None) -> None:
        """Create a user, with a permission (READ, EDIT, MANAGE, DENY) on each model."""
        client = self._client()
        with mock.patch.dict("os.environ", self.credentials()):
            client.create_user(user, _PASSWORD)
            for model, permission in (permissions or {}).items():
                client.grant_user_permission(user, "registered_model", model, permission)

    def _client(self) -> Any:
        from mlflow.server.auth.client import AuthServiceClient  # noqa: PLC0415  1.1 s

        return AuthServiceClient(self.uri)


@contextmanager
def auth_server(folder: Path, template: Path) -> Iterator[AuthServer]:
    """Run a server with basic-auth on a copy of an empty registry."""
    settings = folder / "basic_auth.ini"
    settings.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/users.db\n"
        f"admin_username = {_ADMIN}\nadmin_password = {_PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "auth_cache_ttl_seconds = 3600\n"  # else it hashes the password for each request: 70 ms
    )
    database = shutil.copy(template, folder / "server.db")
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the tests",
    }
    options = ("--app-name", "basic-auth")
    backend = f"sqlite:///{database}"
    with mlflow_server(folder, backend, options=options, variables=variables) as uri:
        yield AuthServer(uri)


@dataclass(frozen=True)
class WorkspacesServer:
    """A server that was started with `--enable-workspaces`."""

    uri: str

    def add_workspace(self, name: str) -> None:
        """Create a workspace."""
        request = urllib.request.Request(  # noqa: S310  our own loopback address
            f"{self.uri}/api/3.0/mlflow/workspaces",
            json.dumps({"name": name}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310  as above
            pass

    @contextmanager
    def seeds(self, workspace: str) -> Iterator[MlflowSeeds]:
        """Create models in one workspace, as a client with MLFLOW_WORKSPACE does."""
        with mock.patch.dict("os.environ", {"MLFLOW_WORKSPACE": workspace}):
            yield MlflowSeeds(self.uri)


@contextmanager
def workspaces_server(folder: Path, template: Path) -> Iterator[WorkspacesServer]:
    """Run a server with workspaces on a copy of an empty registry."""
    database = shutil.copy(template, folder / "server.db")
    options = ("--enable-workspaces",)
    with mlflow_server(folder, f"sqlite:///{database}", options=options) as uri:
        yield WorkspacesServer(uri)
