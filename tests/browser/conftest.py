"""The browser and the sites that the tests of the page share."""

from tests.support.browser.chromium import chromium
from tests.support.browser.sites import sites

__all__ = ["chromium", "sites"]
