"""Turns an error of the CEL parser into a problem with a readable message."""

import re
from typing import Final

from reconciler.policy.cel.static_checks import ExpressionProblem, cel_spelling

# The parser lists its problems with positions; the first one is the cause of the others.
_PROBLEM = re.compile(
    r"^ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*?)(?=^\| |^ERROR: |\Z)",
    re.MULTILINE | re.DOTALL,
)
_INPUT = re.compile(r"(?:mismatched|extraneous) input '(.*?)' expecting|at input '(.*)'", re.DOTALL)
_CHARACTERS = re.compile(r"token recognition error at: '(.*)'", re.DOTALL)
_ABSENT = re.compile(r"missing '(.*?)' at")
_UNSUPPORTED = re.compile(r"unsupported syntax:? '(.*)'", re.DOTALL)
_RESERVED = re.compile(r"reserved identifier: (\w+)")
_AT_END: Final = "<EOF>"


def first_syntax_problem(source: str, complaint: str) -> ExpressionProblem:
    """Return the first problem in the parser's error message about an expression."""
    listed = complaint.removeprefix(f"Failed to parse expression '{source}': ")
    problems = [
        # The parser reports 0:0 for an unfinished expression.
        ExpressionProblem(max(1, int(line)), max(1, int(column)), *_sentence(text.strip()))
        for line, column, text in _PROBLEM.findall(listed)
        if "Incomplete" not in text
    ]
    return problems[0] if problems else ExpressionProblem(1, 1, "it cannot be read as CEL")


def _sentence(text: str) -> tuple[str, str | None]:
    """Return the message and the hint for one problem, from the parser's text."""
    for pattern, word in _WORDED:
        match = pattern.search(text)
        if match:
            return word(next((group for group in match.groups() if group), ""))
    for beginning, message, hint in _FIXED:
        if text.startswith(beginning):
            return message, hint
    return f"it cannot be read: {text}", None


def _unexpected(fragment: str) -> tuple[str, str | None]:
    if fragment == _AT_END:
        return "the expression ends too early", None
    if fragment.startswith("."):
        return "a name is expected after the dot", 'write other names as version.tags["in"]'
    return f"`{fragment}` is not expected here", cel_spelling(fragment)


def _stray(fragment: str) -> tuple[str, str | None]:
    if fragment.startswith(("'", '"')):
        return "a text is not closed, or has an unknown escape", "write a backslash as `\\\\`"
    if fragment.strip() == "=":
        return "`=` is not expected here", "write `==`"
    if fragment.strip() in ("&", "|"):
        return f"`{fragment.strip()}` is not expected here", f"write `{fragment.strip() * 2}`"
    return f"`{fragment.strip() or fragment!r}` is not part of CEL", None


def _unavailable(fragment: str) -> tuple[str, str | None]:
    if fragment == "`":
        return "names cannot be quoted with backticks", 'write version.tags["a.b"]'
    return f"`{fragment}` is not available", None


_WORDED: Final = (
    (_INPUT, _unexpected),
    (_CHARACTERS, _stray),
    (_ABSENT, lambda fragment: (f"`{fragment}` is missing", None)),
    (_UNSUPPORTED, _unavailable),
    (_RESERVED, lambda fragment: (f"`{fragment}` is a reserved word", None)),
)
_FIXED: Final = (
    (
        "invalid argument to has()",
        "`has` takes a name after a dot: has(metrics.auc)",
        'for other keys write "test auc" in metrics',
    ),
    ("argument must be a simple name", "the first argument is a name: all(x, …)", None),
    ("invalid int literal", "the number is too large", "write it as a decimal: 1e20"),
    ("invalid double literal", "the number is too large", None),
)
