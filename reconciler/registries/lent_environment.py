"""Sets the environment variables that MLflow reads from the process, only while it reads them."""

import os
import re
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from reconciler.errors import UsageError

_SECRET: Final = re.compile(r"SECRET|KEY|TOKEN|PASS|CONNECTION_STRING|SAS")
_SHORTEST_SECRET: Final = 8  # a shorter one is a setting, or would redact ordinary words

_lock = threading.Lock()
_importing = threading.Lock()
_borrowers: Counter[str] = Counter()
_set: dict[str, str] = {}  # the first borrower's value, which holds for all of them


@contextmanager
def lent(name: str, value: str) -> Iterator[None]:
    """Set an environment variable that is not set, until its last user is done.

    A value that the surrounding program has set is kept, and so is one that it sets meanwhile.
    """
    with _lock:
        is_ours = _borrowers[name] > 0 or name not in os.environ
        if is_ours:
            if name not in os.environ:
                os.environ[name] = _set[name] = value
            _borrowers[name] += 1
    try:
        yield
    finally:
        with _lock:
            if is_ours:
                _borrowers[name] -= 1
                if not _borrowers[name] and os.environ.get(name) == _set.pop(name):
                    del os.environ[name]


def process_secrets() -> tuple[str, ...]:
    """Return the values of variables that look like secrets: libraries read them by themselves."""
    return tuple(
        value
        for name, value in os.environ.items()
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET
    )


def require_same(environ: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise `UsageError` where MLflow's client would use another registry than the caller's.

    `names` are variables that select it; the client reads them from the process alone.
    """
    for name in names:
        if os.environ.get(name, "").strip() != environ.get(name, "").strip():
            raise UsageError(
                f"MLflow's client reads {name} from this process, and `environ` has another value",
                hint="use the same value in both",
            )


@contextmanager
def importing_quietly() -> Iterator[None]:
    """Keep MLflow's first import from changing the surrounding process.

    It would set levels and handlers on four loggers, and leave an identifier for its telemetry in
    the environment.
    """
    with _importing, ExitStack() as quiet:  # a second thread waits until the import is complete
        if "mlflow" not in sys.modules:
            quiet.enter_context(lent("MLFLOW_CONFIGURE_LOGGING", "false"))
            quiet.enter_context(lent("_MLFLOW_TELEMETRY_SESSION_ID", uuid.uuid4().hex))
        yield
