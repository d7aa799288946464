"""`--accept NAME[=MODEL]` → consents; a consent names one guard."""

from collections.abc import Iterable

from reconciler.errors import UsageError
from reconciler.guards import EMPTY_SERVING, GUARDS
from reconciler.violations import Consent


def parse_consents(texts: Iterable[str]) -> frozenset[Consent]:
    """Return the consents; raises `UsageError` for a guard that does not exist."""
    return frozenset(_parse(text) for text in texts)


def _parse(text: str) -> Consent:
    guard, _, model = text.partition("=")
    if guard not in GUARDS:
        raise UsageError(f"--accept {text}: no such guard", hint=f"there are {', '.join(GUARDS)}")
    if (guard == EMPTY_SERVING) != bool(model):
        form = f"{guard}=MODEL" if guard == EMPTY_SERVING else guard
        raise UsageError(f"--accept {text}: write `--accept {form}`")
    return Consent(guard, model or None)
