"""The phrases for what became of the bytes that a plan puts into use."""

from collections.abc import Iterable

from reconciler.core.artifacts.bytes_check import BytesCheck, contrasts
from reconciler.errors import Contrast
from reconciler.render import phrases
from reconciler.render.escape import visible


def kept(checks: Iterable[BytesCheck]) -> list[str]:
    """Return a line for each version that is as approved, and for each that nobody read.

    What differs or cannot be read is a problem of the plan, or the error of a change.
    """
    return [line for check in checks if (line := _line(check)) is not None]


def differing(checks: Iterable[BytesCheck]) -> tuple[Contrast, ...]:
    """Return the files that differ from the approved ones, with their sizes."""
    return tuple(row for check in checks for row in contrasts(check.differences))


def _line(check: BytesCheck) -> str | None:
    match check.outcome:
        case "same":
            read = check.read
            extent = f", {phrases.extent(len(read.files), read.size)}" if read else ""
            return f"v{check.version} as approved{extent}"
        case "unchecked":
            return visible(f"v{check.version} not read: {check.why}")
        case "different" | "unreadable":
            return None
