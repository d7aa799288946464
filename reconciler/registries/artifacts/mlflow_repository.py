"""Opens MLflow's artifact repositories; they know the stores of every cloud."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


class ByteStream(Protocol):
    """A file of a store that is read as it arrives."""

    def read(self, amount: int, /) -> bytes:
        """Return the next bytes, none at the end."""
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


def open_artifacts(folder: str, tracking_uri: str, registry_uri: str) -> "ArtifactRepository":
    """Return a reader of the files in an artifact folder."""
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415  1.1 s, only where needed
        get_artifact_repository,
    )

    return get_artifact_repository(folder, tracking_uri, registry_uri)


def stream_of(repository: Any, path: str) -> ByteStream | None:  # noqa: ANN401  its methods are not typed
    """Return a file of S3 by MLflow's own client for it; None for any other store.

    MLflow downloads in a pool of threads, and Python would wait at exit until those have all of
    the file: after Ctrl-C, too.
    """
    if type(repository).__name__ != "S3ArtifactRepository":
        return None
    bucket, root = repository.parse_s3_compliant_uri(repository.artifact_uri)
    owner = getattr(repository, "_bucket_owner_params", {})
    key = f"{root.rstrip('/')}/{path}".lstrip("/")
    answer = repository._get_s3_client().get_object(Bucket=bucket, Key=key, **owner)  # noqa: SLF001
    stream: ByteStream = answer["Body"]
    return stream
