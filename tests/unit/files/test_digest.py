"""The digest of a version in its file: what is accepted, and what a wrong one is told."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.state import Declaration, DeclaredVersion
from reconciler.errors import DeclarationError
from reconciler.files.loader import dump_declaration, model_schema, parse_declaration
from reconciler.files.schema.digest_rule import digest

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"
NOT_ONE = "is not a digest: `sha256:` and 64 lower-case hex digits"
PRINTS = "`reconciler digest MODEL/VERSION` prints it"


def complaint(text: str) -> str:
    """Return what is wrong with a model file, as `line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text.encode(), "fraud.yaml")
    (problem,) = caught.value.problems
    return f"{problem.line}:{problem.column} {problem.message} ({problem.hint})"


@pytest.mark.parametrize(
    "text",
    [
        f"versions: {{4: {{digest: {DIGEST}}}}}",
        f"versions: {{4: {{digest: '{DIGEST}'}}}}",
        f"versions:\n  4:\n    digest: {DIGEST}  # approved in May\n",
        f"versions:\n  4:\n    digest: >-\n      {DIGEST}\n",
        f"versions:\n  4:\n    digest:\n      {DIGEST}\n",
    ],
)
def test_a_digest_is_read_from_its_version(text: str) -> None:
    assert parse_declaration(text.encode(), "fraud.yaml").versions == {
        4: DeclaredVersion(digest=DIGEST)
    }


def test_a_file_without_digests_says_what_it_always_said() -> None:
    old = parse_declaration(b"versions: {4: {stage: Production, run_id: a, source: b}}", "m.yaml")
    assert old.versions == {4: DeclaredVersion(run_id="a", source="b")}
    assert old.versions[4].digest is None
    assert "digest" not in dump_declaration(old)


def test_a_digest_is_written_after_the_other_pins_and_reads_back() -> None:
    declared = Declaration("m", {}, {4: DeclaredVersion("1f0c", "models:/m-9a", DIGEST)})
    text = dump_declaration(declared, stem="m")
    assert text == (
        f"versions:\n  4:\n    run_id: 1f0c\n    source: models:/m-9a\n    digest: {DIGEST}\n"
    )
    assert parse_declaration(text.encode(), "m.yaml") == declared


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (f"sha256:{HEX.upper()}", f"`sha256:{HEX.upper()[:52]}…` {NOT_ONE} (write `{DIGEST}`)"),
        (f"SHA256:{HEX}", f"(write `{DIGEST}`)"),
        (f"sha256-{HEX}", f"(write `{DIGEST}`)"),
        (f"sha256={HEX}", f"(write `{DIGEST}`)"),
        (f"sha-256:{HEX}", f"(write `{DIGEST}`)"),
        (f"'sha256: {HEX}'", f"(write `{DIGEST}`)"),
        (f"fraud@sha256:{HEX}", f"(write `{DIGEST}`)"),
        (f"{DIGEST}  fraud/4", f"(write `{DIGEST}`)"),
        (
            HEX,
            f"(write `{DIGEST}` if it is that of all files of the version, as `reconciler digest",
        ),
        (f"{HEX}  MLmodel", "and not of one file)"),
        ("1" * 64, f"(write `sha256:{'1' * 64}` if it is that of all files"),
        (f"'{HEX[:63]}'", f"`{HEX[:59]}…` {NOT_ONE}"),
        (f"md5:{HEX[:32]}", f"`md5:{HEX[:32]}` {NOT_ONE}; this is md5 ({PRINTS}"),
        (f"blake3:{HEX}", f"; this is blake3 ({PRINTS}"),
        (f"sha512:{HEX * 2}", f"; this is sha512 ({PRINTS}"),
        (f"sha3-256:{HEX}", f"; this is sha3-256 ({PRINTS}"),
        (f"sha256:{HEX[:63]}", f"; this has 63 hex digits ({PRINTS}; copy all of it)"),
        (f"sha256:{HEX}0", "; this has 65 hex digits"),
        (f"sha256:{HEX[:8]}…", "; this has 8 hex digits"),
        ("'sha256:'", "; this has 0 hex digits"),
        (f"sha256:{HEX[:-1]}g", f"` {NOT_ONE} ({PRINTS}"),
        ("sha256-uOGyBsW4Lx8mpHb6a1yM0aGnqX0QnHwZ0yY6k9yF1rA=", f"{NOT_ONE} ({PRINTS}"),
        ("abc", f"`abc` {NOT_ONE} ({PRINTS}"),
        ("yes", f"`yes` {NOT_ONE}"),
        ("12", f"`12` {NOT_ONE}"),
        ("1e64", f"`1e64` {NOT_ONE}"),
        (
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            f"is the digest of nothing: no file was read ({PRINTS}",
        ),
        ("''", "`digest` is empty"),
        ("", f"`digest` is null (write `digest: sha256:…`, {PRINTS}; or leave the key out)"),
        (f"{{sha256: {HEX}}}", f"must be text, not a mapping (write `digest: sha256:…`, {PRINTS})"),
        (f"[{DIGEST}]", f"must be text, not a list (write `digest: sha256:…`, {PRINTS})"),
    ],
)
def test_a_wrong_digest_is_told_with_the_rule_and_what_to_write(written: str, told: str) -> None:
    said = complaint(f"versions:\n  4:\n    digest: {written}\n")
    assert said.startswith("3:")
    assert told in said


