"""Finds the models that are renamed: in git and the registry, or in one of them only.

MLflow keeps a model's tags when it renames it, so the record goes along. A record whose commit
does not declare the model, or declares one with the runs of another, tells of another name.

A former name is the base of removals. So it is taken where pins prove it or the file says it, and
guessed only where all of the history is known and one declaration alone is much alike.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.state import Declaration, Live
from reconciler.errors import DeclarationError
from reconciler.planning.ancestry import NOTHING_BEFORE
from reconciler.planning.same_model import fits, is_another, is_disproven, is_proven, paired
from reconciler.ports.history import History


@dataclass(frozen=True, slots=True)
class OtherName:
    """The other name of one model, None in each case that is not its own.

    `former` are the names under which recorded commits declare a live model. `waiting` is the live
    name of a model that git has renamed and the registry has not, `elsewhere` that of one that the
    registry has renamed and git has not. `copied` is the name that a model's file says was its
    former one, although both are live.
    """

    former: tuple[str, ...] = ()
    waiting: str | None = None
    elsewhere: str | None = None
    copied: str | None = None


NO_OTHER_NAME = OtherName()


@dataclass(frozen=True, slots=True)
class Names:
    """What is declared and what is live, in which renames are found."""

    declared: Mapping[str, Declaration]
    live: Mapping[str, Live]
    owner: str
    history: History | None

    def missing(self, chosen: Iterable[str]) -> tuple[str, ...]:
        """Return the models that are declared and not live."""
        return tuple(name for name in chosen if name in self.declared and name not in self.live)

    def is_unsettled(self, name: str) -> bool:
        """Return whether a live model may have had another name when its record was written."""
        return (
            name in self.declared
            and name in self.live
            and self._undeclared_commit(self.live[name]) is not None
        )

    def renamed(self, undeclared: Collection[str]) -> Collection[str]:
        """Return those live models that are not declared because they were renamed.

        The record of each is the base of its other name, whether only the registry has renamed it
        or only git.
        """
        models = [self.live[name] for name in undeclared if name in self.live]
        displaced = [
            declared
            for name, declared in self.declared.items()
            if models and not self._is_still(name, declared)
        ]
        return {
            live.model
            for live in models
            if live.recorded
            and (
                self._is_not(live.recorded[-1], live)
                or any(is_proven(declared, live) for declared in displaced)
            )
        }

    def of_missing(self, missing: Collection[str]) -> Mapping[str, OtherName]:
        """Return the other names of models that are not live; `live` must be the whole registry."""
        waiting = self._waiting(missing) if missing else {}
        return {
            name: OtherName(waiting=waiting[name])
            if name in waiting
            else OtherName(elsewhere=self._elsewhere(name))
            for name in missing
        }

    def of_live(self, name: str) -> OtherName:
        """Return the other name of a live model; for an unsettled one `live` must be complete."""
        if not self.is_unsettled(name):
            return NO_OTHER_NAME
        told, commit = self.declared[name].renamed_from, self._undeclared_commit(self.live[name])
        if told is not None and self._is_still(told, self._declared(str(commit), told)):
            return OtherName(copied=told)
        recorded = self.live[name].recorded
        former = (self._former(name, c) for c in recorded if self._is_not(c, self.live[name]))
        return OtherName(former=tuple(dict.fromkeys(filter(None, former))))

    def _undeclared_commit(self, live: Live) -> str | None:
        """Return the first recorded commit that does not declare the model; "-" without a record.

        None also for a model of another state, and where it cannot be told.
        """
        if live.owner not in (None, self.owner):
            return None
        if not live.recorded:
            return NOTHING_BEFORE if self.declared[live.model].renamed_from else None
        return next((c for c in live.recorded if self._is_not(c, live)), None)

    def _is_not(self, commit: str, live: Live) -> bool:
        """Return whether a commit certainly does not declare a live model under its name."""
        was = self._declared(commit, live.model)
        if was is not None:
            return is_disproven(was, live)
        return self._declares(commit, live.model) is False

    def _is_still(self, name: str, was: Declaration | None) -> bool:
        """Return whether a live model can be what was declared under its name."""
        return name in self.live and (was is None or not is_disproven(was, self.live[name]))

    def _former(self, name: str, commit: str) -> str | None:
        """Return the name under which a recorded commit declares a live model."""
        live, declared = self.live[name], self.declared[name]
        if self.history is None:
            return None
        then = self.history.declarations(commit, self.owner)
        rivals = {
            old: was
            for old, was in then.items()
            if old != name and fits(was, live) and not self._is_still(old, was)
        }
        if declared.renamed_from is not None:
            return declared.renamed_from if declared.renamed_from in rivals else None
        proven = [old for old, was in rivals.items() if is_proven(was, live)]
        if len(proven) == 1:
            return proven[0]
        # A shallow clone does not show whether the name was released before.
        if self.history.is_shallow or self._was_released(live, commit):
            return None
        rivals = {old: was for old, was in rivals.items() if not is_another(was, declared)}
        alike = _matched(rivals, {name: declared}).get(name)
        return alike if alike not in self.declared else None

    def _waiting(self, missing: Collection[str]) -> Mapping[str, str]:
        """Return the live names of models that only git has renamed."""
        gone = {
            name: was
            for name, live in self.live.items()
            if (was := self._released_now(live)) is not None
        }
        came = {name: self.declared[name] for name in missing}
        told = {
            name: old
            for name, declared in came.items()
            if (old := declared.renamed_from) is not None and old in self.live
        }
        rest = {name: declared for name, declared in came.items() if not declared.renamed_from}
        gone = {old: was for old, was in gone.items() if old not in told.values()}
        found = {**told, **_matched(gone, rest)}
        if not found and len(gone) == len(rest) == 1:
            found = {next(iter(rest)): next(iter(gone))}
        return {name: old for name, old in found.items() if fits(came[name], self.live[old])}

    def _released_now(self, live: Live) -> Declaration | None:
        """Return what was declared for a model of ours that is not declared any more."""
        if live.model in self.declared or live.owner != self.owner or not live.recorded:
            return None
        return self._declared(live.recorded[-1], live.model)

    def _elsewhere(self, name: str) -> str | None:
        """Return the live model whose record tells that it was renamed from a declared one."""
        found = [
            now
            for now, live in self.live.items()
            if now not in self.declared
            and live.owner == self.owner
            and live.recorded
            and self._declares(live.recorded[-1], now) is False
            and self._declares(live.recorded[-1], name)
            and fits(self.declared[name], live)
            and not self._was_released(live, live.recorded[-1])
        ]
        return found[0] if len(found) == 1 else None

    def _was_released(self, live: Live, commit: str) -> bool:
        """Return whether a model was declared up to a commit, which does not any more."""
        history, name = self.history, live.model
        return history is not None and any(
            (was := self._declared(earlier, name)) is not None and not is_disproven(was, live)
            for earlier in history.merged_since(None, name)
            if history.is_ancestor(earlier, commit)
        )

    def _declares(self, commit: str, name: str) -> bool | None:
        """Return whether a commit declares a model; None where that cannot be told."""
        history = self.history
        if history is None or commit == NOTHING_BEFORE or not history.knows(commit):
            return None
        try:
            return history.declared(commit, self.owner, name) is not None
        except DeclarationError:
            return None

    def _declared(self, commit: str, name: str) -> Declaration | None:
        history, is_declared = self.history, self._declares(commit, name)
        return history.declared(commit, self.owner, name) if history and is_declared else None


def _matched(went: Mapping[str, Declaration], came: Mapping[str, Declaration]) -> Mapping[str, str]:
    """Return the former names of models in the same file, and of those that are much alike."""
    in_place = {
        new: old
        for new, declared in came.items()
        for old, was in went.items()
        if f"/{declared.file}".endswith(f"/{was.file}") and not is_another(was, declared)
    }
    rest = {old: was for old, was in went.items() if old not in in_place.values()}
    others = {new: declared for new, declared in came.items() if new not in in_place}
    return {**in_place, **paired(rest, others)}
