"""The site: its reference is that of the code, every page has its place, and links lead on."""

import re
from types import SimpleNamespace

import pytest
import yaml

import reconciler
from docs.generator.markdown_text import prose, table
from docs.generator.reference import REFERENCE, pages
from docs.generator.site_hook import on_page_content, on_page_markdown
from reconciler.scaffold.package_data import this_release
from tests import ROOT

_SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def test_the_reference_is_what_the_code_says() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.iterdir()}
    assert written == pages(), "`make generated` writes docs/reference/ anew"


def test_the_reference_has_every_method() -> None:
    methods = {
        name
        for name in dir(reconciler.Reconciler)
        if callable(getattr(reconciler.Reconciler, name))
    }
    listed = set(re.findall(r"^### `r\.(\w+)`$", pages()["api.md"], re.MULTILINE))
    assert listed == {name for name in methods if not name.startswith("_")}


def test_every_page_has_one_place_in_the_order_to_read() -> None:
    parts = {title: names for part in _SITE["nav"] for title, names in part.items()}
    assert list(parts) == ["Start", "Concepts", "How-to", "Reference"]
    named = [name for names in parts.values() for name in names]
    there = (path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    assert sorted(named) == sorted(there)


def test_the_site_is_strict_and_fetches_neither_fonts_nor_scripts() -> None:
    assert _SITE["strict"] is True
    assert _SITE["theme"]["font"] is False
    for name in (*_SITE["extra_css"], *_SITE["extra"]["polyfills"]):
        assert (ROOT / "docs" / name).is_file()


def _shown(markdown: str, page: str) -> str:
    return on_page_markdown(markdown, page=SimpleNamespace(file=SimpleNamespace(src_uri=page)))


@pytest.mark.parametrize(
    ("page", "link", "leads_to"),
    [
        ("ci.md", "../examples/github", "{source}/tree/main/examples/github"),
        ("ci.md", "../README.md#permissions", "{source}/blob/main/README.md#permissions"),
        ("reference/api.md", "../../pyproject.toml", "{source}/blob/main/pyproject.toml"),
        ("reference/api.md", "../ci.md#gitlab", "../ci.md#gitlab"),
        ("ci.md", "policies.md", "policies.md"),
    ],
)
def test_on_the_site_a_link_out_of_the_docs_leads_to_the_repository(
    page: str, link: str, leads_to: str
) -> None:
    expected = leads_to.format(source=this_release().source)
    assert _shown(f"See [it]({link}), and more.", page) == f"See [it]({expected}), and more."


def test_a_cell_shows_what_markdown_needs_a_backslash_for() -> None:
    (row,) = table(["takes"], [["`a|b`"]]).splitlines()[2:]
    assert row == r"| `a\|b` |"
    assert on_page_content(r"<td><code>a\|b</code></td><pre>a\|b</pre>") == (
        r"<td><code>a|b</code></td><pre>a\|b</pre>"
    )


def test_text_from_the_code_is_no_markup() -> None:
    assert prose("`a*<b>` of mlflow.* and <b>") == r"`a*<b>` of mlflow.\* and \<b>"
    assert table(["key", "default"], [["a", ""], ["b", ""]]).splitlines()[0] == "| key |"
