"""What a commit had, and what in the work tree the commit alone would not declare."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.repository.objects import blob_id
from tests.support.repositories.git_lab import GitLab, opened

STATE = "registry-state"
FILE = f"{STATE}/fraud.yaml"


def dirty(lab: GitLab, folder: str = STATE) -> tuple[str, ...]:
    with opened(lab) as repo:
        return repo.dirty(lab.root / folder)


def test_a_tree_has_the_yaml_files_below_a_folder_and_nothing_hidden(lab: GitLab) -> None:
    commit = lab.commit(
        {
            FILE: "1",
            f"{STATE}/teams/a/churn.yml": "2",
            f"{STATE}/README.md": "3",
            f"{STATE}/.hidden.yaml": "4",
            f"{STATE}/.git-less/x.yaml": "5",
            f"{STATE}/UPPER.YAML": "6",
            "elsewhere.yaml": "7",
        }
    )
    with opened(lab) as repo:
        assert repo.tree(commit, STATE).keys() == {"fraud.yaml", "teams/a/churn.yml"}
        assert repo.tree(commit, f"{STATE}/teams").keys() == {"a/churn.yml"}
        assert repo.tree(commit, ".").keys() == {
            FILE,
            f"{STATE}/teams/a/churn.yml",
            "elsewhere.yaml",
        }
        assert repo.blob(repo.tree(commit, STATE)["teams/a/churn.yml"]) == b"2"


@pytest.mark.parametrize(
    "name", ["two words.yaml", "häßlich-日本.yaml", "a\nb.yaml", 'q"uote.yaml', "-x.yaml", "*.yaml"]
)
def test_any_file_name_is_read_and_compared_as_it_is(lab: GitLab, name: str) -> None:
    commit = lab.commit({f"{STATE}/{name}": "1", f"{STATE}/other.yaml": "1"})
    with opened(lab) as repo:
        assert repo.blob(repo.tree(commit, STATE)[name]) == b"1"
    lab.write({f"{STATE}/{name}": "2"})
    assert dirty(lab) == (f"{STATE}/{name}",)


def test_a_file_is_found_in_a_tree_however_often_that_is_asked(lab: GitLab) -> None:
    names = [f"{STATE}/model-{number}.yaml" for number in range(60)]
    files = {**{name: name for name in names}, f"{STATE}/1.yaml": "short", f"{STATE}/a/b.yaml": "b"}
    commit = lab.commit(files)
    with opened(lab) as repo:
        for _ in range(2):  # a tree is searched at first, and taken apart after some questions
            for name, content in files.items():
                blob = repo.blob_id(commit, name)
                assert blob is not None
                assert blob == blob_id(content.encode(), commit)
                assert repo.blob(blob).decode() == content
            for none in (f"{STATE}/.yaml", f"{STATE}/a", f"{STATE}/odel-1.yaml", "x/y", "../x"):
                assert repo.blob_id(commit, none) is None


def test_a_commit_that_is_fetched_later_is_found_then(lab: GitLab, tmp_path: Path) -> None:
    lab.commit({FILE: "1"})
    copy = lab.clone(tmp_path / "copy")
    later = lab.commit({FILE: "2"})
    with opened(copy) as repo:
        assert repo.blob_id(later, FILE) is None
        copy.git("fetch", "--quiet")
        assert repo.blob_id(later, FILE) == blob_id(b"2", later)


def test_links_and_submodules_declare_nothing(lab: GitLab, tmp_path: Path) -> None:
    inner = GitLab.new(tmp_path / "inner")
    inner.commit({"churn.yaml": "x"})
    (lab.root / STATE).mkdir()
    (lab.root / STATE / "link.yaml").symlink_to("../elsewhere.yaml")
    added = ("submodule", "add", "--quiet", str(inner.root), f"{STATE}/sub")
    lab.git("-c", "protocol.file.allow=always", *added)
    commit = lab.commit({"elsewhere.yaml": "x"})
    with opened(lab) as repo:
        assert repo.tree(commit, STATE) == {}
        assert repo.find(commit, f"{STATE}/sub") is None
    assert dirty(lab) == (f"{STATE}/link.yaml", f"{STATE}/sub/churn.yaml")


@pytest.mark.parametrize("path", ["../x.yaml", "./fraud.yaml", "/etc/x.yaml", "", "a//b", "a\nb"])
def test_a_path_that_is_not_one_below_the_root_has_no_content(lab: GitLab, path: str) -> None:
    commit = lab.commit({FILE: "x"})
    with opened(lab) as repo:
        assert repo.find(commit, path) is None
        assert repo.tree_id(commit, path) is None
        assert repo.find(commit, FILE) is not None


def test_a_folder_that_was_not_there_has_no_files(lab: GitLab) -> None:
    commit = lab.commit({FILE: "x"})
    with opened(lab) as repo:
        assert repo.tree(commit, "elsewhere") == {}
        assert repo.tree(commit, FILE) == {}


def test_a_partial_clone_fetches_what_an_old_commit_had(lab: GitLab, tmp_path: Path) -> None:
    lab.git("config", "uploadpack.allowFilter", "true")
    old = lab.commit({FILE: "old"})
    lab.commit({FILE: "new"})
    copy = lab.clone(tmp_path / "copy", options=["--filter=blob:none"])
    with opened(copy) as repo:
        found = repo.find(old, FILE)
        assert found is not None
        assert found.data == b"old"


def test_threads_do_not_get_each_others_answers(lab: GitLab) -> None:
    commit = lab.commit({f"{STATE}/{name}.yaml": str(name) * 9999 for name in range(50)})
    with opened(lab) as repo, ThreadPoolExecutor(8) as threads:
        names = list(range(50)) * 4
        found = threads.map(lambda name: repo.find(commit, f"{STATE}/{name}.yaml"), names)
        contents = [file.data.decode() for file in found if file]
    assert contents == [str(name) * 9999 for name in names]


@pytest.mark.usefixtures("lab")
def test_repositories_with_long_ids_are_read(tmp_path: Path) -> None:
    long = GitLab.new(tmp_path / "long", "--object-format=sha256")
    commit = long.commit({FILE: "x"})
    with opened(long) as repo:
        assert len(commit) == 64
        assert repo.knows(commit)
        assert repo.tree(commit, STATE) == {"fraud.yaml": long.git("rev-parse", f"HEAD:{FILE}")}


def modify(lab: GitLab) -> None:
    lab.write({FILE: "changed"})


def stage(lab: GitLab) -> None:
    lab.write({FILE: "changed"})
    lab.git("add", FILE)


def stage_and_put_back(lab: GitLab) -> None:
    stage(lab)
    lab.write({FILE: "model: fraud\n"})


def remove(lab: GitLab) -> None:
    lab.write({FILE: None})


def remove_and_stage(lab: GitLab) -> None:
    lab.git("rm", "--quiet", FILE)


def hide_and_modify(lab: GitLab) -> None:
    lab.git("update-index", "--assume-unchanged", FILE)
    lab.write({FILE: "changed"})


def hide_and_remove(lab: GitLab) -> None:
    lab.git("update-index", "--assume-unchanged", FILE)
    lab.write({FILE: None})


def skip_and_modify(lab: GitLab) -> None:
    lab.git("update-index", "--skip-worktree", FILE)
    lab.write({FILE: "changed"})


@pytest.mark.parametrize(
    "change",
    [
        modify,
        stage,
        stage_and_put_back,
        remove,
        remove_and_stage,
        hide_and_modify,
        hide_and_remove,
        skip_and_modify,
    ],
)
@pytest.mark.parametrize("folder", [STATE, "."])
def test_a_model_file_that_is_not_as_committed_is_dirty(
    lab: GitLab, change: Callable[[GitLab], None], folder: str
) -> None:
    lab.commit({FILE: "model: fraud\n", "a.txt": "x"})
    assert dirty(lab, folder) == ()
    change(lab)
    assert dirty(lab, folder) == (FILE,)


def test_a_renamed_file_is_dirty_under_both_names(lab: GitLab) -> None:
    lab.commit({FILE: "model: fraud\n"})
    lab.git("mv", FILE, f"{STATE}/churn.yaml")
    assert dirty(lab) == (f"{STATE}/churn.yaml", FILE)


def test_untracked_and_ignored_files_are_dirty_however_deep(lab: GitLab) -> None:
    lab.commit({FILE: "x", ".gitignore": f"scratch/\n*.local.yaml\n{STATE}/old/*\n"})
    lab.write(
        {
            f"{STATE}/new.yaml": "x",
            f"{STATE}/scratch/deep/a.yaml": "x",
            f"{STATE}/old/b/c.yml": "x",
            f"{STATE}/my.local.yaml": "x",
            f"{STATE}/notes.txt": "x",
            f"{STATE}/.swap.yaml": "x",
            f"{STATE}/.venv/d.yaml": "x",
            "scratch/elsewhere.yaml": "x",
        }
    )
    assert dirty(lab) == (
        f"{STATE}/my.local.yaml",
        f"{STATE}/new.yaml",
        f"{STATE}/old/b/c.yml",
        f"{STATE}/scratch/deep/a.yaml",
    )


def test_files_that_declare_nothing_are_never_dirty(lab: GitLab) -> None:
    names = (f"{STATE}/README.md", f"{STATE}/.hidden.yaml", f"{STATE}/.deep/a.yaml", "a.yaml")
    lab.commit({FILE: "x"} | dict.fromkeys(names, "x"))
    lab.write(dict.fromkeys(names, "y"))
    assert dirty(lab) == ()


@pytest.mark.parametrize("folder", [":models", "mod[e]ls", "two words", "日本"])
def test_any_folder_name_is_taken_as_it_is(lab: GitLab, folder: str) -> None:
    lab.commit({f"{folder}/fraud.yaml": "x", "models/fraud.yaml": "x"})
    assert dirty(lab, folder) == ()
    lab.write({f"{folder}/fraud.yaml": "y", "models/fraud.yaml": "y"})
    assert dirty(lab, folder) == (f"{folder}/fraud.yaml",)


def test_files_of_a_repository_inside_the_state_folder_are_dirty(lab: GitLab) -> None:
    lab.commit({FILE: "x"})
    nested = GitLab(lab.root / STATE / "nested", lab.home)
    nested.root.mkdir()
    nested.git("init", "--quiet")
    nested.commit({"churn.yaml": "x"})
    assert dirty(lab) == (f"{STATE}/nested/churn.yaml",)


def test_line_ends_that_git_converts_are_not_a_change(lab: GitLab) -> None:
    lab.git("config", "core.autocrlf", "true")
    head = lab.commit({FILE: "model: fraud\n"})
    lab.write({FILE: None})
    lab.git("checkout", "--", FILE)
    assert (lab.root / FILE).read_bytes() == b"model: fraud\r\n"
    assert dirty(lab) == ()
    lab.git("update-index", "--assume-unchanged", FILE)
    assert dirty(lab) == ()
    with opened(lab) as repo:
        found = repo.find(head, FILE)
        assert found is not None
        assert found.data == b"model: fraud\n"


def test_a_touched_file_is_not_a_change_and_the_index_stays_as_it_is(lab: GitLab) -> None:
    lab.commit({FILE: "x"})
    os.utime(lab.root / FILE, (1, 1))
    index = (lab.root / ".git" / "index").read_bytes()
    assert dirty(lab) == ()
    assert (lab.root / ".git" / "index").read_bytes() == index


def test_a_users_own_settings_do_not_change_what_is_dirty(lab: GitLab) -> None:
    lab.commit({FILE: "x"})
    for setting in ("status.short=true", "status.branch=true", "status.relativePaths=true"):
        lab.git("config", *setting.split("="))
    lab.git("config", "status.showUntrackedFiles", "no")
    lab.write({f"{STATE}/new.yaml": "x", FILE: "y"})
    assert dirty(lab) == (FILE, f"{STATE}/new.yaml")


def test_a_sparse_checkout_names_what_it_left_out(lab: GitLab) -> None:
    other = f"{STATE}/teams/churn.yaml"
    lab.commit({FILE: "x", other: "x", "docs/a.yaml": "x"})
    with opened(lab) as repo:
        assert repo.sparse(lab.root / STATE) == ()
    lab.git("sparse-checkout", "set", "docs")
    with opened(lab) as repo:
        assert repo.sparse(lab.root / STATE) == (FILE, other)
        assert repo.dirty(lab.root / STATE) == ()
    lab.git("sparse-checkout", "add", STATE)
    with opened(lab) as repo:
        assert repo.sparse(lab.root / STATE) == ()


@pytest.mark.parametrize("change", [hide_and_remove, skip_and_modify])
def test_what_was_removed_or_is_there_was_not_left_out(
    lab: GitLab, change: Callable[[GitLab], None]
) -> None:
    lab.commit({FILE: "model: fraud\n"})
    change(lab)
    with opened(lab) as repo:
        assert repo.sparse(lab.root / STATE) == ()
