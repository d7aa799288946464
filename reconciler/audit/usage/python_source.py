"""Finds loads in Python: each `models:/…` but in comments and docstrings, and MLflow's calls."""

import ast
import re
import warnings
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.model_uri import GAP, SCHEME, FoundUri, find_uris, is_logged_model
from reconciler.audit.usage.python_calls import Calls, shown, unknown_at_run_time
from reconciler.audit.usage.python_names import NameScope, ProgramNames, read_names
from reconciler.audit.usage.python_prose import told
from reconciler.audit.usage.python_strings import TextPiece, Texts
from reconciler.audit.usage.source_text import SourceText
from reconciler.audit.usage.text_source import text_loads

_FILLED_IN: Final = "a part of it is filled in only when the program runs"
# Nothing else can be a load, and most files have none of it: they are not parsed.
_MENTIONED: Final = re.compile(
    r"models:|load_model|spark_udf|get_model_info|get_model_dependencies|download_artifacts"
    r"|get_latest_versions|get_model_version"
)

# A chain of calls of this length ends the process in the parser of Python 3.10, and no written
# program has so many in all.
_LINKS: Final = (".", "(", "[")
_MOST_LINKS: Final = 60_000


def python_loads(source: SourceText) -> tuple[Load, ...]:
    """Return the loads of a Python file; one that does not parse is read as text."""
    if not _MENTIONED.search(source.text):
        return ()
    tree = parsed(source.text)
    if tree is None:
        return text_loads("python", source)
    try:
        return tree_loads(tree, source)
    except RecursionError:
        return text_loads("python", source)


def parsed(text: str) -> ast.Module | None:
    """Return the tree of a program, None where this Python cannot read it."""
    if sum(map(text.count, _LINKS)) > _MOST_LINKS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its escapes and comparisons, which are not ours
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a NUL; nested too deep
        return None


def tree_loads(tree: ast.Module, source: SourceText) -> tuple[Load, ...]:
    """Return the loads of a program in the order of their places."""
    names = read_names(tree)
    reading = _Reading(source, names, Texts(names))
    reading.read(tree)
    loads = {
        load: None
        for node, load in reading.found
        if load.model is not None or node not in reading.completed
    }
    return tuple(sorted(loads, key=lambda load: (load.line, load.column, load.form)))


@dataclass
class _Reading:
    """One pass over a tree, without recursion: programs can be nested deep."""

    source: SourceText
    names: ProgramNames
    texts: Texts
    found: list[tuple[ast.expr, Load]] = field(default_factory=list)
    # values of names that a longer text completes: `TEMPLATE % (name, stage)`
    completed: set[ast.expr] = field(default_factory=set)

    def read(self, tree: ast.Module) -> None:
        calls = Calls(self.names, self.texts)
        prose: set[ast.expr] = set()
        pending: list[tuple[ast.AST, NameScope]] = [(tree, self.names.module)]
        while pending:
            node, outer = pending.pop()
            scope = self.names.scopes.get(node, outer)
            prose.update(told(node))
            if isinstance(node, ast.Call):
                self._note_call(calls, node, scope)
            if isinstance(node, ast.expr):
                pieces = self.texts.pieces(node, scope)
                if [piece.hole for piece in pieces] != [node]:
                    if node not in prose:
                        self._note_text(node, pieces)
                    # what comes from another place is read there
                    own = (piece.hole for piece in pieces if piece.hole and not piece.name)
                    pending += ((hole, scope) for hole in own)
                    continue
            pending += ((child, scope) for child in ast.iter_child_nodes(node))

    def _note_text(self, node: ast.expr, pieces: list[TextPiece]) -> None:
        text = "".join(GAP if piece.hole is not None else piece.text for piece in pieces)
        after, ends = 0, _ends(pieces)
        for uri in find_uris(text):
            inside = pieces[bisect_right(ends, uri.start) : bisect_left(ends, uri.end) + 1]
            origins = {piece.name for piece in inside}
            if len(origins) == 1 and None not in origins:
                continue  # found where the name is assigned
            self.completed |= {origin for origin in origins if origin is not None}
            holes = [piece.hole for piece in inside if piece.hole is not None]
            if holes and is_logged_model(shown(holes[0])) and len(inside) == 2:  # noqa: PLR2004
                continue
            place, is_literal = self._place(node, uri, after)
            after = place + 1
            self.found.append((node, self._load(uri, holes, place, is_literal=is_literal)))

    def _load(self, uri: FoundUri, holes: list[ast.expr], place: int, *, is_literal: bool) -> Load:
        line, column = self.source.place(place)
        text = uri.text
        for hole in holes:
            text = text.replace(GAP, f"{{{shown(hole)}}}", 1)
        why = unknown_at_run_time(holes) if holes else _FILLED_IN
        return Load(
            *(self.source.file, line, column, "uri", text, uri.model, uri.loads),
            why=None if uri.model is not None else why,
            is_literal=is_literal and uri.is_usual and self.source.is_exact,
        )

    def _place(self, node: ast.expr, uri: FoundUri, after: int) -> tuple[int, bool]:
        """Return where a URI begins, and whether it stands there character for character."""
        start, end = self._span(node)
        whole = self.source.text.find(uri.text, max(start, after), end)
        if GAP not in uri.text and whole >= 0:
            return whole, True
        for begin in (SCHEME, SCHEME[:-1]):
            place = self.source.text.find(begin, max(start, after), end)
            if place >= 0:
                return place, False
        return start, False

    def _span(self, node: ast.expr) -> tuple[int, int]:
        start = self.source.offset(node.lineno, node.col_offset)
        return start, self.source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _note_call(self, calls: Calls, node: ast.Call, scope: NameScope) -> None:
        for called in calls.loads(node, scope):
            start, end = self._span(node)
            function_end = self._span(node.func)[1]
            if isinstance(node.func, ast.Attribute) and calls.names.dotted(node.func) is None:
                start = function_end - len(node.func.attr)  # of a chain, only its last call
            line, column = self.source.place(start)
            text = " ".join(self.source.text[start:end].split())
            load = Load(
                *(self.source.file, line, column, "call", _shortened(text)),
                *(called.model, called.loads, called.why),
            )
            self.found.append((node, load))


def _ends(pieces: list[TextPiece]) -> list[int]:
    """Return where each piece ends in the text that they make."""
    return list(accumulate(len(piece.text) + (piece.hole is not None) for piece in pieces))


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"  # noqa: PLR2004  some lines
