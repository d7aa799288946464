"""Asks a server with MLflow's basic-auth what the user may do; other servers manage nobody.

Newer servers tell the permission that counts. Older ones, such as 2.9 and 2.22, list those that
were granted, and not the one that everybody has besides (`default_permission`).
"""

from collections.abc import Collection, Mapping
from typing import Final

from reconciler.errors import Forbidden, Rejected
from reconciler.ports.parallel import each
from reconciler.ports.registry import UserAccess
from reconciler.registries.http_client import Http
from reconciler.registries.responses import PermissionRow, UserRow, row

_USERS: Final = "api/2.0/mlflow/users"
_EFFECTIVE: Final = "api/3.0/mlflow/users/permissions/get"
_THREADS: Final = 8
_ALL: Final = "MANAGE"


def user_of(http: Http) -> str | None:
    """Return the registry's own name for the user, None where it manages no users."""
    user = _user(http)
    return user.username if user else None


def user_access(http: Http, models: Collection[str]) -> UserAccess:
    """Return who the credentials belong to, and their permission on each of these models."""
    user = _user(http)
    if user is None:
        return UserAccess(None, is_managed=False)
    if user.is_admin:
        return UserAccess(user.username, permissions=dict.fromkeys(sorted(models), _ALL))
    found: dict[str, str | None] = {}

    def read(model: str) -> None:
        found[model] = _effective(http, user.username, model)

    each(read, sorted(models)[:1], threads=1)
    if None in found.values():  # a server that does not know the question
        granted = _granted(http, user)
        found = {model: granted.get(model) for model in models}
    else:
        each(read, sorted(models)[1:], threads=_THREADS)
    return UserAccess(user.username, permissions=dict(sorted(found.items())))


def _user(http: Http) -> UserRow | None:
    answer = _asked(http, f"{_USERS}/current", {})
    if answer is None and http.user is not None:
        answer = _asked(http, f"{_USERS}/get", {"username": http.user})
    return None if answer is None else row(UserRow, answer, "user")


def _granted(http: Http, user: UserRow) -> Mapping[str, str]:
    answer = _asked(http, f"{_USERS}/get", {"username": user.username})
    known = user if answer is None else row(UserRow, answer, "user")
    return {one.name: one.permission for one in known.registered_model_permissions}


def _effective(http: Http, user: str, model: str) -> str | None:
    asked = {"username": user, "resource_type": "registered_model", "resource_id": model}
    answer = _asked(http, _EFFECTIVE, asked)
    return None if answer is None else row(PermissionRow, {"of": answer}, "of").permission


def _asked(http: Http, path: str, params: Mapping[str, str]) -> Mapping[str, object] | None:
    """Return the answer, None from a server that does not know the question."""
    try:
        return http.get(path, params)
    except Forbidden:
        raise
    except Rejected:
        return None
