"""Runs a recorded series through the rules of a model."""

from collections.abc import Collection
from pathlib import Path

from reconciler.api.watching.answers import Replay
from reconciler.api.workspace import Workspace
from reconciler.audit.merged_changes import serving
from reconciler.core.declaring.watch import WatchRule, rules_of
from reconciler.core.matching import nearest, select
from reconciler.errors import UsageError
from reconciler.files.recorded_series import parse_series
from reconciler.policy.cel.watch_conditions import fails
from reconciler.policy.watching.replay import RecordedRow, replay


def replayed(
    workspace: Workspace, series: Path, globs: Collection[str] | None, rule: str | None
) -> Replay:
    """Return what each rule says of a series; raises `UsageError` where that cannot be meant."""
    model, rules = _rules(workspace, globs)
    chosen = [one for one in rules if rule in (None, one.name)]
    if not chosen:
        hint = nearest(rule or "", [one.name for one in rules])
        raise UsageError(f"`{model}` has no rule `{rule}` in `watch:`", hint=hint)
    rows = _read(workspace.caller.root / series, str(series))
    version = serving(workspace.desired.declarations[model], workspace.settings) or 1
    found = [(one, replay(one, rows, model=model, version=version, fails=fails)) for one in chosen]
    return Replay(model, found)


def _rules(
    workspace: Workspace, globs: Collection[str] | None
) -> tuple[str, tuple[WatchRule, ...]]:
    """Return the one model that is meant, with its rules."""
    desired = workspace.desired
    declared = desired.declarations
    chosen = sorted(declared if globs is None else select(tuple(globs), declared))
    found = {
        name: rules
        for name in chosen
        if (rules := rules_of(name, desired.settings.watch, declared[name].watch))
    }
    if len(found) == 1:
        return next(iter(found.items()))
    if not found:
        raise UsageError("no model has a rule in `watch:`", hint="add one to a model's file")
    named = ", ".join(f"`{name}`" for name in [*found][:3])
    raise UsageError(f"several models have rules in `watch:`: {named}", hint="name the one")


def _read(path: Path, shown: str) -> tuple[RecordedRow, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        message = f"{shown}: {reason}"
        raise UsageError(message, hint="name a file of CSV or JSON lines, in UTF-8") from error
    return parse_series(text, shown)
