"""Finds the places in a source file that load a model."""

from typing import Final

from reconciler.audit.usage.file_kinds import SourceKind, kind_by_content, kind_by_name
from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.notebook import notebook_loads
from reconciler.audit.usage.python_source import python_loads
from reconciler.audit.usage.source_text import decode
from reconciler.audit.usage.text_source import text_loads

_OTHER: Final[SourceKind] = "hash-comments"


def source_loads(file: str, data: bytes) -> tuple[Load, ...]:
    """Return the places in a file that load a model, in their order.

    A file of an unknown kind is read as text in which `#` begins a comment.
    """
    kind = kind_by_name(file) or kind_by_content(data) or _OTHER
    source = decode(file, data)
    match kind:
        case "python":
            return python_loads(source)
        case "notebook":
            return notebook_loads(source)
        case _:
            return text_loads(kind, source)
