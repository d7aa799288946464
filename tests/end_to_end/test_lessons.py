"""The pages of examples/lessons: their commands run as they stand, and print what is shown."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import ROOT
from tests.support.lessons.lesson import run
from tests.support.lessons.warm_python import warm_python
from tests.support.registries.servers import free_port

_LESSONS = ROOT / "examples" / "lessons"
_PAGES = sorted(_LESSONS.glob("[1-5]-*.md"))
_IN_CEL = ("2-", "4-", "5-")  # their rules have conditions


@pytest.fixture(name="commands", scope="module")
def commands_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warm_python(tmp_path_factory.mktemp("warm")) as commands:
        yield commands


@pytest.fixture(name="reader")
def reader_fixture(commands: Path, mlflow_uri: str, tmp_path: Path) -> Mapping[str, str]:
    """Return the environment of somebody who has done what the lessons' README asks for."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n")
    return {
        "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
        "LESSONS": str(_LESSONS),
        "PORT": str(free_port()),
        "MLFLOW_TRACKING_URI": mlflow_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page, id=page.stem, marks=[pytest.mark.needs_cel] * page.name.startswith(_IN_CEL)
        )
        for page in _PAGES
    ],
)
def test_a_lesson_runs_as_it_stands_and_prints_what_it_shows(
    page: Path, reader: Mapping[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    problems = run(page.read_text(encoding="utf-8"), folder, reader)
    assert not problems, "\n\n".join(problems)


def test_the_lessons_are_five_of_a_page_each_and_their_readme_lists_them() -> None:
    listed = (_LESSONS / "README.md").read_text(encoding="utf-8")
    assert len(_PAGES) == 5
    for page in _PAGES:
        text = page.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("# ")
        assert f"[{title}]({page.name})" in listed
        assert len(text.splitlines()) <= 120, page.name


# --- the runner itself


def test_what_a_page_shows_otherwise_or_what_fails_is_told(tmp_path: Path) -> None:
    page = """\
```console
$ echo one; echo two
one
…
$ cat <<'END'
v1 of today
END
v1 of …
$ echo "v1 \\
and v2"
v1 and v3
$ false
$ echo not shown
```

```sh
this is not run
```
"""
    folder = tmp_path / "empty"
    folder.mkdir()
    otherwise, failed = run(page, folder, {"PATH": os.environ["PATH"]})
    assert "-v1 and v3\n+v1 and v2" in otherwise
    assert failed.startswith("$ false\nexit code 1")
