"""Where source files load a model, held to a corpus that was labelled by hand."""

import time
from functools import reduce
from operator import add

import pytest

from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.source_scan import source_loads
from tests.support.usage.labelled_corpus import (
    CORPUS,
    PARTS,
    LabelledFile,
    Place,
    Score,
    labelled_files,
    places,
    score,
)

_FILES = [file for part in PARTS for file in labelled_files(part)]

# What the scanner gets wrong, of which docs/consumers.md speaks: found, and not found.
_WRONG: dict[str, tuple[set[Place], set[Place]]] = {
    # Python 2 is read as text, which formats nothing
    "python/py2_job.py": ({(16, None, None)}, {(16, "legacy", "3")}),
    # a text of a constant that is help; values of a dict
    "python/flask_app.py": (
        {(10, "house-prices", "Staging"), (23, None, None)},
        {(23, "house-prices", "@production")},
    ),
    # the value of an enum's member
    "python/enum_stages.py": ({(26, None, None)}, {(26, "ranker", "Production")}),
    # a method of another library in a file that imports MLflow; the message of an assertion
    "python/unittest_mocks.py": ({(20, None, None), (27, "scores", "Staging")}, set()),
    # a URI that is a variable of a workflow's own template language
    "yaml/argo_workflow.yaml": (set(), {(19, None, None)}),
    # a text that a command ignores; a request to the server
    "shell/rollback.sh": ({(3, "wine", "Production")}, {(8, "wine", "@champion")}),
    # a message of a function of one's own
    "shell/bootstrap.bash": ({(10, "lead-eu", "Production")}, set()),
    # a text of several lines under a key that does not say what it is
    "toml/config.toml": ({(6, "bids", "3")}, set()),
    # a message in a log of a language that is not parsed
    "other/Serve.scala": ({(10, "spam", "Production")}, set()),
}


def test_every_file_of_the_corpus_is_labelled() -> None:
    files = {
        path.relative_to(CORPUS).as_posix().removesuffix(".txt") for path in CORPUS.rglob("*.txt")
    }
    assert files == {file.name for file in _FILES}
    assert [len(labelled_files(part)) for part in PARTS] == [40, 20]
    assert set(_WRONG) < files


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_the_loads_of_a_file_are_those_that_are_labelled(file: LabelledFile) -> None:
    found = places(source_loads(file.name, file.data))
    extra, missed = _WRONG.get(file.name, (set(), set()))
    assert found - file.places == extra
    assert file.places - found == missed


@pytest.mark.parametrize(
    ("part", "published"),
    [("tuned", Score(95, 95, 96, 33, 34, 33)), ("held-out", Score(44, 50, 47, 24, 27, 25))],
)
def test_the_scanner_is_as_good_as_the_documentation_says(part: str, published: Score) -> None:
    scores = [
        score(file, places(source_loads(file.name, file.data))) for file in labelled_files(part)
    ]
    assert reduce(add, scores) == published


def _alias_of(load: Load) -> str:
    return f"models:/{load.model}@rewritten"


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_a_literal_can_be_replaced_where_it_stands(file: LabelledFile) -> None:
    loads = source_loads(file.name, file.data)
    literals = [load for load in loads if load.is_literal]
    lines = file.data.decode().split("\n")
    for load in reversed(literals):
        line = lines[load.line - 1]
        before, rest = line[: load.column - 1], line[load.column - 1 :]
        assert rest.startswith(load.text)
        lines[load.line - 1] = before + _alias_of(load) + rest.removeprefix(load.text)
    again = source_loads(file.name, "\n".join(lines).encode())
    expected = places(loads) - places(literals) | {
        (load.line, load.model, "@rewritten") for load in literals
    }
    assert places(again) == expected


def _one(name: str, text: str | bytes) -> Load:
    data = text if isinstance(text, bytes) else text.encode()
    [load] = source_loads(name, data)
    return load


def test_a_column_counts_characters_and_a_line_ends_as_python_ends_it() -> None:
    load = _one("a.py", 'é = "日本"; x = "models:/a/1"\n')
    assert (load.line, load.column, load.is_literal) == (1, 16, True)
    assert _one("a.py", 'a = 1\r\nb = "\u2028"\rc = "models:/a/1"').line == 3
    assert _one("a.yaml", "a: 1\r\nb: \u2028\rc: models:/a/1").line == 3
    marked = _one("a.py", b"\xef\xbb\xbfx = 'models:/a/1'")
    assert (marked.column, marked.is_literal) == (6, True)


@pytest.mark.parametrize(
    "data",
    [
        "x = 'models:/a/1'".encode("utf-16"),
        b"# coding: latin-1\nx = '\xe9 models:/a/1'",
        b"x = '\xe9', 'models:/a/1'",
    ],
)
def test_another_encoding_is_read_and_nothing_in_it_is_replaced(data: bytes) -> None:
    load = _one("a.py", data)
    assert (load.model, load.loads, load.is_literal) == ("a", "1", False)


