"""The laws of lanes: what they say was so in the registry, whatever anybody did."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.overview.lanes import LaneSpan
from reconciler.core.settings import Settings
from reconciler.core.state import Serving
from tests.unit.audit.overview.world import World

PRODUCTION, CHAMPION = Serving("Production"), Serving(None, "champion")
_MOMENT = timedelta(seconds=1)
_VERSION = st.sampled_from([1, 2, 3])
_FILES = st.one_of(
    st.none(),
    st.builds(
        lambda production, alias: (
            "versions: {"
            + ", ".join(
                f"{v}: {{stage: {'Production' if v == production else 'Archived'}"
                + (", aliases: [champion]}" if v == alias else "}")
                for v in (1, 2, 3)
            )
            + "}"
        ),
        st.one_of(st.none(), _VERSION),
        st.one_of(st.none(), _VERSION),
    ),
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), _FILES),
        st.tuples(st.just("merge"), _FILES),
        st.tuples(st.just("apply"), st.none()),
        st.tuples(st.just("apply"), st.none()),
        st.tuples(st.just("silent"), st.none()),
        st.tuples(st.just("part"), st.integers(0, 3)),
        st.tuples(st.just("alias"), st.one_of(st.none(), _VERSION)),
        st.tuples(st.just("stage"), st.tuples(_VERSION, st.sampled_from(["Production", "None"]))),
    ),
    max_size=14,
)


def lived(steps: list[tuple[str, object]]) -> World:
    """Return the world after these steps."""
    world = World(settings=Settings())
    for what, value in steps:
        match what, value:
            case "merge", (str() | None) as text:
                world.merge(text)
            case "alias", (int() | None) as version:
                world.by_hand(champion=version)
            case "stage", (int() as version, str() as stage):
                world.by_hand(**{f"v{version}": stage})
            case "apply", _ if world.merged:
                world.apply()
            case "silent", _ if world.merged:
                world.apply(record=False)
            case "part", int() as writes if world.merged:
                world.apply(writes=writes)
    return world


def spans_of(world: World, name: Serving, *, read: bool = True) -> tuple[LaneSpan, ...]:
    """Return the spans of one name."""
    lane = world.lanes(read=read).get(str(name))
    return lane.spans if lane else ()


def is_declared(span: LaneSpan) -> bool:
    """Return whether a span was live, as git says."""
    return span.kind in ("applied", "merged", "undeclared")


@given(_STEPS, st.sampled_from([PRODUCTION, CHAMPION]))
def test_what_is_open_at_the_reading_is_what_the_registry_has(
    steps: list[tuple[str, object]], name: Serving
) -> None:
    world = lived(steps)
    live = name.versions(world.live.fields)
    spans = spans_of(world, name)
    now = [span for span in spans if span.end is None]
    never = ("pending", "never applied")
    if spans:
        assert {s.version for s in now if s.kind not in never} - {None} == live


@given(_STEPS, st.sampled_from([PRODUCTION, CHAMPION]))
def test_a_version_was_there_when_its_span_says_that_it_began(
    steps: list[tuple[str, object]], name: Serving
) -> None:
    world = lived(steps)
    for span in spans_of(world, name, read=False):
        if span.kind == "applied" and span.start is not None:
            assert span.version in world.truth(span.start, name)


@given(_STEPS, st.sampled_from([PRODUCTION, CHAMPION]))
def test_what_an_apply_found_by_hand_was_really_there_and_came_after_the_start(
    steps: list[tuple[str, object]], name: Serving
) -> None:
    world = lived(steps)
    for span in spans_of(world, name):
        if span.kind != "by hand":
            continue
        if span.end is not None:
            found = world.truth(span.end - _MOMENT, name)
            assert span.version in found if span.version is not None else True
        if span.start is not None and span.version is not None:
            assert span.version not in world.truth(span.start, name)


@given(_STEPS)
def test_declared_spans_of_an_alias_never_overlap(steps: list[tuple[str, object]]) -> None:
    end: datetime | None = None
    for span in filter(is_declared, spans_of(lived(steps), CHAMPION)):
        assert span.start is not None
        assert end is None or span.start >= end
        assert span.end is None or span.end >= span.start
        end = span.end or span.start


@given(_STEPS, st.sampled_from([PRODUCTION, CHAMPION]), st.booleans())
def test_spans_are_in_order_and_every_applied_change_is_there(
    steps: list[tuple[str, object]],
    name: Serving,
    read: bool,  # noqa: FBT001
) -> None:
    world = lived(steps)
    spans = spans_of(world, name, read=read)
    starts = [span.start for span in spans if span.start is not None]
    assert starts == sorted(starts)
    assert all(span.start is not None for span in spans[len(spans) - len(starts) :])
    shown = {span.version for span in spans if is_declared(span)}
    for entry in world.history() if world.merged else ():
        if entry.apply_state == "applied" and entry.step.after is not None:
            assert name.versions(entry.step.after.fields) <= shown


@given(_STEPS, st.sampled_from([PRODUCTION, CHAMPION]))
def test_where_nobody_used_their_hands_nothing_is_by_hand(
    steps: list[tuple[str, object]], name: Serving
) -> None:
    world = lived([step for step in steps if step[0] in ("merge", "apply", "silent")])
    assert "by hand" not in {span.kind for span in spans_of(world, name)}
