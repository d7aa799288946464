"""Semantic versions end to end: logged models with signatures, on a real server."""

from pathlib import Path

import pytest

import reconciler
from reconciler.core.facts import Column, Signature
from tests.support.registries.api_lab import opened
from tests.support.registries.lab import Lab, Result
from tests.support.registries.servers import MlflowSeeds
from tests.support.repositories.edit_lab import file_of, lab_fixture  # noqa: F401  a fixture

SETTINGS = (
    "branch: main\naliases_from_semver: true\npolicies:\n  - {name: numbered, semver: true}\n"
)
AMOUNT, SCORE = Column("amount", "double"), Column("score", "double")
COUNTRY = Column("country", "string", required=False)


def logged(lab: Lab, folder: Path, *signatures: Signature | None) -> str:
    """Register a model with a version for each signature; v1 is in Production and has 1.0.0."""
    model, seeds = lab.model(0), MlflowSeeds(lab.uri, artifacts=folder)
    for signature in signatures:
        seeds.log_version(model, signature=signature)
    first = "{stage: Production, semver: 1.0.0, aliases: [major-1]}"
    lab.declare(model, f"versions:\n  2: {{}}\n  1: {first}\n")
    lab.git.commit({"registry-state/reconciler.yaml": SETTINGS})
    applied(lab)
    return model


def applied(lab: Lab) -> Result:
    lab.git.push()
    done = lab.run("apply", "--yes")
    assert done.code == 0, done.text
    return done


def promoted(lab: Lab, model: str, version: int, *arguments: str) -> Result:
    """Promote a version by `--semver auto`, commit and apply that."""
    done = lab.run("promote", model, str(version), "--semver", "auto", "--commit", *arguments)
    assert done.code == 0, done.text
    applied(lab)
    return done


def aliases(lab: Lab, model: str) -> dict[str, int]:
    held = lab.hand.values(model).items()
    return {name.removeprefix("@"): version for name, version in held if name.startswith("@")}


def takes(*inputs: Column) -> Signature:
    return Signature(inputs=inputs, outputs=(SCORE,))


def test_numbers_rise_as_signatures_need_and_aliases_follow_them(lab: Lab, tmp_path: Path) -> None:
    both, less = takes(AMOUNT, COUNTRY), takes(COUNTRY)
    model = logged(lab, tmp_path / "store", takes(AMOUNT), takes(AMOUNT), both, less)

    patch = promoted(lab, model, 2)
    assert "v2 semver: the signatures are the same: PATCH, 1.0.1 (v1 has 1.0.0)" in patch.stderr
    assert "v2 semver 1.0.1" in patch.stdout
    minor = promoted(lab, model, 3)
    assert "input `country` is new and optional: MINOR, 1.1.0 (v2 has 1.0.1)" in minor.stderr
    assert aliases(lab, model) == {"major-1": 3}

    # What a signature does not allow is refused, whoever wrote the number.
    assert lab.run("promote", model, "4", "--semver", "1.2.0", "--commit").code == 0
    refused = lab.run("plan")
    assert refused.code == 4
    assert "needs a higher MAJOR, 2.0.0, because input `amount` is gone" in " ".join(
        refused.text.split()
    )
    lab.git.git("reset", "--hard", "HEAD~1")

    major = promoted(lab, model, 4)
    assert "input `amount` is gone: MAJOR, 2.0.0 (v3 has 1.1.0)" in major.stderr
    assert "readers of the two get different versions" not in major.stderr
    assert aliases(lab, model) == {"major-1": 3, "major-2": 4}
    assert lab.hand.values(model)["v4 tag semver"] == "2.0.0"
    assert lab.run("plan", "--detailed-exitcode").code == 0

    # Going back needs no number, and who pins a major keeps it.
    assert lab.run("rollback", model, "--commit").code == 0
    applied(lab)
    assert aliases(lab, model) == {"major-1": 3, "major-2": 4}
    assert lab.hand.values(model)["v3 stage"] == "Production"
    assert lab.run("rollback", model, "--commit").code == 0
    applied(lab)
    assert aliases(lab, model) == {"major-1": 2, "major-2": 4}

    story = lab.run("history", model).text
    assert "v4 semver 2.0.0" in story


def test_a_merged_number_is_never_edited_and_a_revert_takes_it_away(
    lab: Lab, tmp_path: Path
) -> None:
    model = logged(lab, tmp_path / "store", takes(AMOUNT), takes(AMOUNT))
    promoted(lab, model, 2)
    file = file_of(lab, model)
    assert lab.run("promote", model, "2", "--semver", "1.5.0").code == 4
    merged = file.read_text()
    lab.declare(model, merged.replace("1.0.1", "1.0.2"))
    edited = lab.run("plan")
    assert edited.code == 3
    line = next(n for n, text in enumerate(merged.splitlines(), start=1) if text[2:3] == "2")
    place = f"registry-state/{model}.yaml:{line}"
    assert f"{place}: `{model}` v2 has the semantic version 1.0.2, and" in edited.text
    lab.git.git("reset", "--hard", "HEAD~1")
    lab.git.git("revert", "--no-edit", "HEAD")
    applied(lab)
    assert aliases(lab, model) == {"major-1": 1}
    assert "v2 tag semver" not in lab.hand.values(model)


def test_the_alias_of_a_major_is_guarded(lab: Lab, tmp_path: Path) -> None:
    model = logged(lab, tmp_path / "store", takes(AMOUNT), takes(COUNTRY))
    promoted(lab, model, 2)
    lab.declare(model, file_of(lab, model).read_text().replace(", aliases: [major-1]", ""))
    lab.git.push()
    refused = lab.run("apply", "--yes")
    assert refused.code == 4
    assert "@major-1 would be removed; it names v1 now" in refused.text
    assert lab.run("apply", "--yes", "--accept", f"empty-serving={model}").code == 0
    assert aliases(lab, model) == {"major-2": 2}


@pytest.mark.parametrize("signature", [Signature(), None])
def test_what_cannot_be_compared_is_not_proposed(
    lab: Lab, tmp_path: Path, signature: Signature | None
) -> None:
    model = logged(lab, tmp_path / "store", takes(AMOUNT), signature)
    before = file_of(lab, model).read_text()
    done = lab.run("promote", model, "2", "--semver", "auto")
    assert done.code == 6
    assert "no semantic version can be proposed: v2 has no signature" in done.stderr
    assert "write the number that you know to be right" in done.stderr
    assert file_of(lab, model).read_text() == before


def test_a_program_gets_the_number_and_the_reason(lab: Lab, tmp_path: Path) -> None:
    model = logged(lab, tmp_path / "store", takes(AMOUNT), takes(AMOUNT))
    edit = opened(lab).promote(model, 2, semver="auto")
    assert edit.notes[0] == "v2 semver: the signatures are the same: PATCH, 1.0.1 (v1 has 1.0.0)"
    assert "v2 semver 1.0.1" in edit.meaning
    edit.write()
    again = opened(lab).promote(model, 2, semver="auto")
    assert (again.diff, again.meaning) == ("", ())
    lab.git.git("checkout", ".")
    with pytest.raises(reconciler.UsageError, match=r"is not higher than 1\.0\.0 of v1"):
        opened(lab).promote(model, 2, semver="0.9.0")
