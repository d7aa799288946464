"""The browser that the tests of the page share."""

from tests.support.browser.chromium import chromium

__all__ = ["chromium"]
