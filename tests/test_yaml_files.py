"""State folders: what they declare, and everything that is wrong with them at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from reconciler import text_rules
from reconciler.errors import DeclarationError, ExitCode
from reconciler.file_models import model_schema, settings_schema
from reconciler.rules import Ignore, RegistryPin, Rules, Serving
from reconciler.state import Declaration, DeclaredVersion, Field
from reconciler.yaml_files import load, parse_declaration, parse_rules

FRAUD = """\
model: fraud-detection
description: Scores card transactions
tags: {owner: payments-ml}
retired: false
hold: frozen until the audit
versions:
  4:
    stage: Production
    aliases: [champion]
    tags:
      risk_tier: high
      validated: true
    description: Adds merchant-risk features
    run_id: 1f0c
    source: models:/m-9a
  3:
    stage: Archived
    blocked: leaks card numbers
  2: {}
"""


def state(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder, which is made."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def complaints(folder: Path) -> list[str]:
    """Return what is wrong with a state folder, as `path:line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        load(folder, "state")
    assert {problem.code for problem in caught.value.problems} == {ExitCode.DECLARATION}
    return [f"{p.where} {p.message} ({p.hint})" for p in caught.value.problems]


def rules_complaints(text: str) -> list[str]:
    """Return what is wrong with a settings file, as `line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        parse_rules(text.encode(), "reconciler.yaml")
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in caught.value.problems]


def test_a_file_declares_what_it_says_and_nothing_else() -> None:
    declaration = parse_declaration(FRAUD.encode(), "state/fraud.yaml")
    assert declaration == Declaration(
        model="fraud-detection",
        fields={
            Field("description"): "Scores card transactions",
            Field("tag", None, "owner"): "payments-ml",
            Field("stage", 4): "Production",
            Field("alias", None, "champion"): 4,
            Field("tag", 4, "risk_tier"): "high",
            Field("tag", 4, "validated"): "true",
            Field("description", 4): "Adds merchant-risk features",
            Field("stage", 3): "Archived",
        },
        versions={
            4: DeclaredVersion(run_id="1f0c", source="models:/m-9a"),
            3: DeclaredVersion(blocked="leaks card numbers"),
            2: DeclaredVersion(),
        },
        hold="frozen until the audit",
    )


def test_a_declaration_knows_its_file_and_its_lines() -> None:
    declaration = parse_declaration(f"# first\n{FRAUD}".encode(), "state/fraud.yaml")
    assert (declaration.file, declaration.line) == ("state/fraud.yaml", 2)
    assert {number: each.line for number, each in declaration.versions.items()} == {
        4: 8,
        3: 17,
        2: 20,
    }


def test_a_declaration_cannot_be_changed() -> None:
    declaration = parse_declaration(FRAUD.encode(), "fraud.yaml")
    fields: Any = declaration.fields
    with pytest.raises(TypeError):
        fields[Field("stage", 4)] = "Archived"


@pytest.mark.parametrize(
    ("file", "model"),
    [("a/fraud.yaml", "fraud"), ("fraud.v2.yml", "fraud.v2"), ("Über uns.yaml", "Über uns")],
)
def test_a_model_is_named_after_its_file_unless_it_says_otherwise(file: str, model: str) -> None:
    assert parse_declaration(b"{}", file).model == model
    assert parse_declaration(b"model: other", file).model == "other"


def test_a_file_name_that_is_no_model_name_needs_the_key() -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(b"# c\nretired: true", "state/a:b.yaml")
    (problem,) = caught.value.problems
    assert problem.where == "state/a:b.yaml:1:1"
    assert "`a:b` is not a model name" in problem.message
    assert parse_declaration(b"model: m", "state/a:b.yaml").model == "m"


def test_a_folder_is_read_with_its_sub_folders_sorted_by_model(tmp_path: Path) -> None:
    files = {"z.yaml": "model: a", "team/b.yml": "{}", "team/deep/c.yaml": "{}", "README.md": "#"}
    desired = load(state(tmp_path, files), "registry-state")
    assert desired.folder == "registry-state"
    assert [(name, each.file) for name, each in desired.declarations.items()] == [
        ("a", "registry-state/z.yaml"),
        ("b", "registry-state/team/b.yml"),
        ("c", "registry-state/team/deep/c.yaml"),
    ]
    assert desired.rules == Rules()
    assert desired.warnings == ()


