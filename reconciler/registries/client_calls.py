"""Calls MLflow's client, counts the calls, and translates its errors."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.uris import credentials_in, safe_uri
from reconciler.errors import AnswerLost, RegistryError
from reconciler.registries.auth import redact
from reconciler.registries.error_mapping import from_code, shortened
from reconciler.registries.lent_environment import importing_quietly

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

_LOCAL_HINT: Final = 'pip install "mlflow-reconciler[local]", and the driver of the database'


class ClientCalls:
    """The calls to one server or store; thread-safe."""

    def __init__(self, uri: str, environ: Mapping[str, str]) -> None:
        self.uri = safe_uri(uri)
        self._given = uri
        self._secrets = (
            *(credentials_in(uri) or ())[1:],
            environ.get("MLFLOW_TRACKING_PASSWORD", ""),
            environ.get("MLFLOW_TRACKING_TOKEN", ""),
        )
        self._sent = 0
        self._counting = threading.Lock()

    @property
    def sent(self) -> int:
        """The number of calls so far."""
        return self._sent

    def ask(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401  MLflow's own entities
        """Return the answer of the client to one call; raises `RegistryError`."""
        with self._counting:
            self._sent += 1
        with self.translated():
            return question()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise MLflow's errors as ours, and so a package that is not installed."""
        try:
            with importing_quietly():
                from mlflow.exceptions import MlflowException  # noqa: PLC0415  1.1 s, only where needed

            try:
                yield
            except MlflowException as error:
                raise self._failure(error) from error
        except ImportError as error:
            message = f"`{self.uri}` needs a package that is not installed: {error}"
            raise RegistryError(message, hint=_LOCAL_HINT) from error

    def message(self, text: str) -> str:
        """Return a text of the client without credentials, after the URI."""
        text = redact(text.replace(self._given, self.uri), self._secrets)
        return f"{self.uri}: {shortened(text)}"

    def _failure(self, error: "MlflowException") -> RegistryError:
        text = str(error)
        if text.startswith("API request to"):
            return AnswerLost(self.message(text))
        return from_code(error.error_code, self.message(text))
