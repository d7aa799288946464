"""Consumers in a model's file: what they load has to be declared, and each is told once."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import reconciler
from reconciler.core.declaring.consumers import declared_version
from reconciler.errors import DeclarationError, ExitCode
from reconciler.files.loader import load

VERSIONS = "versions: {4: {stage: Production, aliases: [champion]}, 3: {stage: Archived}, 2: {}}\n"


def written(folder: Path, consumers: str, settings: str = "", versions: str = VERSIONS) -> Path:
    folder.joinpath("reconciler.yaml").write_text(settings or "branch: main\n")
    folder.joinpath("m.yaml").write_text(f"consumers:\n{consumers}{versions}")
    return folder


def validated(folder: Path) -> list[str]:
    problems = reconciler.validate(folder)
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in problems]


@pytest.mark.parametrize(
    ("loads", "version"),
    [('"@champion"', 4), ("Production", 4), ("3", 3), ("2", 2), ("Archived", 3)],
)
def test_what_a_consumer_loads_is_a_declared_version(
    tmp_path: Path, loads: str, version: int
) -> None:
    written(tmp_path, f"- {{name: api, loads: {loads}}}\n")
    declaration = load(tmp_path, "state").declarations["m"]
    (consumer,) = declaration.consumers
    assert declared_version(consumer.loads, declaration) == version
    assert reconciler.validate(tmp_path) == ()


def test_what_only_the_bridge_declares_is_declared(tmp_path: Path) -> None:
    consumers = '- {name: api, loads: "@challenger"}\n- {name: batch, loads: Staging}\n'
    versions = "versions: {5: {stage: Staging}}\n"
    settings = "exclusive: [Production, Staging]\nbridge: {Staging: challenger}\n"
    written(tmp_path, consumers, settings, versions)
    assert reconciler.validate(tmp_path) == ()
    written(tmp_path, consumers, versions=versions)
    assert validated(tmp_path) == [
        "2:22 `api` loads @challenger, which is not declared (declared are Staging, 5)"
    ]


@pytest.mark.parametrize(
    ("loads", "said"),
    [
        ('"@champoin"', "@champoin, which is not declared (did you mean `@champion`?)"),
        ("Staging", "Staging, which is declared for no version"),
        ("7", "v7, which is not declared (declared are @champion, Production, Archived, 4, 3, 2)"),
    ],
)
def test_what_resolves_to_nothing_is_told_at_its_place(
    tmp_path: Path, loads: str, said: str
) -> None:
    written(tmp_path, f"- name: ledger\n  owner: books\n  loads: {loads}\n")
    (problem,) = validated(tmp_path)
    assert problem.startswith(f"4:10 `ledger` loads {said}")
    assert reconciler.validate(tmp_path)[0].code == ExitCode.DECLARATION


def test_consent_to_take_it_away_makes_that_a_warning(tmp_path: Path) -> None:
    until = datetime.now(tz=timezone.utc).date() + timedelta(days=3)
    consent = (
        f"accept: [{{guard: pinned-consumer, until: {until}, reason: ledger goes on Friday}}]\n"
    )
    written(tmp_path, "- {name: ledger, loads: 7}\n", versions=f"{consent}{VERSIONS}")
    assert [problem.code for problem in reconciler.validate(tmp_path)] == [ExitCode.OK]


def test_a_consumer_has_an_entry_for_each_thing_that_it_loads(tmp_path: Path) -> None:
    several = '- {name: api, loads: "@champion"}\n- {name: api, loads: 3}\n'
    written(tmp_path, several)
    assert reconciler.validate(tmp_path) == ()
    written(tmp_path, f'{several}- {{name: api, owner: x, loads: "@champion"}}\n')
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, "state")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (4, 10)
    assert problem.message == "consumer `api` loads `@champion` already, by item 1 of the list"
