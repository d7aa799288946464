"""The demonstration, run as a stranger runs it: it tells the truth and leaves no trace."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.repositories.git_lab import GitLab

# What the story must say, in this order; an answer stands below what was typed for it.
_STORY = """\
v1  LogisticRegression(C=0.001)
v3  GaussianNB()
$ git commit --quiet -m "Put iris_clf v1 into Production"
$ reconciler apply --yes
  ~ v1 stage   None → Production
  ✓ v1 stage   None → Production
  ✓ @champion  v1
apply: 3 of 3 changes applied, commit recorded on 1 model
>>> load_model("models:/iris_clf/Production").predict(flowers).tolist()
['virginica', 'virginica']
>>> load_model("models:/iris_clf@champion").predict(flowers).tolist()
['virginica', 'virginica']
$ git diff
-  2: {stage: Staging}
+  2: {stage: Production, aliases: [champion]}
$ reconciler plan --out plan.json
  ~ v1 stage   Production → Archived  replaced
saved: `reconciler apply plan.json` carries out exactly this
$ reconciler apply plan.json
  ✓ v1 stage   Production → Archived  replaced
apply: 3 of 3 changes applied, commit recorded on 1 model
>>> load_model("models:/iris_clf@champion").predict(flowers).tolist()
['versicolor', 'virginica']
>>> client.set_registered_model_alias("iris_clf", "champion", "3")
>>> load_model("models:/iris_clf@champion").predict(flowers).tolist()
['versicolor', 'versicolor']
$ reconciler drift
drift: 2 changes
  ~ v3 stage   Production → Archived  drift
  ~ @champion  v3 → v2                drift
$ reconciler apply --yes
apply: 2 of 2 changes applied
['versicolor', 'virginica']
$ git revert --no-edit HEAD
$ reconciler apply --yes
  ✓ v1 stage   Archived → Production
  ✓ @champion  v2 → v1
apply: 3 of 3 changes applied, commit recorded on 1 model
['virginica', 'virginica']
$ reconciler status
          v1       Production  @champion  in sync
$ reconciler page --out page
Done: the temporary folder is gone, and nothing else was touched. With the folder
went the page: `reconciler demo --keep` keeps both.
"""


@dataclass
class Stranger:
    """Somebody in a git hook of a repository of their own, with no identity and settings."""

    lab: GitLab
    temporary: Path

    @property
    def env(self) -> dict[str, str]:
        elsewhere = f"sqlite:///{self.lab.root}/mlflow.db"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.lab.home),
            "TMPDIR": str(self.temporary),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
            "GIT_DIR": str(self.lab.root / ".git"),
            "GIT_INDEX_FILE": str(self.lab.root / ".git" / "index"),
            "MLFLOW_REGISTRY_URI": elsewhere,
            "MLFLOW_TRACKING_URI": elsewhere,
            "RECONCILER_STATE": "elsewhere",
        }

    @property
    def files(self) -> dict[str, bytes]:
        """Everything that is theirs or could be left behind, with its content."""
        folders = (self.lab.root, self.lab.home, self.temporary)
        found = (path for folder in folders for path in folder.rglob("*"))
        return {str(path): path.read_bytes() if path.is_file() else b"" for path in found}

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.lab.root,
            env={**self.env, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def run(self, *arguments: str, **environ: str) -> tuple[int, str]:
        with self.start(*arguments, **environ) as process:
            said, _ = process.communicate(timeout=240)
        return process.returncode, said


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    lab = GitLab.new(tmp_path)
    lab.commit({"theirs.txt": "as it was\n"})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    someone = Stranger(lab, temporary)
    before = someone.files
    yield someone
    assert someone.files == before


def test_the_demo_tells_the_whole_story_without_mlflow_s_chatter_and_leaves_no_trace(
    stranger: Stranger,
) -> None:
    code, said = stranger.run("-m", "reconciler", "demo")
    assert code == 0, said
    position = 0
    for line in _STORY.splitlines():
        found = said.find(f"\n{line}", position)
        assert found >= 0, f"`{line}` is missing after:\n{said[:position][-2000:]}"
        position = found + 1
    for noise in ("\x1b", "INFO", "WARNING", "Warning", "Successfully", "Created version", "%|"):
        assert noise not in said


def test_a_demo_that_is_kept_ends_with_the_address_of_its_page(
    stranger: Stranger, tmp_path: Path
) -> None:
    folder = tmp_path / "kept" / "demo é"
    code, said = stranger.run("-m", "reconciler", "demo", "--keep", str(folder))
    assert code == 0, said
    assert f"Done: all of it is in {folder}, and" in said
    address = next(line.strip() for line in said.splitlines() if line.startswith("  file://"))
    page = Path(unquote(urlsplit(address).path))
    assert page.is_relative_to(folder)
    text = page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in text
    assert "iris_clf" in text
    taken = stranger.run("-m", "reconciler", "demo", "--keep", str(folder))
    assert (taken[0], f"`{folder}` is not empty\n" in taken[1]) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_demo_that_is_stopped_half_way_leaves_no_trace_either(
    stranger: Stranger, number: signal.Signals
) -> None:
    with stranger.start("-m", "reconciler", "demo") as process:
        assert process.stdout is not None
        assert any(line.startswith("v1  ") for line in process.stdout)
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 128 + number
    assert "Done" not in rest


def test_without_scikit_learn_the_demo_says_what_to_install(stranger: Stranger) -> None:
    start = "import sys; sys.modules['sklearn'] = None; from reconciler.cli import main; main()"
    code, said = stranger.run("-c", start, "demo")
    assert code == 1
    assert "lacks scikit-learn\n" in said
    assert 'pip install "mlflow-reconciler[local]"' in said


def test_without_git_the_demo_says_so_before_it_trains_anything(stranger: Stranger) -> None:
    code, said = stranger.run("-m", "reconciler", "demo", PATH=str(stranger.lab.home))
    assert code == 1
    assert said.splitlines()[0].startswith("the demo makes a git repository, and git is not")


def test_the_demo_is_text_only(stranger: Stranger) -> None:
    code, said = stranger.run("-m", "reconciler", "--format", "json", "demo")
    assert code == 1
    assert "`demo` prints text" in said
