"""`--accept NAME[=MODEL]` → consents; a consent names one rule."""

from collections.abc import Collection, Iterable

from reconciler.core.matching import nearest
from reconciler.core.violations import Consent
from reconciler.errors import UsageError
from reconciler.policy.guards import GUARDS, OF_A_RUN


def parse_consents(texts: Iterable[str], policies: Collection[str]) -> frozenset[Consent]:
    """Return the consents; raises `UsageError` for a rule that does not exist.

    A guard of the whole run is named alone, every other rule with the model.
    """
    return frozenset(_parse(text, (*GUARDS, *policies)) for text in texts)


def _parse(text: str, names: Collection[str]) -> Consent:
    name, _, model = text.partition("=")
    if name not in names:
        there = f"there are {', '.join(names)}"
        raise UsageError(f"--accept {text}: no such rule", hint=nearest(name, names) or there)
    if (name not in OF_A_RUN) != bool(model):
        form = name if name in OF_A_RUN else f"{name}=MODEL"
        raise UsageError(f"--accept {text}: write `--accept {form}`")
    return Consent(name, model or None)
