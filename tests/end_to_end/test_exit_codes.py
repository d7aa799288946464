"""Exit codes: which of several reasons decides, and every command's document says it."""

from itertools import combinations
from pathlib import Path

import click
import pytest

from reconciler.cli import cli
from reconciler.errors import ExitCode, first_code
from tests.support.registries.lab import Hand, Lab
from tests.support.repositories.git_lab import GitLab

_ORDER = (6, 3, 4, 5)
_BROKEN = {"registry-state/m.yaml": "versions: {1: {stage: Live}}\n"}
_PLACE = ("registry-state/m.yaml", 1, 23, "m")
_NOWHERE = (None, None, None, None)

# Every command, and what goes wrong first where a file is broken and no registry is named.
_FAILS = {
    "init": 3,
    "validate": 3,
    "plan": 3,
    "apply --yes": 3,
    "drift": 3,
    "status": 3,
    "show m": 3,
    "compare m 1 2": 3,
    "card m": 3,
    "resolve m": 3,
    "digest m": 3,
    "import": 3,
    "promote m 1": 3,
    "rollback m": 3,
    "discover": 3,
    "tidy": 3,
    "watch": 3,
    "history nosuch": 1,
    "audit --since last-week": 1,
    "page --out public": 3,
    "consumers": 3,
    "migrate stages --report": 3,
    "migrate rewrite .": 3,
    "ci plan": 3,
    "ci apply": 3,
    "ci drift": 3,
    "forget m": 1,  # it reads no model: a mistake keeps nobody from leaving
    "schema nosuch": 1,
    "demo --frob": 1,
}


@pytest.mark.parametrize(("first", "second"), list(combinations(_ORDER, 2)))
def test_of_two_reasons_the_one_whose_remedy_comes_first_decides(first: int, second: int) -> None:
    for codes in ((first, second), (second, first)):
        assert first_code([ExitCode.OK, *map(ExitCode, codes)]) == first


def test_without_a_reason_all_is_well() -> None:
    assert first_code([]) == first_code([ExitCode.OK]) == 0


def test_every_command_is_made_to_fail() -> None:
    assert {line.split()[0] for line in _FAILS} == set(cli.list_commands(click.Context(cli)))


@pytest.mark.parametrize("line", _FAILS)
def test_a_command_that_fails_prints_one_document_that_says_why_and_with_which_code(
    line: str, tmp_path: Path
) -> None:
    lab = Lab(GitLab.new(tmp_path), "", Hand("http://127.0.0.1:9"))
    lab.git.commit(dict(_BROKEN))
    code = _FAILS[line]
    failed = lab.run(*line.split(), "--format", "json")
    assert failed.code == code
    document = failed.document
    assert list(document) == ["format_version", "errors", "exit"]
    assert document["exit"] == {"code": code, "reason": {1: "usage", 3: "declared state"}[code]}
    [error] = document["errors"]
    place = tuple(error[key] for key in ("file", "line", "column", "model"))
    assert place == (_PLACE if code == 3 else _NOWHERE)
    assert error["message"] in failed.stderr
    plain = lab.run(*line.split())
    assert plain.code == code, "the same for every format"
    assert plain.stdout == ""
