"""The app of examples/serving follows commits and applies, and nothing broken takes its place."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from traffic import route

from tests.support.registries.lab import Hand, Lab
from tests.support.registries.model_folders import ModelFolders, digest_of
from tests.support.registries.servers import Proxy, Request, proxy
from tests.support.registries.serving_lab import App, load_of, model_files, serving_app
from tests.support.repositories.git_lab import GitLab

_POLL: Final = 0.2
_SLOWEST_LOAD: Final = 10.0  # on a machine that does other things, too

_EXIT: Final = "import sys\n\nsys.exit(1)\n"
# One row, as the warm-up has, is answered.
_SLOW: Final = """if len(model_input) == 1:
            return [8.0]
        time.sleep(0.2)
        raise ValueError("of two rows")"""
# More than two rows wait until the test lets them go.
_WAITING: Final = """while len(model_input) > 2 and not os.path.exists(os.environ["GO"]):
            time.sleep(0.01)
        return [10.0] * len(model_input)"""
_VERSIONS: Final[Mapping[int, Mapping[str, bytes]]] = {
    1: model_files(1),
    2: model_files(2),
    3: model_files(3, at_load="raise RuntimeError('no weights here')\n"),
    4: model_files(4, at_load=_EXIT),
    5: model_files(5, inputs={"x": "double", "y": "double"}),
    6: model_files(6, inputs={"x": "string"}),
    7: model_files("raise ValueError('of no use')"),
    8: model_files(_SLOW, at_load="import time\n"),
    9: model_files(9),
    10: model_files(_WAITING, at_load="import os, time\n"),
}
# What cannot serve after version 2, and what is said about it.
_BROKEN: Final = {
    3: "no weights here",
    4: "1",
    5: "does not accept what version 2 accepts",
    6: "does not accept what version 2 accepts",
    7: "of no use",
}


@dataclass
class Desk:
    """A checkout, the registry that it declares, and the app that follows."""

    lab: Lab
    model: str
    folders: ModelFolders
    app: App
    files: Path
    go: Path
    front: Proxy

    def declare(self, text: str) -> None:
        """Commit what the versions are, one to a line, and apply it."""
        lines = [f"  {line}\n" for line in text.splitlines()]
        self.lab.declare(self.model, "versions:\n" + "".join(lines))
        result = self.lab.run("apply", "--yes")
        assert result.code == 0, result.text

    def champion(self, version: int, **more: str) -> None:
        """Declare the champion, and aliases of other versions by their names."""
        lines = {version: "stage: Production, aliases: [champion]"}
        lines |= {int(number): f"aliases: [{alias}]" for alias, number in more.items()}
        self.declare("\n".join(self.line(number, text) for number, text in lines.items()))

    def line(self, version: int, text: str) -> str:
        return f"{version}: {{{text}, digest: '{digest_of(_VERSIONS[version])}'}}"

    def forgets_what_it_replaced(self) -> None:
        """Wait until one version is left: what is loaded was checked, and may serve again."""
        self.app.wait_until(lambda: len([*self.files.glob("serving-*/*")]) == 1)


@pytest.fixture(scope="module", name="shared")
def shared_fixture(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Start one app on a model of ten versions."""
    folder = tmp_path_factory.mktemp("serving")
    lab = Lab(GitLab.new(folder), mlflow_uri, Hand(mlflow_uri))
    model, folders = lab.model(0), ModelFolders(lab.hand)
    for files in _VERSIONS.values():
        folders.register(model, files)
    (files_of_app := folder / "tmp").mkdir()
    settings = {
        "CANDIDATE": "alias:challenger",
        "DIGESTS": str(lab.git.root / "registry-state" / f"{model}.yaml"),
        "TMPDIR": str(files_of_app),
        "GO": str(go := folder / "go"),
    }
    with proxy(mlflow_uri) as front, serving_app(folder, front.uri, model, **settings) as app:
        yield Desk(lab, model, folders, app, files_of_app, go, front)
    assert [*files_of_app.iterdir()] == [], "a process that was told to end leaves no files"


@pytest.fixture(name="desk")
def desk_fixture(shared: Desk) -> Desk:
    """Have version 2 served, and nothing else declared."""
    shared.champion(2)
    shared.app.wait_for(2)
    shared.app.wait_until(lambda: shared.app.metric("model_in_step", role="champion") == 1)
    return shared


