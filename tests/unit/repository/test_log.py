"""How commits relate, which one a name means, and what this clone has."""

from pathlib import Path

import pytest

from reconciler.errors import OutOfStep, UsageError
from tests.support.repositories.git_lab import GitLab, opened

STATE = "registry-state"
FILE = f"{STATE}/fraud.yaml"


def test_merge_base_and_ancestors_follow_branches_and_merges(lab: GitLab) -> None:
    base = lab.commit({"a": "1"})
    lab.branch("feature")
    feature = lab.commit({"b": "1"})
    lab.checkout("main")
    main = lab.commit({"c": "1"})
    with opened(lab) as repo:
        assert repo.merge_base(feature, main) == base
        assert repo.is_ancestor(base, feature)
        assert repo.is_ancestor(main, main)
        assert not repo.is_ancestor(feature, main)
        assert not repo.is_ancestor(main, base)
    merge = lab.merge("feature")
    with opened(lab) as repo:
        assert repo.merge_base(feature, merge) == feature
        assert repo.is_ancestor(main, merge)


def test_a_revert_contains_what_it_reverts(lab: GitLab) -> None:
    lab.commit({"a": "1"})
    changed = lab.commit({"a": "2"})
    revert = lab.revert(changed)
    with opened(lab) as repo:
        assert repo.is_ancestor(changed, revert)
        assert (lab.root / "a").read_text() == "1"


def test_unrelated_histories_have_no_merge_base(lab: GitLab) -> None:
    one = lab.commit({"a": "1"})
    lab.git("checkout", "--quiet", "--orphan", "other")
    other = lab.commit({"a": "2"})
    with opened(lab) as repo:
        assert repo.merge_base(one, other) is None
        assert not repo.is_ancestor(one, other)
        with pytest.raises(OutOfStep, match="no commit in common"):
            repo.fork("main")


def test_many_questions_have_the_same_answers_as_few(lab: GitLab) -> None:
    line = [lab.commit({"a": str(number)}) for number in range(24)]
    lab.branch("side", line[5])
    side = lab.commit({"b": "1"})
    with opened(lab) as repo:
        assert all(repo.merge_base(commit, line[-1]) == commit for commit in line)
        assert repo.merge_base(side, line[-1]) == line[5]
        assert repo.merge_base(line[-1], line[3]) == line[3]


@pytest.mark.parametrize("commit", ["-", "", "HEAD", "main", "--all", "0" * 40, "f" * 39])
def test_what_is_not_the_full_id_of_a_commit_is_not_known(lab: GitLab, commit: str) -> None:
    head = lab.commit()
    with opened(lab) as repo:
        assert repo.knows(head)
        assert not repo.knows(commit)
        assert repo.merge_base(commit, head) is None


def test_a_blob_is_not_a_commit(lab: GitLab) -> None:
    head = lab.commit({FILE: "x"})
    with opened(lab) as repo:
        assert not repo.knows(repo.tree(head, STATE)["fraud.yaml"])


def test_a_shallow_clone_says_so_and_does_not_know_what_was_cut_off(
    lab: GitLab, tmp_path: Path
) -> None:
    old, new = lab.commit({"a": "1"}), lab.commit({"a": "2"})
    copy = lab.clone(tmp_path / "copy", depth=1)
    with opened(copy) as repo:
        assert repo.is_shallow
        assert (repo.knows(old), repo.knows(new)) == (False, True)
    copy.git("fetch", "--quiet", "--unshallow")
    with opened(copy) as repo:
        assert not repo.is_shallow
        assert repo.knows(old)


def test_rewritten_history_is_not_known_in_a_clone(lab: GitLab, tmp_path: Path) -> None:
    lab.commit({"a": "1"})
    replaced = lab.commit({"a": "2"})
    lab.git("commit", "--quiet", "--amend", "--message", "said better")
    with opened(lab.clone(tmp_path / "copy")) as repo:
        assert not repo.is_shallow
        assert not repo.knows(replaced)


