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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# ours\nmodel: m # the one\nversions:\n  3: {stage: Archived}\n",
            "# ours\nmodel: m # the one\nconsumers:\n"
            '  - name: api\n    loads: "@champion"\n'
            "  - name: 'batch: 2'\n    owner: pay\n    loads: 3\n    code: jobs/batch.py\n"
            "versions:\n  3: {stage: Archived}\n",
        ),
        (
            "consumers:\n- name: old # here\n  loads: 3\n  # end of it\n\ntags: {a: b}\nversions: {3: {}}\n",
            "consumers:\n- name: old # here\n  loads: 3\n  # end of it\n"
            '- name: api\n  loads: "@champion"\n'
            "- name: 'batch: 2'\n  owner: pay\n  loads: 3\n  code: jobs/batch.py\n"
            "\ntags: {a: b}\nversions: {3: {}}\n",
        ),
        (
            "versions: {3: {}}\nconsumers:\n    -   {name: old, loads: 3} # last",
            "versions: {3: {}}\nconsumers:\n    -   {name: old, loads: 3} # last\n"
            '    -   {name: api, loads: "@champion"}\n'
            "    -   {name: 'batch: 2', owner: pay, loads: 3, code: jobs/batch.py}",
        ),
        (
            "versions: {3: {}}\nconsumers: [{name: old, loads: 3}] # all\n",
            "versions: {3: {}}\nconsumers: [{name: old, loads: 3}, "
            '{name: api, loads: "@champion"}, '
            "{name: 'batch: 2', owner: pay, loads: 3, code: jobs/batch.py}] # all\n",
        ),
        (
            "versions: {3: {}}\nconsumers: []\n",
            'versions: {3: {}}\nconsumers: [{name: api, loads: "@champion"}, '
            "{name: 'batch: 2', owner: pay, loads: 3, code: jobs/batch.py}]\n",
        ),
        (
            "{model: m, versions: {3: {}}}\n",
            '{model: m, consumers: [{name: api, loads: "@champion"}, '
            "{name: 'batch: 2', owner: pay, loads: 3, code: jobs/batch.py}], versions: {3: {}}}\n",
        ),
        (
            "model: m\r\nversions:\r\n  3: {}\r\n",
            'model: m\r\nconsumers:\r\n  - name: api\r\n    loads: "@champion"\r\n'
            "  - name: 'batch: 2'\r\n    owner: pay\r\n    loads: 3\r\n    code: jobs/batch.py\r\n"
            "versions:\r\n  3: {}\r\n",
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
