"""What serving means for a model, and what is said where an alias and a stage part."""

from reconciler.core.settings import ServingRules, Settings, effective_settings
from reconciler.core.state import Declaration, Field, Fields, Serving, Value
from reconciler.core.transitions import partings

STAGE = Serving()
CHAMPION = Serving(None, "champion")
BLUE = Serving(None, "blue")


def own(serving: Serving | None, model: str = "rec-a") -> Declaration:
    return Declaration(model, {}, {}, serving=serving)


def fields(stages: dict[int, str], aliases: dict[str, int]) -> Fields:
    values: dict[Field, Value] = {Field("stage", v): stage for v, stage in stages.items()}
    return values | {Field("alias", None, alias): v for alias, v in aliases.items()}


def test_the_models_own_word_comes_before_the_first_glob_and_that_before_the_default() -> None:
    rules = ServingRules(STAGE, (("rec-*", CHAMPION), ("*-a", BLUE), ("odd[1]", BLUE)))
    assert rules.of("rec-a", own(BLUE)) == BLUE
    assert rules.of("rec-a", own(None)) == rules.of("rec-a", None) == CHAMPION
    assert rules.of("other-a", None) == BLUE
    assert rules.of("odd[1]", None) == BLUE  # a name is never only a pattern
    assert rules.of("Rec-b", None) == STAGE


def test_a_change_is_held_to_what_serving_meant_before_it_and_means_in_it() -> None:
    settings = Settings(serving=ServingRules(STAGE, (("rec-*", CHAMPION),)))
    same = effective_settings(settings, settings)
    assert same.servings("rec-a", own(BLUE), [own(None)]) == (CHAMPION, BLUE)
    assert same.servings("rec-a", own(BLUE), [own(BLUE)]) == (BLUE,)
    assert same.servings("rec-a", own(BLUE), []) == (BLUE,)
    assert same.servings("rec-a", own(BLUE), [own(BLUE), own(None)]) == (CHAMPION, BLUE)
    other = effective_settings(Settings(), settings)
    assert other.servings("rec-a", None, [None]) == (CHAMPION, STAGE)
    assert "`serving` is still Production, @champion for `rec-*`, not Production" in other.deferred


def test_an_alias_and_a_stage_that_named_one_version_part_with_a_word() -> None:
    before = fields({3: "Production", 4: "Staging"}, {"champion": 3, "x": 3})

    def said(
        stages: dict[int, str], aliases: dict[str, int], serving: Serving = STAGE
    ) -> list[str]:
        after = fields(stages, aliases)
        found = partings(before, after, serving, names=("champion",), places=("Production",))
        return [sentence.split(":")[0] for sentence in found]

    moved, kept = {3: "Archived", 4: "Production"}, {3: "Production", 4: "Staging"}
    assert said(moved, {"champion": 3, "x": 3}) == [
        "@champion stays on v3, which goes to Archived, while v4 takes Production"
    ]
    assert said(kept, {"champion": 4, "x": 4}) == [
        "v3 stays in Production, which serves, while @champion moves to v4"
    ]
    assert said(kept, {"champion": 4}, CHAMPION) == [
        "v3 stays in Production while @champion, which serves, moves to v4"
    ]
    assert said(moved, {"champion": 5}) == ["@champion moves to v5, while v4 takes Production"]
    for together in ((moved, {"champion": 4, "x": 3}), (kept, {"champion": 3}), (moved, {})):
        assert said(*together) == []


def test_what_was_apart_before_is_not_said_again() -> None:
    before = fields({3: "Production"}, {"champion": 2})
    after = fields({3: "Archived", 4: "Production"}, {"champion": 2})
    assert partings(before, after, STAGE, names=("champion",), places=("Production",)) == ()


def test_an_alias_that_serves_and_stays_is_told_where_another_version_takes_a_stage() -> None:
    before = fields({1: "None", 2: "None"}, {"champion": 1})
    after = fields({1: "None", 2: "Production"}, {"champion": 1})
    (told,) = partings(before, after, CHAMPION, names=(), places=("Production",))
    assert told.split(":")[0] == "@champion, which serves, stays on v1, while v2 takes Production"
    assert partings(before, after, STAGE, names=("champion",), places=("Production",)) == ()
    assert partings(after, after, CHAMPION, names=(), places=("Production",)) == ()
    own_stage = fields({1: "Production", 2: "None"}, {"champion": 1})
    assert partings(before, own_stage, CHAMPION, names=(), places=("Production",)) == ()
