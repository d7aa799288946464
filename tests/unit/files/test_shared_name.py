"""Two state folders of one name may not declare the same model: nothing else tells them apart."""

from pathlib import Path

import pytest

from reconciler.errors import DeclarationError
from reconciler.files.loader import load
from reconciler.files.shared_name import require_own_models

_PROD = "registry: {uri: 'http://h/', name: prod}"


def _check(root: Path, settings: str, other: str, model: str = "fraud") -> None:
    for folder, text, name in (("a", settings, "fraud"), ("b", other, model)):
        (root / folder).mkdir()
        (root / folder / "reconciler.yaml").write_text(text)
        (root / folder / "file.yaml").write_text(f"model: {name}\ndescription: Of {folder}\n")
    require_own_models(root / "a", load(root / "a", "a"), ["b"])


@pytest.mark.parametrize("other", [_PROD, "registry: {uri: [http://x, HTTP://H], name: prod}"])
def test_a_copied_folder_is_refused_while_it_has_the_same_name(tmp_path: Path, other: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        _check(tmp_path, _PROD, other)
    (problem,) = caught.value.problems
    assert (problem.where, problem.model) == ("a/file.yaml:1", "fraud")
    assert "in the folder `b` beside this one, too" in problem.message


@pytest.mark.parametrize(
    ("other", "model"),
    [
        (_PROD, "churn"),
        ("registry: {uri: http://h, name: dev}", "fraud"),
        ("registry: {uri: http://other, name: prod}", "fraud"),
        ("registry: {uri: http://h, name: prod, workspace: team-a}", "fraud"),
        ("registry: http://h", "fraud"),
        ("registry: [", "fraud"),
    ],
)
def test_folders_that_can_be_told_apart_stand_side_by_side(
    tmp_path: Path, other: str, model: str
) -> None:
    _check(tmp_path, _PROD, other, model)
