"""Explains in sentences why a condition does not hold: absent names, and values it read."""

from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from typing import Final

from reconciler.core.matching import nearest
from reconciler.policy.cel.formatting import count, kind, names, shown, spelled
from reconciler.policy.cel.references import PathStep, Reference, references
from reconciler.policy.cel.schema import POLICY_SCHEMA
from reconciler.policy.cel.static_checks import looked_into
from reconciler.policy.cel.tokenizer import text_at, tokenize

Scope = Mapping[str, object]

_MOST_VALUES: Final = 6
_ID: Final = 8
_OBJECTS: Final = {path for path, name in POLICY_SCHEMA.types.items() if name.startswith("object")}

# For each map of names, by its path in a version: the noun for an entry, and the verb.
_MAPS: Final[Mapping[tuple[PathStep, ...], tuple[str, str]]] = {
    ("metrics",): ("metric", "logged"),
    ("params",): ("param", "logged"),
    ("tags",): ("tag", "has the tags"),
    ("declared", "tags"): ("declared tag", "declares the tags"),
    ("run", "tags"): ("run tag", "has the tags"),
}


def not_a_number(source: str, scope: Scope) -> str | None:
    """Return a sentence for the first NaN metric that an expression refers to, else None."""
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
    """Return a sentence for each thing that an expression refers to and that does not exist.

    What the expression itself tests with `has`, `in` or `== null` counts only when nothing else is
    absent.
    """
    known = _known(source, scope)
    tested = {reference.path for reference in known if reference.test}
    sentences = {reference.path: _absence(reference.path, scope) for reference in known}
    untested = {
        path: sentence
        for path, sentence in sentences.items()
        if sentence and not any(path[: len(prefix)] == prefix for prefix in tested)
    }
    chosen = untested or sentences
    return tuple(dict.fromkeys(sentence for sentence in chosen.values() if sentence))


def values(source: str, scope: Scope) -> str:
    """Return the values that an expression read: `metrics.auc is 0.91, metrics.f1 is 0.8`."""
    paths = [reference.path for reference in _known(source, scope)]
    sentences = [_absence(path, scope) or _is(path, scope) for path in paths]
    unique = list(dict.fromkeys(sentence for sentence in sentences if sentence))
    more = len(unique) - _MOST_VALUES
    return ", ".join(unique[:_MOST_VALUES]) + (f" and {more} more" if more > 0 else "")


def kinds(source: str, scope: Scope) -> str:
    """Return the types of the values that an expression read, and how to convert a number."""
    described = {}
    for reference in _known(source, scope):
        name, value = spelled(reference.path), _value(reference.path, scope)
        if None not in reference.path and name not in _OBJECTS:
            described[name] = f"{name} is {kind(value)}"
            if _reads_as_number(value) and not _converted(source, reference):
                described[name] += f" (write double({name}))"
    return ", ".join(list(described.values())[:_MOST_VALUES])


def _known(source: str, scope: Scope) -> tuple[Reference, ...]:
    known = {*POLICY_SCHEMA.types, *scope}
    return tuple(looked_into(ref) for ref in references(source) if ref.path[0] in known)


def _absence(path: tuple[PathStep, ...], scope: Scope) -> str | None:
    """Return why a path has no value, as a sentence; None when it has one."""
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
    """Return the value at a path; None when there is none."""
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
            hint = "write `incumbent == null || …` to let the first version pass"
            return f"there is no incumbent: {hint}"
        case ("commit", "approvals"):
            return "approvals are not known here: no forge was asked"
        case (*_, "run" | "signature" as name):
            return f"{_owner(path, scope)} has no {name}"
        case _:
            return f"{spelled(path)} is null"


def _missing(
    path: tuple[PathStep, ...], name: str, entries: Mapping[str, object], scope: Scope
) -> str:
    """Return that a name is not among the entries at a path, and which names are."""
    place = path[1:] if path[:1] in (("version",), ("incumbent",)) else path
    if place not in _MAPS:
        return f"{spelled((*path, name))} is not known"
    noun, verb = _MAPS[place]
    run = None if "tags" in place and "run" not in place else _run(path, scope)
    if verb == "logged" and run is None:
        verb = f"has the {noun}s"
    if not entries:
        verb = f"{verb.removesuffix(f' the {noun}s').removesuffix(' the tags')} no {noun}s"
    existing = f"{run or _owner(path, scope)} {verb} {names(sorted(entries))}".rstrip()
    aside = _aside(path, name, entries, scope)
    return f"{_whose(path, scope)}{noun} `{name}` does not exist: {existing}{aside}"


def _aside(path: tuple[PathStep, ...], name: str, entries: Iterable[str], scope: Scope) -> str:
    """Return the likeliest reason why a name does not exist, or nothing."""
    declared = _value(("version", "declared", "tags"), scope)
    if path == ("version", "tags") and isinstance(declared, Mapping) and name in declared:
        return "; only live tags count, not those that this change sets"
    near = nearest(name, list(entries))
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
    return text_at(tokenize(source), reference.start - 2) in ("double", "int", "uint")
