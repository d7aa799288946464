"""Generates model files in every form of a bridge: by the stage, by the alias, by both, mixed."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from reconciler.core.declaring.bridge import Bridge, contradictions
from reconciler.core.declaring.implied import as_written, complete
from reconciler.core.settings import ServingRules, Settings
from reconciler.core.state import Declaration, DeclaredVersion, Field, Serving, Value, in_use
from reconciler.files.editing.edits import YamlEdit, edits_between
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import dump_declaration, parse_declaration

PAIRS = (("Production", "champion"), ("Staging", "challenger"))
FORMS = ("stage", "alias", "both")
VERSIONS = (1, 2, 3, 4, 5)
FREE_ALIASES = ("live", "canary")
BRIDGES = (PAIRS, PAIRS[:1], PAIRS[1:])
SERVING = (
    Serving(),
    Serving(None, "champion"),
    Serving(None, "live"),
    Serving("Staging"),
)


@dataclass(frozen=True)
class BridgedFile:
    """A model's file, what it declares, and the settings that it is read by."""

    settings: Settings
    text: bytes
    declaration: Declaration

    def with_edits(self, edits: Sequence[YamlEdit]) -> "BridgedFile":
        """Return the file after edits; fails where that is not valid."""
        text = apply_edits(self.text, edits, "m.yaml")
        return BridgedFile(self.settings, text, read(text, self.settings))

    def edited(self, after: Declaration) -> Declaration:
        """Return what the file declares once it is edited to declare something else."""
        return self.with_edits(edits_between(self.declaration, after)).declaration


def read(text: bytes, settings: Settings) -> Declaration:
    """Return what a file declares; fails for a contradiction and for a shared stage."""
    found = complete(parse_declaration(text, "m.yaml"), settings)
    written = as_written(found).fields
    assert not list(contradictions(written, settings.bridge)), text.decode()
    for stage in settings.exclusive:
        assert list(written.values()).count(stage) <= 1, text.decode()
    for pair in settings.bridge.pairs:
        assert holder(found, *pair) == found.fields.get(Field("alias", None, pair[1]))
    return found


def holder(declaration: Declaration, stage: str, _: str = "") -> int | None:
    """Return the version in a stage that holds one."""
    held = [a.version for a, v in declaration.fields.items() if a.name == "stage" and v == stage]
    assert len(held) <= 1
    return held[0] if held else None


def form(declaration: Declaration, stage: str, alias: str) -> str | None:
    """Return the words by which a file declares a pair, None where it does not."""
    written = as_written(declaration).fields
    has_alias = Field("alias", None, alias) in written
    if any(a.name == "stage" and value == stage for a, value in written.items()):
        return "both" if has_alias else "stage"
    return "alias" if has_alias else None


@st.composite
def bridged_files(
    draw: st.DrawFn, *, with_serving: bool = False, with_blocked: bool = False
) -> BridgedFile:
    """Files that are valid by their settings; `with_serving`: a version serves in each.

    With `with_blocked` those versions may be blocked that are not in use.
    """
    bridge = Bridge(draw(st.sampled_from(BRIDGES)))
    serving = draw(st.sampled_from(SERVING))
    rules = ServingRules(serving)
    settings = Settings(exclusive=("Production", "Staging"), serving=rules, bridge=bridge)
    fields: dict[Field, Value] = {}
    order = draw(st.permutations(VERSIONS))
    for (stage, alias), version in zip(PAIRS, order, strict=False):
        if not (draw(st.booleans()) or with_serving):
            continue
        words = draw(st.sampled_from(FORMS)) if bridge.alias_of(stage) else "stage"
        if words != "alias":
            fields[Field("stage", version)] = stage
        if words != "stage":
            fields[Field("alias", None, alias)] = version
    for version in order[2:]:
        rest = draw(st.sampled_from((None, "Archived", "None")))
        if rest is not None:
            fields[Field("stage", version)] = rest
    for alias in FREE_ALIASES:
        named = draw(st.sampled_from((None, *VERSIONS)))
        if named is not None or with_serving:
            fields[Field("alias", None, alias)] = named or order[0]
    entries = {version: DeclaredVersion() for version in draw(st.permutations(VERSIONS[:4]))}
    numbers = {address.version or int(value) for address, value in fields.items()}
    entries |= {version: DeclaredVersion() for version in numbers - entries.keys()}
    if with_blocked:
        resting = st.sampled_from(sorted(entries.keys() - in_use(fields)) or [0])
        chosen = draw(st.sets(resting)) & entries.keys()
        entries |= dict.fromkeys(chosen, DeclaredVersion(blocked="leaks"))
    text = dump_declaration(Declaration("m", fields, entries)).encode()
    return BridgedFile(settings, text, read(text, settings))
