"""Whatever people write into names, messages and tags is shown: it is not run, and not long."""

import re
from collections.abc import Mapping

import pytest

from reconciler.render.page.limits import LARGEST_INDEX, LARGEST_PAGE
from reconciler.render.page.links import web
from reconciler.render.page.site import site
from tests.support.page.documents import documents
from tests.support.page.hostile import LONG, TEXTS, hostile

_SHORT = tuple(text for text in TEXTS if text is not LONG)
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x08\x0b-\x1f]")


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return site([hostile()])


def test_no_text_becomes_an_element_or_an_attribute(files: Mapping[str, bytes]) -> None:
    plain = documents(site([hostile(texts=["a", "b", "c", "d"])]))
    known = {(tag, name) for page in plain.values() for tag, a in page.elements for name in a}
    for path, document in documents(files).items():
        found = {(tag, name) for tag, a in document.elements for name in a}
        assert found <= known, path
        assert [tag for tag, _ in document.elements].count("script") == 1, path


def test_no_link_leads_anywhere_but_to_the_web_or_to_a_page(files: Mapping[str, bytes]) -> None:
    for path, document in documents(files).items():
        for href in document.links:
            assert re.match(r"https://forge\.example/[!-~]*$", href) or re.fullmatch(
                r"(\.\./)*(models/|groups/)?[a-z0-9.~_-]*(\.html)?(#[a-z-]+)?", href
            ), f"{path}: {href}"


def test_an_address_that_is_not_utf8_does_not_stop_the_page() -> None:
    assert web("https://ci.example/\ud800") == "https://ci.example/%ED%A0%80"


def test_no_character_hides_or_turns_the_text_around_it(files: Mapping[str, bytes]) -> None:
    for path, page in files.items():
        assert _HIDDEN.search(page.decode()) is None, path
    assert "\\u202egnp.exe" in files["index.html"].decode()


def test_no_text_is_a_template(files: Mapping[str, bytes]) -> None:
    assert "{{ 7 * 7 }}" in files["index.html"].decode()


def test_no_page_grows_with_the_text_and_each_says_what_it_leaves_out(
    files: Mapping[str, bytes],
) -> None:
    for path, page in files.items():
        assert len(page) <= (LARGEST_PAGE if path.startswith("models/") else LARGEST_INDEX), path
    long = next(page for path, page in files.items() if path.startswith("models/b-x-b"))
    assert f"{len(LONG):,} characters" in long.decode()
    assert "older changes are left out" in long.decode()
