"""Renders what `migrate rewrite` found as JSON; its text is the patch itself."""

from collections.abc import Sequence

from reconciler.audit.usage.rewriting import RewrittenLoad, UndecidedLoad
from reconciler.render import json_documents
from reconciler.render.json_documents import Document


def document(
    patch: str, rewritten: Sequence[RewrittenLoad], undecided: Sequence[UndecidedLoad]
) -> Document:
    """Return the document of `migrate rewrite --format json`."""
    return {
        "format_version": json_documents.FORMAT_VERSION,
        "patch": patch,
        "rewritten": [
            {
                "model": place.load.model,
                "file": place.load.file,
                "line": place.load.line,
                "column": place.load.column,
                "before": place.load.text,
                "after": place.after,
            }
            for place in rewritten
        ],
        "undecided": [
            {
                "model": place.load.model,
                "loads": place.load.loads,
                "file": place.load.file,
                "line": place.load.line,
                "column": place.load.column,
                "form": place.load.form,
                "text": place.load.text,
                "why": place.why,
                "instead": place.instead,
            }
            for place in undecided
        ],
        "errors": [],
        "exit": json_documents.ending(0),
    }
