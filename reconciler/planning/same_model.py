"""Recognises a model under another name, by what is declared and what is live. Pure."""

from collections.abc import Mapping
from typing import Final

from reconciler.core.state import Declaration, Live

_ALIKE: Final = 0.5  # of what two declarations say; git calls two files renamed from there on


def is_another(old: Declaration, new: Declaration) -> bool:
    """Return whether two declarations pin different versions under the same number."""
    common = old.versions.keys() & new.versions.keys()
    return any(old.versions[number].is_another(new.versions[number]) for number in common)


def fits(declared: Declaration, live: Live) -> bool:
    """Return whether a live model can be a declared one: it has its versions, with their pins.

    Single versions may have been deleted.
    """
    present = declared.versions.keys() & live.versions.keys()
    return all(_pins_hold(declared, live)) and (bool(present) or not declared.versions)


def is_proven(declared: Declaration, live: Live) -> bool:
    """Return whether pins show that a live model is a declared one."""
    pins = _pins_hold(declared, live)
    return bool(pins) and all(pins)


def is_disproven(declared: Declaration, live: Live) -> bool:
    """Return whether pins show that a live model is not a declared one.

    A single version that has another pin was registered again.
    """
    pins = _pins_hold(declared, live)
    return bool(pins) and not any(pins)


def _pins_hold(declared: Declaration, live: Live) -> list[bool]:
    """Return for each version with a pin that both have whether its pins are those of `live`.

    Digests prove nothing here: what the live bytes are is not known without reading them.
    """
    held = []
    for number in declared.versions.keys() & live.versions.keys():
        entry, identity = declared.versions[number], live.versions[number].identity
        pairs = ((entry.run_id, identity.run_id), (entry.source, identity.source))
        pins = [pin == value for pin, value in pairs if pin is not None]
        if pins:
            held.append(all(pins))
    return held


def likeness(old: Declaration, new: Declaration) -> float:
    """Return which part of two declarations is the same, from 0 to 1; names do not count."""
    was, now = (
        {*each.fields.items(), *((number, pins) for number, pins in each.versions.items())}
        for each in (old, new)
    )
    return len(was & now) / max(len(was), len(now)) if was or now else 1.0


def paired(went: Mapping[str, Declaration], came: Mapping[str, Declaration]) -> Mapping[str, str]:
    """Return the former name of each model that came, where one that went is clearly the same.

    Two that are equally alike are told apart by nothing, and stay without.
    """
    scores = {
        (new, old): likeness(went[old], came[new])
        for new in came
        for old in went
        if not is_another(went[old], came[new])
    }
    former = {}
    for (new, old), score in scores.items():
        rivals = [s for pair, s in scores.items() if (pair[0] == new) != (pair[1] == old)]
        if score >= _ALIKE and score > max(rivals, default=0):
            former[new] = old
    return former
