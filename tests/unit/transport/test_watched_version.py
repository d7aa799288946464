"""`$model` in a query, a URL and a path: whatever the name is, it stays one text in its place."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.transport.measurements.unmeasured import Unmeasured
from reconciler.transport.measurements.watched_version import WatchedVersion

_NAMES = st.text() | st.text("ab'\"`\\{}()[]/.#?@:%$\n ", min_size=1)


@given(name=_NAMES, quote=st.sampled_from("\"'`"))
def test_a_name_ends_no_text_of_a_query(name: str, quote: str) -> None:
    before, after = f"a{{m={quote}", f"{quote}}} > 0"
    query = WatchedVersion(name, 3).in_query(f"{before}$model{after}")
    inside = query.removeprefix(before).removesuffix(after)
    assert re.fullmatch(r"(?:[A-Za-z0-9_.\-]|[^\x00-\x7f]|\\x[0-7][0-9a-f])*", inside)
    assert re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), inside) == name


@given(name=_NAMES)
def test_a_name_is_one_segment_of_a_url(name: str) -> None:
    assume(name.isascii())
    try:
        url = WatchedVersion(name, 3).in_url("https://host/a/x$model/$version?of=$model&b=1#c")
    except Unmeasured:
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "host", "c")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "a", f"x{name}", "3"]
    assert [unquote(part) for part in parts.query.split("&")] == [f"of={name}", "b=1"]


@given(name=_NAMES)
def test_a_name_is_one_part_of_a_path(name: str) -> None:
    try:
        path = PurePosixPath(WatchedVersion(name, 3).in_path("a/$model.json"))
    except Unmeasured:
        return
    assert path.parent == PurePosixPath("a")
    assert path.parts[0] == "a"


@given(name=_NAMES, scheme=st.sampled_from(["https", "HTTPS"]))
def test_a_name_adds_to_a_host_one_label_or_nothing(name: str, scheme: str) -> None:
    try:
        url = WatchedVersion(name, 3).in_url(f"{scheme}://$model.example.com/m")
    except Unmeasured:
        return
    assert urlsplit(url).netloc == f"{name}.example.com"
    assert re.fullmatch("[A-Za-z0-9-]+", name)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("$model", "m"),
        ("$version$model", "3m"),
        (
            "$models $model_ $modelé $MODEL ${model} $$model",
            "$models $model_ mé $MODEL ${model} $m",
        ),
        ("$1 $__rate_interval $", "$1 $__rate_interval $"),
    ],
)
def test_only_the_exact_words_are_replaced(text: str, replaced: str) -> None:
    assert WatchedVersion("m", 3).in_query(text) == replaced
