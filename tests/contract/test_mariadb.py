"""A database that takes names for one that differ only in case; `make servers` runs it."""

import pytest

from tests.support.registries.lab import Lab, rows

pytestmark = pytest.mark.needs_database(("mysql",), "MariaDB: `make servers`")


def test_of_two_aliases_that_differ_in_case_the_first_is_set_and_never_overwritten(
    lab: Lab,
) -> None:
    model = lab.model(2)
    lab.declare(model, "versions: {1: {aliases: [Champion]}, 2: {aliases: [champion]}}")

    warned = lab.run("validate")
    assert warned.code == 0
    assert "aliases `Champion` and `champion` differ only in case" in warned.stderr
    for code in (7, 6):
        done = lab.run("apply", "--yes")
        assert done.code == code
        assert "compares names without case: @champion would overwrite @Champion" in done.stdout
        assert lab.hand.values(model) == {"@Champion": 1}


def test_an_alias_of_somebody_elses_is_not_overwritten_under_another_spelling(lab: Lab) -> None:
    model = lab.model(2)
    lab.hand.alias(model, "champion", 1)
    lab.declare(model, "versions: {2: {aliases: [Champion]}}")

    assert lab.run("apply", "--yes").code == 6
    assert lab.hand.values(model) == {"@champion": 1}


def test_an_alias_is_spelled_otherwise_in_one_run_and_resolves_all_the_time(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, "versions: {1: {aliases: [fast]}}")
    assert lab.run("apply", "--yes").code == 0
    lab.declare(model, "versions: {1: {aliases: [Fast]}}")

    done = lab.run("apply", "--yes", "--format", "json")
    assert done.code == 0
    assert rows(done.document) == [
        "alias Fast None→1 declared",
        "alias fast 1→None removed",
    ]
    assert lab.hand.values(model) == {"@Fast": 1}
    assert lab.run("plan", "--detailed-exitcode").code == 0


def test_a_tag_is_spelled_otherwise_only_when_it_keeps_its_value(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model, "tags: {owner: ann}")
    assert lab.run("apply", "--yes").code == 0

    lab.declare(model, "tags: {Owner: ben}")
    assert lab.run("apply", "--yes").code == 6
    assert lab.hand.values(model) == {"tag owner": "ann"}

    lab.declare(model, "tags: {Owner: ann}")
    assert lab.run("apply", "--yes").code == 0
    assert lab.hand.values(model) == {"tag Owner": "ann"}


def test_a_model_is_found_under_its_own_spelling_alone(lab: Lab) -> None:
    model = lab.model(1)
    lab.declare(model.upper(), "versions: {1: {stage: Production}}")

    refused = lab.run("apply", "--yes")
    assert refused.code == 3
    assert f"did you mean `{model}`?" in refused.stderr
    assert lab.hand.values(model) == {}
