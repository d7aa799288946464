"""Which versions enter by an edit, and which entries get a digest."""

import pytest

from reconciler.authoring.digests import entering, with_digests
from reconciler.core.state import Declaration
from reconciler.files.loader import parse_declaration

_DIGEST = f"sha256:{'0' * 64}"
_ANOTHER = f"sha256:{'1' * 64}"


def declared(versions: str) -> Declaration:
    return parse_declaration(f"versions: {versions}".encode(), "m.yaml")


@pytest.mark.parametrize(
    ("before", "after", "versions"),
    [
        ("{1: {stage: Production}}", "{1: {stage: Archived}, 2: {stage: Production}}", (2,)),
        ("{1: {}}", "{1: {stage: Staging}}", (1,)),
        ("{1: {stage: Staging}}", "{1: {stage: Production}}", (1,)),
        ("{1: {stage: Production}}", "{1: {stage: Production, tags: {a: b}}}", ()),
        ("{1: {stage: Production}}", "{1: {stage: None}}", ()),
        ("{1: {aliases: [a, b]}, 2: {}}", "{1: {aliases: [a]}, 2: {aliases: [b]}}", (2,)),
        ("{1: {aliases: [a]}}", "{1: {}}", ()),
    ],
)
def test_who_gets_an_active_stage_or_an_alias_enters(
    before: str, after: str, versions: tuple[int, ...]
) -> None:
    assert entering(declared(before), declared(after)) == versions


def test_a_digest_that_is_declared_is_not_replaced() -> None:
    before = declared(f"{{1: {{digest: '{_DIGEST}'}}, 2: {{}}, 3: {{}}}}")
    after = with_digests(before, {1: _ANOTHER, 2: _ANOTHER, 9: _ANOTHER})
    assert {v: entry.digest for v, entry in after.versions.items()} == {
        1: _DIGEST,
        2: _ANOTHER,
        3: None,
    }