def test_names_that_begin_with_a_dot_are_not_read(tmp_path: Path) -> None:
    files = {"a.yaml": "{}", ".hidden.yaml": "[", ".git/x.yaml": "[", ".x/reconciler.yml": ""}
    assert list(load(state(tmp_path, files), "state").declarations) == ["a"]


@pytest.mark.parametrize("files", [{}, {"reconciler.yaml": "branch: main"}, {"a.txt": "model: m"}])
def test_a_folder_without_a_model_is_wrong(tmp_path: Path, files: dict[str, str]) -> None:
    (complaint,) = complaints(state(tmp_path, files))
    assert complaint.startswith("state the state folder declares no model")


def test_every_complaint_about_every_file_comes_at_once_in_order(tmp_path: Path) -> None:
    files = {
        "reconciler.yaml": "exclusiv: []\nbranch: null\n",
        "b.yaml": "versions:\n  4:\n    stgae: x\n    stage: production\n    stage: None\n  x: 1\n",
        "a/a.yaml": "model: [\n",
        "a/b.yaml": "\ttags: {}",
        "c.yaml": "model: b\nmodle: d\n",
    }
    assert [complaint.partition(" (")[0] for complaint in complaints(state(tmp_path, files))] == [
        "state/a/a.yaml:2:1 this is not YAML: while parsing a flow node did not find expected "
        "node content",
        "state/a/b.yaml:1:1 a tab may not be used for indentation",
        "state/b.yaml:3:5 unknown key `stgae`",
        "state/b.yaml:4:12 `production` is not one of `None`, `Staging`, `Production`, `Archived`",
        "state/b.yaml:5:5 `stage` is here twice",
        "state/b.yaml:6:3 `x` is not a version number",
        "state/b.yaml:6:6 version `x` must be a mapping, not text",
        "state/c.yaml:1:8 model `b` is declared in state/b.yaml:1:1 already",
        "state/c.yaml:2:1 unknown key `modle`",
        "state/reconciler.yaml:1:1 unknown key `exclusiv`",
        "state/reconciler.yaml:2:9 `branch` is null",
    ]


def test_a_problem_names_the_model_of_its_file() -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(b"model: fraud\nx: 1\n", "f.yaml")
    assert [problem.model for problem in caught.value.problems] == ["fraud"]


def test_one_mistake_does_not_hide_another_across_keys(tmp_path: Path) -> None:
    text = (
        "versions:\n"
        "  4: {stage: Production, aliases: [a], x: 1}\n"
        "  3: {stage: Production, aliases: [b, a]}\n"
        "  2: {stage: Staging, aliases: [c], blocked: broken}\n"
    )
    assert [
        complaint.partition(" (")[0] for complaint in complaints(state(tmp_path, {"m.yaml": text}))
    ] == [
        "state/m.yaml:2:40 unknown key `x`",
        "state/m.yaml:3:14 version 4 is in `Production` already, which holds one version",
        "state/m.yaml:3:39 alias `a` is on version 4 already",
        "state/m.yaml:4:14 version 2 is blocked and may not be in `Staging`",
        "state/m.yaml:4:32 version 2 is blocked and may not hold an alias",
    ]


@pytest.mark.parametrize(
    ("rules", "stage", "is_wrong"),
    [
        ("branch: main", "Production", True),
        ("branch: main", "Staging", False),
        ("exclusive: [Production, Staging]", "Staging", True),
        ("exclusive: []\nserving: {alias: champion}", "Production", False),
        ("branch: main", "Archived", False),
    ],
)
def test_an_exclusive_stage_holds_one_version(
    tmp_path: Path, rules: str, stage: str, *, is_wrong: bool
) -> None:
    text = f"versions: {{4: {{stage: {stage}}}, 3: {{stage: {stage}}}}}"
    folder = state(tmp_path, {"reconciler.yaml": rules, "m.yaml": text})
    if is_wrong:
        assert complaints(folder)[0].startswith("state/m.yaml:1:43 version 4 is in")
    else:
        assert load(folder, "state").declarations


