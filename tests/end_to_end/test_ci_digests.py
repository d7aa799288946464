"""Digests in CI: what the plan job shows to add, and what the apply job reads of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.forges.ci_lab import V1, V2, CiLab, ci_lab
from tests.support.registries.lab import Lab
from tests.support.registries.model_folders import MODEL, ModelFolders, digest_of

_WEIGHTS: Final = "data/weights.bin"


@pytest.fixture
def ci(lab: Lab, tmp_path: Path) -> Iterator[CiLab]:
    with ci_lab(lab, tmp_path) as found:
        yield found


def test_a_pull_request_shows_the_digests_to_add_and_what_cannot_be_read(ci: CiLab) -> None:
    near, away = ci.lab.model(0), ci.serving()  # the second is in a bucket
    folders = ModelFolders(ci.lab.hand)
    for _ in range(2):
        folders.register(near)
    ci.branch()
    ci.declare(near, V1)
    ci.declare(away, V2)
    pull = ci.open()
    plain = ci.plan(pull, "--format", "json")
    assert plain.code == 0, plain.text
    assert plain.document["digests"] == []
    assert "digest:" not in ci.comments(pull)[0]
    done = ci.plan(pull, "--digests", "--format", "json")
    assert done.code == 0, done.text
    rows = {(row["model"], row["version"]): row for row in done.document["digests"]}
    assert set(rows) == {(near, 1), (near, 2), (away, 2)}
    file = f"registry-state/{near}.yaml"
    first = {"model": near, "version": 1, "file": file, "line": 1}
    assert rows[near, 1] == first | {"digest": digest_of(MODEL), "why": None}
    assert rows[away, 2]["digest"] is None
    assert rows[away, 2]["why"].startswith("`s3://bucket/2`")
    (body,) = ci.comments(pull)
    assert "3 versions enter without a digest" in body
    lines = ("versions:", *_lines(1), *_lines(2))
    assert f"{near}.yaml</code>\n\n```yaml\n{chr(10).join(lines)}\n```\n" in body
    assert f"- <code>{away}</code> v2: " in body
    assert "3 versions enter without a digest" in ci.summary

    pinned = "stage: Production, digest: '" + digest_of(MODEL) + "'"
    ci.state.push(pull, ci.declare(near, V1.replace("stage: Production", pinned)))
    text = ci.plan(pull, "--digests").stdout
    assert "digests: 2 versions enter without a digest; to approve the files as" in text
    assert f"  {file}\n    versions:\n      2:\n        digest: sha256:" in text


def test_what_a_pull_request_approved_is_applied_down_to_the_file(ci: CiLab) -> None:
    hand, model = ci.lab.hand, ci.lab.model(0)
    folders = ModelFolders(hand)
    newer = {**MODEL, _WEIGHTS: b"\3" * 3_000}
    folders.register(model)
    folders.register(model, newer)
    ci.settle()
    ci.declare(model, _serving(1))
    ci.push()
    assert ci.apply().code == 0
    pull = ci.promote(model, _serving(2))
    assert "v2 as approved, 2 files, 3.0 KB" in ci.plan(pull).stdout
    ci.state.review(pull, "bob")
    folders.put(model, 2, _WEIGHTS, b"\4" * 3_000)
    other = f"<code>{model}</code> v2 does not have the approved bytes"
    assert ci.plan(pull).code == 3
    assert (ci.check().conclusion, other in ci.comments(pull)[0]) == ("failure", True)
    folders.put(model, 2, _WEIGHTS, newer[_WEIGHTS])
    assert ci.plan(pull).code == 0
    ci.merge(pull)

    folders.put(model, 2, _WEIGHTS, b"\4" * 3_000)
    held = hand.holds(model)
    swapped = ci.apply("--format", "json")
    assert (swapped.code, hand.holds(model)) == (3, held), swapped.text
    (row,) = swapped.document["models"]
    assert (row["outcome"], [check["outcome"] for check in row["bytes"]]) == (
        "error",
        ["different"],
    )
    assert other in ci.comments(pull, "apply")[0]
    assert (ci.outputs["exitcode"], ci.outputs["changes"]) == ("3", "0")

    folders.put(model, 2, _WEIGHTS, newer[_WEIGHTS])
    shown = ci.head
    ci.declare(model, _serving(2, pinned=False), "the digest goes, and no pull request shows it")
    ci.push()
    unapproved = ci.apply()
    assert (unapproved.code, hand.holds(model)) == (5, held), unapproved.text
    assert "unapproved" in unapproved.text
    ci.lab.git.git("reset", "--quiet", "--hard", shown)
    ci.lab.git.git("push", "--quiet", "--force", "origin", "main")
    done = ci.apply()
    assert (done.code, hand.values(model)["@champion"]) == (0, 2), done.text
    (kept,) = json.loads(ci.remote.git("notes", "--ref=reconciler", "show", shown))["bytes"]
    assert (kept["version"], kept["digest"], kept["files"]) == (2, digest_of(newer), 2)


def test_a_plan_job_that_cannot_fetch_the_records_compares_the_digests_alone(ci: CiLab) -> None:
    model = ci.lab.model(0)
    folders = ModelFolders(ci.lab.hand)
    folders.register(model)
    ci.settle()
    ci.declare(model, "description: not served yet")
    ci.push()
    pull = ci.promote(model, f"versions: {{1: {{stage: Staging, digest: '{digest_of(MODEL)}'}}}}")
    ci.lab.git.git("fetch", "--quiet", "origin")
    ci.lab.git.git("remote", "set-url", "origin", "http://127.0.0.1:9/private.git")
    done = ci.plan(pull)
    assert done.code == 0, done.text
    assert "v1 as approved" in done.stdout
    assert "the apply records of `origin` cannot be fetched" in done.stderr
    folders.put(model, 1, _WEIGHTS, b"\4" * 3_000)
    assert ci.plan(pull).code == 3


def _serving(version: int, *, pinned: bool = True) -> str:
    digests = {1: digest_of(MODEL), 2: digest_of({**MODEL, _WEIGHTS: b"\3" * 3_000})}
    lines = ["versions:"]
    for number, digest in digests.items():
        place = "Production, aliases: [champion]" if number == version else "Archived"
        pin = f", digest: '{digest}'" if pinned or number != version else ""
        lines.append(f"  {number}: {{stage: {place}{pin}}}")
    return "\n".join(lines)


def _lines(version: int) -> tuple[str, str]:
    return f"  {version}:", f"    digest: {digest_of(MODEL)}"
