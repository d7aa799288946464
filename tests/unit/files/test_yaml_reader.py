"""Texts that YAML turns into something else: each arrives as written, or is a complaint."""

import subprocess
import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.state import Field
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.files.loader import parse_declaration, parse_settings


def complaints(data: bytes | str, file: str = "state/m.yaml") -> list[str]:
    """Return what is wrong with a model file, as `line:column message (hint)`."""
    text = data.encode() if isinstance(data, str) else data
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text, file)
    assert {problem.file for problem in caught.value.problems} == {file}
    assert {problem.code for problem in caught.value.problems} == {ExitCode.DECLARATION}
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in caught.value.problems]


@pytest.mark.parametrize(
    "written",
    [
        "true",
        "True",
        "no",
        "Off",
        "y",
        "on",
        "2.10",
        "1_0",
        "007",
        "010",
        "08",
        "012345",
        "1:30",
        "0x4",
        "4.0",
        "1e5",
        ".inf",
        "2025-01-15",
        "None",
        "none",
        "=",
        "half & half",
        "5 * 3!",
    ],
)
def test_the_value_of_a_tag_is_the_text_as_written(written: str) -> None:
    declaration = parse_declaration(f"tags:\n  k: {written}\n".encode(), "m.yaml")
    assert declaration.fields[Field("tag", None, "k")] == written


@pytest.mark.parametrize("key", ["on", "yes", "2.10", "007", "1e5"])
def test_the_key_of_a_tag_is_the_text_as_written(key: str) -> None:
    declaration = parse_declaration(f"tags: {{{key}: v}}\n".encode(), "m.yaml")
    assert list(declaration.fields) == [Field("tag", None, key)]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('""', ""),
        ("'null'", "null"),
        ('"~"', "~"),
        ('"a\\tb"', "a\tb"),
        ("|\n    x\n    y", "x\ny\n"),
    ],
)
def test_quotes_and_blocks_say_exactly_what_a_text_is(written: str, text: str) -> None:
    declaration = parse_declaration(f"tags:\n  k: {written}\n".encode(), "m.yaml")
    assert declaration.fields[Field("tag", None, "k")] == text


def test_the_stage_none_is_a_stage_and_not_a_null() -> None:
    declaration = parse_declaration(b"versions: {4: {stage: None}}", "m.yaml")
    assert declaration.fields == {Field("stage", 4): "None"}


def test_two_spellings_of_one_letter_stay_different_texts() -> None:
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    text = f"tags: {{a: {composed}, b: {decomposed}}}".encode()
    fields = parse_declaration(text, "m.yaml").fields
    assert fields[Field("tag", None, "a")] != fields[Field("tag", None, "b")]


@pytest.mark.parametrize(
    "key",
    [
        "007",
        "010",
        "08",
        "1:30",
        "1_0",
        "0x4",
        "4.0",
        "true",
        "on",
        "0",
        "-1",
        "+4",
        "' 4'",
        "four",
    ],
)
def test_a_version_number_is_a_plain_decimal_integer(key: str) -> None:
    (complaint,) = complaints(f"versions:\n  {key}: {{stage: None}}\n")
    assert complaint.startswith(f"2:3 `{key.strip(chr(39))}` is not a version number (")


@pytest.mark.parametrize("key", ["2147483648", "9" * 5000])
def test_a_version_number_fits_every_database(key: str) -> None:
    (complaint,) = complaints(f"versions:\n  ? {key}\n  : {{}}\n")
    assert "is not a version number: the highest is 2147483647" in complaint


def test_a_version_number_may_be_quoted() -> None:
    declaration = parse_declaration(b"versions: {'4': {}, \"2147483647\": {}}", "m.yaml")
    assert list(declaration.versions) == [4, 2147483647]


@pytest.mark.parametrize("null", ["null", "Null", "NULL", "~", ""])
@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("versions:\n  4:\n    stage: @", "write `stage: None`"),
        ("description: @", 'write `description: ""`'),
        ("versions:\n  4:\n    description: @", 'write `description: ""`'),
        ("tags: @", "write `tags: {}`"),
        ("tags:\n  k: @", 'write `k` with `""`'),
        ("versions:\n  4:\n    tags:\n      k: @", 'write `k` with `""`'),
        ("versions:\n  4:\n    aliases: @", "write `aliases: []`"),
        ("versions:\n  4:\n    aliases:\n      - @", "remove the item"),
        ("versions: @", "write `versions: {}`"),
        ("versions:\n  4: @", "write `4: {}`"),
        ("model: @", "leave the key out"),
        ("versions:\n  4:\n    run_id: @", "leave the key out"),
        ("retired: @", "write `retired: true`"),
        ("hold: @", "leave the key out"),
    ],
)
def test_a_null_is_refused_and_the_complaint_says_what_to_write(
    null: str, text: str, instead: str
) -> None:
    (complaint,) = complaints(text.replace("@", null))
    assert " is null (" in complaint
    assert instead in complaint


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("", "1:1 the file is empty"),
        ("# only a comment\n", "1:1 the file is empty"),
        ("---\n", "2:1 the file is empty"),
        ("- model: m\n", "1:1 the file is not a mapping"),
        ("just text", "1:1 the file is not a mapping"),
        ("model: a\nmodel: b\n", "2:1 `model` is here twice"),
        ("versions:\n  4: {}\n  '4': {}\n", "3:3 `4` is here twice"),
        ("tags:\n  \u00e9\u00e9: x\n  k: @x\n", "3:6 a text may not begin with `@`"),
        ("model: m\nversions:\n\t4: {}\n", "3:1 a tab may not be used"),
        ("tags: {k: `x`}", "1:11 a text may not begin with ```"),
        ("description: a: b\n", "1:15 a `: ` that is not after a key"),
        ("model: m\n---\nmodel: n\n", "2:1 a file is one YAML document"),
        ("tags: {k: !!str 4}", "1:11 `!!str` is a YAML tag"),
        ("tags: {k: !secret x}", "1:11 `!secret` is a YAML tag"),
        ("tags: {k: ! x}", "1:11 `!` is a YAML tag"),
        ("tags: &t {k: v}", "1:7 `&t` is a YAML anchor"),
        ("tags: {<<: {k: v}}", "1:8 `<<` as a key is a merge key"),
        ("tags: {~: v}", "1:8 `~` as a key is null"),
        ("? [a]\n: b\n", "1:3 a key must be text"),
        ("tags: [a, b", "2:1 this is not YAML: while parsing a flow sequence did not find"),
        ("tags: 'x", "1:9 this is not YAML: while scanning a quoted scalar found unexpected end"),
        ('tags: {k: "\\0"}', "1:11 a text may not contain NUL"),
        ("\u00e9: \x07", "1:4 U+0007 is not allowed"),
        ("tags: {k: a\x00b}", "1:12 U+0000 is not allowed"),
        (b"\xff\xfem\x00", "1:1 the file is UTF-16"),
        (b"\xfe\xff\x00m", "1:1 the file is UTF-16"),
        (b"# \xc3\xa9\nmodel: \xe9\n", "2:8 the file is not UTF-8"),
        (b"#" * 1_000_001, "1:1 the file is larger than 1,000,000 bytes"),
    ],
)
def test_what_is_not_plain_yaml_is_one_complaint_with_its_place(
    data: bytes | str, complaint: str
) -> None:
    (found,) = complaints(data)
    assert found.startswith(complaint)