def test_settings_that_are_wrong_judge_nothing(tmp_path: Path) -> None:
    two = "versions: {4: {stage: Production}, 3: {stage: Production}}"
    (complaint,) = complaints(state(tmp_path, {"reconciler.yaml": "exclusiv: []", "m.yaml": two}))
    assert "did you mean `exclusive`?" in complaint


def test_a_blocked_version_may_be_declared_at_rest(tmp_path: Path) -> None:
    text = "versions: {4: {stage: Archived, aliases: [], blocked: broken}}"
    desired = load(state(tmp_path, {"m.yaml": text}), "state")
    assert desired.declarations["m"].versions[4].blocked == "broken"


def test_what_is_ignored_may_not_be_declared(tmp_path: Path) -> None:
    files = {
        "reconciler.yaml": "ignore: {models: [tmp-*], tags: [ci.*], aliases: [x-*]}",
        "tmp-a.yaml": "{}",
        "m.yaml": "tags: {mlflow.user: a, reconciler.owner: b}\n"
        "versions: {4: {tags: {ci.run: c, Mlflow.x: d}, aliases: [y, x-1]}}\n",
    }
    assert [
        complaint.partition(":`")[0][:60] for complaint in complaints(state(tmp_path, files))
    ] == [
        "state/m.yaml:1:8 tag `mlflow.user` is ignored: `mlflow.*` and",
        "state/m.yaml:1:24 tag `reconciler.owner` is ignored: `mlflow.",
        "state/m.yaml:2:23 tag `ci.run` is ignored: `mlflow.*` and `r",
        "state/m.yaml:2:62 alias `x-1` is ignored by `ignore.aliases` ",
        "state/tmp-a.yaml:1:1 model `tmp-a` is ignored by `ignore.mod",
    ]


def test_a_model_in_two_files_is_wrong_and_both_places_are_named(tmp_path: Path) -> None:
    files = {"a.yaml": "# x\nmodel: m", "b/m.yaml": "retired: true", "c.yaml": "model: 'm'"}
    first, second = complaints(state(tmp_path, files))
    assert first.startswith("state/b/m.yaml:1:1 model `m` is declared in state/a.yaml:2:8 already")
    assert second.startswith("state/c.yaml:1:8 model `m` is declared in state/a.yaml:2:8 already")


def test_names_that_differ_only_in_case_are_a_warning(tmp_path: Path) -> None:
    files = {
        "a.yaml": "model: Fraud",
        "b.yaml": "model: fraud\nversions: {4: {aliases: [Champion, champion]}, 3: {aliases: [other]}}",
        "c.yaml": "versions: {1: {aliases: [Champion]}}",
    }
    desired = load(state(tmp_path, files), "state")
    assert [(w.where, w.code, w.message) for w in desired.warnings] == [
        ("state/b.yaml:1:8", ExitCode.OK, "models `Fraud` and `fraud` differ only in case"),
        ("state/b.yaml:2:36", ExitCode.OK, "aliases `Champion` and `champion` differ only in case"),
    ]


def test_a_link_cannot_declare_anything(tmp_path: Path) -> None:
    outside = state(tmp_path / "outside", {"a.yaml": "{}"})
    folder = state(tmp_path / "state", {"m.yaml": "{}"})
    (folder / "file.yaml").symlink_to(outside / "a.yaml")
    (folder / "dangling.yml").symlink_to("nowhere")
    (folder / "folder").symlink_to(outside)
    (folder / "README").symlink_to("nowhere")
    assert [complaint.split(" (")[0] for complaint in complaints(folder)] == [
        "state/dangling.yml a symbolic link cannot declare anything",
        "state/file.yaml a symbolic link cannot declare anything",
        "state/folder a symbolic link cannot declare anything",
    ]


def test_files_that_only_look_like_ours_are_complaints(tmp_path: Path) -> None:
    files = {"m.yaml": "{}", "team/reconciler.yaml": "[", "reconciler.yml": "[", "UP.YAML": "["}
    folder = state(tmp_path, files)
    os.mkfifo(folder / "pipe.yaml")
    (folder / os.fsdecode(b"\xff.yaml")).touch()
    assert complaints(folder) == [
        "state/UP.YAML the ending is not in lower case (rename it to end in `.yaml`)",
        "state/pipe.yaml this is not a regular file (remove it from the state folder)",
        "state/reconciler.yml settings are read from `reconciler.yaml` only (rename it)",
        "state/team/reconciler.yaml a folder with its own `reconciler.yaml` is a state of its own "
        "(use `--state state/team`, or move it out of this state folder)",
        "state/\ufffd.yaml the name of the file is not UTF-8 (rename it)",
    ]


