"""A page of the documentation names only files, folders and headings that exist."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import reconciler
from docs.generator.markdown_text import github_anchor
from tests import ROOT

_PAGES = (
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples" / "lessons").glob("*.md")),
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
)
_PACKAGE = Path(reconciler.__file__).parent
_FOLDERS = {
    *(path.name for path in _PACKAGE.iterdir() if path.is_dir()),
    *("benchmarks", "docs", "examples", "reconciler", "schema", "tests"),
}


def _named_paths(text: str) -> Iterator[str]:
    """Yield what a page writes as a path below a folder of this repository or of the package."""
    for path in re.findall(r"`([\w.-]+/(?:[\w./*-]*(?:\.[a-z]+|/))?)`", text):
        if path.partition("/")[0] in _FOLDERS:
            yield path


def _links(text: str) -> Iterator[str]:
    """Yield the targets of a page's links that are in this repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def _without_code(page: Path) -> str:
    """Return the text of a page, with one line for a block of code."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^( *```).*?^ *```$", r"\1", text, flags=re.DOTALL | re.MULTILINE)


def _headings(page: Path) -> list[str]:
    """Return the anchors that GitHub and the site give to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", _without_code(page), re.MULTILINE)
    return [github_anchor(title) for title in titles]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_a_page_names_only_files_that_exist(page: Path) -> None:
    named = set(_named_paths(page.read_text(encoding="utf-8")))
    missing = {
        path
        for path in named
        if not any((root / path).exists() for root in (ROOT, _PACKAGE, _PACKAGE.parent))
    }
    assert missing == set()


def test_the_pages_on_the_code_name_its_files() -> None:
    for name in ("architecture", "life-of-a-change"):
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        assert len(set(_named_paths(text))) > 15, "the paths are found"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    broken = []
    for target in _links(page.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        to = (page.parent / file) if file else page
        if not to.exists() or (anchor and anchor not in _headings(to)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_no_two_headings_of_a_page_have_one_anchor(page: Path) -> None:
    headings = _headings(page)
    assert sorted(headings) == sorted(set(headings))


# GitHub begins a list or a block below a line of text, the site only below an empty line.
_BEGINS = re.compile(r"\s*(?:[*-] |\d+\. |```|\|)")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_a_list_and_a_block_begin_below_an_empty_line(page: Path) -> None:
    lines = _without_code(page).splitlines()
    crowded = [
        line
        for above, line in pairwise(lines)
        if _BEGINS.match(line) and above and not above.startswith(" ") and not _BEGINS.match(above)
    ]
    assert crowded == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_an_item_below_a_nested_paragraph_begins_below_an_empty_line(page: Path) -> None:
    blocks = re.split(r"\n\s*\n", _without_code(page))
    nested = [block for block in blocks if block.startswith("    ")]
    assert [block for block in nested if re.search(r"^(?:[*-]|\d+\.) ", block, re.MULTILINE)] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_what_belongs_to_an_item_is_indented_by_four_spaces(page: Path) -> None:
    blocks = re.split(r"\n\s*\n", _without_code(page))
    assert [block for block in blocks if re.match(r" {1,3}\S", block)] == []
