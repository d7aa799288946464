"""Hostile documents that are not YAML of people: saved plans, records, kept plans, `MLmodel`s."""

import base64
import json
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.audit import record_lines
from reconciler.audit.apply_record import (
    ApplyRecord,
    RecordedApproval,
    RecordedChange,
    RecordedVersion,
)
from reconciler.audit.recorded_bytes import RecordedBytes
from reconciler.core.artifacts.model_files import HashedFile, ModelFiles
from reconciler.core.plan import JudgedPlan
from reconciler.errors import ExitCode, OutOfStep, RegistryError
from reconciler.files import plan_file
from reconciler.forges import plan_in_check
from reconciler.forges.checks_in_comments import KeptCheck, check_comment, kept_check
from reconciler.planning.approved_plan import shown_plan
from reconciler.registries.tracking import mlmodel_file
from reconciler.render import text as text_of
from reconciler.render.text import Effort
from tests.support.files.hostile_lab import SECONDS
from tests.support.plans.planner_lab import Lab as Desk
from tests.support.plans.planner_lab import serving
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import free_port
from tests.support.repositories.git_lab import GitLab

_NOW = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
_MARK = "reconciler-plan-1 "
_OF_A_SAVED_PLAN = ("exit", "saved", "checksum")  # and not of what was shown
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "\x1b[2J", 10**400, -1, 2**63, "9" * 5_000, "reconciler", "m"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


@st.composite
def edits(draw: st.DrawFn, document: Any) -> Any:
    """Change something somewhere in a document, and return it."""
    holder = copied = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(0, 6))):
        keys: Sequence[Any] = list(holder) if isinstance(holder, dict) else range(len(holder))
        inside = [key for key in keys if isinstance(holder[key], (dict, list)) and holder[key]]
        if not inside:
            break
        holder = holder[draw(st.sampled_from(inside))]
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    key = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        holder[key] = draw(_VALUES)
    else:
        del holder[key]
    return copied


def _plan() -> JudgedPlan:
    desk = Desk(m=3, n=2)
    desk.commit(serving(1), serving(2, model="n"))
    return desk.plan()


_SAVED: dict[str, Any] = json.loads(plan_file.dumps(_plan(), ExitCode.OK))


def _signed(document: Any) -> str:
    """Return the text with the checksum that fits it, as somebody who knows the way would."""
    if isinstance(document, dict):
        document.pop("checksum", None)
        with suppress(ValueError):  # of what no checksum can be made there is none
            document["checksum"] = plan_file._checksum(document)  # noqa: SLF001  the attack is on it
    return json.dumps(document)


@settings(max_examples=300)
@given(edits(_SAVED))
def test_an_edited_plan_is_carried_out_as_it_reads_or_refused(document: Any) -> None:
    try:
        plan = plan_file.loads(_signed(document), "plan.json")
    except OutOfStep as error:
        assert error.hint  # noqa: PT017  what it raises is not what is tested
        return
    shown = json.loads(plan_file.dumps(plan, ExitCode.OK))
    kept = {name: value for name, value in shown.items() if name not in _OF_A_SAVED_PLAN}
    for model in document["models"]:
        for later in ("bytes", "consumers"):  # what older versions did not save
            model.setdefault(later, [])
    assert kept == {name: document.get(name) for name in kept}
    assert text_of.plan(plan, Effort(0, 0.0), _NOW)


@settings(max_examples=200)
@given(st.text(max_size=60) | _VALUES.map(json.dumps) | edits(_SAVED).map(json.dumps))
@example("[" * 100_000)
@example('{"saved": ' + "[" * 900 + "]" * 900 + ', "format_version": "1"}')
def test_what_is_no_plan_is_refused_whatever_it_is(text: str) -> None:
    if text == json.dumps(_SAVED):
        return
    with suppress(OutOfStep):
        plan_file.loads(text, "plan.json")


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"\x00", b"9" * 5_000, b'{"saved": {}}', b"[" * 50_000, b"\xed\xa0\x80"],
)
def test_the_command_refuses_what_is_no_plan_without_a_traceback(
    tmp_path: Path, data: bytes
) -> None:
    git = GitLab.new(tmp_path)
    git.commit({"registry-state/m.yaml": "versions: {1: {}}"})
    (git.root / "plan.json").write_bytes(data)
    uri = f"http://127.0.0.1:{free_port()}"
    result = Lab(git, uri, Hand(uri)).run("apply", "plan.json")
    assert result.code in (1, 5), result.text
    assert "Traceback" not in result.text
    assert "plan.json" in result.stderr