def test_a_file_that_is_too_large_is_one_complaint(tmp_path: Path) -> None:
    (complaint,) = complaints(state(tmp_path, {"m.yaml": "#" * 3_000_000}))
    assert "the file is larger than 1,000,000 bytes" in complaint
    folder = state(tmp_path, {"m.yaml": "model: m\n" + "#" * 900_000})
    assert list(load(folder, "state").declarations) == ["m"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_complaint(tmp_path: Path) -> None:
    folder = state(tmp_path, {"m.yaml": "{}"})
    (folder / "m.yaml").chmod(0)
    assert complaints(folder) == ["state/m.yaml the file cannot be read: Permission denied (None)"]


def test_old_files_are_read_without_what_depends_on_settings() -> None:
    text = b"tags: {mlflow.x: y}\nversions: {4: {stage: Production}, 3: {stage: Production}}"
    assert len(parse_declaration(text, "m.yaml").fields) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("descriptoin: x", "unknown key `descriptoin` (did you mean `description`?)"),
        ("Tags: {}", "unknown key `Tags` (did you mean `tags`?)"),
        ("zzz: x", "unknown key `zzz` (the keys here are `model`, `description`, `tags`"),
        ("versions: {4: {aliasses: []}}", "unknown key `aliasses` (did you mean `aliases`?)"),
        ("versions: {4: {stage: PRODUCTION}}", "(did you mean `Production`?)"),
        ("versions: {4: {stage: Live}}", "`Live` is not one of `None`, `Staging`"),
        ("versions: {4: {stage: [Production]}}", "`stage` must be text, not a list"),
        ("versions: {4: {aliases: champion}}", "must be a list, not text (write `aliases: [champ"),
        ("versions: {4: {aliases: [[a]]}}", "item 1 of `aliases` must be text, not a list"),
        ("versions: {4: {aliases: [a, b, a]}}", "`a` is listed twice"),
        ("versions: {4: {aliases: [latest]}}", "alias `latest` is reserved"),
        ("versions: {4: {aliases: [V12]}}", "alias `V12` is reserved"),
        ("versions: {4: {aliases: [a b]}}", "`a b` is not an alias"),
        ("versions: {4: {aliases: ['a\\n']}}", "is not an alias"),
        ("versions: {4: {aliases: ['']}}", "an alias may not be empty"),
        ("versions: [4]", "`versions` must be a mapping, not a list"),
        ("versions: {4: Production}", "version `4` must be a mapping, not text"),
        ("tags: {k: [v]}", "tag `k` must be text, not a list"),
        ("tags: {'a@b': v}", "`a@b` is not a tag key"),
        ("tags: {a//b: v}", "`a//b` is not a tag key: MLflow reads it as a path"),
        ("tags: {'': v}", "the key of a tag may not be empty"),
        ("model: a/b", "`a/b` is not a model name"),
        ("model: ..", "`..` is not a model name"),
        ("model: ' '", "a model name may not be blank"),
        ("retired: yes", "`retired` must be `true` or `false`, not text"),
        ("hold: ''", "`hold` is empty"),
        ("versions: {4: {blocked: ''}}", "`blocked` is empty"),
        ("versions: {4: {run_id: ''}}", "`run_id` is empty"),
        ("versions: {4: {source: ''}}", "`source` is empty"),
    ],
)
def test_a_complaint_says_what_the_rule_is_and_what_to_do(text: str, complaint: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text.encode(), "m.yaml")
    (problem,) = caught.value.problems
    assert complaint in f"{problem.message} ({problem.hint})"


