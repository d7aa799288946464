"""A history in memory, for the decisions that take thousands of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.errors import DeclarationError, ExitCode, Problem


@dataclass
class Commits:
    """A graph of commits, each with what it declares; ids look like git's.

    The files of the `broken` ones cannot be read.
    """

    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    trees: dict[str, Mapping[str, Declaration]] = field(default_factory=dict)
    settings: dict[str, Settings] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def commit(
        self, declared: Mapping[str, Declaration], *parents: str, settings: Settings | None = None
    ) -> str:
        name = hashlib.sha1(f"{len(self.trees)}".encode()).hexdigest()  # noqa: S324  an id
        self.parents[name] = parents
        self.trees[name] = dict(declared)
        self.settings[name] = settings or Settings()
        return name

    def ancestors(self, commit: str) -> set[str]:
        found: set[str] = set()
        open_ends = [commit]
        while open_ends:
            name = open_ends.pop()
            if name not in found:
                found.add(name)
                open_ends += self.parents[name]
        return found


@dataclass
class FakeHistory:
    """What a checkout of `head` sees, when `main` is the tip of the main line (None: unknown).

    `cloned` is the tip when the clone was made: it has no later commits (None: it has all).
    `cut_before` is the oldest commit of a shallow clone (None: it has all).
    """

    commits: Commits
    head: str
    main: str | None = None
    is_shallow: bool = False
    cloned: str | None = None
    cut_before: str | None = None

    @property
    def parent(self) -> str | None:
        return next(iter(self.commits.parents[self.head]), None)

    def knows(self, commit: str) -> bool:
        if self.cut_before is not None and not self.is_ancestor(self.cut_before, commit):
            return False
        everything = self.commits.trees
        return commit in (self.commits.ancestors(self.cloned) if self.cloned else everything)

    def is_ancestor(self, older: str, newer: str) -> bool:
        return older in self.commits.ancestors(newer)

    def merge_base(self, one: str, other: str) -> str | None:
        shared = self.commits.ancestors(one) & self.commits.ancestors(other)
        best = [
            c
            for c in shared
            if not any(c != other and c in self.commits.ancestors(other) for other in shared)
        ]
        return min(best, default=None)

    def main_contains(self, commit: str) -> bool:
        return self.main is None or self.is_ancestor(commit, self.main)

    def settings(self, commit: str, owner: str) -> Settings | None:  # noqa: ARG002  one folder
        return self.commits.settings[commit]

    def merged_since(self, since: str | None, model: str) -> tuple[str, ...]:
        found: list[str] = []
        commit: str | None = self.head
        while commit is not None and commit != since:
            parent = next(iter(self.commits.parents[commit]), None)
            if commit == self.cut_before:
                parent = None
            before = self.commits.trees[parent].get(model) if parent is not None else None
            after = self.commits.trees[commit].get(model)
            if after != before or (after and before and after.consumers != before.consumers):
                found.append(commit)
            commit = parent
        return tuple(reversed(found))

    def base_settings(self, since: str | None, owner: str, model: str) -> Settings | None:  # noqa: ARG002
        line = [self.head]
        while line[-1] != since and self.commits.parents[line[-1]]:
            line.append(self.commits.parents[line[-1]][0])
        was = None if since is None else self.commits.trees[since].get(model)
        changed = [one for one in line if self.commits.trees[one].get(model) != was]
        parents = self.commits.parents[changed[-1] if changed else self.head]
        return self.commits.settings[parents[0]] if parents else None

    def declared(self, commit: str, owner: str, model: str) -> Declaration | None:  # noqa: ARG002  one folder
        if commit in self.commits.broken:
            raise DeclarationError(
                [Problem("not YAML", ExitCode.DECLARATION, file=f"{model}.yaml")]
            )
        return self.commits.trees[commit].get(model)

    def declarations(self, commit: str, owner: str) -> Mapping[str, Declaration]:  # noqa: ARG002  one folder
        return self.commits.trees[commit]

    def declared_otherwise(
        self,
        since: str,
        owner: str,  # noqa: ARG002  one folder
        declared: Declaration | None,
        model: str,
    ) -> bool:
        between: list[str] = []
        commit: str | None = self.head
        while commit is not None and commit != since:
            between.append(commit)
            commit = next(iter(self.commits.parents[commit]), None)
        return commit == since and any(
            self.commits.trees[one].get(model) != declared for one in between
        )
