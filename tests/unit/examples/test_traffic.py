"""The requests of an A/B test are divided as declared, and the same key stays where it is."""

from collections import Counter
from collections.abc import Mapping

import pytest
from traffic import route

_KEYS = [f"customer-{number}" for number in range(20_000)]


def _chi_square(routed: Mapping[str, str], shares: Mapping[str, float]) -> float:
    counted = Counter(routed.values())
    assert counted.keys() <= shares.keys()
    expected = {version: share * len(routed) for version, share in shares.items() if share}
    return sum((counted[version] - count) ** 2 / count for version, count in expected.items())


def _routed(shares: Mapping[str, float]) -> Mapping[str, str]:
    return {key: route(key, shares) for key in _KEYS}


@pytest.mark.parametrize(
    ("shares", "bound"),  # which one honest draw in a thousand exceeds
    [
        ({"1": 0.9, "2": 0.1}, 10.83),
        ({"1": 0.5, "2": 0.5}, 10.83),
        ({"4": 0.99, "10": 0.01}, 10.83),
        ({"1": 0.5, "2": 0.3, "3": 0.2}, 13.82),
        ({"1": 0.9, "2": 0.1, "3": 0.0}, 10.83),
    ],
)
def test_each_version_gets_its_share(shares: Mapping[str, float], bound: float) -> None:
    routed = _routed(shares)
    assert _chi_square(routed, shares) < bound
    assert _routed(shares) == routed
    assert _routed(dict(reversed([*shares.items()]))) == routed


def test_without_a_key_the_shares_are_the_same() -> None:
    shares = {"1": 0.9, "2": 0.1}
    drawn = {str(number): route(None, shares) for number in range(20_000)}
    assert _chi_square(drawn, shares) < 23.9  # one draw in a million: these are random


def test_a_share_that_grows_moves_only_the_keys_that_it_needs() -> None:
    before, after = _routed({"1": 0.9, "2": 0.1}), _routed({"1": 0.8, "2": 0.2})
    moved = {(before[key], after[key]) for key in _KEYS if before[key] != after[key]}
    assert moved == {("1", "2")}
    needed = sum(version == "2" for version in after.values())
    needed -= sum(version == "2" for version in before.values())
    assert sum(before[key] != after[key] for key in _KEYS) == needed


def test_the_end_of_a_test_moves_only_the_keys_of_the_loser() -> None:
    before, after = _routed({"1": 0.9, "2": 0.1}), _routed({"1": 1.0})
    assert {before[key] for key in _KEYS if before[key] != after[key]} == {"2"}


def test_the_next_test_draws_other_keys() -> None:
    first, second = _routed({"1": 0.9, "2": 0.1}), _routed({"1": 0.9, "3": 0.1})
    both = sum(first[key] == "2" and second[key] == "3" for key in _KEYS)
    assert both < 0.5 * sum(version == "2" for version in first.values())
