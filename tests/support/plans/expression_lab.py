"""Scopes for expressions: a version v4 with its run, and v3 as the incumbent."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

NOW = datetime(2024, 1, 4, tzinfo=timezone.utc)


def version(number: int, **changed: object) -> dict[str, object]:
    return {
        "number": number,
        "stage": "Staging",
        "tags": {"owner": "payments", "n": "5", "blank": ""},
        "aliases": ["candidate"],
        "description": "",
        "status": "READY",
        "created": NOW - timedelta(days=3),
        "age": timedelta(days=3),
        "run_id": f"{number}f0c2a3b4c5d",
        "source": None,
        "signature": None,
        **changed,
    }


def run(number: int) -> dict[str, object]:
    return {
        "id": f"{number}f0c2a3b4c5d",
        "name": None,
        "status": "FINISHED",
        "user": "ann",
        "started": NOW,
        "tags": {},
    }


def scope(
    metrics: Mapping[str, float] | None = None,
    incumbent: Mapping[str, float] | None = None,
    **changed: object,
) -> dict[str, Any]:
    """Return v4 with its metrics, and v3 as the incumbent when its metrics are given."""
    before = None
    if incumbent is not None:
        before = version(3, metrics=dict(incumbent), params={}, run=run(3))
    return {
        "model": "fraud",
        "version": version(
            4,
            declared={
                "tags": {"validated": "true"},
                "digest": "sha256:0f",
                "semver": "2.1.0",
            },
        ),
        "metrics": dict(metrics or {}),
        "params": {"lr": "0.1", "odd": "nan"},
        "run": run(4),
        "incumbent": before,
        "change": {"from": "Staging", "to": "Production", "alias": None, "rollback": False},
        "commit": {"id": "a" * 40, "author": "ann", "approvals": None},
        "now": NOW,
        **changed,
    }
