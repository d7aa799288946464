"""Saves a plan as the JSON document that people read, and loads it again for `apply`.

The file must be exactly what `plan --out` wrote: an approval that cannot be verified is refused.
"""

import hashlib
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.core.plan import JudgedPlan
from reconciler.errors import ExitCode, OutOfStep
from reconciler.render import json_documents

_PLAN = TypeAdapter(JudgedPlan)
_LONGEST = 200  # characters of a value that a message repeats
_AGAIN = "plan again: `reconciler plan --out FILE`"


def dumps(plan: JudgedPlan, code: ExitCode) -> str:
    """Return the content of a plan's file."""
    document = json_documents.plan(plan, code)
    document["saved"] = _PLAN.dump_python(plan, mode="json")
    document["checksum"] = _checksum(document)
    return json_documents.dumps(document)


def loads(text: str, name: str) -> JudgedPlan:
    """Return the plan in a file that `dumps` wrote; raises `OutOfStep` with what differs."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OutOfStep(f"{name} is not a saved plan: {error}", hint=_AGAIN) from error
    if not isinstance(document, dict) or "saved" not in document:
        raise OutOfStep(f"{name} is not a saved plan: it has no `saved`", hint=_AGAIN)
    if document.get("format_version") != json_documents.FORMAT_VERSION:
        version = document.get("format_version")
        raise OutOfStep(f'{name} has format_version {version!r}, not "1"', hint=_AGAIN)
    try:
        plan = _PLAN.validate_python(document["saved"])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OutOfStep(f"{name} was edited: saved.{place}: {first['msg']}", hint=_AGAIN) from error
    differs = _differences(document, json_documents.plan(plan, ExitCode.OK))
    if differs:
        raise OutOfStep(f"{name} was edited: {'; '.join(differs)}", hint=_AGAIN)
    checksum = document.pop("checksum", None)
    if checksum != _checksum(document):
        raise OutOfStep(f"{name} was edited: its checksum does not match its content", hint=_AGAIN)
    return plan


def _checksum(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _differences(document: dict[str, Any], computed: dict[str, Any]) -> list[str]:
    """Return the members of the readable part that differ from the plan to be applied."""
    found = []
    for key, value in _as_written(json.loads(json_documents.dumps(computed)), document).items():
        if key != "exit" and document.get(key) != value:
            rows = document.get(key)
            if isinstance(value, list) and isinstance(rows, list):
                odd = [row for row in rows if row not in value]
                shown = _shortened(odd[0] if odd else rows)
                found.append(f"`{key}` has {shown}, which is not in the plan")
            else:
                found.append(f"`{key}` is {_shortened(rows)}, the plan's is {_shortened(value)}")
    return found


def _as_written(computed: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return what is computed, without the empty lists that a plan from before them lacks."""
    written = document.get("models")
    rows = written if isinstance(written, list) else []
    for row, old in zip(computed["models"], rows, strict=False):
        for key in ("bytes", "consumers"):
            if isinstance(old, dict) and key not in old and not row[key]:
                del row[key]
    return computed


def _shortened(value: object) -> str:
    """Return a value as JSON, of which a model with its evidence would fill the terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
