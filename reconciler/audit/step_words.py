"""What a merged commit changed of a model, in words."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from reconciler.audit.merged_changes import Step
from reconciler.core.declaring.ab_tests import as_text
from reconciler.core.declaring.consumers import came_and_went
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Serving, Value, stages

_LONGEST: Final = 40  # characters of a tag's value that a row shows


def concerns(step: Step, version: int) -> bool:
    """Return whether a step changed a version, or an alias that pointed or points to it."""
    before, after = _fields(step.before), _fields(step.after)
    for address in {*before, *after}:
        values = before.get(address), after.get(address)
        about = values if address.name == "alias" else (address.version,)
        if values[0] != values[1] and version in about:
            return True
    if step.redefinition and version in step.served(Settings()):
        return True
    return _entry(step.before, version) != _entry(step.after, version)


def meaning(step: Step, settings: Settings) -> tuple[str, ...]:
    """Return what a step changed, in a few words each, the serving version first."""
    before, after = _fields(step.before), _fields(step.after)
    gone = _gone(step)
    changed = [
        field
        for field in {*before, *after}
        if before.get(field) != after.get(field)
        and not _went_along(field, gone)
        and not _made_room(field, step)
    ]
    by = step.by(settings)
    served_by = by.serving.of(step.model, step.after or step.before)
    taken = (*by.exclusive, served_by.stage)
    changed.sort(key=lambda field: _reading_order(field, after.get(field), served_by, taken))
    moves = [
        f"{_move(field, before.get(field), after.get(field), _nothing(field, step, gone))}"
        f"{_by_bridge(field, step)}"
        for field in changed
    ]
    if step.after is None:
        return ("no longer declared", *moves)
    first = ("declared",) if step.before is None else ()
    if step.former_name is not None:
        first = (f"renamed from {step.former_name}",)
    if step.redefinition:
        meant, means = step.redefinition
        first = (*first, f"serving is {means}, not {meant}")
    moves += _other_word(step)
    about = (
        *_about_versions(step, gone),
        *_about_model(step),
        *came_and_went(step.before, step.after),
    )
    return (*first, *moves, *about)


def _nothing(field: Field, step: Step, gone: set[int | None]) -> str:
    """Return what to say of a stage, an alias or a tag that is not declared any more."""
    if field.name == "stage":
        return "no longer declared" if field.version in gone else "no stage declared"
    had, has = (each.bridged if each else () for each in (step.before, step.after))
    is_left = field.name == "alias" and field.key in {alias for _, alias in {*had} - {*has}}
    return "no longer declared" if is_left and _by_bridge(field, step) else "removed"


def _by_bridge(field: Field, step: Step) -> str:
    """Return a note for a stage or an alias that a bridge declares, or declared until then."""
    last = step.after if step.after and field in step.after.fields else step.before
    is_bridged = field.name in ("stage", "alias") and last is not None and field in last.implied
    return " (bridge)" if is_bridged else ""


def _other_word(step: Step) -> Iterable[str]:
    """Yield each stage and alias that stays, and that the file or the bridge alone declares now."""
    before, after = step.before, step.after
    if before is None or after is None:
        return
    switched = before.implied.keys() ^ after.implied.keys()
    for address in sorted(switched, key=lambda address: address.sort_key):
        value = after.fields.get(address)
        if address.name in ("stage", "alias") and value == before.fields.get(address) is not None:
            origins = ("the bridge", "the file")
            now, then = origins if address in after.implied else reversed(origins)
            yield f"{_arrow_start(address)} {value} is declared by {now}, not {then}"


def _gone(step: Step) -> set[int | None]:
    """Return the versions whose whole entry was removed; None stands for the model itself."""
    had = step.before.versions if step.before else {}
    if step.after is None:
        return {None, *had}
    return {*(had.keys() - step.after.versions.keys())}


def _went_along(field: Field, gone: set[int | None]) -> bool:
    """Return whether a field was removed with its entry, which is reported once."""
    return field.name in ("tag", "description") and field.version in gone


def _made_room(field: Field, step: Step) -> bool:
    """Return whether a version lost a stage that only a bridge declared to one that has it now."""
    before, after = step.before, step.after
    if before is None or after is None or field.name != "stage" or field not in before.implied:
        return False
    stage = before.fields[field]
    return field not in after.fields and stage in stages(after.fields).values()


def _fields(declaration: Declaration | None) -> Mapping[Field, Value]:
    """Return what is declared; `traffic` and `semver` are reported as such, not as tags too."""
    if declaration is None:
        return {}
    told = [address for address in declaration.implied if address.name == "tag"]
    return {a: v for a, v in declaration.fields.items() if a not in told}


def _entry(declaration: Declaration | None, version: int) -> DeclaredVersion | None:
    return declaration.versions.get(version) if declaration else None


def _reading_order(
    field: Field, after: Value | None, served_by: Serving, taken: Sequence[str | None]
) -> tuple[bool, int, bool, int, str]:
    kind = ("stage", "alias", "description", "tag").index(field.name)
    is_serving = field.name == "alias" and field.key == served_by.alias
    return (not is_serving, kind, after not in taken, field.version or 0, field.key or "")


def _move(field: Field, before: Value | None, after: Value | None, nothing: str) -> str:
    match field.name:
        case "stage" | "alias":
            return _arrow(_arrow_start(field), before, after, nothing)
        case "tag":
            was, now = (None if value is None else _quoted(value) for value in (before, after))
            return _arrow(str(field), was, now, nothing)
        case "description":
            return f"{field} {_happened(before, after)}"


def _arrow_start(field: Field) -> str:
    return f"@{field.key}" if field.name == "alias" else f"v{field.version}"


def _arrow(name: str, before: Value | None, after: Value | None, nothing: str) -> str:
    start = name if before is None else f"{name} {before}"
    return f"{start} → {nothing if after is None else after}"


def _quoted(value: Value) -> str:
    text = str(value)
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}…"'


def _happened(before: object, after: object) -> str:
    if before is None:
        return "added"
    return "no longer declared" if after is None else "changed"


def _about_versions(step: Step, gone: set[int | None]) -> Sequence[str]:
    """Return what changed in the entries of versions besides their fields."""
    phrases = []
    old = step.before.versions if step.before else {}
    new = step.after.versions if step.after else {}
    for number in sorted({*old, *new}):
        if number not in gone:
            was = old.get(number, DeclaredVersion())
            changed = list(_about_entry(was, new[number]))
            if number not in old and not changed and not _is_named(step.after, number):
                changed = ["declared"]
            phrases += [f"v{number} {change}" for change in changed]
        elif Field("stage", number) not in _fields(step.before):
            phrases.append(f"v{number} no longer declared")
    return phrases


def _about_entry(was: DeclaredVersion, now: DeclaredVersion) -> Iterable[str]:
    if was.blocked != now.blocked:
        yield f"blocked: {now.blocked}" if now.blocked else "no longer blocked"
    for pin in ("run_id", "source", "digest"):
        before, after = getattr(was, pin), getattr(now, pin)
        if before != after:
            yield f"{pin} {_happened(before, after)}"
    if was.semver != now.semver:
        yield _about_semver(was.semver, now.semver)
    if was.traffic != now.traffic:
        yield _about_traffic(was.traffic, now.traffic)


def _about_semver(was: str | None, now: str | None) -> str:
    if now is None:
        return f"semver {was} → no longer declared"
    return f"semver {now}" if was is None else f"semver {was} → {now}"


def _about_traffic(was: Decimal | None, now: Decimal | None) -> str:
    if now is None:
        return "no traffic any more"
    before = "" if was is None else f"{as_text(was)} → "
    return f"traffic {before}{as_text(now)}"


def _is_named(declaration: Declaration | None, version: int) -> bool:
    """Return whether the declaration has a field of that version, or an alias that points to it."""
    return any(
        field.version == version or (field.name == "alias" and value == version)
        for field, value in _fields(declaration).items()
    )


def _about_model(step: Step) -> Sequence[str]:
    was, now = step.before, step.after
    said = []
    retired = (bool(was and was.retired), bool(now and now.retired))
    if retired[0] != retired[1]:
        said.append("retired" if retired[1] else "no longer retired")
    hold = (was.hold if was else None, now.hold if now else None)
    if hold[0] != hold[1]:
        said.append(f"hold: {hold[1]}" if hold[1] else "hold lifted")
    return said
