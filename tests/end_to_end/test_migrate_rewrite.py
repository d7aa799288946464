"""`migrate rewrite`: git takes the patch, and then only what a person decides loads by stage."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.api.usage.scanning import scan_sources
from reconciler.core.state import STAGES
from tests.support.registries.lab import Lab
from tests.support.repositories.git_lab import GitLab
from tests.support.repositories.history_lab import offline
from tests.support.usage.labelled_corpus import CORPUS

_SETTINGS = (
    "exclusive: [Production, Staging]\nbridge: {Production: champion, Staging: challenger}\n"
)
_MODEL = "versions:\n  2: {stage: Production}\n  1: {aliases: [challenger]}\n"
_ODD = {
    "app/crlf.py": b'import mlflow\r\nURI = "models:/fraud/Production"\r\n',
    "app/mark.py": b'\xef\xbb\xbfU = "models:/fraud/Production"\nV = "models:/fraud/staging"\n',
    "app/no newline.yaml": b"a: b\nuri: models:/fraud/Production",
    "app/latin.py": '# coding: latin-1\nURI = "models:/fraud/Production"  # é\n'.encode("latin-1"),
    "app/wide.env": "URI=models:/fraud/Production\n".encode("utf-16"),
}


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Lab:
    return offline(tmp_path)


def _corpus() -> dict[str, bytes]:
    return {
        f"app/{path.relative_to(CORPUS).as_posix().removesuffix('.txt')}": path.read_bytes()
        for path in CORPUS.rglob("*.txt")
    }


def _by_stage(git: GitLab) -> set[tuple[str, int, int]]:
    return {
        (load.file, load.line, load.column)
        for load in scan_sources(["app"], git.root).loads
        if load.loads in STAGES or "get_latest_versions" in load.text
    }


def test_after_the_patch_nothing_loads_by_stage_but_what_a_person_has_to_decide(lab: Lab) -> None:
    files = _corpus()
    lab.git.commit({**files, **_ODD})
    loads = scan_sources(["app"], lab.git.root).loads
    models = {load.model for load in loads if load.model is not None} - {"elsewhere"}
    lab.git.commit(
        {
            "registry-state/reconciler.yaml": _SETTINGS,
            **{f"registry-state/m{n}.yaml": f"model: {m}\n{_MODEL}" for n, m in enumerate(models)},
        }
    )
    before = _by_stage(lab.git)
    answer = lab.run("migrate", "rewrite", "--path", "app", "--format", "json")
    assert answer.code == 0
    document = answer.document
    assert lab.git.git("status", "--porcelain") == "", "it edits no file"
    assert {place["file"] for place in document["rewritten"]} >= {
        "app/crlf.py",
        "app/mark.py",
        "app/no newline.yaml",
        "app/notebook/explore.ipynb",
        "app/python/airflow_dag.py",
    }

    printed = subprocess.run(
        [sys.executable, "-m", "reconciler", "migrate", "rewrite", "app"],
        cwd=lab.git.root,
        env=lab.git.env,
        capture_output=True,
        check=True,
    )
    assert printed.stdout.decode() == document["patch"]
    lab.git.write({"../fix.patch": printed.stdout})
    lab.git.git("apply", "--whitespace=nowarn", "../fix.patch")

    undecided = {(one["file"], one["line"], one["column"]) for one in document["undecided"]}
    after = _by_stage(lab.git)
    assert len(before) > len(after) > 0
    assert {place[:2] for place in after} <= {place[:2] for place in undecided}
    assert {"app/latin.py", "app/wide.env"} <= {file for file, *_ in after}
    for file, data in files.items():
        content = (lab.git.root / file).read_bytes()
        if file.endswith(".py") and _compiles(data):
            assert _compiles(content), file
        if file.endswith((".ipynb", ".json")) and _is_json(data):
            assert _is_json(content), file
    crlf = (lab.git.root / "app/crlf.py").read_bytes()
    assert crlf == b'import mlflow\r\nURI = "models:/fraud@champion"\r\n'
    again = lab.run("migrate", "rewrite", "app")
    assert (again.code, again.stdout) == (0, "")


def _compiles(data: bytes) -> bool:
    try:
        ast.parse(data)
    except SyntaxError:
        return False
    return True


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def test_what_is_undecided_goes_to_stderr_with_its_place_and_what_to_write(lab: Lab) -> None:
    source = """\
