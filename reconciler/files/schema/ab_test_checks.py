"""Checks the A/B test in a model's file."""

from collections.abc import Iterator

from reconciler.core.declaring.ab_tests import (
    AB_TAGS,
    TrafficProblem,
    parts,
    traffic_problems,
    traffic_warnings,
)
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field
from reconciler.files.messages import Complaint, Within


def ab_test_holds(declaration: Declaration, settings: Settings | None) -> Iterator[Complaint]:
    """Report what is wrong with a file's A/B test; without settings, only a part of it."""
    serving = settings.serving.of(declaration.model, declaration) if settings else None
    yield from _complaints(traffic_problems(declaration, serving))
    for version in parts(declaration) if settings else ():
        ignored = [
            tag for tag in AB_TAGS if settings and settings.ignore.field(Field("tag", version, tag))
        ]
        if ignored:
            message = f"tag `{ignored[0]}`, which `traffic` writes, is ignored by `ignore.tags`"
            path = ("versions", str(version), "traffic")
            hint = "remove `traffic`, or do not ignore the tag"
            yield Complaint(path, message, hint, at_key=True)


def hardly_meant(declaration: Declaration) -> Iterator[Complaint]:
    """Warn about traffic that is valid but probably not intended."""
    return _complaints(traffic_warnings(declaration))


def _complaints(found: Iterator[TrafficProblem]) -> Iterator[Complaint]:
    for flaw in found:
        path: Within = ("versions", str(flaw.version), "traffic")
        if flaw.tag is not None:
            path = ("versions", str(flaw.version), "tags", flaw.tag)
        yield Complaint(path, flaw.message, flaw.hint, at_key=True)