def test_what_a_uri_loads_is_what_mlflow_makes_of_it() -> None:
    text = (
        "models:/a/production models:/a/LATEST models:/a/007 models:/a@b/MLmodel models:/a/Prod "
        "models:/a models:/a/1.5 models:/m-0123abcd models://p@databricks/c.s.m@champion"
    )
    found = [(load.model, load.loads, load.text) for load in source_loads("a.txt", text.encode())]
    assert found == [
        ("a", "Production", "models:/a/production"),
        ("a", "latest", "models:/a/LATEST"),
        ("a", "7", "models:/a/007"),
        ("a", "@b", "models:/a@b"),
        ("c.s.m", "@champion", "models://p@databricks/c.s.m@champion"),
    ]


def test_what_is_unknown_says_why() -> None:
    load = _one("a.py", "def f(name, stage): return f'models:/{name}/{stage}'")
    assert load.text == "models:/{name}/{stage}"
    assert load.why == "`name` and `stage` are known only when the program runs"
    call = _one("a.py", "import mlflow\nmlflow.pyfunc.load_model(get())")
    assert (call.form, call.text) == ("call", "mlflow.pyfunc.load_model(get())")
    assert call.why == "`get()` is known only when the program runs"
    every = _one("a.py", "import mlflow\nmlflow.MlflowClient().get_latest_versions('a')")
    assert every.why == "without `stages` it reads the newest version of every stage"
    assert every.column == 23
    assert (every.text, every.model) == ("get_latest_versions('a')", None)


@pytest.mark.parametrize(
    ("assigned", "loads"),
    [
        ("NAME = 'a'", "1"),
        ("NAME = 'a'\nNAME = 'b'", None),
        ("NAME = 'a'\ndef g():\n    global NAME\n    NAME = 'b'", None),
        ("from x import NAME", None),
        ("for NAME in 'ab': pass", None),
        ("NAME = 'a' if x else 'b'", None),
        ("NAME, other = 'a', 'b'", "1"),
        ("NAME: str = 'a'", "1"),
        ("NAME = 'a'\ndel NAME", None),
        ("NAME = 'a'\nNAME += 'b'", None),
        ("if (NAME := 'a'): pass", "1"),
    ],
)
def test_a_name_is_known_where_it_is_assigned_once(assigned: str, loads: str | None) -> None:
    load = _one("a.py", f"{assigned}\nurl = f'models:/{{NAME}}/1'")
    assert load.loads == loads


def test_a_name_of_a_function_hides_that_of_the_module() -> None:
    load = _one("a.py", "N = 'a'\ndef f():\n    N = 'b'\n    return f'models:/{N}/1'")
    assert load.model == "b"
    load = _one("a.py", "N = 'a'\ndef f(N):\n    return f'models:/{N}/1'")
    assert load.model is None
    load = _one("a.py", "N = 'a'\nx = [f'models:/{N}/1' for N in y]")
    assert load.model is None


def test_a_cell_of_a_notebook_has_its_number_and_its_place_in_the_file() -> None:
    cells = (
        r'{"cells": [{"cell_type": "markdown", "source": ["x"]}, {"source": ["\u00e9 = 1\n", '
        '\n"x = \'models:/a/1\'; y = \\"models:/b/2\\""], "cell_type": "code"}]}'
    )
    first, second = source_loads("a.ipynb", cells.encode())
    assert (first.cell, first.line, first.column, first.is_literal) == (2, 2, 7, True)
    line = cells.split("\n")[1]
    assert line[second.column - 1 :].startswith("models:/b/2")


def _nested(begin: str, end: str = "") -> str:
    return f"x = 'models:/a/1'\ny = {begin * 50_000}1{end * 50_000}"


@pytest.mark.parametrize(
    "text",
    [
        "x = 'models:/a/1'\ny = z" + ".a()" * 100_000,
        _nested("(", ")"),
        _nested("-"),
        _nested("a + "),
        _nested("[", "]"),
        _nested("lambda: "),
    ],
    ids=["calls", "parentheses", "minus", "sum", "lists", "lambdas"],
)
def test_a_program_that_is_nested_too_deep_is_read_as_text(text: str) -> None:
    assert (_one("a.py", text).model, _one("a.py", text).line) == ("a", 1)


_DOUBLED = "".join(f"a{n + 1} = a{n} + a{n}\n" for n in range(60))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", f"a0 = 'models:/x'\n{_DOUBLED}print(a60 + '/1')"),
        ("a.py", "a = b\nb = a\nimport mlflow\nmlflow.pyfunc.load_model(a)"),
        ("a.py", "x = f'" + "models:/{a}/1 " * 500 + "'"),
        ("a.py", "'models:/" + "'''" * 20_000),
        ("a.yaml", "models:/{{" * 20_000),
        ("a.yaml", "models:/$a" + "$aaaa" * 20_000),
        ("a.yaml", "models:/a/1\n" + "description: |\n" * 10_000),
        ("a.yaml", "models:/a/1 " + '"\\' * 100_000),
        ("a.sh", "models:/a/1\n" + ';echo "' * 20_000),
        ("a.json", '"description": "models:/a/1' * 10_000),
        ("a.ipynb", '{"cells":' + "[" * 100_000),
        ("a.ipynb", '"\\' * 100_000),
    ],
)
def test_a_hostile_file_is_read_in_a_moment(name: str, text: str) -> None:
    begun = time.process_time()
    source_loads(name, text.encode())
    assert time.process_time() - begun < 2


def test_a_long_text_is_read_whole() -> None:
    assert _one("a.py", f"x = '{'y' * 200_000} models:/a/1'").column == 200_007
