"""Declarations as files: they read back the same, and people like to read them."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.core.state import STAGES, Declaration, DeclaredVersion, Field
from reconciler.files.loader import dump_declaration, parse_declaration

NASTY = [
    *("true", "True", "yes", "2.10", "null", "~", "", "None", "=", "<<", "1:30", "0x1F", "0o17"),
    *("1e5", ".5", "007", "2025-01-15", " leading", "trailing ", "  ", "a: b", "a:", "#x", "a #b"),
    *("- a", "? a", "[a]", "{a", "&a", "*a", "!a", "|", ">", "%", "@a", "`a", "'a", '"a', "a'b\"c"),
    *("---", "...", "--- a\n", "\n", "\n\n", "a\n", "\na", " a\nb", "a\n\n", "a\n b\n", "a \nb"),
    *("a\n\n\nb\n", "# a\n\n* b\n", "a\tb", "\ta\n", "a\rb", "a\r\nb", "a\x85b", "a\u2028b\u2029"),
    *(
        "é",
        "日本",
        "😀 a",
        "a😀\nb\n",
        "e\u0301",
        "\ufeffa",
        "a\ufeff",
        "\u200b",
        "\xa0",
        "\\n",
        "\x1b[1m",
    ),
    *("\x7f", "\x07", "a\n---\nb\n", "a\n...\n", "word " * 900, "a\u200db\nc"),
]

texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.text(" \n\ta:#-'\"\\|é\x85", max_size=10),
)
non_empty = texts.filter(bool)
keys = st.sampled_from(
    ["true", "null", "on", "007", "2.10", "a b", " a", "a ", "k:", "-", "- a", "日"]
)
names = st.sampled_from(["m", "null", "007", " m", "it's", "- m", "#m", "m\n", "é", "a.b", "true"])
aliases = st.sets(st.sampled_from(["champion", "null", "1", "-", "true", "日本", "_", "no"]))


@st.composite
def declarations(draw: st.DrawFn) -> Declaration:
    numbers = draw(st.lists(st.integers(1, 2147483647), unique=True, max_size=3))
    fields: dict[Field, Any] = {}
    for version in (None, *numbers):
        for key, value in draw(st.dictionaries(keys, texts, max_size=3)).items():
            fields[Field("tag", version, key)] = value
        if draw(st.booleans()):
            fields[Field("description", version)] = draw(texts)
    for version in numbers:
        if draw(st.booleans()):
            fields[Field("stage", version)] = draw(st.sampled_from(STAGES))
    for alias in draw(aliases) if numbers else ():
        fields[Field("alias", None, alias)] = draw(st.sampled_from(numbers))
    digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
    said = [st.none() | each for each in (non_empty, non_empty, digests, non_empty)]
    pins = st.builds(DeclaredVersion, *said)
    return Declaration(
        draw(names),
        fields,
        {version: draw(pins) for version in numbers},
        retired=draw(st.booleans()),
        hold=draw(st.none() | non_empty),
    )


@settings(max_examples=300)
@given(declarations(), st.sampled_from(["", "m", "x"]))
def test_a_declaration_reads_back_the_same(declaration: Declaration, stem: str) -> None:
    text = dump_declaration(declaration, stem=stem)
    assert parse_declaration(text.encode(), f"state/{stem or 'any'}.yaml") == declaration


@pytest.mark.parametrize("text", NASTY)
def test_every_nasty_text_reads_back_the_same(text: str) -> None:
    fields = {Field("tag", None, "k"): text, Field("description"): text}
    declaration = Declaration("m", fields, {})
    assert parse_declaration(dump_declaration(declaration).encode(), "x.yaml") == declaration


@given(declarations())
@settings(max_examples=50)
@example(Declaration("m", {Field("alias", None, "b"): 1, Field("alias", None, "a"): 1}, {}))
def test_the_same_declaration_is_the_same_text(declaration: Declaration) -> None:
    turned = Declaration(
        declaration.model,
        dict(reversed(list(declaration.fields.items()))),
        dict(reversed(list(declaration.versions.items()))),
        declaration.retired,
        declaration.hold,
    )
    assert dump_declaration(turned) == dump_declaration(declaration)


def test_a_file_reads_as_a_person_would_write_it() -> None:
    declaration = Declaration(
        "fraud-detection",
        {
            Field("tag", None, "owner"): "payments-ml",
            Field("tag", None, "data_version"): "2.10",
            Field("description"): "# Fraud\n\nScores card transactions 😀.\n",
            Field("stage", 3): "Archived",
            Field("stage", 12): "Production",
            Field("alias", None, "stable"): 12,
            Field("alias", None, "champion"): 12,
            Field("tag", 12, "validated"): "true",
            Field("description", 12): "",
        },
        {
            3: DeclaredVersion(blocked="leaks card numbers"),
            12: DeclaredVersion(run_id="12e3", source="models:/m-9a"),
            1: DeclaredVersion(),
        },
    )
    assert (
        dump_declaration(declaration, stem="fraud-detection")
        == """\
description: |
  # Fraud

  Scores card transactions 😀.
tags:
  data_version: '2.10'
  owner: payments-ml
versions:
  12:
    stage: Production
    aliases: [champion, stable]
    tags:
      validated: 'true'
    description: ''
    run_id: '12e3'
    source: models:/m-9a
  3:
    blocked: leaks card numbers
    stage: Archived
  1: {}
"""
    )


@pytest.mark.parametrize(
    ("declaration", "stem", "text"),
    [
        (Declaration("m", {}, {}, retired=True), "m", "retired: true\n"),
        (Declaration("m", {}, {}, retired=True), "x", "model: m\nretired: true\n"),
        (Declaration("m", {}, {}), "m", "model: m\n"),
    ],
)
def test_the_name_is_written_where_the_file_does_not_say_it(
    declaration: Declaration, stem: str, text: str
) -> None:
    assert dump_declaration(declaration, stem=stem) == text
