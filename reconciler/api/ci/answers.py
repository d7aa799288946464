"""What `Reconciler.ci` returns: the answers of `plan` and `drift`, with what a forge refused."""

from collections.abc import Sequence

from reconciler.api.answers import Drift, Plan
from reconciler.core.artifacts.missing_digest import MissingDigest
from reconciler.core.plan import DraftPlan, JudgedPlan
from reconciler.errors import ExitCode, Problem, first_code
from reconciler.planning.artifacts.bytes_drift import BytesDrift
from reconciler.render import json_documents
from reconciler.render.artifacts import missing_digests
from reconciler.render.json_documents import Document


class JobPlan(Plan):
    """The plan of a CI job; `lost` is what kept it from being shown or kept on the forge.

    `digests` has the versions that enter without a digest, where those were asked for: each with
    model, version, file and line, and the digest of its files, or why it is not known.
    """

    def __init__(
        self,
        judged: JudgedPlan,
        lost: Sequence[Problem],
        requests: int = 0,
        digests: Sequence[MissingDigest] = (),
    ) -> None:
        super().__init__(judged, requests)
        self.lost = tuple(lost)
        self.digests = tuple(digests)
        self.code = int(first_code([ExitCode(self.code), *(problem.code for problem in lost)]))
        self.problems = (*self.problems, *lost)

    def document(self) -> Document:
        """Return the document of `ci plan --format json`, its `exit` included."""
        document = _with(super().document(), self.lost)
        return document | {"digests": missing_digests.documents(self.digests)}

    def _digests_section(self) -> Sequence[str]:
        return list(missing_digests.text_lines(self.digests))

    def to_markdown(self) -> str:
        """Return what `ci plan --format markdown` prints."""
        lines = list(missing_digests.markdown_lines(self.digests))
        return "\n".join([super().to_markdown(), *lines])


class JobDrift(Drift):
    """What a CI job found; `lost` is what kept its issue from being written."""

    def __init__(
        self,
        draft: DraftPlan,
        lost: Sequence[Problem],
        requests: int = 0,
        compared: BytesDrift | None = None,
    ) -> None:
        super().__init__(draft, requests=requests, compared=compared)
        self.lost = tuple(lost)
        self.code = int(first_code([problem.code for problem in lost])) or self.code
        self.problems = (*self.problems, *lost)

    def document(self) -> Document:
        """Return the document of `ci drift --format json`, its `exit` included."""
        return _with(super().document(), self.lost)


def _with(document: Document, problems: Sequence[Problem]) -> Document:
    document["errors"] += [json_documents.error(problem) for problem in problems]
    return document
