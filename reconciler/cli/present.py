"""Prints an answer in the format that was asked for: the same way for every command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import output
from reconciler.cli.options import Options

if TYPE_CHECKING:
    from reconciler.api.answers import Answer
    from reconciler.api.validation import Validation


def present(answer: Answer | Validation, options: Options) -> int:
    """Print an answer on stdout and its complaints on stderr; return the exit code."""
    match options.format:
        case "json":
            output.document(answer.document())
        case "text":
            if hasattr(answer, "columns"):  # all but the check of the files
                answer.columns = output.terminal_columns()
            output.product(answer.to_text(options.seconds), options)
        case other:
            output.product(getattr(answer, f"to_{other}")(), options)
    output.complain(p for p in answer.problems if p.code or not options.quiet)
    return int(answer.code)
