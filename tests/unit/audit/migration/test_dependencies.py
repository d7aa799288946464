"""What of the files depends on stages, and what only looks like it."""

import pytest

from reconciler.audit.migration.dependencies import model_dependencies, settings_dependencies
from reconciler.files.key_lines import key_lines
from reconciler.files.loader import parse_declaration, parse_settings

_FILE = "state/reconciler.yaml"


def _settings(text: str) -> list[tuple[str, int | None]]:
    data = text.encode()
    found = settings_dependencies(parse_settings(data, _FILE), _FILE, key_lines(data, _FILE))
    return [(one.what, one.line) for one in found]


_BY_ALIAS = "serving: {alias: champion}\n"


def test_what_serves_is_a_stage_unless_the_settings_say_otherwise() -> None:
    assert _settings("branch: main\n") == [("serving", None)]
    assert _settings("branch: main\nserving: {stage: Production}\n") == [("serving", 2)]
    assert _settings(_BY_ALIAS) == []
    text = "serving:\n  alias: champion\n  models:\n    fraud-*: {stage: Production}\n"
    assert _settings(text) == [("serving", 4)]


def test_the_settings_that_name_stages_are_told_with_their_lines() -> None:
    text = f"{_BY_ALIAS}bridge: {{Production: champion}}\nexclusive: [Production]\n"
    assert _settings(text) == [("bridge", 2), ("exclusive", 3)]


@pytest.mark.parametrize(
    ("rule", "depends"),
    [
        ("transitions: [Staging, Production]", True),
        ("soak: 48h", True),
        ("on: {stage: Production}\n  lineage: [tags.owner]", True),
        ("on: {alias: champion}\n  lineage: [tags.owner]", False),
        ("lineage: [tags.owner]", False),
        ("approvals: 2", False),
        ("require: version.stage == 'Staging'", True),
        ("require: incumbent == null || incumbent.stage == 'Production'", True),
        ("require: change.to == 'Production'", True),
        ("require: change.to == 4", False),
        ("require: version.tags['env'] == 'Production'", False),
        ("require: \"'version.stage' != ''\"", False),
        ("on: {alias: champion}\n  require: metrics.auc > 0.9", False),
    ],
)
@pytest.mark.needs_cel
def test_a_policy_depends_on_a_stage_by_its_rule_its_place_or_its_condition(
    rule: str,
    depends: bool,  # noqa: FBT001  a column of the table
) -> None:
    text = f"{_BY_ALIAS}policies:\n- name: p\n  {rule}\n"
    assert _settings(text) == ([("policy", 3)] if depends else [])


def test_a_file_depends_on_the_active_stages_that_it_writes_and_on_its_consumers() -> None:
    text = """\
serving: {stage: Production}
versions:
  5: {stage: Archived}
  4:
    stage: Production
  3: {stage: None}
consumers:
- {name: a, loads: Production}
- {name: b, loads: "@champion"}
- {name: c, loads: "4"}
"""
    declaration = parse_declaration(text.encode(), "state/m.yaml")
    lines = key_lines(text.encode(), "state/m.yaml")
    at = {4: lines(("versions", "4", "stage")) or 0}
    found = model_dependencies(declaration, at, lines(("serving",)))
    assert [(one.what, one.line, one.model) for one in found] == [
        ("serving", 1, "m"),
        ("version", 5, "m"),
        ("consumer", 8, "m"),
    ]
