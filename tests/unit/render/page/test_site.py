"""The site of an environment: one function of what was read, and nothing on it can be run."""

import base64
import hashlib
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from reconciler.audit.overview.model_overview import ModelOverview, Overview
from reconciler.render.page.frame import Environment, frame
from reconciler.render.page.limits import LARGEST_INDEX
from reconciler.render.page.paths import environment_path
from reconciler.render.page.site import names, site
from reconciler.render.page.templating import render
from reconciler.render.page.views.index_view import group_views
from reconciler.render.page.views.matrix_view import matrix_view
from tests.support.page.documents import documents
from tests.support.page.environments import environments
from tests.support.page.fleet import fleet, offline
from tests.support.page.past import NOW

_READINGS: Mapping[str, Callable[[], Sequence[Overview]]] = {
    "one": lambda: [fleet()],
    "offline": lambda: [offline(fleet())],
    "several": environments,
    "empty": lambda: [Overview("registry-state", NOW, ())],
}


@pytest.fixture(scope="module", params=_READINGS)
def files(request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    return site(_READINGS[request.param]())


@pytest.mark.parametrize("reading", _READINGS)
def test_the_same_reading_makes_the_same_bytes(reading: str) -> None:
    made = site(_READINGS[reading]())
    assert made == site(_READINGS[reading]())
    assert {"index.html", "about.html"} <= set(made)


def test_a_page_runs_and_paints_by_its_own_two_texts_alone(files: Mapping[str, bytes]) -> None:
    for path, document in documents(files).items():
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
    for path, document in documents(files).items():
        for tag, attributes in document.elements:
            strays = [name for name in attributes if name == "style" or name.startswith("on")]
            assert not strays, path
            assert tag not in {"img", "iframe", "object", "embed", "link", "base", "form"}, path
            assert "src" not in attributes, path


def test_every_link_leads_to_a_page_an_element_or_the_web(files: Mapping[str, bytes]) -> None:
    pages = documents(files)
    for path, document in pages.items():
        for href in document.links:
            if re.match(r"https?://", href):
                continue
            target, _, anchor = href.partition("#")
            page = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            page = page if target else path
            assert page in files, f"{path}: {href}"
            assert not anchor or anchor in pages[page].ids, f"{path}: {href}"


def test_an_id_is_given_once(files: Mapping[str, bytes]) -> None:
    for path, document in documents(files).items():
        assert len(document.ids) == len(set(document.ids)), path


def test_a_page_without_the_registry_says_so_everywhere_and_shows_no_live_state() -> None:
    without = offline(fleet())
    pages = documents(site([without]))
    assert len(pages) == len(without.models) + 2
    for path, page in pages.items():
        assert "Made without the registry" in page.words, path
        assert not [word for word in ("in sync", "drifted", "unmanaged") if word in page.words]
    assert "v13 declared" in pages["index.html"].words
    assert "Is to serve v13 declared" in pages["models/fraud-detection.html"].words
    assert "Made without the registry" not in documents(site([fleet()]))["index.html"].words


def test_the_navigation_names_what_the_first_page_has() -> None:
    bare = documents(site([replace(offline(fleet()), commit=None)]))["index.html"].words
    assert "Models About" in bare
    assert "Environments About" not in bare
    several = documents(site(environments()))
    assert "Environments About" in several["index.html"].words
    own = f"{environment_path('states/staging')}index.html"
    assert "Environments Models About" in several[own].words


def test_a_matrix_counts_the_models_too_that_it_does_not_show() -> None:
    known = [Environment(one.state, one, "x") for one in environments()]
    whole, short = matrix_view(known, 100), matrix_view(known, 1)
    assert (len(short.rows), short.left_out) == (1, len(whole.rows) - 1)
    assert whole.behind > 1
    assert (short.behind, short.counts) == (whole.behind, whole.counts)


def test_one_model_is_not_called_models() -> None:
    one = replace(fleet(), models=fleet().models[:1])
    matrix = documents(site([one, replace(one, state="other")]))["index.html"].words
    assert "1 model in 2 environments" in matrix
    head = frame(Environment("state", one, "x"), "models", "payments")
    (group,) = group_views(one)
    page = render("group.html.j2", {"frame": head, "view": group})
    assert "1 model " in documents({"g.html": page})["g.html"].words


def test_of_several_environments_nothing_is_said_of_those_that_were_not_read() -> None:
    read = documents(site(environments()))["index.html"].words
    assert "of them behind another environment" in read
    assert "from git and 3 registries at" in read
    unread = documents(site([offline(one) for one in environments()]))["index.html"].words
    assert "in 3 environments" in unread
    assert "everywhere" not in unread
    assert "from git at" in unread


def test_of_several_environments_one_that_was_not_read_is_named_above_the_matrix() -> None:
    dev, staging, production = environments()
    pages = documents(site([dev, offline(staging), production]))
    assert "Made without the registry: no live state of states/staging" in pages["index.html"].words
    assert "v13 declared" in pages["index.html"].words


def test_the_first_page_tells_what_serves_since_when_by_what_and_on_whose_word() -> None:
    words = documents(site([fleet()]))["index.html"].words
    row = words[words.index("fraud-detection in sync") :]
    start = "fraud-detection in sync v13 2.1.1 Production @champion 2026-11-07 22:04 21 d ago"
    assert row.startswith(start)
    assert " #288 Ada Lindqvist verified" in row[: len(start) + 40]
    assert "refused better-auc: auc 0.871 of v3 is below 0.902 of the incumbent v2 +1 more" in words
    assert "git declares v34" in words
    assert "Mia Okafor claimed" in words


def test_a_model_has_its_candidate_history_consumers_inventory_and_file() -> None:
    words = documents(site([fleet()]))["models/fraud-detection.html"].words
    for part in (
        "auc 0.934 0.941 +0.007",
        "1 difference input country added (string, optional)",
        "2026-10-31 review is due",
        "auth-gateway v13 loads @champion for payments-core",
        "old-batch loads nothing",
        "accepted: soak",
        "no apply record",
        'loads: "@champion"',
    ):
        assert part in words, part


def test_a_large_fleet_has_its_models_on_the_pages_of_groups() -> None:
    rows = [ModelOverview(f"m{n:04}", "in sync", group=f"team-{n // 1_001}") for n in range(1_003)]
    urgent = ModelOverview("alarm", "drifted", why=("@champion v1 → v2 by hand",))
    files = site([Overview("registry-state", NOW, (urgent, *rows))])
    pages = documents(files)
    assert {"groups/team-0.html", "groups/team-0~2.html", "groups/team-1.html"} <= set(pages)
    assert pages["groups/team-0~2.html"].links.count("../models/m1000.html") == 1
    index = pages["index.html"]
    assert "alarm drifted @champion v1 → v2 by hand" in index.words
    assert {"groups/team-0.html", "groups/team-1.html", "models/m1002.html"} <= set(index.links)
    assert len(files["index.html"]) <= LARGEST_INDEX
    for page in pages.values():
        assert len(page.links) < 1_100


def test_two_environments_of_one_folder_are_told_apart() -> None:
    one = fleet()
    again = replace(one, registry=None)
    assert names([one, one, again]) == (
        "registry-state (prod-eu)",
        "registry-state (prod-eu) 2",
        "registry-state",
    )
    assert len(site([one, one])) == 2 * len(site([one])) + 2
