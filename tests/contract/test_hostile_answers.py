"""A registry that answers anything at all: no traceback, no control code, no surprise."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.core.state import Identity
from reconciler.errors import RegistryError
from reconciler.registries.rest import MlflowRest
from tests.support.registries.lab import Hand, Lab
from tests.support.registries.servers import Answer, Request, proxy
from tests.support.repositories.git_lab import GitLab

_DECLARED = "tags: {a: b}\nversions: {1: {stage: Production, aliases: [champion]}, 2: {}}\n"

# Texts that a terminal, a log or a page would obey, and those that no encoding takes.
_TEXTS = st.one_of(
    st.sampled_from(
        [
            *("m", "1", "2", "Production", "None", "READY", "champion", "", "0", "-1", "1.5"),
            *("\x1b[31m", "\x1b]0;x\x07", "a\u202eb", "\ud800", "\n::error::x", "\x00", "\r"),
            *("9" * 5_000, "9" * 30, "models:/m-9", "models:/m/1", "x" * 3_000, "😀"),
        ]
    ),
    st.text(max_size=6),
)
_NUMBERS = st.sampled_from(
    [
        0,
        1,
        2,
        -1,
        -(10**30),
        10**30,
        2**63,
        1e308,
        -0.0,
        float("nan"),
        float("inf"),
        1_700_000_000_000,
    ]
)
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=4,
)


def _mostly(*usual: Any) -> st.SearchStrategy[Any]:
    """Give what MLflow answers, most of the time: what is all wrong goes no deeper."""
    fine = st.sampled_from(usual)
    return st.one_of(fine, fine, fine, fine, _TEXTS, _ANYTHING)


def _listed(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(st.one_of(kinds), max_size=3), st.lists(st.one_of(kinds)), _ANYTHING)


_TAGS = _listed(
    st.fixed_dictionaries({"key": _mostly("a", "reconciler.commit"), "value": _mostly("b", "")})
)
_MOMENTS = st.one_of(st.just(1_700_000_000_000), _NUMBERS, _ANYTHING)
_VERSIONS = st.fixed_dictionaries(
    {"name": _mostly("m"), "version": _mostly("1", "2", 1)},
    optional={
        "current_stage": _mostly("Production", "None", "Archived"),
        "description": _TEXTS,
        "run_id": _mostly("r1"),
        "source": _mostly("models:/m-9", "s3://b/1"),
        "creation_timestamp": _MOMENTS,
        "last_updated_timestamp": _MOMENTS,
        "status": _mostly("READY"),
        "tags": _TAGS,
    },
)
_MODELS = st.fixed_dictionaries(
    {"name": _mostly("m")},
    optional={
        "description": _TEXTS,
        "tags": _TAGS,
        "aliases": _listed(
            st.fixed_dictionaries({"alias": _mostly("champion"), "version": _mostly("1", "2")})
        ),
        "latest_versions": _listed(_VERSIONS),
    },
)
_METRICS = _listed(
    st.fixed_dictionaries(
        {"key": _mostly("auc"), "value": st.one_of(_NUMBERS, _ANYTHING)},
        optional={"timestamp": _MOMENTS, "step": _NUMBERS, "run_id": _mostly("r1")},
    )
)
_RUNS = st.fixed_dictionaries(
    {"info": st.fixed_dictionaries({"run_id": _mostly("r1")}, optional={"start_time": _MOMENTS})},
    optional={
        "data": st.fixed_dictionaries({}, optional={"metrics": _METRICS, "tags": _TAGS}),
    },
)
_PATHS = {
    "registered-models/search": st.fixed_dictionaries({"registered_models": _listed(_MODELS)}),
    "model-versions/search": st.fixed_dictionaries({"model_versions": _listed(_VERSIONS)}),
    "registered-models/get": st.fixed_dictionaries({"registered_model": _MODELS}),
    "model-versions/get?": st.fixed_dictionaries({"model_version": _VERSIONS}),
    "runs/get": st.fixed_dictionaries({"run": _RUNS}),
    "logged-models/": st.fixed_dictionaries(
        {"model": st.fixed_dictionaries({"data": st.fixed_dictionaries({"metrics": _METRICS})})}
    ),
    "transition-stage": st.fixed_dictionaries({"model_version": _VERSIONS}),
}
_ANSWERS = st.fixed_dictionaries(
    {path: st.one_of(shape, shape, shape, _ANYTHING) for path, shape in _PATHS.items()}
)


@dataclass
class Liar:
    """A desk in front of a registry that answers `answers`, by a part of the path."""

    lab: Lab
    answers: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        if request.path == "/version":
            return Answer(200, b"3.17.2")
        for path, answer in self.answers.items():
            if path in request.path:
                return Answer(200, json.dumps(answer).encode())
        return Answer(200, b"{}")


@pytest.fixture(scope="module")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    """Set up a checkout in front of a server that says whatever it is told to say."""
    git = GitLab.new(tmp_path_factory.mktemp("liar"))
    git.commit({"registry-state/m.yaml": _DECLARED})
    desk = Liar(Lab(git, "", Hand("")))
    with proxy(before=desk.answer) as server:
        desk.lab.uri = server.uri
        yield desk


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=_ANSWERS)
@example(answers={"registered-models/get": {"registered_model": {"name": "another"}}})
def test_no_answer_makes_a_command_crash_or_lets_a_control_code_through(
    liar: Liar, answers: dict[str, Any]
) -> None:
    liar.answers = answers
    commands = (
        ["plan"],
        ["plan", "--format", "markdown"],
        ["status"],
        ["show", "m"],
        ["drift", "--unmanaged"],
        ["compare", "m", "1", "2"],
        ["apply", "--yes", "--timeout", "1"],
    )
    for command in commands:
        result = liar.lab.run(*command)
        assert "Traceback" not in result.text, (command, result.text[-2000:])
        assert 0 <= result.code <= 7
        assert all(char.isprintable() or char == "\n" for char in result.stderr), command
        if "markdown" not in command:
            assert all(char.isprintable() or char == "\n" for char in result.stdout), command


@settings(max_examples=60)
@given(answers=_ANSWERS)
@example(answers={"registered-models/search": {"registered_models": [{"name": "m"}] * 3}})
def test_what_is_not_mlflows_is_a_registry_error_and_duplicate_rows_count_once(
    liar: Liar, answers: dict[str, Any]
) -> None:
    liar.answers = answers
    registry = MlflowRest(liar.lab.uri, environ={}, retry_for=0)
    with suppress(RegistryError):
        for name, live in registry.read().items():
            assert live.model == name
            assert {one.version for one in live.fields if one.version is not None} <= {
                *live.versions
            }
    with suppress(RegistryError):
        registry.confirm("m", [1, 2])
    with suppress(RegistryError):
        registry.set_stage("m", 1, "Production")
    facts = registry.facts("m", 1, Identity("r1", "models:/m-9", 1))
    assert all(isinstance(value, float) for value in facts.metrics.values())