@pytest.mark.parametrize(
    ("text", "longest"),
    [
        ("description: @", 5_000),
        ("tags: {k: @}", 5_000),
        ("versions: {4: {description: @}}", 5_000),
        ("versions: {4: {tags: {k: @}}}", 100_000),
        ("model: @", 256),
        ("versions: {4: {aliases: [@]}}", 255),
        ("tags: {? @ : v}", 250),
    ],
)
def test_texts_are_as_long_as_every_database_takes_and_no_longer(text: str, longest: int) -> None:
    parse_declaration(text.replace("@", "é" * longest).encode(), "m.yaml")
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text.replace("@", "é" * (longest + 1)).encode(), "m.yaml")
    (problem,) = caught.value.problems
    assert f"has {longest + 1:,} characters; at most {longest:,} are allowed" in problem.message
    assert len(problem.message) < 200


@pytest.mark.parametrize("name", ["it's", 'say "x"', "100%", "日本 モデル", "a b", "-x", "a.b"])
def test_odd_names_that_mlflow_takes_are_fine(name: str) -> None:
    assert parse_declaration(f"model: {json.dumps(name)}".encode(), "m.yaml").model == name


ODD_TEXTS = st.one_of(
    st.text(max_size=8),
    st.text("aV1/.:-_ \n", max_size=6),
    st.from_regex(r"[vV]?\d+\n?|latest", fullmatch=True),
)


@settings(max_examples=300, deadline=None)
@given(ODD_TEXTS)
def test_what_our_rules_take_mlflow_takes_too(text: str) -> None:
    def is_taken(*checks: Any) -> bool:
        try:
            for check in checks:
                check(text)
        except MlflowException:
            return False
        return True

    assert (text_rules.model_name(text) is None) == is_taken(validation._validate_model_name)
    if not text.endswith("\n"):  # MLflow's patterns let a line break at the end through
        assert (text_rules.tag_key(text) is None) == (
            bool(text) and is_taken(validation._validate_tag_name)
        )
        assert (text_rules.alias(text) is None) == is_taken(
            validation._validate_model_alias_name, validation._validate_model_alias_name_reserved
        )
    else:
        assert text_rules.tag_key(text) is not None
        assert text_rules.alias(text) is not None


def test_settings_that_are_left_out_have_their_defaults() -> None:
    assert parse_rules(b"{}", "reconciler.yaml") == Rules()
    assert parse_rules(b"ignore: {}\nguards: {}", "reconciler.yaml") == Rules()


def test_settings_say_what_they_say() -> None:
    text = """
registry: {uri: [http://mlflow:5000, "https://mlflow.example"], name: prod-eu}
branch: main
exclusive: [Production, Staging]
serving: {alias: champion}
guards: {aliases: [champion, challenger]}
ignore: {models: [tmp-*], tags: [ci.*], aliases: [x-*]}
"""
    assert parse_rules(text.encode(), "reconciler.yaml") == Rules(
        registry=RegistryPin(("http://mlflow:5000", "https://mlflow.example"), "prod-eu"),
        branch="main",
        exclusive=("Production", "Staging"),
        serving=Serving(stage=None, alias="champion"),
        guarded_aliases=("champion", "challenger"),
        ignore=Ignore(("tmp-*",), ("mlflow.*", "reconciler.*", "ci.*"), ("x-*",)),
    )


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("registry: http://mlflow:5000", RegistryPin(("http://mlflow:5000",))),
        ("registry: {uri: sqlite:///a.db}", RegistryPin(("sqlite:///a.db",))),
        ("registry: databricks://scope:prefix", RegistryPin(("databricks://scope:prefix",))),
        ("registry: https://h:5000/a@b", RegistryPin(("https://h:5000/a@b",))),
    ],
)
def test_a_registry_is_pinned_by_its_uri(text: str, pin: RegistryPin) -> None:
    assert parse_rules(text.encode(), "reconciler.yaml").registry == pin


