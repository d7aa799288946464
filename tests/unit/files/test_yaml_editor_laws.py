"""Laws of edits to model files: exact in meaning, and nothing else moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.state import Declaration
from reconciler.files.editing.edits import KeyPath, YamlEdit, edited, edits_between, parts
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import parse_declaration
from tests.support.files.yaml_styles import FILE, STYLES

VERSIONS = ("1", "2", "3", "4", "5", "10", "11")
KEYS = ("risk", "owner", "team", "data", "a key", "stage", "tags", "yes", "2.10")
ALIASES = ("champion", "canary", "no", "1", "-x")
NASTY = (
    "",
    "a",
    "two words",
    "true",
    "2.10",
    "null",
    "~",
    " x",
    "x ",
    "a: b",
    "a #b",
    "#c",
    "- d",
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
    "0x4",
    "=",
    "<<",
    "...",
    "---",
    "|",
    "%",
    "a\r\nb",
    "a\u2028b",
    "a\x85b",
    "\ufeff",
    "\n",
    "- a\n- b",
    "# a\n# b",
    " a\nb",
    "a\n  ",
    "a\tb\nc",
    "a  \nb",
    "😀",
    "key:",
    "!x",
)
TEXTS = st.sampled_from(NASTY) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=12
)


@dataclass(frozen=True)
class Case:
    """A file, and edits after which it is still valid."""

    data: bytes
    edits: tuple[YamlEdit, ...]


@st.composite
def cases(draw: st.DrawFn, *, most: int = 6) -> Case:
    text = draw(st.sampled_from(STYLES))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    data = (draw(st.sampled_from(("", "\ufeff"))) + text).encode()
    chosen = draw(st.lists(paths(), min_size=1, max_size=most, unique=True))
    return Case(data, tuple(fitting(path, draw(st.none() | TEXTS)) for path in chosen))


@st.composite
def paths(draw: st.DrawFn) -> KeyPath:
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
                *((*version, name) for name in ("stage", "description")),
                *((*version, name) for name in ("run_id", "source", "digest", "semver")),
                (*version, "tags", key),
                (*version, "aliases", alias),
                (*version, "aliases", alias),
            )
        )
    )


def fitting(path: KeyPath, value: str | None) -> YamlEdit:
    """Return an edit at a path that leaves a valid declaration behind."""
    match path:
        case (*_, "retired"):
            return YamlEdit(path, None if value is None else "true")
        case (*_, "stage") if len(path) == 3 and value is not None:
            return YamlEdit(path, "Staging" if len(value) % 2 else "None")
        case (*_, "hold") | (*_, "run_id") | (*_, "source") if value == "":
            return YamlEdit(path, "x")
        case ("versions", _, "digest") if value is not None:  # the text itself is not one
            return YamlEdit(path, f"sha256:{sha256(repr(value).encode()).hexdigest()}")
        case ("versions", number, "semver") if value is not None:
            return YamlEdit(path, f"{number}.{len(value)}.0")
        case ("versions", _) if value is not None:
            return YamlEdit(path, "")
        case ("versions", _, "aliases", _) if value is not None:
            return YamlEdit(path, "")
    return YamlEdit(path, value)


@given(cases())
def test_edits_mean_exactly_what_they_say(case: Case) -> None:
    before = parse_declaration(case.data, FILE)
    after = parse_declaration(apply_edits(case.data, case.edits, FILE), FILE)
    assert after == edited(before, case.edits)


@given(cases())
def test_the_opposite_edits_restore_the_meaning(case: Case) -> None:
    before = parse_declaration(case.data, FILE)
    result = apply_edits(case.data, case.edits, FILE)
    back = edits_between(parse_declaration(result, FILE), before)
    assert parse_declaration(apply_edits(result, back, FILE), FILE) == before


@given(cases(most=2))
def test_lines_that_are_not_edited_stay_in_place_and_as_they_are(case: Case) -> None:
    before = parse_declaration(case.data, FILE)
    edits = edits_between(before, edited(before, case.edits))
    result = apply_edits(case.data, case.edits, FILE)
    rest = iter(result.decode("utf-8-sig").splitlines())
    for line in case.data.decode("utf-8-sig").splitlines():
        assert is_touched(line, edits, before) or line in rest


@given(cases())
def test_the_ends_of_lines_and_of_the_file_stay_as_they_are(case: Case) -> None:
    old, new = case.data.decode(), apply_edits(case.data, case.edits, FILE).decode()
    assert new.startswith("\ufeff") == old.startswith("\ufeff")
    assert new.endswith("\n") == old.endswith("\n")
    assert new.count("\r\n") == (new.count("\n") if "\r\n" in old else 0)


def is_touched(line: str, edits: Sequence[YamlEdit], before: Declaration) -> bool:
    """Return whether a line shows a key, an alias or a value that is edited."""
    old = parts(before)
    for edit in edits:
        of_version = {path for path in old if path[:2] == edit.path and len(edit.path) == 2}
        words = {word for path in {edit.path, *of_version} for word in path if word != "versions"}
        if edit.path[0] == "tags":
            words |= {"owner", "team"}  # in flow style, neighbours share the commas
        if of_version and line.lstrip().startswith("#"):
            return True  # comments within an entry go with it
        values = [old.get(path, "") for path in {edit.path, *of_version}]
        if any(word in line for word in words) or any(line.strip() in value for value in values):
            return True
    return line.startswith(("{", "versions: {}"))
