"""A page says nothing that it does not know, and tells what it leaves out."""

import re
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from reconciler.audit.overview.model_overview import Holder, ModelOverview, Overview
from reconciler.core.state import Consumer, Declaration, Field
from reconciler.core.violations import Violation
from reconciler.render.page.frame import Environment, frame
from reconciler.render.page.limits import Limits
from reconciler.render.page.paths import model_path
from reconciler.render.page.site import site
from reconciler.render.page.templating import render
from reconciler.render.page.views.model_view import model_view
from tests.support.page.documents import Document
from tests.support.page.fleet import fleet

_MANY = 250
_ENDS = tuple(end.replace(tzinfo=timezone.utc) for end in (datetime.min, datetime.max))  # noqa: DTZ901


def words(model: ModelOverview, overview: Overview | None = None) -> str:
    """Return what the page of a model says."""
    environment = replace(overview or fleet(), models=(model,))
    return Document(site([environment])[model_path(model.model)]).words


def waiting() -> ModelOverview:
    """Return the model with a candidate that a change is to put somewhere."""
    return next(m for m in fleet().models if m.comparison is not None)


def test_of_a_long_list_the_whole_number_is_told() -> None:
    names = [f"n{number:03}" for number in range(_MANY)]
    live = waiting().live
    assert live is not None
    tags = {Field("tag", None, name): "x" for name in names}
    model = replace(
        waiting(),
        live=replace(live, fields=tags),
        declaration=Declaration(
            "m", {}, {}, consumers=tuple(Consumer(name, "@n000") for name in names)
        ),
        holders=tuple(Holder(f"@{name}", 1) for name in names),
    )
    said = words(model)
    for title in ("Names", "Consumers", "Tags"):
        assert re.search(rf"{title} {_MANY}\b", said), title
    assert len(re.findall(r"\d+ more are not shown", said)) == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (1, [" 1 older version is left out", " 1 older change is left out; reconciler history"]),
        (2, [" 2 older versions are left out", " 2 older changes are left out; reconciler"]),
    ],
)
def test_what_is_left_out_is_told_in_a_sentence(more: int, told: list[str]) -> None:
    model, overview = waiting(), fleet()
    few = Limits(history=len(model.history) - more, rows=len(model.sides) - more)
    head = frame(Environment("state", overview, "x"), "models", "m")
    values = {"frame": head, "view": model_view(model, overview, few)}
    said = Document(render("model.html.j2", values)).words
    assert [sentence for sentence in told if sentence not in said] == []


def test_without_the_history_nothing_is_said_of_it() -> None:
    model = replace(
        waiting(), history=(), lanes=(), holders=(Holder("Production", 1, serves=True),)
    )
    said = words(model, replace(fleet(), line=None))
    assert "never declared" not in said
    assert "in git" not in said
    assert "No history was read" in said
    index = Document(site([replace(fleet(), models=(model,), line=None)])["index.html"]).words
    assert "none in git" not in index
    assert "No change of a model has been merged" not in index


def test_where_nothing_serves_nobody_is_missed_who_approved_it() -> None:
    nothing = replace(waiting(), holders=(Holder("Production", None, serves=True),))
    assert "Serves nothing Since – By – Approved by –" in words(nothing)
    by_hand = replace(waiting(), holders=(Holder("Production", None, serves=True, declared=4),))
    assert "Since not known By no change in git Approved by nobody on record" in words(by_hand)


def test_a_file_that_is_not_merged_is_not_called_undeclared() -> None:
    model = replace(waiting(), history=())
    assert "git has never declared it" not in words(model)


def test_policies_object_to_nothing_only_where_they_were_asked() -> None:
    idle = replace(waiting(), violations=())
    assert idle.comparison is not None
    assert "nothing objects" not in words(idle)
    model = replace(idle, comparison=replace(idle.comparison, places=("Production",)))
    assert "nothing objects" in words(model)
    whole = Violation("removals", None, "too many are removed", "look at them")
    assert "nothing objects" not in words(replace(model, violations=(whole,)))


def test_a_declared_description_is_not_shown_as_the_live_one() -> None:
    model = waiting()
    assert model.live is not None
    assert model.declaration is not None
    live = replace(
        model.live,
        fields={k: v for k, v in model.live.fields.items() if k != Field("description")},
    )
    fields = {**model.declaration.fields, Field("description"): "Not there yet."}
    declaration = replace(model.declaration, fields=fields)
    shown = replace(model, live=live, declaration=declaration, text=None, why=())
    assert "Not there yet." not in words(shown)


@pytest.mark.parametrize("moment", _ENDS, ids=str)
def test_a_page_can_be_of_any_moment_that_a_calendar_has(moment: datetime) -> None:
    assert site([replace(fleet(), now=moment)])
    assert site([Overview("registry-state", moment, ())])


def test_what_is_not_the_hash_of_a_commit_is_not_cut_to_look_like_one() -> None:
    first, *others = waiting().sides
    assert first.facts.run is not None
    for commit, shown in (("release-2026-11-29", "release-2026-11-29"), ("a1" * 20, "a1" * 6)):
        run = replace(first.facts.run, tags={"mlflow.source.git.commit": commit})
        known = replace(first, facts=replace(first.facts, run=run))
        said = words(replace(waiting(), sides=(known, *others)))
        assert f"trained from {shown} " in said
