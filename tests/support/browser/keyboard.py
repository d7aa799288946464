"""Walks over a page with the Tab key alone, as somebody without a mouse does."""

from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Page

_MOST: Final = 400  # stops; more is a trap
_FOCUSED: Final = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const style = getComputedStyle(element), box = element.getClientRects()[0];
    const within = (at, size, most) => Math.min(Math.max(at + size / 2, 1), most - 1);
    const hit = box && document.elementFromPoint(
        within(box.x, box.width, innerWidth), within(box.y, box.height, innerHeight));
    window.order = window.order || [...document.querySelectorAll("*")];
    return {
        place: window.order.indexOf(element),
        tag: element.tagName.toLowerCase(),
        name: (element.getAttribute("aria-label") || element.textContent.trim()
            || element.labels?.[0]?.textContent || "").slice(0, 80),
        region: element.closest("nav, main, header, footer, aside")?.tagName.toLowerCase() || "",
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        seen: Boolean(hit) && element.contains(hit),
    };
}"""


@dataclass(frozen=True)
class Stop:
    """Where the focus is: an element by its place in the document, and whether that can be seen."""

    place: int
    tag: str
    name: str
    region: str
    outline: float
    seen: bool


def focused(page: Page) -> Stop | None:
    """Return where the focus is, None for the page itself."""
    found: dict[str, Any] | None = page.evaluate(_FOCUSED)
    return None if found is None else Stop(**found)


def walk(page: Page, key: str = "Tab") -> list[Stop]:
    """Return the stops from here to the end of the page."""
    stops: list[Stop] = []
    for _ in range(_MOST):
        page.keyboard.press(key)
        stop = focused(page)
        if stop is None or (stops and stop == stops[0]):
            return stops
        stops.append(stop)
    raise AssertionError(f"the focus never leaves the page: {stops[-5:]}")
