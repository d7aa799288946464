"""The `MLmodel` file: signatures as MLflow writes them, and files that nobody should write."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.facts import Column, Signature
from reconciler.errors import RegistryError
from reconciler.registries.tracking.mlmodel_file import MLmodel, parse


def _inputs(specs: str) -> tuple[Column, ...]:
    signature = parse(f"signature:\n  inputs: '{specs}'\n".encode()).signature
    assert signature is not None
    return signature.inputs


def test_a_file_that_mlflow_wrote_is_read(tmp_path: Path) -> None:
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415  2 s, for this test
    from mlflow.types.schema import (  # noqa: PLC0415  the same
        Array,
        ColSpec,
        DataType,
        Map,
        Object,
        ParamSchema,
        ParamSpec,
        Property,
        Schema,
    )

    person = Object([Property("name", DataType.string), Property("age", DataType.long, False)])  # noqa: FBT003  MLflow's own order
    inputs = [
        ColSpec(DataType.datetime, "at"),
        ColSpec(Array(DataType.double), "history", required=False),
        ColSpec(person, "owner"),
        ColSpec(Map(Array(DataType.long)), "counts"),
    ]
    params = [
        ParamSpec("t", DataType.double, 0.1),
        ParamSpec("stops", DataType.string, ["a"], (-1,)),
    ]
    signature = ModelSignature(Schema([*inputs]), Schema([ColSpec("string")]), ParamSchema(params))
    Model(signature=signature, model_id="m-1", run_id="r").save(tmp_path / "MLmodel")

    assert parse((tmp_path / "MLmodel").read_bytes()) == MLmodel(
        Signature(
            inputs=(
                Column("at", "datetime"),
                Column("history", "array(double)", required=False),
                Column("owner", "object(age: long (optional), name: string)"),
                Column("counts", "map(array(long))"),
            ),
            outputs=(Column(None, "string"),),
            params=(
                Column("t", "double", required=False),
                Column("stops", "array(string)", required=False),
            ),
        ),
        "m-1",
    )


def test_columns_are_required_unless_it_is_said_in_the_old_words_or_the_new() -> None:
    columns = _inputs(
        '[{"type": "long", "name": "a"}, {"type": "long", "name": "b", "optional": true},'
        ' {"type": "long", "name": "c", "required": false}]'
    )

    assert [(column.name, column.required) for column in columns] == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "flavors: {}",
        "signature: null",
        "signature: inputs",
        "signature: *nowhere",
        "signature: {inputs: null, params: null}",
        "signature: {inputs: '[]', outputs: '[]'}",
        'signature: [inputs, \'[{"type": "long"}]\']',
        'flavors: {signature: {inputs: \'[{"type": "long"}]\'}}',
        'flavors: {}\n---\nsignature: {inputs: \'[{"type": "long"}]\'}',
    ],
)
def test_a_file_without_a_signature_has_none(text: str) -> None:
    assert parse(text.encode()) == MLmodel()


@pytest.mark.parametrize(
    "text",
    [
        "signature: {inputs: 'not json'}",
        'signature: {inputs: \'{"type": "long"}\'}',
        'signature: {inputs: \'[{"name": "x"}]\'}',
        "signature: {inputs: '[7]'}",
        "signature: {inputs: '" + '[{"type": "array", "items": ' * 5000 + "'}",
        "signature: {",
        "%YAML 9.9\n---\nx",
        "a: \x00",
    ],
)
def test_what_is_no_mlmodel_file_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse(text.encode())
    assert caught.value.message in {"it is not YAML", "its signature is not what MLflow writes"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><title>Log in</title></html>",
        "<!DOCTYPE html>\n<a href='/login'>\nuser: name\n",
        '{"error_code": "INTERNAL_ERROR", "message": "no"}',
        '- signature: {inputs: \'[{"type": "long"}]\'}',
        'a: b\n---\nsignature: {inputs: \'[{"type": "long"}]\'}',
    ],
)
def test_what_a_gateway_answers_is_not_a_file_without_a_signature(text: str) -> None:
    with pytest.raises(RegistryError):
        parse(text.encode())


def test_a_file_cannot_be_made_to_cost_more_than_its_size() -> None:
    merges = "\n".join(
        f"k{n}: &k{n} {{<<: [*k{n - 1}, *k{n - 1}]}}" if n else "k0: &k0 {a: b}" for n in range(60)
    )
    started = time.perf_counter()

    assert parse(f"flavors: {{}}\n{merges}".encode()) == MLmodel()
    for opening in (b"[", b"{a: ", b"- ", b"? "):
        with pytest.raises(RegistryError, match="nests more than 100 deep"):
            parse(opening * 200_000)

    assert time.perf_counter() - started < 10


@given(st.binary(max_size=60) | st.text("{}[]:,'\"*&!-# \nsignature").map(str.encode))
def test_whatever_the_file_holds_it_is_read_or_refused(content: bytes) -> None:
    try:
        assert isinstance(parse(content), MLmodel)
    except RegistryError as error:
        assert error.message  # noqa: PT017  either way is fine, but no other error


@pytest.mark.parametrize("text", ["null", "~", ""])
def test_a_file_that_says_it_has_no_logged_model_names_none(text: str) -> None:
    assert parse(f"model_id: {text}\n".encode()).model_id is None
