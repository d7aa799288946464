"""What a benchmark says of growth or of a watch can be checked without measuring."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks.chart import chart
from benchmarks.command import Cost
from benchmarks.fleet import Fleet
from benchmarks.growth import exponent, table
from benchmarks.scale import GROWING, Measured, Sampled
from benchmarks.watching import KINDS, RULES, report, simulated


def grown(power: float) -> list[Measured]:
    """Return fleets whose plan costs grow with this power of the models."""
    return [_measured(fleet, float(fleet.models) ** power) for fleet in GROWING]


def _measured(fleet: Fleet, cost: float) -> Measured:
    steady = Cost(1.0, 1.0, 50.0, requests=3)
    plan = Cost(cost, cost, cost, requests=3)
    sampled = Sampled(3.0 * fleet.models, 9.0 * fleet.models, fleet.models // 100)
    return Measured(fleet, steady, plan, 2, cost, steady, 0.1, sampled, sampled)


def rows(found: list[Measured]) -> dict[str, str]:
    lines = table(found).splitlines()[2:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_that_a_cost_grows_with(power: float) -> None:
    assert exponent([(n, 7 * n**power) for n in (100, 1000, 10_000)]) == pytest.approx(power)


def test_growth_beyond_linear_does_not_meet_its_reach() -> None:
    linear, beyond = rows(grown(1.0)), rows(grown(1.2))
    for work in ("`plan`, nothing to do: time", "`plan`: peak memory"):
        assert linear[work].endswith("| 1.00 | ≤ 1.05 | met |")
        assert beyond[work].endswith("| 1.20 | ≤ 1.05 | **NOT met** |")


def test_what_was_extrapolated_says_by_how_much() -> None:
    row = rows(grown(1.0))["per-model script: time"]
    assert "| 900 s | ≈ 9,000 s (× 10) | ≈ 90,000 s (× 100) |" in row


def test_the_chart_draws_every_line_in_both_halves() -> None:
    svg = "{http://www.w3.org/2000/svg}"
    drawn = ET.fromstring(chart(grown(1.0)))  # noqa: S314  our own text
    lines = [path for path in drawn.iter(f"{svg}path") if "line" in path.get("class", "")]
    names = {text.text for text in drawn.iter(f"{svg}text")}
    assert len(lines) == 2 * 4
    assert {"plan", "raw listings", "per-model script", "full refresh by GETs"} <= names


@pytest.mark.needs_cel
def test_a_simulated_watch_finds_the_faults_and_leaves_what_is_well() -> None:
    three_of_five, one_of_one, _, five_of_five = RULES
    found = {kind.name: simulated(kind, 20) for kind in KINDS}
    assert found["steady"].share(three_of_five) == found["gaps"].share(five_of_five) == 0
    assert found["spikes"].share(one_of_one) > 0.5
    for name in ("step", "slow drift", "step, with gaps"):
        assert found[name].share(three_of_five) == 1
    quick, slow = (sorted(found["step"].minutes[rule])[10] for rule in (one_of_one, five_of_five))
    assert 0 < quick < 10
    assert 20 < slow < 40
    assert simulated(KINDS[2], 20).minutes[one_of_one].tolist() == (
        found["spikes"].minutes[one_of_one].tolist()
    ), "the seed is fixed"


@pytest.mark.needs_cel
def test_the_report_of_a_watch_has_a_row_for_each_kind() -> None:
    text = report(5)
    assert "| `3 of 5` | `1 of 1` | `4 of 5` | `5 of 5` |" in text
    for kind in KINDS:
        assert f"| {kind.name}" in text