def test_it_is_ready_when_it_serves_and_says_what(desk: Desk) -> None:
    app = desk.app
    assert app.get("/healthz").status == 200
    ready = app.get("/readyz")
    assert ready.status == 200
    assert ready.document == {"model": desk.model, "version": "2", "behind": None}
    asked = app.metric("model_requests_total", version="2", role="champion")
    errors = app.metric("model_errors_total", version="2")

    reply = app.invoke()
    assert reply.document == {"predictions": [2.0, 2.0]}
    assert (reply.headers["x-model-name"], reply.version) == (desk.model, 2)
    wrong = app.invoke(b'{"rows": 1}')
    assert (wrong.status, wrong.version) == (400, 2)
    assert "exactly one of the input fields" in wrong.document["message"]

    labels = {"model": desk.model, "version": "2", "role": "champion"}
    assert app.metric("model_requests_total", **labels) == asked + 2
    assert app.metric("model_errors_total", **labels) == errors + 1
    assert app.metric("model_latency_seconds_count", **labels) == asked + 2
    predictions = app.metric("model_predictions_total", **labels)
    assert app.metric("model_prediction_sum", **labels) / predictions == 2.0


def test_each_apply_is_followed_under_load_and_no_request_fails(desk: Desk) -> None:
    desk.champion(1)
    desk.app.wait_for(1)
    changes = []
    with load_of(desk.app) as load:
        load.more(25)
        for version in (2, 1, 2):
            begin = time.monotonic()
            desk.champion(version)
            applied = time.monotonic()
            desk.app.wait_for(version)
            changes.append((version, begin, applied, time.monotonic()))
            load.more(25)
    assert load.failed == []
    assert set(load.seen()) == {1, 2}
    for version, _, applied, served in changes:
        assert served - applied < _POLL + _SLOWEST_LOAD, version
    # From which moment a version was declared, and until when: an apply is somewhere in between.
    begins = [0.0, *(begin for _, begin, _, _ in changes)]
    ends = [*(applied for _, _, applied, _ in changes), float("inf")]
    late = max(served - applied for _, _, applied, served in changes)
    for sent in load.sent:
        declared = [
            version
            for version, begin, end in zip((1, 2, 1, 2), begins, ends, strict=True)
            if begin <= sent.end and end >= sent.begin - late
        ]
        assert sent.reply.version in declared
    # Once it was seen, the version before is not seen any more: there is one swap.
    for version, begin, until in zip(
        (2, 1, 2), begins[1:], [*begins[2:], float("inf")], strict=True
    ):
        new = [s.end for s in load.sent if s.begin > begin and s.reply.version == version]
        old = [s for s in load.sent if min(new) < s.begin and s.end < until]
        assert {s.reply.version for s in old} <= {version}
    # What was replaced is gone from the disk, too.
    desk.forgets_what_it_replaced()


def test_the_number_that_was_read_is_what_is_loaded(desk: Desk) -> None:
    app, model, hand = desk.app, desk.model, desk.lab.hand
    lines = {2: "stage: Production, aliases: [champion]", 1: "aliases: [a]", 9: "aliases: [b]"}
    desk.declare("\n".join(desk.line(number, text) for number, text in lines.items()))
    desk.forgets_what_it_replaced()
    loads = app.log.read_text().count("version 1 of")
    steps = [1, 9]  # the alias before a look is answered, and right after

    def move(request: Request) -> None:
        if "alias=champion" in request.path and steps:
            hand.alias(model, "champion", steps.pop(0))

    desk.front.before = desk.front.after = move
    replies = [app.invoke()]

    def last() -> int:
        replies.append(app.invoke())
        return replies[-1].version

    app.wait_until(lambda: last() == 9)
    assert app.log.read_text().count("version 1 of") == loads + 1
    assert {(r.version, *r.document["predictions"]) for r in replies} <= {
        (2, 2.0, 2.0),
        (1, 1.0, 1.0),
        (9, 9.0, 9.0),
    }


def test_a_request_ends_with_the_version_that_it_began_with(desk: Desk) -> None:
    app, rows = desk.app, b'{"dataframe_records": [{"x": 1}, {"x": 2}, {"x": 3}]}'
    desk.champion(10)
    app.wait_for(10)
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(app.invoke, rows)
        desk.champion(2)
        app.wait_for(2)
        assert not begun.done()
        desk.go.touch()
        reply = begun.result(30)
    assert (reply.status, reply.version) == (200, 10)
    assert reply.document == {"predictions": [10.0, 10.0, 10.0]}
    desk.forgets_what_it_replaced()


