"""The lines to add where versions enter without a digest: whole, and no markup of a stranger's."""

from reconciler.core.artifacts.missing_digest import MissingDigest
from reconciler.render.artifacts.missing_digests import markdown_lines, text_lines

_DIGEST = f"sha256:{'0' * 64}"


def known(version: int, file: str = "s/fraud.yaml") -> MissingDigest:
    return MissingDigest("fraud", version, file, digest=_DIGEST)


def test_without_a_missing_digest_nothing_is_said() -> None:
    assert list(markdown_lines(())) == []
    assert list(text_lines(())) == []


def test_each_file_has_its_lines_to_add_in_one_piece() -> None:
    lines = list(text_lines([known(1), known(2), known(1, "s/churn.yaml")]))
    entry = [f"        digest: {_DIGEST}"]
    assert lines == [
        "digests: 3 versions enter without a digest; to approve the files as they are now, add:",
        *("  s/fraud.yaml", "    versions:", "      1:", *entry, "      2:", *entry),
        *("  s/churn.yaml", "    versions:", "      1:", *entry),
        "",
    ]


def test_what_is_not_known_adds_nothing_and_says_why() -> None:
    rows = [MissingDigest("fraud", 4, "s/fraud.yaml", why="`s3://b/<b>|x`: no credentials\n# x")]
    assert next(text_lines(rows)) == "digests: 1 version enters without a digest"
    body = "\n".join(markdown_lines(rows))
    assert "```" not in body
    assert "<b>" not in body
    assert "\n# x" not in body


def test_of_many_versions_some_are_shown_and_the_rest_is_counted() -> None:
    rows = [known(version) for version in range(1, 1001)]
    for lines in (list(text_lines(rows)), list(markdown_lines(rows))):
        assert sum("digest: " in line for line in lines) == 40
        assert any("and 960 versions more" in line for line in lines)
        assert sum(map(len, lines)) < 8_000
