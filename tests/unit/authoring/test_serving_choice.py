"""Which alias serves in a registry without stages, and what a model's own file says of it."""

from collections.abc import Mapping

import pytest

from reconciler.authoring.questions import take_default
from reconciler.authoring.serving_choice import serving_choice, with_own_serving
from reconciler.core.settings import Ignore, ServingRules, Settings
from reconciler.core.state import (
    Declaration,
    DeclaredVersion,
    Field,
    Fields,
    Identity,
    Live,
    LiveVersion,
    Serving,
    Value,
)

CHAMPION = Serving(None, "champion")


def fields(aliases: str, stage: str = "None") -> Fields:
    values: dict[Field, Value] = {Field("alias", None, alias): 1 for alias in aliases.split()}
    return values | {Field("stage", 1): stage}


def registry(**models: str) -> list[Live]:
    version = {1: LiveVersion(Identity(None, None, None))}
    return [Live(name, fields(aliases), version) for name, aliases in models.items()]


def declared(models: Mapping[str, tuple[str, str]]) -> dict[str, Declaration]:
    return {
        name: Declaration(name, fields(aliases, stage), {1: DeclaredVersion()})
        for name, (aliases, stage) in models.items()
    }


@pytest.mark.parametrize(
    ("models", "alias"),
    [
        ({"a": "live", "b": "live next", "c": "next"}, "live"),  # a tie: in the order of letters
        ({"a": "blue champion", "b": "champion blue"}, "champion"),
        ({"a": "champion", "b": "live", "c": "live"}, "live"),
        ({"a": "champion challenger", "b": "champion challenger", "c": "challenger"}, "champion"),
        ({"a": "challenger", "b": "challenger"}, None),
        ({"a": "one"}, "one"),
        ({"a": "one", "b": "two"}, None),
        ({"a": "", "b": ""}, None),
        ({}, None),
        ({"a": "not.valid", "b": "not.valid"}, None),
        ({"a": "ci-x", "b": "ci-x", "c": "live"}, None),
    ],
)
def test_the_alias_that_most_models_share_serves(models: dict[str, str], alias: str | None) -> None:
    settings = Settings(ignore=Ignore(aliases=("ci-*",)))
    choice = serving_choice(registry(**models), settings, take_default)
    assert (choice.alias if choice else None) == alias


def test_where_a_stage_is_in_use_no_alias_is_chosen() -> None:
    models = registry(a="champion", b="champion")
    used = Live("c", fields("", "Staging"), models[0].versions)
    assert serving_choice([*models, used], Settings(), take_default) is None
    rested = Live("c", fields("", "Archived"), models[0].versions)
    choice = serving_choice([*models, rested], Settings(), take_default)
    assert choice is not None
    assert choice.lines == ("serving: {alias: champion}",)


def test_a_name_that_yaml_reads_otherwise_is_quoted() -> None:
    choice = serving_choice(registry(a="on", b="on"), Settings(), take_default)
    assert choice is not None
    assert choice.lines == ('serving: {alias: "on"}', 'guards: {aliases: ["on"]}')


def test_a_file_says_what_serves_where_the_settings_say_what_no_version_has() -> None:
    models = declared(
        {
            "stage": ("champion", "Production"),
            "alias": ("champion shadow", "None"),
            "other": ("own", "None"),
            "beside": ("shadow", "None"),
            "both": ("x y", "None"),
            "contender": ("challenger", "None"),
            "staging": ("champion", "Staging"),
            "none": ("", "None"),
        }
    )
    found, told = with_own_serving(models, Settings())
    own = {name: str(each.serving) for name, each in found.items() if each.serving}
    assert own == {"alias": "@champion", "other": "@own"}
    assert [problem.model for problem in told] == ["alias", "other", "beside", "both", "contender"]

    by_alias = Settings(serving=ServingRules(CHAMPION))
    found, _ = with_own_serving(models, by_alias)
    own = {name: str(each.serving) for name, each in found.items() if each.serving}
    assert own == {"other": "@own"}
    staged = declared({"stage": ("", "Production")})
    assert with_own_serving(staged, by_alias)[0]["stage"].serving == Serving()
