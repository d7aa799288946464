"""Follows each model through the merged commits: by name, and where a commit renames it.

A rename is a name that goes and another one that comes in the same commit: in one file, in a file
that git takes for renamed, in two files that declare much the same, or where the new file says
`renamed_from`.
"""

from collections.abc import Collection, Iterable, Mapping

from reconciler.audit.merged_changes import MergedFiles, Step
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration
from reconciler.planning.same_model import is_another, paired


def steps(
    merged: Iterable[MergedFiles], settings: Settings | None = None
) -> Mapping[str, tuple[Step, ...]]:
    """Return each model's steps from all merged commits, both oldest first, by its last name.

    Models are followed whichever file declares them. Settings are followed only when `settings`
    gives those that hold without a file.
    """
    follower = _Follower(settings)
    for change in merged:
        follower.take(change)
    return {model: tuple(follower.by_model[model]) for model in sorted(follower.by_model)}


class _Follower:
    """What is declared at one commit after the other, and the steps that led there."""

    def __init__(self, settings: Settings | None) -> None:
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
        redefined = self._holders if both and both[0].serving != both[1].serving else ()
        models = sorted({*redefined, *touched})
        before = {model: self._declared(model) for model in models}
        self._put(change.files)
        after = {model: self._declared(model) for model in models}
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

    def _declared(self, model: str) -> Declaration | None:
        """Return the declaration of the first file; a second one is that commit's error."""
        held = self._holders.get(model)
        return held[min(held)] if held else None

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
            old = _former_name(declared, was.get(change.renames.get(path, path)), went)
            if old is not None:
                former[declared.model] = old
                went.discard(old)
            elif declared.renamed_from is None:
                others[declared.model] = declared
        gone = {model: declaration for model in went if (declaration := before[model])}
        return {**former, **paired(gone, others)}

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
