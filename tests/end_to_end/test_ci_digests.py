"""The plan job shows the digest to add where a version enters without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.ci_lab import V1, V2, CiLab, ci_lab
from tests.support.registries.lab import Lab
from tests.support.registries.model_folders import MODEL, ModelFolders, digest_of


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


def _lines(version: int) -> tuple[str, str]:
    return f"  {version}:", f"    digest: {digest_of(MODEL)}"
