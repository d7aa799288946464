"""What past commits declared under a bridge, where only the settings changed."""

from reconciler.audit.declared_steps import steps
from reconciler.core.settings import Settings
from reconciler.core.state import Declaration, Field
from reconciler.files import loader
from reconciler.repository.log import read_log
from tests.support.repositories.git_lab import GitLab, opened
from tests.support.repositories.past_lab import STATE, model, past, since

SETTINGS = f"{STATE}/reconciler.yaml"
BRIDGE = {SETTINGS: "bridge: {Production: champion}\n"}
NO_BRIDGE = {SETTINGS: "{}\n"}
CHAMPION = Field("alias", None, "champion")
AT_REST = "versions: {1: {stage: Archived}}\n"
FILES = {f"{STATE}/fraud.yaml": model(1), f"{STATE}/idle.yaml": AT_REST}


def champion(declaration: Declaration | None) -> object:
    assert declaration is not None
    return declaration.fields.get(CHAMPION)


def test_a_commit_that_only_adds_the_bridge_declares_the_alias(lab: GitLab) -> None:
    first = lab.commit(FILES)
    second = lab.commit(BRIDGE)
    third = lab.commit(NO_BRIDGE)
    with past(lab) as history:
        found = [champion(history.declared(one, STATE, "fraud")) for one in (first, second, third)]
        assert found == [None, 1, None]
        assert champion(history.declarations(second, STATE)["fraud"]) == 1
        assert history.declarations(second, STATE)["fraud"] == history.declared(
            second, STATE, "fraud"
        )
        assert since(lab, second) is None, "every model"


def test_a_bridge_that_came_and_went_declared_the_model_otherwise(lab: GitLab) -> None:
    first = lab.commit(FILES)
    lab.commit(BRIDGE)
    lab.commit(NO_BRIDGE)
    with past(lab) as history:
        desired = loader.load(lab.root / STATE, STATE).declarations
        for name, is_changed in (("fraud", True), ("idle", False)):
            declared = history.declared(history.head, STATE, name)
            assert declared == desired[name]
            assert history.declared_otherwise(first, STATE, declared, name) is is_changed


def test_other_settings_declare_nothing_otherwise(lab: GitLab) -> None:
    first = lab.commit(FILES)
    lab.commit({SETTINGS: "heal: true\n"})
    with past(lab) as history:
        declared = history.declared(first, STATE, "fraud")
        assert not history.declared_otherwise(first, STATE, declared, "fraud")
        assert history.merged_since(first, "fraud") == ()


def test_the_merges_of_a_model_are_those_that_bridged_it(lab: GitLab) -> None:
    early = lab.commit({SETTINGS: "bridge: {Production: early}\n"})
    first = lab.commit(FILES | NO_BRIDGE)
    second = lab.commit(BRIDGE)
    third = lab.commit({f"{STATE}/fraud.yaml": model(2)})
    fourth = lab.commit(NO_BRIDGE)
    with past(lab) as history:
        assert history.merged_since(first, "fraud") == (second, third, fourth)
        assert history.merged_since(first, "idle") == ()
        assert history.merged_since(None, "fraud") == (first, second, third, fourth)
        assert early not in history.merged_since(None, "idle")


def test_the_settings_before_a_change_are_those_before_the_bridge(lab: GitLab) -> None:
    strict = "guards: {aliases: [champion, live]}\n"
    first = lab.commit(FILES | {SETTINGS: strict})
    lab.commit(BRIDGE)
    lab.commit({f"{STATE}/fraud.yaml": model(2)})
    with past(lab) as history:
        before = history.base_settings(first, STATE, "fraud")
        assert before is not None
        assert before.guarded_aliases == ("champion", "live")


def test_the_word_that_a_file_writes_is_part_of_what_it_declares(lab: GitLab) -> None:
    """What only the bridge implies is removed by other rules: an apply records the change."""
    both = "versions: {1: {stage: Production, aliases: [champion]}}\n"
    first = lab.commit({f"{STATE}/fraud.yaml": both} | BRIDGE)
    second = lab.commit({f"{STATE}/fraud.yaml": model(1)})
    with past(lab) as history:
        was, now = (history.declared(one, STATE, "fraud") for one in (first, second))
        assert was is not None
        assert now is not None
        assert was.fields == now.fields
        assert was != now


def test_the_log_and_the_steps_have_the_same_of_a_commit(lab: GitLab) -> None:
    """An apply of a branch counts for a step that declares what the branch did."""
    head = lab.commit({f"{STATE}/fraud.yaml": model(1)} | BRIDGE)
    with opened(lab) as repo, past(lab) as history:
        log = read_log(repo, STATE, loader.parse_declaration, parse_settings=loader.parse_settings)
        (step,) = steps(log.merged, Settings())["fraud"]
        assert log.declared(head, "fraud") == step.after == history.declared(head, STATE, "fraud")
        assert read_log(repo, STATE, loader.parse_declaration).declared(head, "fraud") != step.after
