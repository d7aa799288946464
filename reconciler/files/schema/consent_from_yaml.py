"""Reads and checks the dated consent in a model's file."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from reconciler.core.settings import Settings
from reconciler.core.state import DatedConsent
from reconciler.files.messages import Complaint, did_you_mean
from reconciler.files.schema.model_schema import ModelFile
from reconciler.files.schema.name_rules import quoted
from reconciler.policy.consumer_guard import PINNED_CONSUMER
from reconciler.policy.guards import DIRTY, EMPTY_SERVING, GUARDS

_LONGEST: Final = 30
# The other guards judge a whole run, for which a single model cannot consent.
_OF_A_MODEL: Final = (EMPTY_SERVING, PINNED_CONSUMER)


def consents(file: ModelFile) -> tuple[DatedConsent, ...]:
    """Return the dated consents of a model file."""
    return tuple(
        DatedConsent(entry["guard"], date.fromisoformat(entry["until"]), entry["reason"])
        for entry in file.get("accept", ())
    )


def consents_hold(file: ModelFile, settings: Settings | None, today: date) -> Iterator[Complaint]:
    """Report consent to an unknown name, consent given twice, and consent for too long.

    `settings` is None when they are wrong: then no policy is known.
    """
    last, named = today + timedelta(days=_LONGEST), set[str]()
    for index, consent in enumerate(consents(file)):
        path = ("accept", index)
        if consent.guard in named:
            message = f"consent to {quoted(consent.guard)} is given twice"
            yield Complaint((*path, "guard"), message, "remove one of them")
        elif settings is not None:
            yield from _named(consent.guard, (*path, "guard"), settings)
        named.add(consent.guard)
        if consent.until > last:
            message = f"{consent.until} is more than {_LONGEST} days ahead"
            hint = f"the latest date is {last}; for a longer time, change the policy"
            yield Complaint((*path, "until"), message, hint)


def consents_ended(file: ModelFile, today: date) -> Iterator[Complaint]:
    """Warn about consent that has ended."""
    for index, consent in enumerate(consents(file)):
        if consent.until < today:
            message = f"consent to {quoted(consent.guard)} ended on {consent.until}"
            yield Complaint(("accept", index, "until"), message, "remove it")


def _named(guard: str, path: tuple[str | int, ...], settings: Settings) -> Iterator[Complaint]:
    known = (*_OF_A_MODEL, *(policy.name for policy in settings.policies))
    if guard in known:
        return
    if guard == DIRTY:
        message = f"{quoted(guard)} applies to a run and cannot be accepted"
        yield Complaint(path, message, "commit the files")
    elif guard in GUARDS:
        message = f"{quoted(guard)} applies to a whole run, not to one model"
        yield Complaint(path, message, f"for one run there is `apply --accept {guard}`")
    else:
        hint = did_you_mean(guard, known)
        names = ", ".join(quoted(name) for name in known)
        message = f"there is no guard or policy {quoted(guard)}"
        yield Complaint(path, message, hint or f"the names are {names}")