import mlflow

client = mlflow.MlflowClient()
mlflow.pyfunc.load_model("models:/fraud/Production")
mlflow.pyfunc.load_model("models:/fraud/latest")
mlflow.pyfunc.load_model("models:/fraud/Staging")
mlflow.pyfunc.load_model("models:/other/Production")
mlflow.pyfunc.load_model(f"models:/fraud/{stage}")
client.get_latest_versions("fraud", stages=["Production"])
mlflow.pyfunc.load_model("models:/fraud@champion")
"""
    lab.git.commit(
        {"app/a.py": source, "registry-state/fraud.yaml": "versions: {2: {stage: Production}}\n"}
    )
    done = lab.run("migrate", "rewrite", "app", "--path", "app/a.py")
    assert done.code == 0
    assert [line for line in done.stdout.splitlines() if line[:1] in "+-"] == [
        "--- a/app/a.py",
        "+++ b/app/a.py",
        '-mlflow.pyfunc.load_model("models:/fraud/Production")',
        '+mlflow.pyfunc.load_model("models:/fraud@champion")',
    ]
    for line, instead in {
        5: "an alias",
        6: "--bridge Staging=ALIAS",
        7: "reconciler import other",
        8: "models:/MODEL@ALIAS",
        9: 'get_model_version_by_alias("fraud", "champion")',
    }.items():
        assert f"app/a.py:{line}:" in done.stderr
        assert instead in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "the patch changes 1 place in 1 file; 5 to be decided by hand"
    )
    r = reconciler.open("registry-state", root=lab.git.root, environ={}, warn=lambda _: None)
    answer = r.rewrite("app")
    assert answer.patch == done.stdout
    assert [one.load.line for one in answer.undecided] == [5, 6, 7, 8, 9]


def test_a_patch_is_for_the_root_of_the_repository_that_the_code_is_in(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "service").mkdir()
    other = GitLab.new(tmp_path / "service")
    other.commit({"src/deep/a.py": 'U = "models:/fraud/Production"\n'})
    lab.git.commit({"registry-state/fraud.yaml": "versions: {2: {aliases: [champion]}}\n"})
    done = lab.run("migrate", "rewrite", str(other.root / "src"))
    assert "--- a/src/deep/a.py\n" in done.stdout
    other.write({"../fix.patch": done.stdout})
    other.git("apply", "../fix.patch")
    assert (other.root / "src/deep/a.py").read_text() == 'U = "models:/fraud@champion"\n'
    for arguments in ((), ("nowhere",), ("src", "--bridge", "Staging=x")):
        assert lab.run("migrate", "rewrite", *arguments).code == 1


def test_the_report_and_the_check_know_the_code_that_loads_by_stage(lab: Lab) -> None:
    source = """\
U = "models:/fraud/Production"
V = f"models:/{name}/{stage}"
W = "models:/else/Staging"
X = f"models:/{name}/Production"
Y = f"models:/{name}@champion"
"""
    lab.git.commit(
        {
            "app/a.py": source,
            "registry-state/reconciler.yaml": "serving: {alias: champion}\n",
            "registry-state/fraud.yaml": "versions: {2: {aliases: [champion]}}\n",
        }
    )
    check = lab.run("migrate", "stages", "--check", "--scan", "app", "--format", "json")
    assert check.code == 2
    found = [(one["what"], one["file"], one["line"]) for one in check.document["depends"]]
    assert found == [("code", "app/a.py", line) for line in (1, 3, 4)]
    assert [one["line"] for one in check.document["unknown"]] == [2]
    assert [one["model"] for one in check.document["elsewhere"]] == ["else", None]
    assert lab.run("migrate", "stages", "--check").code == 0
    assert lab.run("migrate", "stages", "--check", "--scan", "nowhere").code == 1
