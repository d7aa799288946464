"""Edits to model files by the way people write them: exact in meaning, and small in the diff."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.edits import Edit, Path, edited
from reconciler.errors import DeclarationError
from reconciler.state import Declaration, Field
from reconciler.yaml_edit import apply_edits
from reconciler.yaml_files import parse_declaration

FILE = "registry-state/fraud.yaml"

PLAIN = """\
# who to ask: payments
model: fraud   # as registered
description: Scores card transactions  # shown on top
tags: {owner: payments-ml}

versions:
  # newest first
  4:
    stage: Production  # since May
    aliases: [champion]
    tags:
      risk: high   # by the board
      # more to come
      data: "2.10"
    description: >-
      Adds merchant-risk
      features

    run_id: 1f0c
  # the one before
  3:
    stage: Archived
# the end
"""
WIDE = """\
---
versions:
    '2':
        aliases:
            - champion  # serves

            - canary
        stage: 'Staging'

    '1':
        description: |  # markdown
            # Title

            A text
              with shape.

        tags:
            "risk": 'it''s low'
            team: [x][0]
"""
FLOW = "{model: fraud, versions: {4: {stage: Production, aliases: [champion, canary]}, 2: {}}}\n"
MIXED = """\
tags: {
  owner: payments,  # who pays
  "team": ml
}
versions:
  1: {stage: Archived, tags: { risk: low }}
  2: { stage: "Production" }   # good

  3:   {aliases: [canary,champion] , stage: None}
"""
DASHES = """\
model:   fraud
description:
  over the
  next lines
versions:
 10:
  aliases:
  - champion
  # serves
  stage:
   Production
 9: {}
retired: false
"""
EMPTY = """\
model: fraud
tags: {}
versions: {}  # none yet
# the end
"""
STYLES = (PLAIN, WIDE.replace("team: [x][0]", "team: x"), FLOW, MIXED, DASHES, EMPTY)

VERSIONS = ("1", "2", "3", "4", "5", "10", "11")
KEYS = ("risk", "owner", "team", "data", "a key", "stage", "tags", "yes", "2.10")
ALIASES = ("champion", "canary", "no", "1", "-x")
TEXTS = st.one_of(
    st.sampled_from(
        ("", "a", "two words", "true", "2.10", "null", "~", " x", "x ", "a: b", "a #b", "#c", "- d")
        + (
            "it's",
            '"',
            "{",
            "[x",
            "@x",
            "1:30",
            "x\ny",
            "x\n\n  y\n",
            "x\n\n",
            "\tx",
            "a, b",
            "é日",
        )
        + ("0x4", "=", "<<", "...", "---", "|", "%", "a\r\nb", "a\u2028b", "a\x85b", "\ufeff", "\n")
        + (
            "- a\n- b",
            "# a\n# b",
            " a\nb",
            "a\n  ",
            "a\tb\nc",
            "a  \nb",
            "\U0001f600",
            "key:",
            "!x",
        )
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
)


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


def changed(text: str, *edits: tuple[str, str | None]) -> str:
    data = [Edit(tuple(path.split("/")), value) for path, value in edits]
    return apply_edits(text.encode(), data, FILE).decode()


def diff(text: str, *edits: tuple[str, str | None]) -> str:
    """Return the lines that a review of the edits would show."""
    after = changed(text, *edits)
    found = difflib.unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    return lines(*(line for line in found if not line.startswith(("---", "+++", "@@"))))


@dataclass(frozen=True)
class Case:
    """A file, and edits after which it is still valid."""

    data: bytes
    edits: tuple[Edit, ...]


@st.composite
def cases(draw: st.DrawFn, *, most: int = 6) -> Case:
    text = draw(st.sampled_from(STYLES))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    data = (draw(st.sampled_from(("", "\ufeff"))) + text).encode()
    declaration = parse_declaration(data, FILE)
    edits: list[Edit] = []
    for path in draw(st.lists(paths(), min_size=1, max_size=most, unique=True)):
        value = draw(st.none() | TEXTS)
        for edit in fitting(declaration, path, value):
            edits.append(edit)
            declaration = edited(declaration, [edit])
    return Case(data, tuple(edits))


@st.composite
def paths(draw: st.DrawFn) -> Path:
    version = ("versions", draw(st.sampled_from(VERSIONS)))
    key, alias = draw(st.sampled_from(KEYS)), draw(st.sampled_from(ALIASES))
    return draw(
        st.sampled_from(
            (
                ("description",),
                ("hold",),
                ("retired",),
                ("tags", key),
                version,
                *((*version, name) for name in ("stage", "description", "run_id", "source")),
                (*version, "tags", key),
                (*version, "aliases", alias),
                (*version, "aliases", alias),
            )
        )
    )


def fitting(declaration: Declaration, path: Path, value: str | None) -> Sequence[Edit]:
    """Return edits at a path that leave a valid declaration behind."""
    match path:
        case (*_, "retired"):
            return [Edit(path, None if value is None else "true")]
        case (*_, "stage") if len(path) == 3 and value is not None:
            return [Edit(path, "Staging" if len(value) % 2 else "None")]
        case (*_, "hold") | (*_, "run_id") | (*_, "source") if value == "":
            return [Edit(path, "x")]
        case ("versions", _) if value is not None:
            return [Edit(path, "")]
        case ("versions", number, "aliases", alias) if value is not None:
            holder = declaration.fields.get(Field("alias", None, alias))
            taken = [Edit(("versions", str(holder), "aliases", alias), None)]
            return [*(taken if holder not in (None, int(number)) else []), Edit(path, "")]
    return [Edit(path, value)]


@given(cases())
def test_edits_mean_exactly_what_they_say(case: Case) -> None:
    before = parse_declaration(case.data, FILE)
    after = parse_declaration(apply_edits(case.data, case.edits, FILE), FILE)
    assert after == edited(before, case.edits)
