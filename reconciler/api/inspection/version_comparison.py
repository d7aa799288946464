"""What differs from one version of a model to another."""

from datetime import datetime, timezone

from reconciler.api.answers import Answer
from reconciler.api.artifacts.known_digests import known_digests
from reconciler.api.inspection.version_names import chosen_version, find_model
from reconciler.api.workspace import Workspace
from reconciler.core.comparison import Comparison, side
from reconciler.core.plan import RegistryRef
from reconciler.errors import ExitCode
from reconciler.planning.live_state import read_facts
from reconciler.render import json_documents
from reconciler.render.escape import code, visible
from reconciler.render.inspection import comparison as render
from reconciler.render.json_documents import Document


class VersionComparison(Answer):
    """Two versions beside each other: metrics, params, tags, signature, run, the bytes' digests.

    >>> r.compare("fraud", 2, 3).code
    0
    """

    def __init__(self, comparison: Comparison, registry: RegistryRef, requests: int = 0) -> None:
        self.comparison = comparison
        self.registry = registry
        self.requests = requests
        self.made = datetime.now(timezone.utc)
        self.code = int(ExitCode.OK)

    def document(self) -> Document:
        """Return the document of `compare --format json`, its `exit` included."""
        return {
            "format_version": json_documents.FORMAT_VERSION,
            "registry": json_documents.registry(self.registry),
            "comparison": render.document(self.comparison),
            "errors": [],
            "exit": json_documents.ending(self.code),
        }

    def to_text(self, seconds: float | None = None) -> str:
        """Return what `compare` prints; `seconds` replaces the time in its last line."""
        effort = self._effort(seconds)
        cost = f"compare: 2 versions, {effort.requests} requests, {effort.seconds:.2f} s"
        lines = render.text_lines(self.comparison, self.made, self.columns)
        return "\n".join([visible(self.comparison.model), *lines, "", cost]) + "\n"

    def to_markdown(self) -> str:
        """Return what `compare --format markdown` prints."""
        lines = render.markdown_lines(self.comparison, self.made)
        return "\n".join([f"### {code(self.comparison.model)}", "", *lines]) + "\n"


def version_comparison(
    workspace: Workspace, model: str, incumbent: str, candidate: str
) -> VersionComparison:
    """Return two versions beside each other; raises `UsageError` for a name that means nothing."""
    live = find_model(workspace, [(model, (incumbent, candidate))])
    first = chosen_version(workspace, live, incumbent)
    second = chosen_version(workspace, live, candidate)
    if first == second:
        workspace.warn(f"`{incumbent}` and `{candidate}` are both v{first}")
    asked = [(live, version) for version in dict.fromkeys((first, second))]
    facts = read_facts(workspace.registry, asked, parallelism=len(asked))[model]
    digests = known_digests(workspace, live)
    sides = [side(live, version, facts, digests) for version in (second, first)]
    comparison = Comparison(model, (), *sides)
    return VersionComparison(comparison, workspace.ref, workspace.requests)
