"""Finds loads in the code cells of a notebook: Python, shell lines and shell cells."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from reconciler.audit.usage.file_kinds import SourceKind
from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.notebook_cells import Cell, read_notebook
from reconciler.audit.usage.python_source import parsed, python_loads
from reconciler.audit.usage.source_text import SourceText
from reconciler.audit.usage.text_source import text_loads

_PYTHON_CELLS: Final = (
    "time",
    "timeit",
    "capture",
    "prun",
    "python",
    "python3",
    "pyspark",
    "spark",
)
_SHELL_CELLS: Final = ("bash", "sh", "shell", "script", "zsh", "cmd", "system", "sx")
_LANGUAGES: Final[dict[str, SourceKind]] = {"r": "hash-comments", "julia": "hash-comments"}
_CELL_MAGIC: Final = re.compile(r"\s*%%(\w+)([^\n]*)")
_SHELL_LINE: Final = re.compile(r"^[ \t]*(?:[\w., ]{1,80}=[ \t]*)?!(?!=)[^\n]*", re.MULTILINE)
_PYTHON_MAGIC: Final = re.compile(r"^([ \t]*)%(?:time|timeit|prun)\b(?:[ \t]+-\w+)*", re.MULTILINE)
_MAGIC: Final = re.compile(
    r"^(?P<indent>[ \t]*)(?P<target>[\w., ]{1,80}=[ \t]*)?(?:%|!(?!=)|\?)[^\n]*"
    r"|^(?P<asked>[ \t]*)[\w.]{1,80}\?{1,2}[ \t]*$",
    re.MULTILINE,
)


def notebook_loads(source: SourceText) -> tuple[Load, ...]:
    """Return the loads of a notebook's code cells, each at its place in the file."""
    notebook = read_notebook(source.text)
    loads: list[Load] = []
    program: list[tuple[Cell, str]] = []
    for cell in notebook.cells:
        text = cell.text
        kind = _kind(text, notebook.language)
        shell = "".join(_shell_lines(text)) if kind == "python" else ""
        for other, content in ((kind, text), ("shell", shell)):
            if other != "python" and content.strip():
                loads += _placed(source, [(cell, content)], text_loads(other, _text(content)))
        if kind != "python":
            continue
        plain = _without_magics(text)
        if parsed(plain) is None:
            loads += _placed(source, [(cell, plain)], python_loads(_text(plain)))
        else:
            program.append((cell, f"{plain}\n"))
    whole = "".join(text for _, text in program)
    loads += _placed(source, program, python_loads(_text(whole)))
    return tuple(sorted(loads, key=lambda load: (load.line, load.column, load.form)))


def _text(text: str) -> SourceText:
    return SourceText("", text)


def _kind(text: str, language: str) -> SourceKind:
    magic = _CELL_MAGIC.match(text)
    if magic and magic[1] not in _PYTHON_CELLS:
        return "shell" if magic[1] in _SHELL_CELLS else "hash-comments"
    return "python" if language in ("python", "ipython") else _LANGUAGES.get(language, "c-like")


def _shell_lines(text: str) -> Iterator[str]:
    """Yield the lines that a shell runs, and spaces for the others: places stay."""
    at = 0
    for found in _SHELL_LINE.finditer(text):
        yield _blank(text[at : found.start()])
        yield found[0]
        at = found.end()
    yield _blank(text[at:])


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _without_magics(text: str) -> str:
    """Return the program of a cell, of the same length; what IPython alone knows does nothing."""
    cell_magic = _CELL_MAGIC.match(text)
    if cell_magic:
        text = _blank(cell_magic[0]) + text[cell_magic.end() :]
    if parsed(text) is not None:
        return text
    text = _PYTHON_MAGIC.sub(lambda found: f"{found[1]}0;".ljust(len(found[0])), text)
    return _MAGIC.sub(_idle, text)


def _idle(found: re.Match[str]) -> str:
    indent = found["indent"] if found["indent"] is not None else found["asked"]
    return f"{indent}{found['target'] or ''}0".ljust(len(found[0]))


def _placed(
    source: SourceText, cells: list[tuple[Cell, str]], loads: tuple[Load, ...]
) -> Iterator[Load]:
    """Yield the loads of joined cells with the places that they have in the file."""
    whole = SourceText("", "".join(text for _, text in cells))
    for load in loads:
        offset = whole.offset(load.line, 0) + load.column - 1
        for cell, text in cells:
            if offset < len(text):
                place = cell.place(offset)
                break
            offset -= len(text)
        else:
            continue
        line, column = source.place(place)
        yield replace(
            load,
            file=source.file,
            line=line,
            column=column,
            cell=cell.number,
            is_literal=load.is_literal
            and source.is_exact
            and source.text.startswith(load.text, place),
        )
