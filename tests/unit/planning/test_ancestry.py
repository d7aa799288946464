"""Who may speak for a model: each row of the table, on the smallest history that shows it."""

import pytest

from reconciler.core.state import Declaration, DeclaredVersion, Field, Live
from reconciler.planning.ancestry import Ancestry, ModelPast, check_ancestry
from tests.support.repositories.fake_history import Commits, FakeHistory


def declares(version: int) -> Declaration:
    return Declaration("m", {Field("stage", version): "Production"}, {version: DeclaredVersion()})


class Lab:
    """A main line of three commits, one of which moved the model, and a branch from the first."""

    def __init__(self) -> None:
        self.commits = Commits()
        commit = self.commits.commit
        self.one = commit({"m": declares(1)})
        self.two = commit({"m": declares(2)}, self.one)
        self.three = commit({"m": declares(2), "x": declares(1)}, self.two)
        self.side = commit({"m": declares(1), "y": declares(1)}, self.one)
        self.side_moved = commit({"m": declares(3)}, self.one)
        self.apart = commit({"m": declares(7)})

    def check_ancestry(
        self, recorded: str, head: str, *, planning: bool = True, main: str | None = "three"
    ) -> Ancestry:
        commit = getattr(self, head)
        ids = [name if name == "-" else getattr(self, name) for name in recorded.split()]
        history = FakeHistory(self.commits, commit, main and getattr(self, main))
        declared = history.declared(commit, "registry-state", "m")
        past = ModelPast(history, "registry-state", Live("m", {}, {}))
        return check_ancestry(past, ids, declared, planning=planning)


@pytest.mark.parametrize(
    ("recorded", "head", "verdict"),
    [
        ("", "one", "first"),
        ("-", "one", "first"),  # somebody edited the tag
        ("- -", "one", "first"),
        ("one", "two", "go"),
        ("two", "three", "go"),
        ("two", "two", "go"),
        ("three", "two", "go"),  # older, but it declares the same: nothing was missed
        ("one", "side", "go"),
        ("one two", "two", "go"),  # the next run of the same commit finishes it
        ("- one", "one", "go"),
        ("one two", "three", "go"),
        ("two", "one", "superseded"),
        ("one two", "one", "superseded"),
        ("one three", "two", "superseded"),  # same declaration, but an apply is under way
        ("two", "side", "behind"),
        ("two", "side_moved", "diverged"),
        ("side_moved", "three", "diverged"),  # applied from a branch, never merged
        ("side_moved", "one", "diverged"),  # its parent, but the main line has not got it
        ("apart", "two", "diverged"),
    ],
)
def test_a_checkout_speaks_for_what_it_has_seen(recorded: str, head: str, verdict: str) -> None:
    assert Lab().check_ancestry(recorded, head).status == verdict


def test_behind_is_for_plans_only() -> None:
    assert Lab().check_ancestry("two", "side", planning=False).status == "diverged"


def test_without_a_known_main_line_it_counts_as_containing_everything() -> None:
    assert Lab().check_ancestry("side_moved", "one", main=None).status == "superseded"
    assert Lab().check_ancestry("side_moved", "one").status == "diverged"


@pytest.mark.parametrize("recorded", ["f" * 40, f"{'f' * 40} two", f"two {'f' * 40}"])
def test_a_recorded_commit_that_the_clone_lacks_is_unknown(recorded: str) -> None:
    lab = Lab()
    ids = [lab.two if name == "two" else name for name in recorded.split()]
    history = FakeHistory(lab.commits, lab.three, lab.three)
    past = ModelPast(history, "registry-state", Live("m", {}, {}))
    ancestry = check_ancestry(past, ids, declares(2), planning=True)
    assert ancestry.status == "unknown"
    assert ancestry.recorded == "f" * 40


def test_it_says_whether_the_last_recorded_commit_declares_the_same() -> None:
    lab = Lab()
    assert lab.check_ancestry("two", "three").same
    assert lab.check_ancestry("one two", "two").same
    assert not lab.check_ancestry("one", "two").same