def test_guards_may_name_no_alias() -> None:
    assert parse_rules(b"guards: {aliases: []}", "reconciler.yaml").guarded_aliases == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("registri: x", "1:1 unknown key `registri` (did you mean `registry`?)"),
        ("registry: {url: x}", "1:12 unknown key `url` (did you mean `uri`?)"),
        ("registry: {name: x}", "1:11 `registry` needs the key `uri`"),
        ("registry: [x]", "1:11 `registry` must be text or a mapping, not a list"),
        ("registry: {uri: []}", "1:17 `uri` is empty"),
        ("registry: ''", "1:11 `registry` is empty"),
        ("branch:", "1:8 `branch` is null (write a value, or leave the key out)"),
        ("exclusive: [Archived]", "1:13 `Archived` is not one of `Staging`, `Production`"),
        ("exclusive: Production", "1:12 `exclusive` must be a list, not text"),
        ("exclusive: [Production, Production]", "1:12 `Production` is listed twice"),
        ("exclusive: []", "1:12 serving is the stage `Production`, which is not exclusive"),
        ("exclusive: [Staging]", "1:12 serving is the stage `Production`, which is not exclusive"),
        ("serving: {stage: Staging}", "1:18 serving is the stage `Staging`, which is not exclus"),
        ("serving: {}", "1:10 `serving` names either a stage or an alias"),
        ("serving: {stage: Production, alias: a}", "1:10 `serving` names either a stage or an"),
        ("serving: champion", "1:10 `serving` must be a mapping, not text (write `serving: {st"),
        ("serving: {alias: latest}", "1:18 alias `latest` is reserved by MLflow"),
        ("serving: {alias: a}\nignore: {aliases: ['*']}", "1:18 serving is the alias `a`, which"),
        ("guards: {alias: [a]}", "1:10 unknown key `alias` (did you mean `aliases`?)"),
        ("ignore: {tags: mlflow.*}", "1:16 `tags` must be a list, not text"),
        ("ignore: {models: ['']}", "1:19 item 1 of `models` is empty"),
    ],
)
def test_wrong_settings_are_complaints(text: str, complaint: str) -> None:
    found = rules_complaints(text)
    assert any(each.startswith(complaint) for each in found), found


@pytest.mark.parametrize(
    "uri",
    [
        "https://user:hunter2@mlflow.example",
        "https://:hunter2@mlflow.example:5000/x",
        "postgresql+psycopg://user:hunt/hunter2@db/mlflow",
        "postgresql://db/mlflow?user=u&password=hunter2",
    ],
)
@pytest.mark.parametrize("form", ["registry: '{}'", "registry: {{uri: ['http://h', '{}']}}"])
def test_a_password_is_refused_and_never_repeated(uri: str, form: str) -> None:
    (complaint,) = rules_complaints(form.format(uri))
    assert "MLFLOW_TRACKING_PASSWORD" in complaint
    assert "hunter2" not in complaint


def test_the_schema_of_a_model_file_is_what_the_reader_takes() -> None:
    schema = model_schema()
    (entry,) = schema["$defs"].values()
    assert set(schema["properties"]) == {
        *("model", "description", "tags", "versions", "retired", "hold")
    }
    assert set(entry["properties"]) == {
        *("stage", "aliases", "tags", "description", "run_id", "source", "blocked")
    }
    assert schema["additionalProperties"] is False
    assert entry["additionalProperties"] is False
    assert list(schema["properties"]["versions"]["patternProperties"]) == ["^[1-9][0-9]*$"]
    assert entry["properties"]["stage"]["enum"] == ["None", "Staging", "Production", "Archived"]
    values = entry["properties"]["tags"]["additionalProperties"]
    assert values == {"maxLength": 100_000, "type": ["string", "number", "boolean"]}
    assert schema["properties"]["retired"]["type"] == "boolean"


@pytest.mark.parametrize("schema", [model_schema(), settings_schema()])
def test_an_editor_can_explain_every_key(schema: dict[str, Any]) -> None:
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"]
    json.dumps(schema)
    for part in (schema, *schema["$defs"].values()):
        for name, key in part["properties"].items():
            about = schema["$defs"].get(key.get("$ref", "").rpartition("/")[2], {})
            assert key.get("description") or about.get("description"), name


def test_the_schema_of_the_settings_takes_both_forms_of_a_registry() -> None:
    schema = settings_schema()
    assert set(schema["properties"]) == {
        *("registry", "branch", "exclusive", "serving", "guards", "ignore")
    }
    text, mapping = schema["properties"]["registry"]["oneOf"]
    assert text["type"] == "string"
    assert mapping["$ref"] == "#/$defs/RegistryEntry"
    assert schema["$defs"]["RegistryEntry"]["required"] == ["uri"]


def test_reading_files_needs_neither_mlflow_nor_git_nor_a_network() -> None:
    script = "import sys, reconciler.yaml_files; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"mlflow", "git", "requests", "rich", "click", "ruamel"})
