"""Hostile files: whatever is in them is read or complained about, in bounded time and memory."""

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.cli import run
from reconciler.errors import DeclarationError, Problem
from reconciler.files.editing.edits import YamlEdit, edited
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import load, parse_declaration, parse_settings
from reconciler.policy.cel.evaluator import expression_problems, why_unmet
from tests import ROOT
from tests.support.files.hostile_lab import MEGABYTES, SECONDS, Call, measured
from tests.support.files.yaml_styles import FILE, STYLES

_MB = 1_000_000

POLICIES = """\
registry: {uri: [https://mlflow.example.com, http://mlflow:5000], name: prod}
branch: main
exclusive: [Production, Staging]
serving: {stage: Production}
guards: {aliases: [champion]}
ignore: {models: [tmp-*], tags: [team.*], aliases: [wip]}
policies:
  - {name: better, require: "metrics.auc >= incumbent.metrics.auc"}
  - name: reviewed
    on: {stage: [Staging, Production], models: ["*"]}
    approvals: 2
  - {name: soaked, soak: 24h, enforce: warn}
  - {name: weekend, freeze: Fri 16:00 - Mon 08:00 Europe/Berlin}
  - {name: traced, lineage: [params.git_commit, tags.data_version]}
  - {name: pinned-bytes, digest: required}
digests: {verify: [plan, apply]}
"""
CONSENTS = """\
model: fraud
accept:
  - {guard: empty-serving, until: 2025-01-31, reason: moved}
versions:
  4: {stage: Production, traffic: 0.9, aliases: [champion]}
  3: {traffic: 0.1, blocked: leaks, run_id: 1f0c, source: "models:/m-9a"}
  2: {digest: "sha256:@"}
hold: until the audit
""".replace("@", "0f" * 32)
_REAL = (
    *STYLES,
    CONSENTS,
    POLICIES,
    *(path.read_text() for path in sorted((ROOT / "examples").rglob("registry-state/*.yaml"))),
    *(path.read_text() for path in sorted((ROOT / "registry-state").glob("*.yaml"))),
)
_NASTY = st.sampled_from(
    [
        *("&a ", "*a", "!t ", "!!python/object:os.system ", "<<: ", "? ", "- ", ": ", "---\n"),
        *("%YAML 3.0\n", "\t", "\x00", "\x1b[31m", "\r", "\x85", "\u2028", "\ufeff", "\ud800"),
        *("null", "~", "[", "]", "{", "}", ",", "#", '"', "'", "|\n", ">-\n", "\\", "@", "`"),
        *("9" * 5000, "007", "1:30", "0x4", "-1", "1e999", ".inf", "2025-02-30", "😀" * 300),
        *("metrics[", "model[1u", "{a: " * 30, "[" * 300, "a" * 6000, "Production", "v1"),
    ]
)


