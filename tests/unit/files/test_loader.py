"""State folders: what they declare, and everything that is wrong with them at once."""

import json
import subprocess
import sys
from typing import Any

import pytest

from reconciler.core.state import Declaration, DeclaredVersion, Field
from reconciler.errors import DeclarationError
from reconciler.files.loader import parse_declaration

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
    assert problem.where == "state/a:b.yaml:2:1"
    assert "`a:b` is not a model name" in problem.message
    assert parse_declaration(b"model: m", "state/a:b.yaml").model == "m"


def test_a_problem_names_the_model_of_its_file() -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(b"model: fraud\nx: 1\n", "f.yaml")
    assert [problem.model for problem in caught.value.problems] == ["fraud"]


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


def test_reading_files_needs_neither_mlflow_nor_git_nor_a_network() -> None:
    script = "import sys, reconciler.files.loader; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"mlflow", "git", "requests", "click", "ruamel"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("aliases: [champion]", "write `versions: {4: {aliases: [champion]}}`, with the number)"),
        ("alias: champion", "(`aliases` stands at its version"),
        ("stage: Production", "(`stage` stands at its version: write `versions: {4: {stage: Prod"),
        ("run_id: x", "(`run_id` stands at its version"),
        ("stages: {Production: 3}", "(`stage` stands at its version"),
        ("versions:\n  4: {}\n>>>>>>> main", "this line is a marker of a merge conflict (choose"),
        ("models: [{name: a}]", "unknown key `models` (write one file for each model"),
        (
            "- model: a\n- model: b",
            "a mapping of keys but a list (write `key: value` lines; each model has a file",
        ),
        ("name: fraud", "unknown key `name` (write `model:`)"),
        ("branch: main", "(this is a setting of the whole folder: write it into `reconciler.yaml`"),
        ("status: x", "unknown key `status` (the keys here are"),
        ("apiVersion: v1", "unknown key `apiVersion` (this is a plain file, without a head as in"),
        ("spec: {}", "unknown key `spec` (this is a plain file"),
        ("versions: {4: {status: READY}}", "(the stage of a version is `stage`; its status is"),
        ("versions: {4: {run: x}}", "(did you mean `run_id`?)"),
        ("versions: {4: {stage: prod}}", "(did you mean `Production`?)"),
        ("versions: {4: {stage: production}}", "(did you mean `Production`?)"),
        ("versions: {4: {stage: staging}}", "(did you mean `Staging`?)"),
        ("versions: {4: {stage: stg}}", "(did you mean `Staging`?)"),
        ("versions: {4: {stage: archive}}", "(did you mean `Archived`?)"),
        ("versions: {4: {stage: none}}", "(did you mean `None`?)"),
        ("versions: {v3: {}}", "`v3` is not a version number (write `3`)"),
        ("versions: {version 3: {}}", "(write `3`)"),
        ("versions: {3.0: {}}", "(write `3`)"),
        ("versions: {03: {}}", "(write `3`)"),
        ("versions: {latest: {}}", "(`latest` would mean another version after each registration"),
        ("versions: {Production: {}}", "the stage below it, like `4: {stage: Production}`)"),
        ("versions: {champion: {}}", "is below it, like `4: {aliases: [champion]}`)"),
        ("versions: {4: Production}", "not text (write `4: {stage: Production}`)"),
        ("versions: {4: yes}", "not text (give it keys, like `4: {stage: Production}` or `4: {}`)"),
        ("versions: {4: {stage: {{ stage }}}}", "this is a template, and files are read as they"),
        ("versions: {4: {stage: {{ .Values.x }}}}", "this is a template"),
        ('versions: {4: {stage: {{ x["a"] }}}}', "this is a template"),
        ("model: {{ name }}", "this is a template"),
        ("{% if x %}\nversions: {}", "this is a template"),
        ("versions: {4: {stage: '{{ stage }}'}}", "(this is a template"),
        ("versions: {4: {stage: $STAGE}}", "(this is a template"),
        ("versions:\n  4:\n    stage: ${STAGE}", "(this is a template"),
        ("versions: {4: {stage: ${STAGE}}}", "this is a template"),
        ("versions: {'{{ v }}': {}}", "(this is a template"),
    ],
)
def test_a_familiar_mistake_is_told_with_what_to_write(text: str, complaint: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(text.encode(), "m.yaml")
    (problem,) = caught.value.problems
    assert complaint in f"{problem.message} ({problem.hint})"


def test_braces_in_a_text_are_no_template() -> None:
    text = "description: 'use {{ x }} and ${y}'\ntags: {a: '{{ b }}'}\nmodel: '{% c %}'"
    assert parse_declaration(text.encode(), "m.yaml").model == "{% c %}"


@pytest.mark.parametrize("file", ["", "description: |\n  <<<<<<< not one\n"])
def test_a_merge_conflict_is_told_as_one_with_its_line(file: str) -> None:
    conflict = "<<<<<<< HEAD\n  4: {}\n=======\n  5: {}\n>>>>>>> other\n"
    with pytest.raises(DeclarationError) as caught:
        parse_declaration(f"{file}versions:\n{conflict}".encode(), "m.yaml")
    (problem,) = caught.value.problems
    assert problem.line == file.count("\n") + 2
    assert problem.message == "this line is a marker of a merge conflict"
    assert "`git add` the file" in str(problem.hint)
