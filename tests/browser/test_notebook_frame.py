"""The index in a notebook, in a real Chromium: it filters, and nothing leaves its frame."""

from pathlib import Path

from reconciler.render.page.notebook import framed
from reconciler.render.page.paths import INDEX
from reconciler.render.page.site import site
from tests.support.browser.chromium import Chromium
from tests.support.page.fleet import fleet


def test_the_index_in_a_notebook_filters_and_asks_nobody(
    chromium: Chromium, tmp_path: Path
) -> None:
    files = site([fleet()])
    file = tmp_path / "notebook.html"
    cell = framed(files[INDEX], len(files))
    file.write_text(f"<!doctype html><html lang=en><title>n</title>{cell}", encoding="utf-8")
    with chromium.visit(file) as visit:
        inside = visit.page.frame_locator("iframe")
        rows = inside.locator("[data-s]:visible")
        before = rows.count()
        inside.locator(".search input").fill("fraud")
        assert 0 < rows.count() < before
        inside.locator(".search input").fill("")
        chip = inside.locator("[data-filter=drifted]")
        chip.click()
        assert chip.get_attribute("aria-pressed") == "true"
        assert 0 < rows.count() < before
        inside.locator("[data-s]:visible a").first.click()
        assert rows.count() > 0, "it is still the index"
        assert [one for one in visit.requests if not one.startswith("about:")] == []
        assert visit.messages == []
