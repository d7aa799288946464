"""A name of a model becomes a file that every system keeps apart from every other one."""

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.page.paths import ABOUT, INDEX, group_path, model_path, slug

_NAMES = st.text(min_size=1) | st.text(alphabet="aAbB01._- ~/\\", min_size=1)
_DEVICES = ("con", "PRN", "aux", "Nul", "com1", "LPT9", "con.v2", "aux.")


@given(_NAMES)
def test_a_slug_is_safe_in_a_path_and_in_an_address(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(?:[-_.~]+[a-z0-9]+)*", slug(name))
    assert len(slug(name)) <= 100
    assert slug(name) == slug(name)


@given(_NAMES, _NAMES)
def test_two_names_have_two_slugs_also_where_case_does_not_count(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)
    assert slug(one).lower() == slug(one)


@given(_NAMES)
def test_the_slug_of_a_slug_that_is_not_plain_is_another_one(name: str) -> None:
    assert slug(name) == name or slug(slug(name)) != slug(name)


def test_a_plain_name_stands_for_itself_and_no_other() -> None:
    assert slug("fraud-detection_v2.1") == "fraud-detection_v2.1"
    assert slug("Fraud-Detection_v2.1") != slug("fraud-detection_v2.1")
    assert slug("x" * 81) != "x" * 81
    assert slug(slug("Fraud")) != slug("Fraud")


def test_no_model_takes_the_name_of_a_device_or_of_the_first_page() -> None:
    for name in (*_DEVICES, "index", "about", "Index"):
        before = slug(name).partition(".")[0]
        assert before.lower() not in {*(d.partition(".")[0].lower() for d in _DEVICES), "index"}
        assert "~" in slug(name)


def test_the_pages_of_a_group_are_not_those_of_another_group() -> None:
    paths = [
        group_path("a"),
        group_path("a", 2),
        group_path("a~2"),
        group_path(""),
        group_path("A"),
    ]
    assert len({path.lower() for path in paths}) == len(paths)
    assert {INDEX, ABOUT}.isdisjoint({model_path("index"), *paths})