def test_a_replaced_object_does_not_change_what_a_commit_had(lab: GitLab) -> None:
    one, two = lab.commit({FILE: "1"}), lab.commit({FILE: "2"})
    lab.git("replace", one, two)
    with opened(lab) as repo:
        found = repo.find(one, FILE)
        assert found is not None
        assert found.data == b"1"


def test_the_main_line_is_what_origin_says(lab: GitLab, tmp_path: Path) -> None:
    lab.git("branch", "--quiet", "-M", "trunk")
    tip = lab.commit()
    copy = lab.clone(tmp_path / "copy", branch="trunk")
    copy.branch("feature")
    copy.commit({"a": "1"})
    with opened(copy) as repo:
        assert repo.main_line(None) == ("origin/trunk", tip)


def test_without_a_remote_the_main_line_is_the_branch_that_is_named(lab: GitLab) -> None:
    tip = lab.commit()
    with opened(lab) as repo:
        assert repo.main_line(None) is None
        assert repo.main_line("main") == ("main", tip)
        assert repo.main_line("release") is None


def test_what_the_remote_has_goes_before_a_local_branch(lab: GitLab, tmp_path: Path) -> None:
    pushed = lab.commit()
    copy = lab.clone(tmp_path / "copy")
    copy.commit({"a": "not pushed"})
    with opened(copy) as repo:
        assert repo.main_line("main") == ("origin/main", pushed)


def test_a_push_moves_the_main_line(lab: GitLab, tmp_path: Path) -> None:
    lab.commit()
    lab.git("checkout", "--quiet", "--detach")
    copy = lab.clone(tmp_path / "copy")
    pushed = copy.commit({"a": "1"})
    copy.push()
    with opened(copy) as repo:
        assert repo.main_line(None) == ("origin/main", pushed)


def test_a_ref_is_a_branch_a_tag_or_an_id(lab: GitLab) -> None:
    first = lab.commit()
    lab.git("tag", "--annotate", "v1", "--message", "one")
    second = lab.commit()
    with opened(lab) as repo:
        assert repo.resolve("v1") == first
        assert repo.resolve("main") == second
        assert repo.resolve(second[:10]) == second
        assert repo.resolve("HEAD~1") == first


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("mian", "did you mean `main`?"),
        ("dev", "did you mean `origin/dev`?"),
        ("zzzz", "this clone may not have it: `git fetch`"),
        ("--all", "this clone may not have it: `git fetch`"),
        ("", "this clone may not have it: `git fetch`"),
    ],
)
def test_an_unknown_ref_is_a_usage_error_that_names_similar_ones(
    lab: GitLab, tmp_path: Path, ref: str, hint: str
) -> None:
    lab.commit()
    lab.git("branch", "dev")
    with (
        opened(lab.clone(tmp_path / "copy")) as repo,
        pytest.raises(UsageError, match="is not a branch, tag or commit here") as refusal,
    ):
        repo.resolve(ref)
    assert refusal.value.hint == hint


def test_the_fork_is_where_the_checkout_left_a_branch(lab: GitLab) -> None:
    base = lab.commit()
    lab.branch("feature")
    lab.commit({"a": "1"})
    lab.checkout("main")
    lab.commit({"b": "1"})
    lab.checkout("feature")
    with opened(lab) as repo:
        assert repo.fork("main") == base


def test_a_fork_that_was_cut_off_says_how_to_fetch_it(lab: GitLab, tmp_path: Path) -> None:
    lab.commit()
    lab.branch("feature")
    lab.commit({"a": "1"})
    lab.checkout("main")
    lab.commit({"b": "1"})
    copy = lab.clone(tmp_path / "copy", depth=1, branch="feature")
    copy.git("fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
    with opened(copy) as repo, pytest.raises(OutOfStep) as refusal:
        repo.fork("origin/main")
    assert refusal.value.hint == "git fetch --unshallow"
