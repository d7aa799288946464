"""Follows each model through the merged commits: by name, and where a commit renames it.

A rename is a name that goes and another one that comes in the same commit: in one file, in a file
that git takes for renamed, in two files that declare much the same, or where the new file says
`renamed_from`. Where apply records have the identities of versions, they decide: they prove a
rename that git cannot see, and that two models are not the same one.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

from reconciler.audit.merged_changes import MergedFiles, Step
from reconciler.core.declaring.implied import complete, imply_the_same
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Identity
from reconciler.planning.same_model import is_another, paired

Identities: TypeAlias = Mapping[str, Mapping[int, Identity]]
_NO_IDENTITIES: Final[Identities] = {}


def steps(
    merged: Iterable[MergedFiles],
    settings: Settings | None = None,
    identities: Identities = _NO_IDENTITIES,
) -> Mapping[str, tuple[Step, ...]]:
    """Return each model's steps from all merged commits, both oldest first, by its last name.

    Models are followed whichever file declares them. Settings are followed only when `settings`
    gives those that hold without a file. `identities` are those of the apply records, by model.
    """
    follower = _Follower(settings, identities)
    for change in merged:
        follower.take(change)
    follower.join_proven()
    return {model: tuple(follower.by_model[model]) for model in sorted(follower.by_model)}


class _Follower:
    """What is declared at one commit after the other, and the steps that led there."""

    def __init__(self, settings: Settings | None, identities: Identities) -> None:
        self._identities = identities
        self.by_model: dict[str, list[Step]] = {}
        self._settings = settings
        self._files: dict[str, Declaration] = {}
        self._holders: dict[str, dict[str, Declaration]] = {}
        self._places: dict[str, int] = {}

    def take(self, change: MergedFiles) -> None:
        """Add the steps of one more commit."""
        self._places[change.commit.id] = len(self._places)
        both = (self._settings, change.settings or self._settings) if self._settings else None
        self._settings = both[1] if both else None
        paths = {*change.files, *change.renames.values()}
        was = {path: self._files[path] for path in paths if path in self._files}
        declared = [declaration for declaration in change.files.values() if declaration is not None]
        touched = {declaration.model for declaration in (*was.values(), *declared)}
        redefined = self._holders if both and not imply_the_same(*both) else ()
        models = sorted({*redefined, *touched})
        before = {model: self._declared(model, both and both[0]) for model in models}
        self._put(change.files)
        after = {model: self._declared(model, both and both[1]) for model in models}
        former = self._former_names(change, was, before, after)
        for model in models:
            if model not in former.values():
                old = former.get(model, model)
                if old != model:
                    self.by_model[model] = self.by_model.pop(old, [])
                step = Step(change.commit, model, before[old], after[model], both)
                if step.before != step.after or step.redefinition:
                    self.by_model.setdefault(model, []).append(step)
        for declaration in declared:
            self._join(declaration)

    def _declared(self, model: str, settings: Settings | None = None) -> Declaration | None:
        """Return the declaration of the first file; a second one is that commit's error.

        With `settings` it is complete, else as the file writes it.
        """
        held = self._holders.get(model)
        declared = held[min(held)] if held else None
        return complete(declared, settings) if declared and settings else declared

    def _put(self, changed: Mapping[str, Declaration | None]) -> None:
        for path, declared in changed.items():
            old = self._files.pop(path, None)
            if old is not None:
                del self._holders[old.model][path]
            if declared is not None:
                self._files[path] = declared
                self._holders.setdefault(declared.model, {})[path] = declared

    def _former_names(
        self,
        change: MergedFiles,
        was: Mapping[str, Declaration],
        before: Mapping[str, Declaration | None],
        after: Mapping[str, Declaration | None],
    ) -> Mapping[str, str]:
        """Return the former name of each model that the commit renames."""
        went = {model for model in before if before[model] is not None and after[model] is None}
        former: dict[str, str] = {}
        others: dict[str, Declaration] = {}
        for path, declared in sorted(change.files.items()):
            # A name that was in use once had a life of its own.
            if declared is None or before[declared.model] or declared.model in self.by_model:
                continue
            possible = [old for old in went if self._is_same(old, declared.model) is not False]
            proven = [old for old in possible if self._is_same(old, declared.model)]
            earlier = was.get(change.renames.get(path, path))
            old = _former_name(declared, earlier, proven or possible)
            old = old or (proven[0] if len(proven) == 1 else None)
            if old is not None:
                former[declared.model] = old
                went.discard(old)
            elif declared.renamed_from is None:
                others[declared.model] = declared
        gone = {model: declaration for model in went if (declaration := before[model])}
        alike = paired(gone, others)
        return former | {n: o for n, o in alike.items() if self._is_same(o, n) is not False}

    def join_proven(self) -> None:
        """Join the models that apply records prove to be one, where one ended before the other."""
        # Few end: to look at every other model for each would take seconds for ten thousand.
        gone = [old for old, made in self.by_model.items() if made[-1].after is None]
        for model in sorted(self.by_model):
            own = self.by_model.get(model)
            if own is None or own[0].before is not None:
                continue
            begin = self._places[own[0].commit.id]
            ended = [
                old
                for old in gone
                if old in self.by_model
                and self._places[self.by_model[old][-1].commit.id] <= begin
                and self._is_same(old, model)
            ]
            if len(ended) == 1 and ended[0] != model:
                self.by_model[model] = [*self.by_model.pop(ended[0]), *own]

    def _is_same(self, old: str, new: str) -> bool | None:
        """Return whether the apply records name the same versions for both; None: they do not say.

        A version that is registered again has another creation time.
        """
        was, now = self._identities.get(old, {}), self._identities.get(new, {})
        common = was.keys() & now.keys()
        if not common:
            return None
        return any(was[n] == now[n] and was[n].created is not None for n in common)

    def _join(self, declared: Declaration) -> None:
        """Put the steps under the name that a file says was the former one before its own."""
        old = declared.renamed_from
        if old is None or old not in self.by_model or self._declared(old) is not None:
            return
        own = self.by_model.get(declared.model, [])
        begin = self._places[own[0].commit.id] if own else len(self._places)
        earlier = [step for step in self.by_model[old] if self._places[step.commit.id] < begin]
        rest = self.by_model.pop(old)[len(earlier) :]
        self.by_model[declared.model] = [*earlier, *own]
        if rest:
            self.by_model[old] = rest


def _former_name(
    declared: Declaration, earlier: Declaration | None, went: Collection[str]
) -> str | None:
    if declared.renamed_from is not None:
        return declared.renamed_from if declared.renamed_from in went else None
    if earlier is None or earlier.model not in went or is_another(earlier, declared):
        return None
    return earlier.model
