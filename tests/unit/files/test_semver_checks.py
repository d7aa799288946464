"""Semantic versions in a file: one number for one version, its tag, and the aliases of majors."""

from pathlib import Path

import pytest

from reconciler.core.state import Declaration, Field
from reconciler.errors import DeclarationError
from reconciler.files.loader import load

ALIASES = "aliases_from_semver: true\n"


def loaded(folder: Path, text: str, settings: str = "{}") -> Declaration:
    folder.joinpath("reconciler.yaml").write_text(settings)
    folder.joinpath("m.yaml").write_text(text)
    return load(folder, "state").declarations["m"]


def complaints(folder: Path, text: str, settings: str = "{}") -> list[str]:
    """Return what is wrong with a model's file, as `line:column message (hint)`."""
    with pytest.raises(DeclarationError) as caught:
        loaded(folder, text, settings)
    return [f"{p.line}:{p.column} {p.message} ({p.hint})" for p in caught.value.problems]


def test_a_number_stands_for_one_version(tmp_path: Path) -> None:
    text = "versions:\n  3:\n    semver: 2.1.0\n  '4':\n    semver: 2.1.0\n  5: {semver: 2.1.1}\n"
    assert complaints(tmp_path, text) == [
        (
            "5:13 version 3 has the semantic version 2.1.0 already (a number stands for one "
            "version: give this one another number)"
        )
    ]


def test_the_tag_is_not_written_beside_the_key(tmp_path: Path) -> None:
    text = "versions:\n  3:\n    semver: 2.1.0\n    tags:\n      semver: 2.1.0\n"
    assert complaints(tmp_path, text) == [
        (
            "5:7 tag `semver` is written by `semver` (remove the tag: `semver` sets it for this "
            "version)"
        )
    ]


def test_the_tag_without_the_key_is_a_tag_as_any_other(tmp_path: Path) -> None:
    declared = loaded(tmp_path, "versions: {3: {tags: {semver: any}}, 4: {semver: 2.1.0}}\n")
    assert declared.fields == {
        Field("tag", 3, "semver"): "any",
        Field("tag", 4, "semver"): "2.1.0",
    }


def test_the_tag_may_not_be_ignored(tmp_path: Path) -> None:
    found = complaints(tmp_path, "versions: {3: {semver: 2.1.0}}\n", "ignore: {tags: [sem*]}\n")
    assert found == [
        (
            "1:16 tag `semver`, which `semver` writes, is ignored by `ignore.tags` (remove "
            "`semver`, or do not ignore the tag)"
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "versions: {4: {stage: Production, semver: 2.1.0, aliases: [major-2]}}\n",
        "versions: {4: {stage: Staging, semver: 2.1.0}}\n",
        "versions: {4: {stage: Production}}\n",
        (
            "versions:\n  5: {stage: Production, semver: 3.0.0, aliases: [major-3]}\n"
            "  4: {stage: Archived, semver: 2.1.0, aliases: [major-2]}\n"
        ),
        "versions: {4: {aliases: [major-release]}}\n",
    ],
)
def test_aliases_of_majors_that_hold(tmp_path: Path, text: str) -> None:
    loaded(tmp_path, text, ALIASES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "versions: {4: {stage: Archived, semver: 3.0.0, aliases: [major-2]}}\n",
            (
                "1:58 alias `major-2` is on version 4, which has the semantic version 3.0.0 "
                "(`aliases_from_semver` keeps it on the newest version of its number: move it "
                "there)"
            ),
        ),
        (
            "versions: {4: {aliases: [major-2]}}\n",
            (
                "1:26 alias `major-2` is on version 4, which has no `semver` "
                "(`aliases_from_semver` keeps it on the newest version of its number: move it "
                "there)"
            ),
        ),
        (
            "versions: {4: {stage: Production, semver: 2.1.0, aliases: [champion]}}\n",
            (
                "1:35 version 4 serves (Production) with the semantic version 2.1.0, and alias "
                "`major-2` is on no version (write `aliases: [champion, major-2]` for version 4, "
                "as `reconciler promote` does)"
            ),
        ),
        (
            (
                "versions:\n  4: {stage: Production, semver: 2.1.0}\n"
                "  3: {semver: 2.0.0, aliases: [major-2]}\n"
            ),
            (
                "2:26 version 4 serves (Production) with the semantic version 2.1.0, and alias "
                "`major-2` is on version 3 (write `aliases: [major-2]` for version 4 and take it "
                "from version 3, as `reconciler promote` does)"
            ),
        ),
    ],
)
def test_aliases_of_majors_that_do_not_hold(tmp_path: Path, text: str, found: str) -> None:
    assert complaints(tmp_path, text, ALIASES) == [found]
    loaded(tmp_path, text)


def test_the_version_that_serves_by_an_alias_has_its_major_too(tmp_path: Path) -> None:
    settings = f"serving: {{alias: champion}}\n{ALIASES}"
    text = "versions: {4: {semver: 2.1.0, aliases: [champion]}}\n"
    (found,) = complaints(tmp_path, text, settings)
    assert "version 4 serves (@champion) with the semantic version 2.1.0" in found
    bridged = f"bridge: {{Production: champion}}\n{settings}"
    (found,) = complaints(tmp_path, "versions: {4: {semver: 2.1.0, stage: Production}}\n", bridged)
    assert "version 4 serves (@champion) with the semantic version 2.1.0" in found


def test_the_aliases_of_majors_may_not_be_ignored(tmp_path: Path) -> None:
    settings = f"ignore: {{aliases: ['major-*']}}\n{ALIASES}"
    assert complaints(tmp_path, "{}\n", settings)[0] == (
        "2:22 aliases like `major-1` are ignored by `ignore.aliases` (do not ignore them, or "
        "remove `aliases_from_semver`)"
    )


@pytest.mark.parametrize("number", ["2.1", "v2.1.0", "02.1.0", "~", "[2]", "2.1.0-rc1"])
def test_a_number_that_is_none_is_told_once(tmp_path: Path, number: str) -> None:
    text = f"versions: {{4: {{stage: Production, semver: {number}, aliases: [major-2]}}}}\n"
    assert len(complaints(tmp_path, text, ALIASES)) == 1
