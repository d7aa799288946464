"""Why a condition does not hold, in sentences: what is not there, and the values it looked at."""

from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from typing import Final

from reconciler.core.matching import nearest
from reconciler.policy.cel.formatting import count, kind, names, shown, spelled
from reconciler.policy.cel.references import PathStep, Reference, references
from reconciler.policy.cel.schema import TYPES
from reconciler.policy.cel.static_checks import looked_into
from reconciler.policy.cel.tokenizer import text_at, tokens

Scope = Mapping[str, object]

_MOST_VALUES: Final = 6
_ID: Final = 8
_OBJECTS: Final = {path for path, name in TYPES.items() if name.startswith("object")}

# What a map of names holds, by where it is in a version: what one is called, what it is to have it.
_HELD: Final[Mapping[tuple[PathStep, ...], tuple[str, str]]] = {
    ("metrics",): ("metric", "logged"),
    ("params",): ("param", "logged"),
    ("tags",): ("tag", "has the tags"),
    ("declared", "tags"): ("declared tag", "declares the tags"),
    ("run", "tags"): ("run tag", "has the tags"),
}


def not_a_number(source: str, scope: Scope) -> str | None:
    """Return which metric that an expression refers to is NaN, None when there is none."""
    for base in (("metrics",), ("incumbent", "metrics")):
        metrics = _value(base, scope)
        if isinstance(metrics, Mapping):
            for key in _metrics(source, base, metrics):
                value = metrics.get(key)
                if isinstance(value, float) and isnan(value):
                    return f"{_whose(base, scope)}metric `{key}` is NaN"
    return None


def _metrics(source: str, base: tuple[str, ...], metrics: Iterable[str]) -> Iterator[PathStep]:
    for reference in references(source):
        if reference.touches(*base):
            steps = reference.path[len(base) :]
            if steps and steps[0] is not None:
                yield steps[0]
            else:
                yield from metrics


def absences(source: str, scope: Scope) -> tuple[str, ...]:
    """Return a sentence for everything that an expression refers to and that is not there.

    What the expression itself asks after with `has`, `in` or `== null` counts only when there is
    nothing else.
    """
    known = _known(source)
    asked = {reference.path for reference in known if reference.test}
    found = {reference.path: _absence(reference.path, scope) for reference in known}
    open_ends = {
        path: sentence
        for path, sentence in found.items()
        if sentence and not any(path[: len(one)] == one for one in asked)
    }
    chosen = open_ends or found
    return tuple(dict.fromkeys(sentence for sentence in chosen.values() if sentence))


def values(source: str, scope: Scope) -> str:
    """Return what an expression looked at: `metrics.auc is 0.91, incumbent.metrics.auc is 0.94`."""
    paths = [reference.path for reference in _known(source)]
    sentences = [_absence(path, scope) or _is(path, scope) for path in paths]
    different = list(dict.fromkeys(sentence for sentence in sentences if sentence))
    more = len(different) - _MOST_VALUES
    return ", ".join(different[:_MOST_VALUES]) + (f" and {more} more" if more > 0 else "")


def kinds(source: str, scope: Scope) -> str:
    """Return of what type everything is that an expression looked at, and how to read a number."""
    found = {}
    for reference in _known(source):
        name, value = spelled(reference.path), _value(reference.path, scope)
        if None not in reference.path and name not in _OBJECTS:
            found[name] = f"{name} is {kind(value)}"
            if _reads_as_number(value) and not _converted(source, reference):
                found[name] += f" (write double({name}))"
    return ", ".join(list(found.values())[:_MOST_VALUES])


def _known(source: str) -> tuple[Reference, ...]:
    return tuple(looked_into(one) for one in references(source) if one.path[0] in TYPES)


def _absence(path: tuple[PathStep, ...], scope: Scope) -> str | None:
    """Return what keeps a path from ending at a value, None when it has one."""
    value: object = scope
    for done, step in enumerate(path):
        if step is None:
            return None
        if value is None:
            return _null(path[:done], scope)
        if isinstance(value, Mapping):
            if step not in value:
                return _missing(path[:done], str(step), value, scope)
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int):
            if step >= len(value):
                return f"{spelled(path[:done])} has {count(value, 'element')}"
            value = value[step]
        else:
            return f"{spelled(path[:done])} is {kind(value)}: it has no `{step}`"
    return _null(path, scope) if value is None else None


def _value(path: tuple[PathStep, ...], scope: Scope) -> object:
    """Return what is at the end of a path, None where nothing is."""
    value: object = scope
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _is(path: tuple[PathStep, ...], scope: Scope) -> str | None:
    known = path[: path.index(None)] if None in path else path
    name = spelled(known)
    return None if name in _OBJECTS else f"{name} is {shown(_value(known, scope))}"


def _null(path: tuple[PathStep, ...], scope: Scope) -> str:
    match path:
        case ("incumbent",):
            hint = "write `incumbent == null || …` where the first one may pass"
            return f"there is no incumbent: {hint}"
        case ("commit", "approvals"):
            return "approvals are not known here: no forge confirmed any"
        case (*_, "run" | "signature" as name):
            return f"{_owner(path, scope)} has no {name}"
        case _:
            return f"{spelled(path)} is null"


def _missing(
    path: tuple[PathStep, ...], name: str, held: Mapping[str, object], scope: Scope
) -> str:
    """Say that a name is not among those that are held at a path, and which are."""
    place = path[1:] if path[:1] in (("version",), ("incumbent",)) else path
    if place not in _HELD:
        return f"{spelled((*path, name))} is not known"
    one, verb = _HELD[place]
    run = None if "tags" in place and "run" not in place else _run(path, scope)
    if verb == "logged" and run is None:
        verb = f"has the {one}s"
    if not held:
        verb = f"{verb.removesuffix(f' the {one}s').removesuffix(' the tags')} no {one}s"
    there = f"{run or _owner(path, scope)} {verb} {names(sorted(held))}".rstrip()
    aside = _aside(path, name, held, scope)
    return f"{_whose(path, scope)}{one} `{name}` is not there: {there}{aside}"


def _aside(path: tuple[PathStep, ...], name: str, held: Iterable[str], scope: Scope) -> str:
    """Say the likeliest reason why a name is not there, where one is known."""
    declared = _value(("version", "declared", "tags"), scope)
    if path == ("version", "tags") and isinstance(declared, Mapping) and name in declared:
        return "; that this change sets it does not count"
    near = nearest(name, list(held))
    return f"; {near}" if near else ""


def _run(path: tuple[PathStep, ...], scope: Scope) -> str | None:
    base = ("incumbent",) if path[0] == "incumbent" else ()
    run = _value((*base, "run", "id"), scope)
    if not isinstance(run, str):
        return None
    return f"run {run[:_ID]}…" if len(run) > _ID else f"run {run}"


def _owner(path: tuple[PathStep, ...], scope: Scope) -> str:
    owner = "incumbent" if path[0] == "incumbent" else "version"
    number = _value((owner, "number"), scope)
    return f"the incumbent v{number}" if owner == "incumbent" else f"v{number}"


def _whose(path: tuple[PathStep, ...], scope: Scope) -> str:
    return f"{_owner(path, scope)}: " if path[0] == "incumbent" else ""


def _reads_as_number(value: object) -> bool:
    try:
        return isinstance(value, str) and not isnan(float(value))
    except ValueError:
        return False


def _converted(source: str, reference: Reference) -> bool:
    found = tokens(source)
    return text_at(found, reference.start - 2) in ("double", "int", "uint")