@pytest.mark.parametrize("key", ["sha256", "SHA-256", "hash", "checksum", "sha256sum", "md5"])
def test_another_name_for_the_digest_is_told_what_is_meant(key: str) -> None:
    said = complaint(f"versions: {{4: {{{key}: {HEX}}}}}")
    assert said == f"1:16 unknown key `{key}` (did you mean `digest: sha256:…`?)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"digest: {DIGEST}", "(`digest` stands at its version: write `versions: {4: {digest: sha"),
        (f"versions:\n  4:\n    sha256:{HEX}", "not text (write `4: {digest: sha256:…}`)"),
        (
            f"versions:\n  4:\n    digest:{DIGEST}",
            "not text (a key's `:` needs a space after it: `digest: …`)",
        ),
        ("versions:\n  4:\n    stage:Production", "(a key's `:` needs a space after it: `stage: …"),
        (
            "versions:\n  4:\n    digest: sha256:\n    stage: None",
            "(write `digest: sha256:…` witho",
        ),
        (
            f"versions:\n  4:\n    digest: sha256: {HEX}",
            "(write `digest: sha256:…` without a space",
        ),
        (f"versions: {{4: {{digest: sha256: {HEX}}}}}", "(write `digest: sha256:…` without a spac"),
    ],
)
def test_a_digest_that_yaml_reads_otherwise_is_told_what_to_write(text: str, told: str) -> None:
    assert told in complaint(text)


def test_an_editor_checks_a_digest_as_the_reader_does() -> None:
    entry = model_schema()["$defs"]["VersionEntry"]["properties"]["digest"]
    assert entry["type"] == "string"
    assert "all its files" in entry["description"]
    json.dumps(entry)
    assert re.search(entry["pattern"], DIGEST)
    for wrong in (HEX, DIGEST.upper(), DIGEST[:-1], f"{DIGEST}0", f"x{DIGEST}", f"md5:{HEX[:32]}"):
        assert not re.search(entry["pattern"], wrong)


@given(
    st.one_of(
        st.text("0123456789abcdefABCDEF:-sha256 @\n", max_size=80),
        st.from_regex(r"(?i)(sha-?256[:= -]+)?[0-9a-f]{63,65}( .*)?", fullmatch=True),
        st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
    )
)
@example(f"{DIGEST}\n")
@example(f"{DIGEST} {DIGEST}")
def test_one_form_is_accepted_and_what_a_refusal_says_to_write_has_it(text: str) -> None:
    broken = digest(text)
    assert (broken is None) == bool(re.fullmatch(r"sha256:[0-9a-f]{64}", text))
    if broken is not None and broken.hint.startswith("write `"):
        meant = broken.hint.split("`")[1]
        assert digest(meant) is None
        assert meant.removeprefix("sha256:") in text.lower()
