"""Edits of reconciler.yaml: what is asked for, and not one byte besides."""

from dataclasses import replace

import pytest

from reconciler.core.declaring.bridge import Bridge
from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError
from reconciler.files.editing.settings_editor import (
    AddItem,
    AddKey,
    Cut,
    RenameKey,
    SettingsEdit,
    edit_settings,
    written,
)
from reconciler.files.loader import parse_settings

_TO_ALIAS = {"Production": "champion", "Staging": "challenger"}
_BRIDGE = AddKey((), "bridge", "{Production: champion}")


def after(text: str, *edits: SettingsEdit, expected: str) -> None:
    """See that edits turn a text into the expected one, which says what is then claimed."""
    settings = parse_settings(expected.encode(), "reconciler.yaml")
    assert edit_settings(text.encode(), edits, settings, "reconciler.yaml").decode() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("branch: main\n", "branch: main\nbridge: {Production: champion}\n"),
        ("branch: main", "branch: main\nbridge: {Production: champion}\n"),
        ("{branch: main}\n", "{branch: main, bridge: {Production: champion}}\n"),
        ("{}\n", "{bridge: {Production: champion}}\n"),
        ("# ours\n", "# ours\nbridge: {Production: champion}\n"),
        ("", "bridge: {Production: champion}\n"),
        (
            "guards:\r\n  aliases: [a]  # one\r\n# end\r\n",
            "guards:\r\n  aliases: [a]  # one\r\nbridge: {Production: champion}\r\n# end\r\n",
        ),
        ("\ufeffbranch: main\n", "\ufeffbranch: main\nbridge: {Production: champion}\n"),
    ],
)
def test_a_setting_is_added_below_what_is_there(text: str, expected: str) -> None:
    after(text, _BRIDGE, expected=expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("serving: {stage: Production}  # us\n", "serving: {alias: champion}  # us\n"),
        (
            "serving:\n  # us\n  stage: 'Production' # x\n",
            "serving:\n  # us\n  alias: 'champion' # x\n",
        ),
    ],
)
def test_a_stage_becomes_its_alias_where_it_stands(text: str, expected: str) -> None:
    after(text, RenameKey(("serving", "stage"), "alias", _TO_ALIAS), expected=expected)


@pytest.mark.parametrize(
    "stages", ["Production", "[Production, Staging]", "\n    - Production # p\n    - Staging"]
)
def test_the_stages_of_a_policy_become_its_aliases(stages: str) -> None:
    text = "# rules\npolicies:\n- name: a\n  on:\n    stage: {}\n  digest: required # always\n"
    said = stages.replace("Production", "champion").replace("Staging", "challenger")
    edit = RenameKey(("policies", 0, "on", "stage"), "alias", _TO_ALIAS)
    after(text.format(stages), edit, expected=text.replace("stage", "alias").format(said))


def test_what_is_cut_is_gone_and_nothing_else() -> None:
    text = (
        "serving: {alias: a}\nexclusive: [Production, Staging] # both\n"
        "bridge:\n  Production: champion\n# end\n"
    )
    expected = "serving: {alias: a}\nexclusive: [Staging] # both\n# end\n"
    after(text, Cut(("bridge",)), Cut(("exclusive", 0)), expected=expected)
    block = "exclusive:\n- Production # p\n- Staging # s\nbridge: {Production: champion}\n"
    after(block, Cut(("exclusive", 1)), expected=block.replace("- Staging # s\n", ""))
    flow = "{bridge: {Production: champion}, branch: main}\n"
    after(flow, Cut(("bridge",)), expected="{branch: main}\n")


def test_items_are_added_in_the_style_of_the_list() -> None:
    edit = AddItem(("guards", "aliases"), "prod")
    after("guards: {aliases: [a]}\n", edit, expected="guards: {aliases: [a, prod]}\n")
    block = "guards:\n  aliases:\n    - a # one\nbranch: main\n"
    expected = block.replace("- a # one\n", "- a # one\n    - prod\n")
    after(block, edit, expected=expected)


def test_the_places_of_a_file_are_told_by_keys_and_indices() -> None:
    text = b"serving: {stage: Production}\npolicies:\n- {name: a, digest: required}\n"
    assert {("serving", "stage"), ("policies", 0, "name")} <= written(text)
    assert written(b"# nothing\n") == frozenset()


def test_an_edit_that_does_not_say_what_is_meant_is_not_made() -> None:
    meant = replace(Settings(), bridge=Bridge((("Production", "prod"),)))
    for edit in (_BRIDGE, Cut(("none",))):
        with pytest.raises(DeclarationError) as caught:
            edit_settings(b"branch: main\n", [edit], meant, "reconciler.yaml")
        assert "cannot be edited in place" in caught.value.problems[0].message
