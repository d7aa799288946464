"""What the app of examples/serving checks of a version before it serves."""

import gc
import json
import re
import sys
import weakref
from pathlib import Path
from typing import Any, Final

import answering
import loading
import numpy as np
import pytest
from following import Follower
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import TensorSpec

from tests.support.registries.artifacts_lab import FILES, write_files
from tests.support.registries.model_folders import digest_of
from tests.support.registries.serving_lab import BODY, model_files


def _columns(**types: str) -> Schema:
    """Return a schema of columns; a type that ends with `?` is of an optional one."""
    return Schema(
        [ColSpec(t.rstrip("?"), name, required=not t.endswith("?")) for name, t in types.items()]
    )


_OLD: Final = _columns(x="double", note="string?")
_SETTINGS: Final = {"MODEL": "fraud", "MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}
_TENSOR: Final = Schema([TensorSpec(np.dtype("float32"), (-1, 4))])


@pytest.mark.parametrize(
    ("new", "accepted"),
    [
        (_OLD, True),
        (None, True),
        (_columns(x="double"), True),
        (_columns(x="double?", note="string?"), True),
        (_columns(x="double", note="string?", more="long?"), True),
        (_columns(x="double", note="string?", more="long"), False),
        (_columns(x="double", note="string"), False),
        (_columns(x="long", note="string?"), False),
        (_TENSOR, False),
        (Schema([ColSpec("double"), ColSpec("string")]), False),
    ],
)
def test_what_callers_send_is_accepted_by_the_next_version(
    new: Schema | None, *, accepted: bool
) -> None:
    assert loading.accepts(new, _OLD) is accepted
    assert loading.accepts(new, None)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"MODEL": ""}, "MODEL is not set"),
        ({"MLFLOW_TRACKING_URI": ""}, "MLFLOW_TRACKING_URI is not set"),
        (
            {"FOLLOW": "champion"},
            "FOLLOW is `champion`: it takes alias:NAME, stage:NAME or pinned:NUMBER",
        ),
        ({"FOLLOW": "alias:"}, "FOLLOW is `alias:`"),
        ({"FOLLOW": "pinned:v4"}, "FOLLOW is `pinned:v4`"),
        ({"CANDIDATE": "Staging"}, "CANDIDATE is `Staging`"),
        ({"POLL_SECONDS": "soon"}, "POLL_SECONDS is `soon`"),
        ({"POLL_SECONDS": "0"}, "POLL_SECONDS is `0`"),
        ({"POLL_SECONDS": "nan"}, "POLL_SECONDS is `nan`"),
        ({"POLL_SECONDS": "inf"}, "POLL_SECONDS is `inf`"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(setting: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        Follower.from_environ({**_SETTINGS, **setting})


def test_an_empty_setting_counts_as_not_set() -> None:
    names = ("FOLLOW", "CANDIDATE", "DIGESTS", "POLL_SECONDS")
    follower = Follower.from_environ({**_SETTINGS, **dict.fromkeys(names, "")})
    assert (follower.follow, follower.poll_seconds) == ("alias:champion", 10.0)
    assert (follower.candidate, follower.digests) == (None, None)


def test_the_digest_is_the_one_of_the_reconciler(tmp_path: Path) -> None:
    write_files(tmp_path)
    assert loading.digest(tmp_path) == digest_of(FILES)
    (tmp_path / "registered_model_meta").write_text("MLflow writes it when it downloads")
    assert loading.digest(tmp_path) == digest_of(FILES)


def test_modules_of_two_versions_are_not_mixed() -> None:
    first, second = (_with_module(number, place) for number, place in ((1, "a"), (2, "b")))
    version = loading.Version("1", first)
    assert _predicted(version) == [1.0]
    with pytest.raises(ValueError, match="features"):
        loading._check_modules(second)  # noqa: SLF001
    # When the first has gone, nothing is left of its code and files.
    del version
    gc.collect()
    assert "features" not in sys.modules
    assert not first.exists()
    assert not [path for path in sys.path if path.startswith(str(first))]
    loading._check_modules(second)  # noqa: SLF001
    version = loading.Version("2", second)
    assert _predicted(version) == [2.0]


def test_what_a_model_holds_is_freed_with_it() -> None:
    files = model_files(1, at_load="class Weights: pass\n\n\nWEIGHTS = Weights()\n")
    folder = write_files(Path(loading.FILES.name) / "weights", files)
    version = loading.Version("1", folder)
    assert _predicted(version) == [1.0, 1.0]
    (name,) = loading._modules_in(folder)  # noqa: SLF001
    weights = weakref.ref(sys.modules[name].WEIGHTS)
    assert weights() is not None
    del version
    gc.collect()
    assert weights() is None
    assert name not in sys.modules


def _predicted(version: loading.Version) -> Any:
    reply = answering.answer("m", version, "champion", BODY, "application/json")
    return json.loads(bytes(reply.body))["predictions"]


def _with_module(number: int, place: str) -> Path:
    """Write a model that was logged with `code_paths`, where the app downloads it to."""
    files = dict(model_files("return [features.NUMBER]", at_load="import features\n"))
    code = b"python_function:\n    code: code\n"
    files["MLmodel"] = files["MLmodel"].replace(b"python_function:\n", code)
    files["code/features.py"] = f"NUMBER = {float(number)}\n".encode()
    return write_files(Path(loading.FILES.name) / place, files)
