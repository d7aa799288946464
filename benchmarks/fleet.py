"""A fleet of models to measure: their files, and the git history of these files."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

PROMOTED: Final = 200  # models that are promoted together, where there are as many
COMMITS: Final = 200  # after the first; each declares another part of the models anew
FOLDER: Final = "registry-state"

_SETTINGS: Final = "branch: main\n"
_POLICIES: Final = """\
policies:
  - name: not-worse
    require: incumbent == null || metrics.test_auc >= incumbent.metrics.test_auc - 0.002
  - name: enough-data
    require: metrics.rows > 100000
"""


@dataclass(frozen=True)
class Fleet:
    """So many models with so many versions each; the newest is in Staging, the one before serves.

    Two versions of each model are declared, whatever the number that there are. With more `commits`
    than models each commit promotes one model. `runs` are those of the versions that a promotion
    compares, or of all.
    """

    models: int = 1000
    versions: int = 10
    commits: int = COMMITS
    runs: Literal["compared", "all"] = "compared"

    @property
    def numbers(self) -> range:
        """The models' numbers."""
        return range(self.models)

    @property
    def promoted(self) -> range:
        """Those that are promoted together."""
        return range(min(self.models, PROMOTED))

    @property
    def one(self) -> int:
        """The one that is promoted alone."""
        return self.models // 2

    def __str__(self) -> str:
        return f"{self.models:,} × {self.versions:,}"


def name(number: int) -> str:
    """Return a model's name."""
    return f"model-{number:04}"


def description(number: int, revision: int) -> str:
    """Return a model's description."""
    return f"Scores card transactions of region {number}, revision {revision}"


def run(number: int, version: int) -> str:
    """Return the id of the run that a version came from."""
    return f"{number:016x}{version:016x}"


def touched_by(number: int) -> int:
    """Return which commit declared a model last, counted from the first."""
    return 1 + number % COMMITS


def declaration(number: int, newest: int, *, revision: int = 1, promoted: bool = False) -> str:
    """Return a model's file: the last version but one serves, or the newest once promoted."""
    stages = ("Production", "Archived") if promoted else ("Staging", "Production")
    aliases = ("    aliases: [champion]\n", "") if promoted else ("", "    aliases: [champion]\n")
    return (
        f"description: {description(number, revision)}\n"
        f"tags: {{owner: team-{number % 20}}}\n"
        "versions:\n"
        f"  {newest}:\n"
        f"    stage: {stages[0]}\n"
        f"{aliases[0]}"
        f"    tags: {{risk_tier: high, data_version: 2.{newest}}}\n"
        "    description: Adds merchant-risk features\n"
        f"    run_id: {run(number, newest)}\n"
        f"  {newest - 1}:\n"
        f"    stage: {stages[1]}\n"
        f"{aliases[1]}"
        f"    tags: {{risk_tier: high, data_version: 2.{newest - 1}}}\n"
        f"    run_id: {run(number, newest - 1)}\n"
    )


class Repository:
    """A repository whose `main` can stand on the tags `steady`, `one`, `many` and `judged`."""

    def __init__(self, root: Path, fleet: Fleet) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("fast-import", "--quiet", stdin="".join(_history(fleet)).encode())
        self.stand_on("steady")
        self.commits: Sequence[str] = self.git("rev-list", "--reverse", "steady").split()

    def stand_on(self, tag: str) -> str:
        """Let `main` be what a tag names, in the work tree too, and return its commit."""
        self.git("reset", "--quiet", "--hard", tag)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the repository and return what it prints."""
        done = subprocess.run(  # noqa: S603  git, with arguments of our own
            [shutil.which("git") or "git", *arguments],
            cwd=self.root,
            input=stdin,
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode().strip()


def _history(fleet: Fleet) -> Iterator[str]:
    """Yield what `git fast-import` reads."""
    newest, steady = fleet.versions, "refs/heads/main"
    first = {_file(n): declaration(n, newest, revision=0) for n in fleet.numbers}
    yield from _commit(steady, {"reconciler.yaml": _SETTINGS, **first})
    for commit in range(1, fleet.commits + 1):
        yield from _commit(steady, dict(_touched(fleet, commit)))
    many = {_file(n): declaration(n, newest, promoted=True) for n in fleet.promoted}
    tags: dict[str, list[dict[str, str]]] = {
        "steady": [],
        "one": [{_file(fleet.one): declaration(fleet.one, newest, promoted=True)}],
        "many": [many],
        "judged": [{"reconciler.yaml": _SETTINGS + _POLICIES}, many],
    }
    for tag, commits in tags.items():
        yield f"reset refs/tags/{tag}\nfrom {steady}\n\n"
        for files in commits:
            yield from _commit(f"refs/tags/{tag}", files)


def _touched(fleet: Fleet, commit: int) -> Iterator[tuple[str, str]]:
    """Yield the files of a commit: its part of the models, or one, which it promotes."""
    if fleet.commits <= fleet.models:
        for number in fleet.numbers:
            if touched_by(number) == commit:
                yield _file(number), declaration(number, fleet.versions)
        return
    number, later = (commit - 1) % fleet.models, (fleet.commits - commit) // fleet.models
    yield _file(number), declaration(number, fleet.versions - later, revision=1 + later)


def _file(number: int) -> str:
    return f"{name(number)}.yaml"


def _commit(ref: str, files: dict[str, str]) -> Iterator[str]:
    yield f"commit {ref}\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 7\ndeclare\n"
    for path, text in files.items():
        yield f"M 100644 inline {FOLDER}/{path}\ndata {len(text)}\n{text}\n"
