"""Generates what the laws of the difference are stated over: one model's base, desired and live."""

from dataclasses import dataclass

from hypothesis import strategies as st

from reconciler.core.state import (
    STAGES,
    Base,
    Declaration,
    DeclaredVersion,
    Field,
    Fields,
    Identity,
    Live,
    LiveVersion,
    Value,
)

EXCLUSIVE = ("Production", "Staging")
VERSIONS = (1, 2, 3, 4)
KEYS = ("risk", "owner", "team")
ALIASES = ("champion", "challenger", "canary")
TEXTS = st.sampled_from(["", "a", "b", "true"])


@dataclass(frozen=True)
class Case:
    """One model: what was declared before, what is declared now, what is live."""

    base: Base
    desired: Declaration
    live: Live


def declaration(fields: Fields, versions: frozenset[int]) -> Declaration:
    return Declaration("m", fields, {version: DeclaredVersion() for version in sorted(versions)})


def live_model(fields: Fields, *, model: str = "m", versions: tuple[int, ...] = VERSIONS) -> Live:
    return Live(
        model,
        fields,
        {v: LiveVersion(Identity(f"run-{v}", f"models:/m-{v}", 1000 + v)) for v in versions},
    )


@st.composite
def declared_fields(draw: st.DrawFn, *, complete: bool = False) -> dict[Field, Value]:
    """Fields that a valid file could declare: one version per exclusive stage.

    `complete` gives every version a stage, and lets stages be shared, as a live registry may.
    """
    fields: dict[Field, Value] = {}
    taken: set[str] = set()
    for version in VERSIONS:
        stage = draw(st.sampled_from(STAGES if complete else (*STAGES, "")))
        if stage and (complete or stage not in taken):
            fields[Field("stage", version)] = stage
            taken |= {stage} & set(EXCLUSIVE)
        for key in draw(st.sets(st.sampled_from(KEYS))):
            fields[Field("tag", version, key)] = draw(TEXTS)
        if draw(st.booleans()):
            fields[Field("description", version)] = draw(TEXTS)
    for key in draw(st.sets(st.sampled_from(KEYS))):
        fields[Field("tag", None, key)] = draw(TEXTS)
    for alias in draw(st.sets(st.sampled_from(ALIASES))):
        fields[Field("alias", None, alias)] = draw(st.sampled_from(VERSIONS))
    if draw(st.booleans()):
        fields[Field("description")] = draw(TEXTS)
    return fields


@st.composite
def live_fields(draw: st.DrawFn) -> dict[Field, Value]:
    fields = draw(declared_fields(complete=True))
    return {a: v for a, v in fields.items() if not (a.name == "description" and v == "")}


def base_from(*declared: Fields) -> Base:
    """Return the base that those declarations, oldest first, leave behind."""
    ever: dict[Field, frozenset[Value]] = {}
    for fields in declared:
        for address, value in fields.items():
            ever[address] = ever.get(address, frozenset()) | {value}
    entries = {version: (DeclaredVersion(),) for version in named(*declared)}
    return Base(declared[0] if declared else {}, ever, entries=entries)


def named(*declared: Fields) -> frozenset[int]:
    return frozenset(
        address.version for fields in declared for address in fields if address.version is not None
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    desired = draw(declared_fields())
    bases = draw(st.lists(declared_fields(), max_size=2))
    kept = draw(st.frozensets(st.sampled_from(VERSIONS)))
    versions = named(desired) | {
        int(value) for address, value in desired.items() if address.name == "alias"
    }
    return Case(
        base_from(*bases),
        declaration(desired, frozenset(versions) | kept),
        live_model(draw(live_fields())),
    )