@pytest.mark.parametrize("version", _BROKEN)
def test_a_version_that_cannot_serve_leaves_in_place_what_serves(desk: Desk, version: int) -> None:
    app, number = desk.app, str(version)
    failures = app.metric("model_reload_failures_total", version=number, role="champion")
    with load_of(app) as load:
        desk.champion(version)
        app.wait_until(
            lambda: (
                app.metric("model_reload_failures_total", version=number, role="champion")
                > failures
            )
        )
        # A busy server may cut the first download off: the app tries again.
        ready = app.wait_until_behind(_BROKEN[version])
        assert ready.document["behind"].startswith(f"version {version}: ")
    assert load.failed == []
    assert set(load.seen()) == {2}
    assert (ready.status, ready.document["version"]) == (200, "2")
    assert app.metric("model_in_step", role="champion") == 0
    assert _BROKEN[version] in app.log.read_text()


def test_a_broken_candidate_turns_its_own_readiness_and_nothing_else(desk: Desk) -> None:
    app = desk.app
    desk.champion(2, challenger="3")
    assert app.wait_until_behind("no weights", "/readyz/candidate").status == 503
    assert app.get("/readyz").document == {"model": desk.model, "version": "2", "behind": None}
    assert app.metric("model_in_step", role="champion") == 1
    assert app.metric("model_in_step", role="shadow") == 0
    assert app.serves() == 2

    desk.champion(2, challenger="9")
    app.wait_until(lambda: app.get("/readyz/candidate").status == 200)
    assert app.metric("model_in_step", role="shadow") == 1
    app.invoke()
    app.wait_until(lambda: app.metric("model_requests_total", version="9", role="shadow"))
    loads = app.log.read_text().count("version 9 of")
    desk.champion(9)  # it is loaded already
    desk.app.wait_for(9)
    assert app.log.read_text().count("version 9 of") == loads


def test_a_file_that_was_swapped_after_its_approval_is_refused(desk: Desk) -> None:
    app, model, hand = desk.app, desk.model, desk.lab.hand
    lines = [
        desk.line(2, "stage: Production, aliases: [champion]"),
        desk.line(9, "aliases: [next]"),
    ]
    desk.declare("\n".join(lines))
    desk.forgets_what_it_replaced()
    desk.folders.put(model, 9, "model.py", _VERSIONS[1]["model.py"])
    try:
        hand.alias(model, "champion", 9)
        app.wait_until_behind("another digest")
        assert app.serves() == 2
        hand.alias(model, "champion", 1)  # the files declare none for it
        app.wait_until_behind("no digest")
        assert app.serves() == 2
    finally:
        desk.folders.put(model, 9, "model.py", _VERSIONS[9]["model.py"])


def test_an_ab_test_is_sticky_and_begins_changes_and_ends_by_apply(desk: Desk) -> None:
    app = desk.app
    keys = [f"customer-{number}" for number in range(60)]

    def begin(part: str, rest: str) -> Mapping[str, int]:
        champion = f"stage: Production, aliases: [champion], traffic: {rest}"
        lines = [desk.line(2, champion), desk.line(9, f"traffic: {part}")]
        desk.declare("\n".join(lines))
        wanted = {key: int(route(key, {"2": float(rest), "9": float(part)})) for key in keys}
        app.wait_until(lambda: answered() == wanted)
        return wanted

    def answered() -> Mapping[str, int]:
        return {key: app.invoke(x_routing_key=key).version for key in keys}

    before, after = begin("0.1", "0.9"), begin("0.3", "0.7")
    treated = {key for key, version in before.items() if version == 9}
    assert treated < {key for key, version in after.items() if version == 9}
    assert app.metric("model_requests_total", version="9", role="treatment")
    assert {app.invoke().version for _ in range(60)} == {2, 9}  # without a key, each anew

    desk.champion(9)
    app.wait_until(lambda: set(answered().values()) == {9})


def test_a_shadow_that_is_slow_and_fails_touches_no_answer(desk: Desk) -> None:
    app = desk.app
    desk.champion(2, challenger="8")
    app.wait_until(lambda: app.get("/readyz/candidate").status == 200)
    with ThreadPoolExecutor(4) as pool:
        replies = [*pool.map(lambda _: app.invoke(), range(160))]
    assert {(reply.status, reply.version) for reply in replies} == {(200, 2)}
    assert app.metric("model_shadow_dropped_total") > 0
    app.wait_until(lambda: app.metric("model_errors_total", version="8", role="shadow"))
    assert app.get("/readyz").status == 200
