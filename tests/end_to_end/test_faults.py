"""Each request of an apply in turn meets each fault; what is said is true, the next run heals."""

import itertools
import signal
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.faults.faults import (
    BASE_A,
    COMMIT,
    FINAL,
    HEAD_A,
    HEAD_B,
    LASTING,
    PASSING,
    SHORT,
    Call,
    Fault,
    Line,
    World,
    carry_out,
    copies,
    each,
    groups,
    heals,
    holds,
    interrupted,
    is_true,
    lacks,
    suffer,
    world,
)
from tests.support.registries.lab import Lab
from tests.support.registries.server_environments import numbers
from tests.support.registries.servers import HANG_UP, Answer, Request, proxy
from tests.support.repositories.git_lab import GitLab


@pytest.fixture(scope="module", name="world")
def world_fixture(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("faults"), sqlite_template) as made:
        yield made


def _alone(world: World) -> list[tuple[Call, ...]]:
    return [(call,) for call in world.calls]


def test_the_apply_makes_every_kind_of_change(world: World) -> None:
    kinds = [call.text.partition(" {")[0] for call in world.calls if call.writes]
    assert kinds == [
        "POST registered-models/set-tag",  # model a: the commit under way
        "PATCH registered-models/update",
        "PATCH model-versions/update",
        "POST registered-models/set-tag",
        "POST model-versions/set-tag",
        "POST model-versions/transition-stage",
        "POST model-versions/transition-stage",
        "POST registered-models/alias",
        "DELETE registered-models/alias",
        "DELETE registered-models/delete-tag",
        "DELETE model-versions/delete-tag",
        "POST registered-models/set-tag",  # this commit alone
        "POST registered-models/set-tag",  # model b: the commit under way, the owner
        "POST registered-models/set-tag",
        "POST model-versions/transition-stage",
        "POST model-versions/transition-stage",
        "POST registered-models/alias",
        "POST registered-models/set-tag",
    ]
    plan = 3 if numbers(version("mlflow")) >= numbers("3.17") else 5  # each model by itself
    # Model a was described after its last stage change, which costs a list of its versions.
    assert len(world.calls) == len(kinds) + plan + 7 + 4, "the plan, and the reads of each model"


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_sat_out_and_every_write_is_done_once(world: World, name: str) -> None:
    fault = PASSING[name]

    def work(prefix: str, calls: tuple[Call, ...]) -> None:
        ended, line = suffer(world, prefix, calls, fault)
        assert ended.code == 0, f"it ended with {ended.code}"
        for call in calls:
            sent = line.sent(call)
            assert not call.writes or sent == ((1, 1) if fault.executed else (2, 1)), sent

    each(work, world.where, groups(world.calls), at_once=4)


@pytest.mark.parametrize("name", FINAL)
def test_a_write_that_is_refused_is_never_sent_again(world: World, name: str) -> None:
    def work(prefix: str, calls: tuple[Call, ...]) -> None:
        ended, line = suffer(world, prefix, calls, FINAL[name])
        if calls[0].writes:
            assert ended.code == 7, "the other model is applied"
            assert line.sent(calls[0]) == (1, 0), "it was sent again"

    each(work, world.where, _alone(world))


@pytest.mark.parametrize("name", ["hung up from then on", "cut off after, and from then on"])
def test_a_server_that_is_gone_for_good_leaves_what_the_next_run_finishes(
    world: World, name: str
) -> None:
    def work(prefix: str, calls: tuple[Call, ...]) -> None:
        ended, _ = suffer(world, prefix, calls, LASTING[name])
        assert ended.code in (6, 7), f"it ended with {ended.code}"

    each(work, world.where, _alone(world))


def test_a_write_that_arrives_when_all_is_over_does_no_harm(world: World) -> None:
    writes = [(call,) for call in world.calls if call.writes]

    def work(prefix: str, calls: tuple[Call, ...]) -> None:
        over, late = threading.Event(), threading.Event()
        line = Line(prefix)

        def before(request: Request) -> Answer | None:
            line.before(request)
            if line.calls[-1] == calls[0]:
                over.wait(60)
            return None

        def after(request: Request) -> Answer | None:
            line.after(request)
            if line.done[-1] == calls[0]:
                late.set()
            return HANG_UP if line.done[-1] == calls[0] else None

        with proxy(world.where.uri, before=before, after=after) as server:
            ended = carry_out(prefix, server.uri, Fault(HANG_UP, request_timeout=SHORT))
            assert ended.code == 0, f"it ended with {ended.code}"
            is_true(world, prefix, ended)
            over.set()
            assert late.wait(60), "the write never came"
        assert line.sent(calls[0]) == (2, 2), "it was sent again before the first one arrived"
        heals(world, prefix)

    each(work, world.where, writes, at_once=6)


def test_a_process_that_is_killed_at_any_write_leaves_what_the_next_run_finishes(
    world: World, tmp_path: Path
) -> None:
    where = world.where
    prefixes = copies(where, sum(call.writes for call in world.calls))
    git = GitLab.new(tmp_path)
    base = git.commit(_files(prefixes, {"a": BASE_A}))
    head = git.commit(_files(prefixes, {"a": HEAD_A, "b": HEAD_B}))
    lab = Lab(git, where.uri, where.hand)
    for prefix in prefixes:
        where.hand.tag(f"{prefix}a", None, "reconciler.commit", base)
    after = {key: {**held, COMMIT: head} for key, held in world.after.items()}

    missing = 0
    for number, prefix in enumerate(prefixes, start=1):
        _kill(lab, prefix, number)
        lacking = sum(lacks(held, after[key]) for key, held in holds(where, prefix).items())
        assert lacking == len(prefixes) - number, f"killed at write {number}"
        missing += lacking

    with proxy(where.uri) as server:
        lab.uri = server.uri
        assert lab.run("apply", "--yes").code == 0
        assert len(server.writes) == missing
        assert lab.run("plan", "--detailed-exitcode").code == 0
    for prefix in prefixes:
        assert holds(where, prefix) == after
        interrupted(world, prefix)


def _files(prefixes: list[str], contents: dict[str, str]) -> dict[str, str | bytes | None]:
    return {
        f"registry-state/{prefix}{key}.yaml": text
        for prefix in prefixes
        for key, text in contents.items()
    }


def _kill(lab: Lab, prefix: str, number: int) -> None:
    """Kill an apply while its nth write is on its way, which arrives."""
    arrived, dead, done = threading.Event(), threading.Event(), threading.Event()
    writes = itertools.count(1)

    def before(request: Request) -> Answer | None:
        if request.method != "GET" and next(writes) == number:
            arrived.set()
            dead.wait(60)
        return None

    def after(_: Request) -> Answer | None:
        if dead.is_set():
            done.set()
        return None

    with proxy(lab.uri, before=before, after=after) as server:
        uri = {"MLFLOW_TRACKING_URI": server.uri}
        arguments = ("apply", "--yes", "--parallelism", "1", "--model", f"{prefix}*")
        with lab.started(*arguments, env=uri) as process:
            assert arrived.wait(60), "the write never came"
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
        dead.set()
        assert done.wait(60)
    assert len(server.writes) == number
