"""What the language's parser complains about, said in a sentence."""

import re
from typing import Final

from reconciler.policy.cel.static_checks import ExpressionProblem, meant

# The parser's own list of problems, each with its place; the first is the one to be fixed.
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
    """Return the first problem of the parser's complaint about an expression."""
    listed = complaint.removeprefix(f"Failed to parse expression '{source}': ")
    problems = [
        # Of what is not finished the parser says that it is at 0:0.
        ExpressionProblem(max(1, int(line)), max(1, int(column)), *_sentence(text.strip()))
        for line, column, text in _PROBLEM.findall(listed)
        if "Incomplete" not in text
    ]
    return problems[0] if problems else ExpressionProblem(1, 1, "it cannot be read as CEL")


def _sentence(text: str) -> tuple[str, str | None]:
    """Return the message and the hint for one problem, as the parser words it."""
    for pattern, word in _WORDED:
        match = pattern.search(text)
        if match:
            return word(next((group for group in match.groups() if group), ""))
    for beginning, message, hint in _FIXED:
        if text.startswith(beginning):
            return message, hint
    return f"it cannot be read: {text}", None


def _unexpected(found: str) -> tuple[str, str | None]:
    if found == _AT_END:
        return "the expression ends too early", None
    if found.startswith("."):
        return "a name is expected after the dot", 'names with other signs: version.tags["in"]'
    return f"`{found}` is not expected here", meant(found)


def _stray(found: str) -> tuple[str, str | None]:
    if found.startswith(("'", '"')):
        return "a text is not closed, or has an unknown escape", "a backslash is written `\\\\`"
    if found.strip() == "=":
        return "`=` is not expected here", "write `==`"
    if found.strip() in ("&", "|"):
        return f"`{found.strip()}` is not expected here", f"write `{found.strip() * 2}`"
    return f"`{found.strip() or found!r}` is no part of CEL", None


def _unavailable(found: str) -> tuple[str, str | None]:
    if found == "`":
        return "names are not quoted like that", 'write version.tags["a.b"]'
    return f"`{found}` is not available", None


_WORDED: Final = (
    (_INPUT, _unexpected),
    (_CHARACTERS, _stray),
    (_ABSENT, lambda found: (f"`{found}` is missing", None)),
    (_UNSUPPORTED, _unavailable),
    (_RESERVED, lambda found: (f"`{found}` is a reserved word", None)),
)
_FIXED: Final = (
    (
        "invalid argument to has()",
        "`has` takes a name after a dot: has(metrics.auc)",
        'other keys: "test auc" in metrics',
    ),
    ("argument must be a simple name", "the first argument is a name: all(x, …)", None),
    ("invalid int literal", "the number is too large", "write it as a decimal: 1e20"),
    ("invalid double literal", "the number is too large", None),
)
