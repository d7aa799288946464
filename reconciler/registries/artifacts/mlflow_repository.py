"""Opens MLflow's artifact repositories; they know the stores of every cloud."""

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

# The libraries of artifact stores have their own exception classes.
_STORE_ERRORS: Final = (
    ("botocore.exceptions", ("BotoCoreError", "ClientError")),
    ("google.api_core.exceptions", ("GoogleAPIError",)),
    ("google.auth.exceptions", ("GoogleAuthError",)),
    ("azure.core.exceptions", ("AzureError",)),
)


def open_artifacts(folder: str, tracking_uri: str, registry_uri: str) -> "ArtifactRepository":
    """Return a reader of the files in an artifact folder."""
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415  1.1 s, only where needed
        get_artifact_repository,
    )

    return get_artifact_repository(folder, tracking_uri, registry_uri)


def store_errors() -> tuple[type[Exception], ...]:
    """Return the exception classes of the storage libraries that were loaded."""
    loaded = (
        getattr(sys.modules[module], name)
        for module, names in _STORE_ERRORS
        if module in sys.modules
        for name in names
    )
    return (OSError, *loaded)
