"""The index in a notebook: one frame that is kept from it, with links to the web alone."""

from collections.abc import Mapping

import pytest

from reconciler.render.page.notebook import framed
from reconciler.render.page.paths import INDEX
from reconciler.render.page.site import site
from tests.support.page.documents import Document
from tests.support.page.fleet import fleet
from tests.support.page.hostile import hostile


@pytest.fixture(name="files", params=["fleet", "hostile"], scope="module")
def _files(request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    return site([fleet() if request.param == "fleet" else hostile()])


def _frame(files: Mapping[str, bytes]) -> tuple[Document, Document]:
    """Return what the notebook gets, and what is in its frame."""
    outer = Document(framed(files[INDEX], len(files)).encode())
    inside = outer.elements[0][1]["srcdoc"]
    assert inside is not None
    return outer, Document(inside.encode())


def test_the_notebook_gets_a_frame_that_is_kept_from_it(files: Mapping[str, bytes]) -> None:
    outer, _ = _frame(files)
    assert [tag for tag, _ in outer.elements] == ["iframe", "p", "code"]
    may = outer.elements[0][1]["sandbox"]
    assert may is not None
    assert "allow-same-origin" not in may.split()
    assert "allow-top-navigation" not in may.split()


def test_style_and_script_are_those_that_the_policy_names(files: Mapping[str, bytes]) -> None:
    _, inside = _frame(files)
    index = Document(files[INDEX])
    assert inside.raw == index.raw
    assert inside.words == index.words
    policies = [a["content"] for tag, a in inside.elements if a.get("http-equiv")]
    assert policies == [a["content"] for tag, a in index.elements if a.get("http-equiv")] != []


def test_no_link_leads_to_a_file_that_is_not_there(files: Mapping[str, bytes]) -> None:
    _, inside = _frame(files)
    links = [a for tag, a in inside.elements if tag == "a"]
    assert len(links) == len(Document(files[INDEX]).links)
    for link in links:
        href = link.get("href")
        if href is not None and "data-filter" not in link:
            assert href.startswith(("https://", "http://"))
            assert link["target"] == "_blank"