def test_an_alias_is_refused_together_with_its_anchor() -> None:
    first, second = complaints("tags: &t {k: v}\nversions: {4: {tags: *t}}\n")
    assert first.startswith("1:7 `&t` is a YAML anchor")
    assert second.startswith("2:22 `*t` is a YAML alias")


def test_the_marks_of_anchors_and_tags_are_fine_inside_of_texts() -> None:
    text = "description: Tom & Jerry *!* # &a *b !c\ntags: {k: '&a', l: \"*b\", m: '!c'}\n"
    fields = parse_declaration(text.encode(), "m.yaml").fields
    assert fields[Field("description")] == "Tom & Jerry *!*"
    assert [fields[Field("tag", None, key)] for key in "klm"] == ["&a", "*b", "!c"]


@pytest.mark.parametrize(
    "nested",
    ["- " * 400_000, "? " * 400_000, "[" * 900_000, "[" * 300 + "]" * 300, "{a: " * 200_000],
)
def test_deep_nesting_is_a_complaint_and_not_a_crash(nested: str) -> None:
    (complaint,) = complaints(nested)
    assert "the file is nested too deeply" in complaint


def test_expanding_aliases_are_never_expanded() -> None:
    lines = ["a0: &a0 x", *(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]" for n in range(1, 12))]
    assert any("YAML alias" in complaint for complaint in complaints("\n".join(lines)))


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    data = b"\xef\xbb\xbfmodel: m\r\nversions:\r\n  4:\r\n    stage: None\r\n"
    declaration = parse_declaration(data, "x.yaml")
    assert (declaration.model, declaration.line) == ("m", 1)
    assert declaration.versions[4].line == 3
    assert declaration.fields == {Field("stage", 4): "None"}


def test_without_the_c_parser_files_read_the_same() -> None:
    script = """
import sys
sys.modules["yaml._yaml"] = None
import yaml
from reconciler.files import loader
from reconciler.errors import DeclarationError
assert not yaml.__with_libyaml__
print(sorted(loader.parse_declaration(b"tags: {k: 2.10}", "m.yaml").fields.values()))
odd = [b"tags: {k: \\"\\\\ud800\\"}", b"a: \\x07", b"tags: {k: @x}", b"- " * 2000, b"versions: &v"]
for data in odd:
    try:
        loader.parse_declaration(data, "m.yaml")
    except DeclarationError as error:
        print(error.problems[0].line, error.problems[0].column, error.problems[0].message)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "['2.10']",
        "1 11 a text may not contain NUL or a lone surrogate",
        "1 4 U+0007 is not allowed in a YAML file",
        "1 11 a text may not begin with `@`",
        "1 41 the file is nested too deeply",
        "1 11 `&v` is a YAML anchor",
    ]


PIECES = st.sampled_from(
    [
        *("model", "versions", "tags", "aliases", "stage", "4", "x", "null", "registry", "serving"),
        *(": ", ":", "- ", "? ", "\n", "\n  ", "\n    ", " ", "[", "]", "{", "}", ", "),
        *(
            "&a ",
            "*a",
            "!t ",
            "<<",
            '"',
            "'",
            "\\",
            "|",
            ">",
            "#",
            "---\n",
            "...\n",
            "%",
            "@",
            "\t",
        ),
        *("\r", "\x85", "\u2028", "\ufeff", "é", "😀", "\x00"),
    ]
)


@settings(max_examples=400)
@given(st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=30).map("".join)))
def test_whatever_is_in_a_file_is_read_or_complained_about(content: bytes | str) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    for problem in (*problems(parse_declaration, data), *problems(parse_settings, data)):
        assert problem.message
        assert problem.line
        assert problem.column


def problems(parse: Callable[[bytes, str], object], data: bytes) -> tuple[Problem, ...]:
    """Return what is wrong with the data, nothing when it can be read."""
    try:
        parse(data, "m.yaml")
    except DeclarationError as error:
        return error.problems
    return ()
