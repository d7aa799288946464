"""The bucket that MLflow stores in. As a script, it makes the one that is named."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]


class Bucket:
    """A bucket of the server that the variables lead to, as they lead MLflow there."""

    def __init__(self, name: str, variables: Mapping[str, str]) -> None:
        self.name = name
        self._saved: dict[str, str] = {}
        self._client = boto3.client(
            "s3",
            endpoint_url=variables["MLFLOW_S3_ENDPOINT_URL"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_DEFAULT_REGION"],
        )

    def make(self) -> None:
        """Make it, unless it is there."""
        if self.name not in {found["Name"] for found in self._client.list_buckets()["Buckets"]}:
            self._client.create_bucket(Bucket=self.name)

    def restore(self, folder: Path) -> None:
        """Upload what was saved in a folder."""
        for path in folder.rglob("*"):
            if path.is_file():
                key = path.relative_to(folder).as_posix()
                self._client.upload_file(str(path), self.name, key)
        self._saved = dict(self._objects())

    def save(self, folder: Path) -> None:
        """Save the objects that are new or changed; what was deleted stays in the folder."""
        # One that is deleted meanwhile, or a server that ends: the next time does the rest.
        with suppress(BotoCoreError, ClientError):
            for key, content in self._objects():
                path = (folder / key).resolve()
                if self._saved.get(key) != content and path.is_relative_to(folder):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    self._client.download_file(self.name, key, str(path))
                    self._saved[key] = content

    def _objects(self) -> Iterator[tuple[str, str]]:
        """Yield the key of each object, with what tells its content."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            for found in page.get("Contents", []):
                yield found["Key"], found["ETag"]


if __name__ == "__main__":
    Bucket(sys.argv[1], os.environ).make()
