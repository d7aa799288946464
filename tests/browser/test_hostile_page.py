"""The page of a repository and a registry whose every text is to harm its reader: it is shown."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page

from reconciler.render.escape import printable
from reconciler.render.page.limits import LARGEST_INDEX, LARGEST_PAGE
from reconciler.render.page.paths import model_path
from tests.support.browser.chromium import Chromium
from tests.support.browser.sites import write
from tests.support.page.hostile_repository import (
    ADDRESS,
    DATA,
    DIRECTION,
    ENTITIES,
    HANDLER,
    LIVE_ONLY,
    NAME,
    NOW,
    PLAIN,
    SCRIPT,
    TEMPLATE,
    TEXT,
    HostileRepository,
    hostile_repository,
)

_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy"[^>]*>')
_PAGES = {
    "index": "index.html",
    "about": "about.html",
    "held model": model_path(NAME),
    "pending model": model_path(PLAIN),
    "live model": model_path(LIVE_ONLY),
    "review": "review/index.html",
}
_MADE = ("with the policy", "without it", "without the registry")
_NOT_MADE = {("without the registry", "live model"), ("without the registry", "review")}
_CASES = sorted({*product(_MADE, _PAGES)} - _NOT_MADE)
# What could run or load, in the document as the browser understood it.
_ACTIVE = """() => [...document.querySelectorAll('*')].flatMap(element => {
    const tag = element.tagName.toLowerCase();
    const bad = element.getAttributeNames().filter(name => /^(on|style$|src|action$)/.test(name));
    const href = element.getAttribute('href') ?? element.getAttribute('xlink:href');
    if (href !== null && /^\\s*[a-z][a-z0-9+.-]*:/i.test(href)) bad.push(href);
    if (/^(iframe|img|object|embed|link|base|form|foreignobject|animate|set)$/.test(tag)) {
        bad.push(tag);
    }
    return bad;
})"""


@pytest.fixture(scope="module")
def hostile(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostileRepository]:
    with pytest.MonkeyPatch.context() as patch:
        yield hostile_repository(tmp_path_factory.mktemp("hostile"), sqlite_template, patch)


@pytest.fixture(scope="module")
def files(
    hostile: HostileRepository, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, bytes]:
    """Return the page, and the page of the review beside it."""
    review = hostile.review(tmp_path_factory.mktemp("review") / "out")
    return {**hostile.page().files, "review/index.html": review}


@pytest.fixture(scope="module")
def folder(
    request: pytest.FixtureRequest,
    hostile: HostileRepository,
    files: Mapping[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    made = hostile.page(offline=True).files if request.param == "without the registry" else files
    if request.param != "with the policy":
        assert all(len(_POLICY.findall(page)) == 1 for page in made.values())
        made = {path: _POLICY.sub(b"", page) for path, page in made.items()}
    root = tmp_path_factory.mktemp("pages")
    write(root, made)
    return root


@pytest.mark.parametrize(("folder", "name"), _CASES, indirect=["folder"])
def test_nothing_of_a_hostile_text_runs(name: str, folder: Path, chromium: Chromium) -> None:
    file = folder / _PAGES[name]
    with chromium.visit(file, policy=(b"Content-Security" in file.read_bytes())) as visit:
        assert visit.page.evaluate(_ACTIVE) == []
        _use(visit.page)
        assert visit.page.evaluate(_ACTIVE) == []
        visit.resize(380)
        assert visit.overflow() <= 0
    assert (visit.requests, visit.messages) == ([], [])


def _use(page: Page) -> None:
    """Do everything that moves texts about: filter, search, sort, open, and a hostile address."""
    for details in page.locator("summary").all():
        details.click()
    page.evaluate("text => { location.hash = text }", f"#state-{HANDLER}")
    search = page.get_by_role("searchbox")
    if search.is_visible():
        search.fill(HANDLER)
        search.fill("")
    for button in page.locator("thead button:visible").all():
        button.click()
    for counter in page.locator("[data-filter]").all():
        counter.click()
    page.mouse.move(600, 400)


@pytest.mark.parametrize("name", _PAGES)
def test_a_hostile_page_is_open_to_everybody(
    name: str, files: Mapping[str, bytes], tmp_path: Path, chromium: Chromium
) -> None:
    write(tmp_path, files)
    with chromium.visit(tmp_path / _PAGES[name], width=380) as visit:
        assert visit.violations() == []


def test_hostile_texts_are_read_as_they_were_written(
    files: Mapping[str, bytes], tmp_path: Path, chromium: Chromium
) -> None:
    write(tmp_path, files)
    with chromium.visit(tmp_path / "index.html") as visit:
        names = visit.page.locator("tbody th a").all_inner_texts()
        assert sorted(names) == sorted([NAME, PLAIN, printable(LIVE_ONLY)])
        # The link of a hostile name leads to its page.
        visit.page.get_by_role("link", name=NAME).first.click()
        assert visit.page.get_by_role("heading", level=1).inner_text() == NAME
        text = visit.page.locator("main").inner_text()
        for words in (SCRIPT, HANDLER, TEMPLATE, ENTITIES, ADDRESS, DATA, printable(DIRECTION)):
            assert words in text, words
        assert printable(text.replace("\n", "").replace("\t", "")) == text.replace(
            "\n", ""
        ).replace("\t", "")
        assert "49" not in text.replace(printable(TEXT), "")
        assert visit.page.title().startswith(NAME)


def test_a_text_of_ten_megabytes_is_told_and_not_carried(files: Mapping[str, bytes]) -> None:
    assert b"10,000,000 characters" in files[model_path(LIVE_ONLY)]
    for path, content in files.items():
        assert len(content) <= (LARGEST_PAGE if "/" in path else LARGEST_INDEX), path


@pytest.mark.parametrize(
    "origin",
    [
        "javascript:alert(1)//github.com/acme/registry",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        'https://git hub.com/"><script>alert(1)</script>/x.git',
        "https://user:secret@/acme/registry",
        "ext::sh -c alert",
    ],
)
def test_a_hostile_origin_is_no_link(origin: str, hostile: HostileRepository) -> None:
    hostile.git.git("remote", "set-url", "origin", origin)
    for path, page in hostile.page(offline=True).files.items():
        assert b'href="http' not in page, path
        assert b"secret" not in page
        assert not re.search(rb'href="(?!#|[\w./~-]+\.html)', page), path


def test_two_processes_make_the_same_bytes(hostile: HostileRepository, tmp_path: Path) -> None:
    odd = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}
    command = ["page", "--out", str(tmp_path / "page"), "--now", NOW.isoformat()]
    subprocess.run(
        [sys.executable, "-m", "reconciler", *command],
        cwd=hostile.git.root,
        env=hostile.environ | odd,
        check=True,
        capture_output=True,
    )
    made = tmp_path / "page"
    theirs = {file.relative_to(made).as_posix(): file.read_bytes() for file in made.rglob("*.html")}
    assert theirs == hostile.page().files
