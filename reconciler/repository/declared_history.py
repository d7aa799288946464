"""What was declared at any commit: the port to git's history, over a repository's files."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

from reconciler.core.declaring.declared_state import DeclaredState
from reconciler.core.declaring.implied import complete, imply_the_same
from reconciler.core.settings import Settings, of_plans
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, Problem
from reconciler.repository.first_parent_line import (
    SETTINGS,
    FirstParentLine,
    is_settings,
    joined,
)
from reconciler.repository.place import Place
from reconciler.repository.port import Repository

# A model's commits are asked for together: more would only cost memory.
_LISTINGS_KEPT = 256
_COMMITS_KEPT = 4096
_SETTINGS_KEPT = 1024  # files with different content, of every state in the repository
# What is parsed is more expensive, and a listing needs every model's file at once.
_FILES_KEPT = 4096
_COMMITS_OF_EACH = 4


class Parsers(NamedTuple):
    """How the bytes of a file are read; both raise `DeclarationError` naming the given file."""

    declaration: Callable[[bytes, str], Declaration]
    settings: Callable[[bytes, str], Settings]


class Past:
    """The history of one checkout; implements the `History` port.

    `main` is the tip of the main line, None where it is not known. Content is parsed once,
    whatever the number of commits that have it. What is remembered is bounded: a program may ask
    for days.
    """

    def __init__(
        self, repo: Repository, parsers: Parsers, place: Place, *, head: str, main: str | None
    ) -> None:
        self.head = head
        self.is_shallow = repo.is_shallow
        self.knows = repo.knows
        self.is_ancestor = repo.is_ancestor
        self.merge_base = repo.merge_base
        self._repo = repo
        self._parsers = parsers
        self._place = place
        self._main = main
        self._line = FirstParentLine(repo, place, head)
        self._read: dict[tuple[str, str], Declaration | tuple[Problem, ...]] = {}
        self._elsewhere: dict[str, str] = {}
        self._declared = lru_cache(_COMMITS_KEPT)(self._declared_then)
        self._settings = lru_cache(_SETTINGS_KEPT)(self._parsed_settings)
        self._settings_in = lru_cache(_COMMITS_KEPT)(self._settings_then)
        self._folder_of = lru_cache(_COMMITS_KEPT)(self._find_folder)
        self._list = lru_cache(_LISTINGS_KEPT)(self._list_tree)
        self._all = lru_cache(_COMMITS_OF_EACH)(self._all_then)
        self._implies_otherwise = lru_cache(_COMMITS_KEPT)(self._has_new_meaning)
        self._first_resettled = lru_cache(_COMMITS_KEPT)(self._newest_resettled)

    @property
    def parent(self) -> str | None:
        """The commit before `head` on the first-parent line; None for the first."""
        return self._before(self.head)

    def main_contains(self, commit: str) -> bool:
        """Return whether the main line contains a commit; true where no main line is known."""
        return self._main is None or self.is_ancestor(commit, self._main)

    def declared(self, commit: str, owner: str, model: str) -> Declaration | None:
        """Return what `owner`'s state folder declared for a model at a commit; None: nothing.

        Raises `DeclarationError` when a file that may be the model's cannot be read.
        """
        return self._declared(commit, owner, model)

    def declarations(self, commit: str, owner: str) -> Mapping[str, Declaration]:
        """Return all that `owner`'s state folder declared at a commit, as far as it can be read."""
        return self._all(commit, owner)

    def _all_then(self, commit: str, owner: str) -> Mapping[str, Declaration]:
        folder = self._folder_of(owner, commit)
        tree = self._repo.tree_id(commit, folder) if folder is not None else None
        if folder is None or tree is None:
            return {}
        models = self._list(tree).models.items()
        return {name: self._as_loaded(found, commit, folder) for name, found in models}

    def _declared_then(self, commit: str, owner: str, model: str) -> Declaration | None:
        folder = self._folder_of(owner, commit)
        if folder is None:
            return None
        declaration = self._at_its_place(commit, folder, model) or self._anywhere(
            commit, folder, model
        )
        return self._as_loaded(declaration, commit, folder) if declaration is not None else None

    def read_ahead(self) -> None:
        """Read now what the first question about any model needs."""
        self._line.read_ahead()

    def settings(self, commit: str, owner: str) -> Settings | None:
        """Return the settings of `owner`'s state folder at a commit, None without the folder.

        A folder without the file has the default settings. Raises `DeclarationError` for a file
        that cannot be read.
        """
        folder = self._folder_of(owner, commit)
        if folder is None:
            return None
        settings = self._settings_in(folder, commit)
        if settings is None:
            file = f"{joined(folder, SETTINGS)}@{self._repo.short(commit)}"
            message = "the settings of that commit cannot be read"
            raise DeclarationError([Problem(message, ExitCode.DECLARATION, file=file)])
        return settings

    def _settings_then(self, folder: str, commit: str) -> Settings | None:
        path = joined(folder, SETTINGS)
        blob = self._repo.blob_id(commit, path)
        return Settings() if blob is None else self._settings(blob, path)

    def _as_loaded(self, declaration: Declaration, commit: str, folder: str) -> Declaration:
        """Return a declaration with what the settings of its commit imply."""
        return complete(declaration, self._settings_in(folder, commit) or Settings())

    def declared_otherwise(
        self, since: str, owner: str, declared: Declaration | None, model: str
    ) -> bool:
        """Return whether a commit between `since` and here declared a model otherwise."""
        if since == self.head or since not in self._line.places:
            return False
        places, oldest = self._line.places, self._line.place(since)
        own = [commit for commit in self._own(model) if places[commit] < oldest]
        own += self._resettled(oldest)
        if not own and self._was_here(since, owner, model):
            return False
        # Its file now, or one that is no longer here and may have been its.
        gone = (commit for commit in self._line.of_file(None) if places[commit] < oldest)
        return any(self.declared(commit, owner, model) != declared for commit in (*own, *gone))

    def _own(self, model: str) -> Sequence[str]:
        """Return the commits of the line that touched the file that is the model's now."""
        path = self._place.files.get(model)
        return self._line.of_file(joined(self._place.folder, path)) if path else ()

    def _resettled(self, oldest: int) -> Sequence[str]:
        """Return the commits before a place of the line whose settings imply something else."""
        return self._first_resettled(bisect_left(self._line.resettled, oldest))

    def _newest_resettled(self, number: int) -> Sequence[str]:
        """Return those of the newest commits that changed settings, as many as given."""
        commits = (self._line.commits[place] for place in self._line.resettled[:number])
        return tuple(commit for commit in commits if self._implies_otherwise(commit))

    def _has_new_meaning(self, commit: str) -> bool:
        """Return whether files that stay declare something else by a commit's settings."""
        new, old = (self._own_settings(one) for one in (commit, self._before(commit)))
        return not imply_the_same(old, new)

    def _own_settings(self, commit: str | None) -> Settings:
        folder = self._folder_of(self._owner, commit) if commit else None
        settings = self._settings_in(folder, commit) if commit and folder is not None else None
        return settings or Settings()

    @property
    def _owner(self) -> str:
        return self._place.name or self._place.folder

    def _before(self, commit: str) -> str | None:
        """Return the commit before one of the line, None for the first."""
        place = self._line.places[commit] + 1
        return self._line.commits[place] if place < len(self._line.commits) else None

    def _was_here(self, commit: str, owner: str, model: str) -> bool:
        """Return whether the model's file was at a commit where it is now: no other one was its."""
        path, folder = self._place.files.get(model), self._place.folder
        if path is None or self._folder_of(owner, commit) != folder:
            return False
        return self._repo.blob_id(commit, joined(folder, path)) is not None

    def base_settings(self, since: str | None, owner: str, model: str) -> Settings | None:
        """Return the settings before the change of a model that is not applied yet."""
        if since is not None and since not in self._line.places:
            return self.settings(since, owner)
        newest = self._line.places[since] if since is not None else 0
        if not any(place < max(newest, 1) for place in self._line.resettled):
            return self.settings(self.head, owner)
        was = None if since is None else self.declared(since, owner, model)
        changed = (
            commit
            for commit in self.merged_since(since, model)
            if self.declared(commit, owner, model) != was
        )
        return self.earlier_settings(next(changed, self.head), owner)

    def earlier_settings(self, commit: str, owner: str) -> Settings | None:
        """Return the settings before a commit of the first-parent line, None where there are none.

        What cannot be read is passed over: it held nobody to anything else than what was before.
        """
        for earlier in self._line.commits[self._line.places[commit] + 1 :]:
            with suppress(DeclarationError):
                return self.settings(earlier, owner)
        return None

    def merged_since(self, since: str | None, model: str) -> tuple[str, ...]:
        """Return the commits of the first-parent line that touched a model, oldest first.

        They touched its file, or settings by which its file declares something else.
        """
        oldest = self._line.place(since)
        commits = {*self._own(model), *self._line.of_file(None)}
        places = {self._line.places[commit] for commit in commits}
        places |= {self._line.places[c] for c in self._resettled(oldest) if self._moves(c, model)}
        return tuple(
            self._line.commits[place] for place in sorted(places, reverse=True) if place < oldest
        )

    def _moves(self, commit: str, model: str) -> bool:
        """Return whether a commit declares a model otherwise than the one before it."""
        before = self._before(commit)
        try:
            was = self.declared(before, self._owner, model) if before is not None else None
            return self.declared(commit, self._owner, model) != was
        except DeclarationError:
            return True

    def changed_since(
        self, commit: str, desired: DeclaredState, dirty: Collection[str]
    ) -> frozenset[str] | None:
        """Return the models that `desired` declares differently than a commit, vanished included.

        None stands for all of them: the settings mean something else. `dirty` are the paths in
        the work tree that are not as the checked out commit has them.
        """
        own = self._place.folder
        folder = self._folder_of(self._place.name or own, commit)
        before = self._repo.tree(commit, folder) if folder else {}
        after = self._repo.tree(self.head, own)
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        changed |= {path if own == "." else path.removeprefix(f"{own}/") for path in dirty}
        if SETTINGS in changed and not self._same_settings(before.get(SETTINGS), desired.settings):
            return None
        read = (
            self._declaration(before[path], path)
            for path in sorted(changed & before.keys())
            if not is_settings(path)
        )
        # The settings mean the same there, or all models have changed.
        old = {
            was.model: complete(was, desired.settings)
            for was in read
            if isinstance(was, Declaration)
        }
        new = {name for name, path in self._place.files.items() if path in changed}
        return frozenset(
            name for name in {*old, *new} if _differs(old.get(name), desired.declarations.get(name))
        )

    def _at_its_place(self, commit: str, folder: str, model: str) -> Declaration | None:
        """Look where the checkout or another commit has the model's file: mostly it is there."""
        for path in dict.fromkeys((self._place.files.get(model), self._elsewhere.get(model))):
            blob = self._repo.blob_id(commit, joined(folder, path)) if path else None
            if path and blob:
                read = self._declaration(blob, path)
                if isinstance(read, Declaration) and read.model == model:
                    return read
        return None

    def _anywhere(self, commit: str, folder: str, model: str) -> Declaration | None:
        tree = self._repo.tree_id(commit, folder)
        listing = self._list(tree) if tree is not None else _NOTHING
        if model in listing.models:
            return listing.models[model]
        if listing.broken:
            short = self._repo.short(commit)
            raise DeclarationError(
                [
                    replace(problem, file=f"{joined(folder, path)}@{short}")
                    for path, problem in listing.broken
                ]
            )
        return None

    def _list_tree(self, tree: str) -> "_Listing":
        models: dict[str, Declaration] = {}
        broken: list[tuple[str, Problem]] = []
        for path, blob in self._repo.files(tree).items():
            if is_settings(path):
                continue
            read = self._declaration(blob, path)
            if isinstance(read, Declaration):
                models.setdefault(read.model, read)
                self._elsewhere.setdefault(read.model, path)
            else:
                broken += [(path, problem) for problem in read]
        return _Listing(models, tuple(broken))

    def _declaration(self, blob: str, path: str) -> Declaration | tuple[Problem, ...]:
        # The name of the file counts: it is the model's where the file names none.
        key = (blob, path)
        read = self._place.read.get(key) or self._read.get(key)
        if read is None:
            try:
                read = self._parsers.declaration(self._repo.blob(blob), path)
            except DeclarationError as error:
                read = error.problems
            self._forget_if_full()
            self._read[key] = read
        return read

    def _forget_if_full(self) -> None:
        """Begin anew with what was parsed, and with the hints where to look for a model."""
        if len(self._read) >= max(_FILES_KEPT, _COMMITS_OF_EACH * len(self._place.files)):
            self._read.clear()
            self._elsewhere.clear()

    def _find_folder(self, owner: str, commit: str) -> str | None:
        """Return the folder that an owner's records speak of, None when it was not there.

        An owner is a folder, or the name of a registry: then its folder may have been another
        one, and its settings tell.
        """
        folder = self._place.folder if owner == self._place.name else owner
        exists = self._repo.tree_id(commit, folder) is not None
        return folder if exists else self._folder_named(owner, commit)

    def _folder_named(self, name: str, commit: str) -> str | None:
        for path, blob in self._repo.tree(commit, ".").items():
            if is_settings(path):
                settings = self._settings(blob, path)
                if (
                    settings is not None
                    and settings.registry is not None
                    and settings.registry.name == name
                ):
                    return str(PurePosixPath(path).parent)
        return None

    def _parsed_settings(self, blob: str, path: str) -> Settings | None:
        """Return what a settings file said, None when it cannot be read."""
        try:
            return self._parsers.settings(self._repo.blob(blob), path)
        except DeclarationError:
            return None

    def _same_settings(self, blob: str | None, settings: Settings) -> bool:
        before = Settings() if blob is None else self._settings(blob, SETTINGS)
        # The main line decides who may apply, not what differs.
        return before is not None and of_plans(replace(before, branch=None)) == of_plans(
            replace(settings, branch=None)
        )


class _Listing(NamedTuple):
    models: Mapping[str, Declaration]
    broken: tuple[tuple[str, Problem], ...]


_NOTHING = _Listing({}, ())


def _differs(old: Declaration | None, new: Declaration | None) -> bool:
    """Return whether two declarations differ, or have other consumers: what those load counts."""
    return old != new or (old and old.consumers) != (new and new.consumers)
