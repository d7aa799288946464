"""What the other tests of a page stand on: a browser that notes what a page does."""

from pathlib import Path

from tests.support.browser.chromium import Chromium

_BAD = """<!doctype html><html lang=en><title>x</title>
<img src="https://example.com/a.png"><script>console.log("said"); alert("shown")</script>"""


def test_what_a_page_does_is_noted(chromium: Chromium, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(_BAD, encoding="utf-8")
    with chromium.visit(file) as visit:
        assert visit.requests == ["https://example.com/a.png"]
        assert {"said", "dialog: shown"} <= set(visit.messages)
        assert any(line.startswith("image-alt:") for line in visit.violations())
