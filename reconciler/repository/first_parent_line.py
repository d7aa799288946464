"""The first-parent line of a checkout, and which files of its state folder each commit touched."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from reconciler.repository.place import Place
from reconciler.repository.port import Repository

SETTINGS = "reconciler.yaml"


class FirstParentLine:
    """The commits up to `head`, newest first; each is read when it is first asked about."""

    def __init__(self, repo: Repository, place: Place, head: str) -> None:
        self._repo = repo
        self._place = place
        self._head = head

    @cached_property
    def commits(self) -> Sequence[str]:
        """The commits, `head` first."""
        return self._repo.first_parents(self._head)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each commit, 0 for `head`."""
        return {commit: place for place, commit in enumerate(self.commits)}

    def place(self, since: str | None) -> int:
        """Return the place of a commit; behind the oldest one without it, or off the line."""
        return self.places.get(since, len(self.places)) if since else len(self.places)

    def of_file(self, path: str | None) -> Sequence[str]:
        """Return the commits that touched a model's file, None: one that is no longer here."""
        return self._touching.get(path, ())

    @cached_property
    def resettled(self) -> Sequence[int]:
        """The places of the commits that changed a settings file, or moved one, sorted."""
        return sorted(
            self.places[commit]
            for commit, paths in self._touched.items()
            if any(is_settings(path) for path in paths)
        )

    def read_ahead(self) -> None:
        """Read now which commit touched what."""
        _ = self.resettled, self._touching

    @cached_property
    def _touched(self) -> Mapping[str, frozenset[str]]:
        return self._repo.touched(self._head, self._place.folder)

    @cached_property
    def _touching(self) -> Mapping[str | None, Sequence[str]]:
        """The commits that changed a model's file; None: a file that is gone."""
        here = {joined(self._place.folder, path) for path in self._place.files.values()}
        touching: dict[str | None, list[str]] = defaultdict(list)
        for commit, paths in self._touched.items():
            models = {path for path in paths if _is_model(path)}
            for path in models & here:
                touching[path].append(commit)
            if models - here:
                touching[None].append(commit)
        return touching


def is_settings(path: str) -> bool:
    """Return whether a path is that of a settings file."""
    return path == SETTINGS or path.endswith(f"/{SETTINGS}")


def joined(folder: str, path: str) -> str:
    """Return the path in the repository of a path below a folder."""
    return path if folder == "." else f"{folder}/{path}"


def _is_model(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and not is_settings(path)
