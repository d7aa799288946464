"""What loads a version reads it as it was meant, whatever is in the values."""

import io
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.errors import UsageError
from reconciler.render.inspection import resolved as render

_KEYS = ("MODEL_NAME", "MODEL_DIGEST", "MODEL_STAGE")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_HOSTILE = st.text(
    st.sampled_from("'\"\\$`{}()#!;&|<>*?~=: \n\r\t-\x00\x1b\u2028é🙂aN"), max_size=12
)
_VALUES = st.lists(_TEXT | _HOSTILE, min_size=3, max_size=3)
_SH = shutil.which("sh")
_DNS = r"[a-z]([-a-z0-9]*[a-z0-9])?"


def _read_by_shell(lines: str, keys: tuple[str, ...] = _KEYS) -> list[str]:
    """Return the variables after a real shell has read the lines from its standard input."""
    assert _SH
    asked = "; ".join(f"printf '%s\\0' \"${key}\"" for key in keys)
    done = subprocess.run(
        [_SH, "-eu", "-c", f'set -a; eval "$(cat)"; {asked}'],
        input=lines.encode(),
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=60, deadline=None)
@given(_VALUES)
def test_a_shell_reads_every_value_as_it_was_meant(values: list[str]) -> None:
    assume(not any("\0" in value for value in values))
    lines = render.env(dict(zip(_KEYS, values, strict=True)))
    assert _read_by_shell(lines) == values


@settings(max_examples=300, deadline=None)
@given(_VALUES)
def test_a_dotenv_reader_and_a_shell_read_what_is_not_refused(values: list[str]) -> None:
    variables = dict(zip(_KEYS, values, strict=True))
    try:
        lines = render.dotenv(variables)
    except UsageError:
        assert any(not set('"\\$`').isdisjoint(v) or not v.isprintable() for v in values)
        return
    assert dotenv_values(stream=io.StringIO(lines)) == variables
    assert lines.count("\n") == len(_KEYS)


def test_a_dotenv_file_can_be_sourced_too() -> None:
    values = ["it's # no comment", "models:/fraud & co/3", ""]
    assert _read_by_shell(render.dotenv(dict(zip(_KEYS, values, strict=True)))) == values


@pytest.mark.parametrize("hostile", ['a"b', "a\\b", "${HOME}", "$(id)", "`id`", "a\nb", "\x85"])
def test_what_readers_take_differently_is_refused_by_its_name(hostile: str) -> None:
    with pytest.raises(UsageError) as caught:
        render.dotenv({"MODEL_NAME": hostile})
    assert caught.value.message.startswith("MODEL_NAME has '")
    assert caught.value.hint == "use `--format env` or `--format json`"


def test_no_variable_holds_a_nul() -> None:
    with pytest.raises(UsageError, match="MODEL_NAME has a NUL"):
        render.env({"MODEL_NAME": "a\0b"})


def _service(model: str, uri: str | None = "s3://bucket/1", **more: str) -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load(render.kserve(model, 4, uri, more))
    return service


def test_an_inference_service_names_the_files_the_version_and_the_digest() -> None:
    told = {"mlflow-reconciler/model": "fraud", "mlflow-reconciler/version": "4"}
    assert _service("fraud", "s3://bucket/1/models/m-1/artifacts", digest="sha256:ab") == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "fraud",
            "labels": told,
            "annotations": told | {"mlflow-reconciler/digest": "sha256:ab"},
        },
        "spec": {
            "predictor": {
                "model": {
                    "modelFormat": {"name": "mlflow"},
                    "protocolVersion": "v2",
                    "storageUri": "s3://bucket/1/models/m-1/artifacts",
                }
            }
        },
    }


@settings(max_examples=300)
@given(_TEXT | _HOSTILE, _TEXT)
def test_any_name_becomes_a_valid_one_and_stays_readable(model: str, below: str) -> None:
    service = _service(model, f"s3://bucket/{below}")
    metadata = service["metadata"]
    for name, longest in (
        (metadata["name"], 50),
        (metadata["labels"]["mlflow-reconciler/model"], 63),
    ):
        assert yaml.safe_load(f'"{name}"') == name
        assert len(name) <= longest
        assert re.fullmatch(_DNS, name)
    if model:
        assert metadata["annotations"]["mlflow-reconciler/model"] == model
    assert service["spec"]["predictor"]["model"]["storageUri"] == f"s3://bucket/{below}"


def test_two_names_that_are_alike_are_two_services() -> None:
    names = ("fraud-eu", "Fraud-EU", "fraud_eu", "fraud eu", "4fraud", "f" * 60, "f" * 61, "é", "")
    made = [_service(model)["metadata"]["name"] for model in names]
    assert len(set(made)) == len(names)
    assert made[0] == "fraud-eu"
    assert made[1].startswith("fraud-eu-")


@pytest.mark.parametrize(
    ("uri", "said", "hint"),
    [
        (
            "mlflow-artifacts:/1/m",
            "at `mlflow-artifacts:/1/m`, which KServe",
            "only the MLflow server",
        ),
        ("/srv/1/m", "at `/srv/1/m`, which KServe cannot read", "KServe reads gs:, hdfs:, s3:"),
        ("wasbs://c@a.blob.core.windows.net/m", "which KServe cannot read", "KServe reads"),
        (None, "git does not declare where the files of `m` v4 are", "leave out `--offline`"),
    ],
)
def test_where_kserve_cannot_read_the_files_it_says_why(
    uri: str | None, said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        render.kserve("m", 4, uri, {})
    assert said in caught.value.message
    assert (caught.value.hint or "").startswith(hint)
