"""The one version that a name means, and what a program needs to load it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from reconciler.api.inspection.approved_version import (
    approved_version,
    clean_commit,
    declared_version,
)
from reconciler.api.inspection.resolved_file import FileCheck, check_file, write_file
from reconciler.api.inspection.version_names import find_version
from reconciler.api.workspace import Workspace
from reconciler.core.comparison import side
from reconciler.core.state import Field, Live
from reconciler.core.uris import safe_artifact_uri, safe_uri, scheme_of
from reconciler.errors import RegistryError, UsageError
from reconciler.render.escape import visible
from reconciler.render.inspection import resolved as render
from reconciler.render.json_documents import FORMAT_VERSION, Document, dumps

RESOLVED_FORMATS: Final = ("text", "json", "env", "kserve", "dotenv")

_SCHEME: Final = "models:/"
_NO_ADDRESS: Final = frozenset({"models", "runs"})  # the registry knows where they lead


@dataclass(frozen=True, slots=True)
class ResolvedVersion:
    """A version as it is live, or as git declares it; addresses come without credentials.

    `digest` is the declared one, `artifact_uri` the folder with its files, `commit` what is checked
    out: None unless `resolve` was asked for what git declares. `stage` and `status` are empty where
    only the files were read, and do not say.

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
    digest: str | None = None
    artifact_uri: str | None = None
    commit: str | None = None
    _state: Path | None = field(default=None, compare=False, repr=False)

    @property
    def uri(self) -> str:
        """`models:/MODEL/VERSION`, as MLflow loads it: it stays the same when an alias moves."""
        return f"{_SCHEME}{self.model}/{self.version}"

    @property
    def variables(self) -> dict[str, str]:
        """The variables of `to_env` and `to_dotenv`; what is not known is empty."""
        return {
            "MODEL_NAME": self.model,
            "MODEL_VERSION": str(self.version),
            "MODEL_URI": self.uri,
            "MODEL_ARTIFACT_URI": self.artifact_uri or "",
            "MODEL_DIGEST": self.digest or "",
            "MODEL_RUN_ID": self.run_id or "",
            "MODEL_STAGE": self.stage,
        }

    def to_dict(self) -> Document:
        """Return all of it for a JSON document."""
        named = [member.name for member in fields(self) if not member.name.startswith("_")]
        values: dict[str, Any] = {name: getattr(self, name) for name in named}
        values |= {"aliases": list(self.aliases), "tags": dict(self.tags)}
        return {"format_version": FORMAT_VERSION, **values, "uri": self.uri}

    def to_text(self) -> str:
        """Return the URI as a line."""
        return f"{visible(self.uri)}\n"

    def to_env(self) -> str:
        """Return `export` lines for a POSIX shell, safe to `eval` whatever is in the values."""
        return render.env(self.variables)

    def to_dotenv(self) -> str:
        """Return `KEY="value"` lines; raises `UsageError` for what not all readers take alike."""
        return render.dotenv(self.variables)

    def to_kserve(self) -> str:
        """Return a KServe InferenceService; raises `UsageError` where KServe cannot read the files.

        Its name is made from that of the model alone.
        """
        more = {"digest": self.digest or "", "run-id": self.run_id or ""}
        return render.kserve(self.model, self.version, self.artifact_uri, more)

    def content(self, format: str = "text") -> str:  # noqa: A002  the option's name
        """Return what a file of a format holds.

        JSON is without `commit`: each commit would change the file, also those of other models.
        """
        if format not in RESOLVED_FORMATS:
            raise UsageError(f"`{format}` is not one of {', '.join(RESOLVED_FORMATS)}")
        if format == "json":
            document = self.to_dict()
            del document["commit"]
            return dumps(document)
        content: str = getattr(self, f"to_{format}")()
        return content

    def write(self, path: str | Path, format: str = "text") -> bool:  # noqa: A002  the same
        """Write a file, whole or not at all, where it changes; return whether it did.

        Raises `UsageError` where it cannot be written, or lies in the state folder.
        """
        return write_file(path, self.content(format), self._state)

    def check(self, path: str | Path, format: str = "text") -> FileCheck:  # noqa: A002  the same
        """Compare a file with what `write` would write, and write nothing."""
        return check_file(path, self.content(format))


def resolved_version(
    workspace: Workspace, name: str, *, declared: bool, offline: bool
) -> ResolvedVersion:
    """Return the version that a name means; that of a model alone is the one that serves.

    With `declared` it is checked against git, with `offline` git alone is read. Raises `UsageError`
    for a name that means nothing, and where nothing serves, and as `approved_version`.
    """
    if offline:
        return _with_git(workspace, *declared_version(workspace, name), is_live=False)
    if declared:
        return _with_git(workspace, *approved_version(workspace, name), is_live=True)
    return _resolved(*find_version(workspace, name, verb="taken"))


def _with_git(workspace: Workspace, live: Live, version: int, *, is_live: bool) -> ResolvedVersion:
    declaration = workspace.desired.declarations.get(live.model)
    return replace(
        _resolved(live, version),
        digest=declaration.digests.get(version) if declaration else None,
        artifact_uri=_address(workspace, live, version) if is_live else _declared(live, version),
        commit=clean_commit(workspace, declaration),
        _state=workspace.folder,
    )


def _resolved(live: Live, version: int) -> ResolvedVersion:
    found = side(live, version, {})
    source = found.identity.source
    return ResolvedVersion(
        model=live.model,
        version=version,
        stage=found.stage if Field("stage", version) in live.fields else "",
        aliases=found.aliases,
        source=safe_uri(source) if source else None,
        run_id=found.identity.run_id,
        tags=found.tags,
        description=found.description,
        status=live.versions[version].status,
    )


def _address(workspace: Workspace, live: Live, version: int) -> str:
    try:
        return workspace.registry.artifacts(live.model, version).address()
    except RegistryError as error:
        message = f"where the files of `{live.model}` v{version} are is not known: {error.message}"
        raise RegistryError(message, hint=error.hint) from error


def _declared(live: Live, version: int) -> str | None:
    """Return the declared source where it is the address of a folder."""
    source = live.versions[version].identity.source
    is_address = source is not None and scheme_of(source) not in _NO_ADDRESS
    return safe_artifact_uri(source) if source and is_address else None
