"""The loop, closed once: promoted, served, measured, proposed back, merged, applied, told."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.forges.ci_lab import MAIN, V1, CiLab, ci_lab
from tests.support.forges.forge_server import Commit, Pull
from tests.support.measurements.prometheus_server import program_or_skip, scraping, until
from tests.support.registries.lab import Lab
from tests.support.registries.model_folders import ModelFolders
from tests.support.registries.servers import Proxy, proxy
from tests.support.registries.serving_lab import App, model_files, serving_app

pytestmark = pytest.mark.needs_cel

# The world changes after the promotion: version 2 has never seen what comes then.
_UNSEEN: Final = """if model_input["x"].max() > 100:
            raise ValueError("never seen")
        return [2.0] * len(model_input)"""
_USUAL: Final = b'{"dataframe_split": {"columns": ["x"], "data": [[1.0]]}}'
_NEW: Final = b'{"dataframe_split": {"columns": ["x"], "data": [[500.0]]}}'
_RATIO: Final = "sum(model_errors_total{{{of}}}) / sum(model_requests_total{{{of}}})"
_OF: Final = 'model="$model",version="$version"'
_SERVED_TWO: Final = """versions:
  1: {{stage: Archived}}
  2: {{stage: Production, aliases: [champion]}}
watch:
  - name: errors
    source:
      prometheus: {url}
      query: '{query}'
      samples: 'sum(model_requests_total{{{of}}})'
    fail: value > 0.2
    for: 2 of 3
    grace: 1s
    min_samples: 10
"""


@dataclass
class Loop:
    """A model that an app serves, its forge, and what measures it."""

    ci: CiLab
    app: App
    registry: Proxy
    prometheus: str
    model: str

    def asked(self, body: bytes, *, errors: float) -> None:
        """Ask the app until so much of it went wrong, and Prometheus has seen all of it."""

        def part() -> float:
            for _ in range(15):
                version = str(self.app.invoke(body).version)
            wrong = self.app.metric("model_errors_total", version=version)
            return wrong / self.app.metric("model_requests_total", version=version)

        self.app.wait_until(lambda: part() >= errors)
        seen = self.app.metric("model_requests_total")
        until(self.prometheus, f"sum(model_requests_total) == {seen}")
        time.sleep(1)  # the grace of the rule

    def look(self) -> dict[str, Any]:
        """Return what the job says of the model; it never writes to the registry."""
        before = len(self.registry.requests)
        found = self.ci.lab.run("watch", "--format", "json", env=self.ci.around("schedule"))
        asked = [(r.method, r.path.partition("?")[0]) for r in self.registry.requests[before:]]
        assert all(method == "GET" or path.endswith("/search") for method, path in asked)
        (row,) = found.document["models"]
        assert found.document["errors"] == []
        assert (found.code == 2) == (row["verdict"] == "failed"), found.text
        return dict(row)

    def merged(self, pull: Pull, branch: str) -> None:
        """Plan a pull request, merge it, apply the merge, and wait until the app follows."""
        self.ci.stand(branch)
        assert self.ci.plan(pull).code == 0
        self.ci.state.review(pull, "bob")
        self.ci.merge(pull, branch)
        applied = self.ci.apply()
        assert applied.code == 0, applied.text

    def serves(self, version: int) -> None:
        self.app.wait_until(lambda: self.app.serves() == version)


@pytest.fixture
def loop(lab: Lab, tmp_path: Path) -> Iterator[Loop]:
    program = program_or_skip()
    model, folders = lab.model(0), ModelFolders(lab.hand)
    for then in (1, _UNSEEN):
        folders.register(model, model_files(then))
    with ExitStack() as stack:
        app = stack.enter_context(serving_app(tmp_path, lab.uri, model))
        port = int(app.uri.rpartition(":")[2])
        registry = stack.enter_context(proxy(lab.uri))
        lab.uri = registry.uri
        ci = stack.enter_context(ci_lab(lab, tmp_path))
        ci.state.pushed = lambda branch, _: [_head(ci, branch)]
        prometheus = stack.enter_context(scraping(tmp_path, program, port))
        yield Loop(ci, app, registry, prometheus, model)


def _head(ci: CiLab, branch: str) -> Commit:
    sha = ci.remote.git("rev-parse", branch)
    return Commit(sha, ci.state.me, ci.state.me, "41898282+github-actions[bot]@users.example")


def test_a_version_that_fails_while_it_serves_is_rolled_back_by_a_merge(loop: Loop) -> None:
    ci, model = loop.ci, loop.model
    ci.settle()
    ci.declare(model, V1.replace(", 2: {stage: Staging}", ""))
    ci.push()
    assert ci.apply().code == 0
    loop.serves(1)
    rule = {"url": loop.prometheus, "query": _RATIO.format(of=_OF), "of": _OF}
    loop.merged(ci.promote(model, _SERVED_TWO.format(**rule)), "change")
    loop.serves(2)

    loop.asked(_USUAL, errors=0.0)
    healthy = loop.look()
    assert (healthy["version"], healthy["verdict"]) == (2, "healthy"), healthy["rules"]
    loop.asked(_NEW, errors=0.3)
    assert loop.look()["verdict"] == "inconclusive"
    failed = loop.look()
    assert (failed["verdict"], failed["proposal"]["action"]) == ("failed", "opened")
    pull = ci.state.pulls[max(ci.state.pulls)]
    assert pull.title == f"Roll back {model} v2 → v1: errors fails"
    assert re.search(r"\| v2 \| 0\.\d+ \|", pull.body), "the measurements as a table"
    assert "```text" in pull.body, "and as a plot"
    assert loop.look()["proposal"]["action"] == "commented"

    ci.lab.git.git("fetch", "--quiet", "origin")
    loop.merged(pull, failed["proposal"]["branch"])
    loop.serves(1)
    assert loop.app.invoke(_NEW).document == {"predictions": [1.0]}

    told = ci.lab.run("history", model).stdout
    (last, *_) = ci.lab.run("history", model, "--format", "json").document["changes"][::-1]
    assert last["pull_request"] == pull.number
    assert last["approvals"]["verified"] == ["bob"]
    assert "blocked" in told
    assert "watch: errors: 2 of the last 3 looks failed" in told

    loop.asked(b'{"rows": 1}', errors=0.3)
    loop.look()
    again = loop.look()
    assert (again["version"], again["verdict"]) == (1, "failed")
    assert again["proposal"]["action"] == "held-back"
    assert "because of a rollback" in again["proposal"]["why"]
    assert (
        ci.remote.git("for-each-ref", "--format=%(refname)", "refs/heads/rollback").count("\n") == 0
    )
    assert ci.lab.git.git("rev-parse", "--abbrev-ref", "HEAD") == MAIN
