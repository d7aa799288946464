"""Every kind of page, as it opens from a folder: quiet, open to everybody, readable everywhere."""

import pytest

from tests.support.browser.chromium import Chromium
from tests.support.browser.sites import KINDS, Sites

# A telephone, half of a screen, a screen.
_WIDTHS = (380, 900, 1600)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_page_asks_for_nothing_says_nothing_and_is_open_to_everybody(
    kind: str, chromium: Chromium, sites: Sites
) -> None:
    with chromium.visit(sites.page(kind)) as visit:
        visit.thin()
        assert visit.violations() == []
        visit.page.emulate_media(color_scheme="dark")
        visit.resize(_WIDTHS[0])
        assert visit.violations() == []
    assert (visit.requests, visit.messages) == ([], [])


def test_a_page_fits_its_window_and_shows_all_of_itself_on_paper(
    kind: str, chromium: Chromium, sites: Sites
) -> None:
    with chromium.visit(sites.page(kind)) as visit:
        for width in _WIDTHS:
            visit.resize(width)
            assert visit.overflow() <= 0, width
        visit.page.evaluate("() => { location.hash = '#state-held' }")
        visit.page.emulate_media(media="print")
        assert visit.unseen("main [data-s], main section, main li, main td, .banner, h1") == []
        assert visit.overflow() <= 0


def test_a_page_needs_no_script(kind: str, chromium: Chromium, sites: Sites) -> None:
    with chromium.visit(sites.page(kind), scripts=False) as visit:
        page = visit.page
        assert page.locator("h1").count() == 1
        assert visit.unseen("tr[data-s]") == []
        assert not page.locator(".search").is_visible()
    assert (visit.requests, visit.messages) == ([], [])
