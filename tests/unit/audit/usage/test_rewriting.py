"""Code that loads by stage becomes code that loads by alias, as a patch that git takes."""

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.audit.usage.loads import Load
from reconciler.audit.usage.rewriting import (
    AliasesKnown,
    RewrittenLoad,
    UndecidedLoad,
    decide,
    file_patch,
    rewritten,
)
from reconciler.core.declaring.bridge import Bridge
from tests.support.repositories.git_lab import GitLab

_BRIDGE = Bridge((("Production", "champion"),))
_KNOWN = AliasesKnown(_BRIDGE, {"m": frozenset({"champion"}), "idle": frozenset()})


def _uri(text: str, loads: str | None, model: str | None = "m", *, literal: bool = True) -> Load:
    return Load("a.py", 1, 1, "uri", text, model, loads, is_literal=literal)


def _call(text: str, loads: str | None, model: str | None = "m") -> Load:
    return Load("a.py", 1, 1, "call", text, model, loads)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("models:/m/Production", "models:/m@champion"),
        ("models:/m/production", "models:/m@champion"),
        ("models://profile@databricks/m/Production", "models://profile@databricks/m@champion"),
    ],
)
def test_a_stage_of_the_bridge_becomes_its_alias(text: str, after: str) -> None:
    decided = decide(_uri(text, "Production"), _KNOWN)
    assert isinstance(decided, RewrittenLoad)
    assert decided.after == after


@pytest.mark.parametrize(
    "load",
    [
        _uri("models:/m@champion", "@champion"),
        _uri("models:/m/4", "4"),
        _uri("models:/m@{alias}", None, None, literal=False),
        _call('client.get_model_version_by_alias("m", "champion")', "@champion"),
    ],
)
def test_what_does_not_load_by_stage_stays(load: Load) -> None:
    assert decide(load, _KNOWN) is None


@pytest.mark.parametrize(
    ("load", "instead"),
    [
        (_uri("models:/m/latest", "latest"), "an alias"),
        (_uri("models:/m/Staging", "Staging"), "--bridge Staging=ALIAS"),
        (_uri("models:/other/Production", "Production", "other"), "reconciler import other"),
        (_uri("models:/a b/Production", "Production", "a b"), "reconciler import 'a b'"),
        (_uri("models:/idle/Production", "Production", "idle"), "reconciler promote idle"),
        (_uri("models:/m/{stage}", None, None, literal=False), "models:/MODEL@ALIAS"),
        (_uri("models:/m/Production", "Production", literal=False), "models:/m@champion"),
        (_uri("models:/{M}/Production", "Production", literal=False), "models:/m@champion"),
        (_uri("models:/{m()}/production", None, None, literal=False), "models:/{m()}@champion"),
        (
            _call('c.get_latest_versions("m", ["Production"])', "Production"),
            'get_model_version_by_alias("m", "champion")',
        ),
        (_call("c.get_latest_versions(name)", None, None), "get_model_version_by_alias("),
        (_call("c.get_model_version(name, v)", None, None), "models:/MODEL@ALIAS"),
    ],
)
def test_what_only_a_person_can_decide_comes_with_what_to_write_instead(
    load: Load, instead: str
) -> None:
    decided = decide(load, _KNOWN)
    assert isinstance(decided, UndecidedLoad)
    assert instead in decided.instead


_FOUND = re.compile("models:/m/Production")


def _places(text: str) -> list[RewrittenLoad]:
    """Return the places of a text, with lines and columns as the scanner has them."""
    found = []
    for number, line in enumerate(re.split("\r\n|\r|\n", text), 1):
        for match in _FOUND.finditer(line):
            column = match.start() + 1
            place = Load("app/a.py", number, column, "uri", match[0], "m", "Production")
            load = replace(place, is_literal=True)
            found.append(RewrittenLoad(load, "models:/m@champion"))
    return found


@pytest.mark.parametrize(
    "content",
    [
        b'x = "models:/m/Production"\n',
        b'x = "models:/m/Production"',
        b'a = 1\r\nx = "models:/m/Production"\r\nb = 2\r\n',
        b'a = 1\rx = "models:/m/Production"\rb = 2\r',
        b'\xef\xbb\xbfx = "models:/m/Production"\ny = "models:/m/Production"\n',
        'é = "models:/m/Production", "日本", "models:/m/Production"  # €\n'.encode(),
        b"\n" * 50 + b'x = "models:/m/Production"\n' + b"#\n" * 50 + b"# models:/m/Production",
        b'a\x0c\x0b\x1c"models:/m/Production"\xc2\x85\xe2\x80\xa8 "models:/m/Production"\n',
    ],
)
@pytest.mark.parametrize("name", ["app/a.py", "app/my app.py", 'app/"q"\\t.py', "app/日本.py"])
def test_git_takes_the_patch_and_nothing_else_changes(
    tmp_path: Path, content: bytes, name: str
) -> None:
    text = content.decode("utf-8-sig")
    after, done, undecided = rewritten(content, _places(text))
    assert (len(done), undecided) == (len(_FOUND.findall(text)), ())
    git = GitLab.new(tmp_path)
    git.commit({name: content})
    git.write({"../fix.patch": file_patch(name, content, after)})
    git.git("apply", "--whitespace=nowarn", "../fix.patch")
    assert (git.root / name).read_bytes() == after
    assert after == content.replace(b"models:/m/Production", b"models:/m@champion")


def test_git_takes_a_patch_of_many_files_wherever_their_lines_change(tmp_path: Path) -> None:
    git, chosen = GitLab.new(tmp_path), random.Random(7)  # noqa: S311  the same on every run
    before = {
        f"{number}.txt": "".join(
            chosen.choice(["same\n", "same\n", "same\n", "models:/m/Production\n"])
            for _ in range(chosen.randint(1, 60))
        ).removesuffix(chosen.choice(["", "\n"]))
        for number in range(60)
    }
    before["long.txt"] = "same\n" * 20_000 + "models:/m/Production\n" * 20_000
    git.commit(before)
    after = {name: rewritten(text.encode(), _places(text))[0] for name, text in before.items()}
    patch = "".join(file_patch(name, text.encode(), after[name]) for name, text in before.items())
    git.write({"../fix.patch": patch})
    git.git("apply", "../fix.patch")
    assert {name: (git.root / name).read_bytes() for name in before} == after
    assert not any(b"Production" in content for content in after.values())


def test_a_place_that_cannot_be_found_again_is_left(tmp_path: Path) -> None:
    del tmp_path
    [place] = _places('x = "models:/m/Production"')
    latin = 'é = 1 # "models:/m/Production"'.encode("latin-1")
    for content in (
        latin,
        'x = "models:/m/Production"'.encode("utf-16"),
        b'xy = "models:/m/Production"',
        b"",
        b'x = "models:/m/Production/data"',
    ):
        after, done, [undecided] = rewritten(content, [place])
        assert (after, done) == (content, ())
        assert undecided.instead == "load `models:/m@champion`"


def test_without_a_change_there_is_no_patch() -> None:
    assert file_patch("a.py", b"x\n", b"x\n") == ""
