"""A page in somebody's hands: states chosen, words typed, columns sorted, by mouse and by keys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.chromium import Chromium
from tests.support.browser.keyboard import focused, walk
from tests.support.browser.sites import Sites

_LEAST_OUTLINE = 2  # pixels


@pytest.fixture
def index(chromium: Chromium, sites: Sites) -> Iterator[Page]:
    with chromium.visit(sites.page("index")) as visit:
        yield visit.page
    assert (visit.requests, visit.messages) == ([], [])


def _shown(page: Page) -> list[str]:
    """Return the models that can be seen, from top to bottom."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('.fleet tr[data-s]')]
            .filter(row => row.checkVisibility())
            .map(row => row.querySelector('th a').textContent)"""
    )
    return found


def _count(page: Page, word: str) -> str:
    return page.get_by_role("button", name=word).locator("b").inner_text()


def test_a_count_leaves_the_models_of_its_state_and_takes_the_rest_back(index: Page) -> None:
    everything = _shown(index)
    refused = index.get_by_role("button", name="refused")
    assert _count(index, "refused") == "1"
    refused.click()
    assert _shown(index) == ["credit-limits"]
    assert refused.get_attribute("aria-pressed") == "true"
    assert index.locator("[aria-pressed=true]").count() == 1
    expect(index.get_by_role("status")).to_have_text("1 of 12 shown")

    in_sync = index.get_by_role("button", name="in sync")
    in_sync.click()
    assert len(_shown(index)) == int(_count(index, "in sync"))
    assert refused.get_attribute("aria-pressed") == "false"
    in_sync.click()
    assert _shown(index) == everything
    assert index.get_by_role("status").inner_text() == ""


def test_the_way_back_and_the_address_restore_what_was_chosen(
    index: Page, chromium: Chromium, sites: Sites
) -> None:
    everything = _shown(index)
    index.get_by_role("button", name="held").click()
    held = _shown(index)
    index.get_by_role("button", name="drifted").click()
    assert _shown(index) != held
    index.go_back()
    assert _shown(index) == held
    address = index.url
    index.go_back()
    assert _shown(index) == everything

    with chromium.visit(sites.page("index")) as visit:
        visit.page.goto(address)
        assert _shown(visit.page) == held
        pressed = visit.page.get_by_role("button", name="held").get_attribute("aria-pressed")
        assert pressed == "true"
        # From the page of a model back to the same choice.
        visit.page.get_by_role("rowheader", name="search-relevance").get_by_role("link").click()
        visit.page.go_back()
        assert _shown(visit.page) == held


def test_the_same_address_filters_without_a_script(chromium: Chromium, sites: Sites) -> None:
    with chromium.visit(sites.page("index"), scripts=False) as visit:
        visit.page.get_by_role("link", name="drifted").click()
        rows = visit.page.locator("tr[data-s]")
        assert [row.is_visible() for row in rows.all()].count(True) == 1
        assert visit.page.get_by_role("link", name="chargeback-risk").first.is_visible()
        visit.page.locator("a[href='#all']").click()
        assert all(row.is_visible() for row in rows.all())


def test_words_find_a_model_by_whatever_is_said_of_it(index: Page) -> None:
    everything = _shown(index)
    index.keyboard.press("/")
    assert index.get_by_label("Search the models").evaluate("e => e === document.activeElement")
    index.keyboard.type("FRAUD")
    assert _shown(index) == ["fraud-detection"]
    expect(index.get_by_role("status")).to_have_text("1 of 12 shown")
    index.keyboard.press("Escape")
    assert _shown(index) == everything
    for words, model in (
        ("payments #288", "fraud-detection"),
        ("hold index", "search-relevance"),
        ("ada declares v3", "credit-limits"),
    ):
        index.get_by_label("Search the models").fill(words)
        assert _shown(index) == [model], words
    index.get_by_label("Search the models").fill("no such thing")
    assert _shown(index) == []
    assert index.get_by_text("No model matches.").is_visible()
    index.get_by_role("button", name="in sync").click()
    index.get_by_label("Search the models").fill("marketplace")
    assert _shown(index) == ["spam-filter"]


def test_a_column_sorts_all_models_and_gives_their_groups_back(index: Page) -> None:
    grouped = _shown(index)
    head = index.get_by_role("columnheader", name="Model")
    head.get_by_role("button").click()
    assert _shown(index) == sorted(grouped)
    assert head.get_attribute("aria-sort") == "ascending"
    assert not index.get_by_role("rowheader", name="growth").is_visible()
    head.get_by_role("button").focus()
    index.keyboard.press("Enter")
    assert _shown(index) == sorted(grouped, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    index.keyboard.press("Space")
    assert _shown(index) == grouped
    assert head.get_attribute("aria-sort") is None
    assert index.get_by_role("rowheader", name="growth").is_visible()

    since = index.get_by_role("columnheader", name="Since")
    since.get_by_role("button").click()
    assert (_shown(index)[0], _shown(index)[-1]) == ("legacy-scorer", "experiment-7f")
    since.get_by_role("button").click()
    assert (_shown(index)[0], _shown(index)[-1]) == ("demand-forecast", "experiment-7f")
    index.get_by_role("button", name="in sync").click()
    assert _shown(index)[0] == "demand-forecast"
    assert len(_shown(index)) == 6


def test_numbers_sort_as_numbers_where_they_have_a_comma(chromium: Chromium, sites: Sites) -> None:
    with chromium.visit(sites.page("index of a large fleet")) as visit:
        cells = visit.page.locator(".groups td.num")
        numbers = [int(text) for text in cells.all_inner_texts()]
        cells.first.evaluate("cell => cell.textContent = '1,234'")
        visit.page.get_by_role("columnheader", name="Models").get_by_role("button").click()
        assert cells.all_inner_texts() == [*map(str, sorted(numbers[1:])), "1,234"]


@pytest.mark.parametrize(
    ("kind", "width"),
    [("index", 1280), ("index", 380), ("model with everything", 1280), ("environments", 380)],
)
def test_the_tab_key_reaches_everything_once_in_order_and_shows_where_it_is(
    kind: str, width: int, chromium: Chromium, sites: Sites
) -> None:
    with chromium.visit(sites.page(kind), width=width) as visit:
        page = visit.page
        stops = walk(page)
        assert stops[0].name == "Skip to the content"
        assert [stop.place for stop in stops] == sorted({stop.place for stop in stops})
        assert [stop for stop in stops if stop.outline < _LEAST_OUTLINE] == []
        assert [stop for stop in stops if not stop.seen] == []
        assert [stop for stop in stops if not stop.name] == []
        reached = {stop.place for stop in stops}
        can_be = page.evaluate(
            """() => [...document.querySelectorAll("a[href], button, input, summary, [tabindex]")]
                .filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}))
                .map(e => window.order.indexOf(e))"""
        )
        assert set(can_be) == reached
        regions = list(dict.fromkeys(stop.region for stop in stops))
        assert regions.index("nav") < regions.index("main")


def test_a_page_is_used_without_a_mouse(chromium: Chromium, sites: Sites) -> None:
    with chromium.visit(sites.page("index")) as visit:
        page, press = visit.page, visit.page.keyboard.press
        press("Tab")
        press("Enter")
        press("Tab")
        first = focused(page)
        assert first is not None
        assert first.region in ("main", "nav")
        assert first.name.startswith("12")  # behind the header: the first count
        while "pending" not in (focused(page) or first).name:
            press("Tab")
        press("Space")
        assert _shown(page) == ["feed-ranking"]
        press("Enter")
        assert len(_shown(page)) == 12
        press("Enter")
        while (focused(page) or first).name != "feed-ranking":
            press("Tab")
        press("Enter")
        page.wait_for_url("**/models/feed-ranking.html")
        assert page.get_by_role("heading", level=1).inner_text() == "feed-ranking"
        assert visit.requests == [page.url]
    assert visit.messages == []


def test_the_picture_of_a_history_is_told_in_words(chromium: Chromium, sites: Sites) -> None:
    with chromium.visit(sites.page("drifted model")) as visit:
        page = visit.page
        card = page.get_by_role("region", name="Over time")
        spans = card.locator("svg .span title").all_text_contents()
        assert any("v5" in words and "by hand" in words for words in spans)
        summary = card.locator("summary")
        summary.focus()
        page.keyboard.press("Enter")
        table = card.get_by_role("table")
        assert len(spans) <= table.locator("tbody tr").count()
        assert table.get_by_text("by hand").first.is_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        link = focused(page)
        assert link is not None
        assert (link.tag, link.seen, bool(link.name)) == ("a", True, True)


def test_a_large_fleet_is_counted_by_its_models(chromium: Chromium, sites: Sites) -> None:
    with chromium.visit(sites.page("index of a large fleet")) as visit:
        page = visit.page
        page.get_by_role("button", name="in sync").click()
        number = _count(page, "in sync")
        expect(page.get_by_role("status")).to_have_text(f"{number} of 1,001 shown")
        assert not page.get_by_role("heading", name="What needs a look").is_visible()
        page.get_by_label("Search the models").fill("churn-7")
        links = page.locator(".names a:visible")
        assert links.all_inner_texts() == [f"churn-{n}" for n in (7, *range(70, 80))]
        links.first.click()
        assert page.get_by_role("heading", level=1).inner_text() == "churn-7"
        page.get_by_role("navigation", name="Where you are").get_by_role("link").last.click()
        assert page.get_by_role("heading", level=1).inner_text() == "growth"
        assert page.get_by_role("rowheader", name="churn-7", exact=True).is_visible()
