"""Where the state folder is looked for, and what is said when it is not there."""

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.repository.locate import find_state_folder, repository_root, working_directory

STATE = "registry-state"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "team" / "deep").mkdir(parents=True)
    (tmp_path / STATE).mkdir()
    return tmp_path


def test_a_working_directory_that_was_deleted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert working_directory() == gone
    assert working_directory("below") == gone / "below"
    gone.rmdir()
    for root in (None, "below"):
        with pytest.raises(UsageError, match="does not exist any more"):
            working_directory(root)
    assert working_directory(tmp_path) == tmp_path
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [("/", "the whole file system"), ("../" * 40, "the whole file system"), ("x" * 5000, "long")],
)
def test_what_cannot_be_a_state_folder_is_told(root: Path, given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_state_folder(given, root, root)


def test_the_working_directory_goes_before_the_root(root: Path) -> None:
    here = root / "team" / STATE
    here.mkdir()
    assert find_state_folder(STATE, root / "team", root) == here


def test_from_a_folder_below_it_is_found_from_the_root(root: Path) -> None:
    assert find_state_folder(STATE, root / "team" / "deep", root) == root / STATE
    assert find_state_folder(STATE, root / STATE, root) == root / STATE


def test_an_absolute_path_is_taken_as_it_is(root: Path) -> None:
    assert find_state_folder(str(root / STATE), root / "team", None) == root / STATE


def test_a_missing_folder_names_every_place_once_and_how_to_get_one(root: Path) -> None:
    with pytest.raises(UsageError) as failure:
        find_state_folder("models", root / "team", root)
    assert failure.value.message == (
        "there is no state folder `models`: "
        f"looked for `{root / 'team' / 'models'}` and `{root / 'models'}`"
    )
    assert "`reconciler init`" in (failure.value.hint or "")
    with pytest.raises(UsageError) as failure:
        find_state_folder("models", root, root)
    assert failure.value.message.count(str(root)) == 1


def test_a_slip_in_a_folders_name_is_told(root: Path) -> None:
    with pytest.raises(UsageError) as failure:
        find_state_folder(STATE.replace("state", "sttae"), root, root)
    assert (failure.value.hint or "").startswith(f"did you mean `{Path(STATE).name}`?")


def test_a_file_is_not_a_state_folder(root: Path) -> None:
    (root / STATE / "fraud.yaml").touch()
    with pytest.raises(UsageError, match="is a file") as failure:
        find_state_folder("fraud.yaml", root / STATE, root)
    assert failure.value.hint == f"did you mean `--state {root / STATE}`?"


def test_the_repositorys_root_is_the_nearest_folder_with_git_in_it(root: Path) -> None:
    assert repository_root(root / "team" / "deep") is None
    (root / ".git").mkdir()
    assert repository_root(root / "team" / "deep") == root
    (root / "team" / ".git").touch()  # a worktree's and a submodule's is a file
    assert repository_root(root / "team" / "deep") == root / "team"
