"""Sends one change to the registry until it is confirmed, refused, or out of time.

A request that was not executed is sent again after a pause; one that may have been executed, only
after a read; one that the server refused is not sent again.
"""

import random
import threading
import time
from dataclasses import dataclass, field

from typing_extensions import assert_never

from reconciler.core.changes import Change
from reconciler.core.diff import same
from reconciler.core.state import COMMIT_TAG, OWNER_TAG, Field, Live, Value
from reconciler.errors import AnswerLost, Conflict, Forbidden, RegistryError, Unavailable
from reconciler.planning.live_state import read_one
from reconciler.ports.registry import Registry

_LONGEST_PAUSE = 8.0  # seconds between two attempts, unless the server asks for more


class Stopped(Exception):
    """The run was stopped before this request was sent."""


class Moved(Exception):
    """A value is neither the planned `before` nor `after`: another writer changed it."""


@dataclass
class Writer:
    """Sends the writes of one model; `timeout` is in seconds for all of them together.

    `stop` ends the sending between two requests.
    """

    registry: Registry
    stop: threading.Event
    timeout: float
    deadline: float = field(init=False)
    lost: bool = field(default=False, init=False)  # a request without an answer may still arrive

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.timeout

    def write(self, change: Change) -> int | None:
        """Send `change` until the registry confirms it.

        Return the model's `updated` after a change of a stage, None where it is not certain.

        Raises `Stopped`, `Moved`, or the `RegistryError` of the last attempt.
        """
        pause, conflicts = 0.25, 0
        while True:
            if self.stop.is_set():
                raise Stopped
            try:
                return send(self.registry, change)
            except Unavailable as error:
                self._wait(error, max(pause, error.retry_after or 0.0))
            except (AnswerLost, Conflict) as error:
                self.lost = self.lost or isinstance(error, AnswerLost)
                conflicts += isinstance(error, Conflict)
                if self._has_landed(change, error):
                    return None
                if conflicts > 1:
                    raise
                self._wait(error, pause)
            except Forbidden as error:
                raise _explained(error, change) from error
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _wait(self, error: RegistryError, seconds: float) -> None:
        seconds *= random.uniform(1.0, 1.25)  # noqa: S311  jitter, not a secret
        if time.monotonic() + seconds > self.deadline:
            raise error
        self.stop.wait(seconds)

    def _has_landed(self, change: Change, error: RegistryError) -> bool:
        """Return whether a change took effect after an unclear answer; raises `Moved`."""
        try:
            live = read_one(self.registry, change.model, change.versions)
        except RegistryError as unread:
            message = f"{error.message}; reading it back failed too: {unread.message}"
            raise AnswerLost(message, hint=error.hint) from unread
        value = value_of(live, change.field)
        if same(change.field, value, change.after):
            return True
        if same(change.field, value, change.before):
            return False
        shown = "no value" if value is None else f"`{value}`"
        raise Moved(f"{change.field} was changed to {shown} during the apply")


def send(registry: Registry, change: Change) -> int | None:
    """Send one change once; raises `RegistryError` when the registry does not confirm it.

    Return the model's `updated` after a change of a stage.
    """
    address, after = change.field, change.after
    match address.name:
        case "stage":
            return _send_stage(registry, change)
        case "alias":
            alias = address.key or ""
            if after is None:
                registry.delete_alias(change.model, alias)
            else:
                registry.set_alias(change.model, alias, int(after))
        case "tag":
            key = address.key or ""
            if after is None:
                registry.delete_tag(change.model, address.version, key)
            else:
                registry.set_tag(change.model, address.version, key, str(after))
        case "description":
            registry.set_description(change.model, address.version, str(after or ""))
        case _:
            assert_never(address.name)
    return None


def value_of(live: Live, address: Field) -> Value | None:
    """Return a live value, the reconciler's own two tags included; None without one."""
    if address == Field("tag", None, COMMIT_TAG):
        return live.commit
    if address == Field("tag", None, OWNER_TAG):
        return live.owner
    return live.fields.get(address)


def _send_stage(registry: Registry, change: Change) -> int | None:
    if change.field.version is None:
        raise AssertionError(change)
    placed = registry.set_stage(change.model, change.field.version, str(change.after))
    if placed.stage != change.after:
        message = f"stage {change.after} was requested, but the registry returned {placed.stage}"
        raise RegistryError(message)
    return placed.updated


def _explained(error: Forbidden, change: Change) -> Forbidden:
    if not error.is_known or change.permission != "MANAGE":
        return error
    return Forbidden(
        error.message, hint="removing an alias or a version tag needs the permission MANAGE"
    )


def record_change(model: str, tag: str, before: str | None, after: str) -> Change:
    """Return the write of one of the reconciler's own two tags; it is not part of a plan."""
    return Change(model, Field("tag", None, tag), before, after, "declared")
