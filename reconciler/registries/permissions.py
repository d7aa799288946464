"""Asks a server with MLflow's basic-auth what the user may do; other servers manage nobody.

Newer servers tell the permission that counts. Older ones, such as 2.9 and 2.22, list those that
were granted, and not the one that everybody has besides (`default_permission`).
"""

from collections.abc import Collection, Mapping
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.errors import Forbidden, RegistryError, Rejected
from reconciler.ports.parallel import each
from reconciler.ports.registry import UserAccess
from reconciler.registries.http_client import Http

_USERS: Final = "api/2.0/mlflow/users"
_EFFECTIVE: Final = "api/3.0/mlflow/users/permissions/get"
_THREADS: Final = 8
_ALL: Final = "MANAGE"


class _Granted(BaseModel):
    name: str
    permission: str


class _User(BaseModel):
    username: str
    is_admin: bool = False
    registered_model_permissions: list[_Granted] = []


class _Effective(BaseModel):
    permission: str


_RowT = TypeVar("_RowT", bound=BaseModel)


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


def _user(http: Http) -> _User | None:
    answer = _asked(http, f"{_USERS}/current", {})
    if answer is None and http.user is not None:
        answer = _asked(http, f"{_USERS}/get", {"username": http.user})
    return None if answer is None else _parsed(_User, answer.get("user"))


def _granted(http: Http, user: _User) -> Mapping[str, str]:
    answer = _asked(http, f"{_USERS}/get", {"username": user.username})
    known = user if answer is None else _parsed(_User, answer.get("user"))
    return {one.name: one.permission for one in known.registered_model_permissions}


def _effective(http: Http, user: str, model: str) -> str | None:
    asked = {"username": user, "resource_type": "registered_model", "resource_id": model}
    answer = _asked(http, _EFFECTIVE, asked)
    return None if answer is None else _parsed(_Effective, answer).permission


def _asked(http: Http, path: str, params: Mapping[str, str]) -> Mapping[str, object] | None:
    """Return the answer, None from a server that does not know the question."""
    try:
        return http.get(path, params)
    except Forbidden:
        raise
    except Rejected:
        return None


def _parsed(kind: type[_RowT], value: object) -> _RowT:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise RegistryError("what the registry tells of its users has another form") from error
