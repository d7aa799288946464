"""Consumers are added to a file in the layout that it has; everything else stays as it is."""

import pytest

from reconciler.core.state import Consumer
from reconciler.files.editing.edits import YamlEdit
from reconciler.files.editing.yaml_editor import apply_edits
from reconciler.files.loader import dump_declaration, parse_declaration

API = (YamlEdit(("consumers", "api", "@champion"), ""),)
FULL = (
    YamlEdit(("consumers", "batch: 2", "3"), ""),
    YamlEdit(("consumers", "batch: 2", "3", "owner"), "pay"),
    YamlEdit(("consumers", "batch: 2", "3", "code"), "jobs/batch.py"),
)


def edited(text: str, *edits: YamlEdit) -> str:
    return apply_edits(text.encode(), edits, "m.yaml").decode()


BATCH = "{name: 'batch: 2', owner: pay, loads: 3, code: jobs/batch.py}"
BOTH = f'{{name: api, loads: "@champion"}}, {BATCH}'


def lines(margin: str, end: str = "\n") -> str:
    """Return both consumers as lines, with the dashes behind `margin`."""
    api = [f"{margin}- name: api", f'{margin}  loads: "@champion"']
    batch = [f"{margin}- name: 'batch: 2'", f"{margin}  owner: pay", f"{margin}  loads: 3"]
    return "".join(f"{line}{end}" for line in (*api, *batch, f"{margin}  code: jobs/batch.py"))


NEW = "# ours\nmodel: m # the one\n", "versions:\n  3: {stage: Archived}\n"
OLD = "consumers:\n- name: old # here\n  loads: 3\n  # end of it\n", "\ntags: {a: b}\n"
WIDE = "tags: {a: b}\nconsumers:\n    -   {name: old, loads: 3} # last"
FLOW = "tags: {a: b}\nconsumers: [{name: old, loads: 3}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NEW[0] + NEW[1], f"{NEW[0]}consumers:\n{lines('  ')}{NEW[1]}"),
        (OLD[0] + OLD[1], f"{OLD[0]}{lines('')}{OLD[1]}"),
        (WIDE, f'{WIDE}\n    -   {{name: api, loads: "@champion"}}\n    -   {BATCH}'),
        (f"{FLOW}] # all\n", f"{FLOW}, {BOTH}] # all\n"),
        ("tags: {a: b}\nconsumers: []\n", f"tags: {{a: b}}\nconsumers: [{BOTH}]\n"),
        ("{model: m, tags: {a: b}}\n", f"{{model: m, consumers: [{BOTH}], tags: {{a: b}}}}\n"),
        (
            "model: m\r\ntags:\r\n  a: b\r\n",
            "model: m\r\nconsumers:\r\n" + lines("  ", "\r\n") + "tags:\r\n  a: b\r\n",
        ),
    ],
)
def test_consumers_are_added_as_the_file_is_written(before: str, after: str) -> None:
    assert edited(before, *API, *FULL) == after


def test_a_consumer_that_is_there_is_left_and_its_values_are_texts() -> None:
    text = 'consumers: [{name: api, loads: "@champion"}]\nversions: {3: {aliases: [champion]}}\n'
    assert edited(text, *API) == text
    odd = Consumer('a "b" #c', "@champion", "yes", "https://git/x?a=1&b: 2")
    path = ("consumers", *odd.key)
    edits = (
        YamlEdit(path, ""),
        YamlEdit((*path, "owner"), "yes"),
        YamlEdit((*path, "code"), str(odd.code)),
    )
    read = parse_declaration(edited(text, *edits).encode(), "m.yaml")
    assert read.consumers[1] == odd
    assert parse_declaration(dump_declaration(read).encode(), "m.yaml").consumers == read.consumers
