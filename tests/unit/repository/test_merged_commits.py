"""Which commits a merge brought: the same as git says of every merge by itself."""

import random
import subprocess
from pathlib import Path

import pytest

from reconciler.files.loader import parse_declaration
from reconciler.repository.log import read_log
from reconciler.repository.merged_commits import read_branches
from tests.support.repositories.git_lab import GitLab, opened


def _history(rng: random.Random, commits: int) -> str:
    """Return a history for `git fast-import`: side lines that fork, merge, and merge each other."""
    parts: list[str] = []
    tips = {"main": 0}
    for mark in range(1, commits + 1):
        branch = "main" if mark == 1 else rng.choice([*tips, f"b{rng.randrange(6)}"])
        before = tips.get(branch) or tips["main"]
        choice = sorted({*tips.values()} - {before})
        others = rng.sample(choice, k=min(len(choice), rng.choice((0, 0, 1, 2))))
        date = 1_700_000_000 + rng.randrange(10**6)  # dates that say nothing of the order
        lines = [f"commit refs/heads/{branch}", f"mark :{mark}"]
        lines += [f"committer A <a@example.com> {date} +0000", "data 1", "x"]
        lines += [f"from :{before}"] if before else []
        lines += [f"merge :{other}" for other in others]
        lines += ["M 100644 inline registry-state/m.yaml", f"data {len(str(mark)) + 16}"]
        lines += [f"versions: {{{mark}: {{}}}}", ""]
        parts.append("\n".join(lines))
        tips[branch] = mark
    return "\n".join(parts)


@pytest.mark.parametrize("seed", range(4))
def test_a_merge_brought_what_its_first_parent_did_not_have(tmp_path: Path, seed: int) -> None:
    lab = GitLab.new(tmp_path)
    stream = _history(random.Random(seed), 80).encode()  # noqa: S311  no secret
    subprocess.run(["git", "fast-import", "--quiet"], cwd=lab.root, input=stream, check=True)
    lab.git("reset", "--quiet", "--hard", "main")
    with opened(lab) as repo:
        log = read_log(repo, "registry-state", parse_declaration)
    merges = [one.commit for one in log.merged if len(one.commit.parents) > 1]
    assert len(merges) > 3
    assert list(log.line) == lab.git("rev-list", "--first-parent", "--reverse", "main").split()
    for merge in merges:
        own, *others = merge.parents
        order = ("--topo-order", "--reverse")
        said = lab.git("rev-list", *order, *others, f"^{own}").split()
        assert {one.id for one in merge.brought} == set(said)
        assert len(merge.brought) == len(said)
        places = {one.id: place for place, one in enumerate(merge.brought)}
        assert all(
            places[parent] < places[one.id]
            for one in merge.brought
            for parent in one.parents
            if parent in places
        ), "oldest first"
        assert all(log.landed[one] == merge.id for one in said)


def test_the_line_begins_where_it_is_asked_for(tmp_path: Path) -> None:
    lab = GitLab.new(tmp_path)
    lab.commit()
    lab.branch("old")
    lab.commit()
    lab.checkout("main")
    lab.merge("old")
    first = lab.commit({"registry-state/m.yaml": "versions: {1: {}}"})
    lab.branch("new")
    branch = lab.commit()
    lab.checkout("main")
    merge = lab.merge("new")
    with opened(lab) as repo:
        log = read_log(repo, "registry-state", parse_declaration)
        assert (log.line, log.landed) == ((first, merge), {branch: merge})
        found = read_branches(repo, merge, log.merged[0].commit, {merge})
        assert [one.id for one in found.brought[merge]] == [branch]
        assert read_branches(repo, merge, log.merged[0].commit, ()).brought == {}
