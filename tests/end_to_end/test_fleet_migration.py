"""Thirty models go from stages to aliases and back, and no reader ever gets nothing or a stranger.

A reader by stage and a reader by alias load every model all the time, through every step, the
promotions in between, and the reverts of all of it.
"""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.support.registries.api_lab import opened
from tests.support.registries.fleet import (
    KINDS,
    STATE,
    Expected,
    Member,
    Reader,
    declared,
    live_now,
    registered,
)
from tests.support.registries.lab import Lab

_SETTINGS = "exclusive: [Production, Staging]\n"


class _Journey:
    """Commits that are applied one after another while readers load what they declare."""

    def __init__(self, lab: Lab, fleet: tuple[Member, ...]) -> None:
        self.lab, self.fleet = lab, fleet
        self.r = opened(lab)
        self.commits: list[str] = []
        held = dict(live_now(fleet))
        self.expected = Expected(held, {member.name: member.kind.alias for member in fleet})

    def named(self, kind: str) -> list[str]:
        return [member.name for member in self.fleet if member.kind is KINDS[kind]]

    def applied(self, change: Callable[[], object], message: str) -> None:
        """Make a change, commit it, apply it, and see that nothing is left to do."""
        change()
        self.commits.append(self.lab.git.commit(message=message))
        self._apply()

    def reverted(self, *commits: str) -> None:
        """Revert commits, and apply what is declared then."""
        for commit in commits:
            self.lab.git.revert(commit)
        self._apply()

    def _apply(self) -> None:
        self.expected.begin(declared(self.lab, self.fleet))

        report = self.r.apply()
        self.expected.end()
        assert (report.code, report.problems) == (0, ()), report.to_text()

    def promote(self, kinds: dict[str, int], *, aliases: tuple[str, ...] = ()) -> None:
        """Promote a version of the first model of each kind."""
        for kind, version in kinds.items():
            name = self.named(kind)[0]
            edit = self.r.promote(name, version, aliases=aliases, digest=False)
            assert edit.meaning, name
            edit.write()


def _imported(journey: _Journey) -> None:
    """Declare the fleet as its teams would: imported, or by hand."""
    files = {
        f"{STATE}/{member.name}.yaml": member.kind.file
        for member in journey.fleet
        if member.kind.file is not None
    }
    journey.lab.git.write({f"{STATE}/reconciler.yaml": _SETTINGS, **files})
    named = [m for m in journey.fleet if m.kind.managed and m.kind.file is None]
    decided = [([m.name], [m.kind.keep]) for m in named if m.kind.keep is not None]
    for names, keep in [([m.name for m in named if m.kind.keep is None], []), *decided]:
        answer = journey.r.import_models(names, keep=keep, versions="all").write()
        assert (answer.code, answer.conflicts) == (0, ())


@pytest.fixture(name="journey")
def journey_fixture(lab: Lab) -> _Journey:
    return _Journey(lab, registered(lab.hand))


def test_a_fleet_goes_from_stages_to_aliases_and_back_without_an_outage(
    journey: _Journey,
) -> None:
    lab, r = journey.lab, journey.r
    assert sum(kind.models for kind in KINDS.values()) == len(journey.fleet) == 30
    decided = {m.name: m.kind.decides for m in journey.fleet if m.kind.decides is not None}
    unmanaged = journey.named("unmanaged")[0]
    by_hand = lab.hand.holds(unmanaged)
    with ExitStack() as readers:
        by_stage = readers.enter_context(Reader(lab.uri, "stage", journey.expected))
        by_alias = readers.enter_context(Reader(lab.uri, "alias", journey.expected))

        journey.applied(lambda: _imported(journey), "import")
        # Nothing keeps a stage and its alias together yet but the team itself.
        together = ("champion",)
        journey.applied(lambda: journey.promote({"both": 4}, aliases=together), "promote")

        refused = r.migrate("bridge")
        assert (refused.code, {p.model for p in refused.problems}) == (4, set(decided))
        journey.applied(lambda: r.migrate("bridge", keep=decided).write(), "bridge")
        journey.applied(
            lambda: journey.promote({"stages": 4, "aliases": 3, "both": 3, "stageless": 3}),
            "promote",
        )
        journey.applied(lambda: r.migrate("serve-by-alias").write(), "serve by alias")
        journey.applied(
            lambda: journey.promote({"stages": 3, "apart": 4, "undeclared": 3}), "promote"
        )
        journey.applied(lambda: r.migrate("drop-stages").write(), "drop stages")
        journey.applied(lambda: journey.promote({"own-serving": 4, "both": 4}), "promote")
        loaded_by_stage = by_stage.loads
        journey.applied(lambda: r.migrate(clear=True).write(), "clear")

        clear, promoted, *earlier = reversed(journey.commits[2:])
        journey.reverted(clear)
        back = (promoted, *earlier)
        for promotion, step in zip(back[::2], back[1::2], strict=True):
            journey.reverted(promotion, step)
        wrong = [*by_stage.wrong, *by_alias.wrong]

        # What no commit declares is told.
        lab.hand.alias(journey.named("both")[1], "champion", 1)
        by_alias.wait_for_wrong()

    assert wrong == []
    assert (loaded_by_stage > 90, by_alias.loads > 90) == (True, True)
    assert lab.hand.holds(unmanaged) == by_hand
    assert lab.git.git("diff", journey.commits[1], "HEAD") == ""
    assert [change.cause for change in r.plan().changes] == ["drift"]  # by that hand
