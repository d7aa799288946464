"""The digests of named versions, read now, beside what git declares for them."""

from collections.abc import Collection, Sequence

from reconciler.api.answers import Answer
from reconciler.api.inspection.version_names import find_version
from reconciler.api.workspace import Workspace
from reconciler.core.artifacts.version_digest import VersionDigest
from reconciler.core.plan import RegistryRef
from reconciler.core.state import Live
from reconciler.errors import Problem, RegistryError, UsageError, first_code
from reconciler.planning.artifacts.approved_bytes import READERS
from reconciler.ports.parallel import each
from reconciler.render import json_documents, phrases
from reconciler.render.artifacts import digests as render
from reconciler.render.json_documents import Document


class VersionDigests(Answer):
    """The digest of each named version: `rows` has those that could be read, `problems` the rest.

    `code` is 6 where one could not be read. A digest that differs from what git declares does not
    change it: `drift` and `plan` judge that.

    >>> r.digest("fraud@champion").rows[0].digest
    'sha256:...'
    """

    def __init__(
        self,
        rows: Sequence[VersionDigest],
        problems: Sequence[Problem],
        registry: RegistryRef,
        requests: int = 0,
        *,
        lists_files: bool,
    ) -> None:
        self.rows = tuple(rows)
        self.problems = tuple(problems)
        self.registry = registry
        self.requests = requests
        self.code = int(first_code([problem.code for problem in problems]))
        self._lists_files = lists_files

    @property
    def headline(self) -> str:
        """How many versions were read, and how many could not be."""
        unread = f", {len(self.problems)} cannot be read" if self.problems else ""
        return f"{phrases.count(len(self.rows), 'version')} read{unread}"

    def document(self) -> Document:
        """Return the document of `digest --format json`, its `exit` included."""
        return {
            "format_version": json_documents.FORMAT_VERSION,
            "registry": json_documents.registry(self.registry),
            "digests": [render.document(row, lists_files=self._lists_files) for row in self.rows],
            "errors": [json_documents.error(problem) for problem in self.problems],
            "exit": json_documents.ending(self.code),
        }

    def to_text(self, seconds: float | None = None) -> str:  # noqa: ARG002  it tells no time
        """Return what `digest` prints, which a script reads: no line of it tells the time."""
        return render.text(self.rows, lists_files=self._lists_files, columns=self.columns)


def version_digests(
    workspace: Workspace, names: Collection[str], *, lists_files: bool
) -> VersionDigests:
    """Read each version that is named, once, and return their digests in the order of the names.

    Raises `UsageError` with every name that means nothing, before any file is read.
    """
    if not names:
        raise UsageError("no version is named", hint="write `fraud`, `fraud/4` or `fraud@champion`")
    named, problems = _named(workspace, names)

    def read(item: tuple[Live, int]) -> VersionDigest | Problem:
        live, version = item
        try:
            return _digest(workspace, live, version)
        except RegistryError as error:
            message = f"the files of `{live.model}` v{version} cannot be read: {error.message}"
            return Problem(message, error.code, model=live.model, hint=error.hint)

    found = each(read, named, threads=READERS, stop=workspace.stop.event)
    return VersionDigests(
        [row for row in found if isinstance(row, VersionDigest)],
        [*problems, *(row for row in found if isinstance(row, Problem))],
        workspace.ref,
        workspace.requests,
        lists_files=lists_files,
    )


def _named(
    workspace: Workspace, names: Collection[str]
) -> tuple[list[tuple[Live, int]], list[Problem]]:
    """Return each version that is named, once, and a problem for what cannot be looked up."""
    found = [_looked_up(workspace, name) for name in dict.fromkeys(names)]
    wrong = [answer for answer in found if isinstance(answer, UsageError)]
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        problems = [problem for error in wrong for problem in error.problems]
        raise UsageError(f"{len(wrong)} names mean no version", problems=problems)
    named = {
        (live.model, version): live
        for live, version in (answer for answer in found if isinstance(answer, tuple))
    }
    unreadable = [p for error in found if isinstance(error, RegistryError) for p in error.problems]
    return [(live, version) for (_, version), live in named.items()], unreadable


def _looked_up(workspace: Workspace, name: str) -> tuple[Live, int] | UsageError | RegistryError:
    try:
        return find_version(workspace, name, verb="read")
    except (UsageError, RegistryError) as error:
        return error


def _digest(workspace: Workspace, live: Live, version: int) -> VersionDigest:
    files = workspace.read_bytes(live.model, version)
    declaration = workspace.desired.declarations.get(live.model)
    digest = declaration.digests.get(version) if declaration else None
    file = declaration.file if declaration and digest else None
    return VersionDigest(live.model, version, files, digest, file)