@st.composite
def mutants(
    draw: st.DrawFn, texts: tuple[str, ...] = _REAL, pieces: st.SearchStrategy[str] = _NASTY
) -> bytes:
    """Do something to a real file."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        match draw(st.sampled_from(("put", "cut", "replace", "repeat", "end"))):
            case "put":
                text = text[:at] + draw(pieces) + text[at:]
            case "cut":
                text = text[:at] + text[min(end, at + 20) :]
            case "replace":
                text = text[:at] + draw(pieces) + text[min(end, at + 10) :]
            case "repeat":
                text = text[:end] + text[at:end] + text[end:]
            case _:
                text = text[:end]
    data = text.encode("utf-8", "surrogatepass")
    return draw(st.sampled_from((data, data, data[::-1], data.replace(b"\n", b"\r\n"))))


_SCALARS = st.one_of(
    _NASTY, st.text(max_size=20), st.integers().map(str), st.floats().map(str), st.just("")
)
_KEYS = st.one_of(
    st.sampled_from(
        [
            *("model", "description", "tags", "versions", "retired", "hold", "accept", "policies"),
            *("stage", "aliases", "traffic", "run_id", "blocked", "registry", "serving", "ignore"),
            *("guards", "exclusive", "name", "on", "require", "soak", "freeze", "lineage"),
            *("renamed_from", "approvals", "guard", "until", "reason", "1", "4"),
            *("digest", "digests", "verify", "sha256"),
        ]
    ),
    _SCALARS,
)
_MARKS = st.sampled_from(["", "", "", "", "&a ", "!x ", "!!str ", "*a #"])
# Texts of flow YAML: valid or nearly so, of any shape.
STRUCTURES = st.recursive(
    st.one_of(_SCALARS.map(json.dumps), _SCALARS),
    lambda inner: st.one_of(
        st.tuples(_MARKS, st.lists(inner, max_size=4)).map(lambda x: f"{x[0]}[{', '.join(x[1])}]"),
        st.tuples(_MARKS, st.lists(st.tuples(_KEYS, inner), max_size=5)).map(
            lambda x: x[0] + "{" + ", ".join(f"{json.dumps(k)}: {v}" for k, v in x[1]) + "}"
        ),
    ),
    max_leaves=12,
).map(lambda text: text.encode("utf-8", "surrogatepass"))
_FILES = st.one_of(mutants(), STRUCTURES, st.binary(max_size=80))


@settings(max_examples=500)
@given(_FILES)
@example(b'policies: [{name: a, require: "model["}]')
def test_whatever_a_file_holds_is_read_or_complained_about_with_its_place(data: bytes) -> None:
    for problem in (*_problems(parse_declaration, data), *_problems(parse_settings, data)):
        assert problem.message
        assert problem.line
        assert problem.column
        assert len(problem.message) < 3_000


def _problems(parse: Callable[[bytes, str], object], data: bytes) -> tuple[Problem, ...]:
    try:
        parse(data, FILE)
    except DeclarationError as error:
        assert error.problems  # noqa: PT017  what it raises is not what is tested
        return error.problems
    return ()


@settings(max_examples=150)
@given(_FILES, _FILES)
@example(b"versions: {[4]: {}}", b"")
def test_the_command_ends_with_0_or_3_and_shows_no_control_code(model: bytes, rules: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "state"
        folder.mkdir()
        (folder / "m.yaml").write_bytes(model)
        if rules:
            (folder / "reconciler.yaml").write_bytes(rules)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["validate", "--state", str(folder), "--format", "json"])
        text = err.getvalue()
        assert code in (0, 3), text
        assert json.loads(out.getvalue())["exit"]["code"] == code
        assert all(char.isprintable() or char == "\n" for char in text)
        assert (code == 3) == _is_wrong(folder)


def _is_wrong(folder: Path) -> bool:
    try:
        load(folder, "state")
    except DeclarationError:
        return True
    return False


_SOME = (
    YamlEdit(("versions", "4", "stage"), "Archived"),
    YamlEdit(("versions", "2", "stage"), "Staging"),
    YamlEdit(("versions", "4", "aliases", "champion"), None),
    YamlEdit(("versions", "2", "aliases", "champion"), ""),
    YamlEdit(("versions", "2", "tags", "risk"), "a: b #c\n\x1b"),
    YamlEdit(("versions", "1"), None),
    YamlEdit(("description",), "two\nlines"),
)


# What people do to the layout of a file: most of the time it means the same.
_LAYOUT = st.sampled_from(["\n", " ", "  # x\n", "#", "\n\n", "''", " \n", "\t", "é", ",", "\x85"])


@settings(max_examples=400)
@given(
    mutants((*STYLES, CONSENTS), _LAYOUT), st.lists(st.sampled_from(_SOME), max_size=3, unique=True)
)
def test_an_edited_file_means_what_was_asked_or_is_refused_whole(
    data: bytes, edits: list[YamlEdit]
) -> None:
    try:
        result = apply_edits(data, edits, FILE)
    except DeclarationError:
        return  # any other error fails
    before, after = parse_declaration(data, FILE), parse_declaration(result, FILE)
    assert after == edited(before, edits)


_TOKENS = st.sampled_from(
    [
        *("metrics", "model", "version", "run", "incumbent", "now", "x", "null", "true", "1", "7u"),
        *("0x1f", "1.5", "'a'", '"', "r'\\", "b'x'", "[", "]", "(", ")", "{", "}", ".", ",", "?"),
        *(":", "!", "-", "+", "*", "/", "%", "==", "<", "&&", "||", " in ", "\n", "//", "@", "\\"),
        *("has(", ".all(", ".filter(", ".matches(", "size(", "duration(", "timestamp(", "double("),
        *(".auc", ".tags", "9" * 30, "\u0663", "é", "\x00"),
    ]
)


@settings(max_examples=400)
@given(st.one_of(st.lists(_TOKENS, max_size=25).map("".join), st.text(max_size=40)))
@example("model[")
def test_whatever_a_condition_says_it_is_judged_and_never_crashes(source: str) -> None:
    for fault in expression_problems(source):
        assert fault.line >= 1
        assert fault.column >= 1
    said = why_unmet(source, {"model": "m", "metrics": {"auc": 0.5}})
    assert said is None or said


def _each(text: Callable[[int], str], longest: int = _MB) -> str:
    parts: list[str] = []
    size = 0
    for number in range(1, longest):
        parts.append(text(number))
        size += len(parts[-1])
        if size > longest:
            break
    return "".join(parts[:-1])


def _worst() -> Iterator[tuple[str, str, str]]:
    """Yield files of about a megabyte that cost the most: a name, model file and settings."""
    models = {
        "brackets": "[" * _MB,
        "maps": "{a: " * (_MB // 4),
        "dashes": "- " * (_MB // 2),
        "anchors": _each(lambda n: f"- &a{n} x\n"),
        "aliases": "a: &x 1\n" + _each(lambda _: "- *x\n", _MB - 10),
        "tags": _each(lambda _: "- !a x\n"),
        "key": "k" * (_MB - 3) + ": 1",
        "block": "description: |\n" + " x\n" * (_MB // 3 - 10),
        "line": "description: " + "x " * (_MB // 2 - 10),
        "escapes": 'description: "' + "\\u0041" * (_MB // 6 - 5) + '"',
        "versions": "versions:\n" + _each(lambda n: f" {n}: {{}}\n", _MB - 20),
        "wrong versions": "versions:\n" + _each(lambda n: f" {n}: {{x: 1}}\n", _MB - 20),
        "one alias": "versions:\n" + _each(lambda n: f" {n}: {{aliases: [a]}}\n", _MB - 20),
        "keys": _each(lambda n: f"versions{n}: 1\n"),
        "merges": _each(lambda _: "<<: {a: 1}\n"),
        "lists as keys": _each(lambda _: "[a]: 1\n"),
        "flow": "{" + "a," * (_MB // 2 - 2) + "}",
        "flow in flow": "[" + ("[" * 18 + "]" * 18 + ",") * (_MB // 37) + "]",
        "consents": "accept:\n" + "- {}\n" * (_MB // 6),
        "cases": "versions:\n 1:\n  aliases: ["
        + ",".join(f"{'aA'[n % 2]}{n // 2}" for n in range(100_000))
        + "]",
        "not closed": 'a: "' + "x\n" * (_MB // 2 - 10),
    }
    rules = {
        "policies": "policies:\n" + _each(lambda n: f'- {{name: a{n}, require: "stage == 1"}}\n'),
        "conditions": "policies:\n"
        + "".join(
            f'- {{name: a{n}, require: "{"metrics.a + " * 150}1 > 2"}}\n' for n in range(200)
        ),
        "one condition": 'policies: [{name: a, require: "' + "a+" * (_MB // 2 - 40) + 'a"}]',
        "soak": f'policies: [{{name: a, soak: "1w{" " * 5000}x"}}]',
        "freezes": "policies:\n"
        + "".join(
            f"- {{name: a{n}, freeze: 'Fri 16:00 - Mon 08:00 No/{n}'}}\n" for n in range(200)
        ),
        "uri": f'registry: "{"://:" * 240_000}"',
        "globs": "ignore:\n models: [" + _each(lambda n: f'"*a*b*{n}",', _MB - 30) + "]",
    }
    for name, text in models.items():
        yield name, text, ""
    for name, text in rules.items():
        yield f"settings: {name}", "versions: {1: {}}", text


def test_the_costliest_files_are_bounded_in_time_in_memory_and_in_what_is_told(
    tmp_path: Path,
) -> None:
    names, calls = [], []
    for number, (name, model, rules) in enumerate(_worst()):
        folder = tmp_path / str(number) / "registry-state"
        folder.mkdir(parents=True)
        (folder / "m.yaml").write_text(model[:_MB])
        if rules:
            (folder / "reconciler.yaml").write_text(rules[:_MB])
        names.append(name)
        calls.append(Call(folder.parent, ["validate"], {}))
    for name, call, took in zip(names, calls, measured(calls), strict=True):
        assert took.code in (0, 3), (name, took.text)
        assert "Traceback" not in took.text, name
        assert took.megabytes < MEGABYTES, name
        assert took.printed < _MB, name
        # Twice, for a machine that was busy with something else the first time.
        assert took.cpu < SECONDS or measured([call])[0].cpu < SECONDS, (name, took.cpu)


def test_of_very_many_complaints_the_first_are_told_and_that_there_are_more() -> None:
    text = "versions:\n" + "".join(f" {n}: {{x: 1}}\n" for n in range(1, 5_000))
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text.encode(), FILE)
    first, second, *rest = caught.value.problems
    assert "only the first 1,000 problems" in first.message
    assert second.message == "unknown key `x`"
    assert len(rest) == 999
