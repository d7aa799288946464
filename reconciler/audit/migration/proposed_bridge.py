"""The bridge that a migration takes: that of the settings, what is asked for, or the usual one."""

from collections.abc import Mapping
from typing import Final

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.settings import Settings
from reconciler.core.state import ACTIVE_STAGES
from reconciler.errors import UsageError

_USUAL: Final = {"Production": "champion", "Staging": "challenger"}


def proposed_bridge(settings: Settings, asked: Mapping[str, str] | None = None) -> Bridge:
    """Return the bridge of the settings with what is `asked` in its place, else the usual one.

    Raises `UsageError` for a stage that cannot be bridged, and for an alias of two stages.
    """
    for stage in asked or ():
        _require_exclusive(stage, settings)
    pairs = {**dict(settings.bridge.pairs), **(asked or {})}
    if not pairs:
        pairs = {stage: name for stage, name in _USUAL.items() if stage in settings.exclusive}
    for stage, alias in pairs.items():
        first = next(other for other, name in pairs.items() if name == alias)
        if first != stage:
            raise UsageError(f"the alias of `{first}` and of `{stage}` is `{alias}`")
    return Bridge(tuple(pairs.items()))


def _require_exclusive(stage: str, settings: Settings) -> None:
    if stage not in ACTIVE_STAGES:
        names = " and ".join(f"`{name}`" for name in ACTIVE_STAGES)
        raise UsageError(f"`{stage}` cannot be bridged", hint=f"{names} can")
    if stage not in settings.exclusive:
        raise UsageError(
            f"`{stage}` is not exclusive: an alias names one version, and it can hold several",
            hint=f"add `{stage}` to `exclusive` in reconciler.yaml",
        )
