"""The one version that a name means, and what a program needs to load it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from reconciler.api.inspection.version_names import find_version
from reconciler.api.workspace import Workspace
from reconciler.core.comparison import side
from reconciler.core.uris import safe_uri
from reconciler.render.json_documents import FORMAT_VERSION, Document

_SCHEME = "models:/"


@dataclass(frozen=True, slots=True)
class ResolvedVersion:
    """A version as it is live; `source` comes without credentials.

    >>> version = r.resolve("fraud/Production")
    >>> version.version, version.aliases
    (3, ('champion',))
    """

    model: str
    version: int
    stage: str
    aliases: tuple[str, ...]
    source: str | None
    run_id: str | None
    tags: Mapping[str, str] = field(hash=False)
    description: str
    status: str

    @property
    def uri(self) -> str:
        """`models:/MODEL/VERSION`, as MLflow loads it: it stays the same when an alias moves."""
        return f"{_SCHEME}{self.model}/{self.version}"

    def to_dict(self) -> Document:
        """Return all of it for a JSON document."""
        values = asdict(self) | {"aliases": list(self.aliases)}
        return {"format_version": FORMAT_VERSION, **values, "uri": self.uri}

    def to_text(self) -> str:
        """Return the URI as a line."""
        return f"{self.uri}\n"


def resolved_version(workspace: Workspace, name: str) -> ResolvedVersion:
    """Return the version that a name means; that of a model alone is the one that serves.

    Raises `UsageError` for a name that means nothing, and where nothing serves.
    """
    live, version = find_version(workspace, name, verb="taken")
    found = side(live, version, {})
    source = found.identity.source
    return ResolvedVersion(
        model=live.model,
        version=version,
        stage=found.stage,
        aliases=found.aliases,
        source=safe_uri(source) if source else None,
        run_id=found.identity.run_id,
        tags=found.tags,
        description=found.description,
        status=live.versions[version].status,
    )
