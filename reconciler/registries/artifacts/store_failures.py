"""Translates what MLflow's artifact repositories raise: the store's own words, without secrets."""

import re
from typing import Final, NamedTuple

from reconciler.core.uris import scheme_of
from reconciler.errors import AnswerLost, NotFound, RegistryError
from reconciler.registries.auth import redact
from reconciler.registries.error_mapping import shortened
from reconciler.registries.lent_environment import process_secrets


class _Store(NamedTuple):
    packages: str
    credentials: str


_S3: Final = _Store(
    "boto3",
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or the role of this machine; where it"
    " is not Amazon's, MLFLOW_S3_ENDPOINT_URL",
)
_AZURE: Final = "AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCESS_KEY, or `az login`"
_HDFS: Final = _Store("pyarrow", "MLFLOW_KERBEROS_TICKET_CACHE and MLFLOW_KERBEROS_USER")
_DATABRICKS: Final = _Store("databricks-sdk", "DATABRICKS_HOST and DATABRICKS_TOKEN")
_STORES: Final = {
    "s3": _S3,
    "r2": _S3,
    "b2": _S3,
    "gs": _Store(
        "google-cloud-storage",
        "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
    ),
    "wasbs": _Store("azure-storage-blob azure-identity", _AZURE),
    "abfss": _Store("azure-storage-file-datalake azure-identity", _AZURE),
    "hdfs": _HDFS,
    "viewfs": _HDFS,
    "dbfs": _DATABRICKS,
    "models": _DATABRICKS,
}
# A signed URL has its signature in the query, and other URLs their password before the host.
_QUERY: Final = re.compile(r"(://[^\s?'\"<>]*)\?[^\s'\"<>]*")
_USER: Final = re.compile(r"://[^/\s@]+@")


def store_failure(uri: str, where: str, error: Exception) -> RegistryError:
    """Return our error for one of a store's library; `where` says what could not be read."""
    store = _STORES.get(scheme_of(uri))
    if isinstance(error, ImportError):
        packages = store.packages if store else error.name or "of that store"
        message = f"`{where}` needs a package that is not installed: {_words(error)}"
        return RegistryError(message, hint=f"pip install {packages}")
    message = f"`{where}` cannot be read: {_words(error)}"
    if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
        return NotFound(message)
    hint = f"reading it from here needs {store.credentials}" if store else None
    return RegistryError(message, hint=hint)


def broken_stream(where: str, error: Exception) -> AnswerLost:
    """Return our error for a file whose reading had begun: who may read it is not in question."""
    return AnswerLost(f"`{where}` broke off: {_words(error)}")


def _words(error: Exception) -> str:
    """Return what an error says, on one line."""
    text = " ".join(str(error).split())
    text = _USER.sub("://", _QUERY.sub(r"\1", text))
    kind = type(error).__name__
    named = text if kind == "MlflowException" else f"{kind}: {text}" if text else kind
    return shortened(redact(named, process_secrets()))
