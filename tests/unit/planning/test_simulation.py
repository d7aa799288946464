"""Random histories: commits, reverts, renames, late, crashed, refused jobs, a person's hand.

The acceptance of the recording rules: without them tags leak and older commits win.
"""

import random

import pytest

from tests.support.plans.random_histories import World

HISTORIES = 3_000
BRIDGED_HISTORIES = 600


@pytest.mark.parametrize("part", range(10))
def test_after_any_history_one_clean_apply_leaves_what_git_declares_and_nothing_else(
    part: int,
) -> None:
    simulate(range(part, HISTORIES, 10))


@pytest.mark.parametrize("part", range(2))
def test_the_same_holds_while_a_bridge_comes_and_goes(part: int) -> None:
    simulate(range(part, BRIDGED_HISTORIES, 2), bridges=True)


def simulate(seeds: range, *, bridges: bool = False) -> None:
    for seed in seeds:
        world = World(random.Random(seed), bridges)  # noqa: S311  a simulation, not a secret
        for _ in range(world.chance.randrange(2, 12)):
            step = world.chance.random()
            if step < 0.35:
                world.change()
            elif step < 0.4:
                world.revert()
            elif step < 0.48:
                world.rename()
            elif step < 0.6:
                world.hand()
            elif step < 0.7 and world.jobs:
                world.refused_job()
            elif world.jobs:
                world.job(crashes=world.chance.random() < 0.5)
        try:
            world.rename_live()
            world.apply(world.main[-1])
            world.check_converged()
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
