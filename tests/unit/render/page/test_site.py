"""The site of an environment: one function of what was read, and nothing on it can be run."""

import base64
import hashlib
import posixpath
import re
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest

from reconciler.render.page.site import site
from tests.support.page.fleet import fleet, offline


class _Document(HTMLParser):
    """What a page has: its elements with their attributes, its ids, its visible text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.text: list[str] = []
        self._inside = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else self._inside

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        (self.raw[self._inside] if self._inside else self.text).append(data)

    @property
    def links(self) -> list[str]:
        return [a["href"] or "" for tag, a in self.elements if tag == "a"]


def _documents(files: Mapping[str, bytes]) -> dict[str, _Document]:
    return {path: _Document(page) for path, page in files.items() if path.endswith(".html")}


@pytest.fixture(scope="module", params=["read", "offline"])
def files(request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    return site([fleet() if request.param == "read" else offline(fleet())])


def test_the_same_reading_makes_the_same_bytes(files: Mapping[str, bytes]) -> None:
    assert files in (site([fleet()]), site([offline(fleet())]))
    assert {"index.html", "about.html", "models/fraud-detection.html"} <= set(files)


def test_a_page_runs_and_paints_by_its_own_two_texts_alone(files: Mapping[str, bytes]) -> None:
    for path, document in _documents(files).items():
        policy = next(
            attributes["content"] or ""
            for tag, attributes in document.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        for name, directive in (("style", "style-src"), ("script", "script-src")):
            digest = hashlib.sha256("".join(document.raw[name]).encode()).digest()
            assert f"{directive} 'sha256-{base64.b64encode(digest).decode()}'" in policy, path


def test_no_attribute_paints_or_runs_and_nothing_is_loaded(files: Mapping[str, bytes]) -> None:
    for path, document in _documents(files).items():
        for tag, attributes in document.elements:
            strays = [name for name in attributes if name == "style" or name.startswith("on")]
            assert not strays, path
            assert tag not in {"img", "iframe", "object", "embed", "link", "base", "form"}, path
            assert "src" not in attributes, path


def test_every_link_leads_to_a_page_an_element_or_the_web(files: Mapping[str, bytes]) -> None:
    documents = _documents(files)
    ids = {
        path: {a["id"] for _, a in document.elements if "id" in a}
        for path, document in documents.items()
    }
    for path, document in documents.items():
        for href in document.links:
            if re.match(r"https?://", href):
                continue
            target, _, anchor = href.partition("#")
            page = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            page = page if target else path
            assert page in files, f"{path}: {href}"
            assert not anchor or anchor in ids[page], f"{path}: {href}"


def test_an_id_is_given_once(files: Mapping[str, bytes]) -> None:
    for path, document in _documents(files).items():
        ids = [a["id"] for _, a in document.elements if "id" in a]
        assert len(ids) == len(set(ids)), path


def test_a_page_without_the_registry_says_so_everywhere() -> None:
    for path, page in site([offline(fleet())]).items():
        assert b"Made without the registry" in page, path
        assert b'class="chip ok"' not in page or path.startswith("models/"), path
    assert b"Made without the registry" not in site([fleet()])["index.html"]
