"""State folders: which files count, and everything that is wrong with them at once."""

import os
from pathlib import Path

import pytest

from reconciler.core.settings import Settings
from reconciler.errors import DeclarationError, ExitCode
from reconciler.files.loader import load
from reconciler.files.state_folder import FoundFile, contents


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


def messages(folder: Path) -> list[str]:
    """Return the same without the hints."""
    return [complaint.partition(" (")[0] for complaint in complaints(folder)]


def test_a_folder_is_read_with_its_sub_folders_sorted_by_model(tmp_path: Path) -> None:
    files = {"z.yaml": "model: a", "team/b.yml": "{}", "team/deep/c.yaml": "{}", "README.md": "#"}
    desired = load(state(tmp_path, files), "registry-state")
    assert desired.folder == "registry-state"
    assert [(name, each.file) for name, each in desired.declarations.items()] == [
        ("a", "registry-state/z.yaml"),
        ("b", "registry-state/team/b.yml"),
        ("c", "registry-state/team/deep/c.yaml"),
    ]
    assert desired.settings == Settings()
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
        "a/a.yaml": "model: a: b",
        "a/b.yaml": "\ttags: {}",
        "c.yaml": "model: b\nmodle: d\n",
    }
    assert messages(state(tmp_path, files)) == [
        "state/a/a.yaml:1:9 a `: ` that is not after a key",
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


def test_one_mistake_does_not_hide_another_across_keys(tmp_path: Path) -> None:
    text = (
        "versions:\n"
        "  4: {stage: Production, aliases: [a], x: 1}\n"
        "  3: {stage: Production, aliases: [b, a]}\n"
        "  2: {stage: Staging, aliases: [c], blocked: broken}\n"
    )
    assert messages(state(tmp_path, {"m.yaml": text})) == [
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
        assert complaints(folder)[0].startswith(
            f"state/m.yaml:1:{len(text) - 1 - len(stage)} version 4 is in"
        )
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


@pytest.mark.parametrize(
    ("settings", "versions", "where"),
    [
        ("", "{4: {stage: Production}}", "in `Production`"),
        ("serving: {alias: blue}", "{4: {aliases: [blue]}}", "serving (@blue)"),
        ("serving: {alias: blue}", "{4: {stage: Production}}", "in `Production`"),
    ],
)
def test_a_retired_model_has_no_version_in_use(
    tmp_path: Path, settings: str, versions: str, where: str
) -> None:
    text = f"versions: {versions}\nretired: true\n"
    files = {"reconciler.yaml": settings or "branch: main", "m.yaml": text}
    (complaint,) = complaints(state(tmp_path, files))
    assert complaint.startswith(
        f"state/m.yaml:2:10 the model is retired, but version 4 is declared {where}"
    )


@pytest.mark.parametrize("versions", ["{4: {stage: Staging}}", "{4: {aliases: [x]}}", "{}"])
def test_a_retired_model_may_have_versions_that_do_not_serve(tmp_path: Path, versions: str) -> None:
    folder = state(tmp_path, {"m.yaml": f"versions: {versions}\nretired: true\n"})
    assert load(folder, "state").declarations["m"].retired


def test_what_is_ignored_may_not_be_declared(tmp_path: Path) -> None:
    files = {
        "reconciler.yaml": "ignore: {models: [tmp-*], tags: [ci.*], aliases: [x-*]}",
        "tmp-a.yaml": "{}",
        "m.yaml": "tags: {mlflow.user: a, reconciler.owner: b}\n"
        "versions: {4: {tags: {ci.run: c, Mlflow.x: d}, aliases: [y, x-1]}}\n",
    }
    why = "is ignored: `mlflow.*` and `reconciler.*` always are, others by `ignore.tags`"
    assert messages(state(tmp_path, files)) == [
        f"state/m.yaml:1:8 tag `mlflow.user` {why}",
        f"state/m.yaml:1:24 tag `reconciler.owner` {why}",
        f"state/m.yaml:2:23 tag `ci.run` {why}",
        "state/m.yaml:2:61 alias `x-1` is ignored by `ignore.aliases`",
        "state/tmp-a.yaml:1:1 model `tmp-a` is ignored by `ignore.models`",
    ]


def test_a_model_in_two_files_is_wrong_and_both_places_are_named(tmp_path: Path) -> None:
    files = {"a.yaml": "# x\nmodel: m", "b/m.yaml": "retired: true", "c.yaml": "model: 'm'"}
    first, second = complaints(state(tmp_path, files))
    assert first.startswith("state/b/m.yaml:1:1 model `m` is declared in state/a.yaml:2:8 already")
    assert second.startswith("state/c.yaml:1:8 model `m` is declared in state/a.yaml:2:8 already")


def test_names_that_differ_only_in_case_are_a_warning(tmp_path: Path) -> None:
    files = {
        "a.yaml": "model: Fraud",
        "b.yaml": "model: fraud\nversions: {4: {aliases: [Champion, champion]}, 3: {aliases: [b]}}",
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
    assert messages(folder) == [
        "state/dangling.yml a symbolic link cannot declare anything",
        "state/file.yaml a symbolic link cannot declare anything",
        "state/folder a symbolic link cannot declare anything",
    ]


def test_files_that_only_look_like_ours_are_complaints(tmp_path: Path) -> None:
    files = {"m.yaml": "{}", "team/reconciler.yaml": "[", "reconciler.yml": "[", "UP.YAML": "["}
    folder = state(tmp_path, files)
    os.mkfifo(folder / "pipe.yaml")
    (folder / os.fsdecode(b"\xff.yaml")).touch()
    apart = "a folder with its own `reconciler.yaml` is a state of its own"
    instead = "use `--state state/team`, or move it out of this state folder"
    assert complaints(folder) == [
        "state/UP.YAML the ending is not in lower case (rename it to end in `.yaml`)",
        "state/pipe.yaml this is not a regular file (remove it from the state folder)",
        "state/reconciler.yml settings are read from `reconciler.yaml` only (rename it)",
        f"state/team/reconciler.yaml {apart} ({instead})",
        "state/\ufffd.yaml the name of the file is not UTF-8 (rename it)",
    ]


def test_a_file_that_is_too_large_is_one_complaint(tmp_path: Path) -> None:
    (complaint,) = complaints(state(tmp_path, {"m.yaml": "#" * 3_000_000}))
    assert "the file is larger than 1,000,000 bytes" in complaint
    folder = state(tmp_path, {"m.yaml": "model: m\n" + "#" * 900_000})
    assert list(load(folder, "state").declarations) == ["m"]


def test_what_vanishes_while_it_is_read_is_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as caught:
        FoundFile(str(tmp_path / "gone.yaml"), "state/gone.yaml").read(100)
    (problem,) = caught.value.problems
    assert problem.where == "state/gone.yaml"
    assert problem.message == "the file cannot be read: No such file or directory"
    (problem,) = contents(str(tmp_path / "gone"), "state/gone").problems
    assert problem.message == "the folder cannot be read: No such file or directory"


def test_a_former_name_is_neither_declared_nor_the_models_own(tmp_path: Path) -> None:
    files = {
        "a.yaml": "versions: {}\nrenamed_from: b",
        "b.yaml": "model: b",
        "c.yaml": "renamed_from: c",
        "d.yaml": "renamed_from: gone",
        "e.yaml": "renamed_from: gone",
    }
    assert messages(state(tmp_path, files)) == [
        "state/a.yaml:2:15 `b` is still declared, in state/b.yaml:1:8",
        "state/c.yaml:1:15 `c` is the name of this model, not a former one",
        "state/e.yaml:1:15 `gone` became another model already, in state/d.yaml:1:15",
    ]
    for name in ("b.yaml", "c.yaml", "e.yaml"):
        (tmp_path / name).unlink()
    assert load(tmp_path, "state").declarations["a"].renamed_from == "b"


def test_a_digest_is_not_the_only_pin_where_another_state_lies_beside(tmp_path: Path) -> None:
    digest = f"digest: sha256:{'0f' * 32}"
    entry = tmp_path / "fraud.yaml"
    entry.write_text(f"versions: {{4: {{stage: Production, {digest}}}}}\n")
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, "prod", others=["staging"])
    (problem,) = caught.value.problems
    assert "has the stage `Production` and no pin besides its `digest`" in problem.message
    assert "add `run_id` or `source`" in str(problem.hint)
    entry.write_text(f"versions: {{4: {{stage: Production, source: s3://x, {digest}}}}}\n")
    assert load(tmp_path, "prod", others=["staging"]).declarations["fraud"].versions[4].has_pin
