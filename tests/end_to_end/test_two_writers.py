"""Two who write to one model at once: what is promised holds, and what cannot be is said.

`python -m benchmarks.two_writers` does a hundred rounds of each.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faults.fault_lab import Place
from tests.support.faults.two_writers import (
    DEEDS,
    FOES,
    RIVALS,
    WITHDRAWAL,
    a_person,
    a_stall,
    arena,
    two_applies,
)

_ROUNDS = 10
# Of the apply that a person meets: two reads (the model, and v2, which gets a tag), the record, the
# tag, the stage of who enters, two reads before the other one leaves, that stage, the alias, a
# read, the record.
_REQUESTS = 11
_LAST_READ = 10


@pytest.fixture(scope="module", name="where")
def where_fixture(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with arena(tmp_path_factory.mktemp("writers"), sqlite_template) as where:
        yield where


def test_two_applies_at_once_never_empty_production_and_never_pass_for_one(where: Place) -> None:
    for _ in range(_ROUNDS):
        met = two_applies(where, RIVALS)
        assert met.missed == []
        assert any(met.codes) or met.as_declared, "somebody is told"
        assert met.converged, "one more run is enough"


def test_two_applies_that_archive_each_others_version_never_empty_production(where: Place) -> None:
    for _ in range(_ROUNDS):
        met = two_applies(where, FOES)
        assert met.missed == []
        assert any(met.codes) or met.as_declared, "somebody is told"
        assert met.converged, "one more run is enough"


def test_a_promotion_and_what_takes_it_back_at_once_never_empty_production(where: Place) -> None:
    for _ in range(4 * _ROUNDS):
        met = two_applies(where, WITHDRAWAL)
        assert met.missed == []
        assert any(met.codes) or met.as_declared, "somebody is told"
        assert met.converged, "one more run is enough"


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_person_does_meanwhile_never_empties_production_and_one_run_heals(
    where: Place, deed: str
) -> None:
    for moment in range(1, _REQUESTS + 1):
        met, _ = a_person(where, deed, moment)
        assert met.missed == []
        assert met.codes != (0,) or met.as_declared or moment >= _LAST_READ, moment
        assert met.converged, "one more run is enough"


def test_what_a_person_did_to_something_undeclared_stays(where: Place) -> None:
    for moment in range(1, _REQUESTS + 1):
        met, stayed = a_person(where, "canary to v3", moment)
        assert stayed
        assert met.healed["@canary"] == 3


def test_an_older_apply_that_stalled_before_its_first_write_finds_out_when_it_reads_back(
    where: Place,
) -> None:
    met = a_stall(where)
    assert met.missed == []
    assert met.codes == (0, 7)
    assert not met.as_declared, "no registry without compare-and-set can refuse the late writes"
    assert met.converged, "one more run is enough"
