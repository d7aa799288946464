"""What examples/serving/README.md says: its commands run, and it explains every setting."""

import re
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests import ROOT
from tests.support.registries.lab import Lab
from tests.support.registries.model_folders import ModelFolders
from tests.support.registries.serving_lab import SERVING, App, model_files, serving_app

_README: Final = (SERVING / "README.md").read_text()
_BLOCKS: Final = re.findall(r"```sh\n(.*?)```", _README, re.DOTALL)
_PATTERNS: Final = [line for line in _BLOCKS[2].splitlines() if line.startswith("FOLLOW=")]


def test_each_pattern_is_one_setting_of_the_same_files(lab: Lab, tmp_path: Path) -> None:
    model, folders = lab.model(0), ModelFolders(lab.hand)
    for answer in (1, 2):
        folders.register(model, model_files(answer))
    assert [line.split(":")[0] for line in _PATTERNS] == [
        "FOLLOW=alias",
        "FOLLOW=stage",
        "FOLLOW=pinned",
    ]
    assert _PATTERNS[0] in _BLOCKS[0]
    with ExitStack() as started:
        apps = [
            started.enter_context(serving_app(tmp_path, lab.uri, model, command=line))
            for line in _PATTERNS
        ]
        by_alias, by_stage, pinned = apps
        # Version 1 exists, but it is in no stage and has no alias.
        pinned.wait_until(pinned.ready)
        for app in (by_alias, by_stage):
            app.wait_until(app.lives)
            assert app.wait_until_behind("names no version").status == 503
            assert app.invoke().status == 503

        _declare(lab, model, 1)
        for app in apps:
            app.wait_for(1)
        _declare(lab, model, 2)
        for app in (by_alias, by_stage):
            app.wait_for(2)
        assert pinned.serves() == 1
        _curl(by_alias)


def _declare(lab: Lab, model: str, version: int) -> None:
    lab.declare(model, f"versions:\n  {version}: {{stage: Production, aliases: [champion]}}\n")
    assert lab.run("apply", "--yes").code == 0


def _curl(app: App) -> None:
    command = shlex.split(_BLOCKS[1].replace("http://127.0.0.1:8000", app.uri))
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "x-model-version: 2" in answer
    assert '{"predictions": [2.0, 2.0]}' in answer


def test_every_setting_path_and_metric_is_explained() -> None:
    code = "".join(path.read_text() for path in SERVING.glob("*.py"))
    settings = set(re.findall(r'environ(?:\.get)?[\[(]"(\w+)"', code))
    assert {"MODEL", "FOLLOW", "DIGESTS"} <= settings
    metrics = set(re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(\w+)"', code))
    assert "model_requests" in metrics
    paths = set(re.findall(r'@app\.\w+\("(.*?)"\)', code))
    assert {name for name in settings | metrics | paths if f"`{name}" not in _README} == {
        "/invocations"  # `POST /invocations`
    }


def test_the_app_can_be_read_at_once_and_needs_no_reconciler() -> None:
    assert len((SERVING / "app.py").read_text().splitlines()) <= 150
    for path in SERVING.glob("*.py"):
        imported = re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert imported
        assert "reconciler" not in imported


def test_the_image_gets_what_the_tests_ran_with() -> None:
    lock = re.findall(r"^(\S+==\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    wanted = (SERVING / "requirements.txt").read_text().splitlines()
    pinned = {line for line in wanted if not line.startswith("#")}
    assert len(pinned) == 5
    assert pinned <= set(lock), "`make lock` found newer ones"
