"""The address of a version's files, as it may be shown."""

import pytest

from reconciler.core.uris import safe_artifact_uri


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("s3://bucket/1/m", "s3://bucket/1/m"),
        ("s3://key:secret@bucket/1", "s3://bucket/1"),
        ("s3://key@bucket/1", "s3://bucket/1"),
        (
            "wasbs://box@account.blob.core.windows.net/1",
            "wasbs://box@account.blob.core.windows.net/1",
        ),
        (
            "abfss://box@account.dfs.core.windows.net/1@2",
            "abfss://box@account.dfs.core.windows.net/1@2",
        ),
        (
            "abfss://box:key@account.dfs.core.windows.net/1",
            "abfss://account.dfs.core.windows.net/1",
        ),
        ("wasbs://box@host/1?token=x&v=2", "wasbs://box@host/1?v=2"),
        ("mlflow-artifacts:/1/m", "mlflow-artifacts:/1/m"),
        ("/srv/a@b", "/srv/a@b"),
    ],
)
def test_the_container_of_an_address_stays_and_credentials_do_not(uri: str, shown: str) -> None:
    assert safe_artifact_uri(uri) == shown
