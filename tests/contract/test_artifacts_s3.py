"""The files of versions in S3: read with the team's own credentials, and passed on by a server."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import AnswerLost, NotFound, RegistryError
from reconciler.registries.connect import connect
from tests.support.registries.artifacts_lab import FILES, ArtifactsLab, signed_digest, write_files
from tests.support.registries.servers import Answer, Request, free_port, mlflow_server, proxy

_SECRET = "s3cret-access-key"  # noqa: S105  what must not be told


@dataclass(frozen=True)
class S3:
    """An S3 server; `variables` lead MLflow's client, and its server, to it."""

    uri: str
    client: Any

    @property
    def variables(self) -> dict[str, str]:
        return {
            "MLFLOW_S3_ENDPOINT_URL": self.uri,
            "AWS_ACCESS_KEY_ID": "an-access-key",
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture(name="s3", scope="module")
def s3_fixture() -> Iterator[S3]:
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  for who needs it
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  the same

    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = S3(f"http://{host}:{port}", None)
    client = boto3.client(
        "s3",
        endpoint_url=found.uri,
        aws_access_key_id="an-access-key",
        aws_secret_access_key=_SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="models")
    yield S3(found.uri, client)
    server.stop()


@pytest.fixture(autouse=True, scope="module")
def _credentials(s3: S3) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.variables.items():
            patch.setenv(name, value)
        patch.setenv("AWS_CONFIG_FILE", "/nowhere")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        yield


@pytest.fixture(name="server", scope="module")
def server_fixture(
    s3: S3, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run a server that passes on what is below one prefix, and stores by `s3:` elsewhere."""
    folder = tmp_path_factory.mktemp("s3")
    database = shutil.copy(sqlite_template, folder / "server.db")
    options = ("--artifacts-destination", "s3://models/passed-on")
    with mlflow_server(
        folder, f"sqlite:///{database}", options=options, variables=s3.variables
    ) as uri:
        yield uri


@pytest.fixture(name="folder", scope="module")
def folder_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("model") / "files")


@pytest.mark.parametrize(
    "root", ["s3://models/direct", "mlflow-artifacts:/runs"], ids=["direct", "passed-on"]
)
def test_a_model_in_s3_has_the_digest_of_model_signing(
    server: str, folder: Path, root: str, name: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = ArtifactsLab(server, root, {})
    model_id, _ = lab.log_model(folder)
    version = lab.register(name(), f"models:/{model_id}", model_id=model_id)
    lab.client.copy_model_version(f"models:/{name()}/{version}", name("-copy"))

    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # nothing is copied to this machine
    found = lab.read(name(), version)

    assert found.digest == signed_digest(folder) == lab.read(name("-copy"), 1).digest
    assert found.size == sum(map(len, FILES.values()))


@pytest.fixture(name="direct")
def direct_fixture(sqlite_uri: str, s3: S3) -> Callable[[str], ArtifactsLab]:
    """Register, in a database, a version whose files are anywhere in S3."""
    s3.client.put_object(Bucket="models", Key="m/MLmodel", Body=b"flavors: {}")
    s3.client.put_object(Bucket="models", Key="m/weights", Body=b"12345")
    lab = ArtifactsLab(sqlite_uri, "s3://models/m", {})

    def at(place: str) -> ArtifactsLab:
        lab.register("m", place)
        return lab

    return at


def test_a_bucket_that_does_not_exist_is_said_in_the_stores_own_words(
    direct: Callable[[str], ArtifactsLab],
) -> None:
    with pytest.raises(NotFound, match=r"s3://elsewhere/m.* The specified bucket does not exist"):
        direct("s3://elsewhere/m").read("m", 1)


@pytest.mark.parametrize(("content", "how"), [(b"123456", "more"), (b"1234", "fewer")])
def test_an_object_that_changes_between_listing_and_reading_is_refused(
    direct: Callable[[str], ArtifactsLab], s3: S3, content: bytes, how: str
) -> None:
    registry = connect(direct("s3://models/m").uri, {}, timeout=20.0)
    artifacts = registry.artifacts("m", 1)
    artifacts.listing()
    s3.client.put_object(Bucket="models", Key="m/weights", Body=content)
    with pytest.raises(RegistryError, match=rf"`s3://models/m/weights` has {how} bytes than the 5"):
        artifacts.read()
    s3.client.delete_object(Bucket="models", Key="m/weights")
    with pytest.raises(RegistryError, match=r"s3://models/m/weights` .* key does not exist"):
        artifacts.read()


_BROKEN = 20_000_000  # bytes, more than a connection holds on its way


@pytest.mark.parametrize("times", [2, 100], ids=["twice", "always"])
def test_an_object_whose_answer_breaks_is_read_again_from_its_start(
    times: int, direct: Callable[[str], ArtifactsLab], s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(_BROKEN)
    for key in ("big/MLmodel", "big/one", "big/two"):
        s3.client.put_object(
            Bucket="models", Key=key, Body=content if key != "big/MLmodel" else b"x"
        )
    left = iter(range(times))

    def cut(request: Request) -> Answer | None:
        if not request.path.endswith("/big/one") or next(left, None) is None:
            return None
        return Answer(200, content[: _BROKEN // 2], {"ETag": '"x"'}, length=_BROKEN)

    with proxy(s3.uri, before=cut) as store:
        monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", store.uri)
        lab = direct("s3://models/big")
        if times == 2:
            assert sorted(file.size for file in lab.read("m", 1).files) == [1, _BROKEN, _BROKEN]
            return
        with pytest.raises(AnswerLost, match=r"^`s3://models/big/one` broke off: ") as caught:
            lab.read("m", 1)
    assert caught.value.hint is None  # the credentials are not to blame


def test_a_folder_without_files_is_not_a_model(direct: Callable[[str], ArtifactsLab]) -> None:
    with pytest.raises(RegistryError, match="`s3://models/nothing` holds no file of a model"):
        direct("s3://models/nothing").read("m", 1)


def test_credentials_that_are_missing_are_named(
    direct: Callable[[str], ArtifactsLab], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    _forget_clients()

    with pytest.raises(
        RegistryError, match=r"s3://models/m.* Unable to locate credentials"
    ) as caught:
        direct("s3://models/m").read("m", 1)
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in str(caught.value.hint)
    assert caught.value.code == 6


def test_credentials_that_are_wrong_are_said_without_being_told(
    direct: Callable[[str], ArtifactsLab], s3: S3
) -> None:
    """Moto checks signatures from here on, until its user is gone again."""
    _forget_clients()
    _moto(s3, "POST", "/moto-api/reset-auth", b"0")
    try:
        with pytest.raises(
            RegistryError, match=r"Access Key Id you provided does not exist"
        ) as caught:
            direct("s3://models/m").read("m", 1)
    finally:
        _moto(s3, "POST", "/moto-api/reset-auth", b"inf")
    for text in (caught.value.message, str(caught.value.hint)):
        assert _SECRET not in text
        assert "an-access-key" not in text


def test_a_package_that_is_missing_is_named_with_what_installs_it(
    direct: Callable[[str], ArtifactsLab], monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_clients()
    for module in [name for name in sys.modules if name.partition(".")[0] == "boto3"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(
        RegistryError, match=r"needs a package that is not installed.*boto3"
    ) as caught:
        direct("s3://models/m").read("m", 1)
    assert caught.value.hint == "pip install boto3"


@pytest.mark.parametrize(
    ("place", "installs"),
    [
        ("gs://bucket/m", "google-cloud-storage"),
        ("wasbs://box@account.blob.core.windows.net/m", "azure-storage-blob azure-identity"),
        (
            "abfss://box@account.dfs.core.windows.net/m",
            "azure-storage-file-datalake azure-identity",
        ),
    ],
)
def test_other_clouds_name_what_installs_them(
    direct: Callable[[str], ArtifactsLab], place: str, installs: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        direct(place).read("m", 1)
    assert caught.value.hint == f"pip install {installs}"


def test_a_store_that_is_away_is_said(
    direct: Callable[[str], ArtifactsLab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RegistryError, match="Could not connect to the endpoint URL"):
        direct("s3://models/m").read("m", 1)


@pytest.mark.parametrize("key", ["odd/a\\b", "odd/../x"])
def test_a_key_that_is_no_path_is_refused(
    direct: Callable[[str], ArtifactsLab], s3: S3, key: str
) -> None:
    lab = direct("s3://models/odd")
    s3.client.put_object(Bucket="models", Key="odd/MLmodel", Body=b"x")
    s3.client.put_object(Bucket="models", Key=key, Body=b"x")
    try:
        with pytest.raises(RegistryError, match=r"`s3://models/odd` lists "):
            lab.read("m", 1)
    finally:
        s3.client.delete_object(Bucket="models", Key=key)


def _forget_clients() -> None:
    import boto3  # noqa: PLC0415  for who needs it
    from mlflow.store.artifact import s3_artifact_repo  # noqa: PLC0415  for who needs it

    boto3.DEFAULT_SESSION = None
    s3_artifact_repo._cached_get_s3_client.cache_clear()  # noqa: SLF001  MLflow keeps one for minutes


def _moto(s3: S3, method: str, path: str, body: bytes) -> None:
    import requests  # noqa: PLC0415  for who needs it

    requests.request(method, f"{s3.uri}{path}", data=body, timeout=10).raise_for_status()
