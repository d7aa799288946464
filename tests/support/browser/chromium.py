"""A real Chromium that opens a made page, and everything that the page did there."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import ROOT

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_AXE: Final = ROOT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
# Chromium looks for its maker's hosts by itself, and a container has no sandbox for it.
_QUIET: Final = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_INSTALL: Final = "`make browser` installs Chromium and axe-core"

# Every rule for WCAG A and AA up to 2.2, and what axe's makers call good practice beyond it.
_RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
_UNSEEN: Final = """selector => [...document.querySelectorAll(selector)]
    .filter(element => !element.checkVisibility({visibilityProperty: true, opacityProperty: true}))
    .map(element => element.outerHTML.slice(0, 200))"""
_ALIKE: Final = 12
_THIN: Final = """most => document.querySelectorAll("tbody, ul, ol")
    .forEach(list => [...list.children].slice(most).forEach(row => row.remove()))"""

Scheme = Literal["light", "dark"]


@dataclass
class Visit:
    """An open page, with each request, console message, error and dialog that it caused."""

    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def thin(self) -> None:
        """Leave the first few of each list's rows: the others are alike, and axe looks long."""
        self.page.evaluate(_THIN, _ALIKE)

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong on the page, a line for each rule and element."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("rules => axe.run(rules)", _RULES)
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        wide: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - window.innerWidth"
        )
        return wide

    def resize(self, width: int) -> None:
        """Make the window so many pixels wide."""
        self.page.set_viewport_size({"width": width, "height": 900})

    def unseen(self, selector: str) -> list[str]:
        """Return the elements that are on the page and cannot be seen there."""
        found: list[str] = self.page.evaluate(_UNSEEN, selector)
        return found


@dataclass
class Chromium:
    """A running browser; its windows are used again, since one more costs half a second."""

    browser: Browser
    _free: dict[tuple[bool, bool], list[Page]] = field(default_factory=dict)

    @contextmanager
    def visit(
        self,
        file: Path,
        *,
        width: int = 1280,
        scheme: Scheme = "light",
        scripts: bool = True,
        policy: bool = True,
    ) -> Iterator[Visit]:
        """Open a file as a person would; without `policy` its Content-Security-Policy is taken out.

        A request that would leave the file system is noted and fails.
        """
        free = self._free.setdefault((scripts, policy), [])
        page = free.pop() if free else self._window(scripts=scripts, policy=policy)
        visit, address = Visit(page), file.resolve().as_uri()
        visit.resize(width)
        page.emulate_media(media="screen", color_scheme=scheme)
        with _noting(visit):
            page.goto(address)
            visit.requests.remove(address)
            yield visit
        page.goto("about:blank")
        free.append(page)  # after a failure it is not used again

    def _window(self, *, scripts: bool, policy: bool) -> Page:
        return self.browser.new_context(
            java_script_enabled=scripts, bypass_csp=not policy, offline=True
        ).new_page()


@contextmanager
def _noting(visit: Visit) -> Iterator[None]:
    notes: dict[Any, Callable[[Any], None]] = {
        "request": lambda request: visit.requests.append(request.url),
        "console": lambda message: visit.messages.append(message.text),
        "pageerror": lambda error: visit.messages.append(str(error)),
        "dialog": lambda dialog: _dismiss(visit, dialog),
    }
    for event, note in notes.items():
        visit.page.on(event, note)
    yield
    for event, note in notes.items():
        visit.page.remove_listener(event, note)


def _dismiss(visit: Visit, dialog: Any) -> None:
    visit.messages.append(f"dialog: {dialog.message}")
    dialog.dismiss()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Start Chromium once; where it is not installed the test is skipped, in CI it fails."""
    lacks = [
        name for name, there in (("Chromium", _path()), ("axe-core", _AXE.exists())) if not there
    ]
    if lacks:
        told = f"no {' and no '.join(lacks)} here: {_INSTALL}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Chromium]:
    """Run the Chromium that is installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_path(), args=list(_QUIET))
        yield Chromium(browser)
        browser.close()


def _path() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
