"""A candidate is compatible exactly where MLflow takes for it what the incumbent was sent."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its types are a package of their own
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models.utils import _enforce_params_schema, _enforce_schema
from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from reconciler.core.artifacts.signatures import differences, incompatibilities
from reconciler.core.facts import Column, Signature

# 5 and 2.5, for MLflow lets a 0 and a 1 through where it lets no other number of that type.
SENT: dict[str, np.ndarray[Any, Any]] = {
    "boolean": np.array([True, False]),
    "integer": np.array([5, 7], dtype=np.int32),
    "long": np.array([5, 7], dtype=np.int64),
    "float": np.array([2.5, 7], dtype=np.float32),
    "double": np.array([2.5, 7], dtype=np.float64),
    "datetime": np.array(["2026-11-21", "2026-11-22"], dtype="datetime64[ns]"),
}
PARAMS: dict[str, object] = {
    "boolean": True,
    "integer": np.int32(5),
    "long": np.int64(5),
    "float": np.float32(2.5),
    "double": 2.5,
    "string": "a",
}
SHAPES = [(-1, 3), (-1, 4), (-1, -1), (2, 3), (3, -1), (-1, 3, 1), (-1,)]


def inputs(*columns: Column) -> Signature:
    return Signature(inputs=columns)


def is_taken(schema: Schema, sent: object) -> bool:
    """Return whether MLflow lets an input through to a model with that schema."""
    try:
        _enforce_schema(sent, schema)
    except (MlflowException, KeyError):
        return False
    return True


@pytest.mark.parametrize(("before", "after"), [*product(SENT, SENT)])
def test_a_type_may_become_what_mlflow_converts_it_to(before: str, after: str) -> None:
    sent = pd.DataFrame({"x": SENT[before]})
    broken = incompatibilities(inputs(Column("x", after)), inputs(Column("x", before)))
    assert (not broken) == is_taken(Schema([ColSpec(after, "x")]), sent)
    assert not broken or broken == (f"input `x` was {before} and is {after}",)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b, a) for b, a in product([None, True, False], repeat=2) if a is not None],
)
def test_a_column_that_callers_may_leave_out_stays_one(before: bool | None, after: bool) -> None:  # noqa: FBT001  a table
    known = Column("k", "long")
    old = inputs(known) if before is None else inputs(known, Column("x", "long", required=before))
    new = inputs(known, Column("x", "long", required=after))
    sends = [["k", "x"]] if before else [["k"]] if before is None else [["k", "x"], ["k"]]
    schema = Schema([ColSpec("long", "k"), ColSpec("long", "x", required=after)])
    frames = [pd.DataFrame(dict.fromkeys(names, SENT["long"])) for names in sends]
    broken = incompatibilities(new, old)
    assert (not broken) == all(is_taken(schema, frame) for frame in frames)


def test_a_column_that_a_candidate_no_longer_takes_is_ignored() -> None:
    old, new = inputs(Column("a", "long"), Column("b", "long")), inputs(Column("b", "long"))
    sent = pd.DataFrame({"a": SENT["long"], "b": SENT["long"]})
    assert is_taken(Schema([ColSpec("long", "b")]), sent)
    assert incompatibilities(new, old) == ()


def test_columns_are_matched_by_name_wherever_they_stand() -> None:
    old = inputs(Column("a", "long"), Column("b", "string"))
    assert incompatibilities(inputs(*reversed(old.inputs)), old) == ()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_columns_without_names_are_matched_by_their_place(count: int) -> None:
    old = inputs(Column(None, "long"), Column(None, "integer"))
    new = inputs(*[Column(None, "long")] * count)
    sent = pd.DataFrame([SENT["long"], SENT["integer"]]).T.astype({1: np.int32})
    broken = incompatibilities(new, old)
    assert (not broken) == is_taken(Schema([ColSpec("long")] * count), sent)
    assert count != 3 or broken == ("input 3 is new and required",)


def test_names_that_come_or_go_break_callers() -> None:
    named, unnamed = inputs(Column("x", "long")), inputs(Column(None, "long"))
    assert not is_taken(Schema([ColSpec("long", "x")]), pd.DataFrame([[5]]))
    assert incompatibilities(named, unnamed) == ("the inputs have names",)
    assert incompatibilities(unnamed, named) == ("the inputs lost their names",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *product([("float32", shape) for shape in SHAPES], repeat=2),
        (("float32", (-1, 3)), ("float64", (-1, 3))),
    ],
)
def test_a_tensor_fits_where_every_array_does_that_was_sent(
    before: tuple[str, tuple[int, ...]], after: tuple[str, tuple[int, ...]]
) -> None:
    def column(dtype: str, shape: tuple[int, ...]) -> Column:
        return Column("x", f"tensor({dtype}, {list(shape)})")

    schema = Schema([TensorSpec(np.dtype(after[0]), after[1], "x")])
    arrays = [
        np.zeros([size if size != -1 else any_size for size in before[1]], dtype=before[0])
        for any_size in (2, 3, 4, 5)
    ]
    broken = incompatibilities(inputs(column(*after)), inputs(column(*before)))
    assert (not broken) == all(is_taken(schema, {"x": array}) for array in arrays)


@pytest.mark.parametrize("kind", ["tensor(int64, [-1])", "Array(long)", "long"])
def test_a_column_that_becomes_another_kind_of_input_breaks(kind: str) -> None:
    assert incompatibilities(inputs(Column("x", kind)), inputs(Column("x", "string"))) == (
        f"input `x` was string and is {kind}",
    )


@pytest.mark.parametrize(("before", "after"), [*product(PARAMS, PARAMS)])
def test_a_param_may_become_what_mlflow_converts_it_to(before: str, after: str) -> None:
    old, new = (Signature(params=(Column("p", kind),)) for kind in (before, after))
    spec = ParamSpec("p", DataType[after], None)
    try:
        _enforce_params_schema({"p": PARAMS[before]}, ParamSchema([spec]))
        taken = True
    except MlflowException:
        taken = False
    # MLflow takes any float of Python's for a `float`: what is lost by that is a break to us.
    cut_off = (before, after) == ("double", "float")
    assert (not incompatibilities(new, old)) == (taken and not cut_off)


def test_a_param_may_come_and_go_and_outputs_are_not_judged() -> None:
    one = Signature(params=(Column("p", "long"),), outputs=(Column(None, "long"),))
    other = Signature(params=(Column("q", "long"),), outputs=(Column(None, "string"),))
    assert incompatibilities(one, other) == incompatibilities(other, one) == ()


def test_everything_that_breaks_is_listed() -> None:
    old = inputs(Column("a", "long"), Column("b", "long", required=False), Column("z", "long"))
    new = inputs(Column("a", "string"), Column("b", "integer"), Column("c", "long"))
    assert incompatibilities(new, old) == (
        "input `a` was long and is string",
        "input `b` was long and is integer",
        "input `b` was optional and is required",
        "input `c` is new and required",
    )


def test_every_difference_is_listed_whether_it_breaks_or_not() -> None:
    old = Signature(
        inputs=(Column("a", "long"), Column("b", "long"), Column("gone", "string")),
        outputs=(Column(None, "double"),),
        params=(Column("p", "long"),),
    )
    new = Signature(
        inputs=(Column("b", "double", required=False), Column("a", "long"), Column("c", "long")),
        outputs=(Column(None, "double"), Column(None, "long")),
        params=(Column("q", "long", required=False),),
    )
    assert differences(new, old) == (
        "input `b`: long → double, optional",
        "input `c` added (long)",
        "input `gone` removed (string)",
        "output 2 added (long)",
        "param `q` added (long)",
        "param `p` removed (long)",
    )


def test_a_signature_neither_differs_from_itself_nor_breaks_itself() -> None:
    signature = Signature(
        inputs=(Column("x", "tensor(float32, [-1, 3])"), Column("y", "Array(double)")),
        outputs=(Column(None, "string"),),
        params=(Column("p", "long"),),
    )
    assert differences(signature, signature) == ()
    assert incompatibilities(signature, signature) == ()