_FILES = (HashedFile("MLmodel", 4, "1" * 64), HashedFile("data/model.pkl", 5, "2" * 64))
_RECORD = ApplyRecord(
    time=datetime(2026, 1, 5, 12, tzinfo=timezone.utc),
    registry="http://mlflow",
    state="registry-state",
    commit="a" * 40,
    actor="ann",
    run_url="https://ci.example.com/1",
    accepted=("empty-serving=m",),
    approvals=(RecordedApproval("bob", "b" * 40, "2026-01-05T11:00:00Z", "a" * 40),),
    models=("m",),
    changes=(RecordedChange("m", 4, "stage", None, "None", "Production", "declared", "applied"),),
    versions=(RecordedVersion("m", 4, "1f0c", "s3://b/4", 1),),
    bytes=(RecordedBytes("m", 4, ModelFiles(_FILES).digest, 2, 9, _FILES),),
)
_LINE: dict[str, Any] = json.loads(record_lines.dumps(_RECORD))


@settings(max_examples=400)
@given(edits(_LINE).map(json.dumps) | st.text(max_size=60) | _VALUES.map(json.dumps))
@example("[" * 100_000)
@example("9" * 5_000)
def test_a_record_that_somebody_broke_is_none_or_one_that_can_be_written_again(line: str) -> None:
    record = record_lines.loads(line)
    assert record is None or record_lines.loads(record_lines.dumps(record)) == record


_KEPT: dict[str, Any] = json.loads(
    zlib.decompress(
        base64.b64decode(
            "".join(
                plan_in_check.dumps(shown_plan(_plan(), "registry-state", "c" * 40), longest=9_999)
            ).removeprefix(_MARK)
        )
    )
)


def _packed(document: Any) -> str:
    return _MARK + base64.b64encode(zlib.compress(json.dumps(document).encode())).decode()


@settings(max_examples=300)
@given(edits(_KEPT).map(_packed) | st.text(max_size=40).map(_MARK.__add__) | st.text(max_size=40))
@example(_packed([[[[]]]]))
def test_a_kept_plan_that_somebody_broke_is_none_or_one_that_can_be_kept_again(text: str) -> None:
    for plan in (plan_in_check.loads((text,)), plan_in_check.loads((text[:30], _MARK + text[30:]))):
        assert plan is None or plan_in_check.loads(plan_in_check.dumps(plan, longest=200)) == plan


@given(st.text(max_size=60), st.data())
def test_a_check_is_read_whole_from_its_comment_or_not_at_all(
    text: str, data: st.DataObject
) -> None:
    kept = KeptCheck("c" * 40, "success", text)
    body = check_comment(kept, "title", "summary")
    assert kept_check(body) == kept
    at = data.draw(st.integers(0, len(body) - 1))
    broken = body[:at] + data.draw(st.sampled_from(["", "x", "-->", "\n"])) + body[at + 1 :]
    found = kept_check(broken)
    assert found is None or found.text == text
    for length in ("9" * 5_000, "0"):
        kept_check(body.replace(f"length={len(text)}", f"length={length}"))


_FILE = """\
artifact_path: model
model_id: m-9a
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
  params: '[{"name": "t", "type": "long", "default": 1, "shape": null}]'
"""
_PIECES = st.sampled_from(
    [
        *(
            "&a ",
            "*a",
            "!!python/name:os.system ",
            "- ",
            "? ",
            ": ",
            "[",
            "{",
            "\x00",
            "\x1b",
            "<<: ",
        ),
        *(
            '"',
            "'",
            "|",
            "---",
            '{"type": "array", "items": ',
            "[" * 300,
            "null",
            "9" * 5_000,
            "\t",
        ),
    ]
)


@settings(max_examples=400)
@given(st.integers(0, len(_FILE)), st.integers(0, 9), _PIECES, st.binary(max_size=20))
def test_an_mlmodel_file_is_read_or_refused(at: int, gone: int, piece: str, tail: bytes) -> None:
    data = (_FILE[:at] + piece + _FILE[at + gone :]).encode()
    for content in (data, data + tail, tail):
        with suppress(RegistryError):
            mlmodel_file.parse(content)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b"- &a x\n" * 140_000,
        b"? " * 500_000,
        b"{a: " * 250_000,
        b"a: 1\n" * 200_000,
        b"signature:\n  inputs: '" + b'[{"type": "array", "items": ' * 30_000 + b"'",
        b"signature:\n  inputs: '[" + b'{"type": "long"},' * 50_000 + b'{"type": "long"}]\'',
        b"signature:\n  inputs: '" + b"[" * 900_000 + b"'",
    ],
    ids=range(8),
)
def test_a_megabyte_of_mlmodel_is_read_or_refused_in_seconds(content: bytes) -> None:
    begun = time.process_time()
    with suppress(RegistryError):
        mlmodel_file.parse(content)
    assert time.process_time() - begun < 2 * SECONDS  # inside of the tests, with their own burdens
